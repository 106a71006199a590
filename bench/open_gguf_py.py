"""Opens a file with gguf-py's reader; prints the seconds and the resident bytes
that this adds. bench_open.c runs it."""

import sys
import time

from gguf import GGUFReader


def resident():
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Rss:"):
                return int(line.split()[1]) * 1024
    raise OSError("no Rss in smaps_rollup")


before = resident()
start = time.perf_counter()
reader = GGUFReader(sys.argv[1])
seconds = time.perf_counter() - start
print(seconds, resident() - before)
