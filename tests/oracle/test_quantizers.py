"""Models that ONNX Runtime's own quantizers make of real weights: each becomes
what the mapping says, each weight stays within the mapping's bound, and each
output within the sum's.

HQQ's quantizer needs PyTorch; its form, fractional zero points in the model's
float type, is made here from the default quantizer's result instead.
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
import make_minilm

BLOCKS = (16, 32, 64, 128, 256)
ROWS = 3


def matmul_model(weight, dtype):
    """x [rows, k] times a weight [n, k], as a float model."""
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
        # Not a multiple of any block.
        cls.ragged = np.asarray(weights[name.format(3)][:40, :361])

    def check(self, weight, algorithm, bits, block, symmetric, dtype):
        model = quantize(weight, algorithm, bits, block, symmetric, dtype)
        source = oracle.scratch(self) / "model.onnx"
        source.write_bytes(model.SerializeToString(deterministic=True))
        (read,) = nbits.read_weights(model)
        self.assertEqual((read.bits, read.block), (bits, block))
        path = oracle.convert(self, source)
        info = nbits.check(self, path, [read])
        self.check_output(source, path, info, read, dtype)
        return info["tensors"][0]["dtype"]

    def check_output(self, source, path, info, weight, dtype):
        """ONNX Runtime's output, and the formula's, within what the mapping
        moves each weight by and a sum of k products rounds."""
        rng = np.random.default_rng(weight.k)
        x = rng.standard_normal((ROWS, weight.k)).astype(dtype)
        name = info["linears"][0]["name"]
        actual = oracle.matmul(path, name, x, "--accuracy", 0)
        wide = np.abs(x.astype(np.float64))
        kind = info["tensors"][0]["dtype"]
        exact = weight.exact()
        reach = wide @ np.abs(exact).T
        limit = wide @ nbits.bound(weight, kind).T
        limit += weight.k * 2.0**-23 * (reach + limit)
        if dtype == np.float16:
            limit += 2.0**-11 * reach + 2.0**-24
        formula = x.astype(np.float64) @ exact.T
        self.assertTrue((np.abs(actual - formula) <= limit).all())
        session = onnxruntime.InferenceSession(
            source, providers=["CPUExecutionProvider"]
        )
        (theirs,) = session.run(None, {"x": x})
        # Theirs may round as much as ours; f16 sums are theirs to round.
        theirs_limit = 2 * limit
        if dtype == np.float16:
            theirs_limit += 2.0**-9 * reach
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

    def test_default_4_bits(self):
        both = (True, False)
        for dtype in (np.float32, np.float16):
            found = self.check_all(
                self.square, "DEFAULT", 4, BLOCKS, both, dtype
            )
            self.assertEqual(found, {"Q4_0", "Q4_1", "F32"})

    def test_default_8_bits(self):
        both = (True, False)
        for dtype in (np.float32, np.float16):
            found = self.check_all(
                self.square, "DEFAULT", 8, BLOCKS, both, dtype
            )
            self.assertLessEqual({"Q8_0", "F32"}, found)

    def test_default_2_bits(self):
        found = self.check_all(
            self.square, "DEFAULT", 2, BLOCKS, (True, False), np.float32
        )
        self.assertLessEqual({"Q4_0", "Q4_1"}, found)

    def test_rtn(self):
        # With zero points and an odd number of blocks to a row, as 384 / 128,
        # ONNX Runtime's RTN and k_quant fail (onnxruntime #26506).
        even = self.square[:, :256]
        for bits in (4, 8):
            self.check_all(
                even, "RTN", bits, BLOCKS[:-1], (True, False), np.float32
            )
            self.check_all(
                self.square, "RTN", bits, (64,), (True, False), np.float32
            )

    def test_k_quant(self):
        for bits in (4, 8):
            self.check_all(
                self.square[:, :256], "k_quant", bits, (16, 32, 128),
                (False,), np.float32,
            )

    def test_gather(self):
        """Embeddings: every row as ONNX Runtime looks it up."""
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
                    # A code and a zero point are 15 scales at most, and no
                    # scale is more than a 7th of its block's largest.
                    largest = np.abs(table).max()
                    self.assertLessEqual(
                        np.abs(ours - theirs).max(),
                        2 * 15 / 7 * nbits.HALF_STEP * largest,
                    )

    def test_hqq_form(self):
        for dtype in (np.float32, np.float16):
            found = self.check_all(
                self.square, "HQQ form", 4, (32, 128), (False,), dtype
            )
            self.assertEqual(found, {"Q4_1"})

    def test_other_shapes(self):
        for weight in (self.wide, self.ragged):
            for symmetric in (True, False):
                self.check_all(
                    weight, "DEFAULT", 4, (32, 128), (symmetric,), np.float32
                )


if __name__ == "__main__":
    unittest.main()
