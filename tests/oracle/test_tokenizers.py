#!/usr/bin/env python3
"""The keys of tokenizers of every kind, as Quire writes them for llama.cpp.

Two oracles: SmolLM2's file by llama.cpp's convert_hf_to_gguf, which must be the
same in every token, type, merge and id, and in the chat template; and the rules
of that program for the other kinds, written down here once more.

What differs on purpose: tokenizer.ggml.pre is "gpt-2" where it has names of
models with the same steps, and "default" for BERT, for which llama.cpp does not
read it; add_bos_token and add_eos_token are always there, as tokenizer.json has
it, and add_sep_token never; add_space_prefix is there for SentencePiece alone.
"""

import json
import os
import pathlib
import subprocess
import tempfile

import made_tokenizers
import numpy as np
from gguf import GGUFReader

NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
MARK = "\u2581"
NAMES = {"bos": "bos", "eos": "eos", "unk": "unknown", "sep": "seperator",
         "pad": "padding", "mask": "mask"}


# ------------------------------------------------------------------- expected


def looks_special(token):
    return (token in ("<pad>", "<mask>", "<2mass>", "[@BOS@]")
            or token.startswith("<|") and token.endswith("|>")
            or token.startswith("<\uff5c") and token.endswith("\uff5c>")
            or token.startswith("<unused") and token.endswith(">"))


def expected_tokens(made, rows):
    """(token, type) by id, with the text of tokenizer.json."""
    vocab = made["model"]["vocab"]
    if isinstance(vocab, list):
        vocab = {pair[0]: i for i, pair in enumerate(vocab)}
    pieces = made["model"]["type"] == "Unigram" or made["model"].get(
        "byte_fallback")
    found = {}
    for token, i in vocab.items():
        kind = NORMAL
        if pieces and token == "<unk>":
            kind = UNKNOWN
        elif pieces and len(token) == 6 and token.startswith("<0x"):
            kind = BYTE
        found[i] = token, kind
    for token in made["added_tokens"]:
        special = token["special"] or looks_special(token["content"])
        found[token["id"]] = token["content"], CONTROL if special else USER
    size = max(rows, max(found) + 1)
    return [found.get(i, (f"[PAD{i}]", UNUSED)) for i in range(size)]


def expected_scores(made, pairs):
    model = made["model"]
    if model["type"] == "Unigram":
        scores = [score for _, score in model["vocab"]]
        return scores + [-1000.0 if kind != UNUSED else -10000.0
                         for _, kind in pairs[len(scores):]]
    order = {}  # of what merges make: as SentencePiece numbered it
    for left, right in model["merges"]:
        order.setdefault(left + right, len(order))
    scores = []
    for token, kind in pairs:
        if kind in (CONTROL, USER):
            scores.append(-1000.0)
        elif kind == UNUSED:
            scores.append(-10000.0)
        elif kind != NORMAL:
            scores.append(0.0)
        else:
            scores.append(-float(order.setdefault(token, len(order))))
    return scores


def for_llama(token, kind, words):
    if kind == USER:
        token = token.replace(MARK, " ")
    if words and kind != CONTROL:
        return token[2:] if token.startswith("##") else MARK + token
    return token


def expected_keys(folder, model, pre, rows):
    made = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    config = json.loads((folder / "tokenizer_config.json").read_text())
    pairs = expected_tokens(made, rows)
    ids = {token: i for i, (token, _) in enumerate(pairs)}
    keys = {
        "model": model, "pre": pre,
        "tokens": [for_llama(*pair, model == "bert") for pair in pairs],
        "token_type": [kind for _, kind in pairs],
    }
    for short, long in NAMES.items():
        token = config.get(f"{short}_token")
        if token is None and short in ("bos", "eos"):
            token = config.get({"bos": "cls", "eos": "sep"}[short] + "_token")
        if token is not None:
            keys[f"{long}_token_id"] = ids[token]
    single = (made["post_processor"] or {}).get("single", [])
    keys["add_bos_token"] = "SpecialToken" in (single or [{}])[0]
    keys["add_eos_token"] = "SpecialToken" in (single or [{}])[-1]
    if model == "gpt2":
        keys["merges"] = [pair if isinstance(pair, str) else " ".join(pair)
                          for pair in made["model"]["merges"]]
    if model in ("llama", "t5"):
        keys["scores"] = expected_scores(made, pairs)
        keys["add_space_prefix"] = True
    if model == "t5":
        keys["remove_extra_whitespaces"] = False
    if model == "bert":
        keys["normalizer.lowercase"] = keys["normalizer.strip_accents"] = True
    return {f"tokenizer.ggml.{key}": value for key, value in keys.items()}


# ---------------------------------------------------------------------- files


def convert(folder, out, rows, architecture="llama"):
    subprocess.run([os.environ["TOKENIZER_FILE"], folder, out, str(rows),
                    architecture], check=True)
    return {name: field.contents()
            for name, field in GGUFReader(out).fields.items()
            if name.startswith("tokenizer.")}


def check_keys(found, expected, name):
    assert found.keys() == expected.keys(), (
        name, found.keys() ^ expected.keys())
    for key, value in expected.items():
        if key.endswith("scores"):
            same = np.array_equal(np.float32(found[key]), np.float32(value))
        else:
            same = found[key] == value
        assert same, (name, key, str(found[key])[:200], str(value)[:200])


# ---------------------------------------------------------------------- tests


def test_smollm2(work):
    folder = work / "smollm2"
    expected = made_tokenizers.smollm2(folder)
    found = convert(folder, work / "smollm2.gguf",
                    len(expected["tokenizer.ggml.tokens"]))
    assert found.pop("tokenizer.ggml.add_eos_token") is False
    assert expected.pop("tokenizer.ggml.add_space_prefix") is False
    check_keys(found, expected, "smollm2")


def test_made(work):
    for name, (make, arguments, model, pre) in made_tokenizers.KINDS.items():
        make(work / name, **arguments)
        found = convert(work / name, work / f"{name}.gguf", 700)
        check_keys(found, expected_keys(work / name, model, pre, 700), name)


def main():
    with tempfile.TemporaryDirectory() as work:
        test_smollm2(pathlib.Path(work))
        test_made(pathlib.Path(work))


if __name__ == "__main__":
    main()
