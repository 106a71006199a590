#!/usr/bin/env python3
"""Reads a Quire container, or any GGUF file, as spec/format.md defines it.

Laid out in the order of that page, each check with its rule; it shares nothing
with the C reader, so that the two can be held against each other. It prints
the text form of section 7, and favours clarity over speed.
"""

import argparse
import codecs
import json
import math
import struct
import sys
from collections import namedtuple

from xxh3 import xxh3


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


# ---------------------------------------------------------- 3. Rules of Quire

Linear = namedtuple("Linear", "name weight bias k accuracy_level")


def known(values, key, rule, kind, element=None):
    """The value of a key that must be there with this type."""
    must(key in values, rule, f"'{key}' is missing")
    value = values[key]
    must((value.type, value.element) == (kind, element), rule,
         f"'{key}' has the wrong type")
    return value.data


def is_container(values):
    return any(key.startswith("quire.") for key in values)


def check_version(values):
    version = known(values, "quire.version", "F-24", U32)
    must(version >= 1, "F-24", "'quire.version' is 0")
    must(version <= 1, "F-25", f"version {version} is for a newer reader")


def check_identity(gguf_version, values, alignment, tensors):
    must(gguf_version == 3, "F-26", f"GGUF version {gguf_version}")
    known(values, "general.alignment", "F-26", U32)
    must(alignment >= 32, "F-26", f"the alignment is {alignment}")
    known(values, "general.architecture", "F-27", STRING)
    if any(tensor.dtype not in PLAIN for tensor in tensors):
        key = "general.quantization_version"
        version = known(values, key, "F-27", U32)
        must(version == 2, "F-27", f"'{key}' is {version}")


def check_layout(data, values, alignment, infos_end, data_end):
    padding = known(values, "quire.padding", "F-28", STRING)
    must(list(values)[-1] == "quire.padding", "F-28",
         "'quire.padding' is not the last value")
    must(padding == b" " * len(padding), "F-28",
         "'quire.padding' is not all spaces")
    must(infos_end % alignment == 0 and len(padding) < alignment, "F-28",
         f"'quire.padding' has {len(padding)} bytes: the wrong size")
    must(len(data) >= data_end, "F-29", "the last tensor is not padded")


def header_is_edited(data, values, data_offset):
    """Whether the file breaks F-31."""
    expected = known(values, "quire.header.xxh3", "F-30", U64)
    offset = values["quire.header.xxh3"].offset
    header = data[:offset] + bytes(8) + data[offset + 8:data_offset]
    return xxh3(header) != expected


def column(values, key, rule, element, count):
    """An array that must be there with these elements, so many of them."""
    items = known(values, key, rule, ARRAY, element)
    must(len(items) == count, rule, f"'{key}' has {len(items)} elements")
    return items


def read_linears(values, tensors):
    names = known(values, "quire.linear.name", "F-35", ARRAY, STRING)
    rows = [Linear(*row) for row in zip(names, *(
        column(values, f"quire.linear.{key}", "F-35", element, len(names))
        for key, element in (("weight", U32), ("bias", I32), ("k", U64),
                             ("accuracy_level", U8))))]
    must(all(names), "F-36", "a linear layer has no name")
    must(len(set(names)) == len(names), "F-36", "two linear layers of a name")
    for row in rows:
        check_linear(row, tensors)
    return rows


def check_linear(row, tensors):
    must(row.weight < len(tensors) and len(tensors[row.weight].shape) == 2,
         "F-37", f"{row.name}: {row.weight} is no tensor of rank 2")
    weight = tensors[row.weight]
    must(-1 <= row.bias < len(tensors), "F-38",
         f"{row.name}: no tensor {row.bias}")
    if row.bias >= 0:
        bias = tensors[row.bias]
        must(DTYPES[bias.dtype][0] in ("F32", "F16", "BF16")
             and bias.shape == weight.shape[1:], "F-38",
             f"{row.name}: '{bias.name}' is no bias of its weight")
    block = DTYPES[weight.dtype][1]
    must(row.k >= 1 and weight.shape[0] == padded(row.k, block), "F-39",
         f"{row.name}: {row.k} columns do not fit '{weight.name}'")
    must(row.accuracy_level <= 4, "F-40",
         f"{row.name}: the accuracy level is {row.accuracy_level}")


# ------------------------------------------------------------------- 4. Types

DTYPES = {  # number: name, elements and bytes of a block
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36), 10: ("Q2_K", 256, 84),
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


# ------------------------------------------------------------ 6. Verification

File = namedtuple("File", "version values alignment data_offset data tensors "
                          "container edited hashes sources linears")
EDITED = "the header was edited after it was written"


def read(data, allow_edited):
    fields = Fields(data)
    version, tensor_count, value_count = read_frame(fields)
    values = read_metadata(fields, value_count)
    alignment = alignment_of(values)
    tensors, data_size = read_infos(fields, tensor_count, alignment)
    infos_end = fields.offset
    data_offset = padded(infos_end, alignment)
    check_extent(data, infos_end, data_offset, tensors, data_size)
    common = version, values, alignment, data_offset, data, tensors
    if not is_container(values):
        nothing = [None] * len(tensors)
        return File(*common, False, False, nothing, nothing, [])
    check_version(values)
    edited = header_is_edited(data, values, data_offset)
    must(allow_edited or not edited, "F-31", EDITED)
    if not edited:  # else by a tool that knows nothing of these rules
        check_identity(version, values, alignment, tensors)
        check_layout(data, values, alignment, infos_end,
                     data_offset + data_size)
    hashes = column(values, "quire.tensor.xxh3", "F-32", U64, tensor_count)
    sources = column(values, "quire.tensor.source", "F-34", STRING,
                     tensor_count)
    linears = read_linears(values, tensors)
    return File(*common, True, edited, hashes, sources, linears)


def verify(file):
    """What differs, as messages."""
    if file.edited:
        yield f"{EDITED} [F-31]"
    for tensor, expected in zip(file.tensors, file.hashes):
        start = file.data_offset + tensor.offset
        if file.container and expected != xxh3(
                file.data[start:start + tensor.size]):
            yield f"tensor '{tensor.name}' is damaged [F-33]"
    for name in find_padding(file.data, file.data_offset, file.tensors,
                             file.alignment):
        yield f"the padding of '{name}' is not zero [F-23]"


# ----------------------------------------------------------- 7. The text form

codecs.register_error("one-byte", lambda e: ("\ufffd", e.start + 1))


def text(data):
    return data.decode("utf-8", "one-byte")


def item_form(key, kind, item):
    if kind == STRING:
        return text(item)
    if kind in (F32, F64) and not math.isfinite(item):
        return str(item)
    if kind == U64 and key in ("quire.header.xxh3", "quire.source.xxh3",
                               "quire.tensor.xxh3"):
        return f"{item:016x}"
    if kind == U64 and item >= LIMIT:
        return str(item)
    return item


def value_form(key, value):
    if value.type != ARRAY:
        return item_form(key, value.type, value.data)
    return [item_form(key, value.element, item) for item in value.data]


def tensor_form(file, tensor, xxh3_expected, source):
    return {"name": tensor.name, "dtype": DTYPES[tensor.dtype][0],
            "shape": list(tensor.shape),
            "offset": file.data_offset + tensor.offset, "size": tensor.size,
            "xxh3": f"{xxh3_expected:016x}" if file.container else None,
            "source": text(source) if source else None}


def linear_form(file, linear):
    weight = file.tensors[linear.weight]
    bias = file.tensors[linear.bias].name if linear.bias >= 0 else None
    return {"name": text(linear.name), "weight": weight.name, "bias": bias,
            "k": linear.k, "n": weight.shape[1],
            "accuracy_level": linear.accuracy_level}


def text_form(file):
    return {
        "gguf_version": file.version, "alignment": file.alignment,
        "data_offset": file.data_offset, "file_size": len(file.data),
        "metadata": {key: value_form(key, value)
                     for key, value in file.values.items()},
        "tensors": [tensor_form(file, *row) for row in
                    zip(file.tensors, file.hashes, file.sources)],
        "linears": [linear_form(file, linear) for linear in file.linears]}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="read.py", description="Print a "
                                     "GGUF file as spec/format.md says.")
    parser.add_argument("file")
    parser.add_argument("--verify", action="store_true",
                        help="check the tensors and the padding too")
    parser.add_argument("--allow-edited-header", action="store_true",
                        help="print a file that breaks F-31 all the same")
    options = parser.parse_args(arguments)

    def complain(message):
        line = "".join(c if c.isprintable() else "?" for c in message)
        print(f"read.py: {options.file}: {line}", file=sys.stderr)

    try:
        with open(options.file, "rb") as stream:
            file = read(stream.read(),
                        options.verify or options.allow_edited_header)
    except OSError as error:
        complain(error.strerror)
        return 2
    except Refused as refusal:
        complain(str(refusal))
        return 2
    print(json.dumps(text_form(file), indent=2))
    differences = list(verify(file)) if options.verify else []
    for message in differences:
        complain(message)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
