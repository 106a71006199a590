#!/usr/bin/env python3
"""spec/read.py and the quire command say the same of every golden file.

QUIRE=path/to/quire python3 tests/golden/test_two_readers.py
"""

import contextlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "spec"))
import read as reader  # noqa: E402  spec/read.py

QUIRE = os.environ["QUIRE"]


def rule_in(errors):
    """The rule that a message names."""
    rules = re.findall(r"\[(F-\d+)\]", errors)
    return rules[0] if rules else None


def run(*command):
    """The exit code, the output, and the rule that the error names."""
    done = subprocess.run(command, capture_output=True, cwd=HERE,
                          encoding="utf-8")
    return done.returncode, done.stdout, rule_in(done.stderr)


def read(path, *options):
    """The same by spec/read.py, in this process because that is faster."""
    printed, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), \
            contextlib.redirect_stderr(errors), contextlib.chdir(HERE):
        code = reader.main([*options, str(path)])
    return code, printed.getvalue(), rule_in(errors.getvalue())


def info(path):
    return run(QUIRE, "info", "--json", path)


def exact(text):
    """A form that distinguishes 1 and 1.0, 0.0 and -0.0, and the order of
    keys."""
    return json.dumps(json.loads(text), indent=1)


class TwoReaders(unittest.TestCase):
    maxDiff = None

    def for_each(self, folder, check):
        """Calls check(path, *fields) for each row of a table."""
        table = (HERE / folder / "table.tsv").read_text()
        for line in table.splitlines():
            name, *fields, growth = line.split("\t")
            with self.subTest(f"{folder}/{name}"), \
                    tempfile.TemporaryDirectory() as scratch:
                path = f"{folder}/{name}"
                if growth != "-":
                    path = self.grow(path, growth, f"{scratch}/{name}")
                check(path, *fields)

    def grow(self, path, growth, target):
        data = (HERE / path).read_bytes()
        at, count = map(int, growth.split("+"))
        with open(target, "wb") as file:
            file.write(data[:at] + b" " * count + data[at:])
        return target

    def compare(self, path, *options):
        """Both accept the file and print the same, which this returns."""
        code, printed, _ = info(path)
        self.assertEqual(code, 0)
        code, read_printed, rule = read(path, *options)
        self.assertEqual((code, rule), (0, None))
        self.assertEqual(exact(printed), exact(read_printed))
        return printed

    def test_good_files(self):
        self.for_each("good", self.check_good)

    def check_good(self, path, kind):
        printed = self.compare(path, "--verify")
        expected = (HERE / path).with_suffix(".json")
        if expected.exists():
            expected = expected.read_text(encoding="utf-8")
            self.assertEqual(exact(printed), exact(expected))
        # A foreign file has no checksums to verify it by.
        code, _, _ = run(QUIRE, "verify", path)
        self.assertEqual(code, 0 if kind == "container" else 2)

    def test_bad_files(self):
        self.for_each("bad", self.check_bad)

    def check_bad(self, path, rule, status, offset, stage):
        if stage == "verify":
            self.compare(path)
            self.check_difference(
                path, rule, "tensor" if rule == "F-33" else "padding")
            return
        self.assertEqual(read(path), (2, "", rule))
        if rule == "F-31":  # the command accepts this one with a warning
            self.compare(path, "--allow-edited-header")
            self.check_difference(path, rule, "edited")
            return
        self.assertEqual(info(path), (2, "", rule))
        self.assertEqual(run(QUIRE, "verify", path), (2, "", rule))

    def check_difference(self, path, rule, word):
        code, _, found = read(path, "--verify")
        self.assertEqual((code, found), (1, rule))
        code, printed, _ = run(QUIRE, "verify", path)
        self.assertEqual(code, 1)
        self.assertIn(word, printed)


if __name__ == "__main__":
    unittest.main()
