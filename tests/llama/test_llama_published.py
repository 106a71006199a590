"""Models that others published: SmolLM2-135M, and all-MiniLM-L6-v2 as bert."""

import unittest

import numpy as np

import llama_models as models
import llama_run

SMOLLM2 = models.MODELS.parent / "smollm2"
MINILM = models.MODELS.parent / "minilm"
TEXT = """Two of the four sheets lie inside the other two, and so a reader who \
turns the leaves of the first quire passes the middle of it after four of them. \
A loose sheet does not hold: it falls out of the book, and whoever finds it \
does not know 1 of 12 places where it was. print(x[0])"""


def convert(test, folder):
    path = models.scratch(test) / "model.gguf"
    models.quire("convert", folder, "-o", path, "--for", "llama.cpp", "-q")
    return path


@unittest.skipUnless(SMOLLM2.exists(), "the weights are not installed")
class SmolLM2(unittest.TestCase):
    def test_all(self):
        path = convert(self, SMOLLM2)
        tokens = llama_run.run(path, "tokenize", text=TEXT).tolist()[:64]
        self.assertEqual(len(tokens), 64)
        rows = models.logits(SMOLLM2 / "model.onnx", tokens, 1, 64)
        wide = models.in_f32(path, path.with_suffix(".f32.gguf"))
        found = llama_run.run(wide, "logits", tokens=tokens, first=1)
        # All 64 rows together, and each: a wrong one is off by 1.
        self.assertLess(models.difference(rows.reshape(1, -1),
                                          found.reshape(1, -1)), 1e-5)
        self.assertLess(models.difference(rows, found), 1e-4)
        self.check_greedy(path, tokens[:9])

    def check_greedy(self, path, tokens):
        """32 tokens from the file as it is; the first is ONNX Runtime's
        too."""
        made = llama_run.run(path, "greedy", tokens=tokens, count=32)
        row = models.logits(SMOLLM2 / "model.onnx", tokens, len(tokens), 64)
        self.assertEqual(len(made), 32)
        self.assertEqual(made[0], row[0].argmax())

    def test_linears(self):
        """Products of whole weights are still Quire's: the head's, the
        feed-forward parts' and attention's output."""
        found = models.values(convert(self, SMOLLM2))["quire.linear.name"]
        self.assertEqual(len(found), 30 * 4 + 1)


@unittest.skipUnless(MINILM.exists(), "the weights are not installed")
class MiniLM(unittest.TestCase):
    def test_embeddings(self):
        path = convert(self, MINILM)
        wide = models.in_f32(path, path.with_suffix(".f32.gguf"))
        opened = models.session(MINILM / "model.onnx")
        for text in ("four sheets of paper make a quire", TEXT,
                     "1 book, 12 leaves!"):
            tokens = llama_run.run(path, "tokenize", text=text).tolist()
            ids = np.array([tokens], np.int64)
            feed = {"input_ids": ids, "attention_mask": np.ones_like(ids),
                    "token_type_ids": np.zeros_like(ids)}
            mean = opened.run(None, feed)[0][0].mean(0)
            found = llama_run.run(wide, "embedding", tokens=tokens)
            cosine = mean @ found / np.linalg.norm(mean) / np.linalg.norm(
                found)
            self.assertGreater(cosine, 0.9998)


if __name__ == "__main__":
    unittest.main()
