"""Every call of the package, for mypy --strict; test_types.py runs mypy."""

import os
import pathlib

import numpy as np
import numpy.typing as npt

import quire
import quire.onnxruntime


def show(done: int, total: int) -> bool:
    return done <= total


def tensors(m: quire.Model) -> list[npt.NDArray[np.float32]]:
    names: list[str] = m.keys()
    tensor: quire.Tensor = m[names[0]]
    facts: tuple[str, str | None, str, tuple[int, ...]] = (
        tensor.name,
        tensor.source,
        tensor.dtype,
        tensor.shape,
    )
    numbers: tuple[int, int, int, int | None] = (
        tensor.offset,
        tensor.nbytes,
        tensor.part,
        tensor.xxh3,
    )
    view = np.asarray(tensor)
    size: int = view.size + tensor.blocks.size + tensor.codes().size
    data: memoryview = tensor.data
    operation: str | None = tensor.operation
    print(operation)
    buffer = memoryview(tensor)
    other = np.from_dlpack(tensor)
    device: tuple[int, int] = tensor.__dlpack_device__()
    hashed: int = tensor.hash()
    owner: quire.Model = tensor.model
    print(facts, numbers, size, data, buffer, other, device, hashed, owner)
    for name in m:
        print(name, name in m, len(m))
    for name, each in m.items():
        print(name, each)
    return [t.dequantize() for t in m.values()] + [
        tensor.dequantize(rows=slice(0, 2)),
        tensor.dequantize(1),
    ]


def facts(m: quire.Model) -> None:
    value = m.metadata["general.name"]
    array = m.metadata["quire.linear.name"]
    assert isinstance(array, quire.Array)
    kind: str = array.dtype
    print(value, kind, array[0], array[1:], np.asarray(array), len(m.metadata))
    info: quire.Info = m.info
    part: quire.Part = info.parts[0]
    print(info.alignment, info.file_size, part.path, part.tensor_count)
    m.verify(threads=2, progress=show)
    m.verify(progress=True)
    m.check()
    closed: bool = m.closed
    print(closed)


def products(m: quire.Model) -> npt.NDArray[np.float32]:
    x = np.ones((2, 384), np.float32)
    for name, linear in m.linears.items():
        sizes: tuple[int, int, int] = (
            linear.k,
            linear.n,
            linear.accuracy_level,
        )
        bias: quire.Tensor | None = linear.bias
        weight: quire.Tensor = linear.weight
        print(name, linear.name, sizes)
        with quire.Runtime(threads=1, device="cpu", kernels="scalar") as r:
            r.prepack(m)
            r.attach(m)
            r.detach(m)
            info: quire.RuntimeInfo = r.info
            print(info.threads, r.closed)
            out = linear(x, None, 4, runtime=r)
            linear(x, out, accuracy_level=1)
        many: list[npt.NDArray[np.float32]] = quire.linear_many(
            [linear, linear], x, None, 4
        )
        quire.linear_many((linear,), x, many[:1], runtime=None)
        return quire.matmul(weight, x, out, 1, bias=bias, k=384)
    return x


def files(folder: pathlib.Path) -> None:
    report: quire.ConvertReport = quire.convert(
        folder / "model.onnx",
        folder / "new.gguf",
        overwrite=True,
        fallback="f16",
        target="llama.cpp",
        leave=["*.bias"],
        progress=show,
    )
    row: quire.ConvertRow = report.rows[0]
    print(row.outcome, report.files)
    compared: quire.CompareReport = quire.compare("m.onnx", "m.gguf", progress=show)
    print(compared.same, compared.rows[0].verdict)
    summary: quire.ExportSummary = quire.export("a", "b", "c", progress=True)
    thinned: quire.ThinReport = quire.thin("a", "b", "c", threads=1)
    print(summary.weights, thinned.rows[0].outcome)
    quire.stamp("a", "b", alignment=4096, overwrite=True)
    quire.strip("a", "b", threads=1, progress=True)
    hashes: dict[str, str] = quire.hash("m.gguf", "sha256", threads=2, progress=show)
    differences: list[quire.Difference] = quire.diff("a.gguf", "b.gguf", show)
    quire.diff(folder / "a.gguf", "b.gguf", progress=True, threads=1)
    for it in differences:
        left: quire.TensorInfo | None = it.a
        if left is not None:
            print(it.name, it.kind, left.dtype, left.shape, left.offset, left.nbytes)
        first: int | None = it.first
        print(first, it.bytes, it.pages, it.b)
    print(hashes, quire.kernels()["scalar"], quire.__version__)
    session = quire.onnxruntime.session("m.onnx", "m.gguf", check="all")
    path: str = quire.onnxruntime.library_path()
    name: str = quire.onnxruntime.ep_name()
    print(session, path, name)


def main(path: os.PathLike[str]) -> None:
    try:
        with quire.open(path, verify="lazy", load="map", prefetch="will_need") as m:
            tensors(m)
            facts(m)
            products(m)
        m = quire.open("m.gguf", lock=True, allow_edited_header=True)
        m.close()
    except quire.ChecksumError as error:
        damaged: tuple[str, ...] = error.damaged
        print(damaged)
    except quire.Error as error:
        offset: int | None = error.offset
        where: str | None = error.path
        print(error.status, error.message, where, offset)
