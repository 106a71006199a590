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


def with_two_tables(model):
    """Long rope: an If takes one of two tables by the length of the text."""
    pairs, times = 16, np.float32(1.19)
    found = 1 / np.float32(10000) ** (np.arange(pairs) / np.float32(pairs))
    factors = {"large": np.linspace(1, 9, pairs), "small":
               np.linspace(1, 1.5, pairs)}
    lengths = {"large": 512, "small": 256}
    branches = {}
    for size, factor in factors.items():
        made = []
        for kind in ("cos", "sin"):
            data = times * table(kind, (lengths[size],),
                                 (found / factor).astype(np.float32))
            name = f"{kind}_cache_{size}"
            made.append((name, helper.make_node(
                "Constant", [], [name], f"/{size}/{kind}_cache/Constant",
                value=numpy_helper.from_array(data.astype("f4"), name))))
        branches[size] = helper.make_graph(
            [node for _, node in made], f"{size}_rotemb_caches_graph", [],
            [helper.make_tensor_value_info(
                name, TensorProto.FLOAT, [lengths[size], pairs])
             for name, _ in made])
    for name in ("cos_cache", "sin_cache"):
        model.graph.initializer.remove(initializer(model, name))
    root = "/model/rotemb_caches_subgraph"
    add(model, "limit", np.array(lengths["small"], np.int64))
    made = [
        helper.make_node("Shape", ["attention_mask"], [f"{root}/shape"]),
        helper.make_node("Gather", [f"{root}/shape", "/model/constants/one"],
                         [f"{root}/length"], axis=0),
        helper.make_node("Greater", [f"{root}/length", "limit"],
                         [f"{root}/is_long"]),
        helper.make_node("If", [f"{root}/is_long"],
                         ["cos_cache", "sin_cache"], f"{root}/If",
                         then_branch=branches["large"],
                         else_branch=branches["small"])]
    add(model, "/model/constants/one", np.array(1, np.int64))
    for i, node in enumerate(made):
        model.graph.node.insert(i, node)


def ones(model, name, seed):
    random = np.random.default_rng(seed)
    add(model, name, (1 + 0.2 * random.standard_normal(128)).astype("f4"))


def insert(model, behind, node):
    model.graph.node.insert(list(model.graph.node).index(behind) + 1, node)


def as_gemma2(model):
    """Gemma 2 of Gemma, as the builder writes it: a norm behind attention and
    behind the feed-forward part, softcaps, a window in every other layer."""
    graph, byname = model.graph, {node.name: node for node in model.graph.node}
    for layer in (0, 1):
        stem = f"/model/layers.{layer}"
        skip = byname[f"{stem}/post_attention_layernorm/SkipLayerNorm"]
        down = byname[f"{stem}/mlp/down_proj/MatMul_Q4"]
        names = (f"model.layers.{layer}.pre_feedforward_layernorm.weight",
                 f"model.layers.{layer}.post_feedforward_layernorm.weight")
        for number, name in enumerate(names):
            ones(model, name, 20 + 2 * layer + number)
        for source, weight, taker, place in (
                (skip.input[1], skip.input[2], skip, "attention"),
                (down.output[0], names[1], None, "feedforward")):
            name = f"{stem}/post_{place}_layernorm"
            made = helper.make_node(
                "SimplifiedLayerNormalization", [source, weight],
                [f"{name}/made"], f"{name}/LayerNorm", axis=-1,
                epsilon=1e-6, stash_type=1)
            for node in graph.node:
                if node.name != made.name and source in node.input:
                    node.input[list(node.input).index(source)] = made.output[0]
            insert(model, next(node for node in graph.node
                               if source in node.output), made)
        skip.input[2] = names[0]
    for layer, attention in enumerate(nodes(model, "GroupQueryAttention")):
        set_attribute(attention, "softcap", 50.0)
        set_attribute(attention, "local_window_size", -1 if layer else 8)
    cap = "/model/constants/FLOAT/30.0"
    add(model, cap, np.array(30, np.float32))
    head = byname["/lm_head/MatMul_Q4"]
    head.output[0] = "/lm_head/MatMul/output_0"
    graph.node.extend([
        helper.make_node("Div", [head.output[0], cap], ["/lm_head/div"],
                         "/lm_head/softcap/Div"),
        helper.make_node("Tanh", ["/lm_head/div"], ["/lm_head/tanh"],
                         "/lm_head/softcap/Tanh"),
        helper.make_node("Mul", ["/lm_head/tanh", cap], ["logits"],
                         "/lm_head/softcap/Mul")])


def as_phi2(model):
    """Phi-2 of Nemotron, as the builder writes it: one norm for attention and
    the feed-forward part, which add up; biases everywhere; GELU."""
    graph, byname = model.graph, {node.name: node for node in model.graph.node}
    for layer in (0, 1):
        stem = f"/model/layers.{layer}"
        up = byname[f"{stem}/mlp/up_proj/MatMul_Q4"]
        relu, square = (byname[f"{stem}/mlp/{name}"] for name in
                        ("act_fn/Relu", "square/Relu2/pow"))
        skip = byname[f"{stem}/post_attention_layernorm/SkipLayerNorm"]
        output = byname[f"{stem}/attn/o_proj/MatMul_Q4"].output[0]
        down = byname[f"{stem}/mlp/down_proj/MatMul_Q4"]
        up.input[0] = byname[f"{stem}/attn/qkv_proj/MatMul_Q4"].input[0]
        relu.op_type, relu.domain = "FastGelu", "com.microsoft"
        down.input[0] = relu.output[0]
        # The residual goes past both parts.
        both = f"{stem}/residual_add/output_0"
        for node in graph.node:
            for i, name in enumerate(node.input):
                if name == down.output[0]:
                    node.input[i] = both
                elif name == skip.output[3]:
                    node.input[i] = skip.input[0]
        insert(model, down, helper.make_node(
            "Add", [output, down.output[0]], [both],
            f"{stem}/residual_add/Add"))
        graph.node.remove(square)
        graph.node.remove(skip)
        for name in skip.input[2:]:
            graph.initializer.remove(initializer(model, name))
    with_biases(model)
    head = byname["/lm_head/MatMul_Q4"]
    head.output[0] = "/lm_head/MatMul/output_0"
    random = np.random.default_rng(12)
    add(model, "lm_head.Add.bias", random.standard_normal(320).astype("f4"))
    graph.node.append(helper.make_node(
        "Add", [head.output[0], "lm_head.Add.bias"], ["logits"],
        "/lm_head/Add"))
    for thing in (*graph.node, *graph.initializer):
        for old, new in (("up_proj", "fc1"), ("down_proj", "fc2")):
            thing.name = thing.name.replace(old, new)
            for named in (getattr(thing, "input", []),
                          getattr(thing, "output", [])):
                for i, name in enumerate(named):
                    named[i] = name.replace(old, new)


# name: the graph it is made of, and the changes; and the type, if it is another
VARIANTS = {
    "llama_apart": ("llama", [without_fusion]),
    "llama_biases": ("llama", [with_biases]),
    "llama_apart_biases": ("llama", [without_fusion, with_biases]),
    "llama_zero_points": ("llama", [with_zero_points]),
    "llama_eight": ("llama", [with_eight_bits]),
    "llama_dense_head": ("llama", [with_dense_head]),
    "phi3_long": ("phi3", [with_two_tables]),
    "mistral": ("llama", []),
    "gemma2": ("gemma", [as_gemma2]),
    "phi2": ("nemotron", [as_phi2]),
}
TYPES = {"mistral": "mistral", "gemma2": "gemma2", "phi2": "phi"}
# Models whose config.json lies beside the rest. The builder writes none, and
# Nemotron's has another epsilon than the builder takes.
WITH_CONFIG = ("llama3", "granite", "gemma", "bert")


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
        config = json.loads((HERE / source / "genai_config.json").read_text())
        config["model"]["type"] = TYPES.get(name, config["model"]["type"])
        (made / "genai_config.json").write_text(json.dumps(config))
    else:
        (made / "1_Pooling").mkdir()
        (made / "1_Pooling/config.json").write_text(json.dumps(
            {"pooling_mode_cls_token": False,
             "pooling_mode_mean_tokens": True}))
    if source in WITH_CONFIG and name not in TYPES:
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
