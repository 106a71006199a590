"""What comes out, beside ONNX Runtime's own MatMulNBits and beside f64."""

import numpy as np

import plugin_models as models
import plugin_sessions as sessions

# Relative to the largest output. Scales that f16 holds lose nothing, and f32
# sums of up to 1024 products differ in their last bits; others are rounded to
# f16, by 2^-11 at most. So is, with zero points, zero times scale: there the
# limit is computed for each output.
EXACT_SCALES = 1e-5
FINE_SCALES = 5e-4
# Half a unit in the last place of f16, of each of two f16 results, and the
# rounding of f16 sums inside ONNX Runtime is not ours.
F16_OUTPUT = 2.0**-10

ROWS = ((), (1,), (7,), (2, 3), (33,), (2, 1, 1, 5))


def weights(random, **keywords):
    """Every kind that a MatMulNBits of the wheel computes."""
    kinds = []
    for block in (16, 32, 128):
        for zeros in (False, True):
            for bias in (False, True):
                kinds.append((288, 48, 4, block, zeros, bias))
    kinds.append((1024, 96, 4, 32, False, False))
    if sessions.VERSION >= (1, 24):
        kinds += [(160, 33, 8, 32, False, True), (288, 16, 8, 32, False, False)]
        kinds += [(160, 33, 2, 32, False, False), (288, 16, 2, 64, True, False)]
    return [
        models.Weight(
            random, k, n, bits, block, zeros=zeros, bias=bias, **keywords
        )
        for k, n, bits, block, zeros, bias in kinds
    ]


def exact(weight, x):
    y = x.astype(np.float64) @ weight.f64().T
    return y if weight.bias is None else y + weight.bias.astype(np.float64)


def rounding(weight, x):
    """The most that rounding scale, and zero times scale, by 2^-11 changes an
    output: the sum of |x| (code + zero) |scale| 2^-11."""
    spread = lambda a: np.repeat(a.astype(np.float64), weight.block, 1)
    sizes = (weight.codes + spread(weight.zeros)) * spread(weight.scales)
    return (
        np.abs(x.astype(np.float64)) @ sizes[:, : weight.k].T * 2.0**-11
        + EXACT_SCALES
    )


def every_session(folder, model, made, level, threads):
    """The routes of this wheel, by name."""
    container = models.convert(model)
    models.ops(made, container, folder / "input.onnx", level=level)
    models.ops(
        made, container, folder / "path.onnx", by=container.name, level=level
    )
    routes = {
        "input": sessions.by_ops(folder / "input.onnx", threads=threads),
        "path": sessions.by_ops(
            folder / "path.onnx", folder=folder, threads=threads
        ),
    }
    if sessions.HAS_PROVIDER:
        routes["provider"] = sessions.by_provider(
            model, {"accuracy_level": str(level)}, threads=threads
        )
        sessions.check(
            routes["provider"].get_providers()[0] == sessions.PROVIDER,
            "the provider is not there",
        )
    return routes


def compare(folder, weight, level, limit):
    """Returns the squares of errors from f64, ours and ONNX Runtime's."""
    model = folder / "model.onnx"
    made = models.stack(model, [weight], level=level)
    theirs = sessions.plain(model, threads=1)
    routes = {
        threads: every_session(folder, model, made, level, threads)
        for threads in (1, 2)
    }
    errors = np.zeros(2)
    random = np.random.default_rng(5)
    for rows in ((1, 1), (1, 5), (2, 40)):
        x = random.standard_normal((*rows, weight.k)).astype(weight.type)
        expected = theirs.run(None, {"x": x})
        first = None
        for threads, made_routes in routes.items():
            for name, session in made_routes.items():
                y = session.run(None, {"x": x})
                first = first or y
                sessions.check(
                    sessions.same(first, y),
                    f"{name} with {threads} threads differs",
                )
        far = sessions.relative(first[0], expected[0])
        near = limit is None or far <= limit
        if limit == FINE_SCALES and weight.zeros is not None:
            apart = np.abs(first[0].astype(np.float64) - expected[0])
            near = bool((apart <= rounding(weight, x)).all())
        sessions.check(
            near,
            f"K {weight.k}, {weight.bits} bits, blocks of {weight.block}, level"
            f" {level}, {rows} rows: {far} from ONNX Runtime's",
        )
        truth = exact(weight, x)
        errors += [
            ((y[0].astype(np.float64) - truth) ** 2).sum()
            for y in (first, expected)
        ]
    return errors


def test_levels(folder):
    random = np.random.default_rng(3)
    for weight in weights(random):
        compare(folder, weight, 1, EXACT_SCALES)
    for weight in weights(random, fine=True):
        compare(folder, weight, 1, FINE_SCALES)
    for block in (32, 64, 128):
        errors = sum(
            compare(
                folder,
                models.Weight(random, 1024, 128, 4, block, zeros=zeros),
                4,
                None,
            )
            for zeros in (False, True)
        )
        ours, theirs = np.sqrt(errors)
        print(f"level 4, blocks of {block}: {ours:.6g} and {theirs:.6g}")
        # With equal blocks both round x alike, and f32 sums are what is left.
        sessions.check(
            ours <= theirs * (1 + EXACT_SCALES),
            f"level 4, blocks of {block}: {ours} from f64, ONNX Runtime's"
            f" {theirs}",
        )


def test_half(folder):
    """f16, and ranks from 1; an empty batch."""
    random = np.random.default_rng(4)
    model = folder / "model.onnx"
    for half in (False, True):
        kinds = [
            models.Weight(random, 96, 40, bias=True, half=half),
            models.Weight(random, 96, 33, bits=8, half=half),
            models.Weight(random, 96, 64, bits=2, zeros=True, half=half),
        ]
        made = models.stack(model, kinds)
        del made.graph.input[0].type.tensor_type.shape.dim[:]
        made.graph.input[0].type.tensor_type.ClearField("shape")
        models.save(made, model)
        container = models.convert(model)
        routes = []
        for many in (False, True):
            models.ops(made, container, folder / "ops.onnx", many=many)
            routes.append(sessions.by_ops(folder / "ops.onnx"))
        if sessions.HAS_PROVIDER:
            routes.append(sessions.by_provider(model))
        for rows in ROWS:
            x = random.standard_normal((*rows, 96)).astype(kinds[0].type)
            results = [route.run(None, {"x": x}) for route in routes]
            for y in results:
                sessions.check(sessions.same(results[0], y), "routes differ")
            for weight, y in zip(kinds, results[0]):
                sessions.check(y.dtype == x.dtype, "another type")
                sessions.check(y.shape == (*rows, weight.n), "another shape")
                limit = F16_OUTPUT if half else EXACT_SCALES
                far = sessions.relative(y, exact(weight, x))
                sessions.check(far <= limit, f"{rows} rows: {far} from f64")
        for rows in ((0,), (0, 3), (2, 0)):
            x = np.zeros((*rows, 96), kinds[0].type)
            for route in routes:
                shapes = [y.shape for y in route.run(None, {"x": x})]
                sessions.check(
                    shapes == [(*rows, w.n) for w in kinds], "not empty"
                )
        for route in routes:
            wrong = np.zeros((2, 95), kinds[0].type)
            sessions.fails(lambda: route.run(None, {"x": wrong}), "95", "96")


def main():
    folder = sessions.scratch()
    test_levels(folder)
    test_half(folder)
    sessions.done("numbers")


if __name__ == "__main__":
    main()
