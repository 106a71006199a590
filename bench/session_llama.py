#!/usr/bin/env python3
"""llama.cpp beside the sessions: SmolLM2 with the same weights.

    session_llama.py FILE.gguf --llama DIR [--mapped]

DIR has the libraries of llama.cpp v0.4.0, which are not part of this repository:

    npm pack @node-llama-cpp/linux-x64@3.21.1
    tar -xzf node-llama-cpp-linux-x64-3.21.1.tgz    # DIR: package/bins/linux-x64

write() makes FILE.gguf of the container of session_models.py's smollm2 and of the
file that its weights are from: the blocks of Q4_0 are the container's, byte for
byte, in llama.cpp's order of rows; the keys are those of the other file. The
program is a child process of compare_session.py: it loads the model and runs a
token. With --mapped, weights stay as the file has them; else llama.cpp copies them
into an order that its kernels like (use_extra_bufts).
"""

import argparse
import ctypes
import pathlib
import re
import sys
from ctypes import byref, c_bool, c_int8, c_int32, c_void_p

import session_child

TESTS = pathlib.Path(__file__).resolve().parents[1] / "tests"
sys.path.append(str(TESTS / "llama"))
import llama_library  # noqa: E402

CONTEXT = 512
MORE_FUNCTIONS = {  # as llama_library.FUNCTIONS
    "get_memory": (c_void_p, [c_void_p]),
    "memory_seq_rm": (c_bool, [c_void_p, c_int32, c_int32, c_int32]),
    "memory_clear": (None, [c_void_p, c_bool]),
}


def load(folder):
    library = llama_library.Llama(pathlib.Path(folder).resolve())
    if library.release.name != "v0.4.0":
        raise SystemExit(f"--llama {folder}: not llama.cpp v0.4.0")
    library.bind(MORE_FUNCTIONS)
    return library


class Model:
    """A model with a context. run(tokens, past) computes the logits of `tokens`
    behind `past` others, which run() has been given before."""

    def __init__(self, library, path, threads, mapped):
        self.library = library
        params = library.model_default_params()
        params.n_gpu_layers = 0
        params.use_extra_bufts = not mapped
        self.model = library.model_load_from_file(str(path).encode(), params)
        if not self.model:
            raise SystemExit(f"{path}: llama.cpp does not load it")
        params = library.context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = CONTEXT
        params.n_threads = params.n_threads_batch = threads
        self.context = library.init_from_model(self.model, params)
        if not self.context:
            raise SystemExit(f"{path}: llama.cpp makes no context")
        self.memory = library.get_memory(self.context)

    def run(self, tokens, past=0, every=True):
        """Of the last token alone, unless `every`."""
        library, count = self.library, len(tokens)
        if not library.memory_seq_rm(self.memory, 0, past, -1):
            raise SystemExit("llama.cpp does not forget tokens")
        array = (c_int32 * count)(*tokens)
        batch = library.batch_get_one(
            ctypes.cast(byref(array), c_void_p), count
        )
        wanted = (c_int8 * count)(*[int(every)] * (count - 1), 1)
        batch.logits = ctypes.cast(byref(wanted), c_void_p)
        status = library.decode(self.context, batch)
        if status:
            raise SystemExit(f"llama_decode returned {status}")

    def logits(self, tokens):
        """[tokens, vocabulary]"""
        import numpy as np

        self.run(tokens)
        size = self.library.vocab_n_tokens(
            self.library.model_get_vocab(self.model)
        )
        return np.stack([
            np.ctypeslib.as_array(
                self.library.get_logits_ith(self.context, row), (size,)
            )
            for row in range(len(tokens))
        ])

    def first(self):
        return lambda: self.run([1])

    def close(self):
        self.library.free(self.context)
        self.library.model_free(self.model)


# -------------------------------------------------------------------- the file


def neighbours(rows, heads):
    """llama.cpp rotates neighbours, ONNX the two halves of a head. Blocks lie
    along a row, so rows move as they are."""
    shape = heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:]
    return rows.reshape(shape).swapaxes(1, 2).reshape(rows.shape)


LAYER = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
OTHERS = {
    "lm_head.weight": "token_embd.weight",  # and, absent, output.weight
    "final_norm.weight": "output_norm.weight",
    "layers.0.final_norm.weight": "output_norm.weight",
}
OMITTED = ("cos_cache", "sin_cache")


def renamed(name, rows, heads, kv_heads):
    """(name, rows) for llama.cpp of a tensor of the container."""
    if name in OTHERS:
        return [(OTHERS[name], rows)]
    found = re.fullmatch(r"layers\.(\d+)\.(.*)\.weight", name)
    if not found:
        raise SystemExit(f"tensor '{name}' is not one of SmolLM2's")
    number, part = found.groups()
    if part != "attn.qkv_proj":
        return [(f"blk.{number}.{LAYER[part]}.weight", rows)]
    size = rows.shape[0] // (heads + 2 * kv_heads)
    q, k, v = heads * size, kv_heads * size, kv_heads * size
    parts = {
        "q": neighbours(rows[:q], heads),
        "k": neighbours(rows[q : q + k], kv_heads),
        "v": rows[q + k : q + k + v],
    }
    return [(f"blk.{number}.attn_{key}.weight", r) for key, r in parts.items()]


def write(container, source, output):
    """`source`: a folder with one GGUF file, for its keys."""
    import numpy as np
    from gguf import GGUFReader, GGUFValueType, GGUFWriter

    (path,) = pathlib.Path(source).rglob("*.gguf")
    fields_of = GGUFReader(path).fields
    writer = GGUFWriter(output, "llama")
    for key, field in fields_of.items():
        if key.startswith("GGUF.") or key == "general.architecture":
            continue
        kind = field.types[0]
        sub_type = field.types[-1] if kind == GGUFValueType.ARRAY else None
        writer.add_key_value(key, field.contents(), kind, sub_type)

    def heads_of(name):
        return int(fields_of[f"llama.attention.{name}"].contents())

    heads, kv_heads = heads_of("head_count"), heads_of("head_count_kv")
    for tensor in GGUFReader(container).tensors:
        if tensor.name in OMITTED:
            continue
        rows = np.ascontiguousarray(tensor.data)
        for name, data in renamed(tensor.name, rows, heads, kv_heads):
            data = np.ascontiguousarray(data)
            raw = tensor.tensor_type if data.dtype == np.uint8 else None
            writer.add_tensor(name, data, raw_dtype=raw)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("file")
    parser.add_argument("--llama", required=True)
    parser.add_argument("--mapped", action="store_true")
    parser.add_argument("--sessions", type=int, default=1)
    options = parser.parse_args()

    library = []

    def create():
        if not library:
            library.append(load(options.llama))
        return Model(library[0], options.file, 1, options.mapped)

    session_child.serve(create, options.sessions)


if __name__ == "__main__":
    main()
