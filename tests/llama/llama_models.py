"""What the tests share: the models that make_models.py made, running quire, a
file with all tensors in F32, and ONNX Runtime's logits."""

import json
import os
import pathlib
import subprocess
import tempfile

import gguf
import numpy as np
import onnxruntime

MODELS = pathlib.Path(os.environ.get("LLAMA_MODELS", "models"))
QUIRE = os.environ.get("QUIRE", "quire")


def quire(*arguments, fails=False):
    """Runs quire, which must succeed, or fail. Returns the result."""
    command = [QUIRE, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if (done.returncode != 0) != fails:
        raise AssertionError(f"{' '.join(command)}\nexit {done.returncode}: "
                             f"{done.stderr}")
    return done


def scratch(test):
    """A folder that is removed after the test case."""
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    return pathlib.Path(folder.name)


def convert(test, name, *options):
    """Converts a model for llama.cpp. Returns the file's path."""
    output = scratch(test) / f"{name}.gguf"
    quire("convert", MODELS / name, "-o", output, "--for", "llama.cpp", "-q",
          *options)
    return output


def tensors(path):
    """Types, shapes (columns last) and bytes, by name."""
    return {tensor.name: (tensor.tensor_type.name,
                          [int(n) for n in tensor.shape[::-1]],
                          tensor.data.tobytes())
            for tensor in gguf.GGUFReader(path).tensors}


def values(path):
    fields = gguf.GGUFReader(path).fields
    return {name: field.contents() for name, field in fields.items()
            if not name.startswith("GGUF.")}


def read_json(path):
    return json.loads(pathlib.Path(path).read_text())


def in_f32(source, target):
    """The same file with all tensors dequantized to F32, by gguf-py."""
    reader = gguf.GGUFReader(source)
    fields = {name: field for name, field in reader.fields.items()
              if not name.startswith(("GGUF.", "quire.", "general.arch",
                                      "general.alignment"))}
    architecture = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(target, architecture)
    for name, field in fields.items():
        kind = field.types[0]
        if kind == gguf.GGUFValueType.ARRAY:
            writer.add_key_value(name, field.contents(), kind, field.types[1])
        else:
            writer.add_key_value(name, field.contents(), kind)
    for tensor in reader.tensors:
        shape = [int(size) for size in tensor.shape[::-1]]
        data = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        writer.add_tensor(tensor.name, np.ascontiguousarray(
            data.reshape(shape), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"])


def logits(path, tokens, first, head):
    """ONNX Runtime's logits after each token from number `first` - 1 on;
    `head` is the size of a head."""
    opened = session(path)
    inputs = {value.name: value for value in opened.get_inputs()}
    feed = {"input_ids": np.array([tokens], np.int64),
            "attention_mask": np.ones((1, len(tokens)), np.int64)}
    if "position_ids" in inputs:
        feed["position_ids"] = np.arange(len(tokens), dtype=np.int64)[None]
    for name, value in inputs.items():
        if name.startswith("past"):
            shape = 1, value.shape[1], 0, head
            feed[name] = np.zeros(shape, np.float32)
    return opened.run(["logits"], feed)[0][0, first - 1:]


def difference(a, b):
    """The greatest relative difference of a row."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float((np.linalg.norm(a - b, axis=-1)
                  / np.linalg.norm(a, axis=-1)).max())
