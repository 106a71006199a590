"""Models for the plugin's tests: MatMulNBits nodes with random weights, their
containers, and the same graphs with quire's custom ops in their place.

The rewriting here is independent of `quire thin`, so that the ops are tested
by what docs/onnxruntime.md says of them.
"""

import json
import os
import pathlib
import subprocess

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

QUIRE = os.environ["QUIRE"]
F32, F16 = TensorProto.FLOAT, TensorProto.FLOAT16


def quire(*args, check=True):
    done = subprocess.run(
        [QUIRE, *map(str, args)], capture_output=True, text=True
    )
    if check and done.returncode:
        raise SystemExit(f"quire {args}: {done.stderr}")
    return done


def convert(model):
    """The container beside a model: model.gguf for model.onnx."""
    container = pathlib.Path(model).with_suffix(".gguf")
    quire("convert", model, "-o", container, "--force")
    return container


def info(container):
    return json.loads(quire("info", "--json", container).stdout)


def pack(codes, bits):
    """Low bits first, along the last axis."""
    if bits == 8:
        return codes.astype(np.uint8)
    share = 8 // bits
    rest = -codes.shape[-1] % share
    codes = np.pad(codes, [(0, 0)] * (codes.ndim - 1) + [(0, rest)])
    parts = codes.reshape(*codes.shape[:-1], -1, share).astype(np.uint8)
    packed = np.zeros(parts.shape[:-1], np.uint8)
    for i in range(share):
        packed |= parts[..., i] << (bits * i)
    return packed


class Weight:
    """A MatMulNBits weight. Scales are held by f16, also when they are
    multiplied by a zero point, unless `fine`."""

    def __init__(
        self,
        random,
        k,
        n,
        bits=4,
        block=32,
        zeros=False,
        bias=False,
        fine=False,
        half=False,
    ):
        self.k, self.n, self.bits, self.block = k, n, bits, block
        self.type = np.float16 if half else np.float32
        blocks = -(-k // block)
        self.codes = random.integers(0, 1 << bits, (n, blocks * block))
        scales = random.uniform(0.5, 1.5, (n, blocks)) / (1 << bits) / k**0.5
        if not fine:
            # f16 has 11 bits: 7 of the scale, 4 of a zero point.
            mantissa, exponent = np.frexp(scales)
            scales = np.ldexp(np.round(mantissa * 128) / 128, exponent)
        self.scales = scales.astype(self.type)
        self.zeros = (
            random.integers(0, 1 << bits, (n, blocks)) if zeros else None
        )
        self.bias = (
            random.standard_normal(n).astype(self.type) if bias else None
        )

    def f64(self):
        """W as the operator defines it."""
        zero = 1 << (self.bits - 1) if self.zeros is None else self.zeros
        zero = np.broadcast_to(zero, self.scales.shape)
        spread = lambda a: np.repeat(a.astype(np.float64), self.block, 1)
        w = (self.codes - spread(zero)) * spread(self.scales)
        return w[:, : self.k]

    def add(self, initializers, name):
        """Appends its constants; returns the node's inputs after A."""
        blocks = self.scales.shape[1]
        made = [
            (
                f"{name}_Q",
                pack(self.codes.reshape(self.n, blocks, self.block), self.bits),
            ),
            (f"{name}_scales", self.scales),
        ]
        inputs = [made[0][0], made[1][0]]
        if self.zeros is not None:
            made.append((f"{name}_zeros", pack(self.zeros, self.bits)))
            inputs.append(made[-1][0])
        if self.bias is not None:
            made.append((f"{name}_bias", self.bias))
            inputs += [""] * (4 - len(inputs)) + [made[-1][0]]
        initializers += [numpy_helper.from_array(a, n) for n, a in made]
        return inputs


def nbits(weight, inputs, output, name, level=0):
    return helper.make_node(
        "MatMulNBits",
        inputs,
        [output],
        name=name,
        domain="com.microsoft",
        K=weight.k,
        N=weight.n,
        bits=weight.bits,
        block_size=weight.block,
        accuracy_level=level,
    )


def make_model(nodes, inputs, outputs, initializers, functions=()):
    model = helper.make_model(
        helper.make_graph(nodes, "g", inputs, outputs, initializers),
        opset_imports=[
            helper.make_opsetid("", 21),
            helper.make_opsetid("com.microsoft", 1),
        ],
        ir_version=10,
    )
    model.functions.extend(functions)
    return model


def stack(path, weights, level=0, external=False, names=None):
    """One X, one product for each weight, outputs y0, y1 ..."""
    initializers = []
    nodes = []
    for i, weight in enumerate(weights):
        inputs = ["x"] + weight.add(initializers, f"w{i}")
        name = f"/layer.{i}/MatMul" if names is None else names[i]
        nodes.append(nbits(weight, inputs, f"y{i}", name, level))
    kind = F16 if weights[0].type == np.float16 else F32
    model = make_model(
        nodes,
        [helper.make_tensor_value_info("x", kind, ["a", "b", weights[0].k])],
        [
            helper.make_tensor_value_info(f"y{i}", kind, None)
            for i in range(len(weights))
        ],
        initializers,
    )
    save(model, path, external)
    return model


def save(model, path, external=False):
    if external:
        data = pathlib.Path(f"{path}.data")
        data.unlink(missing_ok=True)
        onnx.save_model(
            onnx.load_model_from_string(model.SerializeToString()),
            path,
            save_as_external_data=True,
            location=data.name,
            size_threshold=0,
        )
    else:
        onnx.save_model(model, path)


def ops(model, container, output, by="input", level=None, many=False):
    """The model with quire.Linear for MatMulNBits, written to `output`. `by`:
    the container is an input, or named by attribute."""
    model = onnx.load_model_from_string(model.SerializeToString())
    facts = info(container)
    linears = {linear["name"]: linear for linear in facts["linears"]}
    graph = model.graph
    nodes = []
    groups = {}
    for node in graph.node:
        if node.op_type != "MatMulNBits":
            nodes.append(node)
            continue
        was = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        assert node.name in linears, (node.name, list(linears))
        key = (node.input[0], was["K"]) if many else node.output[0]
        groups.setdefault(key, []).append((node, was))
    for group in groups.values():
        first, was = group[0]
        inputs = [first.input[0]]
        attributes = {
            "K": was["K"],
            "header_xxh3": header_of(facts),
        }
        if level is not None:
            attributes["accuracy_level"] = level
        if by == "input":
            inputs.append("quire.container")
        else:
            attributes["container"] = by
        if many:
            attributes["linears"] = "\n".join(n.name for n, _ in group)
            attributes["N"] = [w["N"] for _, w in group]
        else:
            attributes["linear"] = first.name
            attributes["N"] = was["N"]
        nodes.append(
            helper.make_node(
                "LinearMany" if many else "Linear",
                inputs,
                [n.output[0] for n, _ in group],
                name=first.name,
                domain="quire",
                **attributes,
            )
        )
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.initializer[:]
    if by == "input":
        graph.initializer.append(whole_file(container))
    model.opset_import.append(helper.make_opsetid("quire", 1))
    onnx.save_model(model, output)
    return model


def header_of(facts):
    return facts["metadata"]["quire.header.xxh3"]


def whole_file(container):
    """The container as an initializer of external data."""
    whole = TensorProto(name="quire.container", data_type=TensorProto.UINT8)
    size = os.path.getsize(container)
    whole.dims.append(size)
    whole.data_location = TensorProto.EXTERNAL
    for key, value in (
        ("location", pathlib.Path(container).name),
        ("offset", 0),
        ("length", size),
    ):
        whole.external_data.add(key=key, value=str(value))
    return whole
