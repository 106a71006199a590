"""Runtimes, and products by tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from quire import _core
from quire._model import Linear, Model, _pick
from quire._tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DEVICES = {"best": 0, "cpu": 1, "metal": 2}


@dataclass(frozen=True, slots=True)
class RuntimeInfo:
    """What a runtime uses. Sizes are in bytes."""

    device: str
    kernels: str
    threads: int
    prepacked_size: int
    device_name: str | None
    mapped_size: int
    copied_size: int


class Runtime(_core.Runtime):
    """Threads and kernels for products.

    Products that name none use one of the process: a thread for each CPU that
    the process may use, and the fastest kernels that the CPU runs. After a fork
    the child has a new one; do not use other runtimes of the parent there.

    Args:
        threads: how many; 0: one for each CPU that this process may use.
        device: "best", "cpu" or "metal".
        kernels: the name of a kernel set; see `quire.kernels`.

    Raises:
        UnsupportedError: this machine has no such device, or does not run the
            kernel set.
        NotFoundError: there is no such kernel set.

    >>> with quire.Runtime(threads=2) as runtime:
    ...     print(runtime.info.threads)
    2
    """

    def __new__(
        cls,
        *,
        threads: int = 0,
        device: Literal["best", "cpu", "metal"] = "best",
        kernels: str | None = None,
    ) -> Self:
        """Makes the runtime."""
        return super().__new__(cls, threads, _pick("device", device, _DEVICES), kernels)

    @property
    def info(self) -> RuntimeInfo:
        """The device, kernels and threads in use.

        >>> quire.Runtime(kernels="scalar").info.kernels
        'scalar'
        """
        info = self._info()
        names = {number: name for name, number in _DEVICES.items()}
        return RuntimeInfo(names[info[0]], *info[1:])

    def prepack(self, model: Model) -> None:
        """Makes a second copy of the model's weights, in the kernels' order.

        Products of about 2 to 32 rows at accuracy level 4 are faster then. The
        numbers stay the same.

        >>> with quire.open("model.gguf") as m, quire.Runtime() as runtime:
        ...     runtime.prepack(m)
        """
        self._attach(model, "prepack")

    def attach(self, model: Model) -> None:
        """Lets the runtime's Metal device multiply by the model's pages; does
        nothing without a device.

        >>> with quire.open("model.gguf") as m, quire.Runtime() as runtime:
        ...     runtime.attach(m)
        """
        self._attach(model, "attach")

    def detach(self, model: Model) -> None:
        """Undoes `prepack` and `attach`; closing the model does that, too.

        >>> with quire.open("model.gguf") as m, quire.Runtime() as runtime:
        ...     runtime.prepack(m)
        ...     runtime.detach(m)
        ...     print(runtime.info.prepacked_size)
        0
        """
        self._attach(model, "detach")

    def close(self) -> None:
        """Ends its threads. BufferError while another thread multiplies.

        >>> runtime = quire.Runtime(threads=1)
        >>> runtime.close()
        >>> runtime.closed
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
        self._close()

    def __repr__(self) -> str:
        if self.closed:
            return "<quire.Runtime, closed>"
        info = self.info
        return f"<quire.Runtime {info.device} {info.kernels}, {info.threads} threads>"


def kernels() -> dict[str, bool]:
    """The kernel sets of this build, fastest first, and whether this CPU can
    run each.

    >>> quire.kernels()["scalar"]
    True
    """
    return dict(_core.kernels())


def matmul(
    tensor: Tensor,
    x: Any,
    out: NDArray[Any] | None = None,
    accuracy_level: int | None = None,
    *,
    bias: Tensor | None = None,
    k: int | None = None,
    runtime: Runtime | None = None,
) -> NDArray[Any]:
    """y = x W^T (+ bias), by a tensor of two dimensions: (n, k).

    The types Q4_0, Q4_1, Q8_0, F32, F16 and BF16 are multiplied by. The other
    arguments and the result are those of `Linear`. ``k``: the columns of x, if
    the tensor's rows are padded to a whole block. Without ``accuracy_level``
    it computes in f32.

    Raises:
        UnsupportedError: for a tensor of another type.
        ValueError: for shapes that do not fit.

    >>> x = numpy.ones((5, 3, 384), numpy.float16)
    >>> with quire.open("model.gguf") as m:
    ...     w = m["encoder.layer.0.intermediate.dense.weight"]
    ...     y = quire.matmul(w, x)
    >>> y.shape, y.dtype
    ((5, 3, 1536), dtype('float16'))
    """
    return _core.matmul(tensor, x, out, accuracy_level, bias=bias, runtime=runtime, k=k)


def linear_many(
    linears: Sequence[Linear],
    x: Any,
    outs: Sequence[NDArray[Any]] | None = None,
    accuracy_level: int | None = None,
    *,
    runtime: Runtime | None = None,
) -> list[NDArray[Any]]:
    """Several linears with one input: q, k and v, or gate and up.

    The results are, to the last bit, those of
    ``[linear(x) for linear in linears]``, but x is converted or quantized once
    for linears of one weight type that follow each other.

    Args:
        linears: with one k; also of different models.
        x: as in `Linear`.
        outs: an array for each linear, as ``out`` in `Linear`: all of one type,
            and all with rows without gaps, or all at one stride; they must not
            overlap. Default: new arrays of x's type.
        accuracy_level: as in `Linear`.
        runtime: as in `Linear`.

    Returns:
        The arrays, in the order of ``linears``.

    >>> x = numpy.ones((2, 384), numpy.float32)
    >>> with quire.open("model.gguf") as m:
    ...     names = [f"/encoder/layer.0/attention/self/{it}/MatMul_Q4"
    ...              for it in ("query", "key", "value")]
    ...     q, k, v = quire.linear_many([m.linears[name] for name in names], x)
    >>> q.shape, k.shape, v.shape
    ((2, 384), (2, 384), (2, 384))
    """
    given = None if outs is None else list(outs)
    return _core.linear_many(list(linears), x, given, accuracy_level, runtime)
