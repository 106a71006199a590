"""From ONNX to a container and back: quire_convert.h."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from quire import _core
from quire._jobs import Progress, run
from quire._model import Path, _pick

_FALLBACKS = {None: 0, "f32": 1, "f16": 2, "error": 3}


@dataclass(frozen=True, slots=True)
class ConvertRow:
    """What became of one weight or constant of the source.

    ``outcome`` is "exact", "fallback", "skipped" or "rounded"; ``role`` is
    "weight", "bias", "embedding", "tensor" or "constant". ``tensor`` and
    ``dtype`` are None for a skipped one. Sizes are in bytes. The errors are the
    largest and the mean of |f16(s) - s| / |s| over the scales.
    """

    node: str | None
    source: str
    tensor: str | None
    reason: str | None
    outcome: str
    role: str
    dtype: str | None
    source_size: int
    tensor_size: int
    scale_error_max: float
    scale_error_mean: float


@dataclass(frozen=True, slots=True)
class ConvertReport:
    """What `convert` did.

    A row for each weight and constant; the files that were written, or with
    ``dry_run`` would be; sizes in bytes; how many unsupported nodes were left.
    """

    rows: tuple[ConvertRow, ...]
    files: tuple[str, ...]
    source_size: int
    tensor_size: int
    file_size: int
    left: int


def convert(
    onnx: Path,
    out: Path | None = None,
    *,
    overwrite: bool = False,
    dry_run: bool = False,
    recipe: Path | None = None,
    recipe_text: str | None = None,
    fallback: Literal["f32", "f16", "error"] | None = None,
    leave: Iterable[str] = (),
    leave_unsupported: bool = False,
    split_size: int = 0,
    alignment: int = 0,
    architecture: str | None = None,
    name: str | None = None,
    target: Literal["llama.cpp"] | None = None,
    config: Path | None = None,
    tokenizer_pre: str | None = None,
    no_tokenizer: bool = False,
    keep_fused_qkv: bool = False,
    threads: int = 0,
    progress: Progress = None,
) -> ConvertReport:
    """Converts an ONNX model with its external data to a container.

    Quantized weights are never quantized again. The output appears whole or not
    at all; Ctrl-C stops it and leaves nothing behind.

    Args:
        onnx: the model.
        out: the container; with ``dry_run`` it may be None.
        overwrite: replace files that exist.
        dry_run: decide and report, and write nothing.
        recipe: a file that says what to take, names and types
            (docs/recipe.md).
        recipe_text: the same as text.
        fallback: what becomes of a weight that no block type holds: "f32",
            "f16", or "error" to fail. None: what the recipe says, else "f32".
        leave: patterns of names to leave out.
        leave_unsupported: leave out what cannot be converted.
        split_size: bytes of a file; where one would be larger, several are
            written. 0: one file.
        alignment: of tensors, in bytes; 0: 16384.
        architecture: general.architecture; None: "onnx".
        name: general.name; None: the graph's.
        target: "llama.cpp": a file that llama.cpp runs (docs/llama.md); ``onnx``
            may then be the model's folder. The next four go with it.
        config: the folder of genai_config.json, tokenizer.json and so on; None:
            the model's.
        tokenizer_pre: the name of the pre-tokenizer; None: by tokenizer.json.
        no_tokenizer: write none; llama.cpp then takes token ids only.
        keep_fused_qkv: write one tensor for q, k and v.
        threads: 0: one for each CPU that this process may use.
        progress: True for a bar (of tqdm, if that is installed), or a function
            of the bytes that are done and of all; it may return False to stop.

    Raises:
        FileExists, MissingFileError, FileError: a file.
        FormatError, UnsupportedError: a model that is malformed, or cannot
            become a container.
        ArgumentError: an option or the recipe.

    >>> report = quire.convert("model.onnx", "new.gguf")
    >>> report.rows[-1].outcome, report.rows[-1].dtype, report.files
    ('exact', 'Q4_0', ('new.gguf',))
    """
    if out is None and not dry_run:
        raise TypeError("convert needs a path to write to, or dry_run")
    text = None if recipe_text is None else recipe_text.encode()
    rows, files, *numbers = run(
        lambda job: _core.convert(
            job,
            os.fsencode(onnx),
            b"" if out is None else os.fsencode(out),
            threads,
            alignment,
            overwrite,
            dry_run,
            split_size,
            _pick("fallback", fallback, _FALLBACKS),
            [pattern.encode() for pattern in leave],
            leave_unsupported,
            architecture,
            name,
            b"" if recipe is None else os.fsencode(recipe),
            text,
            target,
            b"" if config is None else os.fsencode(config),
            tokenizer_pre,
            no_tokenizer,
            keep_fused_qkv,
        ),
        progress,
        "convert",
    )
    return ConvertReport(
        tuple(ConvertRow(*row) for row in rows), tuple(files), *numbers
    )


@dataclass(frozen=True, slots=True)
class CompareRow:
    """One weight of the source compared with its tensor.

    ``verdict`` is "same", "differs", "only in the source" or "only in the
    file". ``different`` of ``count`` codes or elements differ, and
    ``scales_different`` scales by more than the rounding to f16.
    """

    node: str | None
    source: str | None
    tensor: str | None
    reason: str | None
    verdict: str
    dtype: str | None
    count: int
    different: int
    scales_different: int
    scale_error_max: float


@dataclass(frozen=True, slots=True)
class CompareReport:
    """What `compare` found: rows, how many are not the same, and how many rows
    of a thin model refer to the container."""

    rows: tuple[CompareRow, ...]
    different: int
    referred: int

    @property
    def same(self) -> bool:
        """Whether no row differs."""
        return self.different == 0


def compare(onnx: Path, gguf: Path, *, progress: Progress = None) -> CompareReport:
    """Decodes an ONNX model and a container again, by other code than
    `convert`, and compares every weight.

    A difference is a row of the report, and no exception. ``progress`` as in
    `convert`, in bytes of the container's tensors; Ctrl-C stops it.

    >>> quire.compare("model.onnx", "model.gguf").same
    True
    """
    rows, *numbers = run(
        lambda job: _core.compare(job, os.fsencode(onnx), os.fsencode(gguf)),
        progress,
        "compare",
    )
    return CompareReport(tuple(CompareRow(*row) for row in rows), *numbers)


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What `export` wrote: weights with the container's codes, weights that are
    unchanged, float constants; sizes in bytes of the model and of its data."""

    weights: int
    kept: int
    plain: int
    file_size: int
    data_size: int


def export(
    gguf: Path,
    onnx: Path,
    out: Path,
    *,
    overwrite: bool = False,
    external_data: bool = False,
    progress: Progress = None,
) -> ExportSummary:
    """Writes the ONNX model again with the container's weights.

    ``external_data``: constants of 1024 bytes or more go to ``out``.data.

    >>> quire.export("model.gguf", "model.onnx", "back.onnx").weights
    6
    """
    return ExportSummary(
        *run(
            lambda job: _core.export(
                job,
                os.fsencode(gguf),
                os.fsencode(onnx),
                os.fsencode(out),
                overwrite,
                external_data,
            ),
            progress,
            "export",
        )
    )


@dataclass(frozen=True, slots=True)
class ThinRow:
    """What became of a weight or constant; ``outcome`` is "linear",
    "embedding", "external" or "kept". ``size`` is in bytes, in the source."""

    node: str | None
    op_type: str | None
    source: str
    tensor: str | None
    reason: str | None
    outcome: str
    size: int


@dataclass(frozen=True, slots=True)
class ThinReport:
    """What `thin` did: rows, how many of each outcome, sizes in bytes."""

    rows: tuple[ThinRow, ...]
    linears: int
    groups: int
    embeddings: int
    constants: int
    kept: int
    source_size: int
    file_size: int


def thin(
    onnx: Path,
    gguf: Path,
    out: Path,
    *,
    overwrite: bool = False,
    threads: int = 0,
    progress: Progress = None,
) -> ThinReport:
    """Writes the ONNX model without the weights that the container holds, for
    `quire.onnxruntime.session` with ``thin=True``.

    >>> quire.thin("model.onnx", "model.gguf", "thin.onnx").linears
    6
    """
    rows, *numbers = run(
        lambda job: _core.thin(
            job,
            os.fsencode(onnx),
            os.fsencode(gguf),
            os.fsencode(out),
            threads,
            overwrite,
        ),
        progress,
        "thin",
    )
    return ThinReport(tuple(ThinRow(*row) for row in rows), *numbers)
