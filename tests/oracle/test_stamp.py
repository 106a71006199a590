"""stamp, strip and edit: gguf-py, xxhash and spec/read.py read the results."""

import json
import subprocess
import sys
import unittest

import gguf
import numpy as np
import xxhash

import oracle

Q = gguf.GGMLQuantizationType
T = gguf.GGUFValueType
DTYPES = (Q.F32, Q.F16, Q.BF16, Q.Q4_0, Q.Q4_1, Q.Q5_0, Q.Q5_1, Q.Q8_0)


def write_foreign(path, alignment=None, dtypes=DTYPES, strings=3):
    """A file written by gguf-py, with keys of every type."""
    writer = gguf.GGUFWriter(path, "llama")
    if alignment:
        writer.add_custom_alignment(alignment)
    writer.add_name("Foreign")
    for type in (T.UINT8, T.INT8, T.UINT16, T.INT16, T.UINT32, T.INT32):
        writer.add_key_value(f"test.{type.name}", 7, type)
    writer.add_key_value("test.u64", 2**64 - 1, T.UINT64)
    writer.add_key_value("test.i64", -(2**63), T.INT64)
    writer.add_float32("test.f32", 0.1)
    writer.add_float64("test.f64", 0.1)
    writer.add_bool("test.bool", True)
    writer.add_array("test.words", [f"word {i} é" for i in range(strings)])
    writer.add_array("test.numbers", list(range(-5, 5)))
    if any(dtype not in (Q.F32, Q.F16, Q.BF16) for dtype in dtypes):
        writer.add_quantization_version(2)
    random = np.random.default_rng(5)
    for dtype in dtypes:
        values = random.standard_normal((17, 96)).astype(np.float32)
        data = gguf.quants.quantize(values, dtype)
        writer.add_tensor(f"{dtype.name}.weight", data, raw_dtype=dtype)
    writer.add_tensor("odd", np.arange(7, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def keys(reader):
    """Key, types and value of each entry, without Quire's own."""
    return [
        (key, field.types, field.contents())
        for key, field in reader.fields.items()
        if not key.startswith(("GGUF.", "quire.")) and key != "general.alignment"
    ]


def tensors(reader):
    return [
        (t.name, t.tensor_type, t.shape.tolist(), t.data.tobytes())
        for t in reader.tensors
    ]


def read_by_specification(path):
    command = [sys.executable, "-B", oracle.ROOT / "spec" / "read.py", path]
    read = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(read.stdout)


def tool(name, *arguments):
    """One of gguf-py's own tools."""
    command = [sys.executable, "-m", f"gguf.scripts.gguf_{name}"]
    subprocess.run(
        command + [str(word) for word in arguments],
        capture_output=True,
        check=True,
    )


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = oracle.scratch(self)
        self.foreign = self.folder / "foreign.gguf"
        self.stamped = self.folder / "stamped.gguf"
        self.plain = self.folder / "plain.gguf"

    def compare(self, a, b, changed=()):
        """The tensors are the same, and so are the keys and their order,
        except those changed."""
        a, b = gguf.GGUFReader(a), gguf.GGUFReader(b)
        self.assertEqual(tensors(a), tensors(b))
        self.assertEqual(
            [row for row in keys(a) if row[0] not in changed],
            [row for row in keys(b) if row[0] not in changed],
        )
        return b


class Stamp(Case):
    def there_and_back(self, alignment):
        oracle.quire("stamp", self.foreign, "-o", self.stamped)
        oracle.quire("verify", self.stamped)
        reader = self.compare(self.foreign, self.stamped)
        self.assertEqual(reader.alignment, 16384)
        for tensor in reader.tensors:
            self.assertEqual(tensor.data_offset % 16384, 0)
        self.assertEqual(
            reader.fields["quire.tensor.xxh3"].contents() or [],
            [xxhash.xxh3_64_intdigest(t.data.tobytes()) for t in reader.tensors],
        )
        oracle.quire(
            "strip", self.stamped, "-o", self.plain, "--align", alignment
        )
        self.assertEqual(
            self.plain.read_bytes(), self.foreign.read_bytes(), "not the same"
        )

    def test_there_and_back(self):
        for arguments in (
            {},
            {"alignment": 8},
            {"alignment": 64},
            {"alignment": 65536},
            {"dtypes": (Q.F16, Q.BF16)},
            {"dtypes": ()},
        ):
            with self.subTest(arguments):
                for path in (self.stamped, self.plain):
                    path.unlink(missing_ok=True)
                write_foreign(self.foreign, **arguments)
                self.there_and_back(arguments.get("alignment", 32))

    def test_great_vocabulary(self):
        """250,000 strings and 20,000 keys stay as they are."""
        writer = gguf.GGUFWriter(self.foreign, "llama")
        writer.add_array("words", [f"▁{i}" for i in range(250_000)])
        for i in range(20_000):
            writer.add_uint32(f"key.{i}", i)
        writer.add_tensor("t", np.arange(7, dtype=np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        oracle.quire("stamp", self.foreign, "-o", self.stamped)
        oracle.quire("verify", self.stamped)
        oracle.quire("strip", self.stamped, "-o", self.plain)
        self.assertEqual(self.plain.read_bytes(), self.foreign.read_bytes())

    def test_stamped_is_a_container(self):
        write_foreign(self.foreign)
        oracle.quire("stamp", self.foreign, "-o", self.stamped)
        self.assertEqual(
            read_by_specification(self.stamped), oracle.info(self.stamped)
        )

    def test_converted_keeps_its_linears(self):
        path = oracle.convert(self, oracle.MODELS / "f32.onnx")
        oracle.quire("stamp", path, "-o", self.stamped, "--align", 64)
        oracle.quire("verify", self.stamped)
        old, new = oracle.info(path), oracle.info(self.stamped)
        self.assertGreater(len(old["linears"]), 0)
        self.assertEqual(old["linears"], new["linears"])
        for a, b in zip(old["tensors"], new["tensors"], strict=True):
            self.assertEqual({**a, "offset": 0}, {**b, "offset": 0})
        self.compare(path, self.stamped)
        oracle.quire("strip", path, "-o", self.plain)
        self.compare(path, self.plain)
        self.assertEqual(
            [key for key in oracle.info(self.plain)["metadata"]],
            [key for key, _, _ in keys(gguf.GGUFReader(path))],
        )


class Edit(Case):
    CHANGES = (
        ("--set", "general.name=New", "general.name", T.STRING, "New"),
        ("--set", "test.INT8=-1", "test.INT8", T.INT8, -1),
        ("--set", "test.u64=5", "test.u64", T.UINT64, 5),
        ("--set", "test.f32:f64=0.3", "test.f32", T.FLOAT64, 0.3),
        ("--set", "new.u32=3", "new.u32", T.UINT32, 3),
        ("--set", "new.bool=false", "new.bool", T.BOOL, False),
        ("--set", 'new.words=["a", "é"]', "new.words", T.ARRAY, ["a", "é"]),
        ("--set", "new.u16s:[u16]=[1, 65535]", "new.u16s", T.ARRAY, [1, 65535]),
        ("--unset", "test.bool", "test.bool", None, None),
        ("--set", "general.url=" + "x" * 20000, "general.url", T.STRING,
         "x" * 20000),
    )

    def edit_all(self, path):
        before = self.folder / "before.gguf"
        before.write_bytes(path.read_bytes())
        arguments = [word for change in self.CHANGES for word in change[:2]]
        oracle.quire("edit", path, *arguments)
        reader = self.compare(before, path, [c[2] for c in self.CHANGES])
        for _, _, key, type, value in self.CHANGES:
            with self.subTest(key=key):
                if type is None:
                    self.assertNotIn(key, reader.fields)
                    continue
                self.assertEqual(reader.fields[key].types[0], type)
                self.assertEqual(reader.fields[key].contents(), value)
        return reader

    def test_foreign_file(self):
        for alignment in (None, 8, 64):
            write_foreign(self.foreign, alignment)
            reader = self.edit_all(self.foreign)
            self.assertEqual(reader.alignment, alignment or 32)
            self.assertNotIn("quire.version", reader.fields)

    def test_container(self):
        write_foreign(self.foreign)
        oracle.quire("stamp", self.foreign, "-o", self.stamped)
        self.edit_all(self.stamped)
        oracle.quire("verify", self.stamped)
        self.assertEqual(
            read_by_specification(self.stamped), oracle.info(self.stamped)
        )

    def bless(self, path, original):
        """--force makes a good container of one that another tool edited."""
        self.assertEqual(oracle.run("verify", path).returncode, 1)
        refused = oracle.run("edit", path, "--set", "a=1")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("edited by another tool", refused.stderr)
        oracle.quire("edit", path, "--force", "--set", "a=1")
        oracle.quire("verify", path)
        self.assertEqual(
            tensors(gguf.GGUFReader(original)), tensors(gguf.GGUFReader(path))
        )
        self.assertEqual(read_by_specification(path), oracle.info(path))
        return gguf.GGUFReader(path)

    def test_after_another_tools_rewrite(self):
        model = oracle.convert(self, oracle.MODELS / "f32.onnx")
        other = self.folder / "other.gguf"
        tool(
            "new_metadata", "--general-name", "Another",
            "--general-description", "d" * 9999, model, other,
        )
        reader = self.bless(other, model)
        self.assertEqual(reader.fields["general.name"].contents(), "Another")
        self.assertEqual(
            oracle.info(other)["linears"], oracle.info(model)["linears"]
        )

    def test_after_another_tools_edit_in_place(self):
        write_foreign(self.foreign)
        oracle.quire("stamp", self.foreign, "-o", self.stamped)
        other = self.folder / "other.gguf"
        other.write_bytes(self.stamped.read_bytes())
        tool("set_metadata", "--force", other, "test.UINT32", "8")
        reader = self.bless(other, self.stamped)
        self.assertEqual(reader.fields["test.UINT32"].contents(), 8)


if __name__ == "__main__":
    unittest.main()
