"""MatMulNBits of any form, read by its documentation, and the mapping of
spec/format.md: the type that a weight gets, and how far it may move."""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper

import oracle

HALF_STEP = 2.0**-11  # of a normal f16


@dataclass
class Weight:
    name: str
    k: int
    n: int
    block: int
    bits: int
    q: np.ndarray  # f64 [n, k]: codes
    z: np.ndarray  # f64 [n, k]: the zero point of each
    s: np.ndarray  # f64 [n, k]: the scale of each
    reordered: bool
    bias: np.ndarray | None

    def exact(self):
        """The dequantized weight in f64."""
        return (self.q - self.z) * self.s


def unpack(packed, bits, count):
    """uint8 [.., bytes] -> [.., count]; low bits come first."""
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    codes = packed[..., None] >> shifts & np.uint8((1 << bits) - 1)
    return codes.reshape(*packed.shape[:-1], -1)[..., :count]


def read_weight(node, tensors):
    a = {attribute.name: attribute.i for attribute in node.attribute}
    inputs = [*node.input, "", "", "", ""]
    k, n, block, bits = a["K"], a["N"], a["block_size"], a.get("bits", 4)
    blocks = -(-k // block)
    codes = unpack(tensors[inputs[1]].reshape(n, -1), bits, k)
    scales = tensors[inputs[2]].reshape(n, blocks)
    zeros = np.full((n, blocks), 1 << (bits - 1))
    if inputs[3]:
        zeros = tensors[inputs[3]].reshape(n, -1)
        if zeros.dtype == np.uint8:
            zeros = unpack(zeros, bits, blocks)
    group = np.arange(k) // block
    mapped = group
    if inputs[4]:
        mapped = tensors[inputs[4]].reshape(-1)[:k]
    return Weight(
        name=node.name,
        k=k,
        n=n,
        block=block,
        bits=bits,
        q=codes.astype(np.float64),
        z=zeros.astype(np.float64)[:, mapped],
        s=scales.astype(np.float64)[:, mapped],
        reordered=bool((mapped != group).any()),
        bias=tensors[inputs[5]] if inputs[5] else None,
    )


def take_rows(model, rows):
    """The initializers of a model's only node, by name, with only these rows
    of each that has rows. The node's N becomes their number."""
    (node,) = model.graph.node
    (n,) = (a for a in node.attribute if a.name == "N")
    tensors = {}
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name != node.input[4]:  # g_idx has columns, not rows
            values = values.reshape(n.i, -1)[rows]
        tensors[tensor.name] = values
    if node.input[5]:
        tensors[node.input[5]] = tensors[node.input[5]][:, 0]
    n.i = len(rows)
    return tensors


def read_weights(model):
    """The MatMulNBits weights of a model (or its path), in graph order."""
    if not isinstance(model, onnx.ModelProto):
        model = onnx.load(model)
    tensors = {
        i.name: numpy_helper.to_array(i) for i in model.graph.initializer
    }
    return [
        read_weight(node, tensors)
        for node in model.graph.node
        if node.op_type == "MatMulNBits"
    ]


def holds(values):
    """Whether f16 holds each number within half a step of a normal one."""
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float16).astype(np.float64)
    error = np.abs(rounded - values)
    return bool(
        np.isfinite(rounded).all()
        and (error <= HALF_STEP * np.abs(values)).all()
    )


def shared(values):
    """Whether each 32 columns have one value, after rounding to f16."""
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float16).view(np.uint16)
    first = rounded[:, np.arange(rounded.shape[1]) // 32 * 32]
    return bool((rounded == first).all())


def mapped_type(weight):
    """The type that the mapping gives to a weight."""
    default = bool((weight.z == 1 << (weight.bits - 1)).all())
    if weight.reordered or not holds(weight.s) or not shared(weight.s):
        return "F32"
    if weight.bits == 8:
        value = weight.q - weight.z
        inside = (value == np.rint(value)) & (np.abs(value + 0.5) < 128)
        return "Q8_0" if inside.all() else "F32"
    if default:
        return "Q4_0"
    offset = -weight.z * weight.s
    return "Q4_1" if holds(offset) and shared(offset) else "F32"


def stored(weight, dtype):
    """The container's weight in f64, Q4_1 within f32's rounding. Codes are
    those of the source, so nothing else may differ."""
    if dtype == "F32":
        value = (weight.q - weight.z).astype(np.float32)
        return (value * weight.s.astype(np.float32)).astype(np.float64)
    scale = weight.s.astype(np.float16).astype(np.float64)
    if dtype == "Q4_1":
        offset = (-weight.z * weight.s).astype(np.float16)
        return weight.q * scale + offset.astype(np.float64)
    return (weight.q - weight.z) * scale


def bound(weight, dtype):
    """How far the mapping may move each element of a weight."""
    if dtype == "F32":
        return 2.0**-23 * np.abs(weight.exact())
    if dtype == "Q4_1":
        most = weight.q + np.abs(weight.z)
        return (HALF_STEP + 2.0**-23) * most * np.abs(weight.s)
    return HALF_STEP * np.abs(weight.exact())


def check(test, path, weights):
    """Compares each linear of a container, decoded by gguf-py, with its
    source. Returns the container's info."""
    info = oracle.info(path)
    _, tensors = oracle.read_gguf(path)
    dtypes = {t["name"]: t["dtype"] for t in info["tensors"]}
    test.assertEqual(
        [linear["name"] for linear in info["linears"]],
        [weight.name for weight in weights],
    )
    for linear, weight in zip(info["linears"], weights):
        dtype = dtypes[linear["weight"]]
        test.assertEqual(dtype, mapped_type(weight))
        test.assertEqual((linear["k"], linear["n"]), (weight.k, weight.n))
        actual = oracle.decoded(tensors[linear["weight"]])[:, : weight.k]
        wanted = stored(weight, dtype)
        step = 2.0**-23 * np.abs(wanted) if dtype == "Q4_1" else 0
        if dtype == "Q4_1":
            step += 2.0**-23 * np.abs(weight.q * weight.s)
        test.assertTrue((np.abs(actual - wanted) <= step).all())
        moved = np.abs(actual - weight.exact())
        test.assertTrue((moved <= bound(weight, dtype)).all())
    return info
