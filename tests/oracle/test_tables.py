"""The tables of other projects' MatMulNBits tests, row by row. Shapes,
variants and tolerances are theirs; the weights are ours, and the reference is
the operator's formula in f64. f16 represents the scales, and each scale times
its zero point, exactly: so this measures arithmetic alone. Rounding of scales
has its own tests (test_quantizers.py).

Of the largest shapes, those of 5120 rows and those of MLAS's benchmark with
blocks of 128, only some rows are compared with the formula. M = 4096 of the
benchmark takes minutes; `test_runtime_published all` (tests/unit) computes it,
and all tables with every kernel set.
"""

import unittest
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import nbits
import oracle

# ORT's matmul_4bits_test.cc: (N, K, block) for each M, and (M, N, K, block).
ORT_M = (1, 2, 100)
ORT_4_BITS = (
    (1, 16, 16), (2, 16, 16), (32, 16, 16), (32, 32, 16), (32, 16, 128),
    (288, 16, 16), (288, 1024, 16), (288, 1024, 128), (288, 93, 32),
    (288, 93, 128), (288, 1234, 16),
)
ORT_LEVEL_4 = ((100, 288, 192, 64),)
ORT_F16 = ((100, 64, 32, 32), (100, 128, 128, 32))
# matmul_8bits_test.cc adds these.
ORT_8_BITS = (
    (1, 8, 16, 16), (1, 4, 32, 16), (2, 4, 32, 16), (1, 4, 64, 16),
    (1, 256, 32, 16), (2, 288, 1024, 128), (1, 40, 576, 32),
    (2, 40, 576, 32), (32, 64, 260, 32),
)
ORT_8_BITS_LARGE = (2, 5120, 3072, 32)
VARIANTS = (
    "plain", "zero points", "g_idx", "g_idx in order", "bias", "float zero "
    "points", "flat scales",
)
# (abs, rel)
TOLERANCE_F32 = (1e-5, 1e-5)
TOLERANCE_F16 = (0.055, 0.02)
TOLERANCE_LEVEL_4 = (0.1, 0.02)

# MLAS: M x N x K, relative error below 0.005; and (K, N) of its benchmark.
MLAS = (
    *((b, b, b) for b in (*range(1, 16), 16, 32, 64, 128, 256, 288)),
    (43, 500, 401),
    *((m, 1027, 1031) for m in (1, 11)),
    *((m, 527, 2131) for m in (1, 11)),
)
MLAS_RELATIVE = 0.005
MLAS_BENCH_128 = tuple((k, n) for k in (4096, 11008) for n in (4096, 11008))
# Rows of a large weight that are compared.
SOME_ROWS = 48
MLAS_BENCH_64 = (
    (384, 1024), (1024, 192), (1024, 384), (1024, 4096), (4096, 1024),
)
# tract: w4a8 GEMV.
TRACT_RELATIVE = 0.02


def pack(codes, bits):
    """[rows, count] -> uint8 [rows, bytes], low bits first."""
    each = 8 // bits
    count = -(-codes.shape[1] // each) * each
    padded = np.zeros((len(codes), count), np.uint8)
    padded[:, : codes.shape[1]] = codes
    parts = padded.reshape(len(codes), -1, each).astype(np.uint16)
    shifts = np.arange(0, 8, bits, dtype=np.uint16)
    return (parts << shifts).sum(axis=2).astype(np.uint8)


@dataclass
class Row:
    """One linear of a table."""

    n: int
    k: int
    block: int
    bits: int = 4
    variant: str = "plain"
    m: tuple = ORT_M


class Model:
    """One model that has a node for each row."""

    def __init__(self, rows, dtype, seed=1):
        self.rows, self.dtype = rows, np.dtype(dtype)
        self.element = helper.np_dtype_to_tensor_dtype(self.dtype)
        self.rng = np.random.default_rng(seed)
        self.nodes, self.parts, self.inputs, self.outputs = [], [], [], []
        for index, row in enumerate(rows):
            self.add(index, row)
        graph = helper.make_graph(
            self.nodes, "table", self.inputs, self.outputs, self.parts
        )
        self.proto = helper.make_model(
            graph,
            opset_imports=[
                helper.make_opsetid("", 21),
                helper.make_opsetid("com.microsoft", 1),
            ],
            ir_version=10,
        )

    def part(self, name, values):
        self.parts.append(numpy_helper.from_array(values, name))
        return name

    def add(self, index, row):
        blocks = -(-row.k // row.block)
        top = 1 << row.bits
        codes = self.rng.integers(
            0, top, (row.n, blocks * row.block), np.uint8
        )
        # 1 to 1.75 in eighths: 3 bits, and times an 8-bit zero point it fits
        # f16.
        scales = self.rng.integers(8, 15, (row.n, blocks)) / 8
        scales = (scales * 2.0 ** -(row.bits + 2)).astype(self.dtype)
        shape = (row.n, blocks, row.block * row.bits // 8)
        names = [f"x{index}"]
        names.append(
            self.part(f"b{index}", pack(codes, row.bits).reshape(shape))
        )
        if row.variant == "flat scales":
            scales = scales.reshape(-1)
        names += [self.part(f"s{index}", scales), "", "", ""]
        self.vary(index, row, blocks, names)
        self.inputs.append(
            helper.make_tensor_value_info(
                names[0], self.element, ["m", row.k]
            )
        )
        self.outputs.append(
            helper.make_tensor_value_info(
                f"y{index}", self.element, ["m", row.n]
            )
        )
        self.nodes.append(
            helper.make_node(
                "MatMulNBits", names, [f"y{index}"], name=f"n{index}",
                domain="com.microsoft", K=row.k, N=row.n, bits=row.bits,
                block_size=row.block,
            )
        )

    def vary(self, index, row, blocks, names):
        top = 1 << row.bits
        if row.variant == "zero points":
            low = top // 2 - 2
            zeros = self.rng.integers(low, low + 4, (row.n, blocks), np.uint8)
            names[3] = self.part(f"z{index}", pack(zeros, row.bits))
        elif row.variant == "float zero points":
            zeros = self.rng.integers(top - 4, top + 4, (row.n, blocks)) / 2
            names[3] = self.part(f"z{index}", zeros.astype(self.dtype))
        elif row.variant == "bias":
            bias = self.rng.standard_normal(row.n).astype(self.dtype)
            names[5] = self.part(f"c{index}", bias)
        elif row.variant.startswith("g_idx"):
            order = np.arange(row.k) // row.block
            if row.variant == "g_idx":
                order = self.rng.permutation(order)
            names[4] = self.part(f"g{index}", order.astype(np.int32))


class Tables(unittest.TestCase):
    def convert(self, model):
        """The container, the weights of the source, and the info."""
        source = oracle.scratch(self) / "table.onnx"
        onnx.save_model(model.proto, source)
        path = oracle.convert(self, source)
        weights = nbits.read_weights(model.proto)
        return path, weights, nbits.check(self, path, weights)

    def outputs(self, path, weight, x, level):
        """(quire's, the formula's)."""
        expected = x.astype(np.float64) @ weight.exact().T
        if weight.bias is not None:
            expected = expected + weight.bias.astype(np.float64)
        return (
            oracle.matmul(path, weight.name, x, "--accuracy", level),
            expected,
        )

    def check_rows(self, rows, dtype, level, tolerance):
        model = Model(rows, dtype)
        path, weights, _ = self.convert(model)
        rng = np.random.default_rng(2)
        for row, weight in zip(rows, weights):
            for m in row.m:
                x = (0.25 * rng.standard_normal((m, row.k))).astype(dtype)
                actual, expected = self.outputs(path, weight, x, level)
                limit = tolerance[0] + tolerance[1] * np.abs(expected)
                worst = (np.abs(actual - expected) - limit).max()
                self.assertLessEqual(worst, 0, f"{row}, m {m}")

    def ort_4_bits(self, extra=()):
        return [
            Row(n, k, block, 4, variant, m)
            for m, n, k, block in [
                *((ORT_M, *shape) for shape in ORT_4_BITS),
                *(((m,), *shape) for m, *shape in extra),
            ]
            for variant in VARIANTS
        ]

    def test_ort_4_bits(self):
        self.check_rows(self.ort_4_bits(), np.float32, 0, TOLERANCE_F32)

    def test_ort_4_bits_level_4(self):
        rows = self.ort_4_bits(ORT_LEVEL_4)
        self.check_rows(rows, np.float32, 4, TOLERANCE_LEVEL_4)

    def test_ort_4_bits_f16(self):
        rows = self.ort_4_bits(ORT_F16)
        self.check_rows(rows, np.float16, 0, TOLERANCE_F16)

    def ort_8_bits(self, shapes):
        return [
            Row(n, k, block, 8, variant, (m,))
            for m, n, k, block in shapes
            for variant in VARIANTS
        ]

    def test_ort_8_bits(self):
        rows = self.ort_8_bits(ORT_8_BITS)
        self.check_rows(rows, np.float32, 0, TOLERANCE_F32)

    def check_some(self, row, dtype, tolerances, seed):
        """A large linear: some of its rows, at the levels of `tolerances`."""
        model = Model([row], dtype, seed)
        source = oracle.scratch(self) / "table.onnx"
        source.write_bytes(model.proto.SerializeToString())
        path = oracle.convert(self, source)
        some = np.random.default_rng(seed).choice(row.n, SOME_ROWS, False)
        weight = nbits.read_weight(
            model.proto.graph.node[0], nbits.take_rows(model.proto, some)
        )
        _, tensors = oracle.read_gguf(path)
        (tensor,) = (t for t in tensors.values() if len(t.shape) == 2)
        stored = oracle.decoded_rows(tensor, some)[:, : row.k]
        kind = nbits.mapped_type(weight)
        self.assertEqual(tensor.tensor_type.name, kind)
        moved = np.abs(stored - weight.exact())
        self.assertTrue((moved <= nbits.bound(weight, kind)).all())
        rng = np.random.default_rng(row.k)
        x = (0.25 * rng.standard_normal((row.m[0], row.k))).astype(dtype)
        for level, tolerance in tolerances.items():
            actual, expected = self.outputs(path, weight, x, level)
            actual = actual[:, some]
            if isinstance(tolerance, tuple):
                limit = tolerance[0] + tolerance[1] * np.abs(expected)
                worst = (np.abs(actual - expected) - limit).max()
                self.assertLessEqual(worst, 0, f"{row}, level {level}")
            else:
                self.assertLess(oracle.relative(actual, expected), tolerance)

    def test_ort_8_bits_large(self):
        m, n, k, block = ORT_8_BITS_LARGE
        for seed, variant in enumerate(VARIANTS):
            row = Row(n, k, block, 8, variant, (m,))
            with self.subTest(variant=variant):
                self.check_some(
                    row, np.float32,
                    {0: TOLERANCE_F32, 4: TOLERANCE_LEVEL_4}, seed,
                )
                self.check_some(row, np.float16, {0: TOLERANCE_F16}, seed)

    def test_mlas_bench_128(self):
        for seed, (k, n) in enumerate(MLAS_BENCH_128):
            with self.subTest(k=k, n=n):
                self.check_some(
                    Row(n, k, 128, m=(1,)), np.float32,
                    {0: MLAS_RELATIVE, 4: TRACT_RELATIVE}, seed,
                )

    def test_ort_8_bits_level_4(self):
        rows = self.ort_8_bits(ORT_8_BITS)
        self.check_rows(rows, np.float32, 4, TOLERANCE_LEVEL_4)

    def test_ort_8_bits_f16(self):
        rows = self.ort_8_bits(ORT_8_BITS)
        self.check_rows(rows, np.float16, 0, TOLERANCE_F16)

    def check_relative(self, rows, level, most):
        path, weights, _ = self.convert(Model(rows, np.float32))
        rng = np.random.default_rng(3)
        for row, weight in zip(rows, weights):
            x = rng.standard_normal((row.m[0], row.k)).astype(np.float32)
            actual, expected = self.outputs(path, weight, x, level)
            self.assertLess(oracle.relative(actual, expected), most)

    def test_mlas(self):
        rows = [Row(n, k, 32, m=(m,)) for m, n, k in MLAS]
        self.check_relative(rows, 0, MLAS_RELATIVE)

    def test_mlas_bench(self):
        rows = [Row(n, k, 64, m=(128,)) for k, n in MLAS_BENCH_64]
        self.check_relative(rows, 0, MLAS_RELATIVE)

    def test_tract(self):
        # Packing is exact for every k. A GEMV has one row.
        rows = [Row(1 + k % 9, k, 32, m=(1,)) for k in range(1, 128)]
        self.convert(Model(rows, np.float32))
        rows = [Row(n, k, 32, m=(1,)) for _, n, k in MLAS if n >= 64]
        self.check_relative(rows, 4, TRACT_RELATIVE)


if __name__ == "__main__":
    unittest.main()
