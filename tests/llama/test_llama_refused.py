"""What llama.cpp would refuse, or load and compute wrongly, is refused: each
fault is planted alone into a model that converts."""

import json
import re
import shutil
import unittest

import numpy as np
import onnx
from onnx import helper, numpy_helper

import llama_models as models


class Refused(unittest.TestCase):
    def copy(self, name):
        folder = models.scratch(self) / "model"
        shutil.copytree(models.MODELS / name, folder)
        return folder

    def refuse(self, folder, message, *options):
        output = folder / "out.gguf"
        done = models.quire("convert", folder, "-o", output, "--for",
                            "llama.cpp", "-q", *options, fails=True)
        self.assertRegex(done.stderr, message)
        self.assertFalse(output.exists())

    def graph(self, name, change, message):
        """Changes the graph of a copy, which must then be refused."""
        folder = self.copy(name)
        model = onnx.load(folder / "model.onnx")
        change(model.graph)
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        self.refuse(folder, message)

    def config(self, name, file, change, message):
        """The same for a JSON file."""
        folder = self.copy(name)
        content = {}
        if (folder / file).exists():
            content = models.read_json(folder / file)
        change(content)
        (folder / file).write_text(json.dumps(content))
        self.refuse(folder, message)


def node(graph, name):
    return next(node for node in graph.node if node.name == name)


def attribute(graph, op_type, name, value):
    for found in graph.node:
        if found.op_type == op_type:
            for attribute in found.attribute:
                if attribute.name == name:
                    attribute.CopyFrom(helper.make_attribute(name, value))


def rename(graph, name, other):
    for found in graph.initializer:
        if found.name == name:
            found.name = other
    for found in graph.node:
        for i, text in enumerate(found.input):
            if text == name:
                found.input[i] = other


class Files(Refused):
    def test_no_config(self):
        folder = self.copy("llama")
        (folder / "genai_config.json").unlink()
        self.refuse(folder, "says no architecture.*--config")

    def test_unknown_architecture(self):
        def change(content):
            content["model"]["type"] = "mamba"
        self.config("llama", "genai_config.json", change,
                    "architecture 'mamba' is not known; known are: llama, "
                    "mistral, .*bert")

    def test_missing_key(self):
        def change(content):
            del content["model"]["context_length"]
        self.config("llama", "genai_config.json", change,
                    "the context length is said nowhere")

    def test_not_json(self):
        folder = self.copy("llama")
        (folder / "genai_config.json").write_text("{")
        self.refuse(folder, "genai_config.json")

    def test_wrong_type(self):
        def change(content):
            content["model"]["decoder"]["head_size"] = "32"
        self.config("llama", "genai_config.json", change,
                    "model.decoder.head_size")

    def test_encoder_without_config(self):
        folder = self.copy("bert")
        content = models.read_json(folder / "config.json")
        del content["num_attention_heads"]
        (folder / "config.json").write_text(json.dumps(content))
        self.refuse(folder, "the number of heads is said nowhere")


class Disagreements(Refused):
    def test_heads(self):
        def change(content):
            content["model"]["decoder"]["num_attention_heads"] = 8
        self.config("llama", "genai_config.json", change,
                    "heads is 4 by num_heads of node .*8 by "
                    "num_attention_heads in genai_config.json")

    def test_layers(self):
        def change(content):
            content["model"]["decoder"]["num_hidden_layers"] = 3
        self.config("llama", "genai_config.json", change,
                    "layers is 2 by the number of attention nodes, and 3 by")

    def test_hidden(self):
        def change(content):
            content["model"]["decoder"]["hidden_size"] = 256
        self.config("llama", "genai_config.json", change,
                    "hidden size is 256 by hidden_size in genai_config.json, "
                    "and 128 by the shape of")

    def test_vocabulary(self):
        def change(content):
            content["model"]["vocab_size"] = 400
        self.config("llama", "genai_config.json", change,
                    "tokens is 400 by vocab_size .*320 by the shape")

    def test_context(self):
        def change(content):
            content["model"]["context_length"] = 512
        self.config("llama", "genai_config.json", change,
                    "context length is 512 by .*'cos_cache' has 256 rows")

    def test_types(self):
        def change(content):
            content["model_type"] = "qwen2"
        self.config("llama3", "config.json", change,
                    "'llama' by genai_config.json, and 'qwen2' by config.json")

    def test_base(self):
        def change(content):
            content["rope_parameters"]["rope_theta"] = 10000
        self.config("llama3", "config.json", change,
                    "rotary frequencies is 10000 by rope_theta in config.json"
                    ", and 500000 by the table 'cos_cache'")
        self.config("gemma", "config.json", change=lambda content: content[
            "rope_parameters"].update(rope_theta=500000),
            message="500000 by rope_theta in config.json, and 10000 by the "
            "table")

    def test_epsilon(self):
        def change(content):
            content["rms_norm_eps"] = 1e-5
        self.config("llama3", "config.json", change,
                    "epsilon is 9.99999997e-07 by epsilon of node .*1e-05 by "
                    "rms_norm_eps in config.json")

    def test_multiplier(self):
        def change(content):
            content["residual_multiplier"] = 0.25
        self.config("granite", "config.json", change,
                    "residuals is 0.25 by residual_multiplier in config.json")

    def test_norms(self):
        def change(graph):
            norm = node(graph, "/model/layers.1/input_layernorm/SkipLayerNorm")
            norm.attribute[0].f = 1e-3
        self.graph("llama", change, "epsilon is 9.99999997e-07 by .* and "
                   r"0.001\d* by epsilon of node '/model/layers.1/input")


class Graphs(Refused):
    def test_wrong_head(self):
        """What the builder makes of a layer with as many outputs as there
        are tokens."""
        def change(graph):
            node(graph, "/lm_head/MatMul_Q4").input[0] = \
                "/model/layers.0/input_layernorm/output_0"
        self.graph("llama", change, "node '/lm_head/MatMul_Q4' multiplies by "
                   "'lm_head.weight', and is fed by '/model/layers.0/input_"
                   "layernorm/LayerNorm', not by the norm 'model.layers.2")

    def test_wrong_norm(self):
        def change(graph):
            node(graph, "/model/layers.1/mlp/up_proj/MatMul_Q4").input[0] = \
                "/model/layers.0/post_attention_layernorm/output_0"
        self.graph("llama", change, "layers.1/mlp/up_proj/MatMul_Q4' .* not "
                   "by the norm 'model.layers.1.post_attention_layernorm")

    def test_activation(self):
        def change(graph):
            for found in graph.node:
                if found.op_type == "Sigmoid":
                    found.op_type = "HardSigmoid"
        self.graph("llama", change, "comes HardSigmoid, which is not the "
                   "activation of llama.cpp's llama")

    def test_window(self):
        self.graph("llama", lambda graph: attribute(
            graph, "GroupQueryAttention", "local_window_size", 8),
            "looks back 8 tokens, and llama.cpp's llama at all")

    def test_scale(self):
        self.graph("llama", lambda graph: attribute(
            graph, "GroupQueryAttention", "scale", 0.5),
            "is 0.5, and llama.cpp's llama multiplies by 0.176777")

    def test_softcap(self):
        self.graph("llama", lambda graph: attribute(
            graph, "GroupQueryAttention", "softcap", 50.0),
            "has no softcap of attention")

    def test_interleaved(self):
        self.graph("qwen3", lambda graph: attribute(
            graph, "GroupQueryAttention", "rotary_interleaved", 1),
            "rotates neighbouring rows")

    def test_multiplied(self):
        """Granite's multipliers in a model that has no key for them."""
        folder = self.copy("granite")
        (folder / "config.json").unlink()
        content = models.read_json(folder / "genai_config.json")
        content["model"]["type"] = "llama"
        (folder / "genai_config.json").write_text(json.dumps(content))
        self.refuse(folder, "is 0.02, and llama.cpp's llama multiplies by")

    def test_missing_tensor(self):
        def change(graph):
            name = "model.layers.1.post_attention_layernorm.weight"
            rename(graph, name, "model.layers.1.other.weight")
        self.graph("llama", change, "'model.layers.1.other.weight' has no "
                   "place in llama.cpp's architecture 'llama'")

    def test_missing_bias(self):
        """A qwen2 without biases of q, k and v."""
        def change(content):
            content["model"]["type"] = "qwen2"
        self.config("llama", "genai_config.json", change,
                    "qwen2 needs a tensor 'blk.0.attn_q.bias'")

    def test_unwanted_bias(self):
        def change(content):
            content["model"]["type"] = "qwen3"
        self.config("llama_biases", "genai_config.json", change,
                    "qwen3 has no 'blk.0.attn_q.bias'")

    def test_shape(self):
        def change(graph):
            for found in graph.initializer:
                if found.name == "model.layers.1.input_layernorm.weight":
                    found.CopyFrom(numpy_helper.from_array(
                        np.ones(64, np.float32), found.name))
        self.graph("llama", change, r"'blk.1.attn_norm.weight' .* has the "
                   r"shape \[64, 1\], and must have \[128, 1\]")

    def test_tables(self):
        def change(graph):
            for found in graph.initializer:
                if found.name == "cos_cache":
                    data = numpy_helper.to_array(found) * np.float32(0.5)
                    found.CopyFrom(numpy_helper.from_array(data, found.name))
        self.graph("llama", change, "are no cosines and sines")

    def test_scaled(self):
        """Llama 3's frequencies where llama.cpp has no place for them."""
        folder = self.copy("llama3")
        for file in ("genai_config.json", "config.json"):
            text = (folder / file).read_text()
            text = text.replace('"type": "llama"', '"type": "ernie4_5"')
            text = text.replace('"model_type": "llama"',
                                '"model_type": "ernie4_5"')
            (folder / file).write_text(text)
        self.refuse(folder, "its frequencies are scaled in a way that "
                    "llama.cpp's ernie4_5 cannot have")

    def test_head_alone(self):
        """No tensor is the embedding."""
        def change(graph):
            gather = node(graph, "/model/embed_tokens/Gather")
            gather.input[0] = "computed"
            graph.node.insert(0, helper.make_node(
                "RandomNormal", [], ["computed"], shape=[320, 128]))
            for found in list(graph.initializer):
                if found.name == "model.embed_tokens.weight":
                    graph.initializer.remove(found)
        self.graph("llama", change, "no tensor is the embedding")


class Options(Refused):
    def test_fused(self):
        self.refuse(self.copy("llama"), "--keep-fused-qkv: llama.cpp's llama "
                    "wants rows of q and k in another order",
                    "--keep-fused-qkv")

    def test_pre_tokenizer(self):
        self.refuse(self.copy("llama"), "nobody", "--tokenizer-pre", "nobody")

    def test_together(self):
        model = models.MODELS / "llama"
        for options, message in (
                (("--for", "ollama"), "--for takes llama.cpp, not 'ollama'"),
                (("--no-tokenizer",), "go with --for llama.cpp"),
                (("--for", "llama.cpp", "--recipe", "llama"),
                 "--for decides .*--recipe"),
                (("--for", "llama.cpp", "--leave", "x"), "--leave"),
                (("--for", "llama.cpp", "--no-tokenizer", "--tokenizer-pre",
                  "qwen2"), "exclude each other")):
            done = models.quire("convert", model, "--dry-run", *options,
                                fails=True)
            self.assertTrue(re.search(message, done.stderr), done.stderr)

    def test_folders(self):
        """The model's path, and the folder of the JSON files."""
        work = models.scratch(self)
        shutil.copytree(models.MODELS / "llama", work / "model")
        (work / "config").mkdir()
        for path in (work / "model").glob("*.json"):
            path.rename(work / "config" / path.name)
        model = work / "model/model.onnx"
        options = "--for", "llama.cpp", "-q", "--force", "-o", work / "a.gguf"
        done = models.quire("convert", model, *options, fails=True)
        self.assertIn("--config", done.stderr)
        models.quire("convert", model, *options, "--config", work / "config")
        again = models.convert(self, "llama").read_bytes()
        # The name is the folder's, and its checksum follows.
        self.assertEqual(len(again), (work / "a.gguf").stat().st_size)


if __name__ == "__main__":
    unittest.main()
