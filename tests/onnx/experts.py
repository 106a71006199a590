"""Experts of QMoE, good and bad, and weights of MatMulBnb4."""

import numpy as np
from onnx import TensorProto, helper

from changes import computed, dims, given
from weight import (
    BAD, external, model, pack, PLACES, raw, save, Weight, write)

EXPERTS = 3


class Expert(Weight):
    """Stacked matrices; n counts the rows of all of them."""

    def __init__(self, k, n, block=None, bits=4, seed=1):
        super().__init__(k, EXPERTS * n, block or k, bits, seed)
        self.rows, self.in_blocks = n, block is not None

    def packed_zeros(self):
        if self.in_blocks:
            return pack(self.zeros, self.bits).reshape(EXPERTS, self.rows, -1)
        return pack(self.zeros.reshape(EXPERTS, self.rows), self.bits)

    def parts(self, name):
        """[weights, scales, zero points or None]."""
        codes = pack(self.codes, self.bits)
        scales = self.scales.reshape(EXPERTS, self.rows, -1)
        if not self.in_blocks:
            scales = scales[:, :, 0]
        found = [raw(name + "_weights", TensorProto.UINT8,
                     [EXPERTS, self.rows, codes.shape[1]], codes),
                 raw(name + "_scales", self.scale_type, scales.shape, scales),
                 None]
        if self.zeros is not None:
            zeros = self.packed_zeros()
            found[2] = raw(name + "_zeros", TensorProto.UINT8, zeros.shape,
                           zeros)
        return found


def qmoe(weights, biases=(), **attributes):
    """The node and its initializers. `weights` are fc1, fc2 and perhaps
    fc3."""
    names, parts = ["x", "router"] + [""] * 12, []
    for i, weight in enumerate(weights):
        some = weight.parts("fc%d" % (i + 1))
        for at, part in zip((2 + 3 * i, 3 + 3 * i, 11 + i), some):
            if part:
                names[at] = part.name
                parts.append(part)
    for i, bias in enumerate(biases):
        names[4 + 3 * i] = bias.name
        parts.append(bias)
    while not names[-1]:
        names.pop()
    values = dict(k=2, weights_prepacked=0, activation_type="silu",
                  activation_alpha=1.5, expert_weight_bits=weights[0].bits)
    if weights[0].in_blocks:
        values["block_size"] = weights[0].block
    values.update(attributes)
    values = {key: v for key, v in values.items() if v is not None}
    node = helper.make_node("QMoE", names, ["y"], name="moe",
                            domain="com.microsoft", **values)
    return node, parts


def moe_model(node, parts):
    router = helper.make_tensor_value_info("router", TensorProto.FLOAT,
                                           ["m", EXPERTS])
    return model([node], parts, [router])


def with_zeros(weight):
    weight.zeros = np.random.default_rng(3).integers(
        0, 1 << weight.bits, weight.scales.shape, np.uint8)
    return weight


def make_experts():
    fc1, fc2, fc3 = (Expert(64, 6, 32, seed=300), Expert(32, 64, 32, seed=301),
                     Expert(64, 6, 32, seed=302))
    bias = raw("fc1_bias", TensorProto.FLOAT, [EXPERTS, 6],
               np.arange(18, dtype=np.float32))
    save("moe", moe_model(*qmoe([fc1, fc2, fc3], [bias])), fc1.q4_0())
    fc1, fc2 = with_zeros(Expert(64, 6, 32, seed=303)), fc2
    save("moe_zero_points", moe_model(*qmoe([fc1, fc2])), fc1.q4_1())

    # Without blocks: one scale for a row, and zero points packed along n. n is
    # odd, so each expert's zero points end with an unused half byte.
    fc1, fc2 = Expert(40, 5, seed=304), Expert(10, 40, seed=305)
    save("moe_rows", moe_model(*qmoe([fc1, fc2])), fc1.q4_0())
    fc1 = with_zeros(fc1)
    save("moe_rows_zero_points", moe_model(*qmoe([fc1, fc2])), fc1.q4_1())

    # Different widths, in files.
    fc1 = Expert(64, 5, 32, 8, seed=306)
    fc2 = Expert(32, 64, 32, 2, seed=307)
    node, parts = qmoe([fc1, fc2], expert_weight_bits=2,
                       fc1_expert_weight_bits=8, quant_type="int")
    data = b"\xa5"
    for part in parts:
        size = len(part.raw_data)
        data += part.raw_data
        external(part, "moe_external.bin", len(data) - size, size)
        data += b"\xa5" * (1 + len(data) % 2)
    write(PLACES, "moe_external.bin", data)
    save("moe_external", moe_model(node, parts), fc1.q8_0(), PLACES)


def make_bad_experts():
    def bad(name, change=None, **attributes):
        node, parts = qmoe([with_zeros(Expert(64, 6, 32, seed=310)),
                            Expert(32, 64, 32, seed=311)], **attributes)
        proto = moe_model(node, parts)
        if change:
            change(proto.graph)
        save("moe_" + name, proto, folder=BAD)

    bad("prepacked", weights_prepacked=1)
    bad("prepacked_absent", weights_prepacked=None)
    bad("fp4", quant_type="nvfp4")
    bad("bits", expert_weight_bits=3)
    bad("bits_other", expert_weight_bits=8)
    bad("block", block_size=48)
    bad("block_small", block_size=8)
    bad("block_other", block_size=128)
    bad("attribute", layout=1)
    bad("flat", dims(0, 18, 32))
    bad("scales", dims(1, 3, 4, 3))
    bad("zero_points", dims(2, 9, 2))
    bad("huge", dims(0, 1 << 32, 1 << 30, 8))

    def domain(graph):
        graph.node[0].domain = ""
    bad("domain", domain)

    bad("input", given(0))
    bad("computed", computed(1))


# FP4 is a sign and one of these, times 12. NF4 is in arXiv 2305.14314,
# appendix E.
FP4 = np.array([0, 0.0625, 8, 12, 4, 6, 2, 3], np.float64) / 12
NF4 = np.array([
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
    -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
    0.07958029955625534, 0.16093020141124725, 0.24611230194568634,
    0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1.0], np.float32)


class Codebook:
    """A weight of MatMulBnb4: blocks of the flattened [n, k]."""

    def __init__(self, k, n, block, nf4, seed=1):
        rng = np.random.default_rng(seed)
        self.k, self.n, self.block, self.nf4 = k, n, block, nf4
        self.codes = rng.integers(0, 16, k * n, np.uint8)
        self.largest = rng.uniform(0.01, 0.1, -(-k * n // block))
        self.largest = self.largest.astype(np.float32)

    def dense(self):
        book = NF4 if self.nf4 else np.concatenate([FP4, -FP4])
        scales = np.repeat(self.largest, self.block)[:self.k * self.n]
        values = book.astype(np.float32)[self.codes] * scales
        return values.astype("<f4").tobytes()

    def parts(self):
        codes = np.append(self.codes, 0)
        packed = codes[0:self.codes.size:2] << 4 | codes[1::2][
            :(self.codes.size + 1) // 2]
        return [raw("w_Bnb4", TensorProto.UINT8, packed.shape, packed),
                raw("w_absmax", TensorProto.FLOAT, self.largest.shape,
                    self.largest)]

    def model(self, **attributes):
        values = dict(K=self.k, N=self.n, block_size=self.block,
                      quant_type=int(self.nf4))
        values.update(attributes)
        values = {key: v for key, v in values.items() if v is not None}
        node = helper.make_node("MatMulBnb4", ["x", "w_Bnb4", "w_absmax"],
                                ["y"], name="mm", domain="com.microsoft",
                                **values)
        return model([node], self.parts())


def make_codebooks():
    for name, nf4 in (("fp4", False), ("nf4", True)):
        weight = Codebook(64, 5, 32, nf4, seed=320)
        save("bnb4_" + name, weight.model(), weight.dense())
    # n and k are odd, so that blocks and bytes reach over rows.
    weight = Codebook(41, 5, 16, True, seed=321)
    save("bnb4_ragged", weight.model(transB=1), weight.dense())


def make_bad_codebooks():
    def bad(name, change=None, **attributes):
        proto = Codebook(64, 5, 32, True, seed=330).model(**attributes)
        if change:
            change(proto.graph)
        save("bnb4_" + name, proto, folder=BAD)

    bad("quant_type", quant_type=2)
    bad("no_quant_type", quant_type=None)
    bad("block", block_size=24)
    bad("block_other", block_size=64)
    bad("k_other", K=65)
    bad("k_huge", K=(1 << 62), N=4)
    bad("n_zero", N=0)
    bad("trans_b", transB=0)

    bad("input", given(1))

    def from_itself(graph):
        graph.node[0].input[1] = "y"
    bad("computed", from_itself)


def make():
    make_experts()
    make_bad_experts()
    make_codebooks()
    make_bad_codebooks()
