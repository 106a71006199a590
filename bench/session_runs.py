"""The runs of compare_session.py: sessions of one process, call by call in turns."""

import statistics
import subprocess
import sys
import time

from session_kinds import LLAMA_KINDS, feed_of, make_llama, make_session

PROMPT = 256
LONGEST = 20  # seconds, after which a case ends with fewer runs than it would have
CASES = {"token": 5, "prompt": 1, "prompt, last logits": 1}  # least runs


class Neighbours:
    """Endless loops."""

    def __init__(self, count):
        self.count = count

    def __enter__(self):
        loop = [sys.executable, "-c", "while True: pass"]
        self.processes = [subprocess.Popen(loop) for _ in range(self.count)]

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


def in_turns(runs, seconds, least_runs):
    """Milliseconds of the median run, by kind."""
    times = {kind: [] for kind in runs}
    start = time.perf_counter()

    def wanted():
        spent = time.perf_counter() - start
        count = min(map(len, times.values()))
        return count < 2 or (
            spent < LONGEST and (spent < seconds or count < least_runs + 1)
        )

    while wanted():
        for kind, run in runs.items():
            then = time.perf_counter()
            run()
            times[kind].append(1e3 * (time.perf_counter() - then))
            time.sleep(0.002)  # threads of one that wait for work stop that
    # The first one of each fills caches.
    return {kind: statistics.median(t[1:]) for kind, t in times.items()}


class Contestants:
    """The sessions of one process, in each of them the same tokens."""

    def __init__(self, options, name, kinds, threads):
        self.past = PROMPT if name == "smollm2" else 0
        self.sessions = {
            kind: make_session(kind, options.folder, name, options.plugin,
                               threads)
            for kind in kinds if kind not in LLAMA_KINDS
        }
        self.models = {
            kind: make_llama(kind, options.folder, name, options.llama, threads)
            for kind in kinds if kind in LLAMA_KINDS
        }
        for model in self.models.values():
            model.run([1] * PROMPT)

    def runs(self, case, llama):
        """{kind: a function}"""
        any_session = next(iter(self.sessions.values()))
        feeds = (feed_of(any_session, 1, self.past) if case == "token"
                 else feed_of(any_session, PROMPT))
        made = {}
        if case != "prompt, last logits":
            for kind, session in self.sessions.items():
                made[kind] = lambda s=session: s.run(None, feeds)
        if llama:
            tokens = feeds["input_ids"][0].tolist() if self.models else []
            past = self.past if case == "token" else 0
            every = case != "prompt, last logits"
            for kind, model in self.models.items():
                made[kind] = lambda m=model: m.run(tokens, past, every)
        return made

    def close(self):
        for model in self.models.values():
            model.close()


def measure_runs(options, name, kinds):
    kinds = [kind for kind in kinds if kind not in ("prepacked", "shared")]
    found = {}
    for threads in (1, 2):
        contestants = Contestants(options, name, kinds, threads)
        for beside in ("alone", "busy"):
            for case, least_runs in CASES.items():
                runs = contestants.runs(case, beside == "alone")
                if not runs:
                    continue
                key = f"{case}, {threads} thread{'s' * (threads > 1)}, {beside}"
                neighbours = 2 * (beside == "busy")
                with Neighbours(neighbours):
                    found[key] = in_turns(runs, options.seconds, least_runs)
        contestants.close()
    return found
