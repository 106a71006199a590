"""Quantized weights of operators other than MatMulNBits: the QDQ format and
the MatMulBnb4 of ONNX Runtime's quantizers, DequantizeLinear in every layout,
and QMoE. ONNX Runtime is the reference.

Its value of a weight is what it computes when the model runs: DequantizeLinear
alone, or a product with an identity matrix. In f16 it rounds each weight, and
the bounds include that.
"""

import itertools
import json
import logging
import unittest

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader, QuantFormat, QuantType, matmul_bnb4_quantizer,
    quantize_static,
)
from onnxruntime.quantization import matmul_nbits_quantizer as nbits_quantizer

import nbits
import oracle
import make_minilm
from test_quantizers import BLOCKS, matmul_model

OPSETS = [
    helper.make_opsetid("", 21),
    helper.make_opsetid("com.microsoft", 1),
]


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Otherwise it makes MatMulNBits of DequantizeLinear and MatMul, and
    # multiplies by activations of 8 bits.
    options.add_session_config_entry(
        "session.qdq_matmulnbits_accuracy_level", "1"
    )
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options,
        providers=["CPUExecutionProvider"],
    )


def cut(model, value, element):
    """The same model with an intermediate value as its only output, and no
    input."""
    copy = type(model)()
    copy.CopyFrom(model)
    graph = copy.graph
    kept, wanted = [], {value}
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.insert(0, node)
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(kept)
    graph.output.append(helper.make_tensor_value_info(value, element, None))
    return copy


def make_model(nodes, inputs, parts, element=TensorProto.FLOAT):
    graph = helper.make_graph(
        nodes, "one", inputs,
        [helper.make_tensor_value_info("y", element, None)], parts,
    )
    return helper.make_model(graph, opset_imports=OPSETS, ir_version=10)


class Kinds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        logging.getLogger("onnxruntime").setLevel(logging.WARNING)
        weights = make_minilm.weights()
        name = "encoder.layer.{}.attention.self.query.weight"
        cls.square = np.asarray(weights[name.format(0)])
        # Both are odd, and no multiples of any block.
        cls.ragged = np.asarray(weights[name.format(3)][:41, :361])

    def convert(self, model):
        """(container, its info). The comparison must find no difference."""
        source = oracle.scratch(self) / "model.onnx"
        source.write_bytes(model.SerializeToString(deterministic=True))
        path = oracle.convert(self, source)
        said = json.loads(oracle.quire("compare", source, path, "--json"))
        self.assertEqual((said["rows_different"], said["different"]), (0, 0))
        return path, oracle.info(path)

    def check_weight(self, path, tensor, theirs, most, dtype=np.float32):
        """Each element is within the rounding of scales to f16; F32 is equal
        to the last bit. Q4_1 rounds code * scale and zero * scale separately;
        both exceed |w| by the smaller of them. `most` is twice 15 scales."""
        ours = oracle.dump(path, tensor["name"])
        ours = ours[..., : theirs.shape[-1]].astype(np.float64)
        wide = theirs.astype(np.float64)
        limit = nbits.HALF_STEP * np.abs(wide)
        if tensor["dtype"] == "F32":
            limit = 0 * limit
        if tensor["dtype"] == "Q4_1":
            limit = limit + (nbits.HALF_STEP + 2.0**-22) * most
        if dtype == np.float16:
            limit = limit + nbits.HALF_STEP * np.abs(wide) + 2.0**-24
        self.assertTrue((np.abs(ours - wide) <= limit).all())

    # ---------------------------- the quantizers of ONNX Runtime, QDQ format

    def quantize(self, weight, block, symmetric, dtype, channels=False):
        config = nbits_quantizer.DefaultWeightOnlyQuantConfig(
            block_size=block,
            is_symmetric=symmetric,
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=("MatMul",),
            bits=4,
            channel_wised_quantize=channels,
        )
        quantizer = nbits_quantizer.MatMulNBitsQuantizer(
            matmul_model(weight, dtype), algo_config=config
        )
        quantizer.process()
        quantizer.model.model.ir_version = 10
        return quantizer.model.model

    def check_linear(self, model, weight, dtype):
        """Its weight and product equal ONNX Runtime's. Returns the tensor's
        type."""
        element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        (node,) = (
            n for n in model.graph.node if n.op_type in ("MatMul", "Gemm")
        )
        (theirs,) = session(cut(model, node.input[1], element)).run(None, {})
        path, info = self.convert(model)
        (linear,) = info["linears"]
        self.assertEqual(
            (linear["name"], linear["k"], linear["n"]),
            (node.name, weight.shape[1], weight.shape[0]),
        )
        (tensor,) = (
            t for t in info["tensors"] if t["name"] == linear["weight"]
        )
        # 15 scales of any block are the distance from its least to its
        # greatest.
        most = 2 * 2 * np.abs(theirs).max()
        self.check_weight(path, tensor, theirs.T, most, dtype)
        rng = np.random.default_rng(1)
        x = rng.standard_normal((3, weight.shape[1])).astype(dtype)
        ours = oracle.matmul(path, linear["name"], x, "--accuracy", 0)
        (y,) = session(model).run(None, {"x": x})
        wide = np.abs(x.astype(np.float64))
        reach = wide @ np.abs(theirs.astype(np.float64))
        limit = nbits.HALF_STEP * reach + 2.0**-22 * len(theirs) * reach
        if tensor["dtype"] == "Q4_1":
            limit += nbits.HALF_STEP * most * wide.sum(axis=1, keepdims=True)
        if dtype == np.float16:
            limit += 2.0**-8 * reach
        self.assertTrue((np.abs(ours - y) <= limit).all())
        return tensor["dtype"]

    def test_quantizer(self):
        for dtype in (np.float32, np.float16):
            for block, symmetric in itertools.product(BLOCKS, (True, False)):
                with self.subTest(
                    block=block, symmetric=symmetric, dtype=dtype.__name__
                ):
                    model = self.quantize(
                        self.square, block, symmetric, dtype
                    )
                    found = self.check_linear(model, self.square, dtype)
                    wanted = "Q4_0" if symmetric else "Q4_1"
                    self.assertEqual(found, "F32" if block == 16 else wanted)

    def test_quantizer_ragged(self):
        for block, symmetric in itertools.product((32, 128), (True, False)):
            with self.subTest(block=block, symmetric=symmetric):
                model = self.quantize(
                    self.ragged, block, symmetric, np.float32
                )
                found = self.check_linear(model, self.ragged, np.float32)
                self.assertEqual(found, "Q4_0" if symmetric else "Q4_1")

    def test_quantizer_channels(self):
        """One block in each row, [N, K] and a Transpose."""
        model = self.quantize(self.square, 32, True, np.float32, True)
        self.assertIn("Transpose", [n.op_type for n in model.graph.node])
        found = self.check_linear(model, self.square, np.float32)
        self.assertEqual(found, "Q4_0")

    def test_gather(self):
        """Gather of codes, scales and zero points. The quantizers' QDQ format
        describes this; this release does not write it. With 8 bits, because
        ONNX Runtime has no Gather of 4."""
        rng = np.random.default_rng(5)
        n, k, block = 40, 75, 32
        blocks = -(-k // block)
        scales = rng.uniform(0.01, 0.1, (n, blocks)).astype(np.float32)
        for zeros in (False, True):
            with self.subTest(zeros=zeros):
                parts = [
                    helper.make_tensor(
                        "q", TensorProto.INT8, (n, k),
                        rng.integers(-64, 64, n * k),
                    ),
                    numpy_helper.from_array(scales, "s"),
                ]
                if zeros:
                    parts.append(helper.make_tensor(
                        "z", TensorProto.INT8, scales.shape,
                        rng.integers(-64, 64, scales.size),
                    ))
                nodes = [
                    helper.make_node(
                        "Gather", [p.name, "x"], [p.name + "_rows"]
                    )
                    for p in parts
                ]
                nodes.append(helper.make_node(
                    "DequantizeLinear", [p.name + "_rows" for p in parts],
                    ["y"], axis=1, block_size=block,
                ))
                x = helper.make_tensor_value_info(
                    "x", TensorProto.INT64, ["m"]
                )
                model = make_model(nodes, [x], parts)
                (theirs,) = session(model).run(None, {"x": np.arange(n)})
                path, info = self.convert(model)
                (tensor,) = info["tensors"]
                self.assertEqual(tensor["dtype"], "Q8_0")
                self.check_weight(path, tensor, theirs, 0)

    def test_static_quantizer(self):
        """8 bits, one scale for each channel, with quantized activations."""

        class Reader(CalibrationDataReader):
            def __init__(self, k):
                rng = np.random.default_rng(2)
                x = rng.standard_normal((4, k)).astype(np.float32)
                self.left = iter([{"x": x}])

            def get_next(self):
                return next(self.left, None)

        for channels, symmetric in itertools.product((True, False), repeat=2):
            with self.subTest(channels=channels, symmetric=symmetric):
                folder = oracle.scratch(self)
                source, output = folder / "in.onnx", folder / "out.onnx"
                model = matmul_model(self.square, np.float32)
                source.write_bytes(model.SerializeToString())
                quantize_static(
                    str(source), str(output), Reader(384),
                    quant_format=QuantFormat.QDQ, per_channel=channels,
                    weight_type=QuantType.QInt8,
                    extra_options={"WeightSymmetric": symmetric},
                )
                model.ParseFromString(output.read_bytes())
                (node,) = (
                    n for n in model.graph.node if n.op_type == "MatMul"
                )
                (theirs,) = session(
                    cut(model, node.input[1], TensorProto.FLOAT)
                ).run(None, {})
                path, info = self.convert(model)
                (linear,) = info["linears"]
                (tensor,) = (
                    t for t in info["tensors"]
                    if t["name"] == linear["weight"]
                )
                if symmetric:
                    self.assertEqual(tensor["dtype"], "Q8_0")
                self.check_weight(path, tensor, theirs.T, 0)

    # ---------------------------------------- DequantizeLinear, every layout

    def dequantize_model(self, type_, rows, axis, block, zeros, k, n):
        """x is [K, N], or [N, K] if `rows`, with random parameters."""
        rng = np.random.default_rng(3)
        bits, signed, dtype = type_
        low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (
            0, 1 << bits)
        dims = (n, k) if rows else (k, n)
        sizes = [dims[axis]] if block == 0 else [
            -(-d // block) if i == axis else d for i, d in enumerate(dims)]
        codes = rng.integers(low, high, dims)
        scales = rng.uniform(0.01, 0.1, sizes).astype(np.float32)
        parts = [
            helper.make_tensor("q", dtype, dims, codes.reshape(-1)),
            numpy_helper.from_array(scales, "s"),
        ]
        if zeros:
            values = rng.integers(low, high, scales.size)
            parts.append(helper.make_tensor("z", dtype, sizes, values))
        nodes = [
            helper.make_node(
                "DequantizeLinear", [p.name for p in parts], ["w"],
                axis=axis, block_size=block,
            )
        ]
        nodes.append(
            helper.make_node(
                "Gemm", ["x", "w"], ["y"], name="mm", transB=int(rows)
            )
        )
        inputs = [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["m", k])
        ]
        return make_model(nodes, inputs, parts)

    def test_dequantize(self):
        types = (
            (4, True, TensorProto.INT4), (4, False, TensorProto.UINT4),
            (8, True, TensorProto.INT8), (8, False, TensorProto.UINT8),
        )
        k, n = 75, 43
        for type_, rows, axis, block, zeros in itertools.product(
            types, (True, False), (0, 1), (0, 16, 32, 64, 128, 256),
            (True, False),
        ):
            with self.subTest(
                type=type_, rows=rows, axis=axis, block=block, zeros=zeros
            ):
                model = self.dequantize_model(
                    type_, rows, axis, block, zeros, k, n
                )
                (theirs,) = session(cut(model, "w", TensorProto.FLOAT)).run(
                    None, {}
                )
                theirs = theirs if rows else theirs.T
                path, info = self.convert(model)
                (tensor,) = info["tensors"]
                # Along K in blocks of 32 or more, or one scale for each n.
                along_k = axis == int(rows)
                if along_k != (block == 0) and block != 16:
                    self.assertNotEqual(
                        tensor["dtype"], "F32" if type_[0] == 4 else ""
                    )
                if type_[1] and not zeros and tensor["dtype"] != "F32":
                    self.assertIn(tensor["dtype"], ("Q4_0", "Q8_0"))
                self.check_weight(path, tensor, theirs, 2 * 15 * 0.1)

    # ---------------------------------------------------- MatMulBnb4, QMoE

    def test_bnb4(self):
        for kind, block, dtype in itertools.product(
            (0, 1), BLOCKS, (np.float32, np.float16)
        ):
            with self.subTest(
                kind=("FP4", "NF4")[kind], block=block, dtype=dtype.__name__
            ):
                # 361 columns: blocks reach over rows.
                quantizer = matmul_bnb4_quantizer.MatMulBnb4Quantizer(
                    matmul_model(self.ragged, dtype), kind, block
                )
                quantizer.process()
                model = quantizer.model.model
                path, info = self.convert(model)
                (tensor,) = info["tensors"]
                (linear,) = info["linears"]
                self.assertEqual(tensor["dtype"], "F32")
                self.assertEqual((linear["k"], linear["n"]), (361, 41))
                (theirs,) = session(model).run(
                    None, {"x": np.eye(361, dtype=dtype)}
                )
                self.check_weight(path, tensor, theirs.T, 0, dtype)

    def moe_model(self, rng, bits, block, zeros, experts, hidden, inter):
        def packed(codes):
            if bits == 8:
                return codes
            odd = [(0, 0)] * (codes.ndim - 1) + [(0, codes.shape[-1] % 2)]
            codes = np.pad(codes, odd)
            return codes[..., 0::2] | codes[..., 1::2] << 4

        parts, names = [], ["x", "router"] + [""] * 12
        for at, n, k in ((0, inter, hidden), (1, hidden, inter)):
            shape = (experts, n, k // block) if block else (experts, n)
            arrays = [
                (2 + 3 * at, packed(
                    rng.integers(0, 1 << bits, (experts, n, k), np.uint8))),
                (3 + 3 * at, rng.uniform(0.01, 0.1, shape).astype("f4")),
            ]
            if zeros:
                arrays.append((11 + at, packed(
                    rng.integers(0, 1 << bits, shape, np.uint8))))
            for index, array in arrays:
                names[index] = f"p{index}"
                parts.append(numpy_helper.from_array(array, names[index]))
        attributes = {"block_size": block} if block else {}
        node = helper.make_node(
            "QMoE", names, ["y"], name="moe", domain="com.microsoft", k=2,
            expert_weight_bits=bits, weights_prepacked=0,
            activation_type="relu", normalize_routing_weights=1,
            **attributes,
        )
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["m", size])
            for name, size in (("x", hidden), ("router", experts))
        ]
        return make_model([node], inputs, parts)

    def test_qmoe(self):
        """The container's experts, mixed, equal ONNX Runtime's result."""
        experts, hidden, inter = 4, 64, 32
        for bits, block, zeros in itertools.product(
            (4, 8), (0, 16, 32), (False, True)
        ):
            with self.subTest(bits=bits, block=block, zeros=zeros):
                rng = np.random.default_rng(4)
                model = self.moe_model(
                    rng, bits, block, zeros, experts, hidden, inter
                )
                x = rng.standard_normal((5, hidden)).astype(np.float32)
                router = rng.standard_normal((5, experts)).astype(np.float32)
                (theirs,) = session(model).run(
                    None, {"x": x, "router": router}
                )
                path, info = self.convert(model)
                self.assertEqual(info["linears"], [])
                up, down = (
                    oracle.dump(path, t["name"]).astype(np.float64)
                    for t in info["tensors"]
                )
                ours = np.zeros(x.shape)
                for row, (token, logits) in enumerate(zip(x, router)):
                    top = np.argsort(-logits)[:2]
                    share = np.exp(logits[top].astype(np.float64))
                    for expert, part in zip(top, share / share.sum()):
                        inner = np.maximum(up[expert] @ token, 0)
                        ours[row] += part * (down[expert] @ inner)
                # Scales are rounded twice; and with 8 bits ONNX Runtime
                # multiplies by activations of 8 bits, at every accuracy level.
                most = 2 * nbits.HALF_STEP + 2.0**-20
                if bits == 8 and block:
                    most += 0.02
                self.assertLess(oracle.relative(ours, theirs), most)


if __name__ == "__main__":
    unittest.main()
