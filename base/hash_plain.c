/*
 * hash_plain.c - XXH3 for every CPU of the architecture that we are built for,
 * in xxHash's own steps.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash.h"

static inline void add_stripes(const unsigned char *data, size_t count,
			       const unsigned char *secret,
			       struct quire_hash_sum *sum)
{
	_Alignas(64) uint64_t lanes[8];

	memcpy(lanes, sum->lanes, sizeof(lanes));
	for (size_t i = 0; i < count; i++)
		XXH3_accumulate_512(lanes, data + 64 * i, secret + 8 * i);
	memcpy(sum->lanes, lanes, sizeof(lanes));
}

static inline void join_sums(struct quire_hash_sum *state,
			     const struct quire_hash_sum *sums, size_t count,
			     const unsigned char *secret)
{
	_Alignas(64) uint64_t lanes[8];

	memcpy(lanes, state->lanes, sizeof(lanes));
	for (size_t i = 0; i < count; i++) {
		for (size_t lane = 0; lane < 8; lane++)
			lanes[lane] += sums[i].lanes[lane];
		XXH3_scrambleAcc(lanes, secret);
	}
	memcpy(state->lanes, lanes, sizeof(lanes));
}

#define QUIRE_HASH_CODE quire_hash_plain
#include "base/hash_code.h"
