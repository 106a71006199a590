"""Models of other shapes: embeddings; nodes without names or of equal names, in
bodies of If and Loop and in functions; DequantizeLinear; weights that may be
replaced; every model of tests/onnx/good. Each runs with the right numbers or is
left to ONNX Runtime."""

import pathlib
import shutil
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import plugin_models as models
import plugin_sessions as sessions

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "golden"))

import gguf_file  # noqa: E402

GOOD = pathlib.Path(__file__).parent.parent / "onnx" / "good"
F32_SUMS = 1e-5
# Rounding scales, and zero points times scales, to f16 changes outputs by
# about 1e-4 of the largest one (the converter's tests have the exact limits); a wrong
# weight, row or bias would by about as much as there is.
F16_SCALES = 2e-3
# Of a model with accuracy_level 4: both round x to int8, each in blocks of its own.
X_INT8 = 2e-2


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def truth(weight, x):
    y = x.astype(np.float64) @ weight.f64().T
    return y if weight.bias is None else y + weight.bias.astype(np.float64)


def assigned(session):
    """The types of the nodes that the provider has; None: this wheel does not
    say."""
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return None
    return [
        node.op_type
        for part in session.get_provider_graph_assignment_info()
        if part.ep_name == sessions.PROVIDER
        for node in part.get_nodes()
    ]


def by_provider(model, **provider):
    return sessions.by_provider(
        model,
        provider,
        entries={"session.record_ep_graph_assignment_info": "1"},
    )


# ------------------------------------------------------------------ embeddings


def embedding(container, weight, kind, index_kind, shape, output, **changed):
    facts = models.info(container)
    attributes = {
        "tensor": facts["tensors"][0]["name"],
        "rows": weight.n,
        "K": weight.k,
        "dtype": kind,
        "header_xxh3": models.header_of(facts),
    }
    attributes.update(changed)
    node = helper.make_node(
        "Embedding",
        ["i", "quire.container"],
        ["y"],
        name="embed",
        domain="quire",
        **attributes,
    )
    made = models.make_model(
        [node],
        [value("i", shape, index_kind)],
        [value("y", None, kind)],
        [models.whole_file(container)],
    )
    made.opset_import.append(helper.make_opsetid("quire", 1))
    onnx.save_model(made, output)


def test_embedding(folder):
    random = np.random.default_rng(1)
    weight = models.Weight(random, 96, 50, bits=4)
    models.stack(folder / "model.onnx", [weight])
    container = models.convert(folder / "model.onnx")
    model = folder / "embed.onnx"
    table = weight.f64()
    for kind, dtype in ((models.F32, np.float32), (models.F16, np.float16)):
        for index_kind, index_dtype in (
            (TensorProto.INT64, np.int64),
            (TensorProto.INT32, np.int32),
        ):
            embedding(container, weight, kind, index_kind, ["a", "b"], model)
            session = sessions.by_ops(model)
            for rows in ((1, 1), (3, 7), (0, 4)):
                i = random.integers(-50, 50, rows).astype(index_dtype)
                (y,) = session.run(None, {"i": i})
                sessions.check(y.dtype == dtype, f"{y.dtype} is not {dtype}")
                sessions.check(y.shape == (*rows, 96), f"shape {y.shape}")
                sessions.check(
                    (y == table[i].astype(np.float32).astype(dtype)).all(),
                    "other rows",
                )
            for index in (50, -51, 2**31 - 1, -(2**31)):
                i = np.array([[index]], index_dtype)
                sessions.fails(
                    lambda: session.run(None, {"i": i}), "embed", index, 50
                )
    embedding(container, weight, models.F32, TensorProto.INT64, [], model)
    (y,) = sessions.by_ops(model).run(None, {"i": np.array(-1, np.int64)})
    sessions.check(y.shape == (96,) and (y == table[-1]).all(), "a scalar")
    for changed, words in (
        ({"rows": 51}, ("rows", "51")),
        ({"K": 64}, ("K = 64",)),
        ({"tensor": "none"}, ("none",)),
        ({"dtype": 16}, ("Type",)),
        ({"header_xxh3": "0" * 16}, ("header", "0" * 16)),
    ):
        embedding(
            container, weight, models.F32, TensorProto.INT64, ["a"], model,
            **changed,
        )
        sessions.fails(lambda: sessions.by_ops(model), "embed", *words)


# ----------------------------------------------------------------------- names


def test_names(folder):
    """Equal weights would make any mistake invisible: all differ."""
    random = np.random.default_rng(2)
    model = folder / "model.onnx"
    weights = [models.Weight(random, 64, 32, bias=True) for _ in range(3)]
    x = random.standard_normal((2, 3, 64)).astype(np.float32)
    for names in (("", "", ""), ("a", "", "b")):
        models.stack(model, weights, names=names)
        models.convert(model)
        for check in ("sample", "all", "none"):
            session = by_provider(model, check=check)
            for weight, y in zip(weights, session.run(None, {"x": x})):
                far = sessions.relative(y, truth(weight, x))
                sessions.check(far <= F32_SUMS, f"names {names}: {far}")
    # ONNX Runtime refuses equal names in one graph; in two it does not.
    bodies(model, weights[:2], "same", "same", "w", "w")
    models.convert(model)
    for condition in (True, False):
        run_branch(by_provider(model), weights, condition, x)
    bodies(model, weights[:2], "same", "same", "u", "w")
    models.convert(model)
    for check in ("sample", "all", "none"):
        for condition in (True, False):
            run_branch(by_provider(model, check=check), weights, condition, x)
    # All names alike and the weights not: they cannot be distinguished.
    bodies(model, weights[:2], "same", "same", "w", "w", shadow=True)
    if not models.quire("convert", model, "-o", folder / "model.gguf",
                        "--force", check=False).returncode:
        sessions.fails(lambda: by_provider(model), "same", "different weights")
    # A weight without a name of its own in the model: only its place differs.
    twins = [weights[0], weights[0]]
    models.stack(model, twins, names=("", ""))
    models.convert(model)
    for weight, y in zip(twins, by_provider(model).run(None, {"x": x})):
        sessions.check(
            sessions.relative(y, truth(weight, x)) <= F32_SUMS, "twins"
        )


def bodies(path, weights, then_name, else_name, then_weight, else_weight,
           shadow=False):
    """An If whose branches multiply. Weights of equal names lie in the
    branches, others around them."""
    outer = []
    branches = []
    inside = then_weight == else_weight
    for weight, name, prefix, branch in (
        (weights[0], then_name, then_weight, "then"),
        (weights[1], else_name, else_weight, "else"),
    ):
        local = []
        inputs = weight.add(local if inside else outer, prefix)
        output = "y" if shadow else f"{branch}_y"
        branches.append(
            helper.make_graph(
                [models.nbits(weight, ["x", *inputs], output, name)],
                branch,
                [],
                [value(output, None)],
                local,
            )
        )
    node = helper.make_node(
        "If", ["c"], ["out"], name="if",
        then_branch=branches[0], else_branch=branches[1],
    )
    models.save(
        models.make_model(
            [node],
            [value("c", [], TensorProto.BOOL), value("x", ["a", "b", 64])],
            [value("out", None)],
            outer,
        ),
        path,
    )


def run_branch(session, weights, condition, x):
    (y,) = session.run(None, {"c": np.array(condition), "x": x})
    far = sessions.relative(y, truth(weights[0 if condition else 1], x))
    sessions.check(far <= F32_SUMS, f"branch {condition}: {far}")
    taken = assigned(session)
    sessions.check(
        taken is None or taken.count("MatMulNBits") == 2, f"taken: {taken}"
    )


# ---------------------------------------------------------------------- bodies


def test_loop(folder):
    """x becomes W x three times; the weight lies inside or around the body,
    in the model's file or beside it."""
    random = np.random.default_rng(3)
    weight = models.Weight(random, 64, 64)
    model = folder / "model.onnx"
    x = random.standard_normal((2, 64)).astype(np.float32)
    expected = x.astype(np.float64)
    for _ in range(3):
        expected = expected @ weight.f64().T
    for inside in (True, False):
        for external in (False, True):
            local, outer = [], []
            inputs = weight.add(local if inside else outer, "w")
            body = helper.make_graph(
                [
                    helper.make_node("Identity", ["go"], ["go_on"]),
                    models.nbits(weight, ["v", *inputs], "v_next", "in_loop"),
                ],
                "body",
                [
                    value("i", [], TensorProto.INT64),
                    value("go", [], TensorProto.BOOL),
                    value("v", None),
                ],
                [value("go_on", [], TensorProto.BOOL), value("v_next", None)],
                local,
            )
            node = helper.make_node(
                "Loop", ["n", "", "x"], ["y"], name="loop", body=body
            )
            made = models.make_model(
                [node],
                [value("x", ["a", 64])],
                [value("y", None)],
                outer
                + [numpy_helper.from_array(np.array(3, np.int64), "n")],
            )
            models.save(made, model, external)
            models.convert(model)
            what = f"loop, inside {inside}, external {external}"
            (y,) = by_provider(model).run(None, {"x": x})
            far = sessions.relative(y, expected)
            sessions.check(far <= F32_SUMS, f"{what}: {far}")


def test_functions(folder):
    """Two functions whose nodes and constants have equal names; one of them is
    called twice. ONNX Runtime inlines functions and renames what is in them."""
    random = np.random.default_rng(4)
    weights = [models.Weight(random, 64, 64) for _ in range(2)]
    model = folder / "model.onnx"
    x = random.standard_normal((2, 64)).astype(np.float32)
    functions = []
    for name, weight in zip("fg", weights):
        constants = []
        inputs = weight.add(constants, "w")
        functions.append(
            helper.make_function(
                "local",
                name,
                ["x"],
                ["y"],
                [
                    helper.make_node("Constant", [], [t.name], value=t)
                    for t in constants
                ]
                + [models.nbits(weight, ["x", *inputs], "y", "inside")],
                [
                    helper.make_opsetid("", 21),
                    helper.make_opsetid("com.microsoft", 1),
                ],
            )
        )
    calls = [
        helper.make_node(name, [x_name], [y_name], name=f"call_{y_name}",
                         domain="local")
        for name, x_name, y_name in (
            ("f", "x", "a"), ("g", "a", "b"), ("f", "b", "y")
        )
    ]
    made = models.make_model(
        calls, [value("x", ["n", 64])], [value("y", None)], [], functions
    )
    made.opset_import.append(helper.make_opsetid("local", 1))
    models.save(made, model)
    models.convert(model)
    expected = x.astype(np.float64)
    for weight in (weights[0], weights[1], weights[0]):
        expected = expected @ weight.f64().T
    for check in ("sample", "all"):
        session = by_provider(model, check=check)
        (y,) = session.run(None, {"x": x})
        apart = sessions.relative(y, expected)
        sessions.check(apart <= F32_SUMS, f"functions: {apart}")
        nodes = assigned(session)
        sessions.check(nodes is None or len(nodes) == 3, f"functions: {nodes}")


# ------------------------------------------------------------ every good model


def feed(session, k):
    random = np.random.default_rng(0)
    made = {}
    for given in session.get_inputs():
        shape = [d if isinstance(d, int) else 3 for d in given.shape]
        if "bool" in given.type:
            made[given.name] = np.ones(shape, bool)
            continue
        if len(shape) > 1 and not isinstance(given.shape[-1], int):
            shape[-1] = k
        kind = np.float16 if "float16" in given.type else np.float32
        made[given.name] = random.standard_normal(shape).astype(kind)
    return made


# ONNX Runtime's own result is wrong (a g_idx with zero points) or is not there
# for the same reason that the tensors hold no numbers; the converter's oracle
# tests decode these weights.
NOT_COMPARED = ["g_idx_zero_points", "scale_infinite"]
if sessions.VERSION < (1, 24):  # reads zero points of other types wrongly
    NOT_COMPARED.append("zero_points_float16")


def limit(model):
    return X_INT8 if model.stem == "function_calls" else F16_SCALES


def run_plain(model, given):
    """ONNX Runtime's outputs without optimizations, which multiply by
    DequantizeLinear's output in f32."""
    made = sessions.options()
    made.graph_optimization_level = (
        sessions.ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    )
    return sessions.ort.InferenceSession(
        str(model), made, providers=[sessions.CPU]
    ).run(None, given)


def good_models(folder):
    """Every model that is converted and that the wheel can run: its file, and
    inputs and outputs."""
    for source in sorted(GOOD.glob("*.onnx")):
        if source.stem in sessions.ABORTS:
            continue
        model = folder / source.name
        shutil.copy(source, model)
        container = model.with_suffix(".gguf")
        if models.quire("convert", model, "-o", container, "--force",
                        check=False).returncode:
            continue
        linears = models.info(container)["linears"]
        try:
            session = sessions.plain(model)
            given = feed(session, linears[0]["k"] if linears else 64)
            expected = run_plain(model, given)
        except Exception:
            continue  # not for this wheel, or not with random numbers
        yield model, given, expected


def far(outputs, expected):
    return max(sessions.relative(a, b) for a, b in zip(outputs, expected))


def test_good(folder):
    ran = []
    taken = 0
    for model, given, expected in good_models(folder):
        session = by_provider(model, check="all")
        outputs = session.run(None, given)
        nodes = assigned(session)
        if model.stem not in NOT_COMPARED and nodes != []:
            apart = far(outputs, expected)
            sessions.check(apart <= limit(model), f"{model.stem}: {apart}")
        ran.append(model.stem)
        taken += len(nodes or [])
        if nodes is not None and model.stem in ("overridable", "dq_bias"):
            sessions.check(not nodes, f"{model.stem}: {nodes}")
        if nodes is not None and model.stem in ("plain", "shared", "dq_int4"):
            sessions.check(bool(nodes), f"{model.stem} is not taken")
    print(f"ran {len(ran)} models; the provider has {taken} of their nodes")
    sessions.check(len(ran) >= 45, f"only {len(ran)} models ran: {ran}")


def test_thin(folder):
    """The same models as `quire thin` makes them."""
    ran = []
    for model, given, expected in good_models(folder):
        thin = folder / f"{model.stem}-thin.onnx"
        models.quire("thin", model, model.with_suffix(".gguf"), "-o", thin)
        kinds = {
            node.op_type
            for node in onnx.load(thin, load_external_data=False).graph.node
            if node.domain == "quire"
        }
        outputs = sessions.by_ops(thin).run(None, given)
        if not kinds or model.stem in NOT_COMPARED:
            continue
        apart = far(outputs, expected)
        sessions.check(apart <= limit(model), f"{thin.stem}: {apart}")
        ran.append(model.stem)
    print(f"ran {len(ran)} thin models")
    least = 20 if sessions.VERSION < (1, 24) else 45
    sessions.check(len(ran) >= least, f"only {len(ran)} ran: {ran}")


def test_dequantize(folder):
    """DequantizeLinear with MatMul and Gemm: one thread or two, any rank."""
    for stem in ("dq_int4", "dq_gemm_rows", "dq_transposed", "dq_channels"):
        model = folder / f"{stem}.onnx"
        shutil.copy(GOOD / f"{stem}.onnx", model)
        container = models.convert(model)
        k = models.info(container)["linears"][0]["k"]
        results = []
        for threads in (1, 2):
            session = sessions.by_provider(model, threads=threads)
            name = session.get_inputs()[0].name
            x = np.random.default_rng(6).standard_normal((9, k))
            results.append(session.run(None, {name: x.astype(np.float32)}))
            empty = np.zeros((0, k), np.float32)
            (y,) = session.run(None, {name: empty})
            sessions.check(y.shape[0] == 0, f"{stem}: {y.shape}")
        sessions.check(sessions.same(*results), f"{stem}: threads differ")


def permuted(container, heads, linears):
    """The container of two weights with the rows of the first one permuted, and
    linears for the tensors of these numbers."""
    data, made = container.read_bytes(), []
    facts = models.info(container)
    for tensor in facts["tensors"]:
        rows = data[tensor["offset"] : tensor["offset"] + tensor["size"]]
        operation = ""
        if not made:
            size = tensor["size"] // tensor["shape"][1]
            order = np.arange(tensor["shape"][1]).reshape(heads, 2, -1)
            rows = b"".join(
                rows[i * size : (i + 1) * size]
                for i in order.swapaxes(1, 2).ravel()
            )
            operation = f"permute {heads}"
        made.append(
            gguf_file.Tensor(
                tensor["name"], tensor["dtype"], tensor["shape"],
                source=tensor["source"], data=rows, operation=operation,
            )
        )
    rows = [
        (facts["linears"][i]["name"], i, -1, facts["linears"][i]["k"], 0)
        for i in linears
    ]
    container.write_bytes(gguf_file.container([], made, rows).image().data)


def test_operations(folder):
    """A weight that the container has by an operation alone is left to ONNX
    Runtime, whatever a linear says."""
    random = np.random.default_rng(11)
    weights = [models.Weight(random, 96, n) for n in (40, 64)]
    model = folder / "operations.onnx"
    models.stack(model, weights)
    x = random.standard_normal((3, 5, 96)).astype(np.float32)
    for linears in ((1,), (0, 1)):
        container = models.convert(model)
        permuted(container, 5, linears)
        for check in ("sample", "none"):
            session = by_provider(model, check=check)
            taken = assigned(session)
            sessions.check(
                taken is None or taken == ["MatMulNBits"], f"took {taken}"
            )
            for weight, y in zip(weights, session.run(None, {"x": x})):
                apart = sessions.relative(y, truth(weight, x))
                sessions.check(apart <= F32_SUMS, f"{check}: {apart}")


def main():
    folder = sessions.scratch()
    test_embedding(folder)
    test_thin(folder)
    if sessions.HAS_PROVIDER:
        test_names(folder)
        test_loop(folder)
        test_functions(folder)
        test_good(folder)
        test_dequantize(folder)
        test_operations(folder)
    sessions.done("models")


if __name__ == "__main__":
    main()
