"""Good models of MatMulNBits: forms of weights, spellings of models, and
places of constants; and constants that are not quantized weights."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from weight import (
    external, model, PLACES, raw, save, save_weight, Weight, write)


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
    zeros.zeros = np.full((3, 3), 8, np.uint8)  # and an unused nibble of 0
    save_weight("zero_points_default", zeros, zeros.q4_0())

    zeros = Weight(64, 3, seed=4)
    zeros.zeros = np.full((3, 2), 8, np.float32)
    save_weight("zero_points_float_default", zeros, zeros.q4_0())

    half = Weight(64, 3, seed=5)
    half.scale_type = TensorProto.FLOAT16
    half.scales = half.scales.astype(np.float16).astype(np.float32)
    half.scales[0, 0] = 2.0 ** -24  # the smallest f16, which stays as it is
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

    # Blocks of 16: one in a row, an odd number, and pairs.
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
    write(PLACES, "external.first.bin", first)
    write(PLACES, "sub/external.second.bin", second)
    external(parts[0], "external.first.bin", 3, len(parts[0].raw_data))
    external(parts[1], "sub/external.second.bin", 7)
    external(parts[4], "./sub//external.second.bin", 7 + scales_size, 20)
    save("external", model([weight.node(parts)], parts), weight.q4_0(),
         PLACES)


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


def make():
    make_block_forms()
    make_other_forms()
    make_fallbacks()
    make_spellings()
    make_external()
    make_graphs()
    make_dense()
