"""Models for the tests: a real layer, and a file with every type."""

import pathlib

import gguf
import numpy as np
import pytest
from hypothesis import settings

import quire

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYER = ROOT / "examples" / "minilm-layer0-int4.onnx"
QUERY = "/encoder/layer.0/attention/self/query/MatMul_Q4"
QUERY_WEIGHT = "encoder.layer.0.attention.self.query.weight"
QUERY_BIAS = "encoder.layer.0.attention.self.query.bias"

settings.register_profile("default", max_examples=300, deadline=None)
settings.register_profile("few", max_examples=30, deadline=None)
settings.load_profile("default")

Type = gguf.GGMLQuantizationType
PLAIN = {
    "F32": np.float32,
    "F16": np.float16,
    "F64": np.float64,
    "I8": np.int8,
    "I16": np.int16,
    "I32": np.int32,
    "I64": np.int64,
}
BLOCKS = ("Q4_0", "Q4_1", "Q8_0")
DECODED = (*BLOCKS, "Q5_0", "Q5_1", "BF16")
ROWS, COLS = 7, 96


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with model.onnx and its container model.gguf."""
    path = tmp_path_factory.mktemp("models")
    (path / "model.onnx").write_bytes(LAYER.read_bytes())
    quire.convert(path / "model.onnx", path / "model.gguf")
    return path


@pytest.fixture
def model(folder):
    # Not closed: a failed test has views of it.
    return quire.open(folder / "model.gguf")


@pytest.fixture
def damaged(folder, tmp_path):
    """model.gguf with a byte of two tensors changed: a code, an element."""
    path = tmp_path / "damaged.gguf"
    data = bytearray((folder / "model.gguf").read_bytes())
    with quire.open(folder / "model.gguf") as model:
        for name in (QUERY_BIAS, QUERY_WEIGHT):
            data[model[name].offset + 3] ^= 1
    path.write_bytes(data)
    return path


@pytest.fixture(scope="session")
def numbers():
    random = np.random.default_rng(1)
    return random.standard_normal((ROWS, COLS)).astype(np.float32)


@pytest.fixture(scope="session")
def types_path(tmp_path_factory, numbers):
    """A foreign file by gguf-py, with a tensor of each type: PLAIN, DECODED and
    a stack of three dimensions."""
    path = tmp_path_factory.mktemp("types") / "types.gguf"
    writer = gguf.GGUFWriter(path, "test")
    writer.add_string("text", "grün")
    writer.add_array("words", ["a", "", "grün"])
    writer.add_array("ints", [1, -2, 3])
    writer.add_array("floats", [0.5, -1.5])
    writer.add_array("flags", [True, False])
    writer.add_float64("double", 0.1)
    writer.add_int8("least", -128)
    writer.add_uint64("greatest", 2**64 - 1)
    writer.add_bool("yes", True)
    for name, kind in PLAIN.items():
        writer.add_tensor(name, (numbers * 10).astype(kind))
    for name in DECODED:
        packed = gguf.quantize(numbers, Type[name])
        writer.add_tensor(name, packed, raw_dtype=Type[name])
    stack = np.stack([numbers, -numbers, 2 * numbers])
    writer.add_tensor("stack", gguf.quantize(stack, Type.Q8_0), raw_dtype=Type.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def types(types_path):
    return quire.open(types_path)


@pytest.fixture(scope="session")
def oracle(types_path):
    """gguf-py's tensors of the same file, by name."""
    return {t.name: t for t in gguf.GGUFReader(types_path).tensors}
