"""`quire dump` of every type that gguf-py dequantizes: the same numbers, to
the last bit, for blocks of random bytes. A NaN may have any bits."""

import unittest

import gguf
import numpy as np

import oracle

Q = gguf.GGMLQuantizationType
ROWS = 24
COLS = 1024  # a multiple of every block


def dequantized_types():
    """What gguf-py dequantizes: it fails for other types."""
    types = []
    for dtype in Q:
        count, size = gguf.GGML_QUANT_SIZES[dtype]
        try:
            gguf.quants.dequantize(np.zeros((1, size), np.uint8), dtype)
        except NotImplementedError:
            continue
        types.append(dtype)
    return types


class Dump(unittest.TestCase):
    def write(self, types):
        random = np.random.default_rng(11)
        path = oracle.scratch(self) / "types.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        for dtype in types:
            count, size = gguf.GGML_QUANT_SIZES[dtype]
            data = random.integers(0, 256, (ROWS, COLS // count * size),
                                   dtype=np.uint8)
            if dtype in (Q.F32, Q.F16):
                data = data.view({4: np.float32, 2: np.float16}[size])
            writer.add_tensor(dtype.name, data, raw_dtype=dtype)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path

    def test_every_type(self):
        types = dequantized_types()
        self.assertGreater(len(types), 20)
        path = self.write(types)
        compared = 0
        for name, tensor in oracle.read_gguf(path)[1].items():
            with self.subTest(type=name):
                with np.errstate(all="ignore"):
                    expected = oracle.decoded(tensor).astype(np.float32)
                actual = oracle.dump(path, name)
                self.assertEqual(actual.shape, (ROWS, COLS))
                numbers = ~np.isnan(expected)
                self.assertGreater(numbers.mean(), 0.5)
                np.testing.assert_array_equal(np.isnan(actual), ~numbers)
                np.testing.assert_array_equal(
                    actual[numbers].view(np.uint32),
                    np.ascontiguousarray(expected)[numbers].view(np.uint32))
                compared += 1
        self.assertEqual(compared, len(types))
        print(compared, "types are the same")


if __name__ == "__main__":
    unittest.main()
