#!/usr/bin/env python3
"""Speed and memory of `quire convert`, compared with cp of the same bytes.

Makes a model of int4 layers in FOLDER: --gigabytes of real bytes, in one file of
external data or, with --inline, in the model. Reads it once into the page cache.
Then alternates cp and fsync of the model's files with `quire convert`, which ends
with an fsync too. Prints each round, the ratio of the medians, and the
converter's peak resident memory, mapped pages included. The limit of that is 64
MiB and twice the largest tensor. Removes all files at the end.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import time

import numpy as np
from onnx import TensorProto, helper

MIB = 1 << 20
BLOCK = 32
# (N, K) of a layer: q, k, v, o, gate, up, down of a 7B model.
LAYER = ((4096, 4096),) * 4 + ((11008, 4096),) * 2 + ((4096, 11008),)
CHUNK = 64 * MIB


class Bytes:
    """Random bytes in any amount: from one chunk, each time from another place.
    Scales come from a chunk of floats."""

    def __init__(self):
        rng = np.random.default_rng(1)
        self.codes = rng.bytes(2 * CHUNK)
        scales = rng.uniform(0.001, 0.02, 2 * CHUNK // 8)
        self.scales = scales.astype("<f4").tobytes()

    def take(self, source, size, number):
        start = number * 4099 * 4 % CHUNK % (len(source) - size)
        return memoryview(source)[start : start + size]


def tensor(name, element, dims, data, file):
    """An initializer with its bytes in the file, or in itself without a file."""
    made = TensorProto(name=name, data_type=element, dims=dims)
    if file is None:
        made.raw_data = bytes(data)
        return made
    made.data_location = TensorProto.EXTERNAL
    for key, value in (
        ("location", pathlib.Path(file.name).name),
        ("offset", file.tell()),
        ("length", len(data)),
    ):
        made.external_data.add(key=key, value=str(value))
    file.write(data)
    return made


def build(path, target, inline):
    """Returns the size of the largest tensor of the container."""
    data = Bytes()
    nodes, parts, written, largest = [], [], 0, 0
    beside = path.with_name(path.name + ".data")
    file = None if inline else open(beside, "wb")
    while written < target:
        number = len(nodes)
        n, k = LAYER[number % len(LAYER)]
        codes = data.take(data.codes, n * k // 2, number)
        scales = data.take(data.scales, n * k // BLOCK * 4, number)
        names = [f"layer.{number}.{part}" for part in ("Q4", "scales")]
        shape = [n, k // BLOCK, BLOCK // 2]
        parts.append(tensor(names[0], TensorProto.UINT8, shape, codes, file))
        parts.append(
            tensor(names[1], TensorProto.FLOAT, shape[:2], scales, file)
        )
        nodes.append(
            helper.make_node(
                "MatMulNBits", [f"x{k}", *names], [f"y{number}"],
                name=f"/layer.{number}/MatMul", domain="com.microsoft",
                K=k, N=n, bits=4, block_size=BLOCK,
            )
        )
        written += len(codes) + len(scales)
        largest = max(largest, n * k // BLOCK * 18)
    if file:
        file.close()
    float_info = helper.make_tensor_value_info
    inputs = [
        float_info(f"x{k}", TensorProto.FLOAT, ["m", k]) for k in (4096, 11008)
    ]
    outputs = [
        float_info(node.output[0], TensorProto.FLOAT, None) for node in nodes
    ]
    graph = helper.make_graph(nodes, "large", inputs, outputs, parts)
    model = helper.make_model(graph, ir_version=10)
    path.write_bytes(model.SerializeToString())
    return largest


def read_all(paths):
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            while file.read(CHUNK):
                pass


def copy(paths, folder):
    """Seconds of cp and fsync."""
    targets = [folder / f"copy{path.suffix}" for path in paths]
    started = time.monotonic()
    for path, target in zip(paths, targets):
        subprocess.run(["cp", path, target], check=True)
        descriptor = os.open(target, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    seconds = time.monotonic() - started
    for target in targets:
        target.unlink()
    return seconds


def resident_peak(pid):
    """VmHWM in bytes: pages of files count too; 0 once the process ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def convert(quire, source, folder):
    """(seconds, peak resident bytes) of a conversion."""
    output = folder / "large.gguf"
    peak = 0
    started = time.monotonic()
    process = subprocess.Popen(
        [quire, "convert", source, "-o", output], stdout=subprocess.DEVNULL
    )
    while process.poll() is None:
        peak = max(peak, resident_peak(process.pid))
        time.sleep(0.01)
    seconds = time.monotonic() - started
    if process.returncode:
        raise SystemExit("quire convert failed")
    output.unlink()
    return seconds, peak


def measure(options, source, folder, paths):
    size = sum(path.stat().st_size for path in paths)
    read_all(paths)
    copies, converts, peak = [], [], 0
    for _ in range(options.rounds):
        copies.append(copy(paths, folder))
        seconds, resident = convert(options.quire, source, folder)
        converts.append(seconds)
        peak = max(peak, resident)
        print(
            f"cp + fsync {copies[-1]:6.2f} s  {size / copies[-1] / 1e9:5.2f} "
            f"GB/s   convert {seconds:6.2f} s  {size / seconds / 1e9:5.2f} "
            f"GB/s   peak {resident / MIB:7.1f} MiB",
            flush=True,
        )
    ratio = statistics.median(converts) / statistics.median(copies)
    return size, ratio, peak


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--quire", default="build/release/cli/quire")
    parser.add_argument("--gigabytes", type=float, default=4)
    parser.add_argument("--inline", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    source = options.folder / "large.onnx"
    paths = [source, source.with_name("large.onnx.data")][: 2 - options.inline]
    try:
        largest = build(source, options.gigabytes * 1e9, options.inline)
        size, ratio, peak = measure(options, source, options.folder, paths)
    finally:
        for path in paths:
            path.unlink(missing_ok=True)
    most = 64 * MIB + 2 * largest
    print(f"{size / 1e9:.2f} GB, largest tensor {largest / MIB:.1f} MiB")
    print(f"median convert / median cp + fsync: {ratio:.2f} (goal 1.50)")
    print(f"peak resident: {peak / MIB:.1f} MiB of {most / MIB:.1f} allowed")
    raise SystemExit(0 if ratio <= 1.5 and peak <= most else 1)


if __name__ == "__main__":
    main()
