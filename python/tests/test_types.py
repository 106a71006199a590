"""The types that the package declares, and the style of its code."""

import pathlib
import subprocess
import sys

import pytest

import quire
from conftest import ROOT

TYPED = pathlib.Path(__file__).with_name("typed.py")


CONFIG = ROOT / "pyproject.toml"


def run(folder, *command):
    result = subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_mypy(tmp_path, monkeypatch):
    """Both the package, and a program that uses every call."""
    pytest.importorskip("mypy")
    monkeypatch.setenv("MYPYPATH", str(TYPED.parent))
    options = ("--config-file", CONFIG, "--strict")
    run(tmp_path, "mypy", *options, "-p", "quire", "-m", TYPED.stem)


def test_typed_uses_every_call():
    text = TYPED.read_text()
    for kind in (quire.Model, quire.Tensor, quire.Linear, quire.Runtime):
        for name in dir(kind):
            if not name.startswith("_"):
                assert f".{name}" in text, f"{kind.__name__}.{name}"
    for name in quire.__all__:
        item = getattr(quire, name)
        if not isinstance(item, type):
            assert f"quire.{name}" in text, name


def test_ruff():
    pytest.importorskip("ruff")
    run(ROOT, "ruff", "check", "--no-cache")
    run(ROOT, "ruff", "format", "--check", "--no-cache")
