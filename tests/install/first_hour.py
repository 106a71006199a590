"""The first hour of a new user: runs the commands of README.md, as they stand
there, and compares all that they print.

    first_hour.py CMAKE BUILD ROOT

In README's blocks of "console" a line that begins with "$ " is a command, and
the lines behind it are what it prints on stdout and stderr. A line "..." is any
number of lines, and "..." in a line is any text. A command must succeed, unless
a line that it prints begins with "quire: " or reports damage.

Commands run in a copy of the repository, with a home folder of their own. The
build in BUILD stands for theirs: `cmake --preset` and `cmake --build` do
nothing. With FIRST_HOUR_BUILD=1 they are run too, which takes minutes.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CMAKE, BUILD, ROOT = sys.argv[1], *map(pathlib.Path, sys.argv[2:4])
BUILDS = os.environ.get("FIRST_HOUR_BUILD") == "1"
MARK = "@@first-hour@@"

# What stands for the two steps; anything else is the real thing.
SHIM = f"""#!/bin/sh
case "$*" in
"--preset release" | "--build build/release") echo done ;;
*) exec {CMAKE} "$@" ;;
esac
"""


def steps(text):
    """(command, what it prints) of all blocks, in their order."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.M | re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def pattern(lines):
    """A regular expression for these lines."""
    parts = []
    for line in lines:
        if line == "...":
            parts.append(r"(?:.*\n)*")
        else:
            words = map(re.escape, line.split("..."))
            parts.append(".*".join(words) + r"\n")
    return re.compile("".join(parts) + r"\Z")


def prepare(folder):
    """The repository, a home and, unless it builds, what replaces cmake."""
    place = folder / "quire"
    skip = shutil.ignore_patterns("build", ".git", ".github")
    if BUILDS:
        shutil.copytree(ROOT, place, symlinks=True, ignore=skip)
    else:
        place.mkdir()
        (place / "examples").symlink_to(ROOT / "examples")
        (place / "build").mkdir()
        (place / "build" / "release").symlink_to(BUILD)
    (folder / "home").mkdir()
    (folder / "bin").mkdir()
    if not BUILDS:
        shim = folder / "bin" / "cmake"
        shim.write_text(SHIM)
        shim.chmod(0o755)
    return place


def run(folder, commands):
    """The output and the exit code of each command, in one shell."""
    place = prepare(folder)
    script = "".join(
        f"{{ {command}\n}} 2>&1\nprintf '{MARK} %s\\n' $?\n"
        for command in commands)
    env = {**os.environ, "HOME": str(folder / "home"), "LC_ALL": "C",
           "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", script], cwd=place, env=env,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=True)
    parts = re.split(rf"^{MARK} (\d+)\n", done.stdout, flags=re.M)
    return list(zip(parts[0::2], map(int, parts[1::2])))


def check(command, lines, output, code):
    """Prints what is wrong. Returns whether all is right."""
    fails = any(re.search(r"^quire: |damage", line) for line in lines)
    if not pattern(lines).match(output):
        print(f"$ {command}\nREADME.md:\n" + "\n".join(lines) +
              f"\nprinted:\n{output}")
        return False
    if (code != 0) != fails:
        print(f"$ {command}\nexit code {code}, and prints:\n{output}")
        return False
    return True


def main():
    readme = steps((ROOT / "README.md").read_text())
    words = " ".join(command for command, _ in readme)
    for needed in ("cmake --install", "quire convert", "quire verify",
                   "chat_template=@"):
        assert needed in words, f"README.md has no '{needed}'"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        results = run(folder, [command for command, _ in readme])
        assert len(results) == len(readme), "a command ended the shell"
        good = [check(*step, *result)
                for step, result in zip(readme, results)]
        installed = folder / "home" / ".local" / "bin" / "quire"
        assert installed.is_file(), "quire was not installed"
    print(f"{sum(good)} of {len(good)} commands print what README.md says")
    return 0 if all(good) else 1


sys.exit(main())
