/*
 * sample.h - a small container, written by the public writer. Tests of the
 * reader, the loader and the verifier start from it.
 */
#ifndef QUIRE_TESTS_SAMPLE_H
#define QUIRE_TESTS_SAMPLE_H

#include "quire.h"

#define SAMPLE_K 40 /* of the linear; its rows are padded to 64 */
#define SAMPLE_N 3

/*
 * Writes a container of alignment 64: the tensors "w.weight" Q4_0 [64, 3],
 * "bias" F32 [3] and "e" F16 [5, 2, 2]; the linear "fc" of the first two, with
 * level 4; and one value of each metadata type under "test.".
 */
void sample_write(const char *path);

#endif
