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
    CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic,
    quantize_static,
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
BLOCKS = ("Q4_0", "Q4_1", "Q8_0")
KINDS = ("MatMul", "Gemm", "Gemm with a bias")
PRODUCTS = ("MatMul", "Gemm", "QLinearMatMul", "QGemm",
            "DynamicQuantizeMatMul", "MatMulInteger")
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

    def check(self, source, x, theirs, limit, dtypes=BLOCKS):
        """The container of a model with one weight. Returns the linear."""
        path = oracle.convert(self, source)
        said = json.loads(oracle.quire("compare", source, path, "--json"))
        self.assertEqual((said["rows_different"], said["different"]), (0, 0))
        info = oracle.info(path)
        (linear,) = info["linears"]
        types = {t["name"]: t["dtype"] for t in info["tensors"]}
        self.assertIn(types[linear["weight"]], dtypes)
        ours = oracle.matmul(path, linear["name"], x, "--accuracy", 0)
        self.assertLessEqual(oracle.relative(ours, theirs), limit)
        return linear

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

    # ------------------------------------------------------ static quantization

    def float_model(self, kind, dtype):
        """A MatMul, or a Gemm with or without a bias."""
        model = matmul_model(self.weight, dtype)
        (node,) = model.graph.node
        if kind != "MatMul":
            node.op_type = "Gemm"
        if kind == "Gemm with a bias":
            node.input.append("b")
            bias = np.random.default_rng(3).standard_normal(N).astype(dtype)
            model.graph.initializer.append(numpy_helper.from_array(bias, "b"))
        return model

    def quantize(self, kind, dtype, quantize=quantize_static, **options):
        """The path of the model that ONNX Runtime's quantizer makes."""
        class Reader(CalibrationDataReader):
            def __init__(self, x):
                self.rows = iter([{"x": x}])

            def get_next(self):
                return next(self.rows, None)

        source = self.folder / "float.onnx"
        quantized = self.folder / "quantized.onnx"
        onnx.save(self.float_model(kind, dtype), source)
        if quantize is quantize_static:
            options["calibration_data_reader"] = Reader(self.x.astype(dtype))
            options["activation_type"] = QuantType.QUInt8
        quantize(source, quantized, **options)
        return quantized

    def saved(self, quantized):
        """What ONNX Runtime saves at each level, each different model once."""
        seen = set()
        for level in LEVELS:
            saved = self.folder / f"saved_{level}.onnx"
            session(quantized, level, saved)
            if saved.read_bytes() not in seen:
                seen.add(saved.read_bytes())
                yield level, saved

    def run_product(self, path, x):
        """What the product of a saved model sees as x, and its output, both in
        floats.

        A node of integers sees x after it was quantized: the linear gets these
        numbers, dequantized, so that both compute the same. Its own output is
        rounded to steps of y_scale. So MatMulIntegerToFloat, or QGemm without
        y_scale, multiplies the node's own inputs in its place; and the rounded
        output must be at most half a step away.
        """
        model = onnx.load(path)
        graph = model.graph
        (node,) = (n for n in graph.node if n.op_type in PRODUCTS)
        if node.op_type == "DynamicQuantizeMatMul":
            graph.node.extend([
                helper.make_node("DynamicQuantizeLinear", [node.input[0]],
                                 ["x_q", "x_s", "x_z"]),
                helper.make_node("DequantizeLinear", ["x_q", "x_s", "x_z"],
                                 ["given"])])
            outputs = ["given", node.output[0]]
        elif node.op_type == "MatMulInteger":
            (quantizer,) = (n for n in graph.node
                            if n.op_type == "DynamicQuantizeLinear")
            graph.node.append(helper.make_node(
                "DequantizeLinear", list(quantizer.output), ["given"]))
            outputs = ["given", graph.output[0].name]
        elif node.op_type in ("QLinearMatMul", "QGemm"):
            a, b = node.input[:3], node.input[3:6]
            gemm = node.op_type == "QGemm"
            y = node.input[-2:]
            graph.node.extend([
                helper.make_node("DequantizeLinear", a, ["given"]),
                helper.make_node("QGemm", list(node.input[:7]), ["exact"],
                                 domain="com.microsoft")
                if gemm else
                helper.make_node(
                    "MatMulIntegerToFloat",
                    [a[0], b[0], a[1], b[1], a[2], b[2]], ["exact"],
                    domain="com.microsoft"),
                *(helper.make_node("Identity", [name], [output])
                  for name, output in zip(y, ("y_step", "y_at_0")))])
            names = {o.domain for o in model.opset_import}
            if "com.microsoft" not in names:
                model.opset_import.append(
                    helper.make_opsetid("com.microsoft", 1))
            outputs = ["given", "exact", node.output[0], "y_step", "y_at_0"]
        else:
            # Of f16 where ONNX Runtime has put no Cast before the product.
            outputs = [node.input[0], node.output[0]]
        known = {o.name for o in graph.output}
        graph.output.extend(
            onnx.ValueInfoProto(name=name)
            for name in outputs if name not in known)
        results = session(model.SerializeToString()).run(outputs, {"x": x})
        if len(results) == 5:
            _, exact, codes, step, at_0 = results
            rounded = (codes.astype(np.float32) - at_0) * step
            inside = (codes > 0) & (codes < 255)
            self.assertLessEqual(
                np.abs(exact - rounded)[inside].max(), step / 2 * (1 + 1e-3))
        return results[:2]

    def test_static(self):
        """Every weight in a block type, with its linear and its bias.

        Codes of x are at most their zero point: on CPUs without VNNI, ONNX
        Runtime adds two products of UINT8 and INT8 in 16 bits, and what does
        not fit there is cut off.
        """
        x = -np.abs(self.x)
        for form, kind, channels, dtype in itertools.product(
            (QuantFormat.QDQ, QuantFormat.QOperator), KINDS, (False, True),
            LIMITS,
        ):
            # ONNX Runtime loads no QGemm with scales in f16.
            if (form is QuantFormat.QOperator and dtype is np.float16
                    and kind != "MatMul"):
                continue
            quantized = self.quantize(
                kind, dtype, per_channel=channels, quant_format=form,
                weight_type=QuantType.QInt8)
            for level, saved in self.saved(quantized):
                with self.subTest(
                    form=form.name, kind=kind, channels=channels,
                    dtype=dtype.__name__, level=level,
                ):
                    given, theirs = self.run_product(saved, x.astype(dtype))
                    linear = self.check(saved, given, theirs, LIMITS[dtype])
                    self.assertEqual(
                        linear["bias"] is not None, kind == KINDS[-1])

    def test_unsigned(self):
        """UINT8 around a zero point: Q8_0 holds codes less zero point from -128
        to 127, as those of 7 bits are. No block type holds all of -115 to 140:
        that weight becomes F32, and a warning says why."""
        for form, dtype, narrow in itertools.product(
            (QuantFormat.QDQ, QuantFormat.QOperator), LIMITS, (True, False)
        ):
            quantized = self.quantize(
                "MatMul", dtype, quant_format=form, reduce_range=narrow,
                weight_type=QuantType.QUInt8)
            for level, saved in self.saved(quantized):
                with self.subTest(form=form.name, dtype=dtype.__name__,
                                  narrow=narrow, level=level):
                    given, theirs = self.run_product(
                        saved, self.x.astype(dtype))
                    self.check(saved, given, theirs, LIMITS[dtype],
                               BLOCKS if narrow else ("F32",))
                    if not narrow:
                        result = oracle.run("convert", saved, "-o",
                                            self.folder / "dense.gguf",
                                            "--force")
                        self.assertRegex(
                            result.stderr,
                            "became F32: code minus zero point, -?1[23][0-9] "
                            "at row .* does not fit int8")

    def test_dynamic(self):
        """MatMulInteger, and DynamicQuantizeMatMul from the extended level
        on."""
        for channels, weight in itertools.product(
            (False, True), (QuantType.QInt8, QuantType.QUInt8)
        ):
            quantized = self.quantize(
                "MatMul", np.float32, quantize_dynamic, per_channel=channels,
                weight_type=weight, reduce_range=True)
            for level, saved in self.saved(quantized):
                with self.subTest(channels=channels, weight=weight.name,
                                  level=level):
                    given, theirs = self.run_product(saved, self.x)
                    self.check(saved, given, theirs, LIMITS[np.float32])

    # ----------------------------------------------------------------- functions

    def test_functions(self):
        """A function of the model that is called with three weights. The
        linears are those of the calls, and compute what ONNX Runtime, which
        inlines the calls, gives behind each; also as it saves the model."""
        source = oracle.ROOT / "tests" / "onnx" / "good" / "function_calls.onnx"
        model = onnx.load(source)
        model.graph.output.extend(
            onnx.ValueInfoProto(name=name) for name in "hg")
        x = np.random.default_rng(4).standard_normal((3, 64))
        x = x.astype(np.float32)
        h, g, y = session(model.SerializeToString()).run(
            ["h", "g", "y"], {"x": x})
        path = oracle.convert(self, source)
        for name, given, theirs in (
            ("one/mm", x, h), ("two/mm", h, g), ("three/mm", g, y)
        ):
            # The function doubles what the product gives.
            ours = 2 * oracle.matmul(path, name, given, "--accuracy", 0)
            # Its accuracy_level is 4: there ONNX Runtime computes with x in
            # int8, and its own tests allow 0.02.
            limit = 2e-2 if name == "three/mm" else LIMITS[np.float32]
            self.assertLessEqual(oracle.relative(ours, theirs), limit)
        for level in LEVELS:
            saved = self.folder / "saved.onnx"
            session(str(source), level, saved)
            path = oracle.convert(self, saved)
            said = json.loads(oracle.quire("compare", saved, path, "--json"))
            self.assertEqual(said["rows_different"], 0)
            self.assertEqual(len(oracle.info(path)["linears"]), 3)

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
