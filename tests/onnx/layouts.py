"""Tiny decoders with the names that onnxruntime-genai's builder gives.

They are there for their names and compute nothing. Layouts differ in the parts
of their attention and their MLP, and in how the quantizer calls codes and
scales.
"""

import numpy as np
from onnx import TensorProto, helper

from weight import model, raw, save

SIZE = 32  # of everything: one block
LAYERS = 2

# What follows the path of a node, for codes and for scales.
SPELLINGS = {
    "default": ("MatMul.weight_Q4", "MatMul.weight_scales", "MatMul_Q4"),
    "rtn": ("MatMul.weight_Q4G32", "MatMul.weight_scale", "MatMul_Q4"),
    "prequantized": ("MatMulNBits.qweight", "MatMulNBits.scales",
                     "MatMulNBits"),
}


class Layout:
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes = []
        self.initializers = []

    def dense(self, name, *shape, scale=1):
        data = self.rng.standard_normal(shape).astype(np.float32) * scale
        self.initializers.append(
            raw(name, TensorProto.FLOAT, shape, data))
        return name

    def node(self, op, inputs, name, domain="", **attributes):
        self.nodes.append(helper.make_node(
            op, inputs, [f"{name}/output_0"], name=name, domain=domain,
            **attributes))
        return f"{name}/output_0"

    def norm(self, name):
        self.node("SimplifiedLayerNormalization",
                  ["x", self.dense(f"{name}.weight", SIZE)],
                  "/" + name.replace(".", "/") + "/LayerNorm", epsilon=1e-6)

    def linear(self, path, spelling, rows=SIZE, bias=False):
        """`path` is like model.layers.0.attn.q_proj."""
        codes, scales, op = SPELLINGS[spelling]
        codes, scales = f"{path}.{codes}", f"{path}.{scales}"
        # /model/layers.0/attn/q_proj
        node = "/" + path.replace(".", "/").replace("layers/", "layers.")
        self.initializers += [
            raw(codes, TensorProto.UINT8, [rows, 1, 16],
                     self.rng.integers(0, 256, (rows, 1, 16), np.uint8)),
            raw(scales, TensorProto.FLOAT, [rows, 1],
                     self.rng.uniform(0.01, 0.1, (rows, 1))),
        ]
        output = self.node("MatMulNBits", ["x", codes, scales],
                           f"{node}/{op}", "com.microsoft", K=SIZE, N=rows,
                           bits=4, block_size=32)
        if bias:
            self.node("Add", [output, self.dense(f"{path}.Add.bias", rows)],
                      f"{node}/Add")


def decoder(seed, spelling="default", fused_qkv=False,
            fused_gate_up=False, bias=False, head_norms=False, cache_scale=1):
    """The nodes and initializers of a layout."""
    made = Layout(seed)
    made.node("Gather", [made.dense("model.embed_tokens.weight", 8, SIZE),
                         "i"], "/model/embed_tokens/Gather")
    for layer in range(LAYERS):
        path = f"model.layers.{layer}"
        made.norm(f"{path}.input_layernorm")
        if fused_qkv:
            made.linear(f"{path}.attn.qkv_proj", spelling, 3 * SIZE, bias)
        else:
            for name in "qkv":
                made.linear(f"{path}.attn.{name}_proj", spelling, bias=bias)
        if head_norms:
            made.norm(f"{path}.attn.q_norm.layernorm")
            made.norm(f"{path}.attn.k_norm.layernorm")
        made.linear(f"{path}.attn.o_proj", spelling)
        made.norm(f"{path}.post_attention_layernorm")
        if fused_gate_up:
            made.linear(f"{path}.mlp.gate_up_proj", spelling, 2 * SIZE)
        else:
            made.linear(f"{path}.mlp.gate_proj", spelling)
            made.linear(f"{path}.mlp.up_proj", spelling)
        made.linear(f"{path}.mlp.down_proj", spelling)
    made.norm(f"model.layers.{LAYERS}.final_norm_layernorm")
    made.linear("lm_head", spelling, 8)
    for name in ("cos_cache", "sin_cache"):
        cache = made.dense(name, 4, 4, scale=cache_scale)
        made.node("Identity", [cache], name + "/Identity")
    return made.nodes, made.initializers


def decoders():
    """Name, nodes and initializers of each."""
    yield "layout_llama", *decoder(1)
    yield "layout_mistral", *decoder(2, "rtn", fused_qkv=True)
    yield "layout_qwen2", *decoder(3, "prequantized", bias=True)
    # Its tables have numbers that are too large for f16.
    yield "layout_qwen3", *decoder(4, "rtn", head_norms=True, cache_scale=1e6)
    yield "layout_phi3", *decoder(5, fused_qkv=True)
    yield "layout_phi3_fused", *decoder(6, fused_qkv=True, bias=True,
                                        fused_gate_up=True)


def make():
    tokens = helper.make_tensor_value_info("i", TensorProto.INT64, ["m"])
    for name, nodes, initializers in decoders():
        save(name, model(nodes, initializers, [tokens]))
