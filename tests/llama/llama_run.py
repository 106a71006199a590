"""A model in llama.cpp: logits, tokens, embeddings.

LLAMA_DIR names the folder of llama.cpp's libraries (fetch.py makes it).
Loading and computing happen in a process of its own (see run()): where ggml
finds a mistake it aborts, and a test must survive that.
"""

import json
import os
import pathlib
import subprocess
import sys
from ctypes import byref, c_int32

import numpy as np

from llama_library import Llama, release

F32 = 0  # ggml's number of the type, for keys and values


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
        if hasattr(params, "flash_attn_type"):
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


def is_old():
    """Whether this llama.cpp is of 2025."""
    return release(folder()).name == "b5590"


def run(path, what, context=512, **arguments):
    """What Model.<what>(**arguments) returns, computed in another process with
    room for so many tokens. Raises RuntimeError with llama.cpp's message if it
    does not load the file."""
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
