"""Tensors: their elements, blocks and codes as NumPy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from quire import _core

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

# Blocks as they lie in a file: d is the scale, m the offset, qs the codes. In
# 4-bit types byte i holds element i in its low half, i + 16 in its high half.
_BLOCKS = {
    "Q4_0": np.dtype([("d", "<f2"), ("qs", "u1", (16,))]),
    "Q4_1": np.dtype([("d", "<f2"), ("m", "<f2"), ("qs", "u1", (16,))]),
    "Q8_0": np.dtype([("d", "<f2"), ("qs", "i1", (32,))]),
}
_PER_BLOCK = 32


def _bfloat16() -> np.dtype[Any]:
    """The type of ml_dtypes, where that is installed, or else unsigned ints."""
    try:
        import ml_dtypes
    except ImportError:
        return np.dtype(np.uint16)
    bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return bfloat16


class Tensor(_core.Tensor):
    """One tensor of a model: ``model[name]``.

    Shapes are in NumPy's order: the last dimension is the fastest one, and the
    weight of a linear layer has the shape (n, k). GGUF's own order, which
    ``quire info`` prints, is the reverse.

    ``numpy.asarray(tensor)`` is a read-only view of the file's pages, without a
    copy, for the types F32, F16, F64 and I8 to I64; and for BF16, as bfloat16
    of ml_dtypes if that is installed, or else as uint16. For Q4_0 and the like
    use `blocks`, `codes` or `dequantize`. A view keeps the model open.

    >>> with quire.open("model.gguf") as m:
    ...     t = m["encoder.layer.0.attention.self.query.bias"]
    ...     print(t.dtype, t.shape, numpy.asarray(t)[:2])
    F32 (384,) [-0.17370753 -0.03423604]
    """

    __slots__ = ()

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        """The elements, a view of the pages where that is possible.

        Raises:
            TypeError: for a type that has no plain elements.

        >>> with quire.open("model.gguf") as m:
        ...     t = m["encoder.layer.0.attention.self.query.bias"]
        ...     print(numpy.asarray(t).flags.writeable)
        False
        """
        if self.dtype == "BF16":
            array: NDArray[Any] = np.frombuffer(self.data, _bfloat16())
            array = array.reshape(self.shape)
        else:
            try:
                array = np.asarray(memoryview(self))
            except BufferError as error:
                raise TypeError(str(error)) from None
        if dtype is not None and np.dtype(dtype) != array.dtype:
            if copy is False:
                raise ValueError("another type needs a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __dlpack__(self, **options: Any) -> Any:
        """The elements for `from_dlpack` of other libraries: read-only and
        without a copy. A library that asks for no version of DLPack that has
        read-only arrays gets a BufferError.

        >>> with quire.open("model.gguf") as m:
        ...     t = m["encoder.layer.0.output.dense.bias"]
        ...     print(numpy.from_dlpack(t).shape)
        (384,)
        """
        return np.asarray(self).__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        """The CPU, as DLPack numbers devices.

        >>> with quire.open("model.gguf") as m:
        ...     t = m["encoder.layer.0.output.dense.bias"]
        ...     print(t.__dlpack_device__())
        (1, 0)
        """
        return (1, 0)

    def __repr__(self) -> str:
        if self.model.closed:
            return "<quire.Tensor of a closed model>"
        return f"<quire.Tensor {self.name!r} {self.dtype} {self.shape}>"

    @property
    def blocks(self) -> NDArray[Any]:
        """The blocks of a Q4_0, Q4_1 or Q8_0 tensor, a read-only view.

        A structured array of the tensor's shape, with k / 32 blocks in place of
        the last dimension. Fields: ``d``, the scale (float16); for Q4_1 ``m``,
        the offset (float16); ``qs``, the codes: 16 bytes with two codes each
        (byte i: element i in the low half, i + 16 in the high half), for Q8_0
        32 int8. An element is d * (code - 8), d * code + m, or d * code.

        Raises:
            TypeError: for another type.

        >>> with quire.open("model.gguf") as m:
        ...     b = m["encoder.layer.0.attention.self.query.weight"].blocks
        ...     print(b.shape, b["d"].dtype, b["qs"].shape)
        ...     del b
        (384, 12) float16 (384, 12, 16)
        """
        layout = _BLOCKS.get(self.dtype)
        if layout is None:
            raise TypeError(f"a tensor of type {self.dtype} has no blocks here")
        *rows, k = self.shape
        array = np.frombuffer(self.data, layout)
        return array.reshape(*rows, k // _PER_BLOCK)

    def codes(self) -> NDArray[Any]:
        """The codes of a Q4_0, Q4_1 or Q8_0 tensor, one for each element.

        A new array of the tensor's shape: uint8 from 0 to 15, or for Q8_0 int8.

        Raises:
            TypeError: for another type.

        >>> with quire.open("model.gguf") as m:
        ...     c = m["encoder.layer.0.attention.self.query.weight"].codes()
        ...     print(c.shape, c.dtype, c.min(), c.max())
        (384, 384) uint8 0 15
        """
        packed = self.blocks["qs"]
        if self.dtype == "Q8_0":
            return packed.reshape(self.shape).copy()
        codes = np.empty((*packed.shape[:-1], _PER_BLOCK), np.uint8)
        np.bitwise_and(packed, 15, out=codes[..., :16])
        np.right_shift(packed, 4, out=codes[..., 16:])
        return codes.reshape(self.shape)

    def dequantize(
        self, rows: slice | SupportsIndex | None = None
    ) -> NDArray[np.float32]:
        """The elements as float32, in a new array: also of K-quants and other
        types that are only decoded.

        ``rows`` selects along the first dimension as in ``array[rows]``; only
        these rows are read.

        Raises:
            UnsupportedError: for a type that is not decoded.
            IndexError: for a row that is not there.
            ValueError: for rows of a tensor with one dimension.

        >>> with quire.open("model.gguf") as m:
        ...     t = m["encoder.layer.0.attention.self.query.weight"]
        ...     print(t.dequantize(rows=slice(0, 2)).shape)
        (2, 384)
        """
        shape = self.shape
        if rows is None:
            # A row of the file is as long as the last dimension.
            y = np.empty(shape, np.float32)
            self._decode(0, 0, 1, int(np.prod(shape[:-1])), y)
            return y
        if len(shape) < 2:
            raise ValueError("a tensor of one dimension has no rows")
        inner = int(np.prod(shape[1:-1]))
        if not isinstance(rows, slice):
            index = rows.__index__()
            if not -shape[0] <= index < shape[0]:
                raise IndexError(f"row {index} of {shape[0]}")
            y = np.empty(shape[1:], np.float32)
            self._decode(index % shape[0] * inner, 0, 1, inner, y)
            return y
        start, stop, step = rows.indices(shape[0])
        count = len(range(start, stop, step))
        y = np.empty((count, *shape[1:]), np.float32)
        if step == 1:
            self._decode(start * inner, 0, 1, count * inner, y)
        else:
            self._decode(start * inner, step * inner, count, inner, y)
        return y

    def hash(self) -> int:
        """XXH3-64 of its bytes as they are now; compare it with `xxh3`.

        >>> with quire.open("model.gguf") as m:
        ...     t = m["encoder.layer.0.attention.self.query.bias"]
        ...     print(f"{t.hash():016x}", t.hash() == t.xxh3)
        bdd6c6e7451c8664 True
        """
        return self._hash()
