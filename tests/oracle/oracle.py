"""What the oracle tests share: running quire, and reading ONNX and GGUF.

Both files are read without any of Quire's code: ONNX by the onnx package and
the operator's definition, GGUF by gguf-py.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import gguf
import numpy as np
import onnx
from onnx import numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
QUIRE = os.environ.get("QUIRE", "quire")
MODELS = pathlib.Path(os.environ.get("QUIRE_MODELS", "models"))
sys.path.insert(0, str(ROOT / "scripts"))

# Warnings of a conversion: the first ten weights, and how many more.
DENSE = r"quire: warning: (the quantized weight |and \d+ more; )"


def run(*arguments):
    """Runs quire. Returns what subprocess.run does, with text streams."""
    command = [QUIRE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def quire(*arguments):
    """Runs quire, which must succeed and print nothing on stderr but a
    conversion's warnings of weights that became dense. Returns stdout."""
    result = run(*arguments)
    others = [
        line
        for line in result.stderr.splitlines()
        if arguments[0] != "convert"
        or not re.match(DENSE, line)
    ]
    if result.returncode != 0 or others:
        raise AssertionError(
            f"{' '.join(result.args)}\nexit {result.returncode}, "
            f"stderr: {result.stderr or '(empty)'}"
        )
    return result.stdout


def info(path):
    return json.loads(quire("info", path, "--json"))


def scratch(test):
    """A folder that is removed after the test case."""
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    return pathlib.Path(folder.name)


def convert(test, model):
    """Converts into a scratch folder. Returns the container's path."""
    output = scratch(test) / (pathlib.Path(model).stem + ".gguf")
    quire("convert", model, "-o", output)
    return output


def matmul(path, linear, x, *options):
    """Y of `quire matmul` for an array X."""
    with tempfile.TemporaryDirectory() as folder:
        x_path, y_path = f"{folder}/x.npy", f"{folder}/y.npy"
        np.save(x_path, x)
        quire("matmul", path, linear, "-i", x_path, "-o", y_path, *options)
        return np.load(y_path)


def dump(path, tensor):
    with tempfile.TemporaryDirectory() as folder:
        quire("dump", path, tensor, "-o", f"{folder}/w.npy")
        return np.load(f"{folder}/w.npy")


def relative(actual, expected):
    """|actual - expected| / |expected|, Frobenius norms in f64."""
    expected = np.asarray(expected, np.float64)
    difference = np.asarray(actual, np.float64) - expected
    return np.linalg.norm(difference) / np.linalg.norm(expected)


@dataclass
class Node:
    """A 4-bit MatMulNBits node with its initializers unpacked."""

    name: str
    x: str  # graph tensors that it reads and writes
    y: str
    source: str  # initializer of the codes
    k: int
    n: int
    block: int
    accuracy_level: int
    codes: np.ndarray  # uint8 [n, blocks, block]
    scales: np.ndarray  # [n, blocks], in the model's float type
    zeros: np.ndarray  # [n, blocks]
    bias: np.ndarray | None

    def weight(self):
        """The dequantized weight [n, k] in f64, which is exact."""
        q = self.codes.astype(np.float64) - self.zeros[:, :, None]
        w = q * self.scales.astype(np.float64)[:, :, None]
        return w.reshape(self.n, -1)[:, : self.k]


def nibbles(packed, count):
    """uint8 [.., bytes] -> [.., count]; the low nibble comes first."""
    pairs = np.stack([packed & 15, packed >> 4], axis=-1)
    return pairs.reshape(*packed.shape[:-1], -1)[..., :count]


def read_nodes(path):
    """The MatMulNBits nodes of a model, in graph order."""
    model = onnx.load(path)
    tensors = {
        i.name: numpy_helper.to_array(i) for i in model.graph.initializer
    }
    return [
        read_node(node, tensors)
        for node in model.graph.node
        if node.op_type == "MatMulNBits"
    ]


def read_node(node, tensors):
    a = {attribute.name: attribute.i for attribute in node.attribute}
    inputs = [*node.input, "", "", ""]
    k, n, block = a["K"], a["N"], a["block_size"]
    blocks = -(-k // block)
    packed = tensors[inputs[1]].reshape(n, blocks, block // 2)
    zeros = np.full((n, blocks), 8)
    if inputs[3]:
        row = tensors[inputs[3]].reshape(n, -1)
        zeros = nibbles(row, blocks)
    return Node(
        name=node.name,
        x=node.input[0],
        y=node.output[0],
        source=inputs[1],
        k=k,
        n=n,
        block=block,
        accuracy_level=a.get("accuracy_level", 0),
        codes=nibbles(packed, block),
        scales=tensors[inputs[2]].reshape(n, blocks),
        zeros=zeros.astype(np.float64),
        bias=tensors[inputs[5]] if inputs[5] else None,
    )


def read_gguf(path):
    """(reader, its tensors by name)."""
    reader = gguf.GGUFReader(path)
    return reader, {tensor.name: tensor for tensor in reader.tensors}


def q4_0(tensor):
    """(codes uint8 [n, blocks, 32], scales f16 [n, blocks]) of a tensor.

    A block is an f16 scale and 16 bytes. Byte i has element i in its low
    nibble and element i + 16 in its high one.
    """
    k, n = (int(size) for size in tensor.shape)
    blocks = tensor.data.reshape(n, k // 32, 18)
    scales = np.ascontiguousarray(blocks[:, :, :2]).view("<f2")[:, :, 0]
    packed = blocks[:, :, 2:]
    return np.concatenate([packed & 15, packed >> 4], axis=-1), scales


def decoded(tensor):
    """A GGUF tensor's values, decoded by gguf-py: f32 [n, k]."""
    return gguf.quants.dequantize(tensor.data, tensor.tensor_type)


def decoded_rows(tensor, rows):
    """Some rows of the same: f32 [len(rows), k]."""
    return gguf.quants.dequantize(tensor.data[rows], tensor.tensor_type)
