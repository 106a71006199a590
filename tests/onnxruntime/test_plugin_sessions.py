"""Many sessions: 1,000 opened and closed one after the other, 80 runs at once,
sessions in several threads, the library unregistered and registered again, a
process that forks before its first session."""

import concurrent.futures
import gc
import os
import sys

import numpy as np
import onnxruntime as ort

import plugin_models as models
import plugin_sessions as sessions

SESSIONS = 1000
RUNS = 80
THREADS = 8
# Bytes that memory may grow by from session 100 to session 1,000. A kernel, a
# container or a session that is kept would be several KiB for each of them;
# the C library's heaps settle within less.
GROWTH = 2 << 20


def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def maps(container):
    """How often the file is mapped."""
    with open("/proc/self/maps") as file:
        return sum(str(container) in line for line in file)


def make(folder):
    random = np.random.default_rng(1)
    weights = [
        models.Weight(random, 256, 128, bias=True),
        models.Weight(random, 256, 512),
    ]
    model = folder / "model.onnx"
    made = models.stack(model, weights, level=4, external=True)
    container = models.convert(model)
    models.ops(made, container, folder / "path.onnx", by=str(container))
    models.ops(made, container, folder / "input.onnx")
    x = random.standard_normal((3, 5, 256)).astype(np.float32)
    makers = {
        "path": lambda **k: sessions.by_ops(folder / "path.onnx", **k),
        "input": lambda **k: sessions.by_ops(folder / "input.onnx", **k),
    }
    if sessions.HAS_PROVIDER:
        makers["provider"] = lambda **k: sessions.by_provider(model, **k)
    return container, makers, x


def test_growth(container, makers, x):
    for name, maker in makers.items():
        before = 0
        for i in range(SESSIONS):
            session = maker(threads=1)
            if i % 100 == 0:
                session.run(None, {"x": x[:1, :1]})
            del session
            if i == 99:
                gc.collect()
                before = rss()
        gc.collect()
        grown = rss() - before
        print(f"{name}: grown by {grown >> 10} KiB in {SESSIONS - 100} sessions")
        sessions.check(grown <= GROWTH, f"{name}: grown by {grown} bytes")
        sessions.check(maps(container) == 0, f"{name}: still mapped")


def test_shared(container, makers):
    """However many sessions: by path, one mapping."""
    for name in ("path", "provider"):
        if name not in makers:
            continue
        kept = [makers[name](threads=1) for _ in range(10)]
        sessions.check(maps(container) == 1, f"{name}: {maps(container)} maps")
        kept.pop()
        sessions.check(maps(container) == 1, f"{name}: unmapped too early")
        del kept
        gc.collect()
        sessions.check(maps(container) == 0, f"{name}: still mapped")


def test_concurrent(makers, x):
    """Runs of one session at once, and sessions of their own in threads."""
    for name, maker in makers.items():
        for threads in (1, 2):
            session = maker(threads=threads)
            expected = session.run(None, {"x": x})
            with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
                results = list(
                    pool.map(
                        lambda _: session.run(None, {"x": x}), range(RUNS)
                    )
                )
                own = list(
                    pool.map(
                        lambda _: maker(threads=threads).run(None, {"x": x}),
                        range(RUNS),
                    )
                )
            for y in results + own:
                sessions.check(
                    sessions.same(expected, y), f"{name}: runs differ"
                )


def test_register_again(makers, x):
    if "provider" not in makers:
        return
    expected = makers["provider"]().run(None, {"x": x})
    for _ in range(3):
        gc.collect()
        ort.unregister_execution_provider_library("quire")
        names = [d.ep_name for d in ort.get_ep_devices()]
        sessions.check(sessions.PROVIDER not in names, "still registered")
        y = makers["provider"]().run(None, {"x": x})
        sessions.check(sessions.same(expected, y), "registered again: differs")


def test_fork(makers, x):
    """A child that forks off before ONNX Runtime has threads, while the parent
    has used the library."""
    for name, maker in makers.items():
        expected = maker(threads=1).run(None, {"x": x})
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            y = maker(threads=1).run(None, {"x": x})
            os._exit(0 if sessions.same(expected, y) else 1)
        _, status = os.waitpid(child, 0)
        sessions.check(status == 0, f"{name}: the child ended with {status}")


def main():
    container, makers, x = make(sessions.scratch())
    test_fork(makers, x)
    test_shared(container, makers)
    test_concurrent(makers, x)
    test_register_again(makers, x)
    test_growth(container, makers, x)
    sessions.done("sessions")


if __name__ == "__main__":
    main()
