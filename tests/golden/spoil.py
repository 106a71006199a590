"""What the makers of bad files share: a row of the table, and how a file is
damaged. Checksums are made anew after a field was changed, so that no file is
refused for the wrong reason; only patched() leaves them as they were."""

from collections import namedtuple

from gguf_file import (BOOL, F64, STRING, U8, U16, U32, Image, Tensor,
                       array, container, scalar)
from good_files import foreign

MAX32, MAX64 = 2**32 - 1, 2**64 - 1

# `offset` is where the reader reports the error, None for nowhere. `stage` is
# open, verify or set (opened by its path). `rule` is None for a file that only
# belongs to another's set. `grow` is an offset and the number of spaces to
# insert there before use, or None.
Bad = namedtuple("Bad", "name rule status offset stage data grow")

STATUS = {"F-1": "magic", "F-2": "version", "F-3": "truncated",
          "F-21": "truncated", "F-25": "version", "F-29": "truncated",
          "F-31": "checksum", "F-33": "checksum"}


def place(image, offset):
    """The number behind the name of a field."""
    named = isinstance(offset, (str, bytes, tuple))
    return image.at[offset] if named else offset


def bad(rule, slug, image, offset, stage="open", grow=None):
    """`image` is an Image or bytes. `offset` is a number, the name of a field
    of the image, or None."""
    if isinstance(image, Image):
        offset = place(image, offset)
        image = image.data
    assert offset is None or isinstance(offset, int)
    number = int(rule[2:])
    return Bad(f"F-{number:02}_{slug}", rule, STATUS.get(rule, "layout"),
               offset, stage, image, grow)


def small(**spoilt):
    """A foreign file with a value of each kind, and a tensor."""
    # The first value makes the file so large that F-4 allows its counts even
    # after a cut.
    file = foreign([["a.first", scalar(STRING, "." * 150)],
                    ["a.number", scalar(U32, 7)], ["a.double", scalar(F64, 1)],
                    ["a.flag", scalar(BOOL, 1)],
                    ["a.string", scalar(STRING, "a string of some length")],
                    ["a.array", array(U16, [1, 2, 3])],
                    ["a.flags", array(BOOL, [1, 0, 1])],
                    ["a.strings", array(STRING, ["one", "two"])],
                    ["a.last", scalar(U8, 0)]],
                   [Tensor("matrix", "F32", [3, 2], 1)])
    for key, value in spoilt.items():
        setattr(file, key, value)
    return file


def with_value(key, value):
    file = small()
    file.values.append([key, value])
    return file.image()


def with_tensors(*tensors):
    return small(tensors=list(tensors)).image()


def patched(image, offset, data):
    at = place(image, offset)
    return image._replace(
        data=image.data[:at] + data + image.data[at + len(data):])


def box():
    """A container with everything that Quire's rules are about."""
    tensors = [Tensor("a.weight", "Q4_0", [64, 2], 1, "a"),
               Tensor("a.bias", "F32", [2], 2, "a.bias"),
               Tensor("cube", "F16", [2, 1, 3], 3),
               Tensor("ids", "I32", [2], 4),
               Tensor("long", "F32", [3], 5)]
    return container([["general.name", scalar(STRING, "box")]], tensors,
                     [("first", 0, 1, 33, 4), ("second", 0, -1, 64, 0)])


def boxed(key, value):
    return box().set(key, value).image()
