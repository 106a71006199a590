"""merge, split, and stamp, strip and edit on sets: gguf-py writes sets and reads
the results."""

import shutil
import unittest

import gguf
import numpy as np

import oracle
from test_stamp import Q, T, keys, read_by_specification, tensors

DTYPES = (Q.F32, Q.F16, Q.BF16, Q.Q4_0, Q.Q4_1, Q.Q5_0, Q.Q8_0)
SPLIT_KEYS = ("split.no", "split.count", "split.tensors.count")


def fill(writer, alignment=None):
    """Keys of several types, and tensors of different sizes."""
    if alignment:
        writer.add_custom_alignment(alignment)
    writer.add_name("Set")
    writer.add_key_value("test.u64", 2**64 - 1, T.UINT64)
    writer.add_float32("test.f32", 0.1)
    writer.add_array("test.words", [f"word {i} é" for i in range(300)])
    writer.add_quantization_version(2)
    random = np.random.default_rng(7)
    for i, dtype in enumerate(DTYPES):
        values = random.standard_normal((5 + 8 * i, 96)).astype(np.float32)
        data = gguf.quants.quantize(values, dtype)
        writer.add_tensor(f"{dtype.name}.weight", data, raw_dtype=dtype)
    writer.add_tensor("odd", np.arange(7, dtype=np.float32))


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_one(path, alignment=None):
    writer = gguf.GGUFWriter(path, "llama")
    fill(writer, alignment)
    finish(writer)


def write_set(path, **split):
    """path-00001-of-00003.gguf and so on; returns their paths."""
    writer = gguf.GGUFWriter(path, "llama", **split)
    fill(writer)
    finish(writer)
    return parts_of(path)


def write_set_of_llama(path, groups=((0, 1), (2, 3, 4), (5, 6, 7))):
    """As llama-gguf-split writes: split.count is set last."""
    one = path.with_name(path.name + ".one")
    write_one(one)
    whole = gguf.GGUFReader(one)
    for no, group in enumerate(groups):
        part = path.with_name(f"{path.stem}-{no + 1:05}-of-{len(groups):05}.gguf")
        writer = gguf.GGUFWriter(part, "llama")
        if no == 0:
            writer.add_name("Set")
            writer.add_quantization_version(2)
        else:
            writer.kv_data[0].clear()
        writer.add_uint16("split.no", no)
        writer.add_int32("split.tensors.count", len(whole.tensors))
        writer.add_uint16("split.count", len(groups))
        for tensor in (whole.tensors[i] for i in group):
            writer.add_tensor(
                tensor.name, np.array(tensor.data), raw_dtype=tensor.tensor_type
            )
        finish(writer)
    one.unlink()
    return parts_of(path)


def parts_of(path):
    return sorted(path.parent.glob(f"{path.stem}-*-of-*.gguf"))


def contents(paths):
    return [path.read_bytes() for path in paths]


def all_tensors(paths):
    return [row for path in paths for row in tensors(gguf.GGUFReader(path))]


class Sets(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = oracle.scratch(self)
        self.one = self.folder / "one.gguf"
        self.set = self.folder / "set.gguf"
        self.other = self.folder / "other.gguf"

    def check_set(self, paths, whole):
        """gguf-py reads each part, and together they have the whole."""
        self.assertEqual(all_tensors(paths), tensors(whole))
        for no, path in enumerate(paths):
            fields = gguf.GGUFReader(path).fields
            self.assertEqual(
                [(fields[key].types, fields[key].contents()) for key in SPLIT_KEYS],
                [
                    ([T.UINT16], no),
                    ([T.UINT16], len(paths)),
                    ([T.INT32], len(whole.tensors)),
                ],
            )
        first = [
            row for row in keys(gguf.GGUFReader(paths[0])) if row[0] not in SPLIT_KEYS
        ]
        self.assertEqual(first, keys(whole))

    def test_split_and_merge(self):
        for alignment in (None, 8, 64, 4096):
            write_one(self.one, alignment)
            for size in ("13K", "16K", "20K"):
                with self.subTest(alignment=alignment, size=size):
                    oracle.quire("split", self.one, "-o", self.set, "--size", size)
                    paths = parts_of(self.set)
                    self.assertGreater(len(paths), 1)
                    self.check_set(paths, gguf.GGUFReader(self.one))
                    read_by_specification(paths[-1])
                    oracle.quire("merge", paths[-1], "-o", self.other, "--force")
                    self.assertEqual(self.other.read_bytes(), self.one.read_bytes())
                    for path in paths:
                        path.unlink()

    def test_merge_what_gguf_py_split(self):
        write_one(self.one)
        for split in (
            {"split_max_tensors": 1},
            {"split_max_tensors": 3},
            {"split_max_size": 20000},
            {"split_max_size": 20000, "small_first_shard": True},
        ):
            with self.subTest(split):
                paths = write_set(self.set, **split)
                self.assertGreater(len(paths), 1)
                oracle.quire("merge", *paths, "-o", self.other, "--force")
                self.assertEqual(self.other.read_bytes(), self.one.read_bytes())
                for path in paths:
                    path.unlink()

    def each_set(self):
        yield "gguf-py", write_set(self.set, split_max_tensors=3)
        yield "first without tensors", write_set(
            self.set, split_max_size=20000, small_first_shard=True
        )
        yield "llama-gguf-split", write_set_of_llama(self.set)

    def test_edit_and_back(self):
        for name, paths in self.each_set():
            with self.subTest(name):
                before = contents(paths)
                oracle.quire("edit", paths[1], "--set", "general.url=" + "x" * 999)
                self.assertNotEqual(paths[0].read_bytes(), before[0])
                self.assertEqual(contents(paths[1:]), before[1:])
                fields = gguf.GGUFReader(paths[0]).fields
                self.assertEqual(fields["general.url"].contents(), "x" * 999)
                oracle.quire("edit", paths[-1], "--unset", "general.url")
                self.assertEqual(contents(paths), before)
                oracle.quire(
                    "edit", paths[0], "--set", "general.name=Set", "-o", self.other
                )
                self.assertEqual(contents(parts_of(self.other)), before)
                for path in paths + parts_of(self.other):
                    path.unlink()

    def test_stamp_and_strip(self):
        for name, paths in self.each_set():
            with self.subTest(name):
                before = contents(paths)
                oracle.quire("stamp", paths[1], "-o", self.other)
                stamped = parts_of(self.other)
                oracle.quire("verify", *stamped)
                self.assertEqual(all_tensors(stamped), all_tensors(paths))
                self.assertEqual(
                    read_by_specification(stamped[0]), oracle.info(stamped[0])
                )
                oracle.quire("strip", stamped[-1], "-o", self.one)
                self.assertEqual(contents(parts_of(self.one)), before)
                for path in paths + stamped + parts_of(self.one):
                    path.unlink()

    def test_containers(self):
        """What convert writes: split, merged, and split by convert itself."""
        model = oracle.convert(self, oracle.MODELS / "f32.onnx")
        shutil.copy(model, self.one)
        size = self.one.stat().st_size // 2
        oracle.quire("split", self.one, "-o", self.set, "--size", size)
        paths = parts_of(self.set)
        self.assertGreater(len(paths), 1)
        self.check_set(paths, gguf.GGUFReader(self.one))
        self.assertEqual(read_by_specification(paths[0]), oracle.info(paths[0]))
        self.assertEqual(
            oracle.info(paths[0])["linears"], oracle.info(self.one)["linears"]
        )
        oracle.quire(
            "convert", oracle.MODELS / "f32.onnx", "-o", self.other,
            "--split-size", size,
        )
        self.assertEqual(contents(paths), contents(parts_of(self.other)))
        oracle.quire("merge", paths[0], "-o", self.other)
        self.assertEqual(self.other.read_bytes(), self.one.read_bytes())


if __name__ == "__main__":
    unittest.main()
