#!/usr/bin/env python3
"""Makes the tiny ONNX models of this folder, good ones and bad ones.

Beside each good model NAME.onnx stands NAME.weight: the bytes that the tensor
of its first MatMulNBits node must have in the container, worked out here in
numpy from the operator's definition, without any of the converter's code.
Run it with onnx and numpy installed; the same versions give the same bytes.
"""

import os

import numpy as np
import onnx
from onnx import TensorProto, helper

HERE = os.path.dirname(os.path.abspath(__file__))
NUMPY_TYPES = {
    TensorProto.FLOAT: np.dtype("<f4"),
    TensorProto.FLOAT16: np.dtype("<f2"),
    TensorProto.UINT8: np.dtype("u1"),
    TensorProto.INT8: np.dtype("i1"),
    TensorProto.INT32: np.dtype("<i4"),
    TensorProto.INT64: np.dtype("<i8"),
    TensorProto.DOUBLE: np.dtype("<f8"),
}


def path(name):
    return os.path.join(HERE, name)


def raw(name, type_, dims, data):
    """An initializer with raw_data; bfloat16 is given as its u16 bits."""
    if isinstance(data, np.ndarray):
        if type_ in NUMPY_TYPES:
            data = data.astype(NUMPY_TYPES[type_])
        data = data.tobytes()
    tensor = TensorProto(name=name, data_type=type_, raw_data=data)
    tensor.dims.extend(dims)
    return tensor


def external(tensor, location, offset=None, length=None):
    """Turns an initializer into one whose bytes are elsewhere."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    pairs = [("location", location), ("offset", offset), ("length", length)]
    for key, value in pairs:
        if value is not None:
            tensor.external_data.add(key=key, value=str(value))
    return tensor


def pack(codes, bits):
    """Packs each row of codes into bytes, low bits first."""
    per_byte = 8 // bits
    rows, cols = codes.shape
    padded = np.zeros((rows, -(-cols // per_byte) * per_byte), np.uint8)
    padded[:, :cols] = codes
    packed = np.zeros((rows, padded.shape[1] // per_byte), np.uint8)
    for i in range(per_byte):
        packed |= padded[:, i::per_byte] << (bits * i)
    return packed


class Weight:
    """A quantized weight with everything that MatMulNBits can say of it."""

    def __init__(self, k, n, block=32, bits=4, seed=1):
        rng = np.random.default_rng(seed)
        self.k, self.n, self.block, self.bits = k, n, block, bits
        self.blocks = -(-k // block)
        # Padding codes are arbitrary, so that whoever reads them is found.
        self.codes = rng.integers(
            0, 1 << bits, (n, self.blocks * block), np.uint8)
        self.scales = rng.uniform(0.01, 0.1, (n, self.blocks))
        self.scales = self.scales.astype(np.float32)
        self.scale_type = TensorProto.FLOAT
        self.zeros = None  # [n, blocks], of uint8 or a float type
        self.g_idx = None
        self.bias = None

    def zero_points(self):
        if self.zeros is None:
            return np.full((self.n, self.blocks), 1 << (self.bits - 1),
                           np.float32)
        return self.zeros.astype(np.float32)

    def dequantized(self):
        """[n, k] in f32: (code - zero) * scale."""
        group = np.arange(self.k) // self.block
        if self.g_idx is not None:
            group = self.g_idx[:self.k]
        codes = self.codes[:, :self.k].astype(np.float32)
        return ((codes - self.zero_points()[:, group])
                * self.scales[:, group])

    def by_32(self):
        """Codes of 32 columns each [n, blocks, 32], those past k are 0, and
        the scales and zero points of their first columns [n, blocks]."""
        codes = np.zeros((self.n, -(-self.k // 32) * 32), np.uint8)
        codes[:, :self.k] = self.codes[:, :self.k]
        first = np.arange(0, self.k, 32) // self.block
        return (codes.reshape(self.n, -1, 32), self.scales[:, first],
                self.zero_points()[:, first])

    def past_k(self):
        """[blocks, 32]: which columns are padding."""
        return (np.arange(-(-self.k // 32) * 32) >= self.k).reshape(-1, 32)

    def q4_0(self):
        """The weight as blocks of Q4_0, columns past k decoding to 0."""
        codes, scales, _ = self.by_32()
        codes = codes + np.uint8(8 - (1 << (self.bits - 1)))
        codes[:, self.past_k()] = 8
        out = bytearray()
        for row, row_scales in zip(codes, scales.astype("<f2")):
            for block, scale in zip(row, row_scales):
                out += scale.tobytes()
                out += (block[:16] | block[16:] << 4).tobytes()
        return bytes(out)

    def q4_1(self):
        """Blocks of Q4_1; columns past k decode to what is nearest to 0."""
        codes, scales, zeros = self.by_32()
        offsets = -zeros.astype(np.float64) * scales.astype(np.float64)
        nearest = np.clip(np.rint(zeros), 0, 15).astype(np.uint8)
        codes = np.where(self.past_k(), nearest[:, :, None], codes)
        out = bytearray()
        for row in zip(codes, scales.astype("<f2"), offsets.astype("<f2")):
            for block, scale, offset in zip(*row):
                out += scale.tobytes() + offset.tobytes()
                out += (block[:16] | block[16:] << 4).tobytes()
        return bytes(out)

    def q8_0(self):
        """Blocks of Q8_0, columns past k 0."""
        codes = np.zeros((self.n, -(-self.k // 32) * 32), np.int8)
        zeros = self.zero_points()[:, np.arange(self.k) // self.block]
        codes[:, :self.k] = self.codes[:, :self.k].astype(np.int16) - zeros
        _, scales, _ = self.by_32()
        out = bytearray()
        for row, row_scales in zip(codes, scales.astype("<f2")):
            for block, scale in zip(row.reshape(-1, 32), row_scales):
                out += scale.tobytes() + block.tobytes()
        return bytes(out)

    def dense(self):
        return self.dequantized().astype("<f4").tobytes()

    def scale_data(self):
        if self.scale_type == TensorProto.BFLOAT16:
            return (self.scales.view("<u4") >> 16).astype("<u2")
        return self.scales

    def initializers(self, prefix=""):
        """[B, scales, zero_points or None, g_idx or None, bias or None]"""
        blob = self.block * self.bits // 8
        parts = [
            raw(prefix + "w_Q4", TensorProto.UINT8,
                [self.n, self.blocks, blob], pack(self.codes, self.bits)),
            raw(prefix + "w_scales", self.scale_type,
                [self.n, self.blocks], self.scale_data()),
            None, None, None]
        if self.zeros is not None and self.zeros.dtype == np.uint8:
            packed = pack(self.zeros, self.bits)
            parts[2] = raw(prefix + "w_zp", TensorProto.UINT8, packed.shape,
                           packed)
        elif self.zeros is not None:
            type_ = (TensorProto.FLOAT16 if self.zeros.dtype == np.float16
                     else TensorProto.FLOAT)
            parts[2] = raw(prefix + "w_zp", type_, self.zeros.shape,
                           self.zeros)
        if self.g_idx is not None:
            parts[3] = raw(prefix + "w_g_idx", TensorProto.INT32,
                           self.g_idx.shape, self.g_idx)
        if self.bias is not None:
            parts[4] = raw(prefix + "b", TensorProto.FLOAT, [self.n],
                           self.bias)
        return parts

    def node(self, parts, name="/fc/MatMul_Q4", output="y", x="x",
             **attributes):
        names = [x] + [part.name if part else "" for part in parts]
        while not names[-1]:
            names.pop()
        values = dict(K=self.k, N=self.n, bits=self.bits,
                      block_size=self.block)
        values.update(attributes)
        values = {key: v for key, v in values.items() if v is not None}
        return helper.make_node("MatMulNBits", names, [output], name=name,
                                domain="com.microsoft", **values)


def model(nodes, initializers, inputs=(), name="tiny"):
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["m", None]),
         *inputs],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [part for part in initializers if part])
    return helper.make_model(
        graph, producer_name="make.py", producer_version="1", ir_version=10,
        opset_imports=[helper.make_opsetid("", 21),
                       helper.make_opsetid("com.microsoft", 1)])


def write(name, data):
    with open(path(name), "wb") as file:
        file.write(data)


def save(name, proto, expected=None):
    write(name + ".onnx", proto.SerializeToString(deterministic=True))
    if expected is not None:
        write(name + ".weight", expected)


def save_weight(name, weight, expected, **attributes):
    parts = weight.initializers()
    save(name, model([weight.node(parts, **attributes)], parts), expected)


# ------------------------------------------------------------- good models


def make_block_forms():
    plain = Weight(64, 4)
    plain.scales[0, 1] = -0.0
    plain.scales[1, 0] = 0.0
    plain.scales[2] *= -1
    plain.scales[3, 1] = 65504.0 + 15.0  # rounds down to the largest f16
    plain.bias = np.arange(4, dtype=np.float32) - 1.5
    save_weight("plain", plain, plain.q4_0(), accuracy_level=4)

    ragged = Weight(40, 3, seed=2)
    save_weight("ragged", ragged, ragged.q4_0())

    narrow = Weight(7, 5, seed=3)
    save_weight("narrow", narrow, narrow.q4_0())

    zeros = Weight(96, 3, seed=4)
    zeros.zeros = np.full((3, 3), 8, np.uint8)  # and a nibble of padding, 0
    save_weight("zero_points_default", zeros, zeros.q4_0())

    zeros = Weight(64, 3, seed=4)
    zeros.zeros = np.full((3, 2), 8, np.float32)
    save_weight("zero_points_float_default", zeros, zeros.q4_0())

    half = Weight(64, 3, seed=5)
    half.scale_type = TensorProto.FLOAT16
    half.scales = half.scales.astype(np.float16).astype(np.float32)
    half.scales[0, 0] = 2.0 ** -24  # the least f16: held as it is
    half.scales[1, 1] = -0.0
    save_weight("scales_f16", half, half.q4_0())

    brain = Weight(64, 3, seed=6)
    brain.scale_type = TensorProto.BFLOAT16
    bits = brain.scales.view(np.uint32) & 0xFFFF0000
    brain.scales = bits.view(np.float32)
    save_weight("scales_bf16", brain, brain.q4_0())

    trivial = Weight(40, 3, seed=7)
    trivial.g_idx = (np.arange(64) // 32).astype(np.int32)
    save_weight("g_idx_trivial", trivial, trivial.q4_0())


def make_other_forms():
    for bits in (2, 8):
        weight = Weight(40, 3, bits=bits, seed=10 + bits)
        save_weight("bits_%d" % bits, weight,
                    weight.q4_0() if bits == 2 else weight.q8_0())
    weight = Weight(40, 3, bits=2, seed=12)
    weight.zeros = np.random.default_rng(2).integers(0, 4, (3, 2), np.uint8)
    save_weight("bits_2_zero_points", weight, weight.q4_1())
    weight = Weight(40, 3, bits=8, seed=18)
    weight.zeros = np.array([[100, 128], [0, 255], [140, 64]], np.uint8)
    groups = weight.zeros[:, np.arange(64) // 32].astype(int)
    weight.codes = np.clip(weight.codes, groups - 128,
                           groups + 127).astype(np.uint8)
    save_weight("bits_8_zero_points", weight, weight.q8_0())

    for block in (64, 128, 256):
        weight = Weight(3 * block + 40, 3, block, seed=20 + block)
        save_weight("block_%d" % block, weight, weight.q4_0())
    weight = Weight(72, 3, 64, seed=24)
    weight.zeros = np.array([[3, 9], [8, 8], [0, 15]], np.uint8)
    save_weight("block_64_zero_points", weight, weight.q4_1())

    # Blocks of 16: alone in a row, a half that is left over, and in pairs.
    weight = Weight(16, 3, 16, seed=25)
    save_weight("block_16_narrow", weight, weight.q4_0())
    weight.zeros = np.array([[3], [8], [15]], np.uint8)
    save_weight("block_16_zero_points", weight, weight.q4_1())
    weight = Weight(72, 3, 16, seed=26)
    weight.scales = weight.scales[:, [0, 0, 2, 2, 4]]
    weight.scales[0, 1] *= np.float32(1 + 2 ** -20)  # the same f16
    save_weight("block_16_pairs", weight, weight.q4_0())
    weight = Weight(72, 3, 16, 8, seed=27)
    weight.scales = weight.scales[:, [0, 0, 2, 2, 4]]
    weight.zeros = np.full((3, 5), 128, np.uint8)
    weight.zeros[:, 1] = 127
    weight.codes[:, 16:32] = np.minimum(weight.codes[:, 16:32], 254)
    save_weight("block_16_bits_8", weight, weight.q8_0())

    weight = Weight(96, 3, seed=30)
    weight.zeros = np.arange(9, dtype=np.uint8).reshape(3, 3)
    save_weight("zero_points", weight, weight.q4_1())
    for type_ in ("float32", "float16"):
        weight.zeros = np.linspace(6.5, 9.25, 9).reshape(3, 3).astype(type_)
        save_weight("zero_points_" + type_, weight, weight.q4_1())


def make_fallbacks():
    weight = Weight(72, 3, 16, seed=36)
    save_weight("block_16", weight, weight.dense())
    weight.scales[:] = 0.25
    weight.zeros = np.full((3, 5), 8, np.uint8)
    weight.zeros[1, 3] = 7
    save_weight("block_16_split", weight, weight.dense())

    weight = Weight(40, 3, bits=8, seed=18)
    weight.zeros = np.full((3, 2), 100, np.uint8)
    weight.codes[:] = 227
    weight.codes[1, 35] = 228
    save_weight("bits_8_out_of_range", weight, weight.dense())
    weight.zeros = np.full((3, 2), 99.5, np.float32)
    save_weight("bits_8_fraction", weight, weight.dense())

    weight = Weight(64, 3, seed=33)
    weight.scales[2, 1] = 5000
    weight.zeros = np.full((3, 2), 15, np.uint8)
    save_weight("offset_large", weight, weight.dense())

    weight = Weight(64, 3, seed=31)
    weight.g_idx = (np.arange(64) % 2).astype(np.int32)
    save_weight("g_idx", weight, weight.dense())
    weight.zeros = np.array([[3, 9], [8, 8], [0, 15]], np.uint8)
    save_weight("g_idx_zero_points", weight, weight.dense())

    for name, scale in (("small", 1.2e-9), ("large", 65520.0),
                        ("infinite", np.inf)):
        weight = Weight(64, 3, seed=32)
        weight.scales[2, 1] = scale
        with np.errstate(invalid="ignore"):
            save_weight("scale_" + name, weight, weight.dense())


def make_spellings():
    weight = Weight(64, 4, seed=40)
    weight.zeros = np.full((4, 2), 8, np.uint8)
    parts = weight.initializers()
    for part in parts[1:3]:
        del part.dims[:]
        part.dims.append(8 if part.name == "w_scales" else 4)
    del parts[0].dims[1:]
    parts[0].dims.append(32)
    save("flat", model([weight.node(parts)], parts), weight.q4_0())

    weight = Weight(64, 2, seed=41)
    weight.scale_type = TensorProto.FLOAT16
    weight.scales = weight.scales.astype(np.float16).astype(np.float32)
    parts = weight.initializers()
    for part in parts[:2]:
        width = 1 if part.data_type == TensorProto.UINT8 else 2
        numbers = np.frombuffer(part.raw_data, "<u%d" % width)
        part.ClearField("raw_data")
        part.int32_data.extend(int(number) for number in numbers)
    save("typed", model([weight.node(parts)], parts), weight.q4_0())

    weight = Weight(64, 2, seed=42)
    parts = weight.initializers()
    scales = np.frombuffer(parts[1].raw_data, "<f4")
    parts[1].ClearField("raw_data")
    parts[1].float_data.extend(float(scale) for scale in scales)
    nodes = []
    for part in parts[:2]:
        nodes.append(helper.make_node("Constant", [], [part.name],
                                      value=part))
    nodes.append(weight.node(parts, name=""))
    save("constant_nodes", model(nodes, []), weight.q4_0())

    weight = Weight(64, 2, seed=43)
    parts = weight.initializers()
    overridable = helper.make_tensor_value_info("w_scales", TensorProto.FLOAT,
                                                [2, 2])
    save("overridable", model([weight.node(parts)], parts, [overridable]),
         weight.q4_0())


def make_external():
    weight = Weight(72, 5, seed=50)
    weight.bias = np.ones(5, np.float32)
    parts = weight.initializers()
    first = b"\xa5" * 3 + parts[0].raw_data + b"\xa5" * 5
    second = b"\x5a" * 7 + parts[1].raw_data + parts[4].raw_data
    scales_size = len(parts[1].raw_data)
    write("external.first.bin", first)
    os.makedirs(path("sub"), exist_ok=True)
    write("sub/external.second.bin", second)
    external(parts[0], "external.first.bin", 3, len(parts[0].raw_data))
    external(parts[1], "sub/external.second.bin", 7)
    external(parts[4], "./sub//external.second.bin", 7 + scales_size, 20)
    save("external", model([weight.node(parts)], parts), weight.q4_0())


def make_graphs():
    weight = Weight(64, 2, seed=60)
    weight.bias = np.array([1, 2], np.float32)
    parts = weight.initializers()
    other = raw("other_scales", TensorProto.FLOAT, [2, 2],
                weight.scales * 2)
    nodes = [
        weight.node(parts, name="first", output="t"),
        weight.node(parts, name="second", output="u", accuracy_level=1),
        weight.node([parts[0], other], name="third", output="y"),
    ]
    save("shared", model(nodes, parts + [other]), weight.q4_0())

    outer = Weight(64, 2, seed=61)
    parts = outer.initializers()
    inner = Weight(32, 2, seed=62)
    inner_parts = inner.initializers("inner_")
    output = [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)]
    then_graph = helper.make_graph(
        [outer.node(parts, name="in_then", output="z")], "then", [], output)
    else_graph = helper.make_graph(
        [inner.node(inner_parts, name="in_else", output="z")], "else", [],
        output, [part for part in inner_parts if part])
    branch = helper.make_node("If", ["c"], ["y"], name="branch",
                              then_branch=then_graph, else_branch=else_graph)
    condition = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    # Attributes are in the order of their names: else_branch is first.
    save("body", model([branch], parts, [condition]), inner.q4_0())


def gather_node(names, **attributes):
    return helper.make_node("GatherBlockQuantized", names, ["y"],
                            name="embed", domain="com.microsoft",
                            **attributes)


def save_gather_external(parts, names, expected):
    """The same beside the model, each at an odd offset."""
    copies, data = [], b"\xa5"
    for part in parts:
        copy = TensorProto()
        copy.CopyFrom(part)
        size = len(copy.raw_data)
        data += copy.raw_data
        copies.append(external(copy, "gather_external.bin",
                               len(data) - size, size))
        data += b"\xa5" * (1 + len(data) % 2)
    write("gather_external.bin", data)
    save("gather_external",
         model([gather_node(names, block_size=32)], copies), expected)


def make_bad_gathers():
    def bad(name, change=None, **attributes):
        weight = Weight(64, 5, seed=112)
        parts = weight.initializers()
        del parts[0].dims[1:]
        parts[0].dims.append(32)
        names = ["w_Q4", "x", "w_scales"]
        values = {"block_size": 32, **attributes}
        proto = model([gather_node(names, **values)], parts)
        if change:
            change(proto.graph)
        save("bad_gather_" + name, proto)

    def dims(graph):
        graph.initializer[1].dims[1] = 1
        graph.initializer[1].raw_data = graph.initializer[1].raw_data[:20]
    bad("scales", dims)

    def computed(graph):
        graph.initializer[0].name = "other"
        graph.node.insert(
            0, helper.make_node("Identity", ["other"], ["w_Q4"]))
    bad("computed", computed)

    def cube(graph):
        del graph.initializer[0].dims[:]
        graph.initializer[0].dims.extend([5, 2, 16])
    bad("cube", cube)
    bad("axis", quantize_axis=0)
    bad("bits", bits=3)
    bad("block", block_size=48)
    bad("attribute", transposed=1)

    def signed(graph):
        graph.initializer[0].data_type = TensorProto.INT8
    bad("type", signed)

    def domain(graph):
        graph.node[0].domain = ""
    bad("domain", domain)

    def zeros(graph):
        graph.node[0].input.append("w_zp")
        graph.initializer.append(raw("w_zp", TensorProto.UINT8, [5, 2],
                                     np.full((5, 2), 0x88, np.uint8)))
    bad("zero_points", zeros)


def make_gathers():
    """Embeddings: packed as MatMulNBits has it, or flat tensors of 4 bits."""
    weight = Weight(64, 5, seed=110)
    parts = weight.initializers()
    del parts[0].dims[1:]
    parts[0].dims.append(32)
    names = ["w_Q4", "x", "w_scales"]
    save("gather_uint8", model([gather_node(names, block_size=32)], parts),
         weight.q4_0())

    # Tied: the head and the embeddings are one initializer.
    tied = [gather_node(names, block_size=32), weight.node(parts)]
    tied[0].output[0] = "embedded"
    save("gather_tied", model(tied, parts), weight.q4_0())

    # An odd K, so that rows begin within bytes; and 3 blocks, so that rows of
    # zero points do.
    for name, signed, with_zeros in (
            ("gather_int4", 1, False), ("gather_uint4", 0, False),
            ("gather_int4_zero_points", 1, True),
            ("gather_uint4_zero_points", 0, True)):
        weight = Weight(75, 5, seed=111)
        offset = 8 * signed
        zeros = np.full((5, 3), offset, np.uint8)
        if with_zeros:
            zeros = np.arange(1, 16, dtype=np.uint8).reshape(5, 3)
        weight.zeros = zeros
        type_ = TensorProto.INT4 if signed else TensorProto.UINT4
        flat = (weight.codes[:, :75] ^ offset).reshape(1, -1)
        flat_zeros = (zeros ^ offset).reshape(1, -1)
        parts = [raw("w_Q4", type_, [5, 75], pack(flat, 4)),
                 weight.initializers()[1],
                 raw("w_zp", type_, [5, 3], pack(flat_zeros, 4))]
        names = ["w_Q4", "x", "w_scales", "w_zp"]
        if not with_zeros:
            names, parts = names[:3], parts[:2]
        signed_default = signed and not with_zeros
        if name == "gather_int4_zero_points":
            save_gather_external(parts, names, weight.q4_1())
        save(name, model([gather_node(names, block_size=32)], parts),
             weight.q4_0() if signed_default else weight.q4_1())


def make_dense():
    rng = np.random.default_rng(70)

    def normal(*dims):
        return rng.standard_normal(dims).astype(np.float32)

    brain = (normal(2, 3, 4).view("<u4") >> 16).astype("<u2")
    sparse = onnx.SparseTensorProto()
    sparse.values.CopyFrom(raw("sparse", TensorProto.FLOAT, [1], normal(1)))
    sparse.indices.CopyFrom(raw("", TensorProto.INT64, [1],
                                np.zeros(1, np.int64)))
    sparse.dims.extend([4])
    text = TensorProto(name="text", data_type=TensorProto.STRING)
    text.dims.append(1)
    text.string_data.append(b"hello")
    initializers = [
        raw("scalar", TensorProto.FLOAT, [], normal(1)),
        raw("matrix", TensorProto.FLOAT16, [3, 5], normal(3, 5)),
        raw("cube", TensorProto.BFLOAT16, [2, 3, 4], brain),
        raw("five", TensorProto.FLOAT, [2, 3, 1, 2, 2],
            normal(2, 3, 1, 2, 2)),
        raw("empty", TensorProto.FLOAT, [0, 4], b""),
        raw("double", TensorProto.DOUBLE, [2], np.ones(2)),
        raw("shape", TensorProto.INT64, [2], np.ones(2, np.int64)),
        text,
    ]
    nodes = [helper.make_node("Constant", [], ["vector"],
                              value=raw("", TensorProto.FLOAT, [3],
                                        normal(3))),
             helper.make_node("Constant", [], ["half"],
                              value=raw("", TensorProto.FLOAT, [],
                                        normal(1))),
             helper.make_node("Identity", ["x"], ["y"])]
    proto = model(nodes, initializers)
    proto.graph.sparse_initializer.append(sparse)
    save("dense", proto)


# -------------------------------------------------------------- bad models


def bad(name, change=None, weight=None, **attributes):
    """A good model but for what `change` does to its parts and model."""
    weight = weight or Weight(64, 3, seed=80)
    parts = weight.initializers()
    proto = model([weight.node(parts, **attributes)], parts)
    if change:
        change(proto)
    save("bad_" + name, proto)


def on_part(index, action):
    return lambda proto: action(proto.graph.initializer[index])


def set_dims(*dims):
    def change(tensor):
        del tensor.dims[:]
        tensor.dims.extend(dims)
    return change


def set_input(index, name):
    def change(proto):
        names = list(proto.graph.node[0].input)
        names += [""] * (index + 1 - len(names))
        names[index] = name
        del proto.graph.node[0].input[:]
        proto.graph.node[0].input.extend(names)
    return change


def make_bad_attributes():
    bad("no_k", K=None)
    bad("k_zero", K=0)
    bad("k_negative", K=-64)
    bad("k_other", K=65)
    bad("k_huge", K=(1 << 63) - 1)
    bad("n_other", N=4)
    bad("k_float", K=64.0)
    bad("bits_3", bits=3)
    bad("bits_16", bits=16)
    bad("bits_other", bits=8)
    bad("block_8", block_size=8)
    bad("block_48", block_size=48)
    bad("block_other", block_size=64)
    bad("level_5", accuracy_level=5)
    bad("prepacked", weight_prepacked=1)
    bad("unknown_attribute", layout=1)

    def domain(proto):
        proto.graph.node[0].domain = ""
    bad("domain", domain)


def make_bad_inputs():
    def retype(type_):
        def change(tensor):
            tensor.data_type = type_
        return change

    bad("b_type", on_part(0, retype(TensorProto.INT8)))
    bad("b_untyped", on_part(0, retype(TensorProto.UNDEFINED)))
    bad("b_shape", on_part(0, set_dims(3, 1, 32)))
    bad("b_short", on_part(0, set_dims(3, 2, 15)))
    bad("scales_type", on_part(1, retype(TensorProto.INT32)))
    bad("scales_shape", on_part(1, set_dims(2, 3)))
    bad("raw_size", on_part(1, set_dims(3, 3)))
    bad("negative_dim", on_part(0, set_dims(-3, -2, 16)))
    bad("huge_dims", on_part(0, set_dims(1 << 32, 1 << 32)))
    bad("huge_bits", on_part(1, set_dims((1 << 62) - 1)))
    bad("undefined", set_input(1, "nowhere"))
    bad("undefined_a", set_input(0, "nowhere"))
    bad("absent_b", set_input(1, ""))
    bad("absent_scales", set_input(2, ""))
    bad("computed_b", set_input(1, "y"))
    bad("input_scales", set_input(2, "x"))
    bad("seven_inputs", set_input(6, "x"))

    weight = Weight(64, 3, seed=81)
    weight.zeros = np.full((3, 3), 8, np.uint8)
    bad("zero_points_shape", weight=weight)
    weight = Weight(64, 3, seed=82)
    weight.g_idx = np.full(63, 0, np.int32)
    bad("g_idx_shape", weight=weight)
    weight.g_idx = np.full(64, 0, np.int32)
    weight.g_idx[63] = 2
    bad("g_idx_range", weight=weight)
    weight.g_idx[63] = -1
    bad("g_idx_negative", weight=weight)
    weight = Weight(64, 3, seed=83)
    weight.bias = np.zeros(3, np.float32)
    bad("bias_shape", on_part(2, set_dims(3, 1)), weight)

    def numbers(tensor):
        tensor.ClearField("raw_data")
        tensor.int32_data.extend([300] * 96)
    bad("number_range", on_part(0, numbers))

    def count(tensor):
        tensor.ClearField("raw_data")
        tensor.float_data.extend([1.0] * 5)
    bad("number_count", on_part(1, count))


def make_bad_external():
    def at(*arguments):
        return on_part(0, lambda tensor: external(tensor, *arguments))

    bad("escape_parent", at("../make.py"))
    bad("escape_inner", at("sub/../../onnx/make.py"))
    bad("escape_absolute", at("/etc/passwd"))
    bad("location_empty", at(""))
    bad("location_none", at(None))
    bad("location_folder", at("sub"))
    bad("location_missing", at("there-is-no-such.bin"))
    bad("external_short", at("external.first.bin", 200))
    bad("external_offset", at("external.first.bin", (1 << 64) - 1))
    bad("external_length", at("external.first.bin", 0, 97))
    for name, text in (("sign", "-1"), ("hex", "0x10"), ("blank", " 4"),
                       ("overflow", "18446744073709551616"),
                       ("nothing", "")):
        bad("offset_" + name, at("external.first.bin", text))

    def twice(tensor):
        external(tensor, "external.first.bin", 0)
        tensor.external_data.add(key="offset", value="1")
    bad("offset_twice", on_part(0, twice))


def field(number, payload):
    """One length-delimited field of a protobuf."""
    size, out = len(payload), bytearray([number << 3 | 2])
    while size >= 0x80:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes(out) + bytes([size]) + payload


def make_bad_files():
    write("bad_empty.onnx", b"")
    write("bad_text.onnx", b"This is not a model.\n")
    weight = Weight(64, 3, seed=84)
    parts = weight.initializers()
    whole = model([weight.node(parts)], parts).SerializeToString()
    write("bad_cut.onnx", whole[:len(whole) // 2])

    def twice(proto):
        proto.graph.initializer.append(proto.graph.initializer[1])
    bad("duplicate_name", twice)

    def twice_computed(proto):
        proto.graph.node.append(
            helper.make_node("Identity", ["x"], ["w_scales"]))
    bad("duplicate_output", twice_computed)

    # GraphProto.node = 1, NodeProto.attribute = 5, AttributeProto.g = 6.
    graph = b""
    for _ in range(100):
        graph = field(1, field(5, field(6, graph)))
    write("bad_deep.onnx", field(7, graph))

    # A node whose op_type is not UTF-8: GraphProto.node.op_type = 4.
    write("bad_utf8.onnx", field(7, field(1, field(4, b"\xff\xfe"))))

    # Two bytes a message: 64 times the file in memory is refused.
    write("bad_bloat.onnx", field(7, b"\x2a\x00" * 60000))


def make_refused():
    save("bad_nothing", model([helper.make_node("Identity", ["x"], ["y"])],
                              []))
    codes = raw("q", TensorProto.INT8, [2, 2], np.ones((2, 2), np.int8))
    scale = raw("s", TensorProto.FLOAT, [], np.ones(1, np.float32))
    node = helper.make_node("DequantizeLinear", ["q", "s"], ["y"], name="dq")
    save("bad_dequantize", model([node], [codes, scale]))


def main():
    for name in os.listdir(HERE):
        if name.endswith((".onnx", ".weight", ".bin")):
            os.remove(path(name))
    make_block_forms()
    make_other_forms()
    make_fallbacks()
    make_spellings()
    make_external()
    make_graphs()
    make_gathers()
    make_bad_gathers()
    make_dense()
    make_bad_attributes()
    make_bad_inputs()
    make_bad_external()
    make_bad_files()
    make_refused()


if __name__ == "__main__":
    main()
