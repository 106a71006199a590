"""quire compare: a container equals the model that it was made of, and each
change to it is found and named."""

import json
import pathlib
import struct
import unittest

import oracle

ONNX = oracle.ROOT / "tests" / "onnx"
PLAIN = ONNX / "good" / "plain.onnx"


def compare(*arguments):
    """(exit code, parsed --json)."""
    result = oracle.run("compare", *arguments, "--json")
    if result.returncode == 2:
        raise AssertionError(result.stderr)
    return result.returncode, json.loads(result.stdout)


class Compare(unittest.TestCase):
    def test_every_small_model(self):
        for expected in sorted(ONNX.rglob("*.weight")):
            model = expected.with_suffix(".onnx")
            with self.subTest(model=model.name):
                rows = self.check_same(model, "f32")
            if any(row["node"] and row["dtype"] == "F32" for row in rows):
                with self.subTest(model=model.name, fallback="f16"):
                    self.check_same(model, "f16")

    def check_same(self, model, fallback):
        path = oracle.scratch(self) / "out.gguf"
        oracle.quire("convert", model, "-o", path, "--fallback", fallback)
        code, said = compare(model, path)
        self.assertEqual(said["rows_different"], 0, said["rows"])
        self.assertEqual((code, said["different"]), (0, 0))
        self.assertGreater(said["count"], 0)
        self.assertLessEqual(said["scale_error_max"], 2.0**-11)
        return said["rows"]

    def test_minilm(self):
        for name in ("f32.onnx", "f16.onnx", "unaligned.onnx"):
            with self.subTest(model=name):
                source = oracle.MODELS / name
                path = oracle.convert(self, source)
                code, said = compare(source, path)
                self.assertEqual((code, said["rows_different"]), (0, 0))
                linears = [row for row in said["rows"] if row["node"]]
                self.assertEqual(len(linears), 36)
                rounded = name != "f16.onnx"
                self.assertEqual(said["scale_error_max"] > 0, rounded)

    def tampered(self, tensor, offset, change):
        """The container of plain.onnx with some bytes of one tensor
        changed."""
        path = oracle.convert(self, PLAIN)
        (entry,) = (
            t for t in oracle.info(path)["tensors"] if t["name"] == tensor
        )
        data = bytearray(path.read_bytes())
        at = entry["offset"] + offset
        data[at : at + len(change)] = change
        path.write_bytes(data)
        code, said = compare(PLAIN, path)
        self.assertEqual((code, said["rows_different"]), (1, 1))
        (row,) = (r for r in said["rows"] if r["verdict"] != "same")
        self.assertEqual((row["tensor"], row["verdict"]), (tensor, "differs"))
        return row

    def test_a_code(self):
        path = oracle.convert(self, PLAIN)
        (entry,) = (
            t for t in oracle.info(path)["tensors"] if t["name"] == "w.weight"
        )
        byte = path.read_bytes()[entry["offset"] + 18 + 2 + 5]
        row = self.tampered("w.weight", 18 + 2 + 5, bytes([byte ^ 0x11]))
        self.assertEqual(row["different"], 2)
        self.assertEqual(row["scales_different"], 0)

    def test_a_scale(self):
        row = self.tampered("w.weight", 2 * 18, struct.pack("<e", 3.0))
        self.assertEqual((row["different"], row["scales_different"]), (0, 1))

    def test_a_bias(self):
        row = self.tampered("b", 4, struct.pack("<f", 0.25))
        self.assertEqual((row["different"], row["count"]), (1, 4))

    def test_another_model(self):
        path = oracle.convert(self, PLAIN)
        code, said = compare(ONNX / "good" / "shared.onnx", path)
        self.assertEqual(code, 1)
        verdicts = {row["verdict"] for row in said["rows"]}
        self.assertIn("only in the source", verdicts)
        dense = oracle.convert(self, ONNX / "good" / "dense.onnx")
        code, said = compare(PLAIN, dense)
        verdicts = {row["verdict"] for row in said["rows"]}
        self.assertEqual(code, 1)
        self.assertEqual(
            verdicts, {"only in the source", "only in the file"}
        )

    def test_trouble(self):
        path = oracle.convert(self, PLAIN)
        missing = pathlib.Path(path).with_name("none")
        for arguments in ((PLAIN, missing), (missing, path), (path, PLAIN)):
            result = oracle.run("compare", *arguments)
            self.assertEqual(result.returncode, 2)
            self.assertRegex(result.stderr, r"\Aquire: [^\n]+\n\Z")


if __name__ == "__main__":
    unittest.main()
