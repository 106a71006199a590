"""Files that break one rule of Quire alone, F-24 to F-40 and F-49."""

import struct

from gguf_file import (I8, I32, I64, STRING, U8, U32, U64, Tensor, array,
                       container, scalar)
from spoil import MAX32, MAX64, bad, box, boxed, patched, with_value


def wrong(rule, key, name, values):
    """Files in which `key` has each of these values, or is missing."""
    for slug, value in values:
        yield bad(rule, f"{name}_{slug}", boxed(key, value), key)
    yield bad(rule, f"{name}_missing", box().drop(key).image(), None)


def identity():
    key = "quire.version"
    yield from wrong("F-24", key, "version", (
        ("0", scalar(U32, 0)), ("u64", scalar(U64, 1)),
        ("string", scalar(STRING, "1")), ("array", array(U32, [1]))))
    # All else is missing too, but this is what the error reports.
    yield bad("F-24", "other_key", with_value("quire.other", scalar(U8, 0)),
              None)
    for version in (2, MAX32):
        yield bad("F-25", str(version), boxed(key, scalar(U32, version)), key)
    file = box()
    file.version = 2
    yield bad("F-26", "version_2", file.image(), 4)
    yield bad("F-26", "alignment_missing",
              box().drop("general.alignment").image(), None)
    for alignment in (8, 16):
        yield bad("F-26", f"alignment_{alignment}",
                  container([], [Tensor("t", "I8", [3])],
                            alignment=alignment).image(), "general.alignment")
    yield from wrong("F-27", "general.architecture", "architecture", (
        ("u32", scalar(U32, 1)), ("array", array(STRING, ["onnx"]))))
    yield from wrong("F-27", "general.quantization_version", "quantization", (
        ("0", scalar(U32, 0)), ("1", scalar(U32, 1)), ("3", scalar(U32, 3)),
        ("u64", scalar(U64, 2)), ("string", scalar(STRING, "2"))))


def layout():
    key = "quire.padding"
    size = len(box().form()["metadata"][key])
    assert 0 < size < 31
    yield bad("F-28", "missing", box().drop(key).image(), None)
    file = box()
    file.values.append(["after", scalar(U8, 0)])
    yield bad("F-28", "not_last", file.image(), key)
    file = box()
    file.values.insert(0, file.values.pop())
    yield bad("F-28", "first", file.image(), key)
    for slug, byte in (("tab", b"\t"), ("nul", b"\0"), ("letter", b"x")):
        spaces = b" " * (size - 1) + byte
        yield bad("F-28", slug, boxed(key, scalar(STRING, spaces)), key)
    for slug, other in (("short", size - 1), ("long", size + 1),
                        ("empty", 0), ("one_more_page", size + 32)):
        file = box()
        file.padding_size = other
        yield bad("F-28", slug, file.image(), key)
    # Such an array takes four bytes more than the string in its place.
    spaces = array(U8, b" " * (size - 4))
    yield bad("F-28", "array", boxed(key, spaces), key)
    for slug, less in (("unpadded", 20), ("one_byte", 1)):
        file = box()
        file.tail = 20 - less  # the last tensor has 12 bytes
        image = file.image()
        yield bad("F-29", slug, image, len(image.data))


def checksums():
    key = "quire.header.xxh3"
    yield from wrong("F-30", key, "header", (
        ("i64", scalar(I64, 0)), ("string", scalar(STRING, "0" * 16)),
        ("array", array(U64, [0]))))
    whole = box().image()
    at = whole.at[key, "payload"]
    wrong_sum = struct.pack("<Q", whole.header_xxh3 ^ 1)
    yield bad("F-31", "checksum", patched(whole, at, wrong_sum), at)
    yield bad("F-31", "checksum_0", patched(whole, at, bytes(8)), at)
    name = whole.at["general.name", "payload"] + 8
    yield bad("F-31", "value", patched(whole, name, b"BOX"), at)
    yield bad("F-31", "key", patched(whole, whole.at["general.name"] + 8,
                                     b"General.name"), at)
    name = whole.at[2, "name"] + 8
    yield bad("F-31", "tensor_name", patched(whole, name, b"CUBE"), at)
    yield rewritten()
    key = "quire.tensor.xxh3"
    hashes = [0] * len(box().tensors)
    yield from wrong("F-32", key, "tensors", (
        ("short", array(U64, hashes[1:])), ("long", array(U64, hashes + [0])),
        ("empty", array(U64, [])), ("i64", array(I64, hashes)),
        ("u8", array(U8, hashes)), ("not_array", scalar(U64, 0)),
        ("string", scalar(STRING, "0" * 16))))
    for slug, at in (("first_byte", whole.at[0, "data"]),
                     ("last_byte", whole.at[4, "end"] - 1)):
        tensor = 0 if slug == "first_byte" else 4
        spoilt = patched(whole, at, bytes([whole.data[at] ^ 1]))
        yield bad("F-33", slug, spoilt, (tensor, "data"), "verify")
    spoilt = patched(whole, (3, "data"), b"damage")
    spoilt = patched(spoilt, (1, "data"), b"damage")
    yield bad("F-33", "two_tensors", spoilt, (1, "data"), "verify")
    file = box()
    hashes = [int(form, 16) for form in dict(file.values)[key].form]
    hashes[2] ^= 1 << 63
    yield bad("F-33", "checksum", file.set(key, array(U64, hashes)).image(),
              (2, "data"), "verify")


def rewritten():
    """A key set by a tool that copies keys it does not know, puts new ones
    last and does not pad the last tensor. F-31 is not the only rule broken,
    but the one that explains it."""
    file = box()
    header = file.image().header_xxh3
    file.padding_size = len(file.form()["metadata"]["quire.padding"])
    file.set("quire.header.xxh3", scalar(U64, header))
    file.values.append(["general.url", scalar(STRING, "somewhere")])
    file.tail = 0
    image = file.image()
    return bad("F-31", "rewritten", image, ("quire.header.xxh3", "payload"))


def sources():
    names = [""] * len(box().tensors)
    yield from wrong("F-34", "quire.tensor.source", "source", (
        ("short", array(STRING, names[1:])), ("empty", array(STRING, [])),
        ("long", array(STRING, names + [""])),
        ("u64", array(U64, [0] * len(names))),
        ("not_array", scalar(STRING, "a"))))


def operations():
    """An operation of one tensor of the box, the others having none."""
    key = "quire.tensor.operation"
    none = [""] * len(box().tensors)

    def added(slug, value):
        file = box()
        file.values.insert(-1, [key, value])
        return bad("F-49", slug, file.image(), key)

    for slug, value in (
            ("short", array(STRING, none[1:])), ("empty", array(STRING, [])),
            ("long", array(STRING, none + [""])),
            ("u64", array(U64, [0] * len(none))),
            ("not_array", scalar(STRING, "permute 1"))):
        yield added(slug, value)
    for slug, tensor, operation in (
            ("word", 0, "rotate 1"), ("prefix", 0, "permute1"),
            ("no_number", 0, "permute "), ("sign", 0, "permute +1"),
            ("zero_first", 0, "permute 01"), ("behind", 0, "permute 1 "),
            ("semicolon", 0, "permute 1; "), ("separator", 0,
                                              "permute 1;permute 1"),
            ("large", 0, f"rows {2**63} 2"), ("one_number", 0, "rows 2"),
            ("nul", 0, b"join 1 a\0b"), ("no_name", 0, "join 1"),
            ("nine", 0, "; ".join(["permute 1"] * 9)),
            ("rows_0", 0, "rows 0 0"), ("rows_other", 0, "rows 0 3"),
            ("rows_before", 0, "rows 0 4; permute 1; rows 1 2; permute 1; "
                               "rows 0 3"),
            ("heads_0", 0, "permute 0"), ("heads_odd", 0, "permute 2"),
            ("heads_3", 4, "permute 3"), ("heads_1", 4, "permute 1"),
            ("join_0", 0, "join 0 b"), ("join_all", 0, "join 2 b"),
            ("join_odd", 0, "permute 1; join 1 b"),
            ("quantized", 0, "transpose"), ("vector", 1, "transpose"),
            ("cube", 2, "rows 0 3")):
        operations = none[:]
        operations[tensor] = operation
        yield added(slug, array(STRING, operations))


# ---------------------------------------------------------- the linear layers

COLUMNS = {"name": (STRING, ["first", "second"]), "weight": (U32, [0, 0]),
           "bias": (I32, [1, -1]), "k": (U64, [33, 64]),
           "accuracy_level": (U8, [4, 0])}
OTHER = {"name": U8, "weight": I32, "bias": U32, "k": U32,
         "accuracy_level": I8}


def table():
    for name, (kind, column) in COLUMNS.items():
        zeros = [0] * len(column)
        values = [("type", array(OTHER[name], zeros)),
                  ("not_array", scalar(kind, column[0]))]
        # The other lists are compared with the number of names.
        if name != "name":
            values += [("short", array(kind, column[:1])),
                       ("long", array(kind, column + column[:1])),
                       ("empty", array(kind, []))]
        yield from wrong("F-35", f"quire.linear.{name}", name, values)
    yield bad("F-35", "name_short", boxed(
        "quire.linear.name", array(STRING, ["first"])), "quire.linear.weight")


def rows():
    def row(rule, slug, name, column):
        key = f"quire.linear.{name}"
        return bad(rule, slug, boxed(key, array(COLUMNS[name][0], column)),
                   key)

    yield row("F-36", "empty", "name", ["first", ""])
    yield row("F-36", "twice", "name", ["same", "same"])
    for slug, weight in (("rank_1", 1), ("rank_3", 2), ("past_the_end", 5),
                         ("greatest", MAX32)):
        yield row("F-37", slug, "weight", [0, weight])
    for slug, bias in (("-2", -2), ("least", -2**31), ("past_the_end", 5),
                       ("greatest", 2**31 - 1), ("rank_2", 0), ("rank_3", 2),
                       ("i32", 3), ("other_size", 4)):
        yield row("F-38", slug, "bias", [1, bias])
    for slug, k in (("0", 0), ("a_block_less", 32), ("one_more", 65),
                    ("pads_to_0", MAX64), ("sign_bit", 2**63 + 64)):
        yield row("F-39", slug, "k", [33, k])
    yield bad("F-39", "plain_less", container(
        [], [Tensor("t", "F32", [8, 2])], [("t", 0, -1, 7, 0)]).image(),
        "quire.linear.k")
    for level in (5, 255):
        yield row("F-40", str(level), "accuracy_level", [4, level])


def files():
    for part in (identity, layout, checksums, sources, operations, table,
                 rows):
        yield from part()
