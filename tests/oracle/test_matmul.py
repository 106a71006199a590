"""`quire matmul` on every linear layer of MiniLM, compared with f64 and with
ONNX Runtime.

Errors are relative: norms over one layer's output. The limits:

1e-6   f32 arithmetic against the f64 product of the same weights
1e-5   against ONNX Runtime in f32 where the source's scales are f16 already
5e-4   the same where scales were rounded to f16, by at most 2^-11 each
0.02   int8 activations (accuracy level 4) against f32 ones
2^-11  f16 outputs against f64: each is rounded once
2^-10  f16 outputs against ONNX Runtime's, which are rounded too
"""

import unittest

import numpy as np
import onnx
import onnxruntime

import oracle

ROWS = (1, 7, 64)


def onnxruntime_session(path, accuracy_level):
    model = onnx.load(path)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "accuracy_level":
                attribute.i = accuracy_level
    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def random_inputs(session, rows, dtype):
    """Numbers that `dtype` represents, in the type of each graph input."""
    random = np.random.default_rng(rows)
    types = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
    return {
        i.name: random.standard_normal((rows, i.shape[1]))
        .astype(dtype)
        .astype(types[i.type])
        for i in session.get_inputs()
    }


class Matmul(unittest.TestCase):
    worst = {}  # name -> (largest error, limit), printed at the end
    where = ""  # the layer and the rows under test

    @classmethod
    def tearDownClass(cls):
        for name, (error, limit) in sorted(cls.worst.items()):
            print(f"{name:<44} {error:.2e} (limit {limit:.2e})")

    def within(self, name, actual, expected, limit):
        error = oracle.relative(actual, expected)
        if error > self.worst.get(name, (-1, 0))[0]:
            self.worst[name] = (error, limit)
        self.assertLessEqual(error, limit, f"{name}: {self.where}")

    def layers(self, model, dtype=np.float32):
        """Yields (path, node, x, exact y in f64, y of ONNX Runtime)."""
        source = oracle.MODELS / model
        path = oracle.convert(self, source)
        _, tensors = oracle.read_gguf(path)
        nodes = oracle.read_nodes(source)
        linears = {i["name"]: i for i in oracle.info(path)["linears"]}
        session = onnxruntime_session(source, accuracy_level=1)
        for rows in ROWS:
            feeds = random_inputs(session, rows, dtype)
            names = [node.y for node in nodes]
            outputs = dict(zip(names, session.run(names, feeds)))
            for node in nodes:
                linear = linears[node.name]
                weight = oracle.decoded(tensors[linear["weight"]])
                bias = tensors[linear["bias"]].data.astype(np.float64)
                x = feeds[node.x].astype(dtype)
                exact = x.astype(np.float64) @ weight.astype(np.float64).T
                self.where = f"{node.name}, {rows} rows"
                yield path, node, x, exact + bias, outputs[node.y]

    def test_f32_scales(self):
        for path, node, x, exact, reference in self.layers("f32.onnx"):
            y = oracle.matmul(path, node.name, x, "--accuracy", 0)
            self.assertEqual(y.dtype, np.float32)
            self.within("level 0 against f64", y, exact, 1e-6)
            self.within("level 0 against ONNX Runtime", y, reference, 5e-4)
            int8 = oracle.matmul(path, node.name, x, "--accuracy", 4)
            self.within("level 4 against level 0", int8, y, 0.02)
            default = oracle.matmul(path, node.name, x)
            self.assertEqual(
                default.tobytes(), int8.tobytes(), "the model asks for level 4"
            )

    def test_f16_inputs(self):
        for path, node, x, exact, _ in self.layers("f32.onnx", np.float16):
            y = oracle.matmul(path, node.name, x, "--accuracy", 0)
            self.assertEqual(y.dtype, np.float16)
            self.within("level 0, f16 x and y, against f64", y, exact, 2**-11)
            y = oracle.matmul(path, node.name, x, "--accuracy", 4)
            self.within("level 4, f16 x and y, against f64", y, exact, 0.02)

    def test_scales_that_f16_holds(self):
        for path, node, x, exact, reference in self.layers("rounded.onnx"):
            y = oracle.matmul(path, node.name, x, "--accuracy", 0)
            self.within("f16 scales, level 0 against f64", y, exact, 1e-6)
            self.within(
                "f16 scales, level 0 against ONNX Runtime", y, reference, 1e-5
            )

    def test_f16_model(self):
        for path, node, x, exact, reference in self.layers(
            "f16.onnx", np.float16
        ):
            y = oracle.matmul(path, node.name, x, "--accuracy", 0)
            self.within("f16 model, level 0 against f64", y, exact, 2**-11)
            self.within(
                "f16 model, level 0 against ONNX Runtime", y, reference, 2**-10
            )

    def test_threads_and_shapes_do_not_matter(self):
        path = oracle.convert(self, oracle.MODELS / "f32.onnx")
        node = oracle.read_nodes(oracle.MODELS / "f32.onnx")[4]
        x = np.random.default_rng(1).standard_normal((3, 5, node.k))
        x = x.astype(np.float32)
        for level in (0, 4):
            flat = oracle.matmul(
                path, node.name, x.reshape(15, node.k), "--accuracy", level
            )
            for threads in (1, 2, 5):
                y = oracle.matmul(
                    path, node.name, x, "--accuracy", level,
                    "--threads", threads,
                )  # fmt: skip
                self.assertEqual(y.shape, (3, 5, node.n))
                self.assertEqual(y.tobytes(), flat.tobytes())


if __name__ == "__main__":
    unittest.main()
