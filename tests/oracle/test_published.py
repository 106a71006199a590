"""Models that others published: each converts to what they expect, or is
refused with the reason. tests/data/onnx/README.md names their sources."""

import pathlib
import unittest

import numpy as np
import onnx
from onnx import numpy_helper

import nbits
import oracle

FOLDER = oracle.ROOT / "tests" / "data" / "onnx"

# The type of each weight in the container. Blocks of 16 that do not share a
# scale in pairs fit no block type and are stored dequantized.
CONVERTED = {
    "ort-js/js_00_K16_N8_bs16_sym.onnx": "Q4_0",
    "ort-js/js_02_K32_N8_bs16_sym.onnx": "F32",
    "ort-js/js_04_K48_N8_bs16_sym.onnx": "F32",
    "ort-js/js_06_K64_N8_bs16_sym.onnx": "F32",
    "ort-js/js_08_K80_N8_bs16_asym.onnx": "F32",
    "ort-js/js_10_K16_N16_bs16_asym.onnx": "Q4_1",
    "ort-js/js_12_K16_N32_bs16_asym.onnx": "Q4_1",
    "ort-js/js_14_K32_N16_bs16_asym.onnx": "F32",
    "ort-js/js_16_K32_N32_bs16_asym.onnx": "F32",
    "ort-js/js_17_K32_N32_bs32_sym.onnx": "Q4_0",
    "ort-js/js_20_K16_N8_bs16_sym.onnx": "Q4_0",
    "ort-js/js_22_K16_N8_bs16_sym.onnx": "Q4_0",
    "ort_matmulnbits_add.onnx": "Q4_0",
    "openvino/matmulnbits_3x4.onnx": "Q4_0",
}

# Embeddings: the number in each half row of 16 columns.
GATHERED = {
    "openvino/gather_block_quantized_int4_f16.onnx": [1, -4, 2, 0.75],
    "openvino/gather_block_quantized_uint8.onnx": None,
    "openvino/gather_block_quantized_uint8_bits2.onnx": None,
}

# Pieces of the one line on stderr, in lower case.
DEQUANTIZE = ["dequantizelinear", "'x'"]
REFUSED = {
    "migraphx/matmulnbits_block_size_not_power_of_two_test.onnx": [
        "block_size",
        "20",
    ],
    "migraphx/matmulnbits_block_size_too_small_test.onnx": ["block_size", "8"],
    "migraphx/matmulnbits_invalid_bits_value_test.onnx": ["bits", "5"],
    "migraphx/matmulnbits_invalid_b_dims_test.onnx": [
        "b has the shape [4, 2, 8]",
        "[4, 1, 8]",
    ],
    "migraphx/matmulnbits_invalid_scales_dims_test.onnx": [
        "scales has the shape [3]",
        "[4, 1",
    ],
    "migraphx/matmulnbits_invalid_zp_dims_test.onnx": [
        "zero_points has the shape [5]",
        "[4, 1",
    ],
    # Well formed, but the weights are inputs of the graph, not in the file.
    "migraphx/matmulnbits_mm_test.onnx": ["'b'", "input"],
    # Quantized weights of other operators.
    "migraphx/matmulbnb4_nf4_test.onnx": ["matmulbnb4"],
    "onnx-node/test_dequantizelinear_blocked/model.onnx": DEQUANTIZE,
    "onnx-node/test_dequantizelinear_int4/model.onnx": DEQUANTIZE,
    "onnx-node/test_dequantizelinear_uint4/model.onnx": DEQUANTIZE,
}

# Input and output of models without files of expected numbers.
EXPECTED = {
    "openvino/matmulnbits_3x4.onnx": (
        np.arange(1, 13).reshape(3, 4),
        [[31.25, 28.125, 24], [78.75, 75.625, 72], [126.25, 123.125, 120]],
    ),
    # Every weight is 1.
    "ort_matmulnbits_add.onnx": ([[1, 2], [-3, 0.5]], [[3] * 3, [-2.5] * 3]),
}


def expected_values(name, node):
    """(x, y) of a model, f32; y has the shape [.., n]."""
    if name in EXPECTED:
        x, y = EXPECTED[name]
        return np.asarray(x, np.float32), np.asarray(y, np.float32)
    stem = FOLDER / name.removesuffix(".onnx")
    x = np.fromfile(f"{stem}.A.f32", "<f4")
    y = np.fromfile(f"{stem}.Y.f32", "<f4")
    shape = (1, 2, -1) if name.startswith("ort-js/js_20") else (-1,)
    return x.reshape(*shape, node.k), y.reshape(*shape, node.n)


class Published(unittest.TestCase):
    def test_every_model_is_named(self):
        found = {
            path.relative_to(FOLDER).as_posix()
            for path in FOLDER.rglob("*.onnx")
        }
        self.assertEqual(found, {*CONVERTED, *GATHERED, *REFUSED})

    def test_converted(self):
        for name, dtype in CONVERTED.items():
            with self.subTest(model=name):
                self.check_converted(name, dtype)

    def check_converted(self, name, dtype):
        (node,) = oracle.read_nodes(FOLDER / name)
        path = oracle.convert(self, FOLDER / name)
        info = oracle.info(path)
        (linear,) = info["linears"]
        self.assertEqual((linear["k"], linear["n"]), (node.k, node.n))
        self.assertEqual(linear["accuracy_level"], node.accuracy_level)
        (tensor,) = (
            t for t in info["tensors"] if t["name"] == linear["weight"]
        )
        self.assertEqual(tensor["dtype"], dtype)

        # The scales of all these models are f16 numbers, so Q4_0 is exact too.
        weight = oracle.dump(path, linear["weight"])
        expected = node.weight().astype(np.float32)
        file = FOLDER / name.replace(".onnx", ".W.f32")
        if file.exists():
            published = np.fromfile(file, "<f4").reshape(node.n, node.k)
            np.testing.assert_array_equal(expected, published)
        np.testing.assert_array_equal(weight, expected)

        # A sum of k products in f32, in any order.
        x, y = expected_values(name, node)
        limit = node.k * 2.0**-23 * np.abs(x).max() * np.abs(weight).max()
        actual = oracle.matmul(path, linear["name"], x, "--accuracy", 0)
        self.assertEqual(actual.shape, y.shape)
        self.assertLessEqual(np.abs(actual - y).max(), limit)

    def test_gathered(self):
        for name, halves in GATHERED.items():
            with self.subTest(model=name):
                model = onnx.load(FOLDER / name)
                halves = halves or self.halves(model)
                path = oracle.convert(self, FOLDER / name)
                actual = oracle.dump(path, "data")
                expected = np.repeat(halves, 16).reshape(2, 32)
                np.testing.assert_array_equal(actual, expected)

    def halves(self, model):
        """The number in each block: all of its codes are the same."""
        (node,) = model.graph.node
        bits = {a.name: a.i for a in node.attribute}["bits"]
        data, scales = map(numpy_helper.to_array, model.graph.initializer)
        codes = nbits.unpack(data, bits, 32).astype(int)[:, ::16]
        return ((codes - (1 << (bits - 1))) * scales).reshape(-1)

    def test_refused(self):
        for name, words in REFUSED.items():
            with self.subTest(model=name):
                folder = oracle.scratch(self)
                output = folder / "out.gguf"
                result = oracle.run("convert", FOLDER / name, "-o", output)
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertRegex(result.stderr, r"\Aquire: [^\n]+\n\Z")
                said = result.stderr.replace(str(FOLDER), "")
                said = said.replace(pathlib.Path(name).name, "").lower()
                for word in words:
                    self.assertIn(word, said)
                self.assertEqual(list(folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
