"""Quire's plugin for ONNX Runtime: sessions multiply by a container's pages.

The package `onnxruntime` loads it. docs/onnxruntime.md has the options.
"""

from __future__ import annotations

import os
import pathlib
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnxruntime as ort

    from quire._model import Path

_lock = threading.Lock()
_registered = False


def library_path() -> str:
    """The path of the plugin library in this package.

    >>> import quire.onnxruntime
    >>> quire.onnxruntime.library_path().endswith("libquire_onnxruntime.so")
    True
    """
    folder = pathlib.Path(__file__).parent / "lib"
    return str(next(folder.glob("libquire_onnxruntime.*")))


def ep_name() -> str:
    """The name of the execution provider.

    >>> import quire.onnxruntime
    >>> quire.onnxruntime.ep_name()
    'QuireExecutionProvider'
    """
    return "QuireExecutionProvider"


def _devices() -> list[Any]:
    """The provider's devices; the first call registers the library."""
    import onnxruntime as ort

    global _registered
    with _lock:
        if not _registered:
            ort.register_execution_provider_library("quire", library_path())
            _registered = True
    return [d for d in ort.get_ep_devices() if d.ep_name == ep_name()]


def session(
    model: Path,
    container: Path | None = None,
    *,
    thin: bool = False,
    session_options: ort.SessionOptions | None = None,
    **options: str | int,
) -> ort.InferenceSession:
    """A session of ONNX Runtime that multiplies by a container.

    Args:
        model: the ONNX model.
        container: its container; None: ``model.gguf`` for ``model.onnx``.
        thin: the model is one that `quire.thin` wrote. It names its container
            itself, so there is no ``container``.
        session_options: more options of ONNX Runtime; they are changed.
        options: those of the provider: accuracy_level, verify, prefetch, check.

    Raises:
        ImportError: there is no package onnxruntime, 1.24 or later (1.20 for a
            thin model).

    >>> import quire.onnxruntime
    >>> s = quire.onnxruntime.session("model.onnx", check="all")
    >>> quire.onnxruntime.ep_name() in s.get_providers()
    True
    """
    import onnxruntime as ort

    if session_options is None:
        session_options = ort.SessionOptions()
    if thin:
        if container is not None or options:
            raise TypeError("a thin model names its container itself")
        session_options.register_custom_ops_library(library_path())
    else:
        if container is not None:
            options["container"] = os.fspath(container)
        texts = {name: str(value) for name, value in options.items()}
        if not hasattr(ort, "register_execution_provider_library"):
            raise ImportError("this needs onnxruntime 1.24 or later")
        session_options.add_provider_for_devices(_devices(), texts)
    return ort.InferenceSession(os.fspath(model), session_options)
