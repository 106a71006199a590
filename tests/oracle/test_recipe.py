"""The recipe llama gives the names of llama.cpp's own tables, from gguf-py."""

import unittest

import gguf
import numpy as np
from gguf.constants import MODEL_ARCH, MODEL_TENSORS, TENSOR_NAMES

import oracle

ONNX = oracle.ROOT / "tests" / "onnx" / "good"
LAYERS = 2
ARCHITECTURES = {
    "layout_llama": MODEL_ARCH.LLAMA,
    "layout_mistral": MODEL_ARCH.LLAMA,
    "layout_qwen2": MODEL_ARCH.QWEN2,
    "layout_qwen3": MODEL_ARCH.QWEN3,
    "layout_phi3": MODEL_ARCH.PHI3,
    "layout_phi3_fused": MODEL_ARCH.PHI3,
}
# A matrix that is fused or split, and so not in the table of its architecture,
# has the name that another architecture gives it.
OTHERS = (MODEL_ARCH.LLAMA, MODEL_ARCH.PHI3)


def hugging_face_name(name):
    """The name in the original model for a name of the builder."""
    name = name.replace(".Add.bias", ".bias").replace(".attn.", ".self_attn.")
    name = name.replace("_norm.layernorm.", "_norm.")
    if ".final_norm_layernorm." in name:
        return "model.norm.weight"
    return name


def table_name(architecture, name):
    for arch in (architecture, *OTHERS):
        found = gguf.get_tensor_name_map(arch, LAYERS).get_name(
            hugging_face_name(name), try_suffixes=(".weight", ".bias"))
        if found:
            return found
    return None


def known_names(architecture):
    return {
        TENSOR_NAMES[tensor].format(bid=layer) + suffix
        for arch in (architecture, *OTHERS)
        for tensor in MODEL_TENSORS[arch]
        for layer in range(LAYERS)
        for suffix in (".weight", ".bias")
    }


class Recipe(unittest.TestCase):
    maxDiff = None

    def convert(self, model, *options):
        path = oracle.scratch(self) / "model.gguf"
        oracle.quire("convert", model, "-o", path, *options)
        return path

    def test_llama(self):
        for name, architecture in ARCHITECTURES.items():
            with self.subTest(layout=name):
                model = ONNX / f"{name}.onnx"
                plain = self.convert(model)
                named = self.convert(model, "--recipe", "llama")
                before = oracle.info(plain)["tensors"]
                before = [row for row in before
                          if not row["name"].endswith("_cache")]
                after = oracle.info(named)["tensors"]
                self.assertEqual(
                    [table_name(architecture, row["name"]) for row in before],
                    [row["name"] for row in after])
                self.assertLessEqual({row["name"] for row in after},
                                     known_names(architecture))
                for key in ("dtype", "shape", "xxh3", "source"):
                    self.assertEqual([row[key] for row in before],
                                     [row[key] for row in after], key)
                reader, _ = oracle.read_gguf(named)
                self.assertEqual([tensor.name for tensor in reader.tensors],
                                 [row["name"] for row in after])

    def test_metadata(self):
        """gguf-py reads each value with the type that the recipe gives it."""
        values = {
            "a.u8": ("!u8 255", 255), "a.i8": ("!i8 -128", -128),
            "a.u16": ("!u16 65535", 65535), "a.i16": ("!i16 -3", -3),
            "a.u32": ("4294967295", 4294967295), "a.i32": ("-7", -7),
            "a.u64": ("18446744073709551615", 18446744073709551615),
            "a.i64": ("-9000000000", -9000000000),
            "a.f32": ("0.5", 0.5), "a.f64": ("!f64 0.1", 0.1),
            "a.bool": ("true", True), "a.string": ("'true'", "true"),
            "a.text": ("Größe ist 3", "Größe ist 3"),
            "a.list": ("[1, 2, 70000]", [1, 2, 70000]),
            "a.floats": ("!f32 [1, 0.25]", [1.0, 0.25]),
            "a.words": ("[x, 'y z']", ["x", "y z"]),
            "general.architecture": ("llama", "llama"),
        }
        folder = oracle.scratch(self)
        (folder / "r.yaml").write_text("metadata:\n" + "".join(
            f"  {key}: {text}\n" for key, (text, _) in values.items()))
        path = self.convert(ONNX / "plain.onnx", "--recipe", folder / "r.yaml")
        reader, _ = oracle.read_gguf(path)
        for key, (_, value) in values.items():
            self.assertEqual(reader.fields[key].contents(), value, key)
        # The printed recipe prints the same again.
        (folder / "again.yaml").write_text(oracle.quire(
            "convert", "--print-recipe", "--recipe", folder / "r.yaml"))
        again = self.convert(ONNX / "plain.onnx", "--recipe",
                             folder / "again.yaml")
        self.assertEqual(again.read_bytes(), path.read_bytes())

    def test_dense_types(self):
        """Dense tensors are rounded as NumPy rounds them."""
        plain = self.convert(ONNX / "layout_llama.onnx")
        for name, dtype in (("f16", "F16"), ("bf16", "BF16")):
            folder = oracle.scratch(self)
            (folder / "r.yaml").write_text(f"dense: {name}\n")
            path = self.convert(ONNX / "layout_llama.onnx", "--recipe",
                                folder / "r.yaml")
            rounded = {row["name"]: row for row in
                       oracle.info(path)["tensors"]}
            for row in oracle.info(plain)["tensors"]:
                if row["dtype"] != "F32":
                    self.assertEqual(rounded[row["name"]]["xxh3"],
                                     row["xxh3"])
                    continue
                self.assertEqual(rounded[row["name"]]["dtype"], dtype)
                before = oracle.dump(plain, row["name"])
                after = oracle.dump(path, row["name"])
                if name == "f16":
                    expected = before.astype(np.float16).astype(np.float32)
                else:
                    bits = gguf.quants.quantize(
                        before, gguf.GGMLQuantizationType.BF16)
                    expected = gguf.quants.dequantize(
                        bits, gguf.GGMLQuantizationType.BF16)
                np.testing.assert_array_equal(after, expected)


if __name__ == "__main__":
    unittest.main()
