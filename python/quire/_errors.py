"""Exceptions, from the library's quire_error."""

import os


class Error(Exception):
    """A failure of the library. The base of all that it reports.

    Attributes:
        status: the library's name of the kind, such as ``"checksum"``.
        message: what is wrong, without the path.
        path: the file that it is about, or None.
        offset: the byte in that file, or None.

    >>> try:
    ...     quire.open("model.onnx")
    ... except quire.Error as error:
    ...     print(error.status, error.path, error.offset)
    magic model.onnx 0
    """

    status: str
    message: str
    path: str | None
    offset: int | None

    def __init__(
        self,
        status: str,
        message: str,
        path: str | None = None,
        offset: int | None = None,
    ) -> None:
        super().__init__(status, message, path, offset)
        self.status = status
        self.message = message
        self.path = path
        self.offset = offset

    def __str__(self) -> str:
        text = f"{self.path}: {self.message}" if self.path else self.message
        if self.offset is not None:
            text += f" (at byte {self.offset})"
        return text


class ArgumentError(Error, ValueError):
    """An argument is wrong, or does not fit the others."""


class FormatError(Error, ValueError):
    """A file is not what it should be: no GGUF, truncated, or malformed."""


class ChecksumError(FormatError):
    """Bytes differ from their checksum.

    Attributes:
        damaged: from `Model.verify`, the names of all damaged tensors.
    """

    damaged: tuple[str, ...] = ()


class UnsupportedError(Error, ValueError):
    """The library cannot do this with this model or on this machine."""


class NotFoundError(Error, ValueError):
    """Something that is needed is not there, such as checksums or a part."""


class FileError(Error, OSError):
    """The system cannot read or write a file."""


class MissingFileError(FileError, FileNotFoundError):
    """There is no such file."""


class FileExists(FileError, FileExistsError):
    """The output exists, and ``overwrite`` is not set."""


class OutOfMemoryError(Error, MemoryError):
    """There is not enough memory."""


class CancelledError(Error):
    """A progress function returned False."""


_KINDS: dict[int, tuple[str, type[Error]]] = {
    1: ("memory", OutOfMemoryError),
    2: ("argument", ArgumentError),
    3: ("io", FileError),
    4: ("cancelled", CancelledError),
    5: ("exists", FileExists),
    10: ("magic", FormatError),
    11: ("version", FormatError),
    12: ("truncated", FormatError),
    13: ("layout", FormatError),
    14: ("checksum", ChecksumError),
    20: ("unsupported", UnsupportedError),
    21: ("not found", NotFoundError),
}


def make_error(
    status: int, message: str, path: str | None, offset: int | None
) -> Error:
    """The exception for a quire_error."""
    name, kind = _KINDS.get(status, (f"status {status}", Error))
    if kind is FileError and path and not os.path.lexists(path):
        kind = MissingFileError
    return kind(name, message, path, offset)
