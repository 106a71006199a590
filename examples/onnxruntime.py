#!/usr/bin/env python3
"""Runs an unmodified ONNX model from its container, in ONNX Runtime 1.24 or
later:

    onnxruntime.py LIBRARY MODEL.onnx [CONTAINER.gguf]

LIBRARY is libquire_onnxruntime.so; the container is MODEL.gguf if it is not
given. Prints the outputs' shapes and means for an input of ones.
"""

import sys

# This file has the name of the package.
sys.path.pop(0)

import numpy as np
import onnxruntime as ort

NAME = "QuireExecutionProvider"


def main():
    if len(sys.argv) not in (3, 4):
        raise SystemExit(__doc__)
    library, model = sys.argv[1:3]
    container = {"container": sys.argv[3]} if len(sys.argv) > 3 else {}

    ort.register_execution_provider_library("quire", library)
    devices = [d for d in ort.get_ep_devices() if d.ep_name == NAME]
    options = ort.SessionOptions()
    options.add_provider_for_devices(devices, container)
    session = ort.InferenceSession(model, options)

    ones = {
        given.name: np.ones(
            [size if isinstance(size, int) else 4 for size in given.shape],
            {"tensor(float)": np.float32, "tensor(float16)": np.float16}.get(
                given.type, np.int64
            ),
        )
        for given in session.get_inputs()
    }
    for given, y in zip(session.get_outputs(), session.run(None, ones)):
        print(given.name, y.shape, f"mean {y.astype(np.float64).mean():.6g}")


if __name__ == "__main__":
    main()
