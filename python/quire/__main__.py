"""The command: ``python -m quire``, and the script ``quire``. It becomes the
program that is in this package."""

import os
import pathlib
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Replaces this process by the command, with the same arguments."""
    program = pathlib.Path(__file__).parent / "bin" / "quire"
    os.execv(program, ["quire", *sys.argv[1:]])


if __name__ == "__main__":
    main()
