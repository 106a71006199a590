"""The rules of GGUF, F-1 to F-23: sections 1, 2 and 4 of spec/format.md.

The part of read.py that any GGUF file concerns, laid out in the order of that
page, each check with its rule.
"""

import math
import struct
from collections import namedtuple


class Refused(Exception):
    """The file breaks a rule."""


def must(holds, rule, message):
    if not holds:
        raise Refused(f"{message} [{rule}]")


# ---------------------------------------------------------------- 1. Notation

HEADER_MAX = 64 << 20
LIMIT = 1 << 63


def padded(x, a):
    return (x + a - 1) // a * a


class Fields:
    """The fields of the header, taken one after the other."""

    def __init__(self, data):
        self.data = data
        self.offset = 0

    def take(self, size, what):
        start, end = self.offset, self.offset + size
        must(end <= len(self.data), "F-3",
             f"{what} at byte {start} reaches past the end of the file")
        must(end <= HEADER_MAX, "F-5", "the header is longer than 64 MiB")
        self.offset = end
        return self.data[start:end]

    def numbers(self, code, count, what):
        layout = f"<{count}{code}"
        size = count * struct.calcsize("<" + code)
        return struct.unpack(layout, self.take(size, what))

    def u32(self, what):
        return self.numbers("I", 1, what)[0]

    def u64(self, what):
        return self.numbers("Q", 1, what)[0]

    def string(self, what):
        return self.take(self.u64(what), what)


# ----------------------------------------------------------- 2. Rules of GGUF

Tensor = namedtuple("Tensor", "name dtype shape offset size")
# `element` is the element type of an array, else None; `offset` is where the
# payload starts, or the elements.
Value = namedtuple("Value", "type element offset data")


def read_frame(fields):
    must(fields.take(4, "the magic") == b"GGUF", "F-1", "not a GGUF file")
    version = fields.u32("the version")
    must(not version or version & 0xFFFF, "F-2", "the other byte order")
    must(version in (2, 3), "F-2", f"GGUF version {version}")
    tensor_count = fields.u64("the count of tensors")
    value_count = fields.u64("the count of values")
    rest = min(len(fields.data), HEADER_MAX) - fields.offset
    must(tensor_count <= rest // 33, "F-4", f"{tensor_count} tensors")
    must(value_count <= rest // 14, "F-4", f"{value_count} values")
    return version, tensor_count, value_count


U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
CODES = {U8: "B", I8: "b", U16: "H", I16: "h", U32: "I", I32: "i", F32: "f",
         BOOL: "B", U64: "Q", I64: "q", F64: "d"}


def read_items(fields, kind, count, what):
    if kind == STRING:
        # Not a range: a count may be greater than what Python calls a size.
        items = []
        while len(items) < count:
            items.append(fields.string(what))
        return items
    items = fields.numbers(CODES[kind], count, what)
    if kind == BOOL:
        must(all(item <= 1 for item in items), "F-9",
             f"{what}: a bool that is neither 0 nor 1")
        return [item == 1 for item in items]
    return list(items)


def read_value(fields, key):
    kind = fields.u32(f"the type of '{key}'")
    must(kind <= F64, "F-8", f"'{key}' has the unknown type {kind}")
    if kind != ARRAY:
        offset = fields.offset
        data = read_items(fields, kind, 1, f"'{key}'")[0]
        return Value(kind, None, offset, data)
    element = fields.u32(f"the element type of '{key}'")
    must(element <= F64, "F-8", f"'{key}' has the unknown type {element}")
    must(element != ARRAY, "F-10", f"'{key}' is an array of arrays")
    count = fields.u64(f"the count of '{key}'")
    offset = fields.offset
    data = read_items(fields, element, count, f"'{key}'")
    return Value(kind, element, offset, data)


def read_metadata(fields, count):
    values = {}
    for _ in range(count):
        key = fields.string("a key")
        must(1 <= len(key) <= 65535, "F-6", f"a key of {len(key)} bytes")
        must(all(0x21 <= byte <= 0x7E for byte in key), "F-6",
             f"the key {key[:80]} has a byte that no key may have")
        key = key.decode("ascii")
        must(key not in values, "F-7", f"two values for '{key[:80]}'")
        values[key] = read_value(fields, key)
    return values


def alignment_of(values):
    if "general.alignment" not in values:
        return 32
    kind, _, _, alignment = values["general.alignment"]
    must(kind == U32, "F-11", "general.alignment is not a u32")
    must(8 <= alignment <= 65536 and alignment & (alignment - 1) == 0, "F-11",
         f"general.alignment is {alignment}")
    return alignment


def read_info(fields):
    name = fields.string("a tensor's name")
    must(1 <= len(name) <= 63, "F-12", f"a tensor's name of {len(name)} bytes")
    must(0 not in name, "F-12", f"the tensor name {name} has a NUL")
    try:
        name = name.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"the tensor name {name} is not UTF-8 [F-12]") from None
    rank = fields.u32(f"the rank of '{name}'")
    must(1 <= rank <= 4, "F-14", f"'{name}' has rank {rank}")
    shape = fields.numbers("Q", rank, f"the shape of '{name}'")
    must(0 not in shape, "F-15", f"'{name}' has a dimension of 0")
    dtype = fields.u32(f"the dtype of '{name}'")
    must(dtype in DTYPES, "F-16", f"'{name}' has the unknown dtype {dtype}")
    _, block_count, block_size = DTYPES[dtype]
    must(shape[0] % block_count == 0, "F-17",
         f"'{name}': {shape[0]} is not a multiple of {block_count}")
    elements = math.prod(shape)
    size = elements // block_count * block_size
    must(elements < LIMIT and size < LIMIT, "F-18", f"'{name}' is too large")
    return Tensor(name, dtype, shape, fields.u64(f"'{name}'"), size)


def read_infos(fields, count, alignment):
    """The tensors, with offsets from the data section, and its size."""
    tensors, names, end = [], set(), 0
    for _ in range(count):
        tensor = read_info(fields)
        must(tensor.name not in names, "F-13", f"two tensors '{tensor.name}'")
        next_end = end + padded(tensor.size, alignment)
        must(next_end < LIMIT, "F-18", f"'{tensor.name}' ends too far")
        must(tensor.offset == end, "F-19", f"'{tensor.name}' has the offset "
             f"{tensor.offset}, which should be {end}")
        names.add(tensor.name)
        tensors.append(tensor)
        end = next_end
    return tensors, end


def check_extent(data, infos_end, data_offset, tensors, data_size):
    must(not any(data[infos_end:data_offset]), "F-20",
         "bytes before the data section are not zero")
    if tensors:
        end = data_offset + tensors[-1].offset + tensors[-1].size
        must(len(data) >= end, "F-21",
             f"the file has {len(data)} of at least {end} bytes")
    end = data_offset + data_size
    must(len(data) <= end, "F-22", f"bytes follow the end at {end}")


def find_padding(data, data_offset, tensors, alignment):
    """The padding that breaks F-23, as the name of the tensor before it."""
    for tensor in tensors:
        end = data_offset + tensor.offset + tensor.size
        if any(data[end:padded(end, alignment)]):
            yield tensor.name


# ------------------------------------------------------------------- 4. Types

DTYPES = {  # number: name, elements and bytes of a block
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34), 10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2),
    26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36),
    41: ("Q1_0", 128, 18), 42: ("Q2_0", 64, 18)}
PLAIN = {number for number, (_, count, _) in DTYPES.items() if count == 1}
