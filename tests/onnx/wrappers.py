"""Weights behind nodes that give numbers again: Identity, Cast, Reshape and
Transpose, as converters to f16 and ONNX Runtime's optimizer add them; and the
products that it fuses. Each is what the weight without them is."""

import numpy as np
from onnx import TensorProto, helper

from dequantize import (
    at_default, dequantize, gemm, matmul, parts_of, with_zeros)
from weight import BAD, model, raw, save, Weight

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
BRAIN = TensorProto.BFLOAT16


class Chain:
    """Nodes that follow each other, from a value on."""

    def __init__(self, start):
        self.nodes, self.parts, self.value = [], [], start

    def add(self, op_type, *more, **attributes):
        output = f"{self.value}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(
            op_type, [self.value, *more], [output], **attributes))
        self.value = output
        return self

    def identity(self):
        return self.add("Identity")

    def cast(self, to):
        return self.add("Cast", to=to)

    def transpose(self):
        return self.add("Transpose", perm=[1, 0])

    def reshape(self, *dims):
        name = f"{self.value}.shape"
        self.parts.append(raw(name, TensorProto.INT64, [len(dims)],
                              np.array(dims)))
        return self.add("Reshape", name)


def wrapped(weight, signed=1, x=None, scale=None, zero=None, out=None,
            product=None, parts=None, axis=0, rows=False, block=32):
    """A DequantizeLinear and a product, with chains around. Each is made by a
    function that takes a Chain."""
    parts = parts or parts_of(weight, signed, rows)
    node = dequantize(parts, axis, block)
    chains = []
    for i, change in enumerate((x, scale, zero)):
        if change:
            chains.append(change(Chain(node.input[i])))
            node.input[i] = chains[-1].value
    last = out(Chain("w")) if out else Chain("w")
    product = product or matmul()
    product.input[1] = last.value
    nodes = [n for chain in chains for n in chain.nodes]
    shapes = [p for chain in [*chains, last] for p in chain.parts]
    return model([*nodes, node, *last.nodes, product], parts + shapes)


def cast_scales(weight, to):
    """The weight with scales as casts leave them, by types in a row."""
    scales = weight.scales
    for type_ in to:
        if type_ == HALF:
            with np.errstate(over="ignore"):
                scales = scales.astype(np.float16).astype(np.float32)
        elif type_ == BRAIN:
            bits = scales.view(np.uint32).astype(np.uint64)
            bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
            scales = bits.astype(np.uint32).view(np.float32)
    weight.scales = scales
    return weight


def make_chains():
    weight = with_zeros(Weight(75, 5, seed=400))
    q4_1 = weight.q4_1()
    save("wrap_cast", wrapped(weight, out=lambda c: c.cast(HALF)), q4_1)
    save("wrap_identity",
         wrapped(weight, x=Chain.identity, scale=Chain.identity,
                 zero=Chain.identity, out=Chain.identity), q4_1)
    save("wrap_orders",
         wrapped(weight, rows=True, axis=1,
                 x=lambda c: c.identity().reshape(375).reshape(5, -1),
                 scale=lambda c: c.reshape(15).identity().reshape(-1, 3),
                 zero=lambda c: c.reshape(1, 15).reshape(5, 3).identity(),
                 out=lambda c: c.cast(HALF).identity().transpose()
                 .reshape(0, 5).cast(FLOAT).transpose().transpose()), q4_1)
    # One more node than are looked through.
    def long(count):
        def change(chain):
            for _ in range(count):
                chain.identity()
            return chain
        return change
    save("wrap_long", wrapped(weight, x=long(32), out=long(32)), q4_1)
    save("wrap_too_long", wrapped(weight, x=long(33)), folder=BAD)


def make_casts():
    """Scales that Casts have rounded, seen in numbers that stay f32."""
    chains = {
        "half": [HALF], "brain": [BRAIN], "half_brain": [HALF, BRAIN, FLOAT],
        "brain_half": [BRAIN, HALF, BRAIN, HALF, FLOAT],
    }
    for name, to in chains.items():
        weight = with_zeros(Weight(40, 70, 1, seed=410))
        # Numbers that each type rounds, to 0 and infinity too.
        scales = np.geomspace(1e-8, 3e5, 40).astype(np.float32)
        weight.scales = np.tile(scales, (70, 1))
        parts = parts_of(weight, 0, False, False, weight.scales[0])
        weight.zeros = np.zeros((70, 40), np.uint8)

        def cast(chain, to=to):
            for type_ in to:
                chain.cast(type_)
            return chain
        proto = wrapped(weight, 0, scale=cast, parts=parts, block=None)
        cast_scales(weight, to)
        save("cast_" + name, proto, weight.dense())

    weight = with_zeros(Weight(75, 5, seed=411))
    weight.scale_type = HALF
    weight.scales = weight.scales.astype(np.float16).astype(np.float32)
    save("cast_wider", wrapped(weight, scale=lambda c: c.cast(FLOAT)),
         weight.q4_1())


def make_nbits():
    """MatMulNBits with a chain before each input."""
    weight = with_zeros(Weight(75, 5, seed=420))
    weight.bias = np.arange(5, dtype=np.float32)
    parts = weight.initializers()
    node = weight.node(parts)
    chains = [
        Chain(node.input[1]).identity().reshape(5, 3, 16),
        Chain(node.input[2]).cast(HALF).cast(FLOAT).identity(),
        Chain(node.input[3]).identity().identity(),
        Chain(node.input[5]).identity().cast(HALF).cast(FLOAT),
    ]
    for index, chain in zip((1, 2, 3, 5), chains):
        node.input[index] = chain.value
    nodes = [n for chain in chains for n in chain.nodes]
    shapes = [p for chain in chains for p in chain.parts]
    cast_scales(weight, [HALF])
    save("wrap_nbits", model([*nodes, node], parts + shapes), weight.q4_1())


def fused(op_type, *more, **attributes):
    return helper.make_node(op_type, ["x", "w", *more], ["y"], name="mm",
                            domain="com.microsoft", **attributes)


def einsum(equation, inputs=("x", "w")):
    return helper.make_node("Einsum", inputs, ["y"], name="mm",
                            equation=equation)


def make_products():
    weight = with_zeros(Weight(75, 5, seed=430))
    q4_1 = weight.q4_1()
    for name, rows, product in (
            ("fused_matmul", False, fused("FusedMatMul", alpha=1.0)),
            ("fused_matmul_rows", True, fused("FusedMatMul", transB=1)),
            ("fused_matmul_alpha", False, fused("FusedMatMul", alpha=0.5)),
            ("fused_matmul_a", True,
             fused("FusedMatMul", transA=1, transB=1)),
            ("fused_gemm", False, fused("FusedGemm", alpha=1.0, beta=1.0)),
            ("fused_gemm_relu", True,
             fused("FusedGemm", transB=1, activation="Relu")),
            ("einsum", False, einsum("bij,jk->bik")),
            ("einsum_rows", True, einsum("... j, kj -> ...k")),
            ("einsum_implied", False, einsum("abj,jk"))):
        save(name, wrapped(weight, rows=rows, axis=int(rows),
                           product=product), q4_1)
    whole = with_zeros(Weight(64, 5, seed=431))
    for name, rows, equation in (
            ("implied_order", False, "xyj,jk"),
            ("implied_capital", False, "abJ,JK"),
            ("first", False, "bji,jk->bik"),
            ("sum", False, "bij,jk->bi"),
            ("outer", True, "bi,kj->bikj")):
        save("einsum_" + name,
             wrapped(whole, rows=rows, axis=int(rows),
                     product=einsum(equation)), whole.q4_1())
    bias = raw("b", FLOAT, [5], np.arange(5, dtype=np.float32))
    parts = parts_of(weight, 1, False)
    cast = Chain("b").identity().cast(FLOAT)
    nodes = [dequantize(parts, 0, 32), *cast.nodes,
             fused("FusedGemm", cast.value, activation="")]
    save("fused_gemm_bias", model(nodes, parts + [bias]), q4_1)
    # C has a number for each row of x: no bias, though there are as many.
    column = Chain("b").reshape(5, 1)
    nodes = [dequantize(parts, 0, 32), *column.nodes,
             fused("FusedGemm", column.value, activation="")]
    save("fused_gemm_column", model(nodes, parts + [bias] + column.parts), q4_1)


def make_reshaped():
    """Scales of runs of a row, which a Reshape puts together."""
    weight = with_zeros(Weight(96, 5, seed=440))
    parts = parts_of(weight, 0, True, scales=weight.scales.reshape(15, 1))
    del parts[0].dims[:], parts[2].dims[:]
    parts[0].dims.extend([15, 32])
    parts[2].dims.extend([15, 1])
    save("reshaped_runs",
         wrapped(weight, parts=parts, axis=1,
                 out=lambda c: c.reshape(5, 96).transpose()), weight.q4_1())
    flat = parts_of(weight, 0, True, scales=weight.scales.reshape(-1))
    del flat[0].dims[:], flat[2].dims[:]
    flat[0].dims.extend([15, 4, 8])
    flat[2].dims.extend([15])
    save("reshaped_first",
         wrapped(weight, parts=flat, axis=0, block=None,
                 out=lambda c: c.reshape(-1, 96),
                 product=gemm(transB=1)), weight.q4_1())
    single = parts_of(weight, 0, False)
    for part, last in zip(single, (96, 3, 3)):
        del part.dims[:]
        part.dims.extend([1, last, 5])
    save("reshaped_squeezed",
         wrapped(weight, parts=single, axis=-2,
                 out=lambda c: c.reshape(96, 5)), weight.q4_1())
    # The rows of one scale end within a row of the matrix: x stays as it is.
    save("reshaped_apart",
         wrapped(weight, parts=parts, axis=1,
                 out=lambda c: c.reshape(10, 48)), weight.q4_1())
    square = with_zeros(Weight(64, 32, seed=441))
    save("reshaped_turned",
         wrapped(square, rows=True, axis=1,
                 out=lambda c: c.transpose().reshape(32, 64)), square.q4_1())


def make_strays():
    """Weights that no product reads keep blocks, along the columns too; and
    stacks of matrices are tensors."""
    weight = with_zeros(Weight(64, 5, seed=450))
    add = helper.make_node("Add", ["x", "w"], ["y"], name="sum")
    save("stray_added", wrapped(weight, product=add), weight.q4_1())
    add = helper.make_node("Add", ["x", "w"], ["y"], name="sum")
    channels = at_default(Weight(64, 5, 64, seed=451), 8)
    parts = parts_of(channels, 1, False, False, channels.scales.reshape(-1))
    save("stray_channels",
         wrapped(channels, parts=parts, axis=1, block=None, product=add,
                 out=lambda c: c.cast(HALF).identity()), channels.q4_0())

    experts = [with_zeros(Weight(64, 7, seed=452 + i)) for i in range(3)]
    stacked = {rows: [parts_of(one, 1, rows) for one in experts]
               for rows in (False, True)}
    for name, rows, axis in (("cube", False, 1), ("cube_rows", True, -1)):
        dims = [[3, 7, 64], [3, 7, 2], [3, 7, 2]]
        parts = []
        for i, (each, shape) in enumerate(zip(zip(*stacked[rows]), dims)):
            shape = shape if rows else [shape[0], shape[2], shape[1]]
            parts.append(raw(each[0].name, each[0].data_type, shape,
                             b"".join(part.raw_data for part in each)))
        save("dq_" + name, wrapped(None, parts=parts, axis=axis),
             b"".join(one.q4_1() for one in experts))


def added(weight, product, parts, dims, left=False, more=(), how=None):
    """A product and the Add of a constant of `dims`, whose numbers repeat the
    columns' numbers."""
    values = np.resize(np.arange(weight.n, dtype=np.float32) - 1.5, dims)
    b = raw("b", FLOAT, dims, values)
    chain = how(Chain("b")) if how else Chain("b")
    inputs = [chain.value, "t"] if left else ["t", chain.value]
    return model([*product, *chain.nodes,
                  helper.make_node("Add", inputs, ["y"], name="sum"), *more],
                 [*parts, b, *chain.parts])


def make_added():
    """Products to which an Add adds a constant. Only a number for each column
    is a bias."""
    weight = with_zeros(Weight(75, 5, seed=460))
    q4_1 = weight.q4_1()
    own = weight.initializers()
    nbits = [weight.node(own, name="fc", output="t")]
    parts = parts_of(weight, 1, False)
    products = [[dequantize(parts, 0, 32), node] for node in (
        helper.make_node("MatMul", ["x", "w"], ["t"], name="mm"),
        helper.make_node("FusedMatMul", ["x", "w"], ["t"], name="mm",
                         domain="com.microsoft", alpha=1.0))]
    for name, product, dims, left in (
            ("nbits", nbits, [5], False), ("matmul", products[0], [5], True),
            ("fused", products[1], [1, 5], False),
            ("deep", nbits, [1, 1, 5], True)):
        save("added_" + name,
             added(weight, product, own if product is nbits else parts, dims,
                   left), q4_1)
    save("added_cast",
         added(weight, nbits, own, [5],
               how=lambda c: c.identity().cast(FLOAT)), q4_1)
    # A number for each row, a number for all, a matrix; a product that has
    # another use; one that has a bias already.
    square = with_zeros(Weight(75, 3, seed=461))  # where x has three rows
    three = square.initializers()
    fc = [square.node(three, name="fc", output="t")]
    for name, dims in (("rows", [3, 1]), ("scalar", [1]),
                       ("matrix", [3, 3])):
        save("added_no_" + name, added(square, fc, three, dims),
             square.q4_1())
    save("added_no_turned",
         added(square, fc, three, [3], how=lambda c: c.reshape(3, 1)),
         square.q4_1())
    use = helper.make_node("Identity", ["t"], ["z"])
    save("added_no_shared", added(weight, nbits, own, [5], more=[use]), q4_1)
    with_output = added(weight, nbits, own, [5])
    with_output.graph.output.append(
        helper.make_tensor_value_info("t", FLOAT, None))
    save("added_no_output", with_output, q4_1)
    biased = with_zeros(Weight(75, 5, seed=460))
    biased.bias = np.arange(5, dtype=np.float32) - 1.5
    twice = biased.initializers()
    twice[4].name = "own"
    save("added_no_biased",
         added(biased, [biased.node(twice, name="fc", output="t")], twice,
               [5]), q4_1)


def make_unsupported():
    """A weight that is converted, and one of an operator that is not."""
    weight = with_zeros(Weight(64, 5, seed=470))
    parts = parts_of(weight, 1, False)
    codes = raw("c_Q4", TensorProto.UINT8, [2, 2, 3, 3], b"\1" * 36)
    conv = helper.make_node("ConvInteger", ["image", "c_Q4"], ["t"],
                            name="conv")
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, None)
    save("unsupported",
         model([conv, dequantize(parts, 0, 32), matmul()], parts + [codes],
               [image]), folder=BAD)


def make():
    make_unsupported()
    make_added()
    make_chains()
    make_casts()
    make_nbits()
    make_products()
    make_reshaped()
    make_strays()
