"""Weights of DequantizeLinear: in every layout that MatMul, Gemm or Gather
takes, with blocks and without, and malformed."""

import numpy as np
from onnx import TensorProto, helper

from changes import computed, dims, given, type_
from weight import (
    BAD, external, model, pack, PLACES, raw, save, Weight, write)

TYPES = {
    (2, 0): TensorProto.UINT2, (2, 1): TensorProto.INT2,
    (4, 0): TensorProto.UINT4, (4, 1): TensorProto.INT4,
    (8, 0): TensorProto.UINT8, (8, 1): TensorProto.INT8,
}


def elements(name, weight, numbers, signed):
    """An initializer of codes or zero points with those numbers, packed across
    rows as ONNX packs."""
    flip = signed << (weight.bits - 1)
    flat = (numbers.astype(np.uint8) ^ flip).reshape(1, -1)
    return raw(name, TYPES[weight.bits, signed], numbers.shape,
               pack(flat, weight.bits))


def parts_of(weight, signed, rows, zeros=True, scales=None, zero_dims=None):
    """[x, x_scale, x_zero_point]: [N, K] if `rows`, else [K, N]."""
    def turn(array):
        return array if rows else np.ascontiguousarray(array.T)

    scales = turn(weight.scales) if scales is None else scales
    parts = [
        elements("w_DQ_Q4", weight, turn(weight.codes[:, :weight.k]), signed),
        raw("w_DQ_scales", weight.scale_type, scales.shape, scales)]
    if zeros:
        points = turn(weight.zero_points().astype(np.uint8))
        points = points.reshape(zero_dims or scales.shape)
        parts.append(elements("w_DQ_zero_points", weight, points, signed))
    return parts


def dequantize(parts, axis, block=None, output="w", name="dq"):
    names = [part.name for part in parts]
    values = {"axis": axis, "block_size": block}
    values = {key: v for key, v in values.items() if v is not None}
    return helper.make_node("DequantizeLinear", names, [output], name=name,
                            **values)


def matmul(weight="w", output="y", name="mm"):
    return helper.make_node("MatMul", ["x", weight], [output], name=name)


def transpose(**attributes):
    return helper.make_node("Transpose", ["w"], ["wt"], **attributes)


def gemm(*more, **attributes):
    return helper.make_node("Gemm", ["x", "w", *more], ["y"], name="mm",
                            **attributes)


def with_zeros(weight, seed=1):
    rng = np.random.default_rng(seed)
    weight.zeros = rng.integers(0, 1 << weight.bits,
                                (weight.n, weight.blocks), np.uint8)
    return weight


def at_default(weight, zero):
    weight.zeros = np.full((weight.n, weight.blocks), zero, np.uint8)
    return weight


def narrow_codes(weight):
    """Makes code less zero point fit into int8 everywhere."""
    zeros = weight.zero_points()[:, np.arange(weight.codes.shape[1])
                                 // weight.block]
    weight.codes = np.clip(weight.codes, zeros - 128,
                           zeros + 127).astype(np.uint8)
    return weight


def make_blocks():
    """[K, N] with blocks along K. K and N are odd, so rows begin within
    bytes."""
    for name, signed, zeros in (("int4", 1, False), ("uint4", 0, False),
                                ("int4_zero_points", 1, True),
                                ("uint4_zero_points", 0, True)):
        weight = Weight(75, 5, seed=200 + len(name))
        at_default(weight, 8 if signed else 0)
        if zeros:
            with_zeros(weight)
        parts = parts_of(weight, signed, False, zeros)
        save("dq_" + name, model([dequantize(parts, 0, 32), matmul()], parts),
             weight.q4_0() if signed and not zeros else weight.q4_1())

    weight = narrow_codes(with_zeros(Weight(40, 3, bits=8, seed=210)))
    for name, signed in (("int8_zero_points", 1), ("uint8_zero_points", 0)):
        parts = parts_of(weight, signed, False)
        save("dq_" + name, model([dequantize(parts, 0, 32), matmul()], parts),
             weight.q8_0())
    weight = at_default(Weight(40, 3, bits=8, seed=211), 128)
    parts = parts_of(weight, 1, False, False)
    save("dq_int8", model([dequantize(parts, 0, 32), matmul()], parts),
         weight.q8_0())
    weight = at_default(weight, 0)
    weight.codes //= 2
    parts = parts_of(weight, 0, False, False)
    save("dq_uint8", model([dequantize(parts, 0, 32), matmul()], parts),
         weight.q8_0())
    weight.codes[2, 39] = 128
    parts = parts_of(weight, 0, False, False)
    save("dq_uint8_large", model([dequantize(parts, 0, 32), matmul()], parts),
         weight.dense())
    weight = with_zeros(Weight(40, 3, bits=2, seed=212))
    parts = parts_of(weight, 1, False)
    save("dq_int2", model([dequantize(parts, -2, 32), matmul()], parts),
         weight.q4_1())

    weight = at_default(Weight(200, 3, 64, seed=213), 8)
    weight.scale_type = TensorProto.FLOAT16
    weight.scales = weight.scales.astype(np.float16).astype(np.float32)
    parts = parts_of(weight, 1, False, False)
    save("dq_block_64", model([dequantize(parts, 0, 64), matmul()], parts),
         weight.q4_0())
    # Blocks of 8: four make one of 32. Blocks of 48 end within a block of 32.
    weight = at_default(Weight(75, 3, 8, seed=214), 8)
    weight.scales = weight.scales[:, np.arange(10) // 4]
    parts = parts_of(weight, 1, False, False)
    save("dq_block_8", model([dequantize(parts, 0, 8), matmul()], parts),
         weight.q4_0())
    weight = narrow_codes(with_zeros(Weight(75, 3, 8, bits=8, seed=215)))
    weight.scales = weight.scales[:, np.arange(10) // 4]
    parts = parts_of(weight, 1, False)
    save("dq_block_8_bits_8", model([dequantize(parts, 0, 8), matmul()],
                                    parts), weight.q8_0())
    weight = at_default(Weight(100, 3, 48, seed=216), 8)
    parts = parts_of(weight, 1, False, False)
    save("dq_block_48", model([dequantize(parts, 0, 48), matmul()], parts),
         weight.dense())


def make_layouts():
    """[N, K] with blocks along K, and each way from there to the product."""
    weight = with_zeros(Weight(75, 5, seed=220))
    parts = parts_of(weight, 0, True)
    nodes = [dequantize(parts, 1, 32), transpose(perm=[1, 0]), matmul("wt")]
    save("dq_transposed", model(nodes, parts), weight.q4_1())
    nodes[1] = transpose()
    save("dq_transposed_default", model(nodes, parts), weight.q4_1())
    bias = raw("b", TensorProto.FLOAT, [5], np.arange(5, dtype=np.float32))
    nodes = [dequantize(parts, -1, 32), gemm("b", transB=1)]
    save("dq_gemm_rows", model(nodes, parts + [bias]), weight.q4_1())
    nodes[1] = gemm("b", transB=1, alpha=0.5)
    save("dq_gemm_scaled", model(nodes, parts + [bias]), weight.q4_1())

    parts = parts_of(weight, 0, False)
    nodes = [dequantize(parts, 0, 32), gemm()]
    save("dq_gemm", model(nodes, parts), weight.q4_1())
    nodes = [dequantize(parts, 0, 32), matmul(output="t", name="first"),
             matmul(name="second")]
    save("dq_shared", model(nodes, parts), weight.q4_1())
    # A Gemm that takes the same square constants without a transposition.
    square = at_default(Weight(32, 32, seed=221), 8)
    parts = parts_of(square, 1, False, False, square.scales.reshape(-1))
    nodes = [dequantize(parts, 1), matmul(output="t"), gemm(transB=1)]
    save("dq_both_ways", model(nodes, parts), square.q4_0())

    # 4-bit zero points are packed across rows.
    weight = with_zeros(Weight(160, 3, seed=222))
    parts = parts_of(weight, 1, True)
    nodes = [dequantize(parts, 1, 32), gemm(transB=1)]
    save("dq_rows", model(nodes, parts), weight.q4_1())


def make_channels():
    """Scales without blocks: one in all, one for each n, one for each k."""
    for name, rows, axis in (("channels", False, 1), ("channels_rows", True,
                                                      0)):
        weight = narrow_codes(with_zeros(Weight(40, 3, 40, 8, seed=230)))
        parts = parts_of(weight, 1, rows, True, weight.scales.reshape(-1))
        product = [transpose(), matmul("wt")] if rows else [matmul()]
        save("dq_" + name, model([dequantize(parts, axis), *product], parts),
             weight.q8_0())
    weight = at_default(Weight(72, 3, 72, seed=231), 3)
    weight.scales[:] = 0.125
    parts = parts_of(weight, 0, False, False, np.full((), 0.125))
    parts.append(elements("w_DQ_zero_points", weight, np.full(1, 3), 0))
    save("dq_tensor", model([dequantize(parts, None), matmul()], parts),
         weight.q4_1())

    # One for each k: no block has one scale, unless all are equal.
    weight = at_default(Weight(40, 3, 1, seed=232), 8)
    weight.scales = np.repeat(weight.scales[:1], 3, axis=0)
    parts = parts_of(weight, 1, False, False, weight.scales[0])
    save("dq_by_k", model([dequantize(parts, 0), matmul()], parts),
         weight.dense())
    weight.scales[:] = weight.scales[0, 0]
    parts = parts_of(weight, 1, False, False, weight.scales[0])
    save("dq_by_k_equal", model([dequantize(parts, 0), matmul()], parts),
         weight.q4_0())

    # Blocks along N, in both layouts: the weight is [40, 70] and its scales
    # are [40, 3].
    weight = with_zeros(Weight(40, 70, 1, seed=233))
    groups = np.arange(70) // 32
    weight.scales = weight.scales[groups]
    weight.zeros = weight.zeros[groups]
    for name, rows, axis in (("along_n", False, 1), ("along_n_rows", True, 0)):
        firsts = weight.scales[::32], weight.zero_points()[::32]
        scales, zeros = (a if rows else np.ascontiguousarray(a.T)
                         for a in firsts)
        parts = parts_of(weight, 0, rows, False, scales)
        parts.append(elements("w_DQ_zero_points", weight, zeros, 0))
        product = gemm(transB=1) if rows else matmul()
        save("dq_" + name,
             model([dequantize(parts, axis, 32), product], parts),
             weight.dense())


def make_places():
    """Where constants may be: Constant nodes, typed fields, files, outer
    graphs, before a Reshape."""
    weight = with_zeros(Weight(75, 5, seed=240))
    parts = parts_of(weight, 1, False)
    product = [dequantize(parts, 0, 32), matmul()]
    constants = [helper.make_node("Constant", [], [part.name], value=part)
                 for part in parts]
    save("dq_constant_nodes", model(constants + product, []), weight.q4_1())

    typed = parts_of(weight, 1, False)
    for part in (typed[0], typed[2]):
        numbers = part.raw_data
        part.ClearField("raw_data")
        part.int32_data.extend(numbers)
    save("dq_typed", model(product, typed), weight.q4_1())

    first, second = b"\xa5", b"\x5a" * 3
    beside = parts_of(weight, 1, False)
    sizes = [len(part.raw_data) for part in beside]
    first += beside[0].raw_data
    second += beside[1].raw_data + beside[2].raw_data
    write(PLACES, "dq_external.first.bin", first)
    write(PLACES, "dq_external.second.bin", second)
    external(beside[0], "dq_external.first.bin", 1)
    external(beside[1], "dq_external.second.bin", 3, sizes[1])
    external(beside[2], "dq_external.second.bin", 3 + sizes[1])
    save("dq_external", model(product, beside), weight.q4_1(), PLACES)

    output = [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)]
    body = helper.make_graph([matmul(output="z", name="inside")], "body", [],
                             output)
    branch = helper.make_node("If", ["c"], ["y"], name="branch",
                              then_branch=body, else_branch=body)
    condition = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    save("dq_body", model([product[0], branch], parts, [condition]),
         weight.q4_1())

    flat = parts_of(weight, 1, False)
    del flat[0].dims[:]
    flat[0].dims.append(75 * 5)
    shape = raw("shape", TensorProto.INT64, [2], np.array([-1, 5]))
    nodes = [helper.make_node("Reshape", ["w_DQ_Q4", "shape"], ["shaped"]),
             dequantize(parts, 0, 32), matmul()]
    nodes[1].input[0] = "shaped"
    save("dq_reshaped", model(nodes, flat + [shape]), weight.q4_1())


def make_others():
    """Weights without a linear: tables of rows, and weights of other
    operators."""
    weight = with_zeros(Weight(75, 5, seed=250))
    parts = parts_of(weight, 1, True)
    nodes = [helper.make_node("Gather", [part.name, "x"], [part.name + "_row"])
             for part in parts]
    nodes.append(helper.make_node(
        "DequantizeLinear", [part.name + "_row" for part in parts], ["y"],
        name="embed", axis=-1, block_size=32))
    save("dq_gather", model(nodes, parts), weight.q4_1())

    # Rows of whole blocks become blocks; other weights keep their shape.
    weight = at_default(Weight(64, 3, seed=251), 8)
    parts = parts_of(weight, 1, True, False)
    add = helper.make_node("Add", ["x", "w"], ["y"])
    save("dq_added", model([dequantize(parts, 1, 32), add], parts),
         weight.q4_0())
    weight = Weight(3, 8, 3, bits=8, seed=252)
    weight.scales = np.repeat(weight.scales[:2], 4, axis=0)
    parts = parts_of(weight, 1, True, False, weight.scales[::4, 0])
    at_default(weight, 128)
    del parts[0].dims[:]
    parts[0].dims.extend([2, 2, 2, 3])
    conv = helper.make_node("Conv", ["x", "w"], ["y"])
    save("dq_conv", model([dequantize(parts, 0), conv], parts),
         weight.dense())

    # A bias of 32 bits is not a weight.
    weight = at_default(Weight(64, 3, 64, 8, seed=253), 128)
    parts = parts_of(weight, 1, False, False, weight.scales.reshape(-1))
    bias = [raw("b_q", TensorProto.INT32, [3], np.arange(3)),
            raw("b_scale", TensorProto.FLOAT, [3], np.ones(3))]
    nodes = [dequantize(parts, 1), dequantize(bias, 0, None, "b", "dq_b"),
             gemm("b")]
    save("dq_bias", model(nodes, parts + bias), weight.q8_0())


def make_bad():
    def bad(name, change, axis=0, block=32, inputs=(), bits=4):
        weight = with_zeros(Weight(64, 3, bits=bits, seed=260))
        parts = parts_of(weight, 1, False)
        proto = model([dequantize(parts, axis, block), matmul()], parts,
                      inputs)
        if change:
            change(proto.graph)
        save("dq_" + name, proto, folder=BAD)

    bad("axis", None, axis=2)
    bad("axis_negative", None, axis=-3)
    bad("axis_other", None, axis=1)
    bad("axis_huge", None, axis=-(1 << 63))
    bad("block_negative", None, block=-32)
    bad("block_other", None, block=16)
    bad("block_huge", None, block=(1 << 63) - 1)
    bad("block_none", None, block=0)
    bad("scales_shape", dims(1, 3, 2))
    bad("zero_points_shape", dims(2, 6))
    bad("zero_points_type", type_(2, TensorProto.UINT4))
    bad("scales_type", type_(1, TensorProto.INT32))
    bad("dims", dims(0, 1 << 32, 1 << 32))
    bad("dims_negative", dims(0, -64, -3))
    bad("short", dims(0, 64, 4))

    def empty(graph):
        dims(0, 0, 3)(graph)
        graph.initializer[0].raw_data = b""
    bad("empty", empty)

    bad("input", given(0))
    bad("computed", computed(0))

    def undefined(graph):
        graph.node[0].input[1] = "nowhere"
    bad("undefined", undefined)

    def no_scales(graph):
        del graph.node[0].input[1:]
    bad("no_scales", no_scales)

    def attribute(graph):
        graph.node[0].attribute.append(helper.make_attribute("layout", 1))
    bad("attribute", attribute)

    def words(graph):
        tensor = graph.initializer[0]
        tensor.data_type = TensorProto.INT16
        tensor.raw_data = bytes(2 * 64 * 3)
    bad("int16", words)

    def reshaped(graph):
        graph.initializer.append(
            raw("shape", TensorProto.INT64, [2], np.array([64, 4])))
        graph.initializer[0].name = "flat"
        graph.node.insert(
            0, helper.make_node("Reshape", ["flat", "shape"], ["w_DQ_Q4"]))
    bad("reshaped", reshaped)

    def circle(graph):
        graph.node[0].CopyFrom(
            helper.make_node("Transpose", ["wt"], ["w"]))
        graph.node.append(helper.make_node("Transpose", ["w"], ["wt"]))
        del graph.initializer[:]
    bad("circle", circle)


def make():
    make_blocks()
    make_layouts()
    make_channels()
    make_places()
    make_others()
    make_bad()
