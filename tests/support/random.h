/*
 * random.h - numbers that are the same in every run.
 */
#ifndef QUIRE_TESTS_RANDOM_H
#define QUIRE_TESTS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state; /* set it to any seed */
};

uint64_t random_u64(struct rng *rng);

/* Below `count`, which is not 0. */
uint64_t random_below(struct rng *rng, uint64_t count);

/* From -1 to 1. */
float random_f32(struct rng *rng);

void random_bytes(struct rng *rng, void *bytes, size_t size);

#endif
