#!/usr/bin/env python3
"""Times products where the CPUs are not all the program's own.

    compare_busy.py [--library build/libquire.so] [--before OLD.so]
                    [--case NAME]... [--rounds N] [--starts N] [--json FILE]

Needs bench/requirements.txt, and libquire as a shared library (cmake
-DBUILD_SHARED_LIBS=ON). --before is another build of it, timed beside it.

Each contestant is a process: Quire with one thread and with one for each CPU,
the other build, and ONNX Runtime. They take turns of a part of a second, and
which is first changes from round to round. A figure is over all calls of all
turns, and of --starts processes, because a process can have memory that is slower
than another one's. The weights are Q4_0, always the same (so they are cached),
K = N, and the accuracy level is 4. The cases:

    idle        nothing else runs
    hogs        as many endless loops as CPUs run beside it
    crowd       twice as many threads as CPUs
    pair        two processes of the same kind at once
    one-cpu     the process may use one CPU only
    quota       a cgroup with the time of one CPU (where one can be made)
    pause-1     1 ms between two calls
    pause-100   100 ms between two calls

cpu is the CPU time of the process in percent of the time that passed.
"""

import argparse
import contextlib
import ctypes
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

CPUS = len(os.sched_getaffinity(0))
# Where cgroups of version 2 and 1 are made, and what gives one the time of one CPU
# (of each period of 100 ms, in us).
QUOTAS = (
    (pathlib.Path("/sys/fs/cgroup"), "cpu.max", "100000 100000"),
    (pathlib.Path("/sys/fs/cgroup/cpu"), "cpu.cfs_quota_us", "100000"),
)
LEVEL = 4
WARM = 0.05  # seconds of calls before each turn


# ------------------------------------------------------------- the contestants


def make_contestant(what, size):
    """`what` is quire:THREADS:LIBRARY or ort:THREADS."""
    import compare_ort

    kind, threads, *library = what.split(":", 2)
    options = argparse.Namespace(threads=int(threads), kernels=None, single=False)
    weights = compare_ort.Weights(size, size)
    if kind == "ort":
        return compare_ort.OnnxRuntime(weights, 1, LEVEL, "f32", options)
    loaded = ctypes.CDLL(library[0])
    loaded.quire_matmul.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_size_t] + (
        [ctypes.c_void_p] * 3
    )
    loaded.quire_runtime_free.argtypes = [ctypes.c_void_p]
    return compare_ort.Quire(loaded, weights, 1, LEVEL, "f32", options)


def take_turn(contestant, seconds, pause):
    """The seconds of each call, CPU seconds, and seconds that passed."""
    clock, calls = time.perf_counter, []
    begin = clock()
    while clock() - begin < WARM and not pause:
        contestant.run()
    begin, cpu = clock(), time.process_time()
    while clock() - begin < seconds:
        if pause:
            time.sleep(pause)
        start = clock()
        contestant.run()
        calls.append(clock() - start)
    if pause:
        time.sleep(pause)
    return calls, time.process_time() - cpu, clock() - begin


def serve(what):
    """Reads a line {size, m} or {seconds, pause}; answers with a line."""
    import numpy as np

    contestant, size = None, 0
    for line in sys.stdin:
        order = json.loads(line)
        if "m" in order:
            if size != order["size"]:
                size = order["size"]
                contestant = make_contestant(what, size)
            x = np.random.default_rng(2).uniform(-1, 1, (order["m"], size))
            y = np.empty((order["m"], size), np.float32)
            contestant.prepare(x.astype(np.float32), y)
            answer = "ready"
        else:
            answer = take_turn(contestant, order["seconds"], order["pause"])
        print(json.dumps(answer), flush=True)


class Contestant:
    def __init__(self, what, cpus=None, group=None):
        def restrict():
            if cpus:
                os.sched_setaffinity(0, cpus)
            if group:
                (group / "cgroup.procs").write_text(str(os.getpid()))

        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", what],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=restrict,
        )

    def send(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("a contestant ended")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# ------------------------------------------------------------------- the cases


@contextlib.contextmanager
def hogs(count):
    running = [
        subprocess.Popen(["sh", "-c", "while :; do :; done"], start_new_session=True)
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for each in running:
            each.kill()
            each.wait()


@contextlib.contextmanager
def quota_of_one_cpu():
    """The folder of a cgroup, or None if this machine lets us make none."""
    for parent, file, quota in QUOTAS:
        group = parent / f"quire-bench-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            # The kernel makes the file, where the group has the controller.
            if (group / file).exists():
                (group / file).write_text(quota)
                yield group
                return
        finally:
            with contextlib.suppress(OSError):
                group.rmdir()
    yield None


class Figures:
    def __init__(self, turns):
        calls = sorted(each for turn in turns for each in turn[0])
        self.calls = len(calls)
        self.median = statistics.median(calls) * 1e3
        self.mean = statistics.fmean(calls) * 1e3
        self.p99 = calls[min(len(calls) - 1, len(calls) * 99 // 100)] * 1e3
        self.cpu = 100 * sum(t[1] for t in turns) / sum(t[2] for t in turns)


def measure(contestants, size, m, rounds, seconds, pause):
    """Takes turns; a contestant is a list of processes that run at once."""
    for group in contestants.values():
        for each in group:
            each.send(size=size, m=m)
            each.answer()
    turns = {label: [] for label in contestants}
    order = list(contestants)
    for number in range(rounds):
        at = number % len(order)
        for label in order[at:] + order[:at]:
            time.sleep(0.1)  # in which the threads of the one before go to sleep
            for each in contestants[label]:
                each.send(seconds=seconds, pause=pause)
            turns[label] += [each.answer() for each in contestants[label]]
    return turns


def start(options, threads, together=1, peers=True, **how):
    """Processes of each kind, with `threads` threads and with one."""
    kinds = {f"Quire, {threads}": f"quire:{threads}:{options.library}"}
    if threads != 1:
        kinds["Quire, 1"] = f"quire:1:{options.library}"
    if options.before:
        kinds[f"before, {threads}"] = f"quire:{threads}:{options.before}"
    if peers:
        kinds[f"ONNX Runtime, {threads}"] = f"ort:{threads}"
    return {
        label: [Contestant(what, **how) for _ in range(together)]
        for label, what in kinds.items()
    }


FEW = [(2048, 1), (4096, 1), (2048, 64), (4096, 64)]
EVERY = [(size, m) for size in (384, 2048, 4096) for m in (1, 16, 64)]
# By case: shapes (size, m), seconds of a turn, pause between calls.
CASES = {
    "idle": (EVERY, 0.2, 0),
    "hogs": (FEW, 1.0, 0),
    "crowd": (FEW, 0.3, 0),
    "pair": (FEW, 0.5, 0),
    "one-cpu": (FEW, 0.3, 0),
    "quota": (FEW, 0.5, 0),
    "pause-1": (FEW[:1], 0.5, 1e-3),
    "pause-100": (FEW[:1], 2.0, 0.1),
}


@contextlib.contextmanager
def contestants_of(case, options):
    """The processes of a case, in what surrounds them; None: not on this machine."""
    with contextlib.ExitStack() as stack:
        if case == "hogs":
            stack.enter_context(hogs(CPUS))
        if case == "crowd":
            made = start(options, 2 * CPUS)
        elif case == "pair":
            made = start(options, CPUS, together=2)
        elif case == "one-cpu":
            made = start(options, 2, cpus={min(os.sched_getaffinity(0))})
        elif case == "quota":
            group = stack.enter_context(quota_of_one_cpu())
            made = start(options, 2, group=group) if group else None
        else:
            made = start(options, CPUS)
        yield made
        for each in sum((made or {}).values(), []):
            each.close()


def run_case(case, options):
    """The turns of each contestant, by shape."""
    shapes, seconds, pause = CASES[case]
    found = {shape: {} for shape in shapes}
    for _ in range(options.starts):
        with contestants_of(case, options) as contestants:
            if contestants is None:
                print(f"{case}: this machine lets us make no such cgroup")
                return {}
            for shape in shapes:
                turns = measure(contestants, *shape, options.rounds, seconds, pause)
                for label, each in turns.items():
                    found[shape].setdefault(label, []).extend(each)
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", default="build/libquire.so")
    parser.add_argument("--before", metavar="OLD.so")
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--starts", type=int, default=1)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--serve", metavar="WHAT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    rows = []
    for case in options.case or CASES:
        for (size, m), contestants in run_case(case, options).items():
            print(f"\n{case}: {size} x {size}, M = {m}; ms a call")
            print(f"{'':20}{'median':>9}{'mean':>9}{'p99':>9}{'cpu':>7}{'calls':>8}")
            for label, turns in contestants.items():
                f = Figures(turns)
                print(
                    f"{label:20}{f.median:9.4f}{f.mean:9.4f}{f.p99:9.4f}"
                    f"{f.cpu:6.0f}%{f.calls:8}",
                    flush=True,
                )
                rows.append({"case": case, "size": size, "m": m, "who": label})
                rows[-1] |= vars(f)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"cpus": CPUS, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
