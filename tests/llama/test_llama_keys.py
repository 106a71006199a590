"""The keys, the tensors and their operations, read by gguf-py.

The keys' names and types are those that llama.cpp's loader reads (LLM_KV_...);
the values were taken from the models' configurations by hand. docs/llama.md has
the differences from files that convert_hf_to_gguf wrote for the same models;
oracle.tokenizers compares the tokenizers' keys with files of its.
"""

import re
import unittest

import gguf
import numpy as np

import llama_models as models

U32, F32, BOOL = (gguf.GGUFValueType.UINT32, gguf.GGUFValueType.FLOAT32,
                  gguf.GGUFValueType.BOOL)
COMMON = {
    "block_count": 2, "context_length": 256, "embedding_length": 128,
    "feed_forward_length": 256, "attention.head_count": 4,
    "attention.head_count_kv": 2, "vocab_size": 320,
    "attention.layer_norm_rms_epsilon": 1e-6, "rope.freq_base": 10000.0,
    "rope.dimension_count": 32}
HEAD_64 = {"attention.key_length": 64, "attention.value_length": 64,
           "rope.dimension_count": 64}
# name: architecture, and what differs from COMMON (None: no such key)
EXPECTED = {
    "llama": ("llama", {"rope.freq_base": 500000.0}),
    "llama3": ("llama", {"rope.freq_base": 500000.0, "context_length": 1024}),
    "qwen2": ("qwen2", {"rope.freq_base": 1000000.0}),
    "qwen3": ("qwen3", {"rope.freq_base": 1000000.0, **HEAD_64}),
    "phi3": ("phi3", {"attention.layer_norm_rms_epsilon": 1e-5,
                      "attention.sliding_window": 0,
                      "rope.scaling.original_context_length": 256}),
    "phi3_long": ("phi3", {"attention.layer_norm_rms_epsilon": 1e-5,
                           "attention.sliding_window": 0,
                           "context_length": 512,
                           # sqrt(1 + log(512 / 256) / log(256))
                           "rope.scaling.attn_factor": 1.0606602,
                           "rope.scaling.original_context_length": 256}),
    "mistral": ("llama", {}),
    "gemma": ("gemma", HEAD_64),
    "gemma2": ("gemma2", {**HEAD_64, "attention.sliding_window": 8,
                          "attn_logit_softcapping": 50.0,
                          "final_logit_softcapping": 30.0}),
    "phi2": ("phi2", {"attention.head_count_kv": 4,
                      "attention.layer_norm_rms_epsilon": None,
                      "attention.layer_norm_epsilon": 1e-6,
                      "rope.dimension_count": 16}),
    "granite": ("granite", {"attention.scale": 0.02, "embedding_scale": 12.0,
                            "residual_scale": 0.22, "logit_scale": 8.0}),
    "nemotron": ("nemotron", {"attention.layer_norm_rms_epsilon": None,
                              "attention.layer_norm_epsilon": 1e-6,
                              "rope.dimension_count": 16}),
    "ernie": ("ernie4_5", {"rope.freq_base": 500000.0,
                           "attention.layer_norm_rms_epsilon": 1e-5,
                           "rope.dimension_count": 128,
                           "attention.key_length": 128,
                           "attention.value_length": 128}),
    "bert": ("bert", {"context_length": 64, "attention.head_count_kv": 4,
                      "attention.layer_norm_rms_epsilon": None,
                      "attention.layer_norm_epsilon": 1e-12,
                      "attention.causal": False, "pooling_type": 1,
                      "rope.freq_base": None, "rope.dimension_count": None}),
}


def numbers(fields, architecture):
    """Keys of the architecture: value and type."""
    found = {}
    for name, field in fields.items():
        if name.startswith(f"{architecture}."):
            key = name.removeprefix(f"{architecture}.")
            found[key] = field.contents(), field.types[0]
    return found


class Keys(unittest.TestCase):
    maxDiff = None

    def test_all(self):
        for name, (architecture, other) in EXPECTED.items():
            with self.subTest(name):
                path = models.convert(self, name)
                fields = gguf.GGUFReader(path).fields
                expected = {**COMMON, **other}
                expected = {key: value for key, value in expected.items()
                            if value is not None}
                self.assertEqual(models.values(path)["general.architecture"],
                                 architecture)
                found = numbers(fields, architecture)
                self.assertEqual(found.keys(), expected.keys())
                for key, value in expected.items():
                    kind = (BOOL if isinstance(value, bool) else
                            F32 if isinstance(value, float) else U32)
                    self.assertEqual(found[key][1], kind, key)
                    self.assertAlmostEqual(found[key][0], value,
                                           delta=1e-6 * value, msg=key)

    def test_rotary_factors(self):
        """Llama 3's, as transformers computes them from config.json."""
        found = models.tensors(models.convert(self, "llama3"))
        kind, shape, data = found["rope_freqs.weight"]
        rope = models.read_json(models.MODELS / "llama3/config.json")
        rope = rope["rope_parameters"]
        plain = rope["rope_theta"] ** -(np.arange(16) / 16)
        turns = rope["original_max_position_embeddings"] * plain / (2 * np.pi)
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        smooth = np.clip((turns - low) / (high - low), 0, 1)
        factors = 1 / ((1 - smooth) / rope["factor"] + smooth)
        self.assertEqual((kind, shape), ("F32", [16]))
        np.testing.assert_allclose(np.frombuffer(data, "<f4"), factors, 1e-5)

    def test_file_type(self):
        for name, number in (("llama", 2), ("llama_zero_points", 3)):
            path = models.convert(self, name)
            self.assertEqual(models.values(path)["general.file_type"], number)

    def test_no_tokenizer(self):
        path = models.convert(self, "llama", "--no-tokenizer")
        found = {key: value for key, value in models.values(path).items()
                 if key.startswith("tokenizer.")}
        self.assertEqual(found, {"tokenizer.ggml.model": "no_vocab"})


def permuted(rows, heads):
    """Row 2 i + j of a head is row i + j R / 2 of its R rows."""
    halves = rows.reshape(heads, 2, len(rows) // heads // 2, -1)
    return halves.swapaxes(1, 2).reshape(rows.shape)


class Operations(unittest.TestCase):
    """Each tensor is its source's rows, as its operation says."""

    maxDiff = None

    def read(self, name, *options):
        path = models.convert(self, name, *options)
        fields = models.values(path)
        names = list(models.tensors(path))
        operations = fields.get("quire.tensor.operation", [""] * len(names))
        return path, {name: (source, operation) for name, source, operation in
                      zip(names, fields["quire.tensor.source"], operations)}

    def test_split(self):
        _, found = self.read("llama")
        qkv = "model.layers.1.attn.qkv_proj.MatMul.weight_Q4"
        self.assertEqual(found["blk.1.attn_q.weight"],
                         (qkv, "rows 0 128; permute 4"))
        self.assertEqual(found["blk.1.attn_k.weight"],
                         (qkv, "rows 128 64; permute 2"))
        self.assertEqual(found["blk.1.attn_v.weight"], (qkv, "rows 192 64"))
        self.assertEqual(found["output.weight"],
                         ("lm_head.MatMul.weight_Q4", ""))
        self.assertEqual(sum(bool(o) for _, o in found.values()), 6)

    def test_others(self):
        expected = {
            "llama_apart": {"blk.0.attn_q.weight": "permute 4",
                            "blk.0.attn_v.weight": ""},
            "llama_biases": {"blk.0.attn_k.bias": "rows 128 64; permute 2",
                             "blk.0.ffn_up.bias": ""},
            "llama_dense_head": {"output.weight": "transpose"},
            "qwen2": {"blk.0.attn_q.bias": "rows 0 128",
                      "blk.0.attn_k.weight": "rows 128 64"},
            "phi3": {"blk.0.attn_qkv.weight": "", "blk.1.ffn_up.weight":
                     "join 256 model.layers.1.mlp.up_proj.MatMul.weight_Q4"},
            "ernie": {"blk.0.attn_q.weight": "rows 0 512"},
            "bert": {"blk.0.attn_q.weight": ""},
        }
        for name, tensors in expected.items():
            _, found = self.read(name)
            for tensor, operation in tensors.items():
                with self.subTest(name=name, tensor=tensor):
                    self.assertEqual(found[tensor][1], operation)

    def test_numbers(self):
        """Undone here, they give the tensors of a plain conversion."""
        for name in ("llama", "llama_biases", "llama_zero_points",
                     "llama_dense_head", "phi3"):
            with self.subTest(name):
                self.check_numbers(name)

    def check_numbers(self, name):
        path, found = self.read(name)
        plain = models.scratch(self) / "plain.gguf"
        models.quire("convert", models.MODELS / name / "model.onnx", "-o",
                     plain, "-q")
        known = dict(zip(models.values(plain)["quire.tensor.source"],
                         models.tensors(plain).values()))
        for tensor, (kind, shape, data) in models.tensors(path).items():
            source, operation = found[tensor]
            _, source_shape, rows = known[source]
            rows = np.frombuffer(rows, np.uint8).reshape(source_shape[0], -1)
            for step in filter(None, operation.split("; ")):
                word, *rest = step.split(" ", 2)
                if word == "rows":
                    first, count = map(int, rest)
                    rows = rows[first:first + count]
                elif word == "permute":
                    rows = permuted(rows, int(rest[0]))
                elif word == "transpose":
                    rows = np.ascontiguousarray(rows.view("<f4").T)
                    rows = rows.view(np.uint8)
                else:
                    self.assertEqual(int(rest[0]), len(rows))
                    _, shape, other = known[rest[1]]
                    other = np.frombuffer(other, np.uint8)
                    rows = np.concatenate([rows, other.reshape(shape[0], -1)])
            self.assertEqual(rows.tobytes(), data, tensor)

    def test_linears(self):
        """Only those of whole matrices in the source's order are left."""
        path, found = self.read("llama")
        names = models.values(path)["quire.linear.name"]
        self.assertEqual(len(names), 2 * 4 + 1)
        self.assertFalse([name for name in names if re.search("qkv", name)])
        out = models.quire("info", path, "--json").stdout
        self.assertIn('"/lm_head/MatMul_Q4"', out)

    def test_split_set(self):
        """Parts have their own operations."""
        folder = models.scratch(self)
        models.quire("convert", models.MODELS / "llama", "-o",
                     folder / "set.gguf", "--for", "llama.cpp", "-q",
                     "--split-size", "150K")
        parts = sorted(folder.glob("set-*.gguf"))
        self.assertGreater(len(parts), 1)
        models.quire("verify", parts[0])
        found = [models.values(part)["quire.tensor.operation"]
                 for part in parts]
        self.assertEqual(sum(map(len, found)), len(self.read("llama")[1]))

    def test_threads(self):
        files = {models.convert(self, "llama_biases", "--threads", n)
                 .read_bytes() for n in (1, 2, 5)}
        self.assertEqual(len(files), 1)


if __name__ == "__main__":
    unittest.main()
