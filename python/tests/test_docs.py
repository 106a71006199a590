"""Docstrings and docs/python.md say what happens: their examples run."""

import doctest
import importlib
import pathlib
import re

import numpy
import pytest

import quire
from conftest import ROOT

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = (
    "quire",
    "quire._convert",
    "quire._diff",
    "quire._errors",
    "quire._hash",
    "quire._model",
    "quire._rewrite",
    "quire._runtime",
    "quire._tensor",
    "quire.onnxruntime",
)


@pytest.fixture
def here(folder, tmp_path, monkeypatch):
    """A folder with model.onnx and model.gguf, as the current one."""
    for name in ("model.onnx", "model.gguf"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name, here):
    if name == "quire.onnxruntime":
        pytest.importorskip("onnxruntime")
    names = {"quire": quire, "numpy": numpy}
    result = doctest.testmod(
        importlib.import_module(name), optionflags=FLAGS, extraglobs=names
    )
    assert result.attempted > 0 and result.failed == 0


@pytest.mark.parametrize("path", ("docs/python.md", "README.md"))
def test_document(path, here):
    """Each block of Python with prompts runs, one after the other."""
    text = (ROOT / path).read_text()
    blocks = re.findall(r"```pycon\n(.*?)```", text, re.S)
    assert blocks
    names = {"__name__": "__main__"}
    parser, runner = (
        doctest.DocTestParser(),
        doctest.DocTestRunner(optionflags=FLAGS),
    )
    for number, block in enumerate(blocks):
        if "onnxruntime" in block:
            pytest.importorskip("onnxruntime")
        test = parser.get_doctest(block, names, f"{path} {number}", path, 0)
        names = test.globs  # a copy; the old one would keep views
        runner.run(test, clear_globs=False)
    assert runner.summarize().failed == 0


def test_everything_has_a_docstring_with_an_example():
    finder = doctest.DocTestFinder()
    for name in quire.__all__:
        item = getattr(quire, name)
        assert item.__doc__, name
        if callable(item) and not isinstance(item, type):
            assert any(test.examples for test in finder.find(item)), name


def test_stubs_are_there():
    folder = pathlib.Path(quire.__file__).parent
    assert (folder / "py.typed").exists() and (folder / "_core.pyi").exists()
