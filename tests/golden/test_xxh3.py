#!/usr/bin/env python3
"""spec/xxh3.py against the xxhash package, which must be installed."""

import pathlib
import random
import sys
import unittest

import xxhash

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "spec"))

from xxh3 import xxh3  # noqa: E402


class Xxh3(unittest.TestCase):
    def compare(self, data):
        self.assertEqual(xxh3(data), xxhash.xxh3_64_intdigest(data),
                         f"{len(data)} bytes")

    def test_every_size_to_1100(self):
        data = random.Random(1).randbytes(1100)
        for size in range(len(data) + 1):
            self.compare(data[:size])

    def test_bytes_that_are_all_the_same(self):
        for byte in (b"\x00", b"\xff"):
            for size in range(600):
                self.compare(byte * size)

    def test_around_whole_blocks(self):
        data = random.Random(2).randbytes(1 << 20)
        for blocks in (1, 2, 3, 4, 64, 1023):
            for size in range(blocks * 1024 - 65, blocks * 1024 + 66):
                self.compare(data[:size])
        self.compare(data)


if __name__ == "__main__":
    unittest.main()
