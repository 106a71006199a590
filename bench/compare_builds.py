#!/usr/bin/env python3
"""Times two builds of the command in turns and compares them cell by cell.

    bench/compare_builds.py OLD NEW [options] -o TABLE.md

A cell is a kernel set, a number of threads, an accuracy level, a type of
weights and M rows of x. All cells of a set, a number of threads and a type are
one short run of `quire bench` (a few seconds). In each round every run is made
by both builds, one right after the other; which of them is first alternates
from round to round. A round gives each cell one ratio, new time to old time,
in which slow drifts of the machine cancel; the cell's figure is the median of
these ratios, beside their quartiles.

A cell whose median is off by more than the limit gets more rounds, and so do
all cells of its run. Later rounds are added to the first ones and none is left
out, so no figure is chosen by its outcome. The verdict is "same" within the
limit, "unclear" where the limit is passed but the quartiles include 1, else
"faster" or "slower". The exit code is 1 if a cell is slower.

With the same program as OLD and NEW the table shows the machine's noise.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

KERNELS = ("scalar", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512vbmi2",
           "neon", "neon_dotprod", "neon_i8mm")


def numbers(text):
    return [int(part) for part in text.split(",")]


def names(text):
    return text.split(",")


def parse():
    parser = argparse.ArgumentParser(
        description="Times two builds of the command in turns.")
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path,
                        help="the table, in Markdown; default: stdout")
    parser.add_argument("--raw", type=pathlib.Path,
                        help="all times of all rounds, as JSON")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--more", type=int, default=22,
                        help="rounds that follow for runs with a cell outside "
                        "the limit; 0: none")
    parser.add_argument("--limit", type=float, default=0.02)
    parser.add_argument("--size", type=int, default=4096, help="K and N")
    parser.add_argument("--scalar-size", type=int, default=1024,
                        help="K and N of the set scalar")
    parser.add_argument("--kernels", type=names,
                        help="default: all sets that both builds take here")
    parser.add_argument("--threads", type=numbers, default=[1, 2])
    parser.add_argument("--levels", type=numbers, default=[1, 4])
    parser.add_argument("--m", type=numbers, default=[1, 4, 16, 64, 256])
    parser.add_argument("--weights", type=names,
                        default=["Q4_0", "Q4_1", "Q8_0"])
    parser.add_argument("--cpus", type=numbers,
                        help="pin a run with T threads to the first T of these")
    return parser.parse_args()


def bench(program, options, kernels, threads, weights, size, levels, rows):
    """{(level, m): milliseconds}; None if the build does not take the set."""
    command = [program.resolve(), "bench", "--json", "--kernels", kernels,
               "--threads", str(threads), "--weights", weights,
               "--shape", f"{size},{size}",
               "--level", ",".join(map(str, levels)),
               "--m", ",".join(map(str, rows))]

    def pin():
        if options.cpus:
            os.sched_setaffinity(0, options.cpus[:threads])

    ran = subprocess.run(command, stdout=subprocess.PIPE, check=False,
                         stderr=subprocess.DEVNULL, preexec_fn=pin)
    if ran.returncode:
        return None
    return {(row["level"], row["m"]): row["ms"]
            for row in json.loads(ran.stdout)["results"]}


class Run:
    """The cells that are measured together, and their times."""

    def __init__(self, options, kernels, threads, weights):
        self.options = options
        self.kernels, self.threads, self.weights = kernels, threads, weights
        self.size = (options.scalar_size if kernels == "scalar"
                     else options.size)
        self.times = {}  # (level, m): [(old ms, new ms) of each round]

    def measure(self, number):
        programs = [self.options.old, self.options.new]
        order = (0, 1) if number % 2 == 0 else (1, 0)
        found = {}
        for i in order:
            found[i] = bench(programs[i], self.options, self.kernels,
                             self.threads, self.weights, self.size,
                             self.options.levels, self.options.m)
            if found[i] is None:
                sys.exit(f"compare_builds.py: {programs[i]} bench --kernels "
                         f"{self.kernels} failed")
        for cell, ms in found[0].items():
            self.times.setdefault(cell, []).append((ms, found[1][cell]))

    def cells(self):
        return [Cell(self, level, m, times)
                for (level, m), times in sorted(self.times.items())]


class Cell:
    def __init__(self, run, level, m, times):
        self.run, self.level, self.m, self.rounds = run, level, m, len(times)
        self.old, self.new = (statistics.median(column)
                              for column in zip(*times))
        ratios = [new / old for old, new in times]
        self.ratio = statistics.median(ratios)
        self.low, self.high = (
            statistics.quantiles(ratios, n=4, method="inclusive")[::2]
            if len(ratios) > 1 else (self.ratio, self.ratio))

    def outside(self):
        return abs(self.ratio - 1) > self.run.options.limit

    def verdict(self):
        if not self.outside():
            return "same"
        if self.low <= 1 <= self.high:
            return "unclear"
        return "faster" if self.ratio < 1 else "slower"


def rounds(runs, count, first, title):
    for number in range(first, first + count):
        start = time.monotonic()
        for run in runs:
            run.measure(number)
        print(f"{title} {number - first + 1} of {count}: {len(runs)} runs by "
              f"both, {time.monotonic() - start:.0f} s", file=sys.stderr,
              flush=True)


def sets_of_both(options):
    def takes(program, kernels):
        return bench(program, options, kernels, 1, "Q4_0", 32, [1], [1])

    found = [name for name in options.kernels or KERNELS
             if takes(options.old, name) and takes(options.new, name)]
    if options.kernels and found != options.kernels:
        sys.exit(f"compare_builds.py: both take {','.join(found) or 'none'} "
                 f"of {','.join(options.kernels)}")
    if not found:
        sys.exit("compare_builds.py: no kernel set that both builds take")
    return found


def machine():
    name = platform.processor() or platform.machine()
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return f"{name}, {os.cpu_count()} CPUs"


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def table(options, runs, added):
    cells = [cell for run in runs for cell in run.cells()]
    verdicts = [cell.verdict() for cell in cells]
    ratios = sorted(cell.ratio for cell in cells)
    yield "# Two builds, timed in turns"
    yield ""
    yield f"- {datetime.date.today()}, {machine()}"
    yield (f"- builds by the SHA-256 of the command: old {digest(options.old)},"
           f" new {digest(options.new)}")
    yield (f"- K = N = {options.size}; scalar: {options.scalar_size}; pinned "
           f"to CPUs: {','.join(map(str, options.cpus or [])) or 'no'}")
    yield (f"- {options.rounds} rounds, {options.more} more for {added} of "
           f"{len(runs)} runs that had a cell outside the limit; all rounds "
           "count")
    yield (f"- {len(cells)} cells: " + ", ".join(
        f"{verdicts.count(word)} {word}"
        for word in ("same", "unclear", "faster", "slower")) +
        f"; limit {100 * options.limit:g} %")
    yield (f"- ratios new / old of the cells: least {ratios[0]:.3f}, median "
           f"{statistics.median(ratios):.3f}, greatest {ratios[-1]:.3f}")
    yield ""
    yield ("| kernels | threads | level | weights | M | old ms | new ms | "
           "new / old | quartiles | rounds | verdict |")
    yield "|---|--:|--:|---|--:|--:|--:|--:|---|--:|---|"
    for cell, verdict in zip(cells, verdicts):
        run = cell.run
        yield (f"| {run.kernels} | {run.threads} | {cell.level} | "
               f"{run.weights} | {cell.m} | {cell.old:.4g} | {cell.new:.4g} | "
               f"{cell.ratio:.3f} | {cell.low:.3f} to {cell.high:.3f} | "
               f"{cell.rounds} | {verdict} |")


def write_raw(path, runs):
    rows = [{"kernels": run.kernels, "threads": run.threads,
             "weights": run.weights, "size": run.size, "level": level, "m": m,
             "old_ms": [old for old, _ in times],
             "new_ms": [new for _, new in times]}
            for run in runs for (level, m), times in sorted(run.times.items())]
    path.write_text(json.dumps(rows, indent=1) + "\n")


def main():
    options = parse()
    runs = [Run(options, kernels, threads, weights)
            for kernels in sets_of_both(options)
            for threads in options.threads
            for weights in options.weights]
    rounds(runs, options.rounds, 0, "round")
    again = [run for run in runs
             if options.more and any(cell.outside() for cell in run.cells())]
    if again:
        rounds(again, options.more, options.rounds, "more: round")
    if options.raw:
        write_raw(options.raw, runs)
    text = "\n".join(table(options, runs, len(again))) + "\n"
    if options.output:
        options.output.write_text(text)
    else:
        print(text, end="")
    return any(cell.verdict() == "slower"
               for run in runs for cell in run.cells())


if __name__ == "__main__":
    sys.exit(main())
