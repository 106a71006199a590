#!/usr/bin/env python3
"""Makes the tiny ONNX models of this folder, good ones and bad ones.

Beside each good model NAME.onnx stands NAME.weight: the bytes that the tensor
of its first quantized weight must have in the container, worked out here in
numpy from the operator's definition, without any of the converter's code.
Run it with onnx and numpy installed; the same versions give the same bytes.
"""

import os

import dequantize
import experts
import gathers
import layouts
import malformed
import matmulnbits
import places
from weight import HERE, path


def main():
    for name in os.listdir(HERE):
        if name.endswith((".onnx", ".weight", ".bin")):
            os.remove(path(name))
    matmulnbits.make()
    gathers.make()
    dequantize.make()
    experts.make()
    places.make()
    malformed.make()
    layouts.make()


if __name__ == "__main__":
    main()
