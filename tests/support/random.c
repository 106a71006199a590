/*
 * random.c - the SplitMix64 sequence (Steele, Lea and Flood, "Fast Splittable
 * Pseudorandom Number Generators", 2014).
 */
#include "tests/support/random.h"

uint64_t random_u64(struct rng *rng)
{
	uint64_t z = rng->state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

uint64_t random_below(struct rng *rng, uint64_t count)
{
	return random_u64(rng) % count;
}

float random_f32(struct rng *rng)
{
	const int32_t value = (int32_t)(random_u64(rng) >> 40);

	return (float)(value - (1 << 23)) / (float)(1 << 23);
}

void random_bytes(struct rng *rng, void *bytes, size_t size)
{
	unsigned char *at = bytes;

	for (size_t i = 0; i < size; i++)
		at[i] = (unsigned char)random_u64(rng);
}
