"""Models that ONNX Runtime's own quantizers make of real weights: each gets
the type that the mapping says, each weight stays within the mapping's bound,
and each output within the sum's.

HQQ's quantizer needs PyTorch, so its results are kept in tests/data/hqq
(scripts/make_hqq.py). Its form, with fractional zero points in the model's
float type, is also made here from the default quantizer's results.
"""

import logging
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import matmul_nbits_quantizer as ort

import nbits
import oracle
import test_tables
import make_hqq
import make_minilm

HQQ = oracle.ROOT / "tests" / "data" / "hqq"
BLOCKS = (16, 32, 64, 128, 256)
ROWS = 3
# k_quant and HQQ have no symmetric form.
ALGORITHMS = {
    "DEFAULT": (True, False),
    "RTN": (True, False),
    "k_quant": (False,),
    "HQQ form": (False,),
}
# What ONNX Runtime's CPU refuses of the operator, or computes wrongly: then
# the formula alone is the reference. (bits, block, variants of test_tables.)
NOT_THEIRS = (
    (4, 512, ("g_idx",)),
    (8, 512, ("float zero points", "g_idx")),
    (2, 512, ("plain", "zero points", "float zero points", "g_idx")),
    (2, 32, ("g_idx",)),
    (8, 32, ("float zero points", "float zero points and g_idx")),
)


def matmul_model(weight, dtype):
    """A float model: x [rows, k] times a weight [n, k]."""
    n, k = weight.shape
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    values = np.ascontiguousarray(weight.T.astype(dtype))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="mm")],
        "one",
        [helper.make_tensor_value_info("x", element, ["rows", k])],
        [helper.make_tensor_value_info("y", element, ["rows", n])],
        [numpy_helper.from_array(values, "w")],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10
    )


def quantize(weight, algorithm, bits, block, symmetric, dtype):
    logging.getLogger("onnxruntime").setLevel(logging.WARNING)
    config = None
    if algorithm == "RTN":
        custom = {"mm": {"bits": bits, "group_size": block}}
        custom["mm"]["scheme"] = "sym" if symmetric else "asym"
        config = ort.RTNWeightOnlyQuantConfig(customized_weight_config=custom)
    elif algorithm == "k_quant":
        custom = {"mm": {"bits": bits, "group_size": block}}
        config = ort.KQuantWeightOnlyQuantConfig(
            customized_weight_config=custom
        )
    quantizer = ort.MatMulNBitsQuantizer(
        matmul_model(weight, dtype),
        bits=bits,
        block_size=block,
        is_symmetric=symmetric,
        algo_config=config,
    )
    quantizer.process()
    model = getattr(quantizer.model, "model", quantizer.model)
    model.ir_version = 10
    if algorithm == "HQQ form":
        make_zeros_float(model, dtype)
    return model


def quantize_gather(table, block, symmetric):
    graph = helper.make_graph(
        [helper.make_node("Gather", ["w", "x"], ["y"], name="embed")],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.INT64, ["rows"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ascontiguousarray(table), "w")],
    )
    quantizer = ort.MatMulNBitsQuantizer(
        helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10
        ),
        block_size=block,
        is_symmetric=symmetric,
        op_types_to_quantize=("Gather",),
    )
    quantizer.process()
    return quantizer.model.model


def make_zeros_float(model, dtype):
    """Turns packed zero points into fractional ones of the model's type."""
    (node,) = (n for n in model.graph.node if n.op_type == "MatMulNBits")
    tensors = {i.name: i for i in model.graph.initializer}
    a = {attribute.name: attribute.i for attribute in node.attribute}
    blocks = -(-a["K"] // a["block_size"])
    packed = numpy_helper.to_array(tensors[node.input[3]])
    zeros = nbits.unpack(packed.reshape(a["N"], -1), a["bits"], blocks)
    shift = np.linspace(-0.5, 0.5, zeros.size).reshape(zeros.shape)
    zeros = (zeros + shift).astype(dtype)
    tensors[node.input[3]].CopyFrom(
        numpy_helper.from_array(zeros, node.input[3])
    )


class Quantizers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        weights = make_minilm.weights()
        name = "encoder.layer.{}.attention.self.query.weight"
        cls.square = np.asarray(weights[name.format(0)])
        cls.wide = np.asarray(
            weights["encoder.layer.5.output.dense.weight"][:64]
        )
        # Blocks of each size, an even number in a row: with zero points and an
        # odd number, ONNX Runtime's RTN and k_quant fail (onnxruntime #26506).
        cls.even = cls.wide[:24]
        # Not a multiple of any block.
        cls.ragged = np.asarray(weights[name.format(3)][:40, :361])

    def check(self, weight, algorithm, bits, block, symmetric, dtype):
        model = quantize(weight, algorithm, bits, block, symmetric, dtype)
        source = oracle.scratch(self) / "model.onnx"
        source.write_bytes(model.SerializeToString(deterministic=True))
        return self.check_file(source, model, bits, block, dtype)

    def check_file(self, source, model, bits, block, dtype):
        (read,) = nbits.read_weights(model)
        self.assertEqual((read.bits, read.block), (bits, block))
        path = oracle.convert(self, source)
        info = nbits.check(self, path, [read])
        self.check_output(source, path, info, read, dtype)
        return info["tensors"][0]["dtype"]

    def reach(self, x, weight):
        """For each output, the sum of |x w|."""
        return np.abs(x.astype(np.float64)) @ np.abs(weight.exact()).T

    def limit(self, x, weight, kind):
        """The error that the mapping adds to each weight, a sum of k products
        and an f16 output."""
        reach = self.reach(x, weight)
        limit = np.abs(x.astype(np.float64)) @ nbits.bound(weight, kind).T
        limit += weight.k * 2.0**-23 * (reach + limit)
        if x.dtype == np.float16:
            limit += 2.0**-11 * reach + 2.0**-24
        return limit

    def check_output(self, source, path, info, weight, dtype):
        """The output is ONNX Runtime's and the formula's, within the error
        that the mapping adds to each weight and a sum of k products rounds."""
        rng = np.random.default_rng(weight.k)
        x = rng.standard_normal((ROWS, weight.k)).astype(dtype)
        name = info["linears"][0]["name"]
        actual = oracle.matmul(path, name, x, "--accuracy", 0)
        limit = self.limit(x, weight, info["tensors"][0]["dtype"])
        formula = x.astype(np.float64) @ weight.exact().T
        self.assertTrue((np.abs(actual - formula) <= limit).all())
        if weight.bits == 8 and (weight.z != np.rint(weight.z)).any():
            return  # ONNX Runtime refuses these: NOT_THEIRS
        session = onnxruntime.InferenceSession(
            source, providers=["CPUExecutionProvider"]
        )
        (theirs,) = session.run(None, {"x": x})
        # Its output may round as much as ours, and more with sums in f16.
        theirs_limit = 2 * limit
        if dtype == np.float16:
            theirs_limit += 2.0**-9 * self.reach(x, weight)
        self.assertTrue((np.abs(actual - theirs) <= theirs_limit).all())

    def check_all(self, weight, algorithm, bits, blocks, schemes, dtype):
        found = set()
        for block in blocks:
            for symmetric in schemes:
                with self.subTest(
                    algorithm=algorithm, bits=bits, block=block,
                    symmetric=symmetric, dtype=dtype.__name__,
                ):
                    found.add(
                        self.check(
                            weight, algorithm, bits, block, symmetric, dtype
                        )
                    )
        return found

    def test_matrix(self):
        """Every quantizer, bits, block, scheme and type."""
        for algorithm, schemes in ALGORITHMS.items():
            for bits in (4, 8):
                found = set()
                for dtype in (np.float32, np.float16):
                    found |= self.check_all(
                        self.even, algorithm, bits, BLOCKS, schemes, dtype
                    )
                with self.subTest(algorithm=algorithm, bits=bits):
                    self.assertEqual(found, self.types(algorithm, bits))

    def test_hqq(self):
        """The models of HQQ's own quantizer."""
        weight = np.asarray(
            make_minilm.weights()[make_hqq.SOURCE][: make_hqq.ROWS]
        )
        for bits, block, name in make_hqq.VARIANTS:
            with self.subTest(bits=bits, block=block, type=name):
                source = HQQ / make_hqq.file_name(bits, block, name)
                model = onnx.load(source)
                dtype = make_hqq.TYPES[name]
                found = self.check_file(source, model, bits, block, dtype)
                wide = bits == 4 and block >= 32
                self.assertEqual(found, "Q4_1" if wide else "F32")
                # It is that weight: each number is rounded to the nearest
                # code, except those outside the range.
                (read,) = nbits.read_weights(model)
                error = np.abs(read.exact() - weight.astype(dtype))
                near = error <= 0.5 * (1 + 2.0**-6) * np.abs(read.s)
                self.assertGreater(near.mean(), 0.5)

    def types(self, algorithm, bits):
        """Blocks of 16 do not share scales, and become F32."""
        if bits == 8:
            # Codes less zero points are in int8 if they are symmetric; those
            # of HQQ are not integers.
            symmetric = True in ALGORITHMS[algorithm]
            return {"Q8_0", "F32"} if symmetric else {"F32"}
        blocks = {"Q4_1"}
        if True in ALGORITHMS[algorithm]:
            blocks.add("Q4_0")
        return {"F32", *blocks}

    def test_not_theirs(self):
        """The formula of the operator's documentation, where ONNX Runtime
        refuses the model or is wrong."""
        for bits, block, variants in NOT_THEIRS:
            for variant in variants:
                with self.subTest(bits=bits, block=block, variant=variant):
                    self.check_not_theirs(bits, block, variant)

    def check_not_theirs(self, bits, block, variant):
        row = test_tables.Row(24, 2 * block, block, bits, variant)
        model = test_tables.Model([row], np.float32).proto
        if variant == "float zero points and g_idx":
            row.variant = "g_idx"
            model = test_tables.Model([row], np.float32).proto
            zeros = np.random.default_rng(1).integers(200, 300, (24, 2)) / 2
            model.graph.initializer.append(
                numpy_helper.from_array(zeros.astype(np.float32), "zeros")
            )
            model.graph.node[0].input[3] = "zeros"
        source = oracle.scratch(self) / "model.onnx"
        source.write_bytes(model.SerializeToString())
        (weight,) = nbits.read_weights(model)
        path = oracle.convert(self, source)
        info = nbits.check(self, path, [weight])
        x = np.random.default_rng(bits).standard_normal((ROWS, weight.k))
        x = x.astype(np.float32)
        actual = oracle.matmul(path, weight.name, x, "--accuracy", 0)
        formula = x.astype(np.float64) @ weight.exact().T
        limit = self.limit(x, weight, info["tensors"][0]["dtype"])
        self.assertTrue((np.abs(actual - formula) <= limit).all())
        self.assertFalse(
            self.is_theirs(source, x, formula, limit),
            "ONNX Runtime computes this now: compare outputs with it",
        )

    def is_theirs(self, source, x, formula, limit):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(
                source, options, providers=["CPUExecutionProvider"]
            )
            (theirs,) = session.run(None, {"x0": x})
        except Exception:  # of a type of its own for each reason
            return False
        return bool((np.abs(theirs - formula) <= 2 * limit).all())

    def test_default_2_bits(self):
        found = self.check_all(
            self.square, "DEFAULT", 2, BLOCKS, (True, False), np.float32
        )
        self.assertLessEqual({"Q4_0", "Q4_1"}, found)

    def test_gather(self):
        """Embeddings, with every row looked up by ONNX Runtime."""
        table = self.square[:100]
        rows = np.arange(len(table))
        for symmetric in (True, False):
            for block in (32, 128):
                with self.subTest(symmetric=symmetric, block=block):
                    model = quantize_gather(table, block, symmetric)
                    source = oracle.scratch(self) / "gather.onnx"
                    source.write_bytes(model.SerializeToString())
                    path = oracle.convert(self, source)
                    session = onnxruntime.InferenceSession(
                        source, providers=["CPUExecutionProvider"]
                    )
                    (theirs,) = session.run(None, {"x": rows})
                    (tensor,) = oracle.info(path)["tensors"]
                    self.assertIn(tensor["dtype"], ("Q4_0", "Q4_1"))
                    ours = oracle.dump(path, tensor["name"])
                    # A code and a zero point are 15 at most, and no scale is
                    # more than a 7th of the largest number of its block.
                    largest = np.abs(table).max()
                    self.assertLessEqual(
                        np.abs(ours - theirs).max(),
                        2 * 15 / 7 * nbits.HALF_STEP * largest,
                    )

    def test_other_shapes(self):
        for weight in (self.wide, self.ragged):
            for symmetric in (True, False):
                self.check_all(
                    weight, "DEFAULT", 4, (32, 128), (symmetric,), np.float32
                )


if __name__ == "__main__":
    unittest.main()
