"""Models that contradict themselves, the operator or a file."""

import numpy as np
from onnx import TensorProto, helper

from changes import dims, type_
from weight import BAD, external, model, raw, save, Weight, write


def bad(name, change=None, weight=None, **attributes):
    """A good model, except for what `change` does to it."""
    weight = weight or Weight(64, 3, seed=80)
    parts = weight.initializers()
    proto = model([weight.node(parts, **attributes)], parts)
    if change:
        change(proto.graph)
    save(name, proto, folder=BAD)


def on_part(index, action):
    return lambda graph: action(graph.initializer[index])


def set_input(index, name):
    def change(graph):
        names = list(graph.node[0].input)
        names += [""] * (index + 1 - len(names))
        names[index] = name
        del graph.node[0].input[:]
        graph.node[0].input.extend(names)
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

    def domain(graph):
        graph.node[0].domain = ""
    bad("domain", domain)


def make_bad_inputs():
    bad("b_type", type_(0, TensorProto.INT8))
    bad("b_untyped", type_(0, TensorProto.UNDEFINED))
    bad("b_shape", dims(0, 3, 1, 32))
    bad("b_short", dims(0, 3, 2, 15))
    bad("scales_type", type_(1, TensorProto.INT32))
    bad("scales_shape", dims(1, 2, 3))
    bad("raw_size", dims(1, 3, 3))
    bad("negative_dim", dims(0, -3, -2, 16))
    bad("huge_dims", dims(0, 1 << 32, 1 << 32))
    bad("huge_bits", dims(1, (1 << 62) - 1))
    bad("undefined", set_input(1, "nowhere"))
    bad("undefined_a", set_input(0, "nowhere"))
    bad("absent_b", set_input(1, ""))
    bad("absent_scales", set_input(2, ""))
    def computed(input, output):
        """B is the output of a node, whose input is `input`."""
        def change(graph):
            graph.node.append(
                helper.make_node("Identity", [input], [output], name="other"))
            set_input(1, output)(graph)
        return change

    bad("computed_b", computed("x", "z"))
    bad("cycle_of_one", set_input(0, "y"))
    bad("cycle_of_two", computed("y", "z"))
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
    bad("bias_shape", dims(2, 3, 1), weight)

    def numbers(tensor):
        tensor.ClearField("raw_data")
        tensor.int32_data.extend([300] * 96)
    bad("number_range", on_part(0, numbers))

    def count(tensor):
        tensor.ClearField("raw_data")
        tensor.float_data.extend([1.0] * 5)
    bad("number_count", on_part(1, count))


def make_bad_external():
    # The files that the models below name.
    write(BAD, "external.first.bin", b"\xa5" * 248)
    write(BAD, "sub/external.second.bin", b"\x5a")

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
    write(BAD, "empty.onnx", b"")
    write(BAD, "text.onnx", b"This is not a model.\n")
    weight = Weight(64, 3, seed=84)
    parts = weight.initializers()
    whole = model([weight.node(parts)], parts).SerializeToString()
    write(BAD, "cut.onnx", whole[:len(whole) // 2])

    def twice(graph):
        graph.initializer.append(graph.initializer[1])
    bad("duplicate_name", twice)

    def twice_computed(graph):
        graph.node.append(
            helper.make_node("Identity", ["x"], ["w_scales"]))
    bad("duplicate_output", twice_computed)

    # GraphProto.node = 1, NodeProto.attribute = 5, AttributeProto.g = 6.
    graph = b""
    for _ in range(100):
        graph = field(1, field(5, field(6, graph)))
    write(BAD, "deep.onnx", field(7, graph))

    # A node whose op_type is not UTF-8: GraphProto.node.op_type = 4.
    write(BAD, "utf8.onnx", field(7, field(1, field(4, b"\xff\xfe"))))

    # Messages of two bytes each: memory of 64 times the file is refused.
    write(BAD, "bloat.onnx", field(7, b"\x2a\x00" * 60000))


def make_refused():
    save("nothing", model([helper.make_node("Identity", ["x"], ["y"])], []),
         folder=BAD)
    codes = raw("q", TensorProto.INT16, [2, 2], np.ones(4, np.int16))
    scale = raw("s", TensorProto.FLOAT, [], np.ones(1, np.float32))
    node = helper.make_node("DequantizeLinear", ["q", "s"], ["y"], name="dq")
    save("dequantize", model([node], [codes, scale]), folder=BAD)


def make():
    make_bad_attributes()
    make_bad_inputs()
    make_bad_external()
    make_bad_files()
    make_refused()
