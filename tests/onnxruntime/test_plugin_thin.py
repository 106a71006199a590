"""Thin models, which `quire thin` makes: those of tests/onnx, and models with
functions, bodies and a container in several files."""

import pathlib
import sys

import numpy as np
import onnx

import plugin_sessions as sessions

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "oracle"))

import thin_models  # noqa: E402

# Sums of f32 in another order; half a unit of f16 in each of two results, and
# in what is between them.
F32_SUMS = 1e-5
F16_SUMS = 2.0**-9

def is_wrong(name):
    """Whether ONNX Runtime computes something else of a source than its
    documentation says, or crashes; the thin model is compared with its
    expansion alone."""
    if sessions.VERSION < (1, 24):
        if name == "zero_points_float16.onnx" or name.startswith("einsum"):
            return True
    return name == "g_idx_zero_points.onnx"


def write_level_1(path):
    """The same model in f32, beside it."""
    model = onnx.load(path, load_external_data=False)
    other = path.with_name("level_1_" + path.name)
    onnx.save(thin_models.at_level_1(model), other)
    return other


def close(actual, expected, step, what):
    for a, b in zip(actual, expected, strict=True):
        sessions.check((a.shape, a.dtype) == (b.shape, b.dtype),
                       f"{what}: {a.shape} {a.dtype}")
        wide, other = a.astype(np.float64), b.astype(np.float64)
        limit = F16_SUMS if b.dtype == np.float16 else F32_SUMS
        finite = np.abs(other[np.isfinite(other)])
        limit = limit * finite.max(initial=0) + step
        same = (wide == other) | (np.isnan(wide) & np.isnan(other))
        with np.errstate(invalid="ignore"):
            same |= np.abs(wide - other) <= limit
        sessions.check(same.all(), f"{what}: it computes something else")


class Model:
    """A source with its container and its thin model, in a folder."""

    def __init__(self, folder, source, split=False):
        self.folder, self.source = folder, source
        container = folder / "model.gguf"
        more = ("--split-size", "40K") if split else ()
        thin_models.quire("convert", source, "-o", container, *more)
        self.container = container
        if split:
            self.container = sorted(folder.glob("model-*.gguf"))[0]
        self.thin = folder / "thin.onnx"
        thin_models.quire("thin", source, self.container, "-o", self.thin)
        self.proto = onnx.load(self.thin, load_external_data=False)

    def run(self, name, theirs=True):
        """Returns how often the thin model ran, and how often the source."""
        # Otherwise it makes MatMulNBits of DequantizeLinear and MatMul, for
        # which older wheels crash where scales are not in blocks.
        entries = {"session.disable_quant_qdq": "1"}
        expanded = self.folder / "expanded.onnx"
        thin_models.expand(self.thin, self.container, expanded)
        plain = sessions.plain(write_level_1(expanded))
        ours = sessions.by_ops(write_level_1(self.thin), self.folder)
        # As it is, perhaps with activations of int8: it runs.
        whole = sessions.by_ops(self.thin, self.folder)
        try:
            theirs = theirs and sessions.plain(
                write_level_1(self.source), entries=entries
            )
        except Exception:
            theirs = None
        ran = agreed = 0
        for feeds in thin_models.all_feeds(plain, self.proto):
            try:
                expected = plain.run(None, feeds)
            except Exception:
                continue  # one branch's x in the other one
            actual = ours.run(None, feeds)
            close(actual, expected, 0, name)
            whole.run(None, feeds)
            ran += 1
            try:
                expected = theirs.run(None, feeds)
            except Exception:
                continue  # it was not made, or cannot compute this
            most = max((np.abs(x).max(initial=0) for x in feeds.values()),
                       default=0)
            step = thin_models.rounding(self.proto, self.container, most, True)
            close(actual, expected, step, name + " and its source")
            agreed += 1
        return ran, agreed


def published():
    """The models of tests/onnx."""
    ran = agreed = 0
    paths = [*(ROOT / "tests/onnx/good").glob("*.onnx"),
             *(ROOT / "tests/onnx/places").glob("*.onnx")]
    for path in sorted(paths):
        folder = sessions.scratch()
        model = Model(folder, thin_models.copy_model(path, folder))
        if not thin_models.nodes_of(model.proto):
            continue
        try:
            counts = model.run(path.name, not is_wrong(path.name))
        except SystemExit:
            raise
        except Exception as error:
            raise SystemExit(f"{path.name}: {error}") from error
        sessions.check(counts[0] > 0, f"{path.name} did not run")
        ran += 1
        agreed += counts[1] > 0
    print(ran, "thin models ran,", agreed, "beside their sources")
    sessions.check(ran > 100, f"only {ran} models")
    # Older wheels run fewer of the sources.
    sessions.check(agreed > 60, f"only {agreed} sources")


def made(model, name, split=False):
    folder = sessions.scratch()
    source = folder / "model.onnx"
    onnx.save(model, source)
    made = Model(folder, source, split)
    ran, agreed = made.run(name)
    sessions.check(ran > 0 and agreed == ran, f"{name}: {ran}, {agreed}")


def parts():
    weights = thin_models.Weights()
    nodes = [weights.node("x", f"y{i}", n=512) for i in range(4)]
    return thin_models.model_of(
        nodes, [thin_models.info_of("x", ["m", 64])],
        [thin_models.info_of(f"y{i}", None) for i in range(4)],
        weights.tensors,
    )


def other_container():
    """A container that was converted again, of a model with another number."""
    folder = sessions.scratch()
    source = folder / "model.onnx"
    proto = thin_models.bodies_model()
    onnx.save(proto, source)
    model = Model(folder, source)
    proto.graph.initializer[0].raw_data = bytes(
        b ^ 1 for b in proto.graph.initializer[0].raw_data
    )
    onnx.save(proto, source)
    thin_models.quire("convert", source, "-o", model.container, "--force")
    sessions.fails(lambda: sessions.by_ops(model.thin), "header")


published()
made(thin_models.functions_model(), "functions")
made(thin_models.bodies_model(), "bodies")
made(parts(), "parts", split=True)
other_container()
sessions.done("thin models")
