"""What make_smollm2.py and make_minilm_encoder.py share: a graph of two layers
becomes one of more, and weights of f32 become 4 bits."""

import os
import re
import sys

import numpy as np
import onnx
from onnxruntime.capi._pybind_state import quantize_matmul_4bits

BLOCK = 32


def missing(package):
    """Ends the program: a skipped test, unless QUIRE_REQUIRED is set."""
    print(f"the Python package {package} is not installed", file=sys.stderr)
    raise SystemExit(1 if os.environ.get("QUIRE_REQUIRED") else 77)


def moved(text, by):
    """The name of a layer's thing, so many layers later."""
    def other(match):
        return f"{match[1]}{int(match[2]) + by}"
    return re.sub(r"(layers?\.|past_key_values\.|present\.)(\d+)", other, text)


def copy(node, by):
    made = onnx.NodeProto()
    made.CopyFrom(node)
    made.name = moved(node.name, by)
    for named in (made.input, made.output):
        for i, text in enumerate(named):
            named[i] = moved(text, by)
    return made


def quantized(rows):
    """Codes and scales of MatMulNBits, by ONNX Runtime."""
    n, k = rows.shape
    codes = np.zeros((n, k // BLOCK, BLOCK // 2), np.uint8)
    scales = np.zeros(n * (k // BLOCK), np.float32)
    zero_points = np.zeros(n * ((k // BLOCK + 1) // 2), np.uint8)
    quantize_matmul_4bits(codes, np.ascontiguousarray(rows.T), scales,
                          zero_points, BLOCK, n, k, True)
    # A container has scales in f16: both shall have the same weights.
    scales = scales.astype(np.float16).astype(np.float32)
    return codes, scales.reshape(n, -1)


def set_sizes(node, codes):
    """K and N of a MatMulNBits node with these codes."""
    n, blocks, _ = codes.shape
    for attribute in node.attribute:
        if attribute.name in ("K", "N"):
            attribute.i = {"K": blocks * BLOCK, "N": n}[attribute.name]
