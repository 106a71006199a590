"""The files that a reader must accept: containers, and foreign GGUF files."""

import math

from gguf_file import (ARRAY, BOOL, DTYPES, F32, F64, I8, I16, I32, I64,
                       STRING, U8, U16, U32, U64, File, Tensor, Value, array,
                       container, item, scalar)

# A text in a file, and how the text form prints it: U+FFFD for each byte that
# does not start a valid sequence. It has a lone continuation byte, a sequence
# cut short, a surrogate, a four-byte sequence cut short, a byte that UTF-8
# never has, two overlong forms, and a sequence past U+10FFFF.
BROKEN_UTF8 = (
    b"a\x80b\xe2\x82c\xed\xa0\x80d\xf0\x9f\x8ee\xfff\xc0\x80\xe0\x80\x80"
    b"\xf4\x90\x80\x80",
    "a\ufffdb\ufffd\ufffdc\ufffd\ufffd\ufffdd\ufffd\ufffd\ufffde\ufffdf"
    "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd")

EXTREMES = {
    "u8": (U8, [0, 255]), "i8": (I8, [-128, 127]),
    "u16": (U16, [0, 65535]), "i16": (I16, [-32768, 32767]),
    "u32": (U32, [0, 2**32 - 1]), "i32": (I32, [-2**31, 2**31 - 1]),
    "u64": (U64, [0, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1]),
    "i64": (I64, [-2**63, -2**53 - 1, 2**63 - 1]),
    "f32": (F32, [0.1, -0.0, 1e-45, 3.4028234663852886e38, math.inf,
                  -math.inf, math.nan]),
    "f64": (F64, [0.1, -0.0, 5e-324, 1.7976931348623157e308, 1e22, math.inf,
                  -math.inf, math.nan]),
    "bool": (BOOL, [0, 1]),
    "string": (STRING, ["", "plain", "naïve", "数字", "🎈", "quote \" \\ /",
                        "control \x01\n\t", "nul \x00 within"]),
}


def every_value():
    """Each type as a scalar, in arrays, and in empty arrays."""
    values = []
    for name, (kind, items) in EXTREMES.items():
        values += [[f"test.{name}.{i}", scalar(kind, value)]
                   for i, value in enumerate(items)]
        values += [[f"test.{name}.all", array(kind, items)],
                   [f"test.{name}.none", array(kind, [])]]
    data, form = BROKEN_UTF8
    values += [["test.broken", scalar(STRING, data, form)],
               ["test.broken.all", Value(ARRAY, array(
                   STRING, [data, "whole"], []).payload, [form, "whole"])],
               ["quire.source.xxh3", scalar(U64, 2**63 + 10,
                                            "800000000000000a")],
               ["quire.source.file", scalar(STRING, "a model.onnx")],
               ["!~", scalar(BOOL, 1)]]
    return container(values, [Tensor("t", "F32", [1])])


def mixed(alignment, linears=True):
    tensors = [Tensor("a.weight", "Q4_0", [64, 3], 1, "MatMul/a_quant"),
               Tensor("a.bias", "F32", [3], 2, "a.bias"),
               Tensor("b.weight", "F16", [5, 2], 3, ""),
               Tensor("b.bias", "BF16", [2], 4, "b/偏置"),
               Tensor("c", "BF16", [2, 3, 5, 7], 5, "c" * 100)]
    rows = [("/a/MatMul", 0, 1, 64, 4), ("/b/MatMul", 2, 3, 5, 0),
            ("/a/again", 0, -1, 64, 1)]
    return container([["general.architecture", scalar(STRING, "test")],
                      ["general.name", scalar(STRING, "Mixed")]], tensors,
                     rows if linears else [], alignment, not linears)


def ragged_k():
    """Each k from the smallest to the largest that a padded row may have."""
    tensors = [Tensor("q4_0", "Q4_0", [64, 2], 1),
               Tensor("f32", "F32", [7, 2]),
               Tensor("q8_0", "Q8_0", [32, 2], 2), Tensor("bias", "F16", [2]),
               Tensor("q6_k", "Q6_K", [512, 1], 3)]
    rows = [("least", 0, -1, 33, 0), ("greatest", 0, 3, 64, 1),
            ("plain", 1, 3, 7, 2), ("one", 2, -1, 1, 3), ("32", 2, -1, 32, 4),
            ("long", 4, -1, 257, 4)]
    return container([], tensors, rows)


def every_dtype():
    return container([], [Tensor(name, name, [count, 2], i, f"{name}_source")
                          for i, (name, (_, count, _))
                          in enumerate(DTYPES.items())])


def exact_padding():
    """A container whose quire.padding is empty, because none is needed."""
    for size in range(32):
        file = container([["general.name", scalar(STRING, "x" * size)]],
                         [Tensor("t", "I8", [32])])
        if file.form()["metadata"]["quire.padding"] == "":
            return file
    raise AssertionError("no size fits")


def operations():
    """Each step alone, and steps in a row."""
    rows = ["", "rows 0 12", f"rows {2**63 - 1} 12", "permute 1", "permute 6",
            "rows 12 12; permute 3", "permute 2; permute 3",
            "permute 2; rows 7 12", "rows 0 11; join 11 up", "join 1 ; join",
            "join 11 naïve \"name\"", "join 2 ", "rows 0 24; rows 5 12",
            "; ".join(["permute 6"] * 7 + ["permute 1"])]
    dense = rows + ["transpose", "transpose; rows 4 12; permute 2",
                    "rows 3 8; transpose", "permute 2; transpose",
                    "transpose; transpose", "transpose; join 4 x"]
    return container([], [
        *(Tensor(f"q{i}", "Q4_0", [32, 12], i, "a", operation=operation)
          for i, operation in enumerate(rows)),
        *(Tensor(f"f{i}", "F16", [8, 12], i, "b", operation=operation)
          for i, operation in enumerate(dense)),
        *(Tensor(f"v{i}", "F32", [12], i, "c", operation=operation)
          for i, operation in enumerate(rows)),
    ], [("plain", 0, -1, 32, 0)])


def written_by_api():
    """What test_written.c builds with the public interface. The values are set
    in this order, except the architecture, which is set last."""
    tensors = [Tensor("blk.0.weight", "Q4_0", [96, 4], 11, "/0/MatMul_Q4"),
               Tensor("blk.0.bias", "F32", [4], 12, "blk.0.bias"),
               Tensor("blk.1.weight", "Q4_1", [32, 4], 13,
                      operation="rows 4 4"),
               Tensor("blk.1.bias", "F16", [4], 14, "blk.1.bias"),
               Tensor("head", "BF16", [3, 2, 2, 2], 15, "tête"),
               Tensor("table", "Q8_0", [64], 16)]
    values = [["general.architecture", scalar(STRING, "bert")],
              ["general.name", scalar(STRING, "replaced")],
              ["quire.converter", scalar(STRING, "test 1")],
              ["quire.source.xxh3", scalar(U64, 0x0123456789ABCDEF,
                                           "0123456789abcdef")],
              ["bert.block_count", scalar(U32, 2)],
              ["bert.epsilon", scalar(F64, 1e-12)],
              ["bert.scale", scalar(F32, 0.5)],
              ["bert.causal", scalar(BOOL, 0)],
              ["bert.shift", scalar(I64, -5)],
              ["bert.small", scalar(I8, -5)],
              ["bert.tokens", array(STRING, ["[PAD]", "", "é"])],
              ["bert.levels", array(I16, [-1, 0, 1])]]
    rows = [("/0/MatMul", 0, 1, 70, 4), ("/1/MatMul", 2, 3, 32, 0),
            ("/1/again", 2, -1, 31, 1)]
    return container(values, tensors, rows, 64)


def containers():
    yield "container_mixed_32", mixed(32)
    yield "container_mixed_4096", mixed(4096)
    yield "container_empty_table", mixed(32, linears=False)
    yield "container_16384", container([], [
        Tensor("w.weight", "Q4_0", [32, 1], 1, "w")], [("w", 0, -1, 32, 4)],
        16384)
    yield "container_no_tensors", container()
    yield "container_ragged_k", ragged_k()
    yield "container_every_value", every_value()
    yield "container_every_dtype", every_dtype()
    yield "container_reserved_key", container(
        [["quire.a.key.of.the.future", array(U64, [2**64 - 1])]])
    yield "container_exact_padding", exact_padding()
    yield "container_names", container([], [
        Tensor("n" * 63, "I8", [1]), Tensor("é" * 31 + "!", "I8", [1, 1]),
        Tensor(" ", "I8", [1, 1, 1]), Tensor("a\n\x7f\"b", "I8", [1, 1, 1, 1]),
        Tensor("N" * 63, "I8", [31])], alignment=64)
    yield "container_operations", operations()
    yield "written_by_api", written_by_api()


def foreign(values=(), tensors=(), version=3, alignment=None, tail=None):
    file = File(values, tensors, version, alignment or 32)
    if alignment:
        file.values.append(["general.alignment", scalar(U32, alignment)])
    file.tail = tail
    return file


def foreigners():
    values = [["general.architecture", scalar(STRING, "llama")],
              ["llama.block_count", scalar(U32, 1)]]
    tensors = [Tensor("token_embd.weight", "Q6_K", [256, 2], 1),
               Tensor("output_norm.weight", "F32", [3], 2),
               Tensor("output.weight", "IQ4_XS", [256, 1], 3)]
    yield "foreign_version_2", foreign(values, tensors, version=2)
    yield "foreign_version_3", foreign(values, tensors)
    yield "foreign_last_unpadded", foreign(values, tensors, tail=0)
    yield "foreign_last_half_padded", foreign(values, tensors, tail=11)
    yield "foreign_alignment_8", foreign(values, tensors, alignment=8)
    yield "foreign_alignment_65536", foreign(values, tensors[1:2],
                                             alignment=65536, tail=0)
    yield "foreign_empty", foreign()
    yield "foreign_no_tensors", foreign(values)
    yield "foreign_no_tensors_padded", foreign(
        values, tail=-foreign(values).image().at["infos_end"] % 32)
    yield "foreign_least_value", foreign([["k", scalar(U8, 7)]])
    yield "foreign_least_info", foreign([], [Tensor("t", "I8", [1])], tail=0)
    yield "foreign_longest_key", foreign([["k" * 65535, scalar(U8, 7)]])
    yield "foreign_long_array", foreign([["a", array(U16, range(5000))]])
    yield "foreign_quire_without_dot", foreign(
        [["quire", scalar(U32, 1)], ["quireX.version", scalar(U32, 9)],
         ["Quire.version", scalar(U32, 9)]])


def header_of(size, tensors=()):
    """An image whose infos end at `size` once the spaces of its first value
    are inserted. Returns it without them, their place and their number."""
    def with_spaces(count):
        return foreign([["s", Value(STRING, item(U64, count), None)],
                        ["z", scalar(U8, 0)]], tensors).image()

    count = size - with_spaces(0).at["infos_end"]
    image = with_spaces(count)
    return image, (image.at["z"], count)


def grown():
    yield "foreign_header_64_mib", *header_of(64 << 20)
