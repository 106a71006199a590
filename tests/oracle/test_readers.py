"""Other readers and writers of GGUF agree with Quire on what a file
contains."""

import json
import subprocess
import sys
import unittest

import gguf
import numpy as np

import oracle

Q = gguf.GGMLQuantizationType
# Metadata that `quire info --json` prints as 16 hexadecimal digits.
HASHES = ("quire.header.xxh3", "quire.source.xxh3", "quire.split.xxh3",
          "quire.tensor.xxh3")


def described(reader):
    """A GGUFReader's tensors, as `quire info --json` lists them."""
    return [
        {
            "name": tensor.name,
            "dtype": tensor.tensor_type.name,
            "shape": [int(size) for size in tensor.shape],
            "offset": int(tensor.data_offset),
            "size": int(tensor.n_bytes),
        }
        for tensor in reader.tensors
    ]


def contents(reader, key):
    """A metadata value, as `quire info --json` prints it."""
    value = reader.fields[key].contents()
    if key not in HASHES:
        return value
    if isinstance(value, list):
        return [f"{hash:016x}" for hash in value]
    return f"{value:016x}"


class Readers(unittest.TestCase):
    maxDiff = None

    def compare(self, path):
        reader, _ = oracle.read_gguf(path)
        info = oracle.info(path)
        keys = ("name", "dtype", "shape", "offset", "size")
        self.assertEqual(
            [{key: tensor[key] for key in keys} for tensor in info["tensors"]],
            described(reader),
        )
        self.assertEqual(info["data_offset"], int(reader.data_offset))
        self.assertEqual(info["alignment"], reader.alignment)
        for key, value in info["metadata"].items():
            self.assertEqual(value, contents(reader, key), key)
        return info

    def test_containers(self):
        for model in ("f32.onnx", "f16.onnx"):
            with self.subTest(model=model):
                path = oracle.convert(self, oracle.MODELS / model)
                self.compare(path)

    def test_specification_reader(self):
        path = oracle.convert(self, oracle.MODELS / "f32.onnx")
        read = subprocess.run(
            [sys.executable, "-B", oracle.ROOT / "spec" / "read.py", path],
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual(json.loads(read.stdout), oracle.info(path))

    def test_split_set(self):
        """gguf-py reads each part as a file of its own, with its own names."""
        model = oracle.MODELS / "f32.onnx"
        whole = oracle.info(oracle.convert(self, model))
        path = oracle.scratch(self) / "set.gguf"
        oracle.quire("convert", model, "-o", path, "--split-size", "1M")
        files = sorted(path.parent.iterdir())
        self.assertGreater(len(files), 3)
        named = [
            gguf.gguf_writer.SHARD_NAME_FORMAT.format("set", i + 1, len(files))
            for i in range(len(files))
        ]
        self.assertEqual([file.name for file in files], named)
        tensors = []
        for no, file in enumerate(files):
            reader, _ = oracle.read_gguf(file)
            place = [reader.fields[key].contents() for key in (
                "split.no", "split.count", "split.tensors.count")]
            self.assertEqual(
                place, [no, len(files), len(whole["tensors"])])
            self.assertEqual(reader.alignment, whole["alignment"])
            tensors += described(reader)
        info = oracle.info(files[-1])
        keys = ("name", "dtype", "shape", "offset", "size")
        self.assertEqual(
            [{key: row[key] for key in keys} for row in info["tensors"]],
            tensors)
        for key in ("name", "dtype", "shape", "size", "xxh3", "source"):
            self.assertEqual([row[key] for row in info["tensors"]],
                             [row[key] for row in whole["tensors"]], key)
        self.assertEqual(info["linears"], whole["linears"])
        read = subprocess.run(
            [sys.executable, "-B", oracle.ROOT / "spec" / "read.py",
             files[0]], capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(read.stdout), info)

    def test_foreign_file(self):
        """gguf-py writes the file; Quire lists, decodes and hashes it."""
        random = np.random.default_rng(3)
        values = random.standard_normal((24, 96)).astype(np.float32)
        path = oracle.scratch(self) / "foreign.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_uint32("foreign.number", 7)
        writer.add_array("foreign.words", ["a", "", "quire"])
        for dtype in (Q.F32, Q.F16, Q.BF16, Q.Q4_0, Q.Q4_1, Q.Q8_0):
            data = gguf.quants.quantize(values, dtype)
            writer.add_tensor(f"{dtype.name}.weight", data, raw_dtype=dtype)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

        info = self.compare(path)
        self.assertEqual(info["linears"], [])
        self.assertEqual({t["xxh3"] for t in info["tensors"]}, {None})
        for name, tensor in oracle.read_gguf(path)[1].items():
            np.testing.assert_array_equal(
                oracle.dump(path, name), oracle.decoded(tensor), name
            )
        self.assertEqual(len(oracle.quire("hash", path).splitlines()), 9)


if __name__ == "__main__":
    unittest.main()
