"""quire export: the exported model is the source except for its scales,
converts to the same tensors again, and ONNX Runtime computes the same with it,
within the rounding of scales."""

import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import nbits
import oracle
import test_quantizers
import test_tables

ONNX = oracle.ROOT / "tests" / "onnx"
DATA = oracle.ROOT / "tests" / "data" / "onnx"
# The inputs that are scales.
SCALES = {
    "MatMulNBits": (2,),
    "GatherBlockQuantized": (2,),
    "DequantizeLinear": (1,),
    "QMoE": (3, 6, 9),
}


def graphs(model):
    """Every graph of a model, bodies included."""
    todo = [model.graph]
    while todo:
        graph = todo.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                todo += [*attribute.graphs]
                if attribute.HasField("g"):
                    todo.append(attribute.g)


def scale_names(model):
    return {
        node.input[at]
        for graph in graphs(model)
        for node in graph.node
        for at in SCALES.get(node.op_type, ())
        if at < len(node.input)
    }


def tensors(model, folder):
    """Each initializer and Constant: (name, message, array)."""
    for graph in graphs(model):
        for tensor in graph.initializer:
            yield tensor.name, tensor
        for node in graph.node:
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.HasField("t"):
                    yield node.output[0], attribute.t


def array_of(tensor, folder):
    """The data of a tensor. External data without a length ends with the
    tensor's elements; the onnx package would read to the end of the file."""
    places = {entry.key: entry.value for entry in tensor.external_data}
    if not places or "length" in places:
        return numpy_helper.to_array(tensor, str(folder))
    data = (folder / places["location"]).read_bytes()
    nibbles = tensor.data_type in (TensorProto.INT4, TensorProto.UINT4)
    dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    count = int(np.prod(tensor.dims))
    size = (count + 1) // 2 if nibbles else count * dtype.itemsize
    offset = int(places.get("offset", 0))
    inside = onnx.TensorProto()
    inside.CopyFrom(tensor)
    inside.ClearField("external_data")
    inside.ClearField("data_location")
    inside.raw_data = data[offset : offset + size]
    return numpy_helper.to_array(inside)


def without_data(model, folder):
    """The model's bytes without the data of any tensor."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for _, tensor in tensors(bare, folder):
        for field in (
            "raw_data", "float_data", "int32_data", "int64_data",
            "double_data", "uint64_data", "external_data", "data_location",
        ):
            tensor.ClearField(field)
    return bare.SerializeToString(deterministic=True)


def hashes(path):
    info = oracle.info(path)
    return [(t["name"], t["dtype"], t["xxh3"]) for t in info["tensors"]]


def outputs(path, feeds):
    session = onnxruntime.InferenceSession(
        path, providers=["CPUExecutionProvider"]
    )
    return session.run(None, feeds)


class Export(unittest.TestCase):
    def back(self, source, container, *options):
        path = oracle.scratch(self) / "back.onnx"
        oracle.quire(
            "export", container, "--onnx", source, "-o", path, *options
        )
        return path

    def check_back(self, source, container, path, *options, left_out=False):
        """What holds of any export. `options` made the container; with
        `left_out` it lacks tensors that a recipe leaves out."""
        old, new = (onnx.load(p, load_external_data=False)
                    for p in (source, path))
        folders = source.parent, path.parent
        self.assertEqual(
            without_data(old, folders[0]), without_data(new, folders[1])
        )
        scales = scale_names(old)
        pairs = zip(tensors(old, folders[0]), tensors(new, folders[1]))
        for (name, a), (_, b) in pairs:
            if a.data_type == TensorProto.STRING:
                self.assertEqual(a, b)
                continue
            a, b = array_of(a, folders[0]), array_of(b, folders[1])
            # Some tensors are read before any node uses them.
            if name not in scales and not name.endswith("_scales"):
                self.assertEqual(a.tobytes(), b.tobytes(), name)
            else:
                self.check_scales(a, b)
        again = oracle.scratch(self) / "again.gguf"
        oracle.quire("convert", path, "-o", again, *options)
        self.assertEqual(hashes(again), hashes(container))
        code = oracle.run("compare", path, container).returncode
        self.assertEqual(code, 1 if left_out else 0)

    def check_scales(self, old, new):
        """Each number is rounded to f16 or, for the sake of an offset, less
        far. If the weight stays dequantized, all its numbers are unchanged."""
        if old.dtype == new.dtype and old.tobytes() == new.tobytes():
            return
        old, new = old.astype(np.float64), new.astype(np.float64)
        rounded = old.astype(np.float16).astype(np.float64)
        between = np.minimum(old, rounded) <= new
        between &= new <= np.maximum(old, rounded)
        self.assertTrue(between.all())
        self.assertTrue(
            (new.astype(np.float16) == old.astype(np.float16)).all()
        )

    def test_every_small_model(self):
        models = [*ONNX.rglob("*.onnx"), *DATA.rglob("*.onnx")]
        exported = 0
        for source in sorted(models):
            path = oracle.scratch(self) / "out.gguf"
            if oracle.run("convert", source, "-o", path).returncode:
                continue
            if source.name == "dq_both_ways.onnx":
                # One node takes the scales rounded, the other takes them
                # unchanged.
                self.refused(
                    2, ["'w_DQ_scales' is shared by weights that differ"],
                    path, "--onnx", source, "-o", path.with_name("back.onnx"),
                )
                continue
            for options in ((), ("--external-data",)):
                with self.subTest(model=source.name, options=options):
                    back = self.back(source, path, *options)
                    self.check_back(source, path, back)
                    exported += 1
        self.assertGreater(exported, 100)

    def test_minilm(self):
        """In f32 and f16, with data inside the file, beside it, and moved
        out."""
        for name in ("f32.onnx", "f16.onnx", "unaligned.onnx"):
            source = oracle.MODELS / name
            container = oracle.convert(self, source)
            for options in ((), ("--external-data",)):
                with self.subTest(model=name, options=options):
                    back = self.back(source, container, *options)
                    self.check_back(source, container, back)
                    self.check_minilm(source, back)

    def test_renamed(self):
        """Containers whose tensors a recipe has renamed: the names of the
        source identify them."""
        source = oracle.MODELS / "f32.onnx"
        recipe = oracle.scratch(self) / "names.yaml"
        recipe.write_text(
            "rename:\n"
            "  encoder.layer.{n}.intermediate.dense.weight: up.{n}.w\n"
            "  encoder.layer.{n}.output.dense.weight: down.{n}.w\n"
            # Names that other tensors of the source have: these two swap
            # names.
            "  encoder.layer.{n}.attention.self.query.weight:"
            " encoder.layer.{n}.attention.self.key.weight\n"
            "  encoder.layer.{n}.attention.self.key.weight:"
            " encoder.layer.{n}.attention.self.query.weight\n"
        )
        options = ("--recipe", recipe)
        container = oracle.scratch(self) / "renamed.gguf"
        oracle.quire("convert", source, "-o", container, *options)
        names = {t["name"] for t in oracle.info(container)["tensors"]}
        self.assertLessEqual({"up.0.w", "down.5.w"}, names)
        for more in ((), ("--external-data",)):
            back = self.back(source, container, *more)
            self.check_back(source, container, back, *options)
            self.check_minilm(source, back)
        exported = 0
        for source in sorted((ONNX / "good").glob("layout_*.onnx")):
            with self.subTest(model=source.name):
                named = oracle.scratch(self) / "named.gguf"
                options = ("--recipe", "llama")
                oracle.quire("convert", source, "-o", named, *options)
                back = self.back(source, named)
                # The recipe leaves out tables of sines and cosines.
                self.check_back(source, named, back, *options, left_out=True)
                exported += 1
        self.assertGreater(exported, 4)

    def check_minilm(self, source, back):
        model = onnx.load(source, load_external_data=False)
        rng = np.random.default_rng(5)
        feeds = {}
        for value in model.graph.input:
            tensor = value.type.tensor_type
            feeds[value.name] = rng.standard_normal(
                (3, tensor.shape.dim[1].dim_value)
            ).astype(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
        for theirs, ours in zip(outputs(source, feeds), outputs(back, feeds)):
            self.assertLess(oracle.relative(ours, theirs), nbits.HALF_STEP)

    def check_variant(self, model, k, dtype):
        source = oracle.scratch(self) / "model.onnx"
        source.write_bytes(model.SerializeToString())
        container = oracle.convert(self, source)
        back = self.back(source, container)
        self.check_back(source, container, back)
        self.check_output(source, back, k, dtype)

    def check_output(self, source, back, k, dtype):
        """Each weight moves by its bound at most, and both sums round."""
        rng = np.random.default_rng(k)
        x = rng.standard_normal((3, k)).astype(dtype)
        old, new = (nbits.read_weights(p)[0] for p in (source, back))
        wide = np.abs(x.astype(np.float64))
        limit = wide @ (nbits.HALF_STEP * np.abs(old.exact())).T
        moved = np.abs(new.exact() - old.exact())
        self.assertTrue(
            (moved <= nbits.HALF_STEP * np.abs(old.exact())).all()
        )
        step = 2.0**-23 if dtype == np.float32 else 2.0**-9
        limit += 2 * k * 2.0**-23 * (wide @ np.abs(old.exact()).T)
        limit += step * (wide @ np.abs(old.exact()).T)
        (theirs,), (ours,) = outputs(source, {"x": x}), outputs(back, {"x": x})
        distance = np.abs(ours.astype(np.float64) - theirs)
        self.assertTrue((distance <= limit).all())

    def test_quantizers(self):
        """Models of ONNX Runtime's quantizers: bits, blocks, zero points, f32
        and f16."""
        weights = test_quantizers.make_minilm.weights()
        name = "encoder.layer.1.attention.self.key.weight"
        weight = np.asarray(weights[name][:48])
        rows = [
            (algorithm, bits, block, symmetric, dtype)
            for algorithm in ("DEFAULT", "RTN")
            for bits in (4, 8)
            for block in (16, 32, 64)
            for symmetric in (True, False)
            for dtype in (np.float32, np.float16)
            if algorithm == "DEFAULT" or dtype == np.float32
        ]
        rows += [("DEFAULT", 2, 32, s, np.float32) for s in (True, False)]
        rows += [("HQQ form", 4, 32, False, np.float32)]
        rows += [("k_quant", 4, 32, False, np.float32)]
        for row in rows:
            with self.subTest(row=row):
                model = test_quantizers.quantize(weight, *row)
                self.check_variant(model, weight.shape[1], row[-1])

    def test_lookups(self):
        """GatherBlockQuantized, with rows looked up by ONNX Runtime."""
        weights = test_quantizers.make_minilm.weights()
        table = np.asarray(weights["embeddings.word_embeddings.weight"][:60])
        for symmetric in (True, False):
            for block in (32, 128):
                with self.subTest(symmetric=symmetric, block=block):
                    model = test_quantizers.quantize_gather(
                        table, block, symmetric
                    )
                    source = oracle.scratch(self) / "gather.onnx"
                    source.write_bytes(model.SerializeToString())
                    container = oracle.convert(self, source)
                    back = self.back(source, container)
                    self.check_back(source, container, back)
                    rows = {"x": np.arange(len(table))}
                    (a,), (b,) = outputs(source, rows), outputs(back, rows)
                    far = np.abs(a.astype(np.float64) - b)
                    self.assertTrue(
                        (far <= nbits.HALF_STEP * 1.001 * np.abs(a)).all()
                    )

    def test_external_layout(self):
        source = oracle.MODELS / "f32.onnx"
        container = oracle.convert(self, source)
        back = self.back(source, container, "--external-data")
        model = onnx.load(back, load_external_data=False)
        names = sorted(path.name for path in back.parent.iterdir())
        self.assertEqual(names, ["back.onnx", "back.onnx.data"])
        size = (back.parent / "back.onnx.data").stat().st_size
        ends = []
        for tensor in model.graph.initializer:
            entries = {e.key: e.value for e in tensor.external_data}
            if not entries:
                self.assertLess(len(tensor.raw_data), 1024)
                continue
            self.assertEqual(entries["location"], "back.onnx.data")
            self.assertEqual(int(entries["offset"]) % 4096, 0)
            ends.append(int(entries["offset"]) + int(entries["length"]))
        self.assertEqual(max(ends), size)

    def refused(self, code, words, *arguments):
        result = oracle.run("export", *arguments)
        self.assertEqual(result.returncode, code)
        self.assertRegex(result.stderr, r"\Aquire: [^\n]+\n\Z")
        for word in words:
            self.assertIn(word, result.stderr)

    def test_another_model(self):
        plain = oracle.convert(self, ONNX / "good" / "plain.onnx")
        folder = oracle.scratch(self)
        for other, words in (
            ("shared.onnx", ["another shape", "'first' (MatMulNBits)"]),
            ("dense.onnx", ["is not a weight of the model", "w.weight"]),
            ("ragged.onnx", ["another shape", "MatMulNBits"]),
        ):
            with self.subTest(other=other):
                self.refused(
                    2, words, plain, "--onnx", ONNX / "good" / other, "-o",
                    folder / "back.onnx",
                )
                self.assertEqual(list(folder.iterdir()), [])

    def test_shared_scales(self):
        """Scales that one node takes rounded and another unchanged."""
        row = test_tables.Row(4, 64, 32)
        model = test_tables.Model([row, row], np.float32).proto
        first, second = model.graph.node
        second.input[1], second.input[2] = first.input[1], first.input[2]
        order = numpy_helper.from_array(np.arange(64, dtype=np.int32) % 2, "g")
        model.graph.initializer.append(order)
        second.input.extend([""] * (5 - len(second.input)))
        second.input[4] = "g"
        for held, words in ((True, []), (False, ["shared by weights"])):
            scales = np.full(8, 0.5 if held else 0.1, np.float32)
            for tensor in model.graph.initializer:
                if tensor.name == first.input[2]:
                    shape = tuple(tensor.dims)
                    tensor.CopyFrom(numpy_helper.from_array(
                        scales.reshape(shape), tensor.name))
            source = oracle.scratch(self) / "model.onnx"
            source.write_bytes(model.SerializeToString())
            container = oracle.convert(self, source)
            with self.subTest(held=held):
                if held:
                    back = self.back(source, container)
                    self.check_back(source, container, back)
                else:
                    self.refused(
                        2, words, container, "--onnx", source, "-o",
                        source.with_name("back.onnx"),
                    )

    def test_rounded_dense(self):
        """A dense f16 weight that was rounded cannot go back into the node."""
        source = ONNX / "good" / "g_idx.onnx"
        path = oracle.scratch(self) / "half.gguf"
        oracle.quire("convert", source, "-o", path, "--fallback", "f16")
        self.refused(
            2, ["other numbers than the node", "MatMulNBits"], path,
            "--onnx", source, "-o", path.with_name("back.onnx"),
        )
        self.assertFalse(path.with_name("back.onnx").exists())


if __name__ == "__main__":
    unittest.main()
