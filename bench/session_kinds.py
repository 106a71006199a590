"""The sessions of compare_session.py, by kind, and what they are given."""

import functools

import numpy as np
import onnxruntime as ort
import session_llama

LLAMA_KINDS = ("llama", "llama_mapped")
PROVIDER = "QuireExecutionProvider"


def options_of(threads, entries=()):
    made = ort.SessionOptions()
    made.intra_op_num_threads = threads
    made.log_severity_level = 3
    for key, value in dict(entries).items():
        made.add_session_config_entry(key, value)
    return made


def path_of(folder, name, kind):
    if kind == "prepacked":
        return folder / f"{name}.prepacked" / "model.onnx"
    return folder / (f"{name}.thin.onnx" if kind == "op" else f"{name}.onnx")


def make_session(kind, folder, name, plugin, threads):
    # Threads of one session that spin would slow down the next one's run.
    made = options_of(threads, {"session.force_spinning_stop": "1"})
    path = str(path_of(folder, name, kind))
    if kind == "op":
        made.register_custom_ops_library(plugin)
    if kind != "provider":
        return ort.InferenceSession(
            path, made, providers=["CPUExecutionProvider"]
        )
    if PROVIDER not in {d.ep_name for d in ort.get_ep_devices()}:
        ort.register_execution_provider_library("quire", plugin)
    devices = [d for d in ort.get_ep_devices() if d.ep_name == PROVIDER]
    made.add_provider_for_devices(
        devices, {"container": str(folder / f"{name}.gguf")}
    )
    return ort.InferenceSession(path, made)


def feed_of(session, tokens, past=0):
    """`tokens` tokens behind `past` others."""
    random = np.random.default_rng(1)
    names = {value.name for value in session.get_inputs()}
    feeds = {}
    for value in session.get_inputs():
        if value.name == "x":
            shape = 1, tokens, value.shape[2]
            feeds["x"] = random.standard_normal(shape).astype(np.float32)
        elif value.name == "input_ids":
            feeds["input_ids"] = random.integers(1, 20000, (1, tokens))
        elif value.name == "attention_mask":
            known = tokens + past if "past_key_values.0.key" in names else tokens
            feeds["attention_mask"] = np.ones((1, known), np.int64)
        else:
            shape = 1, value.shape[1], past, value.shape[3]
            feeds[value.name] = np.zeros(shape, np.float32)
    return feeds


def first_feed(session, name):
    return feed_of(session, 16 if name == "minilm" else 1)


@functools.lru_cache
def llama_library(folder):
    return session_llama.load(folder)


def make_llama(kind, folder, name, library_folder, threads):
    path = folder / f"{name}.llama.gguf"
    library = llama_library(library_folder)
    return session_llama.Model(library, path, threads, kind == "llama_mapped")
