#!/usr/bin/env python3
"""Makes the tiny ONNX models of good/, bad/ and places/.

good/ has one model for each form that an operator's weight may take. bad/ has
models that the converter must refuse. places/ has models whose constants lie
elsewhere than in an initializer: in files, typed fields, Constant nodes or an
outer graph.

NAME.weight beside NAME.onnx has the bytes that the tensor of the model's first
quantized weight must have in the container. They are computed here in numpy
from the operator's definition, without any of the converter's code. NAME.bias
has those of the first linear's bias.
Run it with onnx and numpy installed; the same versions give the same bytes.
"""

import shutil

import dequantize
import experts
import functions
import gathers
import integers
import layouts
import malformed
import matmulnbits
import places
import wrappers
from weight import BAD, GOOD, path, PLACES


def main():
    for folder in (GOOD, BAD, PLACES):
        shutil.rmtree(path(folder, ""), ignore_errors=True)
    matmulnbits.make()
    gathers.make()
    dequantize.make()
    experts.make()
    wrappers.make()
    places.make()
    malformed.make()
    layouts.make()
    integers.make()
    functions.make()


if __name__ == "__main__":
    main()
