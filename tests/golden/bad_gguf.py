"""Files that break one rule of GGUF alone, F-1 to F-23.

Most are foreign files, so that no checksum hides what the reader does.
"""

from good_files import foreign, header_of
from gguf_file import (ARRAY, BOOL, F32, F64, I32, STRING, U8, U16, U32, U64,
                       Tensor, Value, array, container, item, scalar)
from spoil import (MAX32, MAX64, bad, box, patched, place, small,
                   with_tensors, with_value)


# ------------------------------------------------------------------ the frame

def frame():
    image = small().image()
    for slug, magic in (("lower_case", b"gguf"), ("reversed", b"FUGG"),
                        ("zeros", bytes(4)), ("onnx", b"\x08\x08\x12\x07")):
        yield bad("F-1", slug, small(magic=magic).image(), 0)
    for version in (0, 1, 4, 0x10003, MAX32):
        yield bad("F-2", f"version_{version}",
                  small(version=version).image(), 4)
    yield bad("F-2", "big_endian", small(version=3 << 24).image(), 4)
    yield bad("F-2", "big_endian_version_2", small(version=2 << 24).image(), 4)
    rest = len(image.data) - 24
    for slug, count in (("greatest", MAX64), ("sign_bit", 2**63),
                        ("wraps_with_33", MAX64 // 33 + 1),
                        ("one_too_many", rest // 33 + 1)):
        yield bad("F-4", f"tensor_count_{slug}",
                  small(tensor_count=count).image(), 8)
    for slug, count in (("greatest", MAX64), ("sign_bit", 2**63),
                        ("wraps_with_14", MAX64 // 14 + 1),
                        ("one_too_many", rest // 14 + 1)):
        yield bad("F-4", f"value_count_{slug}",
                  small(value_count=count).image(), 16)


def cuts():
    """F-3: the file ends within each kind of field, and before it."""
    image = small().image()

    def cut(slug, end, offset):
        return bad("F-3", f"cut_{slug}", image.data[:end],
                   place(image, offset))

    yield cut("empty_file", 0, 0)
    yield cut("magic", 3, 0)
    yield cut("before_version", 4, 4)
    yield cut("version", 7, 4)
    yield cut("tensor_count", 15, 8)
    yield cut("value_count", 23, 16)
    at = image.at
    yield cut("key_size", at["a.last"] + 7, "a.last")
    yield cut("key", at["a.last"] + 9, "a.last")
    yield cut("value_type", at["a.last", "type"] + 3, ("a.last", "type"))
    for key in ("number", "double", "flag"):
        key = f"a.{key}"
        yield cut(f"payload_{key[2:]}", at[key, "payload"] +
                  len(dict(small().values)[key].payload) - 1, (key, "payload"))
    start = at["a.string", "payload"]
    yield cut("string_size", start + 7, start)
    yield cut("string", start + 8 + 22, start)
    start = at["a.array", "payload"]
    yield cut("element_type", start + 3, start)
    yield cut("array_count", start + 11, start + 4)
    yield cut("array", start + 12 + 5, start + 4)
    start = at["a.flags", "payload"]
    yield cut("array_of_bool", start + 12 + 2, start + 4)
    start = at["a.strings", "payload"] + 12
    yield cut("array_string_size", start + 11 + 4, start + 11)
    yield cut("array_string", start + 11 + 8 + 2, start + 11)
    yield cut("name_size", at[0, "name"] + 4, (0, "name"))
    yield cut("name", at[0, "name"] + 8 + 5, (0, "name"))
    yield cut("rank", at[0, "rank"] + 1, (0, "rank"))
    yield cut("first_dimension", at[0, "shape"] + 7, (0, "shape"))
    yield cut("second_dimension", at[0, "shape"] + 15, at[0, "shape"] + 8)
    yield cut("dtype", at[0, "dtype"] + 3, (0, "dtype"))
    yield cut("offset", at[0, "offset"] + 7, (0, "offset"))


def lengths():
    """F-3: sizes and counts that reach past the end, or wrap."""
    image = small().image()
    for slug, size in (("greatest", MAX64), ("sign_bit", 2**63),
                       ("just_past", len(image.data) - image.at["a.last"] - 7),
                       ("wraps_to_start", 2**64 - image.at["a.last"] - 8)):
        yield bad("F-3", f"key_size_{slug}",
                  patched(image, "a.last", item(U64, size)), "a.last")
    start = image.at["a.string", "payload"]
    for slug, size in (("greatest", MAX64), ("wraps", 2**64 - start - 8),
                       ("just_past", len(image.data) - start - 7)):
        yield bad("F-3", f"string_size_{slug}",
                  patched(image, start, item(U64, size)), start)
    start = image.at[0, "name"]
    for slug, size in (("greatest", MAX64), ("wraps", 2**64 - start - 8)):
        yield bad("F-3", f"name_size_{slug}",
                  patched(image, start, item(U64, size)), start)
    for slug, kind, count in (
            ("u8_greatest", U8, MAX64), ("u16_wraps_to_0", U16, 2**63),
            ("u32_wraps_to_4", U32, 2**62 + 1), ("u64_wraps_to_0", U64, 2**61),
            ("f64_sign_bit", F64, 2**63 // 8), ("bool_greatest", BOOL, MAX64),
            ("string_greatest", STRING, MAX64),
            ("string_2_32", STRING, 2**32)):
        value = Value(ARRAY, item(U32, kind) + item(U64, count), None)
        file = foreign([["a.first", scalar(STRING, "." * 40)],
                        ["a.array", value]])
        image = file.image()
        start = image.at["a.array", "payload"] + 4
        yield bad("F-3", f"array_count_{slug}", image,
                  start + 8 if kind == STRING else start)


def long_headers():
    """F-5: one byte more than 64 MiB, in the last value, in the first, and in
    a tensor's info."""
    image, grow = header_of((64 << 20) + 1)
    yield bad("F-5", "last_value", image, image.at["z"] + grow[1], grow=grow)
    image, grow = header_of((64 << 20) + 100)
    yield bad("F-5", "first_value", image, "s", grow=grow)
    image, grow = header_of((64 << 20) + 1, [Tensor("t", "I8", [1])])
    yield bad("F-5", "info", image, image.at[0, "name"] + grow[1], grow=grow)


# --------------------------------------------------------------- the metadata

def metadata():
    for slug, key in (("empty", b""), ("space", b"a key"), ("newline", b"a\n"),
                      ("nul", b"a\0b"), ("delete", b"a\x7f"),
                      ("byte_80", b"a\x80"), ("unicode", "clé".encode()),
                      ("byte_ff", b"\xff"), ("long", b"k" * 65536)):
        yield bad("F-6", slug, with_value(key, scalar(U8, 0)), key)
    yield bad("F-7", "same_value", with_value("a.number", scalar(U32, 7)),
              "a.number")
    yield bad("F-7", "other_type", with_value("a.string", scalar(BOOL, 0)),
              "a.string")
    for kind in (13, 14, 255, 2**31, MAX32):
        value = Value(kind, bytes(8), None)
        yield bad("F-8", f"type_{kind}", with_value("a", value), ("a", "type"))
        value = Value(ARRAY, item(U32, kind) + item(U64, 0), None)
        yield bad("F-8", f"element_type_{kind}", with_value("a", value),
                  ("a", "payload"))
    for byte in (2, 255):
        value = Value(BOOL, bytes([byte]), None)
        yield bad("F-9", f"bool_{byte}", with_value("a", value),
                  ("a", "payload"))
        value = Value(ARRAY, array(BOOL, [0, 1]).payload[:-1] + bytes([byte]),
                      None)
        image = with_value("a", value)
        yield bad("F-9", f"array_{byte}", image,
                  image.at["a", "payload"] + 12 + 1)
    nested = item(U32, ARRAY) + item(U64, 1)
    for slug, payload in (
            ("empty", item(U32, ARRAY) + item(U64, 0)),
            ("one", nested + array(U8, [1]).payload),
            ("deep", nested * 1000 + array(U8, []).payload),
            ("greatest", item(U32, ARRAY) + item(U64, MAX64))):
        image = with_value("a", Value(ARRAY, payload, None))
        yield bad("F-10", slug, image, ("a", "payload"))
    key = "general.alignment"
    for slug, value in (
            [(str(size), scalar(U32, size))
             for size in (0, 1, 4, 24, 33, 131072, 2**31, MAX32)] +
            [("u64", scalar(U64, 32)), ("i32", scalar(I32, 32)),
             ("u8", scalar(U8, 32)), ("f32", scalar(F32, 32)),
             ("bool", scalar(BOOL, 1)), ("string", scalar(STRING, "32")),
             ("array", array(U32, [32]))]):
        yield bad("F-11", slug, with_value(key, value), key)


# ----------------------------------------------------------- the tensor infos

def infos():
    for slug, name in (("empty", b""), ("64_bytes", b"n" * 64),
                       ("100_bytes", b"n" * 100), ("nul", b"a\0b"),
                       ("nul_at_end", b"a\0"), ("lone_byte", b"a\x80"),
                       ("cut_short", b"a\xe2\x82"), ("overlong", b"\xc0\xaf"),
                       ("overlong_3", b"\xe0\x9f\xbf"),
                       ("surrogate", b"\xed\xa0\x80"),
                       ("past_10ffff", b"\xf4\x90\x80\x80"),
                       ("byte_ff", b"\xff")):
        yield bad("F-12", slug, with_tensors(Tensor(name, "I8", [1])),
                  (0, "name"))
    yield bad("F-13", "adjacent", with_tensors(
        Tensor("t", "I8", [1]), Tensor("t", "I8", [1])), (1, "name"))
    yield bad("F-13", "apart", with_tensors(
        Tensor("t", "I8", [1]), Tensor("u", "I8", [1]),
        Tensor("t", "F32", [2, 2])), (2, "name"))
    for slug, shape in (("0", []), ("5", [1] * 5)):
        yield bad("F-14", slug, with_tensors(Tensor("t", "I8", shape)),
                  (0, "rank"))
    for rank in (2**31, MAX32):
        image = with_tensors(Tensor("t", "I8", [1]))
        yield bad("F-14", str(rank), patched(image, (0, "rank"),
                                             item(U32, rank)), (0, "rank"))
    for shape in ([0], [0, 1], [1, 0], [1, 2, 3, 0], [MAX64, 0]):
        image = with_tensors(Tensor("t", "I8", shape))
        yield bad("F-15", "x".join(map(str, shape)), image,
                  image.at[0, "shape"] + 8 * shape.index(0))
    for dtype in (4, 5, 9, 31, 32, 33, 36, 37, 38, 43, 2**31, MAX32):
        yield bad("F-16", str(dtype), with_tensors(Tensor(
            "t", dtype, [32], data=bytes(32))), (0, "dtype"))
    for dtype, shape in (("Q4_0", [33]), ("Q4_0", [31]), ("Q8_0", [16, 2]),
                         ("Q6_K", [32, 8]), ("MXFP4", [MAX64])):
        yield bad("F-17", f"{dtype}_{shape[0]}", with_tensors(Tensor(
            "t", dtype, shape, data=b"")), (0, "shape"))


def sums():
    """F-18: each way in which a size passes 2^63."""
    for slug, dtype, shape in (
            ("elements_wrap_to_0", "I8", [2**32, 2**32]),
            ("elements_wrap_to_2", "I8", [2**63 + 1, 2, 2**63 + 1]),
            ("elements_2_63", "I8", [2**63]),
            ("elements_negative", "I8", [MAX64]),
            ("elements_of_four", "I8", [2**16] * 4),
            ("elements_only", "Q4_0", [2**63]),
            ("bytes_wrap", "F32", [2**62 - 1]),
            ("bytes_2_63", "F32", [2**61]),
            ("bytes_wrap_to_0", "F64", [2**61, 1]),
            ("bytes_of_blocks", "Q8_K", [2**63 - 256]),
            ("pad", "I8", [2**63 - 1])):
        yield bad("F-18", slug, with_tensors(Tensor(
            "t", dtype, shape, data=b"")), (0, "name"))
    yield bad("F-18", "pad_of_sum", with_tensors(
        Tensor("t", "I8", [2**62], data=b""),
        Tensor("u", "I8", [2**62 - 31], data=b"")), (1, "name"))
    yield bad("F-18", "sum", with_tensors(
        Tensor("t", "I8", [2**62], data=b""),
        Tensor("u", "I8", [2**62], data=b"")), (1, "name"))
    yield bad("F-18", "sum_wraps_signed", with_tensors(
        Tensor("t", "I8", [2**63 - 64], data=b""),
        Tensor("u", "I8", [2**63 - 64], data=b"")), (1, "name"))


def offsets():
    def pair(first, second):
        return with_tensors(Tensor("t", "F32", [9], 1, offset=first),
                            Tensor("u", "F32", [9], 2, offset=second))

    for slug, first in (("first_not_0", 32), ("first_negative", 2**64 - 32),
                        ("first_sign_bit", 2**63)):
        yield bad("F-19", slug, pair(first, 64), (0, "offset"))
    for slug, second in (("same", 0), ("overlap", 32), ("unpadded", 36),
                         ("gap", 96), ("far", 2**40), ("wraps", 2**64 - 32)):
        yield bad("F-19", slug, pair(0, second), (1, "offset"))
    yield bad("F-19", "swapped", pair(64, 0), (0, "offset"))


# ----------------------------------------------------------- the data section

def data():
    image = small().image()
    start, end = image.at["infos_end"], image.at["data"]
    assert end - start > 2
    yield bad("F-20", "first", patched(image, start, b"\x01"), start)
    yield bad("F-20", "last", patched(image, end - 1, b"\xff"), end - 1)
    none = small(tensors=[], tail=8).image()
    yield bad("F-20", "no_tensors", patched(none, "infos_end", b" "),
              "infos_end")
    for slug, size in (("one_byte", image.at[0, "end"] - 1),
                       ("no_data", end), ("within_padding", end - 1),
                       ("no_padding", start)):
        yield bad("F-21", slug, image.data[:size], size)
    huge = with_tensors(Tensor("t", "F32", [2**40], data=bytes(64)))
    yield bad("F-21", "huge", huge, len(huge.data))
    huge = with_tensors(Tensor("t", "I8", [2**63 - 32], data=bytes(64)))
    yield bad("F-21", "greatest", huge, len(huge.data))
    closed = box().image()
    size = closed.at[4, "end"] - 1
    yield bad("F-21", "container", closed.data[:size], size)
    for slug, whole in (("foreign", image.data), ("container", closed.data),
                        ("no_tensors", container().image().data)):
        yield bad("F-22", f"{slug}_byte", whole + b"\0", len(whole))
        yield bad("F-22", f"{slug}_page", whole + bytes(4096), len(whole))
    none = small(tensors=[]).image()
    size = none.at["data"] - none.at["infos_end"]
    yield bad("F-22", "no_tensors_padded", none.data + bytes(size + 1),
              none.at["data"])
    for slug, tensor in (("first", 0), ("middle", 2), ("last", 4)):
        at = closed.at[tensor, "end"]
        yield bad("F-23", slug, patched(closed, at, b"\x01"), at, "verify")
    at = len(closed.data) - 1
    yield bad("F-23", "last_byte", patched(closed, at, b"\x80"), at, "verify")
    at = image.at[0, "end"]
    yield bad("F-23", "foreign", patched(image, at, b"\x01"), at, "verify")


def files():
    for part in (frame, cuts, lengths, long_headers, metadata, infos, sums,
                 offsets, data):
        yield from part()
