"""Differences of two models, tensor by tensor."""

import contextlib
from dataclasses import dataclass
from typing import Literal

from quire import _core
from quire._jobs import Progress, run
from quire._model import Model, Path, open


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor in one of two files. ``shape`` is in NumPy's order; ``offset``
    and ``nbytes`` are in bytes, in the file number ``part`` of a split set."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    nbytes: int
    part: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A tensor that is not the same in two models.

    ``kind`` is "only in a", "only in b", "dtype", "shape" or "bytes", the first
    that applies. ``a`` and ``b`` say what the tensor is; None: it is not there.

    If both have the same size, ``first`` is the first byte that differs, from
    the tensor's first (add ``a.offset`` for its place in the file), ``bytes``
    how many differ, and ``pages`` how many pages of 4096 bytes of the tensor
    have such a byte. Else, and where no byte differs, they are None, 0 and 0.
    """

    name: str
    kind: Literal["only in a", "only in b", "dtype", "shape", "bytes"]
    a: TensorInfo | None
    b: TensorInfo | None
    first: int | None
    bytes: int
    pages: int


def diff(
    a: Model | Path,
    b: Model | Path,
    progress: Progress = None,
    *,
    threads: int = 0,
) -> list[Difference]:
    """Compares two containers or other GGUF files, tensor by tensor.

    Tensors are paired by their names, and their types, shapes and bytes are
    compared; their order, places, checksums, and the metadata are not. A
    difference is no exception. Each byte is read once; Ctrl-C stops it.

    Args:
        a: a model, or a file to open.
        b: another.
        progress: as in `convert`, in bytes of one of the two.
        threads: 0: one for each CPU that this process may use.

    Returns:
        The differences: tensors of ``a`` in file order, then those only in
        ``b``. An empty list: all tensors are the same.

    Raises:
        MissingFileError, FileError, FormatError: a file.
        CancelledError: the progress function returned False.

    >>> quire.diff("model.gguf", "model.gguf")
    []
    >>> import pathlib
    >>> data = bytearray(pathlib.Path("model.gguf").read_bytes())
    >>> with quire.open("model.gguf") as m:
    ...     place = m["encoder.layer.0.output.dense.bias"].offset
    >>> data[place + 9 : place + 11] = b"??"
    >>> _ = pathlib.Path("changed.gguf").write_bytes(data)
    >>> for it in quire.diff("model.gguf", "changed.gguf"):
    ...     print(it.name, it.kind, it.first, it.bytes, it.pages)
    encoder.layer.0.output.dense.bias bytes 9 2 1
    """
    with contextlib.ExitStack() as stack:
        models = [
            it
            if isinstance(it, Model)
            else stack.enter_context(open(it, allow_edited_header=True))
            for it in (a, b)
        ]
        rows = run(
            lambda job: _core.diff(job, models[0], models[1], threads),
            progress,
            "diff",
        )
    return [
        Difference(
            name,
            kind,
            None if one is None else TensorInfo(*one),
            None if other is None else TensorInfo(*other),
            *numbers,
        )
        for name, kind, one, other, *numbers in rows
    ]
