"""Models as ONNX Runtime saves them: those of its quantizers, optimized at each
level, and weights behind Identity, Cast, Reshape and Transpose in all orders.
Each quantized weight is in a block type and has its linear, and the linear's
output is that of ONNX Runtime on the saved model.
"""

import itertools
import json
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader, QuantFormat, QuantType, quantize_static,
)
from onnxruntime.quantization import matmul_nbits_quantizer as quantizers

import oracle
from test_quantizers import matmul_model

LEVELS = {
    "none": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
}
LIMITS = {np.float32: 2e-3, np.float16: 1e-2}
K, N, BLOCK = 96, 48, 32
DEPTH = 3


def session(model, level="none", saved=None):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = LEVELS[level]
    # Activations of f32, not int8.
    options.add_session_config_entry(
        "session.qdq_matmulnbits_accuracy_level", "1"
    )
    if saved:
        options.optimized_model_filepath = str(saved)
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"]
    )


class Saved(unittest.TestCase):
    def setUp(self):
        rng = np.random.default_rng(1)
        self.folder = oracle.scratch(self)
        self.weight = rng.standard_normal((N, K)).astype(np.float32) / 8
        self.x = rng.standard_normal((3, K)).astype(np.float32)

    def check(self, source, x, theirs, limit):
        """The container of a model with one weight."""
        path = oracle.convert(self, source)
        said = json.loads(oracle.quire("compare", source, path, "--json"))
        self.assertEqual((said["rows_different"], said["different"]), (0, 0))
        info = oracle.info(path)
        (linear,) = info["linears"]
        types = {t["name"]: t["dtype"] for t in info["tensors"]}
        self.assertIn(types[linear["weight"]], ("Q4_0", "Q4_1", "Q8_0"))
        ours = oracle.matmul(path, linear["name"], x, "--accuracy", 0)
        self.assertLessEqual(oracle.relative(ours, theirs), limit)

    # ------------------------------------------------- ONNX Runtime's quantizers

    def test_quantizers(self):
        for form, symmetric, dtype, level in itertools.product(
            (QuantFormat.QDQ, QuantFormat.QOperator), (True, False), LIMITS,
            LEVELS,
        ):
            with self.subTest(
                form=form.name, symmetric=symmetric, level=level,
                dtype=dtype.__name__,
            ):
                quantizer = quantizers.MatMulNBitsQuantizer(
                    matmul_model(self.weight, dtype), block_size=BLOCK,
                    is_symmetric=symmetric, quant_format=form,
                )
                quantizer.process()
                model = quantizer.model.model
                model.ir_version = 10
                saved = self.folder / "saved.onnx"
                session(model.SerializeToString(), level, saved)
                x = self.x.astype(dtype)
                (theirs,) = session(saved).run(None, {"x": x})
                self.check(saved, x, theirs, LIMITS[dtype])

    def test_static(self):
        """In QDQ form. x is quantized in the model: the linear gets what the
        product gets."""
        class Reader(CalibrationDataReader):
            def __init__(self, x):
                self.rows = iter([{"x": x}])

            def get_next(self):
                return next(self.rows, None)

        for channels, dtype, level in itertools.product(
            (False, True), LIMITS, ("none", "basic")
        ):
            with self.subTest(
                channels=channels, dtype=dtype.__name__, level=level
            ):
                x = self.x.astype(dtype)
                source = self.folder / "float.onnx"
                quantized = self.folder / "static.onnx"
                saved = self.folder / "saved.onnx"
                onnx.save(matmul_model(self.weight, dtype), source)
                quantize_static(
                    source, quantized, Reader(x), per_channel=channels,
                    quant_format=QuantFormat.QDQ, weight_type=QuantType.QInt8,
                    activation_type=QuantType.QUInt8,
                )
                session(quantized, level, saved)
                model = onnx.load(saved)
                (node,) = (n for n in model.graph.node if n.op_type == "MatMul")
                # Of f16 where ONNX Runtime has put no Cast before the product.
                model.graph.output.extend(
                    onnx.ValueInfoProto(name=name)
                    for name in (node.input[0], node.output[0])
                )
                given, theirs = session(model.SerializeToString()).run(
                    [node.input[0], node.output[0]], {"x": x}
                )
                self.check(saved, given, theirs, LIMITS[dtype])

    # ------------------------------------------------------------------ wrappers

    def wrap(self, graph, value, kinds, shape):
        """Nodes behind a value, one after the other. Returns the last value."""
        for number, kind in enumerate(kinds):
            steps = {
                "identity": [("Identity", {})],
                "cast": [("Cast", {"to": TensorProto.FLOAT16}),
                         ("Cast", {"to": TensorProto.FLOAT})],
                "reshape": [("Reshape", {})],
                "turn": [("Transpose", {}), ("Transpose", {"perm": [1, 0]})],
            }[kind]
            for at, (op_type, attributes) in enumerate(steps):
                output = f"{value}_{number}_{at}"
                inputs = [value]
                if op_type == "Reshape":
                    inputs.append(output + "_shape")
                    graph.initializer.append(numpy_helper.from_array(
                        np.array([0, shape[1]]), inputs[1]))
                graph.node.append(
                    helper.make_node(op_type, inputs, [output], **attributes)
                )
                value = output
        return value

    def make(self, codes=(), scales=(), out=()):
        rng = np.random.default_rng(2)
        graph = helper.make_graph(
            [], "wrapped",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["m", K])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [helper.make_tensor(
                "w", TensorProto.INT4, [K, N],
                rng.integers(-8, 8, K * N).tolist()),
             numpy_helper.from_array(
                 rng.uniform(0.01, 0.1, (K // BLOCK, N)).astype(np.float32),
                 "s")],
        )
        shape = (K // BLOCK, N)
        inputs = [self.wrap(graph, "w", codes, (K, N)),
                  self.wrap(graph, "s", scales, shape)]
        graph.node.append(helper.make_node(
            "DequantizeLinear", inputs, ["d"], axis=0, block_size=BLOCK))
        last = self.wrap(graph, "d", out, (K, N))
        graph.node.append(
            helper.make_node("MatMul", ["x", last], ["y"], name="mm"))
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)

    def check_wrapped(self, **chains):
        """ONNX Runtime has no Identity and Reshape of 4 bits on a CPU: its
        model has the codes alone."""
        source = self.folder / "wrapped.onnx"
        source.write_bytes(self.make(**chains).SerializeToString())
        bare = self.make(**{**chains, "codes": ()}).SerializeToString()
        (theirs,) = session(bare).run(None, {"x": self.x})
        self.check(source, self.x, theirs, LIMITS[np.float32])

    def test_wrappers(self):
        """All orders, up to three, at each place."""
        kinds = {
            "codes": ("identity", "reshape"),
            "scales": ("identity", "cast", "reshape"),
            "out": ("identity", "cast", "reshape", "turn"),
        }
        for place, names in kinds.items():
            for depth in range(1, DEPTH + 1):
                for chain in itertools.product(names, repeat=depth):
                    with self.subTest(place=place, chain=chain):
                        self.check_wrapped(**{place: chain})
        with self.subTest("everywhere"):
            self.check_wrapped(
                codes=kinds["codes"], scales=kinds["scales"],
                out=kinds["out"])


if __name__ == "__main__":
    unittest.main()
