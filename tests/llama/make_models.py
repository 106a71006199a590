#!/usr/bin/env python3
"""make_models.py FOLDER: the models of this suite, each in a folder.

The graphs of tests/llama/models are what onnxruntime-genai's builder 0.18.0
wrote for tiny models (bert's: torch and ONNX Runtime's quantizer), and so are
the JSON files. Their weights were random; here they are random again, which
keeps them out of the repository. Others are made from these by changing the
graph as the builder does with other options.
"""

import json
import pathlib
import shutil
import sys

import numpy as np
import onnx
from onnx import TensorProto, external_data_helper, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent / "models"


# ----------------------------------------------------------------- weights


def frequencies(config, count):
    """As transformers computes them, in f32."""
    rope = config["rope_parameters"]
    steps = np.arange(count, dtype=np.float32) / np.float32(count)
    found = (1 / np.float32(rope["rope_theta"]) ** steps).astype(np.float32)
    if rope["rope_type"] != "llama3":
        return found
    original, factor = rope["original_max_position_embeddings"], rope["factor"]
    turns = original * found / (2 * np.pi)
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    smooth = np.clip((turns - low) / (high - low), 0, 1)
    return ((1 - smooth) * found / factor + smooth * found).astype(np.float32)


def table(name, shape, found):
    angles = np.arange(shape[0], dtype=np.float32)[:, None] * found
    return (np.cos if "cos" in name else np.sin)(angles).astype(np.float32)


def numbers(tensor, config, random):
    """Numbers for an initializer, by its name, as large as a model's."""
    name, shape = tensor.name, tuple(tensor.dims)
    if name.startswith(("cos_cache", "sin_cache")):
        return table(name, shape, frequencies(config, shape[1]))
    if tensor.data_type == TensorProto.UINT8:
        return random.integers(0, 256, shape, np.uint8)
    if name.endswith("scales"):
        # Of six bits, so that f16 holds them, and offsets too: ONNX Runtime
        # and llama.cpp then have the same weights.
        return (random.integers(20, 60, shape) / 2048).astype(np.float32)
    if "norm" in name.lower() and name.endswith("weight"):
        return (1 + 0.2 * random.standard_normal(shape)).astype(np.float32)
    size = 0.3 if name.endswith("bias") else 0.12
    return (size * random.standard_normal(shape)).astype(np.float32)


def read(name, config):
    model = onnx.load(HERE / name / "graph.onnx", load_external_data=False)
    random = np.random.default_rng(7)
    for node in nodes(model, "MatMulNBits"):
        set_attribute(node, "accuracy_level", 1)
    for tensor in model.graph.initializer:
        if external_data_helper.uses_external_data(tensor):
            made = numpy_helper.from_array(
                numbers(tensor, config, random), tensor.name)
            tensor.CopyFrom(made)
    return model


# ------------------------------------------------------------ other options


def initializer(model, name):
    return next(t for t in model.graph.initializer if t.name == name)


def array(model, name):
    return numpy_helper.to_array(initializer(model, name))


def replace(model, name, data):
    initializer(model, name).CopyFrom(numpy_helper.from_array(data, name))


def add(model, name, data):
    model.graph.initializer.append(numpy_helper.from_array(data, name))


def nodes(model, op_type):
    return [node for node in model.graph.node if node.op_type == op_type]


def set_attribute(node, name, value):
    for attribute in node.attribute:
        if attribute.name == name:
            attribute.CopyFrom(helper.make_attribute(name, value))


def without_fusion(model):
    """disable_qkv_fusion=true: three products for q, k and v."""
    for attention in nodes(model, "GroupQueryAttention"):
        fused = next(n for n in model.graph.node
                     if n.output[0] == attention.input[0])
        heads = {a.name: a.i for a in attention.attribute}
        codes, scales = (array(model, fused.input[i]) for i in (1, 2))
        head = len(codes) // (heads["num_heads"] + 2 * heads["kv_num_heads"])
        start, at = 0, list(model.graph.node).index(fused)
        for i, letter in enumerate("qkv"):
            rows = head * heads["num_heads" if i == 0 else "kv_num_heads"]
            made = onnx.NodeProto()
            made.CopyFrom(fused)
            for part in ("name", "output", "input"):
                named = getattr(made, part)
                if part == "name":
                    made.name = named.replace("qkv_proj", f"{letter}_proj")
                    continue
                for j, text in enumerate(named):
                    named[j] = text.replace("qkv_proj", f"{letter}_proj")
            set_attribute(made, "N", rows)
            add(model, made.input[1], codes[start:start + rows])
            add(model, made.input[2], scales[start:start + rows])
            attention.input[i] = made.output[0]
            model.graph.node.insert(at + i, made)
            start += rows
        for name in list(fused.input)[1:]:
            model.graph.initializer.remove(initializer(model, name))
        model.graph.node.remove(fused)


def with_biases(model):
    """Of attention and of the feed-forward part: an Add behind the product."""
    random = np.random.default_rng(8)
    for product in nodes(model, "MatMulNBits"):
        if "lm_head" in product.name:
            continue
        rows = len(array(model, product.input[1]))
        stem = product.input[1].removesuffix(".MatMul.weight_Q4")
        bias, output = f"{stem}.Add.bias", product.output[0]
        product.output[0] = output.replace("MatMul", "MatMul_of_Add")
        add(model, bias, (0.3 * random.standard_normal(rows)).astype("f4"))
        at = list(model.graph.node).index(product) + 1
        model.graph.node.insert(at, helper.make_node(
            "Add", [product.output[0], bias], [output],
            product.name.replace("MatMul_Q4", "Add")))


def with_zero_points(model):
    """is_symmetric=false."""
    random = np.random.default_rng(9)
    for product in nodes(model, "MatMulNBits"):
        rows, blocks, _ = array(model, product.input[1]).shape
        name = product.input[1].replace("weight_Q4", "weight_zp")
        codes = random.integers(5, 11, (rows, blocks), np.uint8)
        add(model, name, codes[:, ::2] | codes[:, 1::2] << 4)
        product.input.append(name)


def with_eight_bits(model):
    """Some products of k_quant_mixed: 8 bits and zero points, which fit Q8_0
    only where they are 128."""
    random = np.random.default_rng(10)
    for product in nodes(model, "MatMulNBits"):
        if "down_proj" not in product.name and "qkv" not in product.name:
            continue
        rows, blocks, _ = array(model, product.input[1]).shape
        middle = "down_proj" in product.name
        replace(model, product.input[1],
                random.integers(0, 256, (rows, blocks, 32), np.uint8))
        scales = np.float32(2) ** -random.integers(9, 12, (rows, blocks))
        replace(model, product.input[2], scales.astype(np.float32))
        name = product.input[1].replace("weight_Q4", "weight_zp")
        add(model, name, np.full((rows, blocks), 128, np.uint8) if middle
            else random.integers(100, 156, (rows, blocks), np.uint8))
        product.input.append(name)
        set_attribute(product, "bits", 8)


def with_dense_head(model):
    """nodes_to_exclude=["/lm_head/MatMul"]: a dense matrix, whose
    columns are the outputs."""
    product = next(n for n in nodes(model, "MatMulNBits")
                   if "lm_head" in n.name)
    rows, cols = len(array(model, product.input[1])), 128
    random = np.random.default_rng(11)
    add(model, "lm_head.MatMul.weight",
        (0.1 * random.standard_normal((cols, rows))).astype("f4"))
    at = list(model.graph.node).index(product)
    model.graph.node.insert(at, helper.make_node(
        "MatMul", [product.input[0], "lm_head.MatMul.weight"],
        [product.output[0]], "/lm_head/MatMul"))
    for name in list(product.input)[1:]:
        model.graph.initializer.remove(initializer(model, name))
    model.graph.node.remove(product)


# name: the graph it is made of, and the changes
VARIANTS = {
    "llama_apart": ("llama", [without_fusion]),
    "llama_biases": ("llama", [with_biases]),
    "llama_apart_biases": ("llama", [without_fusion, with_biases]),
    "llama_zero_points": ("llama", [with_zero_points]),
    "llama_eight": ("llama", [with_eight_bits]),
    "llama_dense_head": ("llama", [with_dense_head]),
}
# Models whose config.json lies beside the rest. The builder writes none, and
# Nemotron's and Phi-2's have another epsilon than the builder takes.
WITH_CONFIG = ("llama3", "granite", "gemma", "gemma2", "phi3_long", "bert")


def write(folder, name, source, changes):
    config = json.loads((HERE / source / "config.json").read_text())
    model = read(source, config)
    for change in changes:
        change(model)
    made = folder / name
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    onnx.save(model, made / "model.onnx", save_as_external_data=True,
              location="model.onnx.data", size_threshold=256)
    for shared in ("tokenizer.json", "tokenizer_config.json"):
        own = HERE / source / shared
        shutil.copy(own if own.exists() else HERE / shared, made)
    if source != "bert":
        shutil.copy(HERE / source / "genai_config.json", made)
    else:
        (made / "1_Pooling").mkdir()
        (made / "1_Pooling/config.json").write_text(json.dumps(
            {"pooling_mode_cls_token": False,
             "pooling_mode_mean_tokens": True}))
    if source in WITH_CONFIG:
        shutil.copy(HERE / source / "config.json", made)


def main():
    folder = pathlib.Path(sys.argv[1])
    for path in sorted(HERE.iterdir()):
        if path.is_dir():
            write(folder, path.name, path.name, [])
    for name, (source, changes) in VARIANTS.items():
        write(folder, name, source, changes)


if __name__ == "__main__":
    main()
