#!/usr/bin/env python3
"""Reads a Quire container, or any GGUF file, as spec/format.md defines it.

The code follows the order of that page, and each check names its rule. It shares
nothing with the C reader, so that the two can be compared. It prints the text form
of section 7, and prefers clarity to speed.
"""

import argparse
import codecs
import json
import math
import re
import sys
from collections import namedtuple

from gguf_rules import (alignment_of, ARRAY, check_extent, DTYPES, F32, F64,
                        Fields, find_padding, I32, LIMIT, must, padded, PLAIN,
                        read_frame, read_infos, read_metadata, Refused,
                        STRING, U16, U32, U64, U8)
from xxh3 import xxh3

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


NUMBER = rb"(0|[1-9][0-9]*)"
STEP = re.compile(rb"rows %b %b|permute %b|(transpose)|join %b ([^\0]*)"
                  % (NUMBER, NUMBER, NUMBER, NUMBER), re.DOTALL)


def steps_of(operation):
    """The steps as the groups of STEP: first, count, heads, transpose, rows,
    name. None where it is not made of steps."""
    steps = []
    while True:
        step = STEP.match(operation)
        if not step:
            return None
        steps.append(step.groups())
        if step.end() == len(operation):
            return steps
        if operation[step.end():step.end() + 2] != b"; ":
            return None
        operation = operation[step.end() + 2:]


def undo(step, rows, cols):
    """The (rows, cols) before a step that gave these, None for any number; or
    None if it cannot have."""
    first, count, heads, transpose, joined, _ = step
    numbers = [int(n) for n in (first, count, heads, joined) if n]
    if any(n >= LIMIT for n in numbers):
        return None
    if transpose:
        return cols, rows
    if first:
        good = int(count) and rows in (None, int(count))
        return (None, cols) if good else None
    if heads:
        good = int(heads) and (rows is None or rows % (2 * int(heads)) == 0)
        return (rows, cols) if good else None
    good = rows is not None and 0 < int(joined) < rows
    return (int(joined), cols) if good else None


def operation_fits(operation, tensor):
    steps = steps_of(operation)
    if not steps or len(steps) > 8 or len(tensor.shape) > 2:
        return False
    dense = len(tensor.shape) == 2 and tensor.dtype in PLAIN
    if any(step[3] for step in steps) and not dense:
        return False
    cols, rows = ([1, *tensor.shape])[-2:]
    for step in reversed(steps):
        before = undo(step, rows, cols)
        if before is None:
            return False
        rows, cols = before
    return True


def read_operations(values, tensors):
    key = "quire.tensor.operation"
    if key not in values:
        return [None] * len(tensors)
    operations = column(values, key, "F-49", STRING, len(tensors))
    for operation, tensor in zip(operations, tensors):
        must(not operation or operation_fits(operation, tensor), "F-49",
             f"'{tensor.name}' cannot come from its source by {operation}")
    return operations


# A file's place in a split set, and the tensors of the set.
Split = namedtuple("Split", "no count tensors")


def read_split(values, tensor_count):
    if "split.count" not in values:
        return Split(0, 1, tensor_count)
    count = known(values, "split.count", "F-41", U16)
    if count == 0:
        return Split(0, 1, tensor_count)
    no = known(values, "split.no", "F-41", U16)
    must(no < count, "F-41", f"part {no} of a set of {count}")
    tensors = known(values, "split.tensors.count", "F-41", I32)
    must(tensors >= tensor_count, "F-41", f"a set of {tensors} tensors")
    return Split(no, count, tensors)


def check_place(values, place):
    """That a file is the part that its name says, before its infos are read."""
    must("split.count" in values, "F-43", "it is a part of no set")
    count = known(values, "split.count", "F-41", U16)
    must(count == place[1], "F-43", f"it is of a set of {count}")
    no = known(values, "split.no", "F-41", U16)
    must(no == place[0], "F-43", f"it is part {no}")


def part_paths(path, split):
    """The paths of all parts, by the path of one."""
    def suffix(no):
        return f"-{no + 1:05}-of-{split.count:05}.gguf"

    own = suffix(split.no)
    must(path.endswith(own), "F-42", f"the name does not end with '{own}'")
    return [path[:-len(own)] + suffix(no) for no in range(split.count)]


def check_set(parts):
    """That these, which stand in the order of their names, are one set."""
    for no, part in enumerate(parts):
        must(part.split == Split(no, len(parts), parts[0].split.tensors),
             "F-43", f"part {no} is of another set, or has another place")
        must(part.container == parts[0].container, "F-46",
             f"of parts 0 and {no} one is a container")
    tensors = [tensor for part in parts for tensor in part.tensors]
    must(len(tensors) == parts[0].split.tensors, "F-44",
         f"the parts have {len(tensors)} tensors")
    if parts[0].container:
        check_seals(parts)
        for no, part in enumerate(parts[1:], 1):
            must(not any(key in part.values for key in LINEAR_KEYS), "F-48",
                 f"part {no} has a table of linear layers")
    must(len({tensor.name for tensor in tensors}) == len(tensors), "F-45",
         "two tensors of a name")
    return tensors


def check_seals(parts):
    seals = column(parts[0].values, "quire.split.xxh3", "F-47", U64,
                   len(parts))
    must(seals[0] == 0, "F-47", "'quire.split.xxh3' does not begin with 0")
    for seal, part in zip(seals[1:], parts[1:]):
        must(part.edited or seal == part.values["quire.header.xxh3"].data,
             "F-47", f"part {part.split.no} is of another set")


LINEAR_KEYS = [f"quire.linear.{name}" for name in
               ("name", "weight", "bias", "k", "accuracy_level")]


def read_linears(values, tensors):
    if not any(key in values for key in LINEAR_KEYS):
        return []
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


# ------------------------------------------------------------ 6. Verification

File = namedtuple("File", "version values alignment data_offset data tensors "
                          "split container edited hashes sources operations")
# What a path leads to: all parts of a set, or the one file.
Model = namedtuple("Model", "parts tensors linears")
EDITED = "the header was edited after it was written"


def read(data, allow_edited, place=None):
    fields = Fields(data)
    version, tensor_count, value_count = read_frame(fields)
    values = read_metadata(fields, value_count)
    alignment = alignment_of(values)
    if place:
        check_place(values, place)
    tensors, data_size = read_infos(fields, tensor_count, alignment)
    infos_end = fields.offset
    data_offset = padded(infos_end, alignment)
    check_extent(data, infos_end, data_offset, tensors, data_size)
    split = read_split(values, tensor_count)
    common = version, values, alignment, data_offset, data, tensors, split
    if not is_container(values):
        nothing = [None] * len(tensors)
        return File(*common, False, False, nothing, nothing, nothing)
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
    operations = read_operations(values, tensors)
    return File(*common, True, edited, hashes, sources, operations)


def read_file(path, allow_edited, place=None):
    with open(path, "rb") as stream:
        return read(stream.read(), allow_edited, place)


def read_part(path, allow_edited, place):
    try:
        return read_file(path, allow_edited, place)
    except FileNotFoundError:
        raise Refused(f"there is no '{path}' [F-43]") from None


def read_model(path, allow_edited):
    file = read_file(path, allow_edited)
    if file.split.count == 1:
        parts, tensors = [file], file.tensors
    else:
        parts = [read_part(name, allow_edited, (no, file.split.count))
                 for no, name in enumerate(part_paths(path, file.split))]
        tensors = check_set(parts)
    linears = []
    if file.container:
        linears = read_linears(parts[0].values, tensors)
    return Model(parts, tensors, linears)


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
                               "quire.split.xxh3", "quire.tensor.xxh3"):
        return f"{item:016x}"
    if kind == U64 and item >= LIMIT:
        return str(item)
    return item


def value_form(key, value):
    if value.type != ARRAY:
        return item_form(key, value.type, value.data)
    return [item_form(key, value.element, item) for item in value.data]


def tensor_form(file, tensor, xxh3_expected, source, operation):
    form = {"name": tensor.name, "dtype": DTYPES[tensor.dtype][0],
            "shape": list(tensor.shape),
            "offset": file.data_offset + tensor.offset, "size": tensor.size,
            "xxh3": f"{xxh3_expected:016x}" if file.container else None,
            "source": text(source) if source else None}
    if operation:
        form["operation"] = text(operation)
    return form


def linear_form(tensors, linear):
    weight = tensors[linear.weight]
    bias = tensors[linear.bias].name if linear.bias >= 0 else None
    return {"name": text(linear.name), "weight": weight.name, "bias": bias,
            "k": linear.k, "n": weight.shape[1],
            "accuracy_level": linear.accuracy_level}


def text_form(model):
    first = model.parts[0]
    return {
        "gguf_version": first.version, "alignment": first.alignment,
        "data_offset": first.data_offset,
        "file_size": sum(len(part.data) for part in model.parts),
        "metadata": {key: value_form(key, value)
                     for key, value in first.values.items()},
        "tensors": [tensor_form(part, *row) for part in model.parts for row in
                    zip(part.tensors, part.hashes, part.sources,
                        part.operations)],
        "linears": [linear_form(model.tensors, linear)
                    for linear in model.linears]}


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
        model = read_model(options.file,
                           options.verify or options.allow_edited_header)
    except OSError as error:
        complain(error.strerror)
        return 2
    except Refused as refusal:
        complain(str(refusal))
        return 2
    print(json.dumps(text_form(model), indent=2))
    differences = [message for part in model.parts
                   for message in verify(part)] if options.verify else []
    for message in differences:
        complain(message)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
