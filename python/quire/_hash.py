"""Checksums of tensors as their bytes are now."""

import hashlib

from quire._model import Model, Path, open


def hash(model: Model | Path, algorithm: str = "xxh3") -> dict[str, str]:
    """Hashes the bytes of each tensor as they are now, in hexadecimal digits.

    ``algorithm`` is "xxh3", or one of `hashlib`'s, such as "sha256". Nothing is
    compared; `Model.verify` does that.

    Raises:
        ValueError: there is no such algorithm.

    >>> quire.hash("model.gguf")["encoder.layer.0.attention.self.query.bias"]
    'bdd6c6e7451c8664'
    """
    if not isinstance(model, Model):
        with open(model, allow_edited_header=True) as opened:
            return hash(opened, algorithm)
    if algorithm == "xxh3":
        return {t.name: f"{t.hash():016x}" for t in model.values()}
    hashes = {}
    for tensor in model.values():
        with tensor.data as data:
            hashes[tensor.name] = hashlib.new(algorithm, data).hexdigest()
    return hashes
