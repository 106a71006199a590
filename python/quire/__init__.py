"""Quire: 4-bit model weights as NumPy arrays, and products by them in place.

A container is a GGUF file whose pages are mapped: opening reads its header
only, views copy nothing, and products read the pages.

>>> import numpy, quire
>>> with quire.open("model.gguf") as m:
...     query = m.linears["/encoder/layer.0/attention/self/query/MatMul_Q4"]
...     y = query(numpy.ones((1, 384), numpy.float32))
>>> y.shape
(1, 384)
"""

import os
import sysconfig

if sysconfig.get_config_var("Py_GIL_DISABLED"):
    raise ImportError("quire does not support free-threaded builds of Python")

from quire import _core
from quire._convert import (
    CompareReport,
    CompareRow,
    ConvertReport,
    ConvertRow,
    ExportSummary,
    ThinReport,
    ThinRow,
    compare,
    convert,
    export,
    thin,
)
from quire._diff import Difference, TensorInfo, diff
from quire._errors import (
    ArgumentError,
    CancelledError,
    ChecksumError,
    Error,
    FileError,
    FileExists,
    FormatError,
    MissingFileError,
    NotFoundError,
    OutOfMemoryError,
    UnsupportedError,
    make_error,
)
from quire._hash import hash
from quire._model import (
    Array,
    Info,
    Linear,
    Linears,
    Metadata,
    Model,
    Part,
    open,
)
from quire._rewrite import stamp, strip
from quire._runtime import Runtime, RuntimeInfo, kernels, linear_many, matmul
from quire._tensor import Tensor

_core.setup(Tensor, Linear, make_error)
del make_error
os.register_at_fork(after_in_child=_core.after_fork)

__version__ = _core.version

__all__ = [
    "ArgumentError",
    "Array",
    "CancelledError",
    "ChecksumError",
    "CompareReport",
    "CompareRow",
    "ConvertReport",
    "ConvertRow",
    "Difference",
    "Error",
    "ExportSummary",
    "FileError",
    "FileExists",
    "FormatError",
    "Info",
    "Linear",
    "Linears",
    "Metadata",
    "MissingFileError",
    "Model",
    "NotFoundError",
    "OutOfMemoryError",
    "Part",
    "Runtime",
    "RuntimeInfo",
    "Tensor",
    "TensorInfo",
    "ThinReport",
    "ThinRow",
    "UnsupportedError",
    "compare",
    "convert",
    "diff",
    "export",
    "hash",
    "kernels",
    "linear_many",
    "matmul",
    "open",
    "stamp",
    "strip",
    "thin",
]
