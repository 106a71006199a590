#!/usr/bin/env python3
"""Prints format/iq_grids.c: the grids of GGUF's types IQ1, IQ2 and IQ3.

A grid is a set of vectors of levels. GGML's choice of vectors follows no rule;
gguf-py has it too. Its order does: digit i of a vector, the number of its level,
counts base^i, and the vectors are in the order of these numbers. So a set of
bits, one for each possible vector, is the whole grid.

	scripts/make_iq_grids.py >format/iq_grids.c
	clang-format-14 -i format/iq_grids.c
"""

import numpy as np
from gguf import quants

GRIDS = (("iq1", quants.IQ1_S), ("iq2_xxs", quants.IQ2_XXS),
         ("iq2_xs", quants.IQ2_XS), ("iq2_s", quants.IQ2_S),
         ("iq3_xxs", quants.IQ3_XXS), ("iq3_s", quants.IQ3_S))

HEAD = """\
/*
 * iq_grids.c - the grids of IQ1, IQ2 and IQ3, made by scripts/make_iq_grids.py
 * from gguf-py's. Each possible vector of `digits` levels has a number: digit i
 * counts base^i. Bit b of word w says whether the grid has vector 64 w + b;
 * `before` counts the vectors of the words before w. A grid's vectors are
 * numbered in this order.
 */
#include "format/decode_iq.h"
"""


def numbers(kind):
    """The number of each vector, which must ascend."""
    kind.init_grid()
    levels = list(kind.grid_map)
    digits = [[levels.index(x) for x in row]
              for row in kind.grid.reshape(kind.grid_shape).tolist()]
    found = np.array(digits) @ len(levels) ** np.arange(kind.grid_shape[1])
    assert (np.diff(found) > 0).all()
    return found, len(levels)


def rows(items, each):
    for at in range(0, len(items), each):
        yield "\t" + ", ".join(items[at:at + each]) + ","


def main():
    print(HEAD, end="")
    for name, kind in GRIDS:
        found, base = numbers(kind)
        digits = kind.grid_shape[1]
        words = [0] * -(-base ** digits // 64)
        for number in found.tolist():
            words[number // 64] |= 1 << number % 64
        counts = np.cumsum([0, *(word.bit_count() for word in words)])
        print(f"\nstatic const uint64_t {name}_words[] = {{")
        print("\n".join(rows([f"0x{word:016x}" for word in words], 3)))
        print(f"}};\n\nstatic const uint16_t {name}_before[] = {{")
        print("\n".join(rows([str(n) for n in counts[:-1]], 12)))
        print(f"}};\n\nconst struct iq_grid quire_grid_{name} = {{")
        print(f"\t.words = {name}_words, .before = {name}_before,")
        print(f"\t.word_count = {len(words)}, .base = {base}, "
              f".digits = {digits},")
        levels = ", ".join(str(int(level)) for level in kind.grid_map)
        print(f"\t.levels = {{ {levels} }},\n}};")


if __name__ == "__main__":
    main()
