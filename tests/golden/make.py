#!/usr/bin/env python3
"""Makes the golden files, or checks that they are what it would make.

python3 tests/golden/make.py [--check]

good/table.tsv: file, container or foreign, growth. bad/table.tsv: file, rule,
status, offset of the error, stage, growth. The stage is open, verify, or set:
refused when opened by its path, with its siblings. A growth of A+N means that
N spaces are inserted at byte A before the file is used: headers of 64 MiB are
kept in this way. Beside each good file without a growth is the JSON that
`quire info --json` prints of it.
"""

import json
import pathlib
import sys

import bad_containers
import bad_gguf
import good_files
import split_sets

HERE = pathlib.Path(__file__).resolve().parent
NONE = "-"


def growth(grow):
    return f"{grow[0]}+{grow[1]}" if grow else NONE


def tsv(rows):
    return "".join("\t".join(map(str, row)) + "\n" for row in rows).encode()


def good():
    rows = []
    for kind, files in (("container", good_files.containers()),
                        ("foreign", good_files.foreigners())):
        for name, file in files:
            rows.append((f"{name}.gguf", kind, NONE))
            form = json.dumps(file.form(), indent=1, ensure_ascii=False)
            yield f"good/{name}.gguf", file.image().data
            yield f"good/{name}.json", form.encode() + b"\n"
    for name, kind, parts, form in split_sets.good():
        names = [name] if len(parts) == 1 else [
            split_sets.file_name(name, no, len(parts))
            for no in range(len(parts))]
        for part_name, part in zip(names, parts):
            rows.append((f"{part_name}.gguf", kind, NONE))
            yield f"good/{part_name}.gguf", part.image().data
        text = json.dumps(form, indent=1, ensure_ascii=False)
        yield f"good/{names[0]}.json", text.encode() + b"\n"
    for name, image, grow in good_files.grown():
        rows.append((f"{name}.gguf", "foreign", growth(grow)))
        yield f"good/{name}.gguf", image.data
    yield "good/table.tsv", tsv(rows)


def bad():
    rows = []
    for row in (*bad_gguf.files(), *bad_containers.files(),
                *split_sets.files()):
        offset = NONE if row.offset is None else row.offset
        if row.rule:
            rows.append((f"{row.name}.gguf", row.rule, row.status, offset,
                         row.stage, growth(row.grow)))
        yield f"bad/{row.name}.gguf", row.data
    yield "bad/table.tsv", tsv(sorted(rows))


def build():
    files = {}
    for part in (good, bad):
        for name, content in part():
            assert name not in files, f"{name} is made twice"
            files[name] = content
    return files


def stale(files):
    """The names of files that differ from what this program makes."""
    kept = {path.relative_to(HERE).as_posix(): path
            for folder in ("good", "bad")
            for path in (HERE / folder).iterdir()}
    return sorted(name for name in files.keys() | kept.keys()
                  if name not in files or name not in kept
                  or kept[name].read_bytes() != files[name])


def main(arguments):
    files = build()
    for folder in ("good", "bad"):
        (HERE / folder).mkdir(exist_ok=True)
    names = stale(files)
    if arguments == ["--check"]:
        for name in names:
            print(f"{name} is not as make.py makes it", file=sys.stderr)
        return 1 if names else 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    for name in names:
        if name in files:
            (HERE / name).write_bytes(files[name])
        else:
            (HERE / name).unlink()
    print(f"{len(files)} files, {sum(map(len, files.values()))} bytes, "
          f"{len(names)} of them changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
