"""What a process of compare_session.py does, whoever makes its sessions."""

import json
import sys
import time


def memory(process="self"):
    """MiB: the resident set, its proportional share, and what is anonymous."""
    held = {}
    with open(f"/proc/{process}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            key, *rest = line.split()
            if key in ("Rss:", "Pss:", "Anonymous:"):
                held[key[:-1].lower()] = int(rest[0]) / 1024
    return held


def one(create):
    """Makes a session and runs it once; what keeps it alive, and its times in
    ms. create() returns an object whose first() prepares the first run, which is
    what that returns."""
    start, cpu = time.perf_counter(), time.process_time()
    session = create()
    made, made_cpu = time.perf_counter(), time.process_time()
    run = session.first()
    then = time.perf_counter()
    run()
    ended = time.perf_counter()
    return (session, run), {
        "create": 1e3 * (made - start),
        "create_cpu": 1e3 * (made_cpu - cpu),
        "first": 1e3 * (ended - then),
    }


def serve(create, count):
    """Makes `count` sessions, one after the other, and prints what the first
    took; with several also what the second took, and the memory of all. Then it
    waits for the end of its input, so that processes can be beside it."""
    first, found = one(create)
    found.update(memory())
    kept = [first]
    for number in range(1, count):
        session, times = one(create)
        kept.append(session)
        if number == 1:
            found["second"] = times["create"]
            found["second_cpu"] = times["create_cpu"]
    if count > 1:
        found.update({f"{key}_of_all": value for key, value in memory().items()})
    print(json.dumps(found), flush=True)
    sys.stdin.read()
