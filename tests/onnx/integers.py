"""Products of integers that have the scales of their weight themselves:
QLinearMatMul, QGemm, MatMulIntegerToFloat, DynamicQuantizeMatMul; and biases of
INT32."""

import numpy as np
from onnx import TensorProto, helper

from changes import computed, dims
from dequantize import (
    at_default, dequantize, gemm, narrow_codes, parts_of, with_zeros)
from weight import BAD, GOOD, model, raw, save, Weight, write

MICROSOFT = "com.microsoft"
OUTER = [raw("x_scale", TensorProto.FLOAT, [], np.array(0.25)),
         raw("x_zero", TensorProto.UINT8, [], np.array(7)),
         raw("y_scale", TensorProto.FLOAT, [], np.array(0.5)),
         raw("y_zero", TensorProto.UINT8, [], np.array(9))]
X = ["x", "x_scale", "x_zero"]
Y = ["y_scale", "y_zero"]


def columns(seed, zero=128, k=75, n=5):
    """One scale for each column of B, and the zero point of all of them."""
    return at_default(Weight(k, n, k, 8, seed), zero)


def constants(weight, signed=1, rows=False, zeros=True):
    """B, its scales and zero points, a number for each column."""
    return parts_of(weight, signed, rows, zeros, weight.scales.reshape(-1))


def one_scale(weight):
    weight.scales[:] = weight.scales[0]
    return weight


def constants_of_one(weight, signed=1, rows=False):
    """One scale and one zero point, without a dimension."""
    parts = parts_of(weight, signed, rows, True, weight.scales[:1].reshape(-1),
                     (weight.n,))
    for part, size in zip(parts[1:], (4, 1)):
        del part.dims[:]
        part.raw_data = part.raw_data[:size]
    return parts


def names(parts):
    return [part.name for part in parts]


def q_matmul(parts, name="mm", b=None):
    return helper.make_node(
        "QLinearMatMul", X + (b or names(parts)) + Y, ["y"], name=name)


def q_gemm(parts, bias="", x=X, y="y", name="mm", scaled=True, **attributes):
    return helper.make_node(
        "QGemm", [*x, *names(parts), bias, *(Y if scaled else [])], [y],
        name=name, domain=MICROSOFT, **attributes)


def integers(n, name="b_q", seed=1):
    numbers = np.random.default_rng(seed).integers(-(1 << 20), 1 << 20, n)
    return raw(name, TensorProto.INT32, [n], numbers)


def floats(n, name="b"):
    return raw(name, TensorProto.FLOAT, [n],
               np.random.default_rng(2).standard_normal(n))


def save_bias(name, *scales):
    """The bias of save(name): each integer as f32, times the product of its
    scales in f32."""
    numbers = np.frombuffer(integers(len(scales[-1])).raw_data, "<i4")
    factors = np.ones(len(numbers), np.float32)
    for scale in scales:
        factors = factors * scale.astype(np.float32)
    write(GOOD, name + ".bias",
          (numbers.astype(np.float32) * factors).astype("<f4").tobytes())


def make_matmul():
    def one(name, weight, parts, expected):
        save("q_matmul" + name, model([q_matmul(parts)], parts + OUTER),
             expected)

    weight = columns(400)
    one("", weight, constants(weight), weight.q8_0())
    weight = one_scale(columns(401))
    one("_one", weight, constants_of_one(weight, 0), weight.q8_0())
    weight = narrow_codes(with_zeros(columns(402)))
    one("_zero_points", weight, constants(weight, 0), weight.q8_0())
    # Seven bits around another zero point fit.
    weight = one_scale(columns(403, 50))
    weight.codes //= 2
    one("_seven_bits", weight, constants_of_one(weight, 0), weight.q8_0())
    weight = one_scale(columns(404, 100))
    weight.codes = np.minimum(weight.codes, 227)
    weight.codes[1, 3] = 228
    one("_large", weight, constants_of_one(weight, 0), weight.dense())
    # Scales of [1, n], as ONNX has them for B of more dimensions.
    weight = columns(405)
    parts = constants(weight)
    for part in parts[1:]:
        part.dims[:] = [1, 5]
    one("_deep", weight, parts, weight.q8_0())

    # Three dimensions become a tensor, with the last two swapped.
    weight = columns(406, k=64, n=6)
    parts = parts_of(weight, 1, True, True, weight.scales.reshape(-1)[:3],
                     (6,))
    codes = weight.codes.reshape(2, 3, 64).transpose(0, 2, 1) ^ 128
    parts[0] = raw("w_DQ_Q4", TensorProto.INT8, [2, 64, 3],
                   np.ascontiguousarray(codes).view(np.int8))
    parts[2].dims[:] = [3]
    parts[2].raw_data = parts[2].raw_data[:3]
    weight.scales = np.tile(weight.scales[:3], (2, 1))
    one("_cube", weight, parts, weight.q8_0())

    # Behind wrappers.
    weight = columns(407)
    parts = constants(weight)
    scales = parts[1].raw_data
    halves = np.frombuffer(scales, "<f4").astype("<f2")
    parts[1] = raw("w_half", TensorProto.FLOAT16, [5], halves)
    weight.scales = halves.astype(np.float32).reshape(5, 1)
    nodes = [helper.make_node("Identity", ["w_DQ_Q4"], ["w"]),
             helper.make_node("Cast", ["w_half"], ["s"], to=1),
             q_matmul(parts, b=["w", "s", "w_DQ_zero_points"])]
    save("q_matmul_wrapped", model(nodes, parts + OUTER), weight.q8_0())


def make_gemm():
    weight = columns(410)
    parts = constants(weight)
    save("q_gemm", model([q_gemm(parts, scaled=False)], parts + OUTER),
         weight.q8_0())
    save("q_gemm_bias",
         model([q_gemm(parts, "b_q")], parts + [integers(5)] + OUTER),
         weight.q8_0())
    save_bias("q_gemm_bias", np.full(5, 0.25), weight.scales.reshape(-1))
    save("q_gemm_alpha",
         model([q_gemm(parts, "b_q", alpha=0.5)],
               parts + [integers(5)] + OUTER), weight.q8_0())
    rows = one_scale(columns(411))
    parts = constants_of_one(rows, 1, True)
    save("q_gemm_rows",
         model([q_gemm(parts, "b_q", transB=1, transA=0, alpha=1.0)],
               parts + [integers(5)] + OUTER), rows.q8_0())

    # One bias in steps of two scales.
    weight = columns(412, k=64, n=5)
    parts = constants(weight)
    other = raw("z_scale", TensorProto.FLOAT, [1], np.array(0.125))
    nodes = [q_gemm(parts, "b_q"),
             q_gemm(parts, "b_q", ["x", "z_scale", "x_zero"], "z", "other"),
             q_gemm(parts, "b_q", y="v", name="again")]
    save("q_gemm_shared",
         model(nodes, parts + [integers(5), other] + OUTER), weight.q8_0())


def make_float():
    weight = columns(420)
    parts = constants(weight)
    parts[2].dims[:] = []  # one zero point for all
    parts[2].raw_data = parts[2].raw_data[:1]
    b, scale, zero = names(parts)
    node = helper.make_node(
        "MatMulIntegerToFloat",
        ["x", b, "x_scale", scale, "x_zero", zero, "b"], ["y"], name="mm",
        domain=MICROSOFT)
    save("q_to_float", model([node], parts + [floats(5)] + OUTER),
         weight.q8_0())
    weight = one_scale(columns(421))
    parts = constants_of_one(weight)
    for name, bias in (("q_dynamic", ""), ("q_dynamic_bias", "b")):
        node = helper.make_node(
            "DynamicQuantizeMatMul", ["x", *names(parts), bias], ["y"],
            name="mm", domain=MICROSOFT)
        save(name, model([node], parts + ([floats(5)] if bias else [])),
             weight.q8_0())


def make_scaled():
    """MatMulInteger as dynamic quantization writes it; around a zero point of
    another node; and without the Mul."""
    weight = columns(450)
    parts = constants(weight)
    b, scale, zero = names(parts)

    def nodes(swapped, point="z", scales="scales"):
        both = ["t", scales][::-1 if swapped else 1]
        factors = ["s", scale][::-1 if swapped else 1]
        return [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
            helper.make_node("Mul", factors, ["scales"]),
            helper.make_node("MatMulInteger", ["q", b, point, zero], ["i"],
                             name="mm_quant"),
            helper.make_node("Cast", ["i"], ["t"], to=1),
            helper.make_node("Mul", both, ["y"], name="mm")]

    for name, swapped in (("q_scaled", False), ("q_scaled_swapped", True)):
        save(name, model(nodes(swapped), parts), weight.q8_0())
    save("q_scaled_other", model(nodes(False, "x_zero"), parts + OUTER),
         folder=BAD)
    save("q_unscaled", model(nodes(False)[:4], parts), folder=BAD)


def make_biases():
    """Behind DequantizeLinear: one scale, in f16, rounded by a Cast; a zero
    point that says nothing, and one that is not allowed."""
    weight = columns(430, k=64, n=3)
    parts = constants(weight, zeros=False)
    scale = raw("b_half", TensorProto.FLOAT16, [1], np.array(0.01))
    zero = raw("b_zero", TensorProto.INT32, [], np.array(0))
    bias = [integers(3), scale, zero]
    cast = [helper.make_node("Cast", ["b_half"], ["b_scale"], to=1),
            helper.make_node("DequantizeLinear", ["b_q", "b_scale", "b_zero"],
                             ["b_float"], name="dq_b"),
            helper.make_node("Cast", ["b_float"], ["b"], to=1)]
    nodes = [dequantize(parts, 1), *cast, gemm("b")]
    save("dq_bias_cast", model(nodes, parts + bias), weight.q8_0())
    save_bias("dq_bias_cast", np.full(3, 0.01, np.float16))
    bias[2] = raw("b_zero", TensorProto.INT32, [], np.array(1))
    save("dq_bias_zero", model(nodes, parts + bias), weight.q8_0())


def make_bad():
    def bad(name, change):
        weight = columns(440)
        parts = constants(weight)
        proto = model([q_gemm(parts, "b_q")], parts + [integers(5)] + OUTER)
        change(proto.graph)
        save("q_" + name, proto, folder=BAD)

    def shorter(index):
        def change(graph):
            part = graph.initializer[index]
            part.raw_data = part.raw_data[:len(part.raw_data) // 5 * 4]
            dims(index, 4)(graph)
        return change

    bad("scales_shape", shorter(1))
    bad("zero_points_shape", shorter(2))
    bad("computed", computed(1))

    def attribute(graph):
        graph.node[0].attribute.append(helper.make_attribute("layout", 1))
    bad("attribute", attribute)

    def absent(graph):
        graph.node[0].input[1] = ""
    bad("x_scale", absent)


def make():
    make_matmul()
    make_gemm()
    make_float()
    make_scaled()
    make_biases()
    make_bad()
