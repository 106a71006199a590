"""examples/onnxruntime.py with the shipped model: what it prints is what ONNX
Runtime computes, within the limit of the demo."""

import pathlib
import shutil
import subprocess
import sys

import numpy as np

import plugin_models as models
import plugin_sessions as sessions

EXAMPLES = pathlib.Path(__file__).parent.parent.parent / "examples"
# Level 4 rounds x to int8: the mean of 384 outputs or more moves by less.
NEAR = 0.01


def main():
    folder = sessions.scratch()
    model = folder / "model.onnx"
    shutil.copy(EXAMPLES / "minilm-layer0-int4.onnx", model)
    container = models.convert(model)
    plain = sessions.plain(model)
    ones = {
        given.name: np.ones((4, given.shape[-1]), np.float32)
        for given in plain.get_inputs()
    }
    expected = {
        given.name: y.mean()
        for given, y in zip(plain.get_outputs(), plain.run(None, ones))
    }
    for extra in ([], [container]):
        done = subprocess.run(
            [sys.executable, "-B", EXAMPLES / "onnxruntime.py",
             sessions.LIBRARY, model, *extra],
            check=True, capture_output=True, text=True,
        )
        lines = done.stdout.splitlines()
        sessions.check(len(lines) == len(expected), done.stdout)
        for line in lines:
            name, mean = line.split()[0], float(line.split()[-1])
            sessions.check(
                abs(mean - expected[name]) <= NEAR,
                f"{line}, ONNX Runtime: {expected[name]}",
            )
    sessions.done("example")


if __name__ == "__main__":
    main()
