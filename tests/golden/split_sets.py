"""Split sets: good ones, and ones that break one rule of F-41 to F-48."""

import struct

from gguf_file import (I32, STRING, U8, U16, U32, U64, Linear, Tensor, array,
                       container, hex_form, scalar)
from good_files import foreign
from spoil import MAX64, bad, box, small

LINEAR_KEYS = [f"quire.linear.{name}" for name in
               ("name", "weight", "bias", "k", "accuracy_level")]
SEALS = "quire.split.xxh3"


def place(no, count, tensors):
    return [["split.no", scalar(U16, no)], ["split.count", scalar(U16, count)],
            ["split.tensors.count", scalar(I32, tensors)]]


def seals(parts):
    values = [0] + [part.image().header_xxh3 for part in parts[1:]]
    return array(U64, values, list(map(hex_form, values)))


def containers_of(groups, linears=(), **options):
    """The parts of a set of containers. Each group of tensors is a part."""
    count, total = len(groups), sum(map(len, groups))
    parts = []
    for no, tensors in enumerate(groups):
        values = place(no, count, total)
        if no == 0:
            values.append([SEALS, array(U64, [0] * count)])
        part = container(values, tensors, () if no else linears, **options)
        part.linears = []  # indices count over the whole set
        parts.append(part)
    return sealed(parts)


def sealed(parts):
    parts[0].set(SEALS, seals(parts))
    return parts


def foreigners_of(groups):
    """A set as llama-gguf-split writes it: all metadata is in part 0."""
    count, total = len(groups), sum(map(len, groups))
    values = [["general.architecture", scalar(STRING, "llama")]]
    return [foreign(place(no, count, total) + (values if no == 0 else []),
                    tensors) for no, tensors in enumerate(groups)]


def file_name(name, no, count):
    return f"{name}-{no + 1:05}-of-{count:05}"


def form(parts, linears=()):
    """What `quire info --json` prints of a set."""
    forms = [part.form() for part in parts]
    tensors = [tensor for part in parts for tensor in part.tensors]
    rows = [Linear(*linear) for linear in linears]
    return forms[0] | {
        "file_size": sum(form["file_size"] for form in forms),
        "tensors": [tensor for form in forms for tensor in form["tensors"]],
        "linears": [{
            "name": row.name, "weight": tensors[row.weight].name,
            "bias": tensors[row.bias].name if row.bias >= 0 else None,
            "k": row.k, "n": tensors[row.weight].shape[1],
            "accuracy_level": row.accuracy_level} for row in rows]}


# ------------------------------------------------------------------ good sets

def two_groups(source="a"):
    return [[Tensor("a.weight", "Q4_0", [64, 2], 1, source),
             Tensor("cube", "F16", [2, 1, 3], 3)],
            [Tensor("a.bias", "F32", [2], 2, source)]]


ROWS = [("first", 0, 2, 33, 4), ("second", 3, -1, 7, 0)]


def four_groups():
    return [*two_groups(), [], [Tensor("b.weight", "F32", [7, 3], 5, "b")]]


def good():
    """Name, kind, parts and form of each set. A set of one part has a plain
    name."""
    parts = containers_of(four_groups(), ROWS, alignment=64)
    yield "set_container", "container", parts, form(parts, ROWS)
    parts = containers_of(two_groups())
    parts[1] = aligned(parts[1], 4096)
    sealed(parts)
    yield "set_two_alignments", "container", parts, form(parts)
    parts = containers_of([[], two_groups()[1]])
    yield "set_first_empty", "container", parts, form(parts)
    parts = foreigners_of(two_groups(""))
    yield "set_foreign", "foreign", parts, form(parts)
    alone = container(place(0, 1, 3), sum(two_groups(), []), ROWS[:1])
    yield "set_of_one_container", "container", [alone], alone.form()
    alone = foreign(place(0, 1, 1), two_groups("")[1])
    yield "set_of_one_foreign", "foreign", [alone], alone.form()
    # As llama-gguf-split --merge leaves the keys.
    alone = foreign(place(0, 0, 7), two_groups("")[1])
    yield "set_merged_foreign", "foreign", [alone], alone.form()


def aligned(part, alignment):
    part.alignment = alignment
    return part.set("general.alignment", scalar(U32, alignment))


# ------------------------------------------------------------------- bad sets

def spoilt_set(rule, slug, parts, culprit, offset, status=None):
    """The rows of a set. The table describes part 0."""
    images = [part if part is None else part.image() for part in parts]
    if isinstance(offset, (str, tuple)):
        offset = images[culprit].at[offset]
    count = len(parts)
    for no, image in enumerate(images):
        if image is None:
            continue
        row = bad(rule, file_name(slug, no, count), image, offset, "set")
        if status:
            row = row._replace(status=status)
        yield row if no == 0 else row._replace(rule=None)


def places():
    def one(slug, offset, **values):
        file = box()
        keys = dict(place(0, 1, 5)) | {
            f"split.{key.replace('_', '.')}": value
            for key, value in values.items()}
        file.values[:0] = [[key, value] for key, value in keys.items()
                           if value is not None]
        return bad("F-41", slug, file.image(), offset)

    for slug, value in (("u8", scalar(U8, 1)),
                        ("u32", scalar(U32, 1)), ("array", array(U16, [1]))):
        yield one(f"count_{slug}", "split.count", count=value)
    for slug, value in (("1", scalar(U16, 1)), ("greatest", scalar(U16, 65535)),
                        ("u32", scalar(U32, 0)), ("i32", scalar(I32, 0))):
        yield one(f"no_{slug}", "split.no", no=value)
    for slug, value in (("less", scalar(I32, 4)), ("0", scalar(I32, 0)),
                        ("negative", scalar(I32, -1)), ("u32", scalar(U32, 5)),
                        ("u64", scalar(U64, 5))):
        yield one(f"tensors_{slug}", "split.tensors.count",
                  tensors_count=value)
    yield one("no_missing", None, no=None)
    yield one("tensors_missing", None, tensors_count=None)
    file = small()
    file.values.insert(0, ["split.count", scalar(U16, 1)])
    yield bad("F-41", "foreign", file.image(), None)


def names():
    part, other = containers_of(two_groups())
    for slug, spoilt in (("no_suffix", part), ("other_no-00002-of-00002", part),
                         ("other_count-00001-of-00003", part),
                         ("no_dash00001-of-00002", part),
                         ("digits-1-of-2", part),
                         ("second-00001-of-00002", other)):
        yield bad("F-42", slug, spoilt.image(), None, "set")


def siblings():
    whole = containers_of(two_groups())
    yield from spoilt_set("F-43", "missing", [whole[0], None], 1, None,
                          "not found")
    yield from spoilt_set("F-43", "missing_foreign",
                          [foreigners_of(two_groups())[0], None], 1, None,
                          "not found")
    for slug, key, value in (
            ("place", "split.no", scalar(U16, 0)),
            ("count", "split.count", scalar(U16, 3)),
            ("tensors", "split.tensors.count", scalar(I32, 4))):
        for kind, make in (("", containers_of), ("foreign_", foreigners_of)):
            parts = make(two_groups())
            parts[1].set(key, value)
            yield from spoilt_set("F-43", kind + slug, parts, 1, key)
    for kind, make in (("", containers_of), ("foreign_", foreigners_of)):
        parts = make(two_groups())
        for part in parts:
            part.set("split.tensors.count", scalar(I32, 4))
        if make is containers_of:
            sealed(parts)
        yield from spoilt_set("F-44", kind + "more", parts, 0,
                              "split.tensors.count")
        groups = two_groups()
        groups[1].insert(0, Tensor("cube", "I8", [3]))
        yield from spoilt_set("F-45", kind + "twice", make(groups), 1,
                              (0, "name"))


def seals_and_tables():
    ours, theirs = containers_of(two_groups()), foreigners_of(two_groups())
    yield from spoilt_set("F-46", "first", [ours[0], theirs[1]], 1, None)
    yield from spoilt_set("F-46", "second", [theirs[0], ours[1]], 1, None)

    right = [value for (value,) in struct.iter_unpack(
        "<Q", seals(containers_of(two_groups())).payload[12:])]
    for slug, value in (("short", array(U64, right[:1])),
                        ("long", array(U64, right + [0])),
                        ("not_array", scalar(U64, right[1])),
                        ("i32", array(I32, [0, 0])),
                        ("first", array(U64, [1, right[1]])),
                        ("first_greatest", array(U64, [MAX64, right[1]]))):
        parts = containers_of(two_groups())
        parts[0].set(SEALS, value)
        yield from spoilt_set("F-47", slug, parts, 0, SEALS)
    parts = containers_of(two_groups())
    parts[0].drop(SEALS)
    yield from spoilt_set("F-47", "missing", parts, 0, None)
    parts = containers_of(two_groups())
    other = two_groups()
    other[1][0] = Tensor("a.bias", "F32", [2], 99, "a.bias")
    yield from spoilt_set("F-47", "other_set",
                          [parts[0], containers_of(other)[1]], 1,
                          "quire.header.xxh3")

    for slug, keys in (("whole", LINEAR_KEYS), ("one", LINEAR_KEYS[3:4])):
        parts = containers_of(two_groups())
        part = container(place(1, 2, 3), two_groups()[1], empty_table=True)
        for key in set(LINEAR_KEYS) - set(keys):
            part.drop(key)
        yield from spoilt_set("F-48", slug, sealed([parts[0], part]), 1,
                              keys[0])


def files():
    for part in (places, names, siblings, seals_and_tables):
        yield from part()

