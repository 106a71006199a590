"""Products, compared with NumPy's in f64 on the dequantized weights."""

import itertools
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quire
from conftest import COLS, QUERY, ROWS

random = np.random.default_rng(2)


def check(y, x, weight, bias=None):
    """y is within the rounding of a sum in f32, in any order, of x W^T: each
    term takes part in at most k + 1 roundings."""
    x, weight = x.astype(np.float64), weight.astype(np.float64)
    k = x.shape[-1]
    exact = x @ weight.T
    size = np.abs(x) @ np.abs(weight).T
    if bias is not None:
        exact, size = exact + bias, size + np.abs(bias)
    bound = 2 * (k + 1) * np.finfo(np.float32).eps * size
    if y.dtype == np.float16:
        bound += np.spacing(np.abs(exact).astype(np.float16)).astype(float)
    assert y.shape == exact.shape
    assert (np.abs(y - exact) <= bound).all()


@pytest.mark.parametrize("name", ("Q4_0", "Q4_1", "Q8_0", "F32", "F16", "BF16"))
@pytest.mark.parametrize("dtype", (np.float32, np.float16))
def test_types(types, name, dtype):
    weight = types[name].dequantize()
    for shape in ((COLS,), (1, COLS), (0, COLS), (5, COLS), (2, 3, 4, COLS)):
        x = random.standard_normal(shape).astype(dtype)
        y = quire.matmul(types[name], x)
        assert y.dtype == dtype
        check(y, x, weight)


def test_linear(model, folder):
    linear = model.linears[QUERY]
    x = random.standard_normal((3, 384)).astype(np.float32)
    y = linear(x, accuracy_level=1)
    weight = linear.weight.dequantize()
    bias = np.asarray(linear.bias)
    check(y, x, weight, bias)
    again = quire.matmul(linear.weight, x, bias=linear.bias)
    np.testing.assert_array_equal(y, again)
    level = linear(x)
    assert not np.array_equal(level, y)
    np.testing.assert_array_equal(level, linear(x, accuracy_level=4))
    with quire.Runtime(threads=1) as one, quire.Runtime(threads=3) as three:
        three.prepack(model)
        np.testing.assert_array_equal(level, linear(x, runtime=one))
        np.testing.assert_array_equal(level, linear(x, runtime=three))


def layouts(columns):
    """Arrays; some have rows at one stride, and some have not."""
    return st.tuples(
        st.lists(st.integers(0, 3), max_size=3),
        st.sampled_from((np.float32, np.float16, np.float64, ">f4")),
        st.integers(1, 2),
        st.sampled_from((1, 2, -1)),
        st.booleans(),
        st.integers(0, 5),
        st.just(columns),
    )


def make(layout):
    lead, dtype, step, column_step, swap, extra, columns = layout
    shape = [n * step for n in lead] + [(columns + extra) * abs(column_step)]
    base = random.standard_normal(shape).astype(dtype)
    array = base[(*[slice(None, None, step)] * len(lead), ...)]
    array = array[..., ::column_step][..., :columns]
    if swap and len(lead) >= 2:
        array = array.swapaxes(0, 1)
    return array


def is_plain(array):
    """Whether a product can take its rows: by NumPy's own means."""
    if array.dtype not in (np.float32, np.float16):
        return False
    if not array.size:
        return True
    if array.strides[-1] != array.itemsize:
        return False
    lead = [
        (n, stride)
        for n, stride in zip(array.shape[:-1], array.strides[:-1], strict=True)
        if n > 1
    ]
    return all(
        outer[1] == inner[0] * inner[1] for outer, inner in itertools.pairwise(lead)
    ) and all(stride >= array.shape[-1] * array.itemsize for _, stride in lead)


@given(layouts(COLS))
def test_layouts_of_x(types_path, layout):
    x = make(layout)
    with quire.open(types_path) as types:
        if is_plain(x):
            y = quire.matmul(types["Q4_1"], x)
            copied = quire.matmul(types["Q4_1"], np.ascontiguousarray(x))
            np.testing.assert_array_equal(y, copied)
        else:
            with pytest.raises((TypeError, ValueError), match=r"\bx\b"):
                quire.matmul(types["Q4_1"], x)


@given(layouts(ROWS))
def test_layouts_of_out(types_path, layout):
    out = make(layout)
    x = random.standard_normal((*out.shape[:-1], COLS)).astype(np.float32)
    with quire.open(types_path) as types:
        if is_plain(out):
            y = quire.matmul(types["Q8_0"], x, out)
            assert y is out
            expected = quire.matmul(types["Q8_0"], x)
            np.testing.assert_array_equal(y, expected.astype(out.dtype))
        else:
            before = out.copy()
            with pytest.raises((TypeError, ValueError), match=r"\bout\b"):
                quire.matmul(types["Q8_0"], x, out)
            np.testing.assert_array_equal(out, before)


def test_refused(types, model):
    linear = model.linears[QUERY]
    x = np.ones((2, 384), np.float32)
    locked = np.ones((2, 384), np.float32)
    locked.flags.writeable = False
    for call, kind in (
        (lambda: linear([1.0] * 384), TypeError),
        (lambda: linear(b"x" * 1536), TypeError),
        (lambda: linear(np.float32(1)), ValueError),
        (lambda: linear(x[:, :100]), ValueError),
        (lambda: linear(x.astype(int)), TypeError),
        (lambda: linear(x, np.ones((3, 384), np.float32)), ValueError),
        (lambda: linear(x, np.ones(384, np.float32)), ValueError),
        (lambda: linear(x, x), ValueError),
        (lambda: linear(x, locked), (ValueError, BufferError)),
        (lambda: linear(x, accuracy_level=5), quire.ArgumentError),
        (lambda: linear(x, accuracy_level=2**40), quire.ArgumentError),
        (lambda: linear(x, accuracy_level=-1), (OverflowError, ValueError)),
        (lambda: linear(x, runtime=7), TypeError),
        (lambda: linear(), TypeError),
        (lambda: quire.matmul(7, x), TypeError),
        (lambda: quire.matmul(linear.weight, x, bias=x), TypeError),
        (lambda: quire.matmul(types["Q5_0"], np.ones(96, np.float32)),
         quire.UnsupportedError),
        (lambda: quire.matmul(types["stack"], np.ones(96, np.float32)),
         quire.ArgumentError),
        (lambda: quire.matmul(linear.weight, x, k=1), ValueError),
        (lambda: quire.Runtime(kernels="no such"), quire.NotFoundError),
        (lambda: quire.Runtime(device="no such"), ValueError),
    ):  # fmt: skip
        with pytest.raises(kind):
            call()
    unaligned = np.frombuffer(bytes(4 * 384 + 1), np.uint8)[1:]
    with pytest.raises(ValueError, match="aligned"):
        linear(unaligned.view(np.float32))


def test_halves_of_one_array(model):
    """x and out may lie between each other's rows."""
    linear = model.linears[QUERY]
    both = random.standard_normal((4, 768)).astype(np.float32)
    expected = linear(both[:, :384].copy())
    linear(both[:, :384], both[:, 384:])
    np.testing.assert_array_equal(both[:, 384:], expected)
    with pytest.raises(ValueError, match="overlaps"):
        linear(both[:, :384], both[:, 383:767])


def test_threads(model):
    """Products in many threads at once give the same numbers."""
    linear = model.linears[QUERY]
    x = random.standard_normal((17, 384)).astype(np.float32)
    expected = linear(x)
    wrong = []

    def multiply():
        for _ in range(20):
            if not np.array_equal(linear(x), expected):
                wrong.append(1)

    threads = [threading.Thread(target=multiply) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_closed_runtime(model):
    runtime = quire.Runtime(threads=1)
    runtime.prepack(model)
    runtime.close()
    runtime.close()
    with pytest.raises(ValueError, match="closed"):
        model.linears[QUERY](np.ones(384, np.float32), runtime=runtime)
    with pytest.raises(ValueError, match="closed"):
        _ = runtime.info
    assert "closed" in repr(runtime)


def test_many(model, folder):
    """The same to the bit as one by one, whatever follows each other: linears of
    several types, of other models, the same one twice."""
    path = folder / "model.gguf"
    linears = [linear for linear in model.linears.values() if linear.k == 384]
    assert len(linears) == 5 and len({linear.n for linear in linears}) == 2
    with quire.open(path) as other, quire.Runtime(threads=2) as two:
        linears += [other.linears[QUERY], linears[0]]
        for rows, dtype, level, runtime in itertools.product(
            ((), (1,), (3, 5), (0,), (40,)),
            (np.float32, np.float16),
            (None, 1, 4),
            (None, two),
        ):
            x = random.standard_normal((*rows, 384)).astype(dtype)
            many = quire.linear_many(linears, x, None, level, runtime=runtime)
            assert len(many) == len(linears)
            for y, linear in zip(many, linears, strict=True):
                np.testing.assert_array_equal(y, linear(x, None, level))
                assert y.dtype == dtype
        del linears[5], linear
    assert quire.linear_many([], np.ones(1, np.float32)) == []


def test_outs_of_many(model):
    x = random.standard_normal((4, 384)).astype(np.float32)
    linears = list(model.linears.values())[:3]
    expected = np.stack([linear(x) for linear in linears])
    whole = np.empty((3, 4, 384), np.float32)
    outs = list(whole)
    result = quire.linear_many(tuple(linears), x, outs)
    assert all(y is out for y, out in zip(result, outs, strict=True))
    np.testing.assert_array_equal(whole, expected)
    beside = np.empty((4, 3 * 384), np.float16)
    quire.linear_many(linears, x, np.split(beside, 3, axis=1))
    for i in range(3):
        expected = linears[i](x, np.empty((4, 384), np.float16))
        np.testing.assert_array_equal(beside[:, i * 384 : (i + 1) * 384], expected)


def test_many_refused(model):
    linears = list(model.linears.values())
    x = np.ones((2, 384), np.float32)
    query, longer = model.linears[QUERY], linears[-1]
    assert longer.k != 384
    y = np.full((3, 2, 384), 7, np.float32)
    wide = np.empty((2, 400), np.float32)
    for call, kind, match in (
        (lambda: quire.linear_many([query, longer], x), ValueError, "k = 1536"),
        (lambda: quire.linear_many([query, query.weight], x), TypeError, "Linear"),
        (lambda: quire.linear_many(query, x), TypeError, "iterable"),
        (lambda: quire.linear_many([query] * 2, x, [y[0]]), ValueError, "outs"),
        (lambda: quire.linear_many([query] * 2, x, [y[0], y[0]]), ValueError,
         "overlaps"),
        (lambda: quire.linear_many([query] * 2, x, [y[0], x]), ValueError,
         "overlaps"),
        (lambda: quire.linear_many([query] * 2, x, [y[0], wide[:, :384]]),
         ValueError, "stride"),
        (lambda: quire.linear_many([query] * 2, x,
                                   [y[0], y[1].astype(np.float16)]),
         TypeError, "float16"),
        (lambda: quire.linear_many([query], x[:, :3]), ValueError, "last"),
        (lambda: quire.linear_many([query], x, None, 5), quire.ArgumentError, "level"),
        (lambda: quire.linear_many([query], x, runtime=7), TypeError, "Runtime"),
    ):  # fmt: skip
        with pytest.raises(kind, match=match):
            call()
    assert (y == 7).all()
    model.close()
    with pytest.raises(ValueError, match="closed"):
        quire.linear_many([query], x)
