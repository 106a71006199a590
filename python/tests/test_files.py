"""Verifying, converting, comparing, and what interrupts them."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import gguf
import numpy as np
import pytest

import quire
from conftest import LAYER, QUERY_BIAS, QUERY_WEIGHT


def test_verify(model, damaged):
    seen = []
    model.verify(progress=lambda done, total: seen.append((done, total)))
    assert all(done <= total for done, total in seen)
    model.verify(threads=1, progress=True)
    with quire.open(damaged) as broken:
        with pytest.raises(quire.ChecksumError) as caught:
            broken.verify()
        assert caught.value.damaged == (QUERY_BIAS, QUERY_WEIGHT)
        assert caught.value.path == str(damaged)
        assert isinstance(caught.value, ValueError)
    with pytest.raises(quire.ChecksumError):
        quire.open(damaged, verify="tensors")
    with quire.open(damaged, verify="lazy") as lazy:
        x = np.ones(384, np.float32)
        with pytest.raises(quire.ChecksumError):
            quire.matmul(lazy[QUERY_WEIGHT], x)


def test_open_options(folder, types_path):
    for options in (
        {"prefetch": "will_need"},
        {"prefetch": "populate"},
        {"load": "read"},
        {"verify": "tensors"},
        {"allow_edited_header": True},
    ):
        with quire.open(folder / "model.gguf", **options) as model:
            model.verify()
    with pytest.raises(quire.NotFoundError):
        quire.open(types_path, verify="lazy")
    with pytest.raises(quire.NotFoundError):
        quire.open(types_path, verify="tensors")
    for name in ("verify", "load", "prefetch"):
        with pytest.raises(ValueError, match=name):
            quire.open(folder / "model.gguf", **{name: "no such"})
    with pytest.raises(TypeError):
        quire.open(7)
    with pytest.raises(ValueError):
        quire.open("nul\0byte")


def test_errors(folder, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        quire.open(tmp_path / "grün")
    assert caught.value.path == str(tmp_path / "grün")
    assert isinstance(caught.value, quire.Error)
    with pytest.raises(OSError):
        quire.open(tmp_path)
    odd = os.fsdecode(bytes(tmp_path) + b"/\xff")
    with pytest.raises(FileNotFoundError) as caught:
        quire.open(odd)
    with pytest.raises(FileExistsError) as caught:
        quire.convert(LAYER, folder / "model.gguf")
    assert caught.value.status == "exists"
    assert str(folder) in str(caught.value)


def test_convert(folder, tmp_path):
    seen = []
    report = quire.convert(
        LAYER,
        tmp_path / "out.gguf",
        name="a name",
        architecture="arch",
        progress=lambda done, total: seen.append(done),
    )
    assert len(report.rows) == 12 and report.left == 0
    assert {row.role for row in report.rows} == {"weight", "bias"}
    assert report.files == (str(tmp_path / "out.gguf"),)
    assert report.file_size == (tmp_path / "out.gguf").stat().st_size
    reader = gguf.GGUFReader(tmp_path / "out.gguf")
    assert len(reader.tensors) == 12
    with quire.open(tmp_path / "out.gguf") as model:
        assert model.metadata["general.name"] == "a name"
        assert model.metadata["general.architecture"] == "arch"
    plan = quire.convert(LAYER, dry_run=True, leave=["*query*"])
    assert plan.file_size == 0 or not pathlib.Path(plan.files[0]).exists()
    assert sum(row.outcome == "skipped" for row in plan.rows) == 2
    skipped = next(row for row in plan.rows if row.outcome == "skipped")
    assert skipped.dtype is None and skipped.tensor is None
    split = quire.convert(LAYER, tmp_path / "set.gguf", split_size=500_000)
    assert len(split.files) > 1
    with quire.open(split.files[1]) as model:
        assert len(model.info.parts) == len(split.files)
        assert model.values()[-1].part == len(split.files) - 1
    with pytest.raises(TypeError):
        quire.convert(LAYER)
    with pytest.raises(ValueError, match="fallback"):
        quire.convert(LAYER, tmp_path / "new.gguf", fallback="no such")


def test_cancelled(onnx_path, tmp_path):
    """A progress function that returns False, or fails, stops the call."""
    with pytest.raises(quire.CancelledError):
        quire.convert(onnx_path, tmp_path / "new.gguf", progress=lambda *_: False)
    with pytest.raises(ZeroDivisionError):
        quire.convert(onnx_path, tmp_path / "new.gguf", progress=lambda *_: 1 / 0)
    assert os.listdir(tmp_path) == []
    quire.convert(onnx_path, tmp_path / "new.gguf")
    with pytest.raises(quire.CancelledError):
        quire.compare(onnx_path, tmp_path / "new.gguf", progress=lambda *_: False)


def test_recipes(tmp_path):
    text = "metadata:\n  general.name: by recipe\n"
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    for number, recipe in enumerate(({"recipe": path}, {"recipe_text": text})):
        out = tmp_path / f"{number}.gguf"
        quire.convert(LAYER, out, **recipe)
        with quire.open(out) as model:
            assert model.metadata["general.name"] == "by recipe"
    with pytest.raises(quire.ArgumentError, match="line 1"):
        quire.convert(LAYER, tmp_path / "x.gguf", recipe_text="nonsense: 1")


def test_compare_export_thin(folder, tmp_path, damaged):
    seen = []
    report = quire.compare(
        LAYER, folder / "model.gguf", progress=lambda *both: seen.append(both)
    )
    assert all(done <= total for done, total in seen)
    assert report.same and len(report.rows) == 12 and report.referred == 0
    report = quire.compare(LAYER, damaged)
    assert not report.same and report.different == 2
    assert {r.verdict for r in report.rows} == {"same", "differs"}
    back = tmp_path / "back.onnx"
    summary = quire.export(folder / "model.gguf", LAYER, back)
    assert summary.file_size == back.stat().st_size
    assert summary.weights == 6
    assert quire.compare(back, folder / "model.gguf").same
    with pytest.raises(quire.ChecksumError):
        quire.export(damaged, LAYER, tmp_path / "not.onnx")
    quire.convert(LAYER, tmp_path / "model.gguf")
    thinned = quire.thin(LAYER, tmp_path / "model.gguf", tmp_path / "thin.onnx")
    assert thinned.linears == 6
    assert thinned.file_size < thinned.source_size / 10
    assert {row.outcome for row in thinned.rows} <= {
        "linear",
        "external",
        "kept",
    }


def test_stamp_strip(folder, tmp_path, types_path, damaged):
    """As the command does; gguf-py reads both."""
    quire.stamp(types_path, tmp_path / "stamped.gguf")
    with quire.open(tmp_path / "stamped.gguf", verify="tensors") as model:
        assert model.info.alignment == 16384
        assert all(t.xxh3 == t.hash() for t in model.values())
        assert model.metadata["text"] == "grün"
    quire.strip(tmp_path / "stamped.gguf", tmp_path / "plain.gguf")
    kept = {t.name: t.data for t in gguf.GGUFReader(types_path).tensors}
    plain = gguf.GGUFReader(tmp_path / "plain.gguf")
    assert len(kept) == len(plain.tensors)
    for tensor in plain.tensors:
        np.testing.assert_array_equal(tensor.data, kept[tensor.name])
    command = [sys.executable, "-m", "quire"]
    for what in ("stamp", "strip"):
        path = folder / "model.gguf"
        getattr(quire, what)(path, tmp_path / f"{what}.gguf")
        subprocess.run(
            [*command, what, path, "-o", tmp_path / f"{what}.c.gguf"],
            check=True,
            capture_output=True,
        )
        ours = (tmp_path / f"{what}.gguf").read_bytes()
        assert ours == (tmp_path / f"{what}.c.gguf").read_bytes()
    with pytest.raises(FileExistsError):
        quire.stamp(types_path, tmp_path / "plain.gguf")
    quire.stamp(types_path, tmp_path / "plain.gguf", overwrite=True)
    with pytest.raises(quire.ChecksumError):
        quire.strip(damaged, tmp_path / "new.gguf")
    with pytest.raises(quire.NotFoundError):
        quire.strip(types_path, tmp_path / "new.gguf")
    assert not (tmp_path / "new.gguf").exists()


def write_small(path, tensors):
    writer = gguf.GGUFWriter(path, "test")
    for name, array in tensors.items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_diff(folder, damaged, tmp_path, model):
    """Each kind, by files and by open models."""
    path = folder / "model.gguf"
    assert quire.diff(path, path) == [] == quire.diff(model, path)
    seen = []
    found = quire.diff(path, damaged, lambda *both: seen.append(both), threads=2)
    assert [it.name for it in found] == [QUERY_BIAS, QUERY_WEIGHT]
    assert all(done <= total for done, total in seen)
    for it in found:
        assert (it.kind, it.first, it.bytes, it.pages) == ("bytes", 3, 1, 1)
        assert it.a == it.b and it.a.offset == model[it.name].offset
        assert it.a.dtype == model[it.name].dtype
        assert it.a.shape == model[it.name].shape
        assert it.a.nbytes == model[it.name].nbytes and it.a.part == 0
    ones = np.ones((3, 4096), np.float32)
    more = ones.copy()
    more[1, 7], more[2, 4095] = 2, -1
    a = {"kept": ones, "bytes": ones, "gone": ones, "dtype": ones, "shape": ones}
    b = {"new": ones, "shape": ones.reshape(2, 6144), "kept": ones,
         "dtype": ones.astype(np.float16), "bytes": more}  # fmt: skip
    write_small(tmp_path / "a.gguf", a)
    write_small(tmp_path / "b.gguf", b)
    found = quire.diff(tmp_path / "a.gguf", str(tmp_path / "b.gguf"))
    kinds = {it.name: it.kind for it in found}
    assert kinds == {
        "bytes": "bytes",
        "gone": "only in a",
        "dtype": "dtype",
        "shape": "shape",
        "new": "only in b",
    }
    assert list(kinds)[-1] == "new"
    by_name = {it.name: it for it in found}
    changed = by_name["bytes"]
    different = np.flatnonzero(more.view(np.uint8) != ones.view(np.uint8))
    assert changed.first == different[0] and changed.bytes == len(different)
    assert changed.pages == len(set(different // 4096)) == 2
    assert by_name["gone"].b is None and by_name["new"].a is None
    assert by_name["dtype"].first is None and by_name["dtype"].b.dtype == "F16"
    assert by_name["shape"].bytes == 0 and by_name["shape"].b.shape == (2, 6144)
    with pytest.raises(quire.CancelledError):
        big_gguf(tmp_path / "big.gguf", 64 << 20)
        quire.diff(tmp_path / "big.gguf", tmp_path / "big.gguf", lambda *_: False)
    with pytest.raises(FileNotFoundError):
        quire.diff(path, tmp_path / "none")
    with quire.open(path) as closed:
        pass
    with pytest.raises(ValueError, match="closed"):
        quire.diff(path, closed)


def big_gguf(path, size):
    """A container of one large tensor: a file with holes, stamped."""
    plain = path.with_name("plain.gguf")
    writer = gguf.GGUFWriter(plain, "test")
    rows = size // 4096
    writer.add_tensor_info("big", (rows, 1024), np.dtype(np.float32), size)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    start = -(-plain.stat().st_size // 32) * 32
    os.truncate(plain, start + size)
    quire.stamp(plain, path)
    plain.unlink()


# It prints once: what it prints is not read after that, and a full pipe would stop
# it, at its end too.
INTERRUPTED = """
import sys, quire
begun = []
def note(done, total):
    if not begun:
        begun.append(done)
        print(done, flush=True)
try:
    if sys.argv[1] == "verify":
        with quire.open(sys.argv[2]) as m:
            while True:
                m.verify(progress=note)
    elif sys.argv[1] == "diff":
        while True:
            quire.diff(sys.argv[2], sys.argv[2], note)
    elif sys.argv[1] == "compare":
        while True:
            quire.compare(sys.argv[2], sys.argv[3], progress=note)
    elif sys.argv[1] != "convert":
        while True:
            quire.hash(sys.argv[2], sys.argv[1], progress=note)
    else:
        while True:
            quire.convert(sys.argv[2], sys.argv[3], overwrite=True,
                          progress=note)
except KeyboardInterrupt:
    sys.exit(7)
"""


@pytest.mark.parametrize(
    "what", ("verify", "convert", "compare", "diff", "xxh3", "sha256")
)
def test_interrupts(what, tmp_path, onnx_path):
    """Ctrl-C stops a long call at once, and leaves no file."""
    path = tmp_path / "big.gguf"
    if what == "convert":
        arguments = [onnx_path, tmp_path / "out.gguf"]
    elif what == "compare":
        quire.convert(onnx_path, path)
        arguments = [onnx_path, path]
    else:
        big_gguf(path, 256 << 20)
        arguments = [path]
    before = set(os.listdir(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, what, *arguments],
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout.readline()
            process.send_signal(signal.SIGINT)
            start = time.monotonic()
            assert process.wait(timeout=60) == 7
            took = time.monotonic() - start
        finally:
            process.kill()
    left = set(os.listdir(tmp_path)) - before - {"out.gguf"}
    assert not left, left
    assert took < 5


@pytest.fixture(scope="session")
def onnx_path(tmp_path_factory):
    """A model of 200 MB, in plain f32: a message of protobuf by hand."""

    def field(number, payload):
        size, count = b"", len(payload)
        while count >= 128:
            size += bytes([count & 127 | 128])
            count >>= 7
        return bytes([number << 3 | 2]) + size + bytes([count]) + payload

    def varint(number, value):
        data = bytes([number << 3])
        while value >= 128:
            data += bytes([value & 127 | 128])
            value >>= 7
        return data + bytes([value])

    path = tmp_path_factory.mktemp("onnx") / "big.onnx"
    rows, columns = 12500, 4000
    tensor = (
        varint(1, rows)
        + varint(1, columns)
        + varint(2, 1)
        + field(8, b"w")
        + field(9, bytes(rows * columns * 4))
    )
    graph = field(2, b"g") + field(5, tensor)
    opset = field(1, b"") + varint(2, 21)
    path.write_bytes(varint(1, 10) + field(7, graph) + field(8, opset))
    return path


def test_command(folder):
    for command in (
        [sys.executable, "-m", "quire"],
        [str(pathlib.Path(sys.executable).with_name("quire"))],
    ):
        result = subprocess.run(
            [*command, "verify", folder / "model.gguf"],
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0 and "ok" in result.stdout
        result = subprocess.run([*command, "no such"], capture_output=True)
        assert result.returncode == 2


def test_hash(model, types, damaged, tmp_path):
    import hashlib

    for threads in (0, 1, 3):
        hashes = quire.hash(model, "sha256", threads=threads)
        assert list(hashes) == model.keys()
        for tensor in model.values():
            assert hashes[tensor.name] == hashlib.sha256(tensor.data).hexdigest()
        hashes = quire.hash(model, threads=threads)
        assert hashes == {t.name: f"{t.xxh3:016x}" for t in model.values()}
    # A file without checksums, and one that is damaged.
    hashes = quire.hash(types)
    assert hashes == {t.name: f"{t.hash():016x}" for t in types.values()}
    assert sum(
        quire.hash(damaged)[name] != digits
        for name, digits in quire.hash(model).items()
    ) == 2  # fmt: skip
    with pytest.raises(ValueError):
        quire.hash(model, "no such")
    big_gguf(tmp_path / "big.gguf", 256 << 20)
    for algorithm in ("xxh3", "sha256"):
        with pytest.raises(quire.CancelledError):
            quire.hash(tmp_path / "big.gguf", algorithm, progress=lambda *_: False)


def test_hash_is_the_command_s(folder):
    """The lines of tensors of ``quire hash``."""
    path = folder / "model.gguf"
    for algorithm in ("xxh3", "sha256"):
        result = subprocess.run(
            [sys.executable, "-m", "quire", "hash", "--algorithm", algorithm, path],
            capture_output=True,
            text=True,
            check=True,
        )
        rows = [line.split() for line in result.stdout.splitlines()]
        lines = {
            where.removeprefix(f"{path}:"): digits
            for kind, digits, where in rows
            if kind == algorithm and where != str(path)
        }
        assert lines == quire.hash(path, algorithm)
