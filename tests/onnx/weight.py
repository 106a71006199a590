"""What the generators share: a quantized weight, its bytes in the container,
and the writing of files."""

import os

import numpy as np
from onnx import TensorProto, helper

HERE = os.path.dirname(os.path.abspath(__file__))
GOOD, BAD, PLACES = "good", "bad", "places"
NUMPY_TYPES = {
    TensorProto.FLOAT: np.dtype("<f4"),
    TensorProto.FLOAT16: np.dtype("<f2"),
    TensorProto.UINT8: np.dtype("u1"),
    TensorProto.INT8: np.dtype("i1"),
    TensorProto.INT32: np.dtype("<i4"),
    TensorProto.INT64: np.dtype("<i8"),
    TensorProto.DOUBLE: np.dtype("<f8"),
}


def path(folder, name):
    return os.path.join(HERE, folder, name)


def raw(name, type_, dims, data):
    """An initializer with raw_data. The data of a bfloat16 tensor is its bits,
    as u16."""
    if isinstance(data, np.ndarray):
        if type_ in NUMPY_TYPES:
            data = data.astype(NUMPY_TYPES[type_])
        data = data.tobytes()
    tensor = TensorProto(name=name, data_type=type_, raw_data=data)
    tensor.dims.extend(dims)
    return tensor


def external(tensor, location, offset=None, length=None):
    """Turns an initializer into one whose bytes are in a file."""
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
    """A quantized weight with everything that MatMulNBits has for one."""

    def __init__(self, k, n, block=32, bits=4, seed=1):
        rng = np.random.default_rng(seed)
        self.k, self.n, self.block, self.bits = k, n, block, bits
        self.blocks = -(-k // block)
        # Padding codes are random, so that a reader that uses them is found.
        self.codes = rng.integers(
            0, 1 << bits, (n, self.blocks * block), np.uint8)
        self.scales = rng.uniform(0.01, 0.1, (n, self.blocks))
        self.scales = self.scales.astype(np.float32)
        self.scale_type = TensorProto.FLOAT
        self.zeros = None  # [n, blocks], uint8 or a float type
        self.g_idx = None
        self.bias = None

    def zero_points(self):
        if self.zeros is None:
            return np.full((self.n, self.blocks), 1 << (self.bits - 1),
                           np.float32)
        return self.zeros.astype(np.float32)

    def dequantized(self):
        """[n, k] in f32: (code - zero) * scale; every NaN has the same
        bits."""
        group = np.arange(self.k) // self.block
        if self.g_idx is not None:
            group = self.g_idx[:self.k]
        codes = self.codes[:, :self.k].astype(np.float32)
        with np.errstate(invalid="ignore"):
            weight = ((codes - self.zero_points()[:, group])
                      * self.scales[:, group])
        weight[np.isnan(weight)] = np.nan
        return weight

    def by_32(self):
        """Codes by blocks of 32 columns, [n, blocks, 32], with 0 past k; and
        the scales and zero points of the blocks' first columns, [n,
        blocks]."""
        codes = np.zeros((self.n, -(-self.k // 32) * 32), np.uint8)
        codes[:, :self.k] = self.codes[:, :self.k]
        first = np.arange(0, self.k, 32) // self.block
        return (codes.reshape(self.n, -1, 32), self.scales[:, first],
                self.zero_points()[:, first])

    def past_k(self):
        """[blocks, 32]: which columns are padding."""
        return (np.arange(-(-self.k // 32) * 32) >= self.k).reshape(-1, 32)

    def q4_0(self):
        """The weight as blocks of Q4_0; columns past k decode to 0."""
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
        """Blocks of Q4_1; columns past k decode to the number nearest to 0."""
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
        """Blocks of Q8_0; columns past k are 0."""
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


def write(folder, name, data):
    target = path(folder, name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(data)


def save(name, proto, expected=None, folder=GOOD):
    write(folder, name + ".onnx",
          proto.SerializeToString(deterministic=True))
    if expected is not None:
        write(folder, name + ".weight", expected)


def save_weight(name, weight, expected, **attributes):
    parts = weight.initializers()
    save(name, model([weight.node(parts, **attributes)], parts), expected)
