"""Sessions of ONNX Runtime by the plugin in the package."""

import numpy as np
import pytest

import quire
import quire.onnxruntime

ort = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def feeds(folder):
    session = ort.InferenceSession(folder / "model.onnx")
    random = np.random.default_rng(3)
    feeds = {
        given.name: random.standard_normal((5, given.shape[1])).astype("f4")
        for given in session.get_inputs()
    }
    return feeds, session.run(None, feeds)


def check(session, feeds, expected):
    for y, reference in zip(session.run(None, feeds), expected, strict=True):
        # Both quantize x to int8; a code may differ by one.
        assert np.abs(y - reference).max() < 0.02 * np.abs(reference).max()


def test_session(folder, feeds):
    session = quire.onnxruntime.session(folder / "model.onnx")
    assert quire.onnxruntime.ep_name() in session.get_providers()
    check(session, *feeds)
    session = quire.onnxruntime.session(
        folder / "model.onnx",
        folder / "model.gguf",
        session_options=ort.SessionOptions(),
        accuracy_level=1,
        check="all",
    )
    check(session, *feeds)


def test_equal_to_linears(folder, feeds):
    """The plugin and the package are one library: the same bits."""
    session = quire.onnxruntime.session(folder / "model.onnx")
    with quire.open(folder / "model.gguf") as model:
        y = session.run(None, feeds[0])[0]
        x = next(iter(feeds[0].values()))
        linear = next(iter(model.linears.values()))
        np.testing.assert_array_equal(linear(x), y)


def test_thin(folder, feeds):
    path = folder / "thin_session.onnx"
    quire.thin(folder / "model.onnx", folder / "model.gguf", path)
    check(quire.onnxruntime.session(path, thin=True), *feeds)
    with pytest.raises(TypeError):
        quire.onnxruntime.session(path, folder / "model.gguf", thin=True)


def test_wrong_container(folder, damaged):
    with pytest.raises(Exception, match=r"damaged\.gguf"):
        quire.onnxruntime.session(folder / "model.onnx", damaged, check="all")
