"""Converting MiniLM: the container has what the source had."""

import platform
import tempfile
import unittest
import warnings

import gguf
import numpy as np

import oracle
import make_minilm

Q4_0 = gguf.GGMLQuantizationType.Q4_0
FLOATS = {
    np.dtype(np.float32): gguf.GGMLQuantizationType.F32,
    np.dtype(np.float16): gguf.GGMLQuantizationType.F16,
}


def without_source(path):
    """Tensor bytes by name, which must not depend on the source's layout."""
    _, tensors = oracle.read_gguf(path)
    return {name: tensor.data.tobytes() for name, tensor in tensors.items()}


class Converted(unittest.TestCase):
    maxDiff = None

    def check(self, model):
        """Compares every node of the model with the container. Returns its
        path."""
        source = oracle.MODELS / model
        nodes = oracle.read_nodes(source)
        self.assertEqual(len(nodes), 36)
        path = oracle.convert(self, source)
        _, tensors = oracle.read_gguf(path)
        linears = oracle.info(path)["linears"]
        self.assertEqual(
            [linear["name"] for linear in linears],
            [node.name for node in nodes],
        )
        sources = {t["name"]: t["source"] for t in oracle.info(path)["tensors"]}
        for node, linear in zip(nodes, linears):
            with self.subTest(model=model, linear=node.name):
                self.check_linear(node, linear, tensors)
                self.assertEqual(sources[linear["weight"]], node.source)
        return path

    def check_linear(self, node, linear, tensors):
        weight, bias = tensors[linear["weight"]], tensors[linear["bias"]]
        self.assertEqual((linear["k"], linear["n"]), (node.k, node.n))
        self.assertEqual(linear["accuracy_level"], node.accuracy_level)
        self.assertEqual(weight.tensor_type, Q4_0)
        self.assertEqual(list(weight.shape), [node.k, node.n])

        codes, scales = oracle.q4_0(weight)
        different = np.count_nonzero(codes != node.codes)
        self.assertEqual(different, 0, f"codes, of {codes.size}")
        rounded = node.scales.astype("<f2")
        different = np.count_nonzero(
            scales.view(np.uint16) != rounded.view(np.uint16)
        )
        self.assertEqual(different, 0, f"scales, of {scales.size}")

        self.assertEqual(bias.tensor_type, FLOATS[node.bias.dtype])
        self.assertEqual(bias.data.tobytes(), node.bias.tobytes())

    def test_f32_inline(self):
        self.check("f32.onnx")

    def test_f16(self):
        self.check("f16.onnx")

    def test_rounded(self):
        self.check("rounded.onnx")

    def test_external_is_inline(self):
        inline = without_source(self.check("f32.onnx"))
        for model in ("external.onnx", "unaligned.onnx"):
            with self.subTest(model=model):
                self.assertEqual(without_source(self.check(model)), inline)

    def test_same_bytes_again(self):
        source = oracle.MODELS / "f32.onnx"
        first = oracle.scratch(self) / "first.gguf"
        again = oracle.scratch(self) / "again.gguf"
        oracle.quire("convert", source, "-o", first, "--threads", 1)
        oracle.quire("convert", source, "-o", again, "--threads", 4)
        self.assertEqual(first.read_bytes(), again.read_bytes())

    def test_size(self):
        path = oracle.convert(self, oracle.MODELS / "f32.onnx")
        _, tensors = oracle.read_gguf(path)
        linears = oracle.info(path)["linears"]
        stored = sum(int(tensors[i["weight"]].n_bytes) for i in linears)
        dense = sum(4 * i["k"] * i["n"] for i in linears)
        print(
            f"linear weights: {dense} bytes in f32, {stored} in Q4_0, "
            f"{dense / stored:.3f} times; file {path.stat().st_size}"
        )
        self.assertGreaterEqual(dense / stored, 7.1)

    def test_reader_has_no_complaint(self):
        path = oracle.convert(self, oracle.MODELS / "f32.onnx")
        with warnings.catch_warnings(), self.assertNoLogs(level="WARNING"):
            warnings.simplefilter("error")
            reader = gguf.GGUFReader(path)
        for key in (
            "general.architecture",
            "general.quantization_version",
            "general.alignment",
            "quire.version",
            "quire.header.xxh3",
            "quire.tensor.xxh3",
            "quire.tensor.source",
            "quire.linear.name",
            "quire.linear.weight",
            "quire.linear.bias",
            "quire.linear.k",
            "quire.linear.accuracy_level",
            "quire.converter",
        ):
            self.assertIn(key, reader.fields)
        self.assertEqual(reader.alignment, 16384)
        self.assertEqual(reader.data_offset % 16384, 0)


class Example(unittest.TestCase):
    @unittest.skipUnless(
        platform.machine() == "x86_64",
        "the shipped model was quantized on x86-64; elsewhere the quantizer "
        "may round a tie to the other side",
    )
    def test_shipped_model_is_reproducible(self):
        shipped = oracle.ROOT / "examples" / "minilm-layer0-int4.onnx"
        with tempfile.NamedTemporaryFile(suffix=".onnx") as built:
            make_minilm.save(make_minilm.build([0]), built.name, external=False)
            self.assertEqual(built.read(), shipped.read_bytes())


if __name__ == "__main__":
    unittest.main()
