"""`quire hash` and quire.tensor.xxh3 against the Python package xxhash."""

import unittest

import xxhash

import oracle


class Hash(unittest.TestCase):
    def test_every_tensor_and_the_whole(self):
        path = oracle.convert(self, oracle.MODELS / "f32.onnx")
        reader, _ = oracle.read_gguf(path)
        whole = xxhash.xxh3_64()
        lines = []
        for tensor in reader.tensors:
            data = tensor.data.tobytes()
            whole.update(data)
            digest = xxhash.xxh3_64_hexdigest(data)
            lines.append(["xxh3", digest, f"{path}:{tensor.name}"])
        lines.append(["xxh3", whole.hexdigest(), str(path)])
        lines += self.other_lines(path, reader)
        self.assertGreater(len(lines), 72)  # 36 weights, 36 biases

        output = oracle.quire("hash", path).splitlines()
        self.assertEqual([line.split(maxsplit=2) for line in output], lines)

        stored = [tensor["xxh3"] for tensor in oracle.info(path)["tensors"]]
        self.assertEqual(stored, [digest for _, digest, _ in lines[:-3]])
        field = reader.fields["quire.tensor.xxh3"]
        self.assertEqual([f"{value:016x}" for value in field.contents()], stored)

    def other_lines(self, path, reader):
        """The header, and what belongs to no tensor after it."""
        data = path.read_bytes()
        padding = bytearray(data)
        for tensor in reversed(reader.tensors):
            begin = int(tensor.data_offset)
            del padding[begin : begin + int(tensor.n_bytes)]
        del padding[: reader.data_offset]
        header = data[: reader.data_offset]
        return [
            ["xxh3-header", xxhash.xxh3_64_hexdigest(header), str(path)],
            ["xxh3-padding", xxhash.xxh3_64_hexdigest(bytes(padding)), str(path)],
        ]

    def test_damage_is_found(self):
        path = oracle.convert(self, oracle.MODELS / "f32.onnx")
        self.assertEqual(oracle.run("verify", path).returncode, 0)
        victim = oracle.info(path)["tensors"][5]
        with open(path, "r+b") as file:
            file.seek(victim["offset"] + victim["size"] - 1)
            byte = file.read(1)[0]
            file.seek(-1, 1)
            file.write(bytes([byte ^ 1]))
        result = oracle.run("verify", path)
        self.assertEqual(result.returncode, 1)
        self.assertIn(victim["name"], result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
