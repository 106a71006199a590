#!/usr/bin/env python3
"""200 awkward texts of every kind of tokenizer have the same tokens in
llama.cpp, by the file that Quire wrote, as by tokenizer.json and the package
`tokenizers`; and llama.cpp renders SmolLM2's chat template.

Left out is what llama.cpp itself does otherwise, which Quire notes when it
converts: see docs/tokenizers.md.
"""

import ctypes
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unicodedata

import awkward_texts
import made_tokenizers
from tokenizers import Tokenizer

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "llama"))
SKIPPED = 77


def convert(folder, out, rows, architecture="llama"):
    subprocess.run([os.environ["TOKENIZER_FILE"], folder, out, str(rows),
                    architecture], check=True)


class Vocabulary:
    """Of a file, in llama.cpp; nothing else of it is loaded."""

    def __init__(self, llama, path):
        params = llama.model_default_params()
        params.vocab_only = True
        self.llama = llama
        self.model = llama.model_load_from_file(str(path).encode(), params)
        assert self.model, "".join(llama.messages[-4:])
        self.vocab = llama.model_get_vocab(self.model)

    def tokenize(self, text):
        data = text.encode()
        room = (ctypes.c_int32 * (len(data) + 16))()
        count = self.llama.tokenize(self.vocab, data, len(data),
                                    ctypes.byref(room), len(room), True, True)
        return room[:count]


def check_texts(llama, folder, path, change=lambda text: text):
    made = Tokenizer.from_file(str(folder / "tokenizer.json"))
    specials = [token["content"] for token in json.loads(made.to_str())
                ["added_tokens"] if token["content"] != "<s>"]
    vocabulary = Vocabulary(llama, path)
    texts = [change(text) for text in awkward_texts.texts(specials)]
    wrong = [text for text in texts
             if vocabulary.tokenize(text) != made.encode(text).ids]
    assert not wrong, (folder.name, len(wrong), wrong[:3])
    print(f"{folder.name}: {len(texts)} texts have the same tokens")


def metaspace_reads(text):
    """What llama.cpp's Unigram reads as Metaspace does: no space at the start
    or behind a special token, where Metaspace adds none."""
    return re.sub("(^|(?<=>)) +", "", text)


def tekken_reads(text):
    """What llama.cpp's expression cuts as the tokenizer's: no marks."""
    return "".join(c for c in text if unicodedata.category(c)[0] != "M")


def bert_reads(text):
    """What llama.cpp's WordPiece reads as BERT does: no Hangul, no marks that
    do not compose, no word of more than 100 characters."""
    kept = [c for c in unicodedata.normalize("NFC", text)
            if not "\uac00" <= c <= "\ud7a3"
            and unicodedata.category(c) not in ("Mn", "Mc", "Co", "Cn")]
    return " ".join(word[:90] for word in "".join(kept).split())


class Message(ctypes.Structure):
    _fields_ = [("role", ctypes.c_char_p), ("content", ctypes.c_char_p)]


def check_template(llama, template):
    """llama.cpp knows the template, and renders it as Jinja does."""
    apply = llama.library.llama_chat_apply_template
    apply.restype = ctypes.c_int32
    apply.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t,
                      ctypes.c_bool, ctypes.c_char_p, ctypes.c_int32]
    chat = (Message * 2)(Message(b"system", b"Be kind."),
                         Message(b"user", "H\u00e4?".encode()))
    room = ctypes.create_string_buffer(1000)
    size = apply(template.encode(), chat, 2, True, room, 1000)
    assert room.raw[:size].decode() == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nH\u00e4?"
        "<|im_end|>\n<|im_start|>assistant\n"), room.raw[:size]


def load():
    """llama.cpp, which tests/llama fetches."""
    folder = pathlib.Path(os.environ["LLAMA_DIR"])
    if not [*folder.glob("libllama.*")]:
        print(f"no llama.cpp in {folder}", file=sys.stderr)
        raise SystemExit(SKIPPED)
    from llama_library import Llama
    return Llama(folder)


def main():
    llama = load()
    changes = {"words": bert_reads, "unigram": metaspace_reads,
               "tekken": tekken_reads}
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        keys = made_tokenizers.smollm2(work / "smollm2")
        convert(work / "smollm2", work / "smollm2.gguf",
                len(keys["tokenizer.ggml.tokens"]))
        check_texts(llama, work / "smollm2", work / "smollm2.gguf")
        check_template(llama, keys["tokenizer.chat_template"])
        for name, (make, arguments, model, _) in made_tokenizers.KINDS.items():
            make(work / name, **arguments)
            convert(work / name, work / f"{name}.gguf", 700,
                    "bert" if model == "bert" else "llama")
            check_texts(llama, work / name, work / f"{name}.gguf",
                        changes.get(name, str))


if __name__ == "__main__":
    main()
