"""Thin models, written out again with plain operators: what their nodes of
domain quire mean, with weights that `quire dump` reads from the container. And
the models of tests/onnx, with feeds for them.

tests/onnxruntime uses this too, and has fewer packages."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

QUIRE = os.environ.get("QUIRE", "quire")


def quire(*arguments):
    return subprocess.run(
        [QUIRE, *map(str, arguments)], check=True, capture_output=True
    ).stdout


def info(container):
    return json.loads(quire("info", container, "--json"))


def dump(container, tensor):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "w.npy")
        quire("dump", container, tensor, "-o", path)
        return np.load(path)


def bodies(node):
    """The graphs in the attributes of a node."""
    for attribute in node.attribute:
        yield from attribute.graphs
        if attribute.HasField("g"):
            yield attribute.g


def holders(model):
    """All that has nodes: graphs, those within them, and functions."""
    yield from within(model.graph)
    for function in model.functions:
        yield from within(function)


def within(holder):
    """A graph, or a function, or a model's graph, and those within it."""
    todo = [holder]
    while todo:
        holder = todo.pop()
        yield holder
        for node in holder.node:
            todo += bodies(node)


def nodes_of(model, domain="quire"):
    return [
        node
        for holder in holders(model)
        for node in holder.node
        if node.domain == domain
    ]


def attributes(node):
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


class Expander:
    def __init__(self, container):
        self.container = container
        self.linears = {
            linear["name"]: linear
            for linear in info(container)["linears"]
        }
        self.nodes = []
        self.count = 0

    def name(self):
        self.count += 1
        return f"expanded.{self.count}"

    def op(self, kind, *inputs, output=None, **more):
        output = output or self.name()
        self.nodes.append(helper.make_node(kind, inputs, [output], **more))
        return output

    def constant(self, array):
        value = numpy_helper.from_array(np.ascontiguousarray(array))
        return self.op("Constant", value=value)

    def linear(self, name, k, n, x, y, add_bias):
        """y = x W^T + bias in f32, in the type of x."""
        linear = self.linears[name]
        weight = dump(self.container, linear["weight"])
        assert weight.shape[0] == n and linear["k"] == k
        wide = self.op("Cast", x, to=TensorProto.FLOAT)
        total = self.op("MatMul", wide, self.constant(weight[:, :k].T))
        if linear["bias"] and add_bias:
            bias = dump(self.container, linear["bias"])
            total = self.op("Add", total, self.constant(bias.reshape(-1)))
        self.op("CastLike", total, x, output=y)

    def expand(self, node):
        was = attributes(node)
        if node.op_type == "Embedding":
            table = dump(self.container, was["tensor"].decode())
            assert table.shape[0] == was["rows"]
            rows = self.constant(table[:, : was["K"]])
            rows = self.op("Gather", rows, node.input[0])
            self.op("Cast", rows, output=node.output[0], to=was["dtype"])
            return
        names = was["linear" if node.op_type == "Linear" else "linears"]
        names = names.decode().split("\n")
        widths = was["N"] if node.op_type == "LinearMany" else [was["N"]]
        for name, n, y in zip(names, widths, node.output, strict=True):
            self.linear(name, was["K"], n, node.input[0], y,
                        was.get("add_bias", 1))

    def replace(self, holder):
        self.nodes = []
        for node in holder.node:
            if node.domain == "quire":
                self.expand(node)
            else:
                self.nodes.append(node)
        nodes = [onnx.NodeProto.FromString(n.SerializeToString())
                 for n in self.nodes]
        del holder.node[:]
        holder.node.extend(nodes)
        for tensor in list(getattr(holder, "initializer", ())):
            if tensor.name.startswith("quire.container"):
                holder.initializer.remove(tensor)


def expand(path, container, to):
    """Writes the thin model at `path` to `to`, beside it."""
    model = onnx.load(path, load_external_data=False)
    expander = Expander(container)
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx"):
            entry.version = max(entry.version, 15)  # it has CastLike
    # Bodies first: a holder's nodes are copied.
    for holder in reversed(list(holders(model))):
        expander.replace(holder)
    onnx.save(model, to)


def widths(thin):
    """The last dimensions that each x may have, by name."""
    found = {}
    for node in nodes_of(thin):
        if node.op_type != "Embedding":
            found.setdefault(node.input[0], []).append(attributes(node)["K"])
    return found


def feeds(session, wide, truth=True, seed=1):
    """Random inputs; `wide` has their last dimensions. Indices are below 3."""
    rng = np.random.default_rng(seed)
    found = {}
    for value in session.get_inputs():
        shape = [d if isinstance(d, int) else 3 for d in value.shape]
        if value.name in wide:
            shape = [*(shape or [2, 3])[:-1], wide[value.name]]
        if value.type in ("tensor(float)", "tensor(float16)"):
            dtype = np.float16 if "16" in value.type else np.float32
            found[value.name] = rng.standard_normal(shape).astype(dtype)
        elif value.type == "tensor(bool)":
            found[value.name] = np.full(shape, truth)
        else:
            dtype = np.int32 if "32" in value.type else np.int64
            found[value.name] = rng.integers(0, 3, shape).astype(dtype)
    return found


def all_feeds(session, thin):
    """Feeds for each branch and each width."""
    wide = widths(thin)
    for at in range(max(map(len, wide.values()), default=1)):
        chosen = {name: ks[at % len(ks)] for name, ks in wide.items()}
        for truth in (True, False):
            yield feeds(session, chosen, truth)


def offsets(container):
    """The largest offset of each tensor of Q4_1, by name."""
    data = np.fromfile(container, np.uint8)
    found = {}
    for tensor in info(container)["tensors"]:
        if tensor["dtype"] == "Q4_1":
            start = tensor["offset"]
            blocks = data[start : start + tensor["size"]].reshape(-1, 20)
            halves = blocks[:, 2:4].copy().view(np.float16)
            found[tensor["name"]] = float(np.abs(halves).max())
    return found


def rounding(thin, container, most, scales):
    """By how much outputs may differ because numbers of the container are
    rounded to f16: half a step of each number that x, `most` at most,
    multiplies. In Q4_1, code times scale and the offset are rounded, in a node
    of onnxruntime too, which cannot hold the two as they are. `scales`: the
    other one has f32 scales."""
    known = offsets(container)

    def width(tensor):
        if tensor in known:
            return largest(container, tensor) + 2 * known[tensor]
        return largest(container, tensor) if scales else 0

    steps = [
        width(linear["weight"]) * linear["k"] * most
        for linear in info(container)["linears"]
    ]
    steps += [
        width(attributes(node)["tensor"].decode())
        for node in nodes_of(thin)
        if node.op_type == "Embedding"
    ]
    return 2.0**-11 * max(steps, default=0)


def largest(container, tensor):
    weight = dump(container, tensor)
    return float(np.abs(weight[np.isfinite(weight)]).max(initial=0))


# ------------------------------------------------------------ small models


def producers(graph):
    return {name: node for node in graph.node for name in node.output}


def type_of(graph, node, tensors):
    """The element type that the first input of a node must have, or None."""
    if node.op_type in ("Gather", "GatherBlockQuantized"):
        return None
    scales = node.input[2] if node.op_type == "MatMulNBits" else None
    if node.op_type in ("MatMul", "Gemm"):
        before = producers(graph).get(node.input[1])
        while before and before.op_type == "Transpose":
            before = producers(graph).get(before.input[0])
        if before and before.op_type == "DequantizeLinear":
            scales = before.input[1]
    return tensors.get(scales)


def repair(model):
    """Lets ONNX Runtime run a model of tests/onnx, which need not have the
    right types of inputs, nor outputs that exist, nor unlike node names."""
    graph = model.graph
    made = producers(graph)
    tensors = {t.name: t.data_type for t in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Gather", "GatherBlockQuantized") and any(
            other.input[:1] == node.input[1:2] for other in graph.node
        ):
            # The indices are the x of a linear, too.
            graph.input.append(helper.make_tensor_value_info(
                "indices", TensorProto.INT64, ["m"]))
            node.input[1] = "indices"
        if node.op_type == "Constant":
            tensors[node.output[0]] = node.attribute[0].t.data_type
    inputs = {value.name: value for value in graph.input}
    for holder in within(graph):
        for at, node in enumerate(holder.node):
            node.name = node.name and f"{node.name}.{at}.{holder.name}"
            kind = type_of(holder, node, tensors)
            if node.input and node.input[0] in inputs and kind:
                inputs[node.input[0]].type.tensor_type.elem_type = kind
            if node.op_type in ("Gather", "GatherBlockQuantized"):
                if node.input[1] in inputs:
                    inputs[node.input[1]].type.tensor_type.elem_type = (
                        TensorProto.INT64
                    )
    used = {name for holder in within(graph) for node in holder.node
            for name in node.input}
    del graph.output[:]
    for name in made:
        if name and name not in used:
            graph.output.append(helper.make_empty_tensor_value_info(name))
    return model


def copy_model(source, folder):
    """Copies a model of tests/onnx, repaired, and the files beside it."""
    target = folder / "model.onnx"
    if source.parent.name == "places":
        for path in source.parent.iterdir():
            if path.suffix == ".bin":
                shutil.copy(path, folder)
            elif path.is_dir():
                shutil.copytree(path, folder / path.name)
    model = onnx.load(source, load_external_data=False)
    if source.parent.parent.name == "onnx":
        repair(model)
    target.write_bytes(model.SerializeToString())
    return target


def at_level_1(model):
    """The same model, computed in f32."""
    for holder in holders(model):
        for node in holder.node:
            if node.op_type not in ("MatMulNBits", "Linear", "LinearMany"):
                continue
            for attribute in list(node.attribute):
                if attribute.name == "accuracy_level":
                    node.attribute.remove(attribute)
            node.attribute.append(helper.make_attribute("accuracy_level", 1))
    return model


# ----------------------------------------------------------- larger models

OPSETS = [
    helper.make_opsetid("", 21),
    helper.make_opsetid("com.microsoft", 1),
]


def info_of(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


class Weights:
    """Constants of 4-bit MatMulNBits nodes, and the nodes."""

    def __init__(self, seed=1):
        self.rng = np.random.default_rng(seed)
        self.tensors = []

    def tensor(self, name, array):
        self.tensors.append(numpy_helper.from_array(array, name))
        return name

    def node(self, x, y, k=64, n=48, name=None, weight=None):
        label = weight or f"w{len(self.tensors)}"
        if not weight:
            shape = (n, k // 32, 16)
            codes = self.rng.integers(0, 256, shape).astype(np.uint8)
            scales = self.rng.random(n * k // 32).astype(np.float16)
            self.tensor(label + "_Q4", codes)
            self.tensor(label + "_scales", scales.astype(np.float32))
        return helper.make_node(
            "MatMulNBits", [x, label + "_Q4", label + "_scales"], [y],
            name=y + "/MatMul_Q4" if name is None else name,
            domain="com.microsoft", K=k, N=n, bits=4, block_size=32,
        )

    def constants(self):
        """Constant nodes in place of initializers."""
        return [helper.make_node("Constant", [], [t.name], value=t)
                for t in self.tensors]


def model_of(nodes, inputs, outputs, tensors, functions=(), opsets=OPSETS):
    graph = helper.make_graph(nodes, "graph", inputs, outputs, tensors)
    return helper.make_model(
        graph, opset_imports=opsets, functions=functions, ir_version=10
    )


def functions_model():
    """A function that is called twice, with two linears of one x, and one in
    the body of an If; behind it a linear of the graph."""
    weights = Weights(4)
    branch = helper.make_graph(
        [weights.node("same", "z", n=64)], "branch", [], [info_of("z", None)])
    other = helper.make_graph(
        [helper.make_node("Identity", ["m"], ["e"])], "other", [],
        [info_of("e", None)])
    nodes = [
        weights.node("x", "q", n=64),
        weights.node("x", "k", n=64),
        helper.make_node("Mul", ["q", "k"], ["m"]),
        helper.make_node("Identity", ["x"], ["same"]),
        helper.make_node("If", ["c"], ["i"], then_branch=branch,
                         else_branch=other),
        helper.make_node("Add", ["m", "i"], ["y"]),
    ]
    function = helper.make_function(
        "local", "Pair", ["x", "c"], ["y"], [*weights.constants(), *nodes],
        OPSETS,
    )
    calls = [
        helper.make_node("Pair", ["x", "c"], ["one"], domain="local"),
        helper.make_node("Pair", ["x2", "c"], ["two"], domain="local"),
        helper.make_node("Add", ["one", "two"], ["sum"]),
    ]
    around = Weights()
    calls.append(around.node("sum", "out", k=64))
    return model_of(
        calls,
        [info_of("x", [3, 64]), info_of("x2", [3, 64]),
         info_of("c", [], TensorProto.BOOL)],
        [info_of("out", [3, 48])], around.tensors, [function],
        [*OPSETS, helper.make_opsetid("local", 1)],
    )


def bodies_model():
    """A linear around an If, and linears in its branches. Both of these share
    its weight, and two of their nodes have one name."""
    weights = Weights()
    outer = weights.node("x", "a")
    then = helper.make_graph(
        [weights.node("x", "t", weight="w0"),
         weights.node("x", "u", name="same")],
        "then", [], [info_of("t", None), info_of("u", None)])
    other = helper.make_graph(
        [weights.node("x", "v", weight="w0", name="same"),
         helper.make_node("Neg", ["a"], ["w"])],
        "other", [], [info_of("v", None), info_of("w", None)])
    branch = helper.make_node(
        "If", ["c"], ["y", "z"], then_branch=then, else_branch=other)
    return model_of(
        [outer, branch],
        [info_of("x", ["m", 64]), info_of("c", [], TensorProto.BOOL)],
        [info_of("y", None), info_of("z", None), info_of("a", None)],
        weights.tensors,
    )
