#!/usr/bin/env python3
"""From a cold page cache to the first token: Quire beside ONNX Runtime.

    compare_cold.py FOLDER [--build build/release] [--rounds 5] [--layers 28]

Needs bench/requirements.txt. Writes a model of random 4-bit weights with the
shapes of Qwen2.5-1.5B into the folder (0.8 GB), converts it with the command
`quire`, and removes both at the end. In each round every file is dropped from
the page cache before it is used: bench_cold measures the container, and a
process of its own creates ONNX Runtime's session and runs it once, with one row
of x. Importing onnxruntime does not count. Figures are medians, in ms.
"""

import argparse
import ctypes
import json
import mmap
import os
import re
import statistics
import subprocess
import sys
import time

import numpy as np

BLOCK = 32
PAGE = 4096
WIDTH, KV, INNER, HEAD = 1536, 256, 8960, 151936
DOMAIN = "com.microsoft"


class Model:
    """An ONNX model whose MatMulNBits nodes follow each other."""

    def __init__(self, path):
        self.path = path
        self.data = open(path + ".data", "wb")
        self.random = np.random.default_rng(1)
        self.nodes, self.tensors = [], []
        self.add_tensor("ones", np.ones(WIDTH, np.float32))

    def add_tensor(self, name, array):
        from onnx import TensorProto, helper

        start = -(-self.data.tell() // PAGE) * PAGE
        self.data.seek(start)
        self.data.write(array.tobytes())
        tensor = TensorProto(
            name=name,
            data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
            dims=array.shape,
            data_location=TensorProto.EXTERNAL,
        )
        for key, value in (
            ("location", os.path.basename(self.path) + ".data"),
            ("offset", start),
            ("length", array.nbytes),
        ):
            tensor.external_data.add(key=key, value=str(value))
        self.tensors.append(tensor)
        return name

    def add(self, op, inputs, name, **attributes):
        from onnx import helper

        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def add_linear(self, name, x, k, n):
        codes = self.random.integers(0, 256, (n, k // BLOCK, BLOCK // 2), np.uint8)
        scales = np.full(n * k // BLOCK, 1 / (4.6 * k**0.5), np.float32)
        return self.add(
            "MatMulNBits",
            [
                x,
                self.add_tensor(name + ".codes", codes),
                self.add_tensor(name + ".scales", scales),
            ],
            name,
            domain=DOMAIN,
            K=k,
            N=n,
            bits=4,
            block_size=BLOCK,
            accuracy_level=4,
        )

    def add_layer(self, i, x):
        """All linears of a decoder layer; attention itself is left out."""

        def name(what):
            return f"layer{i}.{what}"

        x = self.add(
            "SimplifiedLayerNormalization", [x, "ones"], name("norm"), axis=-1
        )
        q = self.add_linear(name("q"), x, WIDTH, WIDTH)
        k = self.add_linear(name("k"), x, WIDTH, KV)
        v = self.add_linear(name("v"), x, WIDTH, KV)
        kv = self.add("Concat", [k, v] * (WIDTH // KV // 2), name("kv"), axis=-1)
        mixed = self.add("Add", [q, kv], name("mixed"))
        x = self.add_linear(name("o"), mixed, WIDTH, WIDTH)
        gate = self.add_linear(name("gate"), x, WIDTH, INNER)
        up = self.add_linear(name("up"), x, WIDTH, INNER)
        inner = self.add("Mul", [gate, up], name("inner"))
        return self.add_linear(name("down"), inner, INNER, WIDTH)

    def save(self, layers):
        import onnx
        from onnx import TensorProto, helper

        x = "x"
        for i in range(layers):
            x = self.add_layer(i, x)
        y = self.add_linear("head", x, WIDTH, HEAD)
        self.data.close()
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])
            for name, size in (("x", WIDTH), (y, HEAD))
        ]
        graph = helper.make_graph(self.nodes, "cold", ends[:1], ends[1:], self.tensors)
        opsets = [("", 21), (DOMAIN, 1)]
        onnx.save(
            helper.make_model(
                graph,
                opset_imports=[helper.make_opsetid(*pair) for pair in opsets],
                ir_version=10,
            ),
            self.path,
        )


def resident_share(file):
    """The share of a file's pages that are in the page cache, by mincore."""
    size = os.fstat(file.fileno()).st_size
    states = (ctypes.c_ubyte * -(-size // PAGE))()
    libc = ctypes.CDLL(None, use_errno=True)
    with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY) as memory:
        start = ctypes.c_char.from_buffer(memory)
        failed = libc.mincore(
            ctypes.byref(start), ctypes.c_size_t(size), ctypes.byref(states)
        )
        del start
    if failed:
        sys.exit(f"{file.name}: mincore: {os.strerror(ctypes.get_errno())}")
    return sum(state & 1 for state in states) / len(states)


def drop(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        share = resident_share(file)
    if share > 0.01:
        sys.exit(f"{path}: {share:.3f} of it stayed in the page cache")


def run_session(path, threads):
    """In a process of its own: prints the seconds of session and first run."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    x = np.ones((1, WIDTH), np.float32)
    started = time.perf_counter()
    session = ort.InferenceSession(
        path, options, providers=["CPUExecutionProvider"]
    )
    opened = time.perf_counter() - started
    session.run(None, {"x": x})
    print(json.dumps([opened, time.perf_counter() - started]))


def measure_ort(path, threads):
    drop(path)
    drop(path + ".data")
    command = [sys.executable, __file__, "--session", path, "--threads", str(threads)]
    opened, passed = json.loads(subprocess.check_output(command))
    return {"ONNX Runtime": (opened * 1e3, None, passed * 1e3)}


def measure_quire(build, path, threads):
    """A round of bench_cold: the figures of its rows by their names."""
    rows = {}
    program = os.path.join(build, "bench/bench_cold")
    text = subprocess.check_output(
        [program, "--file", path, "1", str(threads)], text=True
    )
    for line in text.splitlines():
        row = re.fullmatch(r"(\S.*?) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)", line)
        if row:
            rows[row[1]] = tuple(float(number) for number in row.groups()[1:4])
    return rows


def print_medians(rounds):
    limit = [measured["plain read, one thread"][2] for measured in rounds]
    print(f"{'':32}{'open':>9}{'first':>9}{'pass':>9}{'of read':>9}")
    for name in rounds[0]:
        open_, first, pass_ = zip(*(measured[name] for measured in rounds))
        shares = [mine / its for mine, its in zip(pass_, limit)]
        first = "" if None in first else f"{statistics.median(first):.1f}"
        print(
            f"{name:32}{statistics.median(open_):9.1f}{first:>9}"
            f"{statistics.median(pass_):9.1f}{statistics.median(shares):9.2f}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--layers", type=int, default=28)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--session", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.session:
        run_session(options.session, options.threads)
        return
    if not options.folder:
        parser.error("the following arguments are required: folder")
    model = os.path.join(options.folder, "compare_cold.onnx")
    container = os.path.join(options.folder, "compare_cold.gguf")
    try:
        Model(model).save(options.layers)
        subprocess.check_call(
            [
                os.path.join(options.build, "cli/quire"),
                *("convert", model, "-o", container, "--force"),
            ],
            stdout=subprocess.DEVNULL,
        )
        rounds = [
            measure_quire(options.build, container, options.threads)
            | measure_ort(model, options.threads)
            for _ in range(options.rounds)
        ]
    finally:
        for path in (model, model + ".data", container):
            if os.path.exists(path):
                os.remove(path)
    print_medians(rounds)


if __name__ == "__main__":
    main()
