"""Containers that are missing, broken, cut, of another model or damaged; models
that changed after they were converted; options that do not exist. Each fails
when the session is made, in words that name what is wrong, or gives the right
numbers."""

import pathlib
import shutil
import subprocess
import sys

import numpy as np
import onnx
from onnx import helper

import plugin_models as models
import plugin_sessions as sessions

NODE = "/layer.0/MatMul"


def make(folder, name="model", seed=1, **keywords):
    """A model of two weights, its container, and the weights."""
    random = np.random.default_rng(seed)
    weights = [
        models.Weight(random, 96, 40, zeros=True, bias=True, **keywords),
        models.Weight(random, 96, 64, **keywords),
    ]
    model = folder / f"{name}.onnx"
    made = models.stack(model, weights)
    return model, models.convert(model), weights, made


def truth(weight, x):
    y = x.astype(np.float64) @ weight.f64().T
    return y if weight.bias is None else y + weight.bias.astype(np.float64)


def right(session, weights, what):
    x = np.random.default_rng(9).standard_normal((2, 3, 96))
    x = x.astype(np.float32)
    for weight, y in zip(weights, session.run(None, {"x": x})):
        far = sessions.relative(y, truth(weight, x))
        sessions.check(far <= 1e-5, f"{what}: {far}")


def cut(container, size):
    """A copy of the container that ends early."""
    short = container.with_name(f"cut-{size}.gguf")
    short.write_bytes(container.read_bytes()[:size])
    return short


def damaged(container):
    """A copy with a byte of the first tensor changed."""
    tensor = models.info(container)["tensors"][0]
    data = bytearray(container.read_bytes())
    data[tensor["offset"] + 5] ^= 0x55
    path = container.with_name("damaged.gguf")
    path.write_bytes(data)
    return path


def broken(folder, container):
    """Files that are no container of anything, and a word of each message."""
    empty = folder / "empty.gguf"
    empty.write_bytes(b"")
    text = folder / "text.gguf"
    text.write_text("this is not a container\n" * 100)
    return (
        (folder / "none.gguf", "No such file"),
        (folder, str(folder)),
        (empty, "empty.gguf"),
        (text, "not a GGUF file"),
        (cut(container, 100), "cut-100.gguf"),
        (cut(container, 16384 + 64), "cut-16448.gguf"),
    )


# --------------------------------------------------------------------- the ops


def changed(made, **attributes):
    """The model of custom ops with attributes of its first node changed; None
    removes one."""
    model = onnx.load_model_from_string(made.SerializeToString())
    node = next(n for n in model.graph.node if n.domain == "quire")
    for name, new in attributes.items():
        for attribute in list(node.attribute):
            if attribute.name == name:
                node.attribute.remove(attribute)
        if new is not None:
            node.attribute.append(helper.make_attribute(name, new))
    return model


def test_ops(folder):
    model, container, weights, made = make(folder)
    path = folder / "ops.onnx"
    ops = models.ops(made, container, path, by=container.name)

    def session(**attributes):
        onnx.save_model(changed(ops, **attributes), path)
        return sessions.by_ops(path, folder=folder)

    right(session(), weights, "as made")
    right(session(header_xxh3=None), weights, "without a checksum")
    right(session(container=str(container)), weights, "an absolute path")
    for attributes, words in (
        ({"container": None}, ("container",)),
        ({"header_xxh3": "0123456789abcdef"}, ("0123456789abcdef", container)),
        ({"header_xxh3": "no"}, ("checksum",)),
        ({"linear": "nothing"}, ("nothing", container)),
        ({"linear": None}, ("linear",)),
        ({"N": 41}, ("N = 41", "N = 40", container)),
        ({"N": None}, ("N",)),
        ({"N": -1}, ("N = -1",)),
        ({"K": 64}, ("K = 64", "K = 96")),
        ({"K": None}, ("K",)),
        ({"accuracy_level": 5}, ("accuracy_level", "5")),
        ({"accuracy_level": -2}, ("accuracy_level", "-2")),
    ):
        sessions.fails(lambda: session(**attributes), NODE, *words)
    for file, word in broken(folder, container):
        sessions.fails(
            lambda: session(container=str(file), header_xxh3=None), NODE, word
        )
    # Another model's container, with the same names and shapes.
    _, other, _, _ = make(folder, "other", seed=2)
    sessions.fails(
        lambda: session(container=other.name), NODE, "other.gguf", "checksum"
    )
    # As a constant input: swapped on the disk, and cut.
    models.ops(made, container, path)
    right(sessions.by_ops(path), weights, "by input")
    kept = container.read_bytes()
    container.write_bytes(other.read_bytes())
    sessions.fails(lambda: sessions.by_ops(path), NODE, "checksum")
    container.write_bytes(kept[:50000])
    sessions.fails(lambda: sessions.by_ops(path), "")
    container.unlink()
    sessions.fails(lambda: sessions.by_ops(path), "")
    container.write_bytes(kept)
    right(sessions.by_ops(path), weights, "put back")
    test_many(folder, made, container)


def test_many(folder, made, container):
    path = folder / "many.onnx"
    ops = models.ops(made, container, path, many=True)
    first = "/layer.0/MatMul"
    for attributes, words in (
        ({"linears": first}, ("1 linears", "2 values")),
        ({"linears": f"{first}\nnothing"}, ("nothing",)),
        ({"linears": None}, ("linears",)),
        ({"N": [40]}, ("N",)),
        ({"N": [64, 40]}, ("N = 64",)),
    ):
        onnx.save_model(changed(ops, **attributes), path)
        sessions.fails(lambda: sessions.by_ops(path), NODE, *words)


# ---------------------------------------------------------------- the provider


def test_provider_files(folder):
    model, container, weights, made = make(folder)
    right(sessions.by_provider(model), weights, "as made")
    for file, word in broken(folder, container):
        sessions.fails(
            lambda: sessions.by_provider(model, {"container": str(file)}),
            NODE, model, file, word,
        )
    # The default container is not there.
    alone = folder / "alone.onnx"
    shutil.copy(model, alone)
    sessions.fails(
        lambda: sessions.by_provider(alone), NODE, alone, "alone.gguf"
    )
    right(
        sessions.by_provider(alone, {"container": str(container)}),
        weights, "a container elsewhere",
    )
    # A model from memory has no place to look beside.
    data = made.SerializeToString()
    sessions.fails(lambda: sessions.by_provider(data), NODE, "container")
    right(
        sessions.by_provider(data, {"container": str(container)}),
        weights, "from memory",
    )
    # A path that no fixed buffer would hold.
    deep = folder / "/".join(["d" * 200] * 8)
    deep.mkdir(parents=True)
    shutil.copy(container, deep / "c.gguf")
    right(
        sessions.by_provider(model, {"container": str(deep / "c.gguf")}),
        weights, "a long path",
    )
    # A model without any quantized node: the container is asked for all the
    # same.
    plain = folder / "plain.onnx"
    onnx.save_model(
        models.make_model(
            [helper.make_node("Identity", ["x"], ["y"])],
            [helper.make_tensor_value_info("x", 1, [2])],
            [helper.make_tensor_value_info("y", 1, [2])],
            [],
        ),
        plain,
    )
    sessions.fails(lambda: sessions.by_provider(plain), "plain.gguf")
    sessions.fails(
        lambda: sessions.by_provider(
            plain, {"container": str(folder / "none.gguf")}
        ),
        "none.gguf",
    )
    # A container of several files, by its first one.
    models.quire(
        "convert", model, "-o", folder / "set.gguf", "--split-size", "20K"
    )
    parts = sorted(folder.glob("set-*.gguf"))
    sessions.check(len(parts) > 1, "the set has one part")
    right(
        sessions.by_provider(model, {"container": str(parts[0])}),
        weights, "a set",
    )
    parts[1].rename(folder / "gone")
    sessions.fails(
        lambda: sessions.by_provider(model, {"container": str(parts[0])}),
        NODE, parts[0].name,
    )


def test_provider_models(folder):
    """The container of another model, or the model changed."""
    model, container, weights, made = make(folder)
    other_model, other, _, _ = make(folder, "other", seed=2)
    named = {"container": str(other)}
    sessions.fails(
        lambda: sessions.by_provider(model, named),
        NODE, model, other, "bias 0",
    )
    # Swapped on the disk.
    container.rename(folder / "kept")
    other.rename(container)
    (folder / "kept").rename(other)
    for each in (model, other_model):
        sessions.fails(lambda: sessions.by_provider(each), NODE, "bias 0")
    other.rename(folder / "kept")
    container.rename(other)
    (folder / "kept").rename(container)

    def refused(change, *words, check="sample"):
        """`change` of the weights makes another model of the same names."""
        altered = make(folder, "altered")[2]
        change(altered)
        models.stack(folder / "altered.onnx", altered)
        sessions.fails(
            lambda: sessions.by_provider(
                folder / "altered.onnx",
                {"container": str(container), "check": check},
            ),
            "/layer.", "altered.onnx", container, *words,
        )

    def all_codes(w):
        w[0].codes = (w[0].codes + 1) % 16

    def all_scales(w):
        w[1].scales = (w[1].scales * np.float32(1.01)).astype(np.float32)

    def all_zeros(w):
        w[0].zeros = (w[0].zeros + 1) % 16

    def one_code(w):
        w[1].codes[63, 95] ^= 1

    def one_scale(w):
        w[1].scales[0, 2] *= 2

    def one_bias(w):
        w[0].bias[39] += 1

    def no_bias(w):
        w[0].bias = None

    def no_zeros(w):
        w[0].zeros = None

    def rows(w):
        w[1] = models.Weight(np.random.default_rng(1), 96, 65)

    def bits(w):
        w[1] = models.Weight(np.random.default_rng(1), 96, 64, bits=8)

    for change, words in (
        (all_codes, ("code",)),
        (all_scales, ("scale",)),
        (all_zeros, ("zero point",)),
        (one_bias, ("bias 39",)),
        (no_zeros, ("zero point",)),
        (rows, ("N = 65", "N = 64")),
        (bits, ("8 bits", "Q4_0")),
    ):
        refused(change, *words)
    for change in (one_code, one_scale, all_codes):
        refused(change, "row", "column", check="all")
    # Without comparing, a user gets what the container has.
    altered = make(folder, "altered")[2]
    all_codes(altered)
    models.stack(folder / "altered.onnx", altered)
    right(
        sessions.by_provider(
            folder / "altered.onnx",
            {"container": str(container), "check": "none"},
        ),
        weights, "not compared",
    )
    # A node without the bias of its linear computes without it: the linear may
    # have it from an Add behind the node.
    altered = make(folder, "altered")[2]
    no_bias(altered)
    models.stack(folder / "altered.onnx", altered)
    right(
        sessions.by_provider(
            folder / "altered.onnx", {"container": str(container)}
        ),
        altered, "without the bias",
    )
    # The other way round it would be missing.
    models.convert(folder / "altered.onnx")
    sessions.fails(
        lambda: sessions.by_provider(
            model, {"container": str(folder / "altered.gguf")}
        ),
        NODE, "it has a bias", "none",
    )
    # Other names for everything: not one node is known.
    models.stack(folder / "altered.onnx", weights, names=["p", "q"])
    renamed = onnx.load(folder / "altered.onnx")
    for tensor in renamed.graph.initializer:
        for node in renamed.graph.node:
            for i, name in enumerate(node.input):
                if name == tensor.name:
                    node.input[i] = f"new.{name}"
        tensor.name = f"new.{tensor.name}"
    onnx.save_model(renamed, folder / "altered.onnx")
    sessions.fails(
        lambda: sessions.by_provider(
            folder / "altered.onnx", {"container": str(container)}
        ),
        "MatMulNBits node", "altered.onnx", container, "no linear",
    )


def test_provider_data(folder):
    """Constants in files beside the model, where they may lie, and where not."""
    model, _, weights, made = make(folder)
    models.save(made, model, external=True)
    container = models.convert(model)
    named = {"container": str(container)}
    data = pathlib.Path(f"{model}.data")
    whole = data.read_bytes()

    def place(location):
        """The model with its data at another place, which is not made."""
        moved = onnx.load(model, load_external_data=False)
        for tensor in moved.graph.initializer:
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = location
        onnx.save_model(moved, folder / "moved.onnx")
        return folder / "moved.onnx"

    (folder / "sub").mkdir()
    (folder / "sub" / "w.bin").write_bytes(whole)
    right(sessions.by_provider(place("sub/w.bin"), named), weights, "a folder")
    # What is compared is what that file has.
    scales = weights[0].scales
    at = whole.index(scales.tobytes())
    altered = bytearray(whole)
    altered[at:at + scales.nbytes] = (scales * 2).astype(scales.dtype).tobytes()
    (folder / "sub" / "w.bin").write_bytes(altered)
    sessions.fails(
        lambda: sessions.by_provider(folder / "moved.onnx", named),
        NODE, "moved.onnx", container, "row", "column",
    )
    # Too short, missing, no file.
    (folder / "sub" / "w.bin").write_bytes(whole[: at + 4])
    sessions.fails(lambda: sessions.by_provider(folder / "moved.onnx", named))
    for location in ("sub/none.bin", "sub", "/dev/zero"):
        sessions.fails(lambda: sessions.by_provider(place(location), named))
    # What leads out of the folder is ONNX Runtime's to refuse, and then no
    # session is there; if it reads that, the numbers are right.
    outside = folder.parent / "outside.bin"
    outside.write_bytes(whole)
    (folder / "link.bin").symlink_to(outside)
    for location in ("link.bin", "../outside.bin"):
        try:
            session = sessions.by_provider(place(location), named)
        except Exception as error:
            sessions.check("onnxruntime" in str(type(error)), str(error))
        else:
            right(session, weights, location)


def test_provider_left(folder):
    """A recipe leaves one of two weights out: ONNX Runtime has that one."""
    model, container, weights, _ = make(folder)
    recipe = folder / "recipe.yaml"
    recipe.write_text("leave: 'w1_*'\n")
    made = models.quire(
        "convert", model, "--recipe", recipe, "-o", container, "--force",
        check=False,
    )
    sessions.check(made.returncode == 0, f"the recipe: {made.stderr}")
    linears = models.info(container)["linears"]
    sessions.check(len(linears) == 1, f"linears: {linears}")
    right(sessions.by_provider(model), weights, "half of the weights")
    # Not in silence: at ONNX Runtime's usual severity there is a warning.
    done = subprocess.run(
        [
            sys.executable,
            "-B",
            "-c",
            "import sys, plugin_sessions as sessions\n"
            "sessions.by_provider(sys.argv[1], severity=2)",
            model,
        ],
        cwd=pathlib.Path(__file__).parent,
        capture_output=True,
        text=True,
    )
    for words in ("computes 1 of the 2", str(container), "/layer.1/MatMul"):
        sessions.check(words in done.stderr, f"no {words} in {done.stderr}")


def test_provider_options(folder):
    model, container, weights, _ = make(folder)
    for options in (
        {"verify": "none", "prefetch": "will_need", "check": "all"},
        {"verify": "lazy", "prefetch": "populate"},
        {"verify": "all", "check": "none", "accuracy_level": "-1"},
        {"accuracy_level": "0"},
        {"accuracy_level": "1"},
    ):
        right(sessions.by_provider(model, options), weights, options)
    for options, words in (
        ({"verify": "some"}, ("verify", "some", "none, lazy, all")),
        ({"prefetch": "1"}, ("prefetch", "will_need")),
        ({"check": ""}, ("check", "sample, all, none")),
        ({"accuracy_level": "5"}, ("accuracy_level", "5")),
        ({"contaner": "x"}, ("contaner", "perhaps 'container'")),
    ):
        sessions.fails(
            lambda: sessions.by_provider(model, options), NODE, model, *words
        )
    bad = {"container": str(damaged(container)), "check": "none"}
    sessions.fails(
        lambda: sessions.by_provider(model, {**bad, "verify": "all"}),
        NODE, "damaged.gguf", "is damaged",
    )
    lazy = sessions.by_provider(model, {**bad, "verify": "lazy"})
    x = np.zeros((1, 1, 96), np.float32)
    for _ in range(2):
        sessions.fails(lambda: lazy.run(None, {"x": x}), NODE, "damaged")
    foreign = folder / "foreign.gguf"
    models.quire("strip", container, "-o", foreign)
    sessions.fails(
        lambda: sessions.by_provider(
            model, {"container": str(foreign), "verify": "all"}
        ),
        NODE, "foreign.gguf", "checksums",
    )
    sessions.fails(
        lambda: sessions.by_provider(model, {"container": str(foreign)}),
        "MatMulNBits node", "foreign.gguf", "no linear",
    )


def main():
    folder = sessions.scratch()
    for test in (
        [test_ops]
        + [
            test_provider_files,
            test_provider_models,
            test_provider_data,
            test_provider_left,
            test_provider_options,
        ]
        * sessions.HAS_PROVIDER
    ):
        place = folder / test.__name__
        place.mkdir()
        test(place)
    sessions.done("refused")


if __name__ == "__main__":
    main()
