"""Sessions of ONNX Runtime: plain, with quire's custom ops, with quire's
execution provider. What each test asserts is counted, and a test that asserted
nothing fails."""

import os
import pathlib
import tempfile

import numpy as np
import onnxruntime as ort

LIBRARY = os.environ["QUIRE_PLUGIN"]
PROVIDER = "QuireExecutionProvider"
CPU = "CPUExecutionProvider"
VERSION = tuple(int(part) for part in ort.__version__.split(".")[:2])
HAS_PROVIDER = VERSION >= (1, 24)
QUIET = 4  # log severities: 2 warnings, 3 errors, 4 fatal errors

# ONNX Runtime aborts when it loads them, with or without the plugin.
ABORTS = {
    (1, 20): (
        "dq_channels_rows",
        "dq_conv",
        "einsum",
        "einsum_first",
        "einsum_implied",
        "einsum_implied_capital",
        "einsum_implied_order",
        "einsum_sum",
    ),
    (1, 24): ("dq_channels_rows", "dq_conv"),
}.get(VERSION, ())

checks = 0


def check(condition, what):
    global checks
    checks += 1
    if not condition:
        raise SystemExit(f"onnxruntime {ort.__version__}: {what}")


def done(what):
    if checks == 0:
        raise SystemExit("nothing was checked")
    print(f"onnxruntime {ort.__version__}, {what}: {checks} checks passed")


def scratch():
    """A folder that goes with the process."""
    folder = tempfile.TemporaryDirectory(prefix="quire-plugin-")
    scratch.kept.append(folder)
    return pathlib.Path(folder.name)


scratch.kept = []


def options(threads=0, entries=(), severity=QUIET):
    made = ort.SessionOptions()
    made.intra_op_num_threads = threads
    made.log_severity_level = severity
    for key, value in dict(entries).items():
        made.add_session_config_entry(key, value)
    return made


def plain(model, **keywords):
    return ort.InferenceSession(
        str(model), options(**keywords), providers=[CPU]
    )


def by_ops(model, folder=None, **keywords):
    made = options(**keywords)
    if folder:
        made.add_session_config_entry("quire.folder", str(folder))
    made.register_custom_ops_library(LIBRARY)
    model = model if isinstance(model, bytes) else str(model)
    return ort.InferenceSession(model, made, providers=[CPU])


def devices():
    if PROVIDER not in {d.ep_name for d in ort.get_ep_devices()}:
        ort.register_execution_provider_library("quire", LIBRARY)
    return [d for d in ort.get_ep_devices() if d.ep_name == PROVIDER]


def by_provider(model, provider=None, **keywords):
    made = options(**keywords)
    made.add_provider_for_devices(devices(), provider or {})
    model = model if isinstance(model, bytes) else str(model)
    return ort.InferenceSession(model, made)


def fails(make, *words):
    """Making a session must fail, with a message that has all the words."""
    try:
        make()
    except Exception as error:  # ONNX Runtime has a class for each code
        text = str(error)
        missing = [word for word in words if str(word) not in text]
        check(not missing, f"no {missing} in: {text}")
        return text
    check(False, f"a session was made; expected {words}")


def relative(a, b):
    """The largest difference, relative to the largest finite number of b; equal
    infinities, and NaN beside NaN, do not differ."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    equal = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        apart = np.where(equal, 0, np.abs(a - b))
    largest = np.abs(b[np.isfinite(b)]).max(initial=0)
    return float(apart.max(initial=0) / (largest or 1))


def same(a, b):
    return len(a) == len(b) and all(
        x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
        for x, y in zip(a, b)
    )
