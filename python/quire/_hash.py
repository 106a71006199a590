"""Checksums of tensors as their bytes are now."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

from quire import _core
from quire._errors import CancelledError
from quire._jobs import Progress, run
from quire._model import Model, Path, open
from quire._tensor import Tensor

# Bytes between two looks at whether to stop: about 10 ms of SHA-256.
_STEP = 4 << 20


def hash(
    model: Model | Path,
    algorithm: str = "xxh3",
    *,
    threads: int = 0,
    progress: Progress = None,
) -> dict[str, str]:
    """Hashes the bytes of each tensor as they are now, in hexadecimal digits.

    Each byte is read once, on several threads, and other threads of Python run
    meanwhile; Ctrl-C stops it. Nothing is compared; `Model.verify` does that.
    The command ``quire hash`` hashes headers and padding, too.

    Args:
        model: a model, or a file to open.
        algorithm: "xxh3", or one of `hashlib`'s, such as "sha256".
        threads: 0: one for each CPU that this process may use.
        progress: as in `convert`.

    Returns:
        Digits by the tensor's name, in file order.

    Raises:
        ValueError: there is no such algorithm.
        FormatError, FileError: a file that cannot be read, or has changed.
        CancelledError: the progress function returned False.

    >>> quire.hash("model.gguf")["encoder.layer.0.attention.self.query.bias"]
    'bdd6c6e7451c8664'
    """
    if not isinstance(model, Model):
        with open(model, allow_edited_header=True) as opened:
            return hash(opened, algorithm, threads=threads, progress=progress)
    names = model.keys()
    if algorithm == "xxh3":
        numbers = run(lambda job: _core.hash(job, model, threads), progress, "hash")
        digits = [f"{number:016x}" for number in numbers]
    else:
        hashlib.new(algorithm)
        digits = run(
            lambda job: _by_hashlib(job, model, algorithm, threads),
            progress,
            "hash",
        )
        # What was hashed are mapped pages, which others may have changed.
        model.check()
    return dict(zip(names, digits, strict=True))


def _cpus() -> int:
    """How many this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _by_hashlib(
    job: _core.Job, model: Model, algorithm: str, threads: int
) -> list[str]:
    """A thread takes one tensor, the largest first; hashlib frees Python's lock
    while it hashes."""
    tensors = model.values()
    total = sum(tensor.nbytes for tensor in tensors)

    def one(tensor: Tensor) -> str:
        digest = hashlib.new(algorithm)
        with tensor.data as data:
            for at in range(0, len(data), _STEP):
                with data[at : at + _STEP] as piece:
                    digest.update(piece)
                    if not job.advance(len(piece), total):
                        raise CancelledError("cancelled", "cancelled")
        return digest.hexdigest()

    order = sorted(range(len(tensors)), key=lambda i: -tensors[i].nbytes)
    with ThreadPoolExecutor(threads or _cpus()) as pool:
        try:
            done = dict(
                zip(order, pool.map(one, (tensors[i] for i in order)), strict=True)
            )
        except BaseException:
            job.cancel()
            raise
    return [done[i] for i in range(len(tensors))]
