#!/usr/bin/env python3
"""Writes the files of examples/ that scripts/demo uses.

The model is encoder layer 0 of scripts/make_minilm.py. The input is the one
that the layer gets for one sentence: the embeddings of its word pieces,
normalized as in BERT. The expected output is ONNX Runtime's, computed in f32.
Prints the bounds that examples/README.md states and scripts/demo checks.
"""

import pathlib

import numpy as np
import onnxruntime
from onnx import numpy_helper

import make_minilm

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "examples"
PIECES = "[CLS] four sheets of paper make a qui ##re [SEP]".split()
LINEAR = "encoder.layer.0.attention.self.query"
NORM_EPSILON = 1e-12  # layer_norm_eps of the model's config.json


def hidden_states(arrays):
    """LayerNorm(word + position + segment) of PIECES: [pieces, 384] f32."""
    vocabulary = (make_minilm.package_folder() / "vocab.txt").read_text("utf-8")
    ids = {piece: at for at, piece in enumerate(vocabulary.split("\n"))}
    words = arrays["embeddings.word_embeddings.weight"]
    positions = arrays["embeddings.position_embeddings.weight"]
    segments = arrays["embeddings.token_type_embeddings.weight"]
    x = words[[ids[piece] for piece in PIECES]].astype(np.float64)
    x += positions[: len(PIECES)] + segments[0]
    x -= x.mean(axis=1, keepdims=True)
    x /= np.sqrt(np.mean(x * x, axis=1, keepdims=True) + NORM_EPSILON)
    x *= arrays["embeddings.LayerNorm.weight"]
    x += arrays["embeddings.LayerNorm.bias"]
    return x.astype(np.float32)


def reference_output(x):
    """ONNX Runtime's output of LINEAR at accuracy level 1, in f32."""
    model = make_minilm.build([0], accuracy_level=1)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    rows = len(x)
    feeds = {
        i.name: np.zeros((rows, i.shape[1]), np.float32)
        for i in session.get_inputs()
    }
    feeds["layer.0.hidden"] = x
    return session.run([LINEAR], feeds)[0]


def dequantized(model):
    """W of LINEAR as [N, blocks, 32], and its bias; f64."""
    tensors = {
        i.name: numpy_helper.to_array(i) for i in model.graph.initializer
    }
    codes = tensors[f"{LINEAR}.weight_Q4"]
    scales = tensors[f"{LINEAR}.weight_scales"].astype(np.float64)
    q = np.stack([codes & 15, codes >> 4], axis=-1).astype(np.int64) - 8
    weight = q.reshape(*scales.shape, 32) * scales[:, :, None]
    return weight, tensors[f"{LINEAR}.bias"].astype(np.float64)


def bounds(x, weight, bias):
    """The most that level 0 and level 4 may differ from exact f32 scales.

    Level 0: rounding to f16 moves a scale, and so each product, by at most
    2^-11 of itself; each of the two f32 sums adds at most (K + 2) 2^-24. Level
    4 also rounds each activation of a block of 32 to a multiple of max|x| /
    127, by at most half of that.
    """
    x = np.abs(x.astype(np.float64)).reshape(len(x), -1, 32)
    weight = np.abs(weight)
    k = weight[0].size
    products = np.einsum("mbi,nbi->mn", x, weight)
    sums = products + np.abs(bias)
    level0 = 2.0**-11 * products + 2 * (k + 2) * 2.0**-24 * sums
    half_step = x.max(axis=2) / 254
    level4 = level0 + np.einsum("mb,nb->mn", half_step, weight.sum(axis=2))
    return level0.max(), level4.max()


def main():
    model = make_minilm.build([0])
    make_minilm.save(model, FOLDER / "minilm-layer0-int4.onnx", external=False)
    x = hidden_states(make_minilm.weights())
    y = reference_output(x)
    np.save(FOLDER / "minilm-layer0-query-x.npy", x)
    np.save(FOLDER / "minilm-layer0-query-y.npy", y)
    level0, level4 = bounds(x, *dequantized(model))
    print(f"largest output {np.abs(y).max():.4g}")
    print(f"level 0 bound {level0:.4g}, level 4 bound {level4:.4g}")


if __name__ == "__main__":
    main()
