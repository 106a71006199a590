"""What keeps what alive, and that nothing grows."""

import contextlib
import gc
import os
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

import quire
from conftest import QUERY, QUERY_BIAS, QUERY_WEIGHT

# Less with sanitizers, which make a round 10 times slower, and whose memory is
# that of what was freed.
ROUNDS = int(os.environ.get("QUIRE_ROUNDS", 10000))


def anonymous():
    """Bytes of anonymous memory of this process."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    raise AssertionError("no RssAnon")


def test_view_keeps_the_model(folder):
    model = quire.open(folder / "model.gguf")
    gone = weakref.ref(model)
    view = np.asarray(model[QUERY_BIAS])[3:9]
    expected = view.copy()
    with pytest.raises(BufferError, match="1 view"):
        model.close()
    del model
    gc.collect()
    assert gone() is not None
    np.testing.assert_array_equal(view, expected)
    del view
    assert gone() is None


def test_close(folder):
    model = quire.open(folder / "model.gguf")
    tensor, linear = model[QUERY_WEIGHT], model.linears[QUERY]
    kept = model.metadata
    view = tensor.data
    part = view[5:]
    view.release()
    with pytest.raises(BufferError):
        model.close()
    part.release()
    model.close()
    model.close()
    assert model.closed
    for use in (
        lambda: tensor.name,
        lambda: tensor.shape,
        lambda: tensor.data,
        lambda: np.asarray(tensor),
        lambda: tensor.blocks,
        lambda: tensor.dequantize(),
        lambda: tensor.hash(),
        lambda: linear.k,
        lambda: linear(np.ones(384, np.float32)),
        lambda: quire.matmul(tensor, np.ones(384, np.float32)),
        lambda: model[QUERY_BIAS],
        lambda: QUERY_BIAS in model,
        lambda: len(model),
        lambda: model.keys(),
        lambda: model.info,
        lambda: model.linears[QUERY],
        lambda: kept["general.name"],
        lambda: model.verify(),
        lambda: model.check(),
        lambda: quire.hash(model),
        lambda: quire.hash(model, "sha256"),
        lambda: quire.diff(model, model),
        lambda: quire.linear_many([linear], np.ones(384, np.float32)),
        lambda: quire.Runtime(threads=1).prepack(model),
    ):
        with pytest.raises(ValueError, match="closed"):
            use()
    assert "closed" in repr(model) and "closed" in repr(tensor)
    assert "closed" in repr(linear)


def test_with_and_an_error(folder):
    """The error is seen, not that a view of its is alive."""
    with pytest.raises(KeyError), quire.open(folder / "model.gguf") as model:
        view = np.asarray(model[QUERY_BIAS])
        _ = view, model["no such"]


def test_close_while_in_use(folder):
    """Closing while another thread verifies fails or waits its turn, and never
    breaks."""
    model = quire.open(folder / "model.gguf")
    failures = []

    def verify():
        try:
            for _ in range(30):
                model.verify()
        except ValueError as error:
            assert "closed" in str(error)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=verify)
    thread.start()
    while thread.is_alive() and not model.closed:
        with contextlib.suppress(BufferError):
            model.close()
    thread.join()
    assert not failures


def test_cycles(folder):
    model = quire.open(folder / "model.gguf")
    model.kept = [model[QUERY_BIAS], model.linears[QUERY]]
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_nothing_made_by_hand():
    for kind in (quire.Tensor, quire.Linear):
        with pytest.raises(TypeError):
            kind()


def opens(folder):
    with quire.open(folder / "model.gguf") as model:
        assert len(model) == 12


def views(folder, model):
    assert np.asarray(model[QUERY_BIAS]).size == 384
    assert model[QUERY_WEIGHT].blocks.size
    assert len(model[QUERY_WEIGHT].data)
    assert model.metadata["general.name"]


def errors(folder, model):
    for wrong in (
        lambda: quire.open(folder / "no such"),
        lambda: quire.open(folder / "model.onnx"),
        lambda: model["no such"],
        lambda: model.linears["no such"],
        lambda: model.metadata["no such"],
        lambda: memoryview(model[QUERY_WEIGHT]),
        lambda: model.linears[QUERY](np.ones(3, np.float32)),
        lambda: model[QUERY_BIAS].dequantize(1),
    ):
        with pytest.raises(Exception):  # noqa: B017
            wrong()


def products(folder, model):
    x = np.ones((1, 384), np.float32)
    model.linears[QUERY](x, accuracy_level=1)
    quire.matmul(model[QUERY_WEIGHT], x)
    quire.linear_many([model.linears[QUERY]] * 2, x)


@pytest.mark.parametrize("what", (opens, views, errors, products))
def test_flat(folder, what):
    """10,000 times: no reference, no file and no memory stays."""
    with quire.open(folder / "model.gguf") as model:
        arguments = (folder,) if what is opens else (folder, model)
        # pytest.raises makes errors slow: each round has eight of them.
        count = ROUNDS // 8 if what is errors else ROUNDS
        for _ in range(count // 10):
            what(*arguments)
        gc.collect()
        watched = (model, quire.Tensor, quire.Linear, quire.Model, None)
        before = [sys.getrefcount(it) for it in watched]
        memory, files = anonymous(), len(os.listdir("/proc/self/fd"))
        for _ in range(count):
            what(*arguments)
        gc.collect()
        after = [sys.getrefcount(it) for it in watched]
        for was, now in zip(before, after, strict=True):
            # From 3.12 on None has one fixed count.
            assert abs(now - was) < 50
        assert len(os.listdir("/proc/self/fd")) == files
        if "libasan" not in os.environ.get("LD_PRELOAD", ""):
            assert anonymous() - memory < 2 << 20


def test_shrunk_file(folder, tmp_path):
    path = tmp_path / "shrinks.gguf"
    path.write_bytes((folder / "model.gguf").read_bytes())
    with quire.open(path) as mapped, quire.open(path, load="read") as read:
        os.truncate(path, 50000)
        with pytest.raises(quire.FormatError) as caught:
            mapped.check()
        assert caught.value.status == "truncated"
        assert caught.value.offset == 50000
        assert caught.value.path == str(path)
        read.check()
        read.verify()


FORKED = """
import os, sys, numpy, quire
with quire.open(sys.argv[1]) as model:
    linear = model.linears[sys.argv[2]]
    x = numpy.ones((64, 384), numpy.float32)
    y = linear(x)
    child = os.fork()
    if child == 0:
        os._exit(0 if (linear(x) == y).all() else 1)
    sys.exit(os.waitpid(child, 0)[1])
"""


def test_fork(folder):
    """A child multiplies by threads of its own."""
    command = [sys.executable, "-W", "ignore", "-c", FORKED]
    subprocess.run([*command, folder / "model.gguf", QUERY], check=True, timeout=60)


REFUSED = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
imported, kind, what = sys.argv[1:]
if imported == "imported":
    import quire
if sys.version_info >= (3, 13):
    number = interpreters.create(kind)
else:
    # 3.11 has no way to say it.
    options = {"isolated": kind == "isolated"} if sys.version_info >= (3, 12) else {}
    number = interpreters.create(**options)
run = getattr(interpreters, "exec", None) or interpreters.run_string
result = run(number, what)
assert result is None, result.formatted
print("refused")
"""

# NumPy may refuse it first.
PACKAGE = """
try:
    import quire
except ImportError:
    refused = True
assert refused
"""

# What the package does, without NumPy. A module that was imported before is not
# made again: setup refuses it.
MODULE = """
import importlib.util
spec = importlib.util.spec_from_file_location("quire._core", {path!r})
try:
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.setup(int, int, int)
except ImportError as error:
    refused = str(error)
assert "main interpreter" in refused or "subinterpreters" in refused, refused
"""


@pytest.mark.parametrize("imported", ("imported", "new"))
@pytest.mark.parametrize("kind", ("legacy", "isolated"))
@pytest.mark.parametrize("what", (PACKAGE, MODULE), ids=("package", "module"))
def test_subinterpreter(imported, kind, what):
    """The import fails, also when the main interpreter has the package."""
    what = what.replace("{path!r}", repr(quire._core.__file__))
    command = [sys.executable, "-W", "ignore", "-c", REFUSED, imported, kind, what]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (0, "refused\n"), result.stderr


FREE = """
import sysconfig
old = sysconfig.get_config_var
sysconfig.get_config_var = lambda it: 1 if it == "Py_GIL_DISABLED" else old(it)
try:
    import quire
except ImportError as error:
    print(error)
"""


def test_free_threaded():
    """The import fails, by what such a build says of itself."""
    result = subprocess.run(
        [sys.executable, "-c", FREE], capture_output=True, text=True, timeout=60
    )
    assert "free-threaded" in result.stdout, result.stderr
