"""quire thin: what is left in a thin model, and that it means what the source
means. The source, with the container's weights in it (quire export), and the
thin model, written out with plain operators, give the same in ONNX Runtime."""

import shutil
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import oracle
import thin_models
from thin_models import OPSETS, Weights, info_of, model_of

ONNX = oracle.ROOT / "tests" / "onnx"
DATA = oracle.ROOT / "tests" / "data"


def session_of(path):
    """Computes in f32, whatever accuracy levels the model has."""
    model = thin_models.at_level_1(onnx.load(path))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry(
        "session.qdq_matmulnbits_accuracy_level", "1"
    )
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


class Thin(unittest.TestCase):
    def setUp(self):
        self.folder = oracle.scratch(self)
        self.source = self.folder / "model.onnx"
        self.container = self.folder / "model.gguf"
        self.path = self.folder / "thin.onnx"

    def thin(self, *options):
        oracle.quire(
            "convert", self.source, "-o", self.container, "--force", *options
        )
        return self.thin_by(self.container)

    def thin_by(self, container):
        oracle.quire(
            "thin", self.source, container, "-o", self.path, "--force"
        )
        return onnx.load(self.path, load_external_data=False)

    def thin_model(self, model, **more):
        onnx.save(model, self.source, **more)
        return self.thin()

    def check_structure(self, thin):
        """Valid ONNX, one container for each graph, names and checksum."""
        info = oracle.info(self.container)
        xxh3 = info["metadata"]["quire.header.xxh3"]
        for node in thin_models.nodes_of(thin):
            was = thin_models.attributes(node)
            self.assertEqual(was["header_xxh3"].decode(), xxh3)
            self.assertEqual(len(node.input), 2)
        for holder in thin_models.holders(thin):
            if not hasattr(holder, "initializer"):
                continue
            names = {t.name for t in holder.initializer}
            for node in holder.node:
                if node.domain == "quire":
                    self.assertIn(node.input[1], names)
        for holder in (thin, *thin.functions):
            domains = [entry.domain for entry in holder.opset_import]
            inside = (thin_models.holders(thin) if holder is thin
                      else thin_models.within(holder))
            ours = any(node.domain == "quire"
                       for inner in inside for node in inner.node)
            self.assertEqual(domains.count("quire"), int(ours))
        oracle.quire("compare", self.path, self.container)

    def reference(self):
        """The source with the container's weights, or itself where a node
        cannot hold them."""
        back = self.folder / "back.onnx"
        result = oracle.run(
            "export", self.container, "--onnx", self.source, "-o", back,
            "--force"
        )
        return self.source if result.returncode else back

    def check_close(self, actual, expected, step):
        for a, b in zip(actual, expected, strict=True):
            self.assertEqual((a.shape, a.dtype), (b.shape, b.dtype))
            a, b = a.astype(np.float64), b.astype(np.float64)
            least = 2.0**-9 if expected[0].dtype == np.float16 else 1e-5
            finite = np.abs(b[np.isfinite(b)])
            limit = least * finite.max(initial=0) + step
            same = (a == b) | (np.isnan(a) & np.isnan(b))
            self.assertTrue((same | (np.abs(a - b) <= limit)).all())

    def check_means(self):
        """The expanded model computes what the source does. Returns how often
        ONNX Runtime ran both."""
        plain = self.folder / "expanded.onnx"
        thin = onnx.load(self.path, load_external_data=False)
        thin_models.expand(self.path, self.container, plain)
        reference = self.reference()
        try:
            theirs = session_of(reference)
        except Exception:
            return 0
        ours = session_of(plain)
        count = 0
        for feeds in thin_models.all_feeds(theirs, thin):
            try:
                expected = theirs.run(None, feeds)
            except Exception:
                continue
            most = max((np.abs(x).max(initial=0) for x in feeds.values()),
                       default=0)
            step = thin_models.rounding(
                thin, self.container, most, reference == self.source
            )
            self.check_close(ours.run(None, feeds), expected, step)
            count += 1
        return count

    def check_valid(self):
        """The thin model passes onnx.checker where the source does."""
        try:
            onnx.checker.check_model(str(self.source))
        except Exception:
            return
        onnx.checker.check_model(str(self.path))

    def test_every_small_model(self):
        thinned = computed = 0
        paths = [*ONNX.glob("good/*.onnx"), *ONNX.glob("places/*.onnx"),
                 *DATA.rglob("*.onnx")]
        for path in sorted(paths):
            with self.subTest(model=path.name):
                self.setUp()
                self.source = thin_models.copy_model(path, self.folder)
                if oracle.run("convert", self.source, "-o",
                              self.container).returncode:
                    continue
                thin = self.thin()
                self.check_structure(thin)
                self.check_valid()
                thinned += 1
                # With a g_idx and zero points ONNX Runtime computes something
                # else than its documentation says.
                if path.name == "g_idx_zero_points.onnx":
                    continue
                if thin_models.nodes_of(thin):
                    computed += self.check_means() > 0
        self.assertGreater(thinned, 150)
        self.assertGreater(computed, 120)

    def test_functions(self):
        """Nodes of a function stay, and so does the function."""
        model = thin_models.functions_model()
        thin = self.thin_model(model)
        self.assertEqual(
            [n.op_type for n in thin_models.nodes_of(thin)], ["Linear"])
        self.assertEqual(thin.functions, model.functions)
        self.check_structure(thin)
        self.check_valid()
        self.assertEqual(self.check_means(), 2)

    def test_bodies(self):
        """Weights around an If, shared by both of its branches. One weight has
        a name that another graph has too."""
        thin = self.thin_model(thin_models.bodies_model())
        kinds = sorted(n.op_type for n in thin_models.nodes_of(thin))
        self.assertEqual(kinds, ["Linear", "Linear", "LinearMany"])
        self.assertEqual(
            [t.name for t in thin.graph.initializer], ["quire.container"])
        self.check_structure(thin)
        self.check_valid()
        self.assertGreater(self.check_means(), 1)

    def test_names(self):
        """Nodes without names and with equal ones; a value that has the name
        of ours; an input for each initializer."""
        weights = Weights()
        nodes = [
            weights.node("x", "a", name=""),
            weights.node("x", "b", name="twice"),
            weights.node("x", "quire.container", name="twice"),
            helper.make_node("Identity", ["x"], ["x2"]),
            weights.node("x2", "quire.container__", name="twice"),
        ]
        names = ["a", "b", "quire.container", "quire.container__"]
        inputs = [info_of("x", ["m", 64])]
        inputs += [info_of(t.name, t.dims, t.data_type)
                   for t in weights.tensors]
        model = model_of(nodes, inputs, [info_of(n, None) for n in names],
                         weights.tensors)
        thin = self.thin_model(model)
        self.assertEqual([i.name for i in thin.graph.input], ["x"])
        self.assertEqual([t.name for t in thin.graph.initializer],
                         ["quire.container___"])
        many, one = thin_models.nodes_of(thin)
        self.assertEqual(len(many.output), 3)
        self.assertEqual(many.name, "")
        self.assertEqual(one.name, "twice")
        self.check_structure(thin)
        # ONNX Runtime takes no two nodes of one name.
        for node, name in zip(nodes, ("", "1", "2", "3", "4")):
            node.name = name
        model = model_of(nodes, inputs, [info_of(n, None) for n in names],
                         weights.tensors)
        self.thin_model(model)
        self.assertGreater(self.check_means(), 0)

    def test_groups(self):
        """Different levels and widths are not grouped."""
        weights = Weights()
        nodes = [weights.node("x", "a"), weights.node("x", "b"),
                 weights.node("x", "c", n=16), weights.node("x", "d")]
        nodes[3].attribute.append(helper.make_attribute("accuracy_level", 4))
        model = model_of(nodes, [info_of("x", ["m", 64])],
                         [info_of(n, None) for n in "abcd"], weights.tensors)
        thin = self.thin_model(model)
        many, one = thin_models.nodes_of(thin)
        self.assertEqual(list(many.output), ["a", "b", "c"])
        self.assertEqual(thin_models.attributes(many)["N"], [48, 48, 16])
        self.assertEqual(list(one.output), ["d"])
        self.check_structure(thin)
        self.assertGreater(self.check_means(), 0)

    def test_added(self):
        """An Add of a bias goes with its product, where the shape of the result
        is sure to stay. Products of one x still are one node."""
        for dims, rank, left in (([48], None, 0), ([1, 48], None, 2),
                                 ([1, 48], 2, 0), ([1, 1, 48], 2, 2),
                                 ([1, 1, 48], 3, 0)):
            weights = Weights()
            rng = np.random.default_rng(7)
            nodes = [weights.node("x", "a"), weights.node("x", "b"),
                     weights.node("x", "c")]
            for name in "ab":
                bias = rng.standard_normal(dims).astype(np.float32)
                weights.tensor(f"{name}_bias", bias)
                nodes.append(helper.make_node(
                    "Add", [f"{name}_bias", name], [f"{name}_sum"]))
            nodes.append(helper.make_node("Relu", ["b_sum"], ["r"]))
            shape = ["m", "l", "k"][3 - rank:] if rank else None
            x = info_of("x", [*shape[:-1], 64] if rank else None)
            model = model_of(nodes, [x],
                             [info_of(n, None) for n in ("a_sum", "r", "c")],
                             weights.tensors)
            thin = self.thin_model(model)
            kinds = sorted(n.op_type for n in thin.graph.node)
            tensors = {t.name for t in thin.graph.initializer}
            if left:
                self.assertEqual(kinds, ["Add", "Add", "Linear", "LinearMany",
                                         "Relu"])
                self.assertEqual(tensors,
                                 {"a_bias", "b_bias", "quire.container"})
            else:
                self.assertEqual(kinds, ["LinearMany", "Relu"])
                self.assertEqual(tensors, {"quire.container"})
                (many,) = thin_models.nodes_of(thin)
                self.assertEqual(list(many.output), ["a_sum", "b_sum", "c"])
            self.check_structure(thin)
            self.assertGreater(self.check_means(), 0)

    def test_added_elsewhere(self):
        """A container whose linear has no bias, as one that was made before or
        whose recipe leaves the constant out: the Add stays."""
        weights = Weights()
        weights.tensor("moved", np.arange(48, dtype=np.float32))
        nodes = [weights.node("x", "a"),
                 helper.make_node("Add", ["a", "moved"], ["y"])]
        model = model_of(nodes, [info_of("x", ["m", 64])],
                         [info_of("y", None)], weights.tensors)
        recipe = self.folder / "recipe.yaml"
        recipe.write_text("leave: moved\n")
        onnx.save(model, self.source)
        thin = self.thin("--recipe", recipe)
        self.assertIsNone(oracle.info(self.container)["linears"][0]["bias"])
        self.assertEqual([n.op_type for n in thin.graph.node],
                         ["Linear", "Add"])
        self.assertEqual({t.name for t in thin.graph.initializer},
                         {"moved", "quire.container"})
        plain = self.folder / "expanded.onnx"
        thin_models.expand(self.path, self.container, plain)
        x = np.random.default_rng(1).standard_normal((3, 64))
        x = {"x": x.astype(np.float32)}
        self.check_close(session_of(plain).run(None, x),
                         session_of(self.source).run(None, x), 1e-2)

    def test_types(self):
        """bfloat16 stays with ONNX Runtime; x decides, not the scales."""
        for kind, left in ((TensorProto.FLOAT16, 0), (TensorProto.FLOAT, 0),
                           (TensorProto.BFLOAT16, 1)):
            weights = Weights()
            node = weights.node("x", "y")
            model = model_of([node], [info_of("x", ["m", 64], kind)],
                             [info_of("y", None, kind)], weights.tensors)
            thin = self.thin_model(model)
            self.assertEqual(len(thin_models.nodes_of(thin)), 1 - left)
            oracle.quire("compare", self.path, self.container)

    def test_still_used(self):
        """A constant that something else uses too stays; so does one that is
        an output."""
        weights = Weights()
        nodes = [
            weights.node("x", "y"),
            helper.make_node("Shape", ["w0_Q4"], ["shape"]),
        ]
        model = model_of(
            nodes, [info_of("x", ["m", 64])],
            [info_of("y", None), info_of("shape", [3], TensorProto.INT64),
             info_of("w0_scales", [96])],
            weights.tensors,
        )
        thin = self.thin_model(model)
        self.assertEqual({t.name for t in thin.graph.initializer},
                         {"w0_Q4", "w0_scales", "quire.container"})
        self.check_structure(thin)
        self.assertGreater(self.check_means(), 0)

    def test_shared_dequantization(self):
        """A MatMul stays whose DequantizeLinear has another use; two that
        share one, the second behind a Transpose, both go."""
        rng = np.random.default_rng(3)
        codes = rng.integers(-128, 128, (64, 64)).astype(np.int8)
        tensors = [numpy_helper.from_array(codes, "w_Q8"),
                   numpy_helper.from_array(np.float32(0.125), "s")]
        nodes = [
            helper.make_node("DequantizeLinear", ["w_Q8", "s"], ["w"]),
            helper.make_node("MatMul", ["x", "w"], ["y"], name="first"),
            helper.make_node("Transpose", ["w"], ["t"], perm=[1, 0]),
            helper.make_node("MatMul", ["x", "t"], ["z"], name="second"),
        ]
        wrapped = [
            nodes[0],
            helper.make_node("Identity", ["w"], ["i"]),
            helper.make_node("MatMul", ["x", "i"], ["y"], name="first"),
            helper.make_node("Transpose", ["i"], ["t"], perm=[1, 0]),
            nodes[3],
        ]
        for base, used in ((nodes, ""), (nodes, "w"), (nodes, "t"),
                           (wrapped, ""), (wrapped, "w"), (wrapped, "i")):
            other = [helper.make_node("ReduceSum", [used], ["r"])]
            other = other if used else []
            outputs = ["y", "z", "r"] if other else ["y", "z"]
            model = model_of([*base, *other], [info_of("x", ["m", 64])],
                             [info_of(n, None) for n in outputs], tensors)
            thin = self.thin_model(model)
            kinds = [n.op_type for n in thin_models.nodes_of(thin)]
            self.assertEqual(kinds, [] if other else ["LinearMany"])
            self.check_structure(thin)
            self.assertGreater(self.check_means(), 0)

    def test_constants(self):
        """Float constants of 1024 bytes point into the container, also those
        of Constant nodes, but not those of functions. Integers stay."""
        weights = Weights()
        rng = np.random.default_rng(2)
        large = rng.standard_normal((4, 64)).astype(np.float32)
        small = rng.standard_normal((3, 64)).astype(np.float32)
        weights.tensor("large", large)
        weights.tensor("small", small)
        whole = weights.tensor("whole", np.arange(512))
        held = numpy_helper.from_array(large + 1)
        function = helper.make_function(
            "local", "Shift", ["v"], ["w"],
            [helper.make_node("Constant", [], ["h"], value=held),
             helper.make_node("Add", ["v", "h"], ["w"])], OPSETS)
        nodes = [
            helper.make_node("Constant", [], ["held"], value=held),
            helper.make_node("Add", ["large", "held"], ["sum"]),
            helper.make_node("Shift", ["sum"], ["moved"], domain="local"),
            weights.node("moved", "y"),
            helper.make_node("Identity", ["small"], ["s"]),
            helper.make_node("Identity", [whole], ["i"]),
        ]
        model = model_of(
            nodes, [], [info_of("y", None), info_of("s", None),
                        info_of("i", None, TensorProto.INT64)],
            weights.tensors, [function],
            [*OPSETS, helper.make_opsetid("local", 1)],
        )
        thin = self.thin_model(model)
        outside = {t.name for t in thin.graph.initializer
                   if t.data_location == TensorProto.EXTERNAL}
        self.assertEqual(outside, {"large", "held", "quire.container"})
        self.assertEqual([n.op_type for n in thin.functions[0].node],
                         ["Constant", "Add"])
        tensors = {t["source"]: t for t in oracle.info(self.container)["tensors"]}
        for tensor in thin.graph.initializer:
            places = {e.key: e.value for e in tensor.external_data}
            if tensor.name in ("large", "held"):
                self.assertEqual(places["location"], "model.gguf")
                self.assertEqual(int(places["offset"]),
                                 tensors[tensor.name]["offset"])
                self.assertEqual(int(places["length"]), 1024)
        self.check_structure(thin)
        self.check_valid()
        self.assertGreater(self.check_means(), 0)

    def external_model(self):
        weights = Weights()
        weights.tensor("few", np.arange(2048))
        weights.tensor("many", np.arange(1 << 18, dtype=np.int32))
        nodes = [weights.node("x", "y"),
                 helper.make_node("ReduceSum", ["few"], ["f"]),
                 helper.make_node("ReduceSum", ["many"], ["m"])]
        model = model_of(
            nodes, [info_of("x", ["m", 64])],
            [info_of("y", None), info_of("f", None, TensorProto.INT64),
             info_of("m", None, TensorProto.INT32)], weights.tensors)
        onnx.save(model, self.source, save_as_external_data=True,
                  location="model.data", size_threshold=0)

    def test_external_data(self):
        """Small external data moves into the thin model, large data stays
        where it is; the codes and scales are no longer needed."""
        self.external_model()
        thin = self.thin()
        places = {t.name: {e.key: e.value for e in t.external_data}
                  for t in thin.graph.initializer}
        self.assertEqual(set(places), {"few", "many", "quire.container"})
        self.assertEqual(places["few"], {})
        self.assertEqual(places["many"]["location"], "model.data")
        self.check_structure(thin)
        self.check_valid()
        self.assertGreater(self.check_means(), 0)

    def test_other_folders(self):
        """From another folder the same data has another location, or none."""
        self.external_model()
        inner = self.folder / "inner"
        inner.mkdir()
        for name in ("model.onnx", "model.data"):
            (self.folder / name).rename(inner / name)
        self.source = inner / "model.onnx"
        self.container = inner / "model.gguf"
        thin = self.thin()
        locations = {
            t.name: e.value for t in thin.graph.initializer
            for e in t.external_data if e.key == "location"
        }
        self.assertEqual(locations, {"many": "inner/model.data",
                                     "quire.container": "inner/model.gguf"})
        self.check_structure(thin)
        # Only the container is in the folder of the new model.
        apart = self.folder / "apart"
        apart.mkdir()
        shutil.copy(self.container, apart)
        result = oracle.run("thin", self.source, apart / "model.gguf", "-o",
                            apart / "thin.onnx")
        self.assertEqual(result.returncode, 2)
        self.assertIn("model.data: the new model needs this file",
                      result.stderr)
        self.assertEqual([p.name for p in apart.iterdir()], ["model.gguf"])

    def test_split(self):
        """A container in several files goes by name."""
        weights = Weights()
        nodes = [weights.node("x", f"y{i}", n=512) for i in range(4)]
        model = model_of(nodes, [info_of("x", ["m", 64])],
                         [info_of(f"y{i}", None) for i in range(4)],
                         weights.tensors)
        onnx.save(model, self.source)
        oracle.quire("convert", self.source, "-o", self.container,
                     "--split-size", "40K")
        first, *rest = sorted(self.folder.glob("model-*.gguf"))
        self.assertGreater(len(rest), 1)
        thin = self.thin_by(rest[0])
        (many,) = thin_models.nodes_of(thin)
        was = thin_models.attributes(many)
        self.assertEqual(was["container"].decode(), first.name)
        self.assertEqual(len(many.input), 1)
        self.assertEqual(len(thin.graph.initializer), 0)
        oracle.quire("compare", self.path, rest[0])
        self.container = first
        self.assertGreater(self.check_means(), 0)

    def test_other_container(self):
        """Containers of models that differ by one number."""
        weights = Weights()
        model = model_of([weights.node("x", "y")], [info_of("x", ["m", 64])],
                         [info_of("y", None)], weights.tensors)
        self.thin_model(model)
        codes = numpy_helper.to_array(model.graph.initializer[0]).copy()
        codes[-1, -1, -1] ^= 0x80
        model.graph.initializer[0].CopyFrom(
            numpy_helper.from_array(codes, model.graph.initializer[0].name))
        onnx.save(model, self.source)
        result = oracle.run("thin", self.source, self.container, "-o",
                            self.path, "--force")
        self.assertEqual(result.returncode, 2)
        self.assertIn("is not what converting 'w0_Q4' of the model gives",
                      result.stderr)
        # The thin model of before refuses the new container.
        oracle.quire("convert", self.source, "-o", self.container, "--force")
        result = oracle.run("compare", self.path, self.container)
        self.assertEqual(result.returncode, 1)
        self.assertIn("a container with another header", result.stdout)


if __name__ == "__main__":
    unittest.main()
