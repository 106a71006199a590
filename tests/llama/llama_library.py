"""llama.cpp's shared library by ctypes.

For the releases of RELEASES, which npm's packages @node-llama-cpp/linux-x64
have: fetch.py takes them from there. Parameters are passed by value, in structs
that differ between releases, so another release is refused by its defaults.

This loads a library and names its functions; llama_run.py runs models.
"""

import ctypes
from ctypes import (POINTER, Structure, c_bool, c_char_p, c_float, c_int,
                    c_int32, c_size_t, c_uint32, c_void_p)

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


def parameters(text):
    return type("Parameters", (Structure,),
                {"_fields_": [*fields(text), ("room", ROOM)]})


class Release:
    def __init__(self, name, model, context, defaults):
        self.name, self.defaults = name, defaults
        self.model, self.context = parameters(model), parameters(context)

    def check(self, model, context):
        found = {name: getattr(context if hasattr(context, name) else model,
                               name) for name in self.defaults}
        if found != self.defaults:
            raise SystemExit(f"not llama.cpp {self.name}: {found}")


def release(folder):
    """Of these libraries: since 2026 it is in their names."""
    new, old = RELEASES
    return new if [*folder.glob("libllama.v*")] else old


ALL = {"n_ctx": 512, "n_batch": 2048, "n_ubatch": 512, "n_seq_max": 1,
       "type_k": 1, "type_v": 1, "embeddings": False, "offload_kqv": True,
       "op_offload": True, "swa_full": True, "main_gpu": 0,
       "vocab_only": False, "check_tensors": False}
RELEASES = [
    Release(
        "v0.4.0",
        "pointer devices, tensor_buft_overrides; i32 n_gpu_layers;"
        "enum split_mode, load_mode, lazy_mode; i32 main_gpu;"
        "pointer tensor_split, progress, progress_data, kv_overrides;"
        "bool vocab_only, check_tensors, use_extra_bufts, no_host, no_alloc,"
        "load_mtp",
        "u32 n_ctx, n_batch, n_ubatch, n_seq_max, n_rs_seq, n_outputs_max,"
        "n_outputs_max_per_seq; i32 n_threads, n_threads_batch;"
        "enum ctx_type, rope_scaling_type, pooling_type, attention_type,"
        "flash_attn_type; float rope_freq_base, rope_freq_scale,"
        "yarn_ext_factor, yarn_attn_factor, yarn_beta_fast, yarn_beta_slow;"
        "u32 yarn_orig_ctx; float defrag_thold; pointer cb_eval, cb_eval_data;"
        "enum type_k, type_v; pointer abort_callback, abort_data;"
        "bool embeddings, offload_kqv, no_perf, op_offload, swa_full,"
        "kv_unified; pointer samplers; size n_samplers; pointer ctx_other",
        {**ALL, "yarn_beta_fast": -1.0, "n_samplers": 0,
         "use_extra_bufts": True}),
    Release(
        "b5590",
        "pointer devices, tensor_buft_overrides; i32 n_gpu_layers;"
        "enum split_mode; i32 main_gpu;"
        "pointer tensor_split, progress, progress_data, kv_overrides;"
        "bool vocab_only, use_mmap, use_mlock, check_tensors",
        "u32 n_ctx, n_batch, n_ubatch, n_seq_max; i32 n_threads,"
        "n_threads_batch; enum rope_scaling_type, pooling_type,"
        "attention_type; float rope_freq_base, rope_freq_scale,"
        "yarn_ext_factor, yarn_attn_factor, yarn_beta_fast, yarn_beta_slow;"
        "u32 yarn_orig_ctx; float defrag_thold; pointer cb_eval, cb_eval_data;"
        "enum type_k, type_v; pointer abort_callback, abort_data;"
        "bool embeddings, offload_kqv, flash_attn, no_perf, op_offload,"
        "swa_full",
        {**ALL, "yarn_beta_fast": 32.0, "flash_attn": False,
         "use_mmap": True, "use_mlock": False}),
]


class Batch(Structure):
    _fields_ = [*fields("i32 n_tokens; pointer token, embd, pos, n_seq_id,"
                        "seq_id, logits")]


MODEL, CONTEXT = "model", "context"
FUNCTIONS = {  # name: result, parameters; MODEL and CONTEXT: a release's
    "backend_init": (None, []),
    "log_set": (None, [c_void_p, c_void_p]),
    "model_default_params": (MODEL, []),
    "context_default_params": (CONTEXT, []),
    "model_load_from_file": (c_void_p, [c_char_p, MODEL]),
    "init_from_model": (c_void_p, [c_void_p, CONTEXT]),
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
    """A library. llama_free is its attribute `free`, and so on."""

    def __init__(self, folder):
        self.messages = []
        ggml = self.load(folder, "libggml-base", "libggml")
        self.library = self.load(folder, "libllama")
        self.release = release(folder)
        self.bind(FUNCTIONS)
        self.log = LOG(lambda level, text, _: self.messages.append(
            text.decode("utf-8", "replace")))
        self.log_set(ctypes.cast(self.log, c_void_p), None)
        # The code for CPUs is in libraries of its own, one for each
        # instruction set; without this call no model loads.
        ggml.ggml_backend_load_all_from_path.argtypes = [c_char_p]
        ggml.ggml_backend_load_all_from_path(str(folder).encode())
        self.backend_init()
        self.release.check(self.model_default_params(),
                           self.context_default_params())

    @staticmethod
    def load(folder, *stems):
        for stem in stems:
            found = [*folder.glob(f"{stem}.so"), *folder.glob(f"{stem}.v*")]
            if not found:
                raise SystemExit(f"{folder}: there is no {stem}.so")
            library = ctypes.CDLL(str(found[0]), ctypes.RTLD_GLOBAL)
        return library

    def bind(self, functions):
        own = {MODEL: self.release.model, CONTEXT: self.release.context}
        for name, (result, parameters) in functions.items():
            function = getattr(self.library, f"llama_{name}")
            function.restype = own.get(result, result)
            function.argtypes = [own.get(kind, kind) for kind in parameters]
            setattr(self, name, function)
