#!/usr/bin/env python3
"""Time over rows of x, 1 to 64 of them: Quire beside ONNX Runtime, as plots.

    compare_rows.py [--library build/libquire.so] [--shape 4096,4096]
                    [--threads 2] [--rows 1-64] [--rounds 7] [--kernels NAME]
                    [--machine "NAME"] [--json FILE] [--plots FOLDER]
    compare_rows.py --from FILE --plots FOLDER

Needs bench/requirements.txt, and libquire as a shared library (cmake
-DBUILD_SHARED_LIBS=ON). Writes rows_level_1.svg and rows_level_4.svg to FOLDER,
and exits with 1 if ONNX Runtime is faster at any number of rows.

The contestants are those of compare_ort.py, with its copies of the weights. In a
round each number of rows is measured once, in an order that changes from round to
round. Eight numbers of rows are a turn: all contestants have it one after the
other, with a pause before each, and another one is first each time. Figures are
medians over the rounds; the first round, which warms up, is left out.
"""

import argparse
import ctypes
import json
import random
import statistics
import sys
import time
from pathlib import Path

import compare_ort
import numpy as np
import onnxruntime as ort
from compare_ort import PAUSE, Weights, agree, contestants_of, count_copies

TURN = 8  # numbers of rows
FEW = 8  # rows of x up to which weights come from memory
LEVELS = (1, 4)


class Run:
    """The contestants for numbers of rows that use the same copies."""

    def __init__(self, library, weights, rows, options):
        self.weights, self.rows = weights, rows
        self.copies = count_copies(weights, rows[0], options)
        self.contestants = contestants_of(
            library, weights, self.copies, "f32", options
        )
        self.times = {(m, c.label): [] for m in rows for c in self.contestants}
        generator = np.random.default_rng(2)
        shape = (max(rows), weights.k)
        self.x = generator.uniform(-1, 1, shape).astype(np.float32)
        self.y = np.empty((max(rows), weights.n), np.float32)

    def arrays(self, m):
        # Quire keeps pointers to them.
        return self.x[:m], self.y[:m]

    def warm_up(self):
        for m in self.rows:
            x, y = self.arrays(m)
            for contestant in self.contestants:
                contestant.prepare(x, y)
            agree(self.contestants, y)

    def take_turn(self, contestant, rows):
        time.sleep(PAUSE)
        for i, m in enumerate(rows):
            contestant.prepare(*self.arrays(m))
            if i == 0:
                contestant.run()  # wakes the threads
            start = time.perf_counter()
            contestant.run()
            spent = time.perf_counter() - start
            self.times[m, contestant.label].append(spent / self.copies * 1e3)

    def round(self, number):
        rows = random.Random(number).sample(self.rows, len(self.rows))
        for i in range(0, len(rows), TURN):
            first = (number + i // TURN) % len(self.contestants)
            order = self.contestants[first:] + self.contestants[:first]
            for contestant in order:
                self.take_turn(contestant, rows[i : i + TURN])

    def close(self):
        for contestant in self.contestants:
            contestant.close()

    def medians(self):
        """{(m, label): ms}"""
        return {key: statistics.median(each) for key, each in self.times.items()}


def measure(options):
    """{label: {m: ms}}"""
    library = compare_ort.open_library(options.library)
    weights = Weights(*options.shape)
    found = {}
    for few in (True, False):
        rows = [m for m in options.rows if (m <= FEW) == few]
        if not rows:
            continue
        run = Run(library, weights, rows, options)
        run.warm_up()
        for number in range(options.rounds):
            run.round(number)
        run.close()
        for (m, label), ms in run.medians().items():
            found.setdefault(label, {})[m] = ms
    return found


def best_kernels(path):
    """The first kernel set that this CPU can run: Quire takes that one."""
    name = ctypes.CDLL(path).quire_kernels_name
    name.argtypes = [ctypes.c_size_t, ctypes.c_void_p]
    name.restype = ctypes.c_char_p
    runs, index = ctypes.c_bool(), 0
    while text := name(index, ctypes.byref(runs)):
        if runs:
            return text.decode()
        index += 1
    return "none"


def machine_name():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown CPU"


def series(content, level):
    """M, Quire's ms and ONNX Runtime's."""
    quire = content["ms"][f"quire level {level}"]
    other = content["ms"][f"onnxruntime level {level}"]
    rows = sorted(quire, key=int)
    return (
        [int(m) for m in rows],
        [quire[m] for m in rows],
        [other[m] for m in rows],
    )


def report(content):
    """Prints how many times as fast Quire is; False if it is not."""
    ahead = True
    for level in LEVELS:
        rows, quire, other = series(content, level)
        ratios = [theirs / ours for ours, theirs in zip(quire, other)]
        for m, ours, theirs, ratio in zip(rows, quire, other, ratios):
            print(f"level {level} {m:>4} {ours:>9.4f} {theirs:>9.4f} {ratio:>6.2f}x")
        least = min(ratios)
        print(f"level {level}: least {least:.2f}x, at M = {rows[ratios.index(least)]}")
        ahead = ahead and least > 1
    return ahead


def draw(content, level, path):
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    # The same input gives the same file. A white ground is legible on a dark
    # page too.
    plt.rcParams["svg.hashsalt"] = "quire"
    rows, quire, other = series(content, level)
    least = min(theirs / ours for ours, theirs in zip(quire, other))
    figure, axes = plt.subplots(figsize=(6.4, 3.8), facecolor="white")
    version = content["onnxruntime"]
    axes.plot(
        rows, other, color="#c55a11", marker="s", markersize=3, linewidth=1,
        label=f"ONNX Runtime {version}",
    )  # fmt: skip
    axes.plot(
        rows, quire, color="#0b5394", marker="o", markersize=3, linewidth=1,
        label=f"Quire, kernels {content['kernels']}",
    )  # fmt: skip
    axes.set_xlim(0, max(rows) + 1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("rows of x (tokens at once)")
    axes.set_ylabel("ms a call")
    axes.grid(True, linewidth=0.3)
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    computed = "int8 activations" if level == 4 else "f32"
    k, n = content["shape"]
    threads = f"{content['threads']} thread" + ("s" if content["threads"] > 1 else "")
    axes.set_title(
        f"Level {level} ({computed}), Q4_0, K = {k}, N = {n}, {threads}; "
        f"at least {least:.2f} times as fast\n{content['machine']}",
        fontsize=9,
    )
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def numbers(text):
    """ "1-4,8" is [1, 2, 3, 4, 8]"""
    found = []
    for item in text.split(","):
        first, _, last = item.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", default="build/libquire.so")
    parser.add_argument("--shape", type=numbers, default=[4096, 4096], metavar="K,N")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=numbers, default=numbers("1-64"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--kernels")
    parser.add_argument("--machine", default=machine_name())
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--from", dest="file", metavar="FILE", help="what --json wrote")
    parser.add_argument("--plots", metavar="FOLDER")
    options = parser.parse_args()
    options.single = False
    if options.file:
        content = json.loads(Path(options.file).read_text(encoding="utf-8"))
    else:
        content = {
            "onnxruntime": ort.__version__,
            "machine": options.machine,
            "shape": options.shape,
            "threads": options.threads,
            "kernels": options.kernels or best_kernels(options.library),
            "ms": measure(options),
        }
    # As JSON has them: keys are strings.
    content = json.loads(json.dumps(content))
    if options.json:
        text = json.dumps(content, indent=1) + "\n"
        Path(options.json).write_text(text, encoding="utf-8")
    if options.plots:
        for level in LEVELS:
            draw(content, level, Path(options.plots) / f"rows_level_{level}.svg")
    return 0 if report(content) else 1


if __name__ == "__main__":
    sys.exit(main())
