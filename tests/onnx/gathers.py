"""Embeddings of GatherBlockQuantized, good and bad."""

import numpy as np
from onnx import TensorProto, helper

from changes import computed, dims, given, type_
from weight import (
    BAD, external, model, pack, PLACES, raw, save, Weight, write)


def gather_node(names, **attributes):
    return helper.make_node("GatherBlockQuantized", names, ["y"],
                            name="embed", domain="com.microsoft",
                            **attributes)


def save_gather_external(parts, names, expected):
    """The same weight in a file beside the model, each constant at an odd
    offset."""
    copies, data = [], b"\xa5"
    for part in parts:
        copy = TensorProto()
        copy.CopyFrom(part)
        size = len(copy.raw_data)
        data += copy.raw_data
        copies.append(external(copy, "gather_external.bin",
                               len(data) - size, size))
        data += b"\xa5" * (1 + len(data) % 2)
    write(PLACES, "gather_external.bin", data)
    save("gather_external",
         model([gather_node(names, block_size=32)], copies), expected,
         PLACES)


def make_bad_gathers():
    def bad(name, change=None, **attributes):
        weight = Weight(64, 5, seed=112)
        parts = weight.initializers()
        del parts[0].dims[1:]
        parts[0].dims.append(32)
        names = ["w_Q4", "x", "w_scales"]
        values = {"block_size": 32, **attributes}
        proto = model([gather_node(names, **values)], parts)
        if change:
            change(proto.graph)
        save("gather_" + name, proto, folder=BAD)

    def half(graph):
        dims(1, 5, 1)(graph)
        graph.initializer[1].raw_data = graph.initializer[1].raw_data[:20]
    bad("scales", half)
    bad("computed", computed(0))
    bad("input", given(0))

    def reshaped(graph):
        graph.initializer[0].name = "flat"
        graph.initializer.append(
            raw("shape", TensorProto.INT64, [2], np.array([-1, 33])))
        graph.node.insert(
            0, helper.make_node("Reshape", ["flat", "shape"], ["w_Q4"]))
    bad("reshaped", reshaped)

    bad("cube", dims(0, 5, 2, 16))
    bad("axis", quantize_axis=0)
    bad("bits", bits=3)
    bad("block", block_size=48)
    bad("attribute", transposed=1)
    bad("type", type_(0, TensorProto.INT8))

    def domain(graph):
        graph.node[0].domain = ""
    bad("domain", domain)

    def zeros(graph):
        graph.node[0].input.append("w_zp")
        graph.initializer.append(raw("w_zp", TensorProto.UINT8, [5, 2],
                                     np.full((5, 2), 0x88, np.uint8)))
    bad("zero_points", zeros)


def make_gathers():
    """Embeddings, packed as in MatMulNBits or as tensors of 4-bit elements."""
    weight = Weight(64, 5, seed=110)
    parts = weight.initializers()
    del parts[0].dims[1:]
    parts[0].dims.append(32)
    names = ["w_Q4", "x", "w_scales"]
    save("gather_uint8", model([gather_node(names, block_size=32)], parts),
         weight.q4_0())

    # Tied: the head and the embeddings share one initializer.
    tied = [gather_node(names, block_size=32), weight.node(parts)]
    tied[0].output[0] = "embedded"
    save("gather_tied", model(tied, parts), weight.q4_0())

    # The same through a Reshape: the head has [n, blocks, blob] and flat
    # scales, the embeddings take matrices.
    weight.zeros = np.arange(10, dtype=np.uint8).reshape(5, 2)
    parts = weight.initializers()
    for part in parts[1:3]:
        size = 10 if part.name == "w_scales" else 5
        del part.dims[:]
        part.dims.append(size)
    shapes = [raw("shape_%d" % i, TensorProto.INT64, [2], np.array(dims))
              for i, dims in enumerate(([0, -1], [5, 2], [-1, 1]))]
    nodes = [helper.make_node("Reshape", [part.name, shape.name],
                              [part.name + "_matrix"])
             for part, shape in zip(parts, shapes)]
    nodes.append(gather_node(
        ["w_Q4_matrix", "x", "w_scales_matrix", "w_zp_matrix"],
        block_size=32))
    nodes[-1].output[0] = "embedded"
    save("gather_reshaped", model(nodes + [weight.node(parts)],
                                  parts + shapes), weight.q4_1())

    # Three dimensions: the first counts tables.
    weight = Weight(64, 6, seed=113)
    parts = weight.initializers()
    for part, dims in zip(parts, ([2, 3, 32], [2, 3, 2])):
        del part.dims[:]
        part.dims.extend(dims)
    save("gather_cube", model([gather_node(
        ["w_Q4", "x", "w_scales"], block_size=32, quantize_axis=2)], parts),
        weight.q4_0())

    # K is odd, so rows begin within bytes; with 3 blocks a row, so do rows of
    # zero points.
    for name, signed, with_zeros in (
            ("gather_int4", 1, False), ("gather_uint4", 0, False),
            ("gather_int4_zero_points", 1, True),
            ("gather_uint4_zero_points", 0, True)):
        weight = Weight(75, 5, seed=111)
        offset = 8 * signed
        zeros = np.full((5, 3), offset, np.uint8)
        if with_zeros:
            zeros = np.arange(1, 16, dtype=np.uint8).reshape(5, 3)
        weight.zeros = zeros
        type_ = TensorProto.INT4 if signed else TensorProto.UINT4
        flat = (weight.codes[:, :75] ^ offset).reshape(1, -1)
        flat_zeros = (zeros ^ offset).reshape(1, -1)
        parts = [raw("w_Q4", type_, [5, 75], pack(flat, 4)),
                 weight.initializers()[1],
                 raw("w_zp", type_, [5, 3], pack(flat_zeros, 4))]
        names = ["w_Q4", "x", "w_scales", "w_zp"]
        if not with_zeros:
            names, parts = names[:3], parts[:2]
        signed_default = signed and not with_zeros
        if name == "gather_int4_zero_points":
            save_gather_external(parts, names, weight.q4_1())
        save(name, model([gather_node(names, block_size=32)], parts),
             weight.q4_0() if signed_default else weight.q4_1())


def make():
    make_gathers()
    make_bad_gathers()
