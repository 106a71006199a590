"""Models written again, with the same tensors: stamp and strip."""

import os

from quire import _core
from quire._jobs import Progress, run
from quire._model import Path


def stamp(
    path: Path,
    out: Path,
    *,
    alignment: int = 0,
    overwrite: bool = False,
    threads: int = 0,
    progress: Progress = None,
) -> None:
    """Writes any GGUF file as a container: with pages and checksums.

    The tensors' bytes and the metadata stay as they are; tensors of a container
    keep their checksums. Of a split set, any part stands for the set. Ctrl-C
    stops it and leaves nothing behind.

    Args:
        path: the file.
        out: the container.
        alignment: of tensors, in bytes; 0: 16384.
        overwrite: replace files that exist.
        threads: that hash; 0: one for each CPU that this process may use.
        progress: as in `convert`.

    Raises:
        FileExists, MissingFileError, FileError: a file.
        FormatError: what is read is no GGUF file, or malformed.

    >>> quire.strip("model.gguf", "plain.gguf")
    >>> quire.stamp("plain.gguf", "stamped.gguf", alignment=4096)
    >>> with quire.open("stamped.gguf", verify="tensors") as m:
    ...     print(m.info.alignment)
    4096
    """
    _copy(path, out, False, alignment, threads, overwrite, progress, "stamp")


def strip(
    path: Path,
    out: Path,
    *,
    alignment: int = 0,
    overwrite: bool = False,
    threads: int = 0,
    progress: Progress = None,
) -> None:
    """Writes a container as a plain GGUF file, without the keys ``quire.*``.

    The container is verified first, because damage could not be found
    afterwards. The arguments are those of `stamp`; alignment 0 is 32.

    Raises:
        ChecksumError: the container is damaged.
        NotFoundError: it is no container.

    >>> quire.strip("model.gguf", "bare.gguf")
    >>> with quire.open("bare.gguf") as m:
    ...     print(m.info.quire_version, m.info.alignment)
    0 32
    """
    _copy(path, out, True, alignment, threads, overwrite, progress, "strip")


def _copy(
    path: Path,
    out: Path,
    plain: bool,
    alignment: int,
    threads: int,
    overwrite: bool,
    progress: Progress,
    title: str,
) -> None:
    run(
        lambda job: _core.copy(
            job,
            os.fsencode(path),
            os.fsencode(out),
            plain,
            alignment,
            threads,
            overwrite,
        ),
        progress,
        title,
    )
