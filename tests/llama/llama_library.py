"""llama.cpp's shared library by ctypes: a model's logits and embeddings.

For libllama v0.4.0, the one of npm's package @node-llama-cpp/linux-x64 3.21.1.
LLAMA_DIR names the folder of its libraries (tests/llama/fetch.py makes it).
Parameters are passed by value, in structs that differ between releases of
llama.cpp, so another release is refused by its defaults.

Loading and computing happen in a process of its own (see run()): where ggml
finds a mistake it aborts, and a test must survive that.
"""

import ctypes
import json
import os
import pathlib
import subprocess
import sys
from ctypes import (POINTER, Structure, byref, c_bool, c_char_p, c_float,
                    c_int, c_int32, c_size_t, c_uint32, c_void_p)

import numpy as np

F32 = 0  # ggml's number of the type, for keys and values
ROOM = c_void_p * 32  # another release's defaults may be longer


def fields(text):
    """"type name, name; type name" as the fields of a Structure."""
    kinds = {"pointer": c_void_p, "i32": c_int32, "enum": c_int,
             "u32": c_uint32, "float": c_float, "bool": c_bool,
             "size": c_size_t}
    for part in text.split(";"):
        kind, names = part.split(maxsplit=1)
        for name in names.split(","):
            yield name.strip(), kinds[kind]


class ModelParams(Structure):
    _fields_ = [*fields(
        "pointer devices, tensor_buft_overrides; i32 n_gpu_layers;"
        "enum split_mode, load_mode, lazy_mode; i32 main_gpu;"
        "pointer tensor_split, progress, progress_data, kv_overrides;"
        "bool vocab_only, check_tensors, use_extra_bufts, no_host, no_alloc,"
        "load_mtp"), ("room", ROOM)]


class ContextParams(Structure):
    _fields_ = [*fields(
        "u32 n_ctx, n_batch, n_ubatch, n_seq_max, n_rs_seq, n_outputs_max,"
        "n_outputs_max_per_seq; i32 n_threads, n_threads_batch;"
        "enum ctx_type, rope_scaling_type, pooling_type, attention_type,"
        "flash_attn_type; float rope_freq_base, rope_freq_scale,"
        "yarn_ext_factor, yarn_attn_factor, yarn_beta_fast, yarn_beta_slow;"
        "u32 yarn_orig_ctx; float defrag_thold; pointer cb_eval, cb_eval_data;"
        "enum type_k, type_v; pointer abort_callback, abort_data;"
        "bool embeddings, offload_kqv, no_perf, op_offload, swa_full,"
        "kv_unified; pointer samplers; size n_samplers; pointer ctx_other"),
        ("room", ROOM)]


class Batch(Structure):
    _fields_ = [*fields("i32 n_tokens; pointer token, embd, pos, n_seq_id,"
                        "seq_id, logits")]


FUNCTIONS = {  # name: result, parameters
    "backend_init": (None, []),
    "log_set": (None, [c_void_p, c_void_p]),
    "model_default_params": (ModelParams, []),
    "context_default_params": (ContextParams, []),
    "model_load_from_file": (c_void_p, [c_char_p, ModelParams]),
    "init_from_model": (c_void_p, [c_void_p, ContextParams]),
    "free": (None, [c_void_p]),
    "model_free": (None, [c_void_p]),
    "model_get_vocab": (c_void_p, [c_void_p]),
    "model_n_embd": (c_int32, [c_void_p]),
    "vocab_n_tokens": (c_int32, [c_void_p]),
    "tokenize": (c_int32, [c_void_p, c_char_p, c_int32, c_void_p, c_int32,
                           c_bool, c_bool]),
    "batch_get_one": (Batch, [c_void_p, c_int32]),
    "decode": (c_int32, [c_void_p, Batch]),
    "get_logits_ith": (POINTER(c_float), [c_void_p, c_int32]),
    "get_embeddings_seq": (POINTER(c_float), [c_void_p, c_int32]),
}
LOG = ctypes.CFUNCTYPE(None, c_int, c_char_p, c_void_p)


class Llama:
    def __init__(self, folder):
        self.messages = []
        for stem in ("libggml-base", "libggml", "libllama"):
            found = [*folder.glob(f"{stem}.so"), *folder.glob(f"{stem}.v*")]
            library = ctypes.CDLL(str(found[0]), ctypes.RTLD_GLOBAL)
            if stem == "libggml":
                ggml = library
        for name, (result, parameters) in FUNCTIONS.items():
            function = getattr(library, f"llama_{name}")
            function.restype, function.argtypes = result, parameters
            setattr(self, name, function)
        self.log = LOG(lambda level, text, _: self.messages.append(
            text.decode("utf-8", "replace")))
        self.log_set(ctypes.cast(self.log, c_void_p), None)
        # The code for CPUs is in libraries of its own, one for each
        # instruction set; without this call no model loads.
        ggml.ggml_backend_load_all_from_path.argtypes = [c_char_p]
        ggml.ggml_backend_load_all_from_path(str(folder).encode())
        self.backend_init()
        self.check_release()

    def check_release(self):
        model, context = (self.model_default_params(),
                          self.context_default_params())
        found = (context.n_ctx, context.n_batch, context.n_ubatch,
                 context.n_seq_max, context.yarn_beta_fast, context.type_k,
                 context.type_v, context.embeddings, context.offload_kqv,
                 context.n_samplers, model.main_gpu, model.vocab_only,
                 model.use_extra_bufts)
        expected = (512, 2048, 512, 1, -1.0, 1, 1, False, True, 0, 0, False,
                    True)
        if found != expected:
            raise SystemExit(f"LLAMA_DIR is not llama.cpp v0.4.0: {found}")


class Model:
    def __init__(self, llama, path, embeddings, context):
        self.llama = llama
        params = llama.model_default_params()
        params.n_gpu_layers = 0
        self.model = llama.model_load_from_file(str(path).encode(), params)
        if not self.model:
            raise SystemExit("does not load: " + "".join(llama.messages[-4:]))
        params = llama.context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = context
        params.n_threads = params.n_threads_batch = 1
        params.embeddings = embeddings
        params.type_k = params.type_v = F32
        params.flash_attn_type = 0  # off, which f32 keys and values need
        self.context = llama.init_from_model(self.model, params)
        self.vocab = llama.model_get_vocab(self.model)
        self.vocab_size = llama.vocab_n_tokens(self.vocab)

    def decode(self, tokens):
        array = (c_int32 * len(tokens))(*tokens)
        batch = self.llama.batch_get_one(byref(array), len(tokens))
        if self.llama.decode(self.context, batch):
            raise SystemExit("llama_decode failed")

    def logits(self, tokens, first):
        """After each of the tokens from number `first` - 1 on."""
        rows, start = [], 0
        for end in range(first, len(tokens) + 1):
            self.decode(tokens[start:end])
            start = end
            at = self.llama.get_logits_ith(self.context, -1)
            rows.append(np.ctypeslib.as_array(at, (self.vocab_size,)).copy())
        return np.stack(rows)

    def greedy(self, tokens, count):
        made = []
        for _ in range(count):
            self.decode(tokens)
            at = self.llama.get_logits_ith(self.context, -1)
            row = np.ctypeslib.as_array(at, (self.vocab_size,))
            tokens = [int(row.argmax())]
            made += tokens
        return np.array(made)

    def embedding(self, tokens):
        self.decode(tokens)
        at = self.llama.get_embeddings_seq(self.context, 0)
        if not at:
            raise SystemExit("no pooled embedding")
        size = self.llama.model_n_embd(self.model)
        return np.ctypeslib.as_array(at, (size,)).copy()

    def tokenize(self, text):
        data = text.encode()
        room = (c_int32 * (len(data) + 16))()
        count = self.llama.tokenize(self.vocab, data, len(data), byref(room),
                                    len(room), True, True)
        return np.array(room[:count])


def folder():
    return pathlib.Path(os.environ["LLAMA_DIR"])


def run(path, what, context=512, **arguments):
    """What Model.<what>(**arguments) returns, computed in another process with
    room for so many tokens. Raises RuntimeError with llama.cpp's message if it does not load the
    file."""
    order = json.dumps({"path": str(path), "what": what, "context": context,
                        "arguments": arguments})
    done = subprocess.run(
        [sys.executable, "-B", __file__, order], capture_output=True,
        timeout=300,
        # ggml's abort starts gdb otherwise, and may wait for it.
        env=dict(os.environ, GGML_NO_BACKTRACE="1"))
    if done.returncode != 0:
        raise RuntimeError(f"exit {done.returncode}: "
                           + done.stderr.decode("utf-8", "replace")[-600:])
    shape, _, data = done.stdout.partition(b"\n")
    shape = json.loads(shape)
    return np.frombuffer(data, shape["dtype"]).reshape(shape["shape"])


def main():
    order = json.loads(sys.argv[1])
    model = Model(Llama(folder()), order["path"],
                  order["what"] == "embedding", order["context"])
    result = getattr(model, order["what"])(**order["arguments"])
    shape = {"dtype": str(result.dtype), "shape": result.shape}
    sys.stdout.buffer.write(json.dumps(shape).encode() + b"\n"
                            + result.tobytes())


if __name__ == "__main__":
    main()
