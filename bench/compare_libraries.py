"""Times two builds of libquire.so in one process, product by product.

    compare_libraries.py OLD.so NEW.so [--pairs N] [-o TABLE.md]

Both builds multiply by the same weights, in turns, and which is first changes
from pair to pair. So neither noise nor the place of the weights in memory
favours one of them. For each cell (kernel set, threads, level, weight type,
rows of x) the table has the median over all pairs of the new build's time
divided by the old one's, and the quartiles. No pair is left out. One row of x
is multiplied by copies of the weights that are larger than the cache.
"""

import argparse
import ctypes
import statistics
import sys
import time

import numpy as np

from libquire import MatmulOptions, RuntimeOptions, Tensor

TURN = 0.015  # seconds that a turn multiplies
SPIN = 0.06  # for which idle threads of either pool spin
SIZE, SCALAR_SIZE = 4096, 512  # K and N
COPIES = 400 << 20  # bytes of weights that take turns
TYPES = {"Q4_0": (2, 18), "Q4_1": (3, 20), "Q8_0": (8, 34)}  # number, block


class Build:
    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.multiply = self.library.quire_matmul
        self.multiply.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_size_t] + (
            [ctypes.c_void_p] * 3
        )

    def sets(self):
        name = self.library.quire_kernels_name
        name.argtypes = [ctypes.c_size_t, ctypes.c_void_p]
        name.restype = ctypes.c_char_p
        runs, found = ctypes.c_bool(), []
        while text := name(len(found), ctypes.byref(runs)):
            found.append((text.decode(), runs.value))
        return [text for text, here in found if here]

    def open(self, kernels, threads):
        options = RuntimeOptions(
            device=0, threads=threads, kernels=kernels.encode()
        )
        self.runtime = ctypes.c_void_p()
        if self.library.quire_runtime_create(
            ctypes.byref(options), ctypes.byref(self.runtime), None
        ):
            sys.exit(f"no runtime of {kernels}")

    def close(self):
        self.library.quire_runtime_free(self.runtime)


def make_weights(name, size, count):
    """Random codes, scales of 1; one tensor for each copy."""
    number, block = TYPES[name]
    blocks = np.random.default_rng(1).integers(
        0, 256, (size * size // 32, block), np.uint8
    )
    blocks[:, :2] = (0x00, 0x3C)
    if name == "Q4_1":
        blocks[:, 2:4] = (0x00, 0xBC)
    memory = [np.ascontiguousarray(blocks) for _ in range(count)]
    memory = [copy.copy() for copy in memory]
    return memory, [
        Tensor(
            dtype=number,
            rank=2,
            shape=(size, size, 1, 1),
            size=copy.nbytes,
            data=copy.ctypes.data,
        )
        for copy in memory
    ]


def turn(build, tensors, x, m, y, options, seconds):
    """Mean seconds of a call, over calls for that long."""
    arguments = [
        (build.runtime, ctypes.byref(t), x.ctypes.data, m, y.ctypes.data,
         ctypes.byref(options), None)
        for t in tensors
    ]  # fmt: skip
    calls, begin = 0, time.perf_counter()
    while True:
        if build.multiply(*arguments[calls % len(arguments)]):
            sys.exit("a product failed")
        calls += 1
        passed = time.perf_counter() - begin
        if passed >= seconds:
            return passed / calls


def measure(builds, tensors, size, m, level, threads, pairs):
    x = np.random.default_rng(2).standard_normal((m, size), np.float32)
    y = [np.empty((m, size), np.float32) for _ in builds]
    options = MatmulOptions(accuracy_level=level)
    ratios = []
    for pair in range(-1, pairs):
        spent = [0.0, 0.0]
        for which in (0, 1) if pair % 2 else (1, 0):
            if threads > 1:
                time.sleep(SPIN)
            # The first calls wake the threads and fill the caches.
            turn(builds[which], tensors, x, m, y[which], options, TURN / 5)
            spent[which] = turn(
                builds[which], tensors, x, m, y[which], options, TURN
            )
        if pair >= 0:
            ratios.append(spent[1] / spent[0])
    if y[0].tobytes() != y[1].tobytes() and len(tensors) == 1:
        sys.exit("the builds' results differ")
    return ratios


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--pairs", type=int, default=21)
    parser.add_argument("--kernels")
    parser.add_argument("-o", "--output")
    arguments = parser.parse_args()
    builds = [Build(arguments.old), Build(arguments.new)]
    sets = [name for name in builds[1].sets() if name in builds[0].sets()]
    if arguments.kernels:
        sets = arguments.kernels.split(",")
    rows = (1, 4, 16, 64, 256)
    lines = [
        "| set | threads | level | weights | "
        + " | ".join(f"M = {m}" for m in rows) + " |",
        "|---|--:|--:|---|" + "---|" * len(rows),
    ]  # fmt: skip
    outside, medians = 0, []
    for weights in TYPES:
        for kernels in sets:
            size = SCALAR_SIZE if kernels == "scalar" else SIZE
            number, block = TYPES[weights]
            count = -(-COPIES // (size * size // 32 * block))
            memory, tensors = make_weights(weights, size, min(count, 48))
            for threads in (1, 2):
                for build in builds:
                    build.open(kernels, threads)
                for level in (1, 4):
                    cells = []
                    for m in rows:
                        used = tensors if m == 1 else tensors[:1]
                        ratios = measure(
                            builds, used, size, m, level, threads,
                            arguments.pairs,
                        )  # fmt: skip
                        low, median, high = statistics.quantiles(ratios, n=4)
                        medians.append(median)
                        outside += not 0.98 <= median <= 1.02
                        cells.append(f"{median:.3f} ({low:.2f} to {high:.2f})")
                    lines.append(
                        f"| {kernels} | {threads} | {level} | {weights} | "
                        + " | ".join(cells) + " |"
                    )  # fmt: skip
                    print(lines[-1], file=sys.stderr, flush=True)
                for build in builds:
                    build.close()
    lines.append("")
    lines.append(
        f"{len(medians)} cells, {outside} with a median outside 0.98 to 1.02; "
        f"median of all medians {statistics.median(medians):.4f}."
    )
    text = "\n".join(lines) + "\n"
    if arguments.output:
        with open(arguments.output, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
