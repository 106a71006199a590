/*
 * sample.h - a small container, written through the public writer: what tests
 * of the reader, the loader and the verifier start from.
 */
#ifndef QUIRE_TESTS_SAMPLE_H
#define QUIRE_TESTS_SAMPLE_H

#include "quire.h"

#define SAMPLE_K 40 /* of the linear; its rows are padded to 64 */
#define SAMPLE_N 3

/*
 * Writes, at alignment 64: "w.weight" Q4_0 [64, 3], "bias" F32 [3] and "e"
 * F16 [5, 2, 2]; the linear "fc" over the first two, of level 4; and one value
 * of each metadata type under "test.".
 */
void sample_write(const char *path);

#endif
