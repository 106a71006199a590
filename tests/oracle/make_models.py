"""Builds the models that the other oracle tests read, in $QUIRE_MODELS.

f32.onnx        weights inside the file
external.onnx   the same, weights in external.onnx.data
unaligned.onnx  the same, each tensor at an odd offset of two data files
rounded.onnx    f32 scales that f16 represents exactly
f16.onnx        a float16 model: input, scales, bias, output
"""

import numpy as np
import onnx
from onnx import TensorProto

import oracle
import make_minilm


def save_unaligned(model, path):
    """External data that no tool would write: odd offsets, two data files."""
    files = [path.with_name(f"{path.stem}.{part}.bin") for part in (0, 1)]
    data = [bytearray(b"\xff"), bytearray(b"\xff\xff\xff")]
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for index, tensor in enumerate(copy.graph.initializer):
        part = index % 2
        raw = tensor.raw_data
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (
            ("location", files[part].name),
            ("offset", len(data[part])),
            ("length", len(raw)),
        ):
            tensor.external_data.add(key=key, value=str(value))
        data[part] += raw
        data[part] += b"\xff" * (1 + len(data[part]) % 2)
    for file, content in zip(files, data):
        file.write_bytes(content)
    path.write_bytes(copy.SerializeToString(deterministic=True))


def main():
    folder = oracle.MODELS
    folder.mkdir(parents=True, exist_ok=True)
    model = make_minilm.build()
    make_minilm.save(model, folder / "f32.onnx", external=False)
    make_minilm.save(model, folder / "external.onnx", external=True)
    save_unaligned(model, folder / "unaligned.onnx")
    rounded = make_minilm.build(round_scales_f16=True)
    make_minilm.save(rounded, folder / "rounded.onnx", external=False)
    half = make_minilm.build(dtype=np.float16)
    make_minilm.save(half, folder / "f16.onnx", external=False)


if __name__ == "__main__":
    main()
