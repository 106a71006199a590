#!/usr/bin/env python3
"""Quire beside ONNX Runtime: the same weights, the same x, in one process.

    compare_ort.py [--library build/libquire.so] [--shape K,N]... [--m 1,4,16]
                   [--threads 2] [--activations f32,f16] [--dense]
                   [--kernels NAME] [--json FILE]

Needs bench/requirements.txt, and libquire as a shared library (cmake
-DBUILD_SHARED_LIBS=ON).

Each contestant multiplies by several copies of a matrix, one after the other.
Together they are larger than the last-level cache. ONNX Runtime has them as nodes
of one graph, so that its overhead of a run is divided among them. Quire is called
through ctypes for each copy, and that is counted. Contestants alternate, with a pause in
which the threads of the other go to sleep. Figures are medians.

With --single each call is one run of a graph of one node, as in a program that
runs one layer. Then ONNX Runtime's overhead counts too, as Quire's does.
"""

import argparse
import ctypes
import json
import statistics
import sys
import time

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

from libquire import Error, MatmulOptions, RuntimeOptions, Tensor

BLOCK = 32
ROUNDS = 7
PAUSE = 0.15  # seconds; longer than idle threads spin on any CPU
F32, F16, Q4_0 = 0, 1, 2  # GGUF's numbers


def cache_size():
    """Of the last level, in bytes; 32 MiB where the system does not report it."""
    try:
        with open("/sys/devices/system/cpu/cpu0/cache/index3/size") as file:
            return int(file.read().strip().removesuffix("K")) << 10
    except (OSError, ValueError):
        return 32 << 20


CACHED = 3 * max(cache_size(), 32 << 20)  # bytes that are in no cache


class Weights:
    """A random matrix of 4-bit codes, in both layouts."""

    def __init__(self, k, n):
        random = np.random.default_rng(1)
        blocks = k // BLOCK
        self.k, self.n = k, n
        codes = random.integers(0, 16, (n, blocks, BLOCK), np.uint8)
        scales = random.uniform(2**-7, 2**-5, (n, blocks)).astype(np.float16)
        self.scales = scales
        self.nodes = codes[..., 0::2] | codes[..., 1::2] << 4
        rows = np.empty((n, blocks, 18), np.uint8)
        rows[..., :2] = scales[..., None].view(np.uint8)
        rows[..., 2:] = codes[..., :16] | codes[..., 16:] << 4
        self.rows = rows
        signed = codes.astype(np.float32) - 8
        self.dense = (signed * scales[..., None].astype(np.float32)).reshape(n, k)


def copy_of(rows, i):
    """Copy i: its rows rotated by i, so that no two copies are equal."""
    return np.roll(rows, i, axis=0)


class Quire:
    def __init__(self, library, weights, copies, level, activations, options):
        self.label = f"quire level {level}"
        self.library = library
        self.error = Error()
        self.runtime = ctypes.c_void_p()
        kernels = options.kernels.encode() if options.kernels else None
        how = RuntimeOptions(1, options.threads, kernels)
        self.check(
            library.quire_runtime_create(
                ctypes.byref(how),
                ctypes.byref(self.runtime),
                ctypes.byref(self.error),
            )
        )
        # As in a container, each begins on a page.
        size = weights.rows.nbytes
        stride = (size + 16383) // 16384 * 16384
        self.memory = np.zeros(stride * copies + 16384, np.uint8)
        first = -self.memory.ctypes.data % 16384
        self.tensors = []
        for i in range(copies):
            at = first + i * stride
            self.memory[at : at + size] = copy_of(weights.rows, i).reshape(-1)
            tensor = Tensor(dtype=Q4_0, rank=2, size=size)
            tensor.shape[:] = [weights.k, weights.n, 1, 1]
            tensor.data = self.memory.ctypes.data + at
            self.tensors.append(ctypes.byref(tensor))
        dtype = F16 if activations == "f16" else F32
        self.how = MatmulOptions(x_dtype=dtype, y_dtype=dtype, accuracy_level=level)

    def check(self, status):
        if status != 0:
            sys.exit(f"quire: {self.error.message.decode(errors='replace')}")

    def prepare(self, x, y):
        arguments = (x.ctypes.data, len(x), y.ctypes.data)
        self.arguments = [ctypes.c_void_p(arguments[0]), arguments[1]]
        self.arguments.append(ctypes.c_void_p(arguments[2]))
        self.arguments += [ctypes.byref(self.how), ctypes.byref(self.error)]

    def run(self):
        """All copies once."""
        matmul, runtime = self.library.quire_matmul, self.runtime
        arguments = self.arguments
        for tensor in self.tensors:
            if matmul(runtime, tensor, *arguments):
                self.check(1)

    def close(self):
        self.library.quire_runtime_free(self.runtime)


def graph_of_nodes(weights, copies, level, activations):
    """MatMulNBits nodes over one input, or with level 0 MatMul nodes in f32."""
    kind = TensorProto.FLOAT16 if activations == "f16" else TensorProto.FLOAT
    numbers = np.float16 if activations == "f16" else np.float32
    k, n = weights.k, weights.n
    nodes, tensors, outputs = [], [], []
    for i in range(copies):
        inputs = ["x", f"w{i}"]
        if level:
            codes = copy_of(weights.nodes, i)
            tensors.append(onnx.numpy_helper.from_array(codes, f"w{i}"))
            scales = copy_of(weights.scales, i).astype(numbers).reshape(-1)
            tensors.append(onnx.numpy_helper.from_array(scales, f"s{i}"))
            nodes.append(
                helper.make_node(
                    "MatMulNBits",
                    inputs + [f"s{i}"],
                    [f"y{i}"],
                    domain="com.microsoft",
                    K=k,
                    N=n,
                    bits=4,
                    block_size=BLOCK,
                    accuracy_level=level,
                )
            )
        else:
            dense = np.ascontiguousarray(copy_of(weights.dense, i).T)
            tensors.append(onnx.numpy_helper.from_array(dense, f"w{i}"))
            nodes.append(helper.make_node("MatMul", inputs, [f"y{i}"]))
        outputs.append(helper.make_tensor_value_info(f"y{i}", kind, ["m", n]))
    x = helper.make_tensor_value_info("x", kind, ["m", k])
    graph = helper.make_graph(nodes, "linears", [x], outputs, tensors)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


class OnnxRuntime:
    def __init__(self, weights, copies, level, activations, options):
        self.label = f"onnxruntime level {level}" if level else "onnxruntime dense"
        how = ort.SessionOptions()
        how.intra_op_num_threads = options.threads
        how.log_severity_level = 3
        # Single nodes: a session each, or else one of all copies.
        shares = [1] * copies if options.single else [copies]
        self.sessions = []
        for share in shares:
            graph = graph_of_nodes(weights, share, level, activations)
            self.sessions.append(
                ort.InferenceSession(
                    graph.SerializeToString(),
                    how,
                    providers=["CPUExecutionProvider"],
                )
            )

    def prepare(self, x, y):
        # All outputs are written over each other, as are Quire's.
        self.values = [ort.OrtValue.ortvalue_from_numpy(a) for a in (x, y)]
        self.bindings = []
        for session in self.sessions:
            binding = session.io_binding()
            binding.bind_ortvalue_input("x", self.values[0])
            for output in session.get_outputs():
                binding.bind_ortvalue_output(output.name, self.values[1])
            self.bindings.append(binding)
        self.y = y

    def run(self):
        for session, binding in zip(self.sessions, self.bindings):
            session.run_with_iobinding(binding)

    def result(self):
        return self.values[1].numpy()

    def close(self):
        self.sessions = None


def agree(contestants, y):
    """Exits unless all computed the same product, within the error of int8. Rows
    are sorted first, because any of the copies may have been the last."""
    results = []
    for contestant in contestants:
        y[:] = 0
        contestant.run()
        result = contestant.result() if hasattr(contestant, "result") else y
        results.append(np.sort(result.astype(np.float64), axis=1))
    for contestant, result in zip(contestants, results):
        error = np.linalg.norm(result - results[0]) / np.linalg.norm(results[0])
        if not error < 0.02:
            sys.exit(f"{contestant.label} differs by {error:.3g}")


def measure(contestants, copies):
    """Milliseconds a call of each."""
    times = [[] for _ in contestants]
    for _ in range(ROUNDS):
        for contestant, samples in zip(contestants, times):
            time.sleep(PAUSE)
            contestant.run()
            for _ in range(2):
                start = time.perf_counter()
                contestant.run()
                samples.append((time.perf_counter() - start) / copies * 1e3)
    return [statistics.median(samples) for samples in times]


def count_copies(weights, rows, options):
    size = weights.rows.nbytes
    if options.single:
        return 16
    # With many rows the contents of the cache do not matter.
    wanted = CACHED if rows <= 8 else 40 << 20
    return max(2, min(128, -(-wanted // size)))


def contestants_of(library, weights, copies, activations, options):
    """Quire and ONNX Runtime at both levels, for x and y of one type."""
    return [
        Quire(library, weights, copies, 1, activations, options),
        Quire(library, weights, copies, 4, activations, options),
        OnnxRuntime(weights, copies, 1, activations, options),
        OnnxRuntime(weights, copies, 4, activations, options),
    ]


def compare(library, weights, rows, options):
    """Runs one group of m that use the same number of copies, and alternates the
    types of activations; yields the results of each m and type."""
    copies = count_copies(weights, rows[0], options)
    groups = {
        activations: contestants_of(library, weights, copies, activations, options)
        for activations in options.activations
    }
    dense = None
    if options.dense and "f32" in groups:
        few = max(2, -(-CACHED // weights.dense.nbytes))
        dense = OnnxRuntime(weights, few, 0, "f32", options)
        groups["f32"].append(dense)
    everyone = [each for group in groups.values() for each in group]
    turns = [each for each in everyone if each is not dense]
    for m in rows:
        random = np.random.default_rng(2)
        x = random.uniform(-1, 1, (m, weights.k)).astype(np.float16)
        for activations, contestants in groups.items():
            numbers = np.float16 if activations == "f16" else np.float32
            x_of_type, y = x.astype(numbers), np.empty((m, weights.n), numbers)
            for contestant in contestants:
                contestant.prepare(x_of_type, y)
            agree(contestants, y)
        ms = dict(zip(turns, measure(turns, copies)))
        if dense:
            ms[dense] = measure([dense], few)[0]
        for activations, contestants in groups.items():
            yield [
                {
                    "k": weights.k,
                    "n": weights.n,
                    "m": m,
                    "threads": options.threads,
                    "activations": activations,
                    "label": contestant.label,
                    "ms": ms[contestant],
                    "gops": 2 * m * weights.k * weights.n / ms[contestant] * 1e-6,
                    "gbps": weights.rows.nbytes / ms[contestant] * 1e-6,
                }
                for contestant in contestants
            ]
    for contestant in everyone:
        contestant.close()


def print_rows(results):
    """One line for each m: times, and how many times faster Quire is."""
    ms = {row["label"]: row["ms"] for row in results}
    first = results[0]
    shape = f"{first['k']} x {first['n']}"
    line = f"{shape:>13} {first['m']:>4} {first['threads']:>2} {first['activations']}"
    for level in (1, 4):
        ours, theirs = ms[f"quire level {level}"], ms[f"onnxruntime level {level}"]
        line += f" {ours:>9.4f} {theirs:>9.4f} {theirs / ours:>6.2f}x"
    line += f" {ms['quire level 1'] / ms['quire level 4']:>6.2f}x"
    if "onnxruntime dense" in ms:
        dense = ms["onnxruntime dense"]
        line += f" {dense:>9.4f} {dense / ms['quire level 4']:>6.2f}x"
    print(line, flush=True)


def open_library(path):
    library = ctypes.CDLL(path)
    library.quire_matmul.argtypes = [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    library.quire_runtime_free.argtypes = [ctypes.c_void_p]
    return library


def numbers(text):
    return [int(item) for item in text.split(",")]


def words(text):
    return text.split(",")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", default="build/libquire.so")
    parser.add_argument("--shape", type=numbers, action="append", metavar="K,N")
    parser.add_argument("--m", type=numbers, default=[1, 4, 16, 64, 256])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--activations", type=words, default=["f32"])
    parser.add_argument("--kernels")
    parser.add_argument("--dense", action="store_true", help="f32 MatMul too")
    parser.add_argument("--single", action="store_true", help="one node a run")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    library = open_library(options.library)
    print(f"onnxruntime {ort.__version__}; ms a call, level 1 and level 4")
    print(
        f"{'K x N':>13} {'M':>4} {'T':>2} {'x':3}"
        + f" {'quire':>9} {'ort':>9} {'ratio':>7}" * 2
        + f" {'4 to 1':>7}"
        + (f" {'dense':>9} {'ratio':>7}" if options.dense else "")
    )
    results = []
    for k, n in options.shape or [[4096, 4096], [4096, 14336]]:
        if k % BLOCK:
            sys.exit("K must be a multiple of 32")
        weights = Weights(k, n)
        for few in (True, False):
            rows = [m for m in options.m if (m <= 8) == few]
            if not rows:
                continue
            for row in compare(library, weights, rows, options):
                print_rows(row)
                results += row
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"onnxruntime": ort.__version__, "results": results}, file, indent=1)


if __name__ == "__main__":
    main()
