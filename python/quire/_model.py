"""Models: the tensors, metadata and linear layers of an open file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, SupportsIndex, overload

import numpy as np

from quire import _core
from quire._jobs import Progress, run
from quire._tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

Path = str | os.PathLike[str]

_VERIFY = {"header": 0, "tensors": 0, "lazy": 2}
_LOAD = {"map": 0, "read": 1}
_PREFETCH = {None: 0, "will_need": 1, "populate": 2}


def _pick(name: str, value: str | None, table: Mapping[Any, int]) -> int:
    try:
        return table[value]
    except (KeyError, TypeError):
        known = ", ".join(repr(key) for key in table)
        raise ValueError(f"{name} is {value!r}; it can be {known}") from None


class Linear(_core.Linear):
    """One linear layer, y = x W^T + bias: ``model.linears[name]``. Call it.

    ``linear(x, out=None, accuracy_level=None, *, runtime=None)``

    Args:
        x: an array of shape (..., k), float32 or float16. Its rows are read
            where they are; they may be apart (a slice of a larger array), but
            elements must be adjacent, and all rows equally far apart. Another
            layout is a ValueError; nothing is copied behind your back.
        out: where y goes: an array of shape (..., n), float32 or float16, of
            the same kind of layout, that does not overlap x. Default: a new
            array of x's type.
        accuracy_level: 1 to 3 compute in f32, 4 quantizes x to int8 in blocks
            of 32. Default: the layer's own `accuracy_level`.
        runtime: a `Runtime`. Default: one of the process, with a thread for
            each CPU that it may use.

    Returns:
        y, which is ``out`` if that was given.

    Other threads of Python run meanwhile, and any number of them may multiply
    at once. The numbers do not depend on the number of threads.

    >>> x = numpy.ones((2, 384), numpy.float32)
    >>> with quire.open("model.gguf") as m:
    ...     query = m.linears["/encoder/layer.0/attention/self/query/MatMul_Q4"]
    ...     print(query.k, query.n, query.accuracy_level, query(x).shape)
    384 384 4 (2, 384)
    """

    __slots__ = ()

    def __repr__(self) -> str:
        try:
            return f"<quire.Linear {self.name!r} k={self.k} n={self.n}>"
        except ValueError:
            return "<quire.Linear of a closed model>"


class Array(Sequence[Any]):
    """An array in the metadata. Its elements are read at their first use.

    ``numpy.asarray`` of it works, too; for numbers without a Python object for
    each element.

    >>> with quire.open("model.gguf") as m:
    ...     k = m.metadata["quire.linear.k"]
    ...     print(len(k), k.dtype, k[-1], numpy.asarray(k))
    6 uint64 1536 [ 384  384  384  384  384 1536]
    """

    _TYPES = (
        "uint8", "int8", "uint16", "int16", "uint32", "int32", "float32",
        "bool", "str", "", "uint64", "int64", "float64",
    )  # fmt: skip

    def __init__(self, model: Model, key: str, kind: int, count: int) -> None:
        self._model = model
        self._key = key
        self._count = count
        self._items: list[Any] | None = None
        #: NumPy's name of the elements' type, or "str".
        self.dtype = self._TYPES[kind]

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: SupportsIndex) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        if self._items is None:
            self._items = self._model._value_list(self._key)
        return self._items[index]

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        """The elements in a new array.

        >>> with quire.open("model.gguf") as m:
        ...     print(numpy.asarray(m.metadata["quire.linear.bias"]).dtype)
        int32
        """
        if copy is False:
            raise ValueError("elements of metadata need a copy")
        if self.dtype == "str":
            return np.array(self[:], dtype)
        kind = np.dtype(self.dtype).newbyteorder("<")
        array: NDArray[Any] = np.frombuffer(self._model._value_bytes(self._key), kind)
        return array.astype(self.dtype if dtype is None else dtype)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Array | list | tuple):
            return self[:] == list(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<quire.Array of {self._count} {self.dtype}>"


class Metadata(Mapping[str, Any]):
    """The metadata of a model, in file order: ``model.metadata``.

    Values are int, float, bool, str, or an `Array`, which reads its elements
    when they are used.

    >>> with quire.open("model.gguf") as m:
    ...     print(m.metadata["general.name"], m.metadata["general.alignment"])
    all-MiniLM-L6-v2 16384
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def __getitem__(self, key: str) -> Any:
        value = self._model._value(key)
        if isinstance(value, tuple):
            return Array(self._model, key, *value)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._model._value_keys())

    def __len__(self) -> int:
        return len(self._model._value_keys())

    def __repr__(self) -> str:
        return f"<quire.Metadata of {len(self)} keys>"


class Linears(Mapping[str, Linear]):
    """The linear layers of a model, in the source's order: ``model.linears``.

    Only containers have them.

    >>> with quire.open("model.gguf") as m:
    ...     print(len(m.linears), next(iter(m.linears)))
    6 /encoder/layer.0/attention/self/query/MatMul_Q4
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def __getitem__(self, name: str) -> Linear:
        return self._model._linear(name)  # type: ignore[return-value]

    def __iter__(self) -> Iterator[str]:
        return iter(self._model._linear_names())

    def __len__(self) -> int:
        return len(self._model._linear_names())

    def __repr__(self) -> str:
        return f"<quire.Linears, {len(self)}>"


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a model. Sizes and offsets are in bytes."""

    path: str | None
    alignment: int
    data_offset: int
    file_size: int
    first_tensor: int
    tensor_count: int
    header_edited: bool


@dataclass(frozen=True, slots=True)
class Info:
    """Facts about a model's file, `Model.info`. Sizes and offsets are in bytes.

    ``quire_version`` is 0 for a GGUF file that is no container: it has no
    checksums and no linears. Of a split set, ``file_size`` is the sum of all
    parts and the rest is the first part's.
    """

    gguf_version: int
    quire_version: int
    alignment: int
    data_offset: int
    file_size: int
    header_edited: bool
    parts: tuple[Part, ...]


class Model(_core.Model):
    """An open container or other GGUF file; `quire.open` makes it.

    A mapping of names to tensors, in file order. It never changes, and any
    number of threads may use it at once. A file that shrinks while it is mapped
    ends the process with SIGBUS as soon as a page is touched that is no longer
    there: replace files by renaming, call `check`, or open with load="read".

    >>> with quire.open("model.gguf") as m:
    ...     print(len(m), "no such tensor" in m)
    12 False
    """

    if TYPE_CHECKING:
        # The C type has it, faster than a method of Python's.
        def __getitem__(self, name: str) -> Tensor: ...

    def keys(self) -> list[str]:
        """The names of the tensors, in file order.

        >>> with quire.open("model.gguf") as m:
        ...     print(m.keys()[0])
        encoder.layer.0.attention.self.query.bias
        """
        return self._names()

    def values(self) -> list[Tensor]:
        """The tensors, in file order.

        >>> with quire.open("model.gguf") as m:
        ...     print(sum(t.nbytes for t in m.values()))
        1009152
        """
        return [self[name] for name in self._names()]

    def items(self) -> list[tuple[str, Tensor]]:
        """Names and tensors, in file order.

        >>> with quire.open("model.gguf") as m:
        ...     print({t.dtype for _, t in m.items()} == {"F32", "Q4_0"})
        True
        """
        return [(name, self[name]) for name in self._names()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    @property
    def metadata(self) -> Metadata:
        """The metadata, a mapping; see `Metadata`."""
        return Metadata(self)

    @property
    def linears(self) -> Linears:
        """The linear layers, a mapping of names to `Linear`."""
        return Linears(self)

    @property
    def info(self) -> Info:
        """Versions, sizes and files; see `Info`.

        >>> with quire.open("model.gguf") as m:
        ...     print(m.info.quire_version, m.info.alignment)
        1 16384
        """
        return Info(*self._info(), tuple(Part(*row) for row in self._parts()))

    def verify(self, *, threads: int = 0, progress: Progress = None) -> None:
        """Reads every byte and compares it with the checksums.

        Ctrl-C stops it. ``progress`` is True for a bar (of tqdm, if that is
        installed), or a function of the bytes that are done and of all, which
        may return False to stop.

        Raises:
            ChecksumError: damage; its ``damaged`` has all damaged tensors.
            NotFoundError: the file has no checksums.
            FormatError, FileError: padding that is not zero; a file that
                cannot be read.
            CancelledError: the progress function returned False.

        >>> with quire.open("model.gguf") as m:
        ...     m.verify()
        """
        run(lambda job: _core.verify(job, self, threads), progress, "verify")

    def check(self) -> None:
        """Checks whether the files have changed since they were opened: some
        system calls, no reading.

        Raises:
            FormatError: a file has become shorter; touching pages beyond its
                end would end the process (SIGBUS).
            FileError: a file was written to.

        >>> with quire.open("model.gguf") as m:
        ...     m.check()
        """
        self._check()

    def close(self) -> None:
        """Unmaps the file. Tensors and linears cannot be used any more.

        Without it the file is unmapped when the model and all that it gave are
        gone.

        Raises:
            BufferError: views of the pages are alive (arrays, memoryviews),
                or another thread uses the model. Nothing is closed then.

        >>> m = quire.open("model.gguf")
        >>> view = numpy.asarray(m["encoder.layer.0.output.dense.bias"])
        >>> m.close()
        Traceback (most recent call last):
        ...
        BufferError: cannot close the model: 1 view of its pages are alive; ...
        >>> del view
        >>> m.close()
        >>> m.closed
        True
        """
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._close()
            return
        # The error is what matters: a view in its traceback must not hide it.
        with contextlib.suppress(BufferError):
            self._close()

    def __repr__(self) -> str:
        if self.closed:
            return "<quire.Model, closed>"
        path = self._parts()[0][0]
        return f"<quire.Model {path!r}, {len(self)} tensors>"


def open(
    path: Path,
    *,
    verify: Literal["header", "lazy", "tensors"] = "header",
    load: Literal["map", "read"] = "map",
    prefetch: Literal["will_need", "populate"] | None = None,
    lock: bool = False,
    allow_edited_header: bool = False,
) -> Model:
    """Opens a container or another GGUF file; of a split set, any part.

    The structure of the file and the checksum of its header are always checked.
    By default nothing else is read, so this takes well under a millisecond.

    Args:
        path: the file.
        verify: when tensors are compared with their checksums: "header": never,
            but by `Model.verify`; "lazy": each when it is first multiplied by;
            "tensors": all now, as `Model.verify` does.
        load: "map": the pages of the file, shared with other processes; "read":
            a copy in private memory, for network file systems and for files
            that other programs may cut or overwrite.
        prefetch: when pages of a mapped file are read: None: each at its first
            use; "will_need": all, in the background; "populate": all, now.
        lock: keep the file in memory (mlock).
        allow_edited_header: open a file whose header does not match its
            checksum, for example because another tool edited its metadata.

    Raises:
        MissingFileError, FileError: the system cannot open the file.
        FormatError: it is no GGUF file, malformed or damaged.
        NotFoundError: it has no checksums, and ``verify`` needs them; or a part
            of the set is missing.

    >>> with quire.open("model.gguf", verify="lazy") as m:
    ...     print(m)
    <quire.Model 'model.gguf', 12 tensors>
    """
    model = Model(
        os.fsencode(path),
        _pick("verify", verify, _VERIFY),
        _pick("load", load, _LOAD),
        _pick("prefetch", prefetch, _PREFETCH),
        lock,
        allow_edited_header,
    )
    if verify == "tensors":
        # As the library would do itself, but in a way that Ctrl-C stops.
        try:
            model.verify()
        except BaseException:
            model.close()
            raise
    return model
