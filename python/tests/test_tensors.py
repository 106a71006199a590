"""Tensors and metadata, compared with gguf-py and NumPy."""

import ctypes
import sys

import gguf
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quire
from conftest import BLOCKS, DECODED, PLAIN, QUERY_BIAS, QUERY_WEIGHT, Type


def test_mapping(model):
    assert len(model) == len(list(model)) == len(model.keys()) == 12
    assert [t.name for t in model.values()] == model.keys()
    assert QUERY_BIAS in model
    assert QUERY_BIAS + "\0" not in model
    assert "\udc80" not in model
    assert 7 not in model
    with pytest.raises(KeyError, match="no such"):
        model["no such"]
    with pytest.raises(TypeError):
        model[7]


def test_facts(types, oracle):
    for tensor in types.values():
        other = oracle[tensor.name]
        assert tensor.dtype == other.tensor_type.name
        assert tensor.shape == tuple(int(n) for n in other.shape[::-1])
        assert tensor.nbytes == other.n_bytes
        assert tensor.offset == other.data_offset
        assert tensor.xxh3 is None and tensor.source is None
        assert tensor.part == 0 and tensor.model is types
        assert bytes(tensor.data) == other.data.tobytes()
        with pytest.raises(TypeError):
            tensor.data[0] = 1


@pytest.mark.parametrize("name", PLAIN)
def test_views(types, oracle, name):
    view = np.asarray(types[name])
    assert view.dtype == PLAIN[name]
    assert not view.flags.writeable and not view.flags.owndata
    np.testing.assert_array_equal(view, oracle[name].data)
    again = np.asarray(types[name])
    assert view.ctypes.data == again.ctypes.data
    assert np.array(types[name]).flags.writeable
    assert np.asarray(types[name], dtype=np.complex128).dtype == np.complex128
    assert memoryview(types[name]).shape == view.shape
    with pytest.raises(ValueError):
        np.asarray(types[name]).flags.writeable = True
    with pytest.raises((TypeError, BufferError)):
        ctypes.c_char.from_buffer(types[name])


def test_dlpack(types):
    view = np.from_dlpack(types["F32"])
    assert np.shares_memory(view, np.asarray(types["F32"]))
    with pytest.raises(ValueError):
        view[0, 0] = 1
    with pytest.raises(BufferError):
        types["F32"].__dlpack__()  # a version without read-only arrays
    assert types["F32"].__dlpack_device__() == (1, 0)


def test_bfloat16(types, numbers, monkeypatch):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    view = np.asarray(types["BF16"])
    assert view.dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal(view, numbers.astype(ml_dtypes.bfloat16))
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    plain = np.asarray(types["BF16"])
    assert plain.dtype == np.uint16
    np.testing.assert_array_equal(plain, view.view(np.uint16))


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks(types, oracle, name):
    blocks, codes = types[name].blocks, types[name].codes()
    assert not blocks.flags.writeable
    assert blocks.tobytes() == oracle[name].data.tobytes()
    assert codes.shape == types[name].shape
    scale = np.repeat(blocks["d"].astype(np.float32), 32, axis=-1)
    wide = codes.astype(np.float32)
    if name == "Q4_0":
        y = scale * (wide - 8)
    elif name == "Q4_1":
        y = scale * wide + np.repeat(blocks["m"].astype(np.float32), 32, axis=-1)
    else:
        y = scale * wide
    np.testing.assert_array_equal(y, types[name].dequantize())


@pytest.mark.parametrize("name", ("F32", "BF16", "Q5_0", "I32"))
def test_no_blocks(types, name):
    with pytest.raises(TypeError, match=name):
        _ = types[name].blocks
    with pytest.raises(TypeError, match=name):
        types[name].codes()


def test_no_plain_elements(types):
    for convert in (np.asarray, np.array, memoryview, np.from_dlpack):
        with pytest.raises((TypeError, BufferError), match="dequantize"):
            convert(types["Q4_0"])


@pytest.mark.parametrize("name", DECODED)
def test_dequantize(types, oracle, name):
    expected = gguf.dequantize(oracle[name].data, Type[name])
    np.testing.assert_array_equal(types[name].dequantize(), expected)


def test_dequantize_plain(types, numbers):
    np.testing.assert_array_equal(
        types["F16"].dequantize(), (numbers * 10).astype(np.float16)
    )
    with pytest.raises(quire.UnsupportedError):
        types["I64"].dequantize()


index = st.one_of(st.none(), st.integers(-12, 12))


@given(
    st.sampled_from(("Q4_1", "stack", "F32")),
    st.builds(slice, index, index, index.filter(lambda step: step != 0)),
)
def test_rows(types_path, name, rows):
    with quire.open(types_path) as types:
        tensor = types[name]
        every = tensor.dequantize()
        np.testing.assert_array_equal(tensor.dequantize(rows), every[rows])


@given(st.sampled_from(("Q4_1", "stack")), st.integers(-9, 9))
@settings(max_examples=50, deadline=None)
def test_row(types_path, name, row):
    with quire.open(types_path) as types:
        every = types[name].dequantize()
        if -len(every) <= row < len(every):
            np.testing.assert_array_equal(types[name].dequantize(row), every[row])
        else:
            with pytest.raises(IndexError):
                types[name].dequantize(row)


def test_rows_of_one_dimension(model):
    assert model[QUERY_BIAS].dequantize().shape == (384,)
    with pytest.raises(ValueError, match="no rows"):
        model[QUERY_BIAS].dequantize(slice(0, 1))


def test_metadata(types):
    reader = types.metadata
    assert reader["text"] == "grün"
    assert reader["words"] == ["a", "", "grün"]
    assert reader["words"][-1] == "grün" and reader["words"][:2] == ["a", ""]
    assert list(reader["ints"]) == [1, -2, 3]
    assert np.asarray(reader["ints"]).dtype == np.int32
    assert np.asarray(reader["ints"]).tolist() == [1, -2, 3]
    assert np.asarray(reader["floats"]).tolist() == [0.5, -1.5]
    assert np.asarray(reader["flags"]).tolist() == [True, False]
    assert np.asarray(reader["words"]).tolist() == ["a", "", "grün"]
    assert reader["double"] == 0.1
    assert reader["least"] == -128
    assert reader["greatest"] == 2**64 - 1
    assert reader["yes"] is True
    assert len(reader) == len(list(reader)) == len(dict(reader))
    for key in ("no such", "text\0"):
        assert key not in reader
        assert reader.get(key) is None
    assert reader["words"] != ["a"] and reader["words"] != 7


def test_linears(model):
    names = list(model.linears)
    assert len(model.linears) == len(names) == 6
    for name in names:
        linear = model.linears[name]
        assert linear.name == name
        assert linear.weight.shape == (linear.n, linear.k)
        assert linear.bias.shape == (linear.n,)
        assert linear.accuracy_level == 4
    assert "no such" not in model.linears
    assert repr(linear) and repr(model.linears) and repr(model.metadata)


def test_info(model, folder):
    info = model.info
    assert info.quire_version == 1 and info.gguf_version == 3
    assert info.file_size == (folder / "model.gguf").stat().st_size
    (part,) = info.parts
    assert part.path == str(folder / "model.gguf")
    assert part.tensor_count == 12


def test_hashes(model):
    for tensor in model.values():
        assert tensor.hash() == tensor.xxh3
    assert set(quire.hash(model)) == set(model)
    with pytest.raises(ValueError, match="no such"):
        quire.hash(model, "no such")


def test_source(model):
    assert all(t.operation is None for t in model.values())
    assert model[QUERY_WEIGHT].source.endswith("query.weight_Q4")
