"""Builds GGUF files and Quire containers for make.py, well-formed or not.

A File is described by its values and tensors. image() makes its bytes and
records where each field is. form() is what a reader should print of it. Of the
project's code it uses XXH3 only, not the writer or the reader.
"""

import math
import pathlib
import struct
import sys
from collections import namedtuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "spec"))

from xxh3 import xxh3  # noqa: E402

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
CODES = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f",
         BOOL: "B", U64: "Q", I64: "q", F64: "d"}

# Name: number, elements and bytes of a block.
DTYPES = {
    "F32": (0, 1, 4), "F16": (1, 1, 2), "Q4_0": (2, 32, 18),
    "Q4_1": (3, 32, 20), "Q5_0": (6, 32, 22), "Q5_1": (7, 32, 24),
    "Q8_0": (8, 32, 34), "Q2_K": (10, 256, 84),
    "Q3_K": (11, 256, 110), "Q4_K": (12, 256, 144), "Q5_K": (13, 256, 176),
    "Q6_K": (14, 256, 210), "Q8_K": (15, 256, 292), "IQ2_XXS": (16, 256, 66),
    "IQ2_XS": (17, 256, 74), "IQ3_XXS": (18, 256, 98), "IQ1_S": (19, 256, 50),
    "IQ4_NL": (20, 32, 18), "IQ3_S": (21, 256, 110), "IQ2_S": (22, 256, 82),
    "IQ4_XS": (23, 256, 136), "I8": (24, 1, 1), "I16": (25, 1, 2),
    "I32": (26, 1, 4), "I64": (27, 1, 8), "F64": (28, 1, 8),
    "IQ1_M": (29, 256, 56), "BF16": (30, 1, 2), "TQ1_0": (34, 256, 54),
    "TQ2_0": (35, 256, 66), "MXFP4": (39, 32, 17), "NVFP4": (40, 64, 36),
    "Q1_0": (41, 128, 18), "Q2_0": (42, 64, 18)}

# A metadata value: its bytes, and how `quire info --json` prints it.
Value = namedtuple("Value", "type payload form")


def text(string):
    """A string field. Bytes are allowed where text is not."""
    data = string if isinstance(string, bytes) else string.encode()
    return struct.pack("<Q", len(data)) + data


def item(kind, value):
    return text(value) if kind == STRING else struct.pack(
        "<" + CODES[kind], value)


def item_form(kind, value):
    if kind == BOOL:
        return bool(value)
    if kind in (F32, F64) and not math.isfinite(value):
        return str(value)
    if kind == F32:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    if kind == U64 and value >= 1 << 63:
        return str(value)
    return value


def scalar(kind, value, form=None):
    return Value(kind, item(kind, value),
                 item_form(kind, value) if form is None else form)


def array(kind, values, form=None):
    payload = struct.pack("<IQ", kind, len(values))
    payload += b"".join(item(kind, value) for value in values)
    if form is None:
        form = [item_form(kind, value) for value in values]
    return Value(ARRAY, payload, form)


def hex_form(value):
    return f"{value:016x}"


# Values that image() computes.
HEADER_XXH3 = Value(U64, bytes(8), None)
PADDING = Value(STRING, b"", None)


def padded(x, a):
    return (x + a - 1) // a * a


class Tensor:
    """`dtype` is a name or, for a type that does not exist, a number. In bad
    files `data` may be shorter than the shape says, and `offset` may be
    wrong."""

    def __init__(self, name, dtype, shape, seed=0, source="", data=None,
                 offset=None, operation=""):
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.source = source
        self.operation = operation
        self.offset = offset
        self.data = pattern(self.size, seed) if data is None else data

    @property
    def number(self):
        return DTYPES.get(self.dtype, [self.dtype])[0]

    @property
    def size(self):
        _, count, size = DTYPES.get(self.dtype, (0, 1, 1))
        return math.prod(self.shape) // count * size


def pattern(size, seed):
    """The same bytes as in test_written.c."""
    return bytes((seed + 31 * i + (i >> 8)) & 0xFF for i in range(size))


Linear = namedtuple("Linear", "name weight bias k accuracy_level")
Image = namedtuple("Image", "data at header_xxh3")


class File:
    """A GGUF file; `values` are pairs of key and Value, in file order."""

    def __init__(self, values=(), tensors=(), version=3, alignment=32):
        self.magic = b"GGUF"
        self.version = version
        self.values = [list(pair) for pair in values]
        self.tensors = list(tensors)
        self.linears = []
        self.alignment = alignment
        self.tensor_count = None  # None: the number of tensors
        self.value_count = None
        self.padding_size = None  # of quire.padding; None: the right size
        # Zeros after the last tensor, or after the infos if there is none.
        # None: as many as the format requires.
        self.tail = None

    def set(self, key, value):
        """Replaces the value of an existing key."""
        self.values[self.place(key)][1] = value
        return self

    def drop(self, key):
        del self.values[self.place(key)]
        return self

    def place(self, key):
        return [name for name, _ in self.values].index(key)

    def image(self):
        out, at = bytearray(), {}
        infos, info_at = self.infos()
        out += self.magic + struct.pack(
            "<IQQ", self.version, self.count(self.tensor_count, self.tensors),
            self.count(self.value_count, self.values))
        for i, (key, value) in enumerate(self.values):
            at[key] = len(out)
            out += text(key)
            at[key, "type"] = len(out)
            out += struct.pack("<I", value.type)
            at[key, "payload"] = len(out)
            payload = value.payload
            if value is PADDING:
                rest = sum(len(text(key)) + 4 + len(value.payload)
                           for key, value in self.values[i + 1:])
                payload = self.padding(len(out) + 8 + rest + len(infos))
            out += payload
        at.update((name, len(out) + offset) for name, offset in info_at)
        out += infos
        at["infos_end"] = len(out)
        at["data"] = padded(len(out), self.alignment)
        if self.tensors:
            out += bytes(at["data"] - len(out))
        self.put_data(out, at)
        return self.sealed(out, at)

    @staticmethod
    def count(override, items):
        return len(items) if override is None else override

    def padding(self, end):
        size = self.padding_size
        if size is None:
            size = -end % self.alignment
        return text(b" " * size)

    def infos(self):
        out, at, end = bytearray(), [], 0
        for i, tensor in enumerate(self.tensors):
            at.append(((i, "name"), len(out)))
            out += text(tensor.name)
            at.append(((i, "rank"), len(out)))
            out += struct.pack("<I", len(tensor.shape))
            at.append(((i, "shape"), len(out)))
            out += b"".join(struct.pack("<Q", dim) for dim in tensor.shape)
            at.append(((i, "dtype"), len(out)))
            out += struct.pack("<I", tensor.number)
            at.append(((i, "offset"), len(out)))
            out += struct.pack("<Q", end if tensor.offset is None
                               else tensor.offset)
            end += padded(tensor.size, self.alignment)
        return bytes(out), at

    def put_data(self, out, at):
        for i, tensor in enumerate(self.tensors):
            at[i, "data"] = len(out)
            out += tensor.data
            at[i, "end"] = len(out)
            zeros = -len(out) % self.alignment
            if tensor is self.tensors[-1] and self.tail is not None:
                zeros = self.tail
            out += bytes(zeros)
        if not self.tensors and self.tail:
            out += bytes(self.tail)

    def sealed(self, out, at):
        """Writes the header's checksum into its field, if there is one."""
        value = dict(self.values).get("quire.header.xxh3")
        if value is not HEADER_XXH3:
            return Image(bytes(out), at, None)
        start = at["quire.header.xxh3", "payload"]
        checksum = xxh3(bytes(out[:at["data"]]))
        out[start:start + 8] = struct.pack("<Q", checksum)
        return Image(bytes(out), at, checksum)

    def form(self):
        """What `quire info --json` prints of the image."""
        image = self.image()
        found = dict(self.values)
        metadata = {key: value.form for key, value in self.values}
        if "quire.padding" in metadata:
            start = image.at["quire.padding", "payload"]
            size = struct.unpack_from("<Q", image.data, start)[0]
            metadata["quire.padding"] = " " * size
            metadata["quire.header.xxh3"] = hex_form(image.header_xxh3)
        container = "quire.version" in found
        return {
            "gguf_version": self.version, "alignment": self.alignment,
            "data_offset": image.at["data"], "file_size": len(image.data),
            "metadata": metadata,
            "tensors": [{
                "name": tensor.name, "dtype": tensor.dtype,
                "shape": tensor.shape, "offset": image.at[i, "data"],
                "size": tensor.size,
                "xxh3": hex_form(xxh3(tensor.data)) if container else None,
                "source": tensor.source or None,
                **({"operation": tensor.operation}
                   if container and tensor.operation else {}),
            } for i, tensor in enumerate(self.tensors)],
            "linears": [{
                "name": linear.name,
                "weight": self.tensors[linear.weight].name,
                "bias": (self.tensors[linear.bias].name
                         if linear.bias >= 0 else None),
                "k": linear.k, "n": self.tensors[linear.weight].shape[1],
                "accuracy_level": linear.accuracy_level,
            } for linear in self.linears]}


def container(values=(), tensors=(), linears=(), alignment=32,
              empty_table=False):
    """A container in the order of Quire's writer. Without linears it has no
    table of linears, unless `empty_table`."""
    file = File(values, tensors, alignment=alignment)
    keys = [key for key, _ in file.values]
    if "general.architecture" not in keys:
        file.values.insert(0, ["general.architecture",
                               scalar(STRING, "unknown")])
    if "general.quantization_version" not in keys and any(
            DTYPES[tensor.dtype][1] > 1 for tensor in tensors):
        file.values.append(["general.quantization_version", scalar(U32, 2)])
    hashes = [xxh3(tensor.data) for tensor in tensors]
    file.linears = linears = [Linear(*linear) for linear in linears]
    columns = list(zip(*linears)) or [()] * 5
    file.values += [
        ["general.alignment", scalar(U32, alignment)],
        ["quire.version", scalar(U32, 1)],
        ["quire.header.xxh3", HEADER_XXH3],
        ["quire.tensor.xxh3", array(U64, hashes, list(map(hex_form, hashes)))],
        ["quire.tensor.source",
         array(STRING, [tensor.source for tensor in tensors])]]
    if any(tensor.operation for tensor in tensors):
        file.values.append(["quire.tensor.operation", array(
            STRING, [tensor.operation for tensor in tensors])])
    if linears or empty_table:
        file.values += [
            ["quire.linear.name", array(STRING, columns[0])],
            ["quire.linear.weight", array(U32, columns[1])],
            ["quire.linear.bias", array(I32, columns[2])],
            ["quire.linear.k", array(U64, columns[3])],
            ["quire.linear.accuracy_level", array(U8, columns[4])]]
    file.values.append(["quire.padding", PADDING])
    return file
