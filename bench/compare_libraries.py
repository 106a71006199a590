"""Times two builds of libquire.so in one process, call by call.

    compare_libraries.py OLD.so NEW.so [--pool SHARED_POOL.so] [--pairs N]
                         [--seconds S] [--kernels A,B] [-o TABLE.md]

Both builds multiply by the same weights, one call each in turns, and which is
first changes from pair to pair. So neither noise nor the place of the weights in
memory favours one of them. For each cell (kernel set, threads, level, weight
type, rows of x) the table has the median over all pairs of the new build's time
divided by the old one's, and the quartiles. No pair is left out. One row of x is
multiplied by copies of the weights that are larger than the cache. With two
threads both builds use those of --pool (build/release/bench/libshared_pool.so);
without it they are measured with one.
"""

import argparse
import ctypes
import statistics
import sys
import time

import numpy as np

from libquire import MatmulOptions, RuntimeOptions, Tensor

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

    def open(self, kernels, threads, pool):
        options = RuntimeOptions(
            device=0, threads=threads, kernels=kernels.encode()
        )
        if threads > 1:
            options.parallel_for, options.pool = pool
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


def make_pool(path):
    """The function and the context of a parallel_for with two threads."""
    library = ctypes.CDLL(path)
    library.shared_pool_create.restype = ctypes.c_void_p
    pool = library.shared_pool_create(2)
    if not pool:
        sys.exit("no threads")
    return ctypes.cast(library.shared_pool_run, ctypes.c_void_p), pool


def measure(builds, tensors, size, m, level, options):
    """The ratio of each pair of calls."""
    x = np.random.default_rng(2).standard_normal((m, size), np.float32)
    outputs = [np.empty((m, size), np.float32) for _ in builds]
    how = MatmulOptions(accuracy_level=level)
    calls = [
        [
            (build.runtime, ctypes.byref(t), x.ctypes.data, m, y.ctypes.data,
             ctypes.byref(how), None)
            for t in tensors
        ]
        for build, y in zip(builds, outputs)
    ]  # fmt: skip
    ratios, clock, spent = [], time.perf_counter, [0.0, 0.0]
    for number in range(-3, sys.maxsize):
        if number == 0:
            ratios, begin = [], clock()
        for turn, which in enumerate((0, 1) if number % 2 else (1, 0)):
            arguments = calls[which][(2 * number + turn) % len(tensors)]
            start = clock()
            if builds[which].multiply(*arguments):
                sys.exit("a product failed")
            spent[which] = clock() - start
        ratios.append(spent[1] / spent[0])
        if number >= options.pairs and clock() - begin > options.seconds:
            break
    if outputs[0].tobytes() != outputs[1].tobytes() and len(tensors) == 1:
        sys.exit("the builds' results differ")
    return ratios


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--pool", metavar="SHARED_POOL.so")
    parser.add_argument("--pairs", type=int, default=60, help="at least")
    parser.add_argument("--seconds", type=float, default=2, help="at least")
    parser.add_argument("--kernels")
    parser.add_argument("-o", "--output")
    arguments = parser.parse_args()
    builds = [Build(arguments.old), Build(arguments.new)]
    sets = [name for name in builds[1].sets() if name in builds[0].sets()]
    if arguments.kernels:
        sets = arguments.kernels.split(",")
    pool = make_pool(arguments.pool) if arguments.pool else None
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
            for threads in (1, 2) if pool else (1,):
                for build in builds:
                    build.open(kernels, threads, pool)
                for level in (1, 4):
                    cells = []
                    for m in rows:
                        used = tensors if m == 1 else tensors[:1]
                        ratios = measure(
                            builds, used, size, m, level, arguments
                        )
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
