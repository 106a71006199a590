#!/usr/bin/env python3
"""What the Python package costs beside C, safetensors and gguf-py.

    bench_python.py --calls build/release/bench/bench_calls [--rounds 5]

Needs the package (pip install .), safetensors, gguf and numpy. Contestants take
turns in each round; a figure is the fastest of all rounds. Exits with 1 if a
goal is missed:

    a view of a tensor by its name       2 us
    a linear of 384 x 384, one row       1 us more than the same call in C
    opening a file of 300 tensors        0.3 ms
    views of all of 1 GiB, read once     1 MiB of anonymous memory
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import timeit

import gguf
import numpy as np
import safetensors
import safetensors.numpy

import quire

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYER = ROOT / "examples" / "minilm-layer0-int4.onnx"
LINEAR = "/encoder/layer.0/attention/self/query/MatMul_Q4"
BIAS = "encoder.layer.0.attention.self.query.bias"
TENSORS = 300
GIB = 1 << 30


def nanoseconds(call, number):
    """Of a call, in the fastest turn: short turns, because other programs may
    disturb long ones."""
    turns = timeit.repeat(call, number=number, repeat=100)
    return min(turns) / number * 1e9


def make_files(folder):
    """The same 300 tensors as a container, GGUF and safetensors."""
    arrays = {
        f"layer.{i}.weight": np.full((16, 64), i, np.float32) for i in range(TENSORS)
    }
    safetensors.numpy.save_file(arrays, folder / "many.safetensors")
    writer = gguf.GGUFWriter(folder / "many.gguf", "test")
    for name, array in arrays.items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    quire.stamp(folder / "many.gguf", folder / "many.quire.gguf")


def safetensors_open(path):
    with safetensors.safe_open(path, framework="np") as file:
        file.keys()


def quire_open(path):
    with quire.open(path) as model:
        model.keys()


def rounds_of(folder, calls, rounds):
    """{what: nanoseconds}"""
    quire.convert(LAYER, folder / "layer.gguf")
    make_files(folder)
    model = quire.open(folder / "layer.gguf")
    linear = model.linears[LINEAR]
    x = np.ones((1, 384), np.float32)
    out = np.empty_like(x)
    command = [calls, folder / "layer.gguf", LINEAR, "0.5"]
    contestants = {
        "view by name": lambda: nanoseconds(lambda: np.asarray(model[BIAS]), 1000),
        "linear in C": lambda: float(subprocess.check_output(command)),
        "linear with out": lambda: nanoseconds(lambda: linear(x, out), 1000),
        "linear": lambda: nanoseconds(lambda: linear(x), 1000),
        "open, quire": lambda: nanoseconds(
            lambda: quire_open(folder / "many.quire.gguf"), 50
        ),
        "open, safetensors": lambda: nanoseconds(
            lambda: safetensors_open(folder / "many.safetensors"), 50
        ),
        "open, gguf-py": lambda: nanoseconds(
            lambda: gguf.GGUFReader(folder / "many.gguf"), 1
        ),
    }
    best = dict.fromkeys(contestants, float("inf"))
    for _ in range(rounds):
        for name, measure in contestants.items():
            best[name] = min(best[name], measure())
    return best


def anonymous():
    """Bytes of anonymous memory of this process."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no RssAnon")


def memory_of_views(folder):
    """Anonymous bytes that views of 1 GiB add while their pages are read."""
    path = folder / "large.gguf"
    writer = gguf.GGUFWriter(path, "test")
    for i in range(64):
        writer.add_tensor_info(f"{i}", (4096, 1024), np.dtype(np.float32), GIB // 64)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    # The rest is a hole.
    os.truncate(path, -(-path.stat().st_size // 32) * 32 + GIB)
    model = quire.open(path)
    np.zeros((4096, 1024), np.float32).max()
    before = anonymous()
    views = [np.asarray(tensor) for tensor in model.values()]
    assert sum(view.nbytes for view in views) == GIB
    assert all(view.max() == 0 for view in views)
    return anonymous() - before


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--calls", required=True, help="bench_calls")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    # Products then have one thread, as in bench_calls.
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        best = rounds_of(folder, options.calls, options.rounds)
        memory = memory_of_views(folder)
    for what, time in best.items():
        print(f"{what:20} {time / 1000:10.2f} us")
    print(f"{'1 GiB of views':20} {memory / 1024:10.0f} KiB anonymous")
    missed = [
        what
        for what, fine in (
            ("view by name", best["view by name"] < 2000),
            (
                "linear",
                best["linear with out"] - best["linear in C"] < 1000,
            ),
            ("open", best["open, quire"] < 300_000),
            ("memory", memory < 1 << 20),
        )
        if not fine
    ]
    print("missed: " + ", ".join(missed) if missed else "all goals reached")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
