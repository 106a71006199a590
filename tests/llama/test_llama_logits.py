"""llama.cpp computes what ONNX Runtime computes.

Both have the same weights, keys and values in F32, so what differs is the order
of additions: about 1e-6. In llama.cpp that needs a file with all tensors
dequantized, because it rounds activations to int8 for quantized weights. The
file as Quire wrote it must run too.
"""

import unittest

import numpy as np

import llama_models as models
import llama_run

TOKENS = np.random.default_rng(3).integers(3, 320, 64).tolist()
FIRST = 24
MOST = 1e-5
# Both compute angles of up to 300 radians in f32, each off by half a step: 1.5e-5
# radians.
LONG = 5e-5
# llama.cpp reads GELU from a table of f16, whose step is 2^-11: 5e-4. And it
# multiplies Gemma's embeddings by the root of 128, the builder by 11.31.
GELU = 1e-3
WITH_GELU = ("gemma", "gemma2", "phi2")
# int8 activations: each of a few sums is off by at most 1/254 of the largest
# number in its block. A wrong order of rows is off by 1.
ROUNDED = 0.2

NAMES = sorted(path.name for path in models.MODELS.iterdir())
# ernie4_5 came to llama.cpp in July 2025.
DECODERS = [name for name in NAMES if name not in ("bert", "phi3_long")
            and not (llama_run.is_old() and name == "ernie")]


def expected(name):
    config = models.read_json(models.MODELS / name / "genai_config.json")
    return models.logits(models.MODELS / name / "model.onnx", TOKENS, FIRST,
                         config["model"]["decoder"]["head_size"])


def logits(path):
    return llama_run.run(path, "logits", tokens=TOKENS, first=FIRST)


class Decoders(unittest.TestCase):
    def check(self, name, *options):
        path = models.convert(self, name, *options)
        wide = models.in_f32(path, path.with_suffix(".f32.gguf"))
        rows = expected(name)
        found = models.difference(rows, logits(wide))
        self.assertLess(found, GELU if name in WITH_GELU else MOST)
        self.assertLess(models.difference(rows, logits(path)), ROUNDED)
        return path

    def test_all(self):
        for name in DECODERS:
            with self.subTest(name):
                self.check(name)

    def test_fused(self):
        """q, k and v in one tensor, where llama.cpp's rows are ONNX's."""
        for name in ("qwen2", "qwen3"):
            if llama_run.is_old():
                path = models.convert(self, name, "--keep-fused-qkv")
                with self.assertRaisesRegex(RuntimeError, "attn_q.weight"):
                    logits(path)
                continue
            with self.subTest(name):
                path = self.check(name, "--keep-fused-qkv")
                self.assertIn("blk.0.attn_qkv.weight", models.tensors(path))

    def test_apart_is_fused(self):
        """The builder's products apart give the same tensors as one."""
        for name in ("llama", "llama_biases"):
            apart = name.replace("llama", "llama_apart")
            with self.subTest(name):
                one, other = (models.tensors(models.convert(self, made))
                              for made in (name, apart))
                if name == "llama":
                    self.assertEqual(one, other)
                self.assertEqual(
                    {key: value[:2] for key, value in one.items()},
                    {key: value[:2] for key, value in other.items()})

    def test_types(self):
        """What becomes of weights of 4 and 8 bits, with zero points."""
        def kinds(name):
            found = models.tensors(models.convert(self, name))
            return {found[f"blk.0.{tensor}.weight"][0] for tensor in
                    ("attn_q", "attn_k", "attn_v")}, found[
                        "blk.0.ffn_down.weight"][0]

        self.assertEqual(kinds("llama"), ({"Q4_0"}, "Q4_0"))
        self.assertEqual(kinds("llama_zero_points"), ({"Q4_1"}, "Q4_1"))
        self.assertEqual(kinds("llama_eight"), ({"F16"}, "Q8_0"))

    def test_long(self):
        """Long rope: llama.cpp takes the long factors for contexts of more
        tokens than 256, ONNX Runtime for texts of more."""
        path = models.convert(self, "phi3_long")
        wide = models.in_f32(path, path.with_suffix(".f32.gguf"))
        for count, context in ((64, 256), (300, 512)):
            tokens, first = (TOKENS * 5)[:count], count - 20
            rows = models.logits(models.MODELS / "phi3_long/model.onnx",
                                 tokens, first, 32)
            found = llama_run.run(wide, "logits", context=context,
                                      tokens=tokens, first=first)
            self.assertLess(models.difference(rows, found), LONG)


class Encoders(unittest.TestCase):
    def test_bert(self):
        path = models.convert(self, "bert")
        opened = models.session(models.MODELS / "bert/model.onnx")
        wide = models.in_f32(path, path.with_suffix(".f32.gguf"))
        for count in (5, 40):
            ids = np.array([TOKENS[:count]], np.int64)
            feed = {"input_ids": ids, "attention_mask": np.ones_like(ids),
                    "token_type_ids": np.zeros_like(ids)}
            mean = opened.run(None, feed)[0][0].mean(0)
            for file, most in ((wide, GELU), (path, 0.1)):
                found = llama_run.run(file, "embedding",
                                          tokens=TOKENS[:count])
                self.assertLess(models.difference(mean[None], found[None]),
                                most)


if __name__ == "__main__":
    unittest.main()
