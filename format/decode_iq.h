/*
 * decode_iq.h - the grids of IQ1, IQ2 and IQ3. A private header of decode_iq.c
 * and iq_grids.c.
 */
#ifndef QUIRE_FORMAT_DECODE_IQ_H
#define QUIRE_FORMAT_DECODE_IQ_H

#include <stddef.h>
#include <stdint.h>

/* A set of vectors; see iq_grids.c. */
struct iq_grid {
	const uint64_t *words;
	const uint16_t *before; /* of each word: vectors in those before it */
	size_t word_count;
	unsigned base;
	unsigned digits;
	signed char levels[8]; /* of a digit's values */
};

extern const struct iq_grid quire_grid_iq1;
extern const struct iq_grid quire_grid_iq2_xxs;
extern const struct iq_grid quire_grid_iq2_xs;
extern const struct iq_grid quire_grid_iq2_s;
extern const struct iq_grid quire_grid_iq3_xxs;
extern const struct iq_grid quire_grid_iq3_s;

#endif
