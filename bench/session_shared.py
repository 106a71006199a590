#!/usr/bin/env python3
"""Sessions of one process that share prepacked weights, by ONNX Runtime's C API.

    session_shared.py MODEL.json [--sessions N]

Python's API has no PrepackedWeightsContainer. So this calls the library of the
wheel by ctypes, without importing the wheel. Weights are shared only if the caller
hands them to each session as initializers (AddInitializer): here the model's own
external data, mapped once. MODEL.json has what write() took from the model. As
Python's module of the wheel is not there, some MiB less are resident than in the
other processes.
A child process of compare_session.py.
"""

import argparse
import ctypes
import importlib.util
import json
import math
import mmap
import pathlib
from ctypes import byref, c_char_p, c_int, c_int64, c_size_t, c_uint32, c_void_p

import session_child

API_VERSION = 17
# Where functions lie in the table OrtApi, to which newer ones are only appended.
SLOTS = {
    "GetErrorMessage": 2,
    "CreateEnv": 3,
    "Run": 9,
    "CreateSessionOptions": 10,
    "SetSessionLogSeverityLevel": 22,
    "SetIntraOpNumThreads": 24,
    "CreateTensorWithDataAsOrtValue": 49,
    "CreateCpuMemoryInfo": 69,
    "AddInitializer": 150,
    "CreatePrepackedWeightsContainer": 166,
    "CreateSessionWithPrepackedWeightsContainer": 168,
}
WARNING, ERROR = 2, 3
ARENA_ALLOCATOR, DEFAULT_MEMORY = 1, 0
FLOAT, INT64 = 1, 7  # element types, here and in ONNX
SIZES = {FLOAT: 4, INT64: 8}


def write(model, inputs, outputs, path):
    """The list for this program: weights of MatMulNBits nodes (name, type, shape,
    offset and size in the external data), the first run's inputs (name, shape)
    and the outputs' names. Inputs are as feed_of() in compare_session.py makes
    them."""
    import onnx

    graph = onnx.load(model, load_external_data=False).graph
    wanted = {
        name
        for node in graph.node
        if node.op_type == "MatMulNBits"
        for name in node.input[1:]
    }
    weights, data = [], None
    for tensor in graph.initializer:
        if tensor.name not in wanted or not tensor.external_data:
            continue
        place = {entry.key: entry.value for entry in tensor.external_data}
        data = place["location"]
        weights.append([
            tensor.name, tensor.data_type, list(tensor.dims),
            int(place.get("offset", 0)), int(place["length"]),
        ])
    content = {
        "model": str(model),
        "data": str(pathlib.Path(model).parent / data),
        "weights": weights,
        "inputs": [
            [name, INT64 if array.dtype.kind == "i" else FLOAT,
             list(array.shape), array.tobytes().hex()]
            for name, array in inputs.items()
        ],
        "outputs": outputs,
    }
    path.write_text(json.dumps(content), encoding="utf-8")


def library_path():
    """The wheel's library, which its Python module does not use."""
    spec = importlib.util.find_spec("onnxruntime")
    (folder,) = spec.submodule_search_locations
    found = sorted(pathlib.Path(folder).glob("capi/libonnxruntime.so*"))
    if not found:
        raise SystemExit(f"{folder}: the wheel has no libonnxruntime.so")
    return str(found[0])


class Api:
    def __init__(self):
        library = ctypes.CDLL(library_path())
        library.OrtGetApiBase.restype = ctypes.POINTER(c_void_p)
        get_api = ctypes.CFUNCTYPE(ctypes.POINTER(c_void_p), c_uint32)(
            library.OrtGetApiBase()[0]
        )
        self.table = get_api(API_VERSION)
        self.message = ctypes.CFUNCTYPE(c_char_p, c_void_p)(
            self.table[SLOTS["GetErrorMessage"]]
        )

    def __call__(self, name, *arguments):
        function = ctypes.CFUNCTYPE(c_void_p)(self.table[SLOTS[name]])
        status = function(*arguments)
        if status:
            raise SystemExit(f"{name}: {self.message(status).decode()}")

    def make(self, name, *arguments):
        made = c_void_p()
        self(name, *arguments, byref(made))
        return made


class Process:
    """What the sessions share."""

    def __init__(self, content):
        self.content = content
        self.api = api = Api()
        self.environment = api.make("CreateEnv", c_int(WARNING), b"bench")
        self.memory = api.make(
            "CreateCpuMemoryInfo", c_int(ARENA_ALLOCATOR), c_int(DEFAULT_MEMORY)
        )
        self.container = api.make("CreatePrepackedWeightsContainer")
        with open(content["data"], "rb") as file:
            # A private mapping, as ctypes takes no address of one that is
            # read-only. Nothing writes there.
            self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        base = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        self.weights = [
            (name.encode(), self.tensor(base + offset, size, kind, shape))
            for name, kind, shape, offset, size in content["weights"]
        ]

    def tensor(self, address, size, kind, shape):
        return self.api.make(
            "CreateTensorWithDataAsOrtValue", self.memory, c_void_p(address),
            c_size_t(size), (c_int64 * len(shape))(*shape),
            c_size_t(len(shape)), c_int(kind),
        )


class Session:
    def __init__(self, process):
        self.process, api = process, process.api
        options = api.make("CreateSessionOptions")
        api("SetIntraOpNumThreads", options, c_int(1))
        api("SetSessionLogSeverityLevel", options, c_int(ERROR))
        for name, value in process.weights:
            api("AddInitializer", options, name, value)
        self.session = api.make(
            "CreateSessionWithPrepackedWeightsContainer", process.environment,
            process.content["model"].encode(), options, process.container,
        )

    def first(self):
        process, content = self.process, self.process.content
        values, names, self.buffers = [], [], []
        for name, kind, shape, text in content["inputs"]:
            size = math.prod(shape) * SIZES[kind]
            buffer = (ctypes.c_char * max(size, 1))(*bytes.fromhex(text))
            self.buffers.append(buffer)
            values.append(process.tensor(
                ctypes.addressof(buffer), size, kind, shape
            ))
            names.append(name.encode())
        outputs = [name.encode() for name in content["outputs"]]
        made = (c_void_p * len(outputs))()
        arguments = (
            self.session, None, (c_char_p * len(names))(*names),
            (c_void_p * len(values))(*[value.value for value in values]),
            c_size_t(len(names)), (c_char_p * len(outputs))(*outputs),
            c_size_t(len(outputs)), made,
        )
        return lambda: process.api("Run", *arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("content", type=pathlib.Path)
    parser.add_argument("--sessions", type=int, default=1)
    options = parser.parse_args()
    content = json.loads(options.content.read_text(encoding="utf-8"))
    shared = []

    def create():
        # The first one's time has the library and the mapping in it.
        if not shared:
            shared.append(Process(content))
        return Session(shared[0])

    session_child.serve(create, options.sessions)


if __name__ == "__main__":
    main()
