"""Containers whose tensors came from their sources by operations: compare
proves them, export undoes them, thin leaves their nodes. The rows are arranged
here by NumPy, as llama.cpp's conversion scripts do it."""

import json
import pathlib
import sys
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import oracle

sys.path.insert(0, str(oracle.ROOT / "tests" / "golden"))

import gguf_file  # noqa: E402

# Two blocks and a bit, heads of 6 rows: q has 4 heads, k and v have 2.
K, BLOCK, HEAD, Q, KV, FF = 80, 32, 6, 24, 12, 20
QKV = Q + 2 * KV


class Graph:
    """Nodes that take x, and their constants."""

    def __init__(self):
        self.random = np.random.default_rng(24)
        self.nodes, self.constants, self.outputs = [], [], []

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def floats(self, *shape):
        return self.random.standard_normal(shape).astype(np.float32)

    def output(self, name, n):
        self.outputs.append(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, n])
        )
        return name

    def linear(self, name, n, bits=4, zeros=False, bias=False):
        blocks = -(-K // BLOCK)
        inputs = ["x", self.constant(f"{name}.q", self.random.integers(
            0, 256, (n, blocks, BLOCK * bits // 8), dtype=np.uint8))]
        inputs.append(self.constant(
            f"{name}.s", self.floats(n, blocks) / 16))
        inputs.append(self.constant(f"{name}.z", self.random.integers(
            0, 256, (n, -(-blocks * bits // 8)), dtype=np.uint8))
            if zeros else "")
        inputs.append("")
        inputs.append(
            self.constant(f"{name}.bias", self.floats(n)) if bias else "")
        self.nodes.append(helper.make_node(
            "MatMulNBits", inputs, [self.output(f"{name}.y", n)], name=name,
            domain="com.microsoft", K=K, N=n, bits=bits, block_size=BLOCK))

    def dense(self, name, n):
        self.constant(f"{name}.w", self.floats(K, n))
        self.nodes.append(helper.make_node(
            "MatMul", ["x", f"{name}.w"], [self.output(f"{name}.y", n)],
            name=name))

    def save(self, path):
        graph = helper.make_graph(
            self.nodes, "rows",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, K])],
            self.outputs, self.constants)
        onnx.save(helper.make_model(graph, opset_imports=[
            helper.make_opsetid("", 17),
            helper.make_opsetid("com.microsoft", 1)]), path)


def save_model(path):
    graph = Graph()
    graph.linear("qkv", QKV, bias=True)
    graph.linear("o", Q)
    graph.linear("gate", FF, zeros=True)
    graph.linear("up", FF + 4, zeros=True)
    graph.linear("wide", Q, bits=8)
    graph.linear("down", Q, bias=True)
    graph.dense("dense", Q)
    graph.save(path)


def permuted(rows, heads):
    shape = rows.shape
    return (
        rows.reshape(heads, 2, shape[0] // heads // 2, -1)
        .swapaxes(1, 2)
        .reshape(shape)
    )


class Rows:
    """The tensors of a converted model as arrays of rows."""

    def __init__(self, path):
        reader, _ = oracle.read_gguf(path)
        said = oracle.info(path)
        self.tensors = {}
        for entry, tensor in zip(said["tensors"], reader.tensors):
            assert entry["name"] == tensor.name
            rows = entry["shape"][-1]
            data = np.array(tensor.data).view(np.uint8).reshape(rows, -1)
            self.tensors[entry["source"]] = entry, data
        self.linears = {
            linear["weight"]: linear for linear in said["linears"]
        }

    def rows(self, source):
        return self.tensors[source][1]

    def tensor(self, name, source, data, operation=""):
        entry = self.tensors[source][0]
        shape = [*entry["shape"][:-1], len(data)]
        return gguf_file.Tensor(
            name, entry["dtype"], shape, source=source, data=data.tobytes(),
            operation=operation)

    def transposed(self, name, source, operation):
        """A dense F32 matrix, the other way round."""
        entry, data = self.tensors[source]
        n, k = entry["shape"]
        turned = data.view(np.float32).reshape(k, n).T
        return turned, lambda rows: gguf_file.Tensor(
            name, "F32", [k, len(rows)], source=source, operation=operation,
            data=np.ascontiguousarray(rows).tobytes())

    def linear(self, name, tensors, bias=""):
        """A row of the table, for the tensor of a source."""
        sources = [tensor.source for tensor in tensors]
        at = sources.index(bias) if bias else -1
        return (name, sources.index(f"{name}.q"), at, K, 0)


def arranged(plain, heads=Q // HEAD):
    """What llama.cpp wants, and a transposed matrix in two parts."""
    qkv, bias = plain.rows("qkv.q"), plain.rows("qkv.bias")
    tensors = [plain.tensor("o", "o.q", plain.rows("o.q"))]
    for kind, source, rows in (("weight", "qkv.q", qkv),
                               ("bias", "qkv.bias", bias)):
        tensors += [
            plain.tensor(f"q.{kind}", source, permuted(rows[:Q], Q // HEAD),
                         f"rows 0 {Q}; permute {heads}"),
            plain.tensor(f"k.{kind}", source,
                         permuted(rows[Q:Q + KV], KV // HEAD),
                         f"rows {Q} {KV}; permute {KV // HEAD}"),
            plain.tensor(f"v.{kind}", source, rows[Q + KV:],
                         f"rows {Q + KV} {KV}")]
    tensors.append(plain.tensor(
        "gate_up", "gate.q",
        np.concatenate([plain.rows("gate.q"), plain.rows("up.q")]),
        f"join {FF} up.q"))
    tensors.append(plain.tensor(
        "wide", "wide.q", permuted(plain.rows("wide.q"), 4), "permute 4"))
    tensors.append(plain.tensor("down", "down.q", plain.rows("down.q")))
    tensors.append(plain.tensor(
        "down.bias", "down.bias", permuted(plain.rows("down.bias"), 2),
        "permute 2"))
    turned, upper = plain.transposed(
        "dense.0", "dense.w", "transpose; rows 0 10")
    _, lower = plain.transposed(
        "dense.1", "dense.w", f"transpose; rows 10 {Q - 10}; permute 7")
    tensors += [upper(turned[:10]), lower(permuted(turned[10:], 7))]
    return tensors


class Operations(unittest.TestCase):

    def setUp(self):
        self.folder = oracle.scratch(self)
        self.model = self.folder / "model.onnx"
        save_model(self.model)
        oracle.quire("convert", self.model, "-o", self.folder / "plain.gguf")
        self.plain = Rows(self.folder / "plain.gguf")

    def write(self, tensors, linears=None, name="rows.gguf"):
        path = self.folder / name
        if linears is None:
            linears = [self.plain.linear("o", tensors)]
        path.write_bytes(
            gguf_file.container([], tensors, linears).image().data)
        return path

    def compare(self, path):
        """The rows of compare, and of these those that are not the same."""
        result = oracle.run("compare", self.model, path, "--json")
        self.assertIn(result.returncode, (0, 1), result.stderr)
        rows = json.loads(result.stdout)["rows"]
        different = [row for row in rows if row["verdict"] != "same"]
        self.assertEqual(result.returncode, 1 if different else 0)
        return rows, different

    def export(self, path):
        return oracle.run(
            "export", path, "--onnx", self.model, "-o", self.folder / "back.onnx",
            "--force")

    def refused(self, path, *texts):
        result = self.export(path)
        self.assertEqual(result.returncode, 2)
        for text in texts:
            self.assertIn(text, result.stderr)
        self.assertFalse((self.folder / "back.onnx").exists())

    def test_compare(self):
        rows, different = self.compare(self.write(arranged(self.plain)))
        self.assertEqual(different, [])
        counts = {}
        for row in rows:
            counts.setdefault(row["tensor"], []).append(row["count"])
        self.assertEqual(counts, {
            "o": [Q * K], "q.weight": [Q * K], "k.weight": [KV * K],
            "v.weight": [KV * K], "q.bias": [Q], "k.bias": [KV],
            "v.bias": [KV], "gate_up": [FF * K, (FF + 4) * K],
            "wide": [Q * K], "down": [Q * K], "down.bias": [Q],
            "dense.0": [10 * K], "dense.1": [(Q - 10) * K]})

    def test_wrong_heads(self):
        for heads in (2, 12):
            _, different = self.compare(
                self.write(arranged(self.plain, heads)))
            self.assertEqual(
                [row["tensor"] for row in different if row["different"]],
                ["q.weight", "q.bias"])

    def test_wrong_order(self):
        """Each tensor with its rows in the order of the source."""
        for at, tensor in enumerate(arranged(self.plain)):
            if "permute" not in tensor.operation:
                continue
            tensors = arranged(self.plain)
            size = len(tensor.data) // tensor.shape[-1]
            data = tensor.data
            tensors[at].data = data[size:] + data[:size]
            _, different = self.compare(self.write(tensors))
            self.assertEqual([row["tensor"] for row in different],
                             [tensor.name])
            self.assertGreater(different[0]["different"], 0)

    def test_one_code(self):
        tensors = arranged(self.plain)
        for at in (1, 7):  # q, and the first row of up in gate_up
            row = FF if tensors[at].name == "gate_up" else 0
            size = len(tensors[at].data) // tensors[at].shape[-1]
            kept = tensors[at].data
            data = bytearray(kept)
            data[row * size + 6] ^= 1
            tensors[at].data = bytes(data)
            _, different = self.compare(self.write(tensors))
            self.assertEqual(
                [(row["tensor"], row["different"]) for row in different],
                [(tensors[at].name, 1)])
            tensors[at].data = kept

    def test_missing_part(self):
        for name, what in (
            ("k.weight", f"rows {Q} to {Q + KV - 1}"),
            ("v.bias", f"rows {Q + KV} to {QKV - 1}"),
            ("q.weight", f"rows 0 to {Q - 1}"),
            ("dense.1", f"columns 10 to {Q - 1}"),
        ):
            path = self.write([tensor for tensor in arranged(self.plain)
                               if tensor.name != name])
            _, (row,) = self.compare(path)
            self.assertEqual(row["verdict"], "only in the source")
            self.assertIn(what, row["reason"])
            self.refused(path, what, row["source"])

    def test_unknown_source(self):
        tensors = arranged(self.plain)
        tensors[7].operation = f"join {FF} none"
        path = self.write(tensors)
        _, different = self.compare(path)
        self.assertEqual(
            {(row["verdict"], row["tensor"], row["source"])
             for row in different},
            {("only in the source", None, "up.q"),
             ("only in the file", "gate_up", None)})
        self.refused(path, "the container lacks its weight")

    def test_linear_of_another_order(self):
        tensors = arranged(self.plain)
        linears = [self.plain.linear("o", tensors),
                   self.plain.linear("wide", tensors)]
        _, different = self.compare(self.write(tensors, linears))
        self.assertEqual([row["tensor"] for row in different], ["wide"])
        self.assertIn("operation", different[0]["reason"])

    def test_too_many_rows(self):
        tensors = arranged(self.plain)
        tensors[3].operation = f"rows {QKV - KV + 1} {KV}"
        path = self.write(tensors)
        _, different = self.compare(path)
        self.assertIn("rows that the source does not have",
                      different[0]["reason"])
        self.refused(path, "cannot come from 'qkv.q'")

    def test_export(self):
        result = self.export(self.write(arranged(self.plain)))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        oracle.quire("convert", self.folder / "back.onnx", "-o",
                     self.folder / "again.gguf")
        again = Rows(self.folder / "again.gguf")
        self.assertEqual(again.tensors.keys(), self.plain.tensors.keys())
        for source, (_, data) in self.plain.tensors.items():
            np.testing.assert_array_equal(again.rows(source), data, source)

    def test_export_changed(self):
        """Not the model's own bytes come back, but the container's."""
        tensors = arranged(self.plain)
        data = bytearray(tensors[2].data)  # k: row 1 of head 0 was row 3
        size = len(data) // KV
        data[size + 6] ^= 1
        tensors[2].data = bytes(data)
        self.assertEqual(self.export(self.write(tensors)).returncode, 0)
        oracle.quire("convert", self.folder / "back.onnx", "-o",
                     self.folder / "again.gguf")
        again = Rows(self.folder / "again.gguf").rows("qkv.q")
        where = np.argwhere(again != self.plain.rows("qkv.q"))
        self.assertEqual(where.tolist(), [[Q + 3, 6]])

    def test_thin(self):
        tensors = arranged(self.plain)
        path = self.write(tensors)
        thin = self.folder / "thin.onnx"
        said = json.loads(oracle.quire(
            "thin", self.model, path, "-o", thin, "--json"))
        reasons = {row["node"]: row["reason"] for row in said["rows"]
                   if row["node"]}
        self.assertIsNone(reasons.pop("o"))
        self.assertEqual(set(reasons),
                         {"qkv", "gate", "up", "wide", "down"})
        for reason in reasons.values():
            self.assertIn("--for llama.cpp", reason)
        self.assertIn("bias", reasons["down"])
        result = oracle.run("compare", thin, path, "--json")
        self.assertEqual(result.returncode, 0, result.stdout)


if __name__ == "__main__":
    unittest.main()
