/*
 * hash_code.h - what one compilation of XXH3 offers. A file that defines
 * QUIRE_HASH_CODE compiles the algorithm itself, for its own flags, and has
 * its functions in a struct hash_code.
 */
#ifndef QUIRE_MACHINE_HASH_CODE_H
#define QUIRE_MACHINE_HASH_CODE_H

#include "machine/hash.h"

/* `state` is of state_size bytes, aligned to 64. The last three are hash.h's
 * functions of these names, but for the two kinds of blocks. */
struct hash_code {
	size_t state_size;
	void (*reset)(void *state);
	void (*update)(void *state, const void *data, size_t size);
	uint64_t (*digest)(const void *state);
	uint64_t (*whole)(const void *data, size_t size);
	struct quire_hash_sum start; /* of the joining */
	void (*sum_blocks)(const unsigned char *data, size_t count,
			   struct quire_hash_sum *sums);
	void (*sum_end)(const unsigned char *data, size_t size,
			struct quire_hash_sum *sum);
	void (*join)(struct quire_hash_sum *state,
		     const struct quire_hash_sum *sums, size_t count);
	uint64_t (*join_end)(const struct quire_hash_sum *state,
			     const struct quire_hash_sum *end, uint64_t size);
};

extern const struct hash_code quire_hash_plain;
extern const struct hash_code quire_hash_avx2;
extern const struct hash_code quire_hash_avx512;

#ifdef QUIRE_HASH_CODE

#define XXH_INLINE_ALL
#include <xxhash.h>

static void code_reset(void *state)
{
	XXH3_INITSTATE((XXH3_state_t *)state);
	XXH3_64bits_reset(state);
}

static void code_update(void *state, const void *data, size_t size)
{
	XXH3_64bits_update(state, data, size);
}

static uint64_t code_digest(const void *state)
{
	return XXH3_64bits_digest(state);
}

static uint64_t code_whole(const void *data, size_t size)
{
	return XXH3_64bits(data, size);
}

/*
 * XXH3's long form, in its own steps: a stripe of 64 bytes is multiplied with
 * 64 bytes of the secret and added to the state, each stripe of a block with
 * the secret 8 bytes further on; after each block but the last the state is
 * scrambled. The secret has 192 bytes: 16 stripes to a block.
 */
#define LANES	     8
#define STRIPE	     64
#define SECRET_STEP  8
#define BLOCK	     QUIRE_HASH_BLOCK_SIZE
#define SCRAMBLE_KEY (XXH3_kSecret + sizeof(XXH3_kSecret) - STRIPE)
#define END_KEY	     (SCRAMBLE_KEY - XXH_SECRET_LASTACC_START)
#define MERGE_KEY    (XXH3_kSecret + XXH_SECRET_MERGEACCS_START)

static inline void code_sum_stripes(const unsigned char *data, size_t count,
				    uint64_t lanes[LANES])
{
	for (size_t i = 0; i < count; i++)
		XXH3_accumulate_512(lanes, data + i * STRIPE,
				    XXH3_kSecret + i * SECRET_STEP);
}

static void code_sum_blocks(const unsigned char *data, size_t count,
			    struct quire_hash_sum *sums)
{
	for (size_t i = 0; i < count; i++) {
		_Alignas(STRIPE) uint64_t lanes[LANES] = { 0 };

		code_sum_stripes(data + i * BLOCK, BLOCK / STRIPE, lanes);
		memcpy(sums[i].lanes, lanes, sizeof(lanes));
	}
}

/* The last stripe ends where the data does, whatever came before it. */
static void code_sum_end(const unsigned char *data, size_t size,
			 struct quire_hash_sum *sum)
{
	_Alignas(STRIPE) uint64_t lanes[LANES] = { 0 };

	code_sum_stripes(data, (size - 1) / STRIPE, lanes);
	XXH3_accumulate_512(lanes, data + size - STRIPE, END_KEY);
	memcpy(sum->lanes, lanes, sizeof(lanes));
}

static void code_join(struct quire_hash_sum *state,
		      const struct quire_hash_sum *sums, size_t count)
{
	_Alignas(STRIPE) uint64_t lanes[LANES];

	memcpy(lanes, state->lanes, sizeof(lanes));
	for (size_t i = 0; i < count; i++) {
		for (size_t lane = 0; lane < LANES; lane++)
			lanes[lane] += sums[i].lanes[lane];
		XXH3_scrambleAcc(lanes, SCRAMBLE_KEY);
	}
	memcpy(state->lanes, lanes, sizeof(lanes));
}

static uint64_t code_join_end(const struct quire_hash_sum *state,
			      const struct quire_hash_sum *end, uint64_t size)
{
	uint64_t lanes[LANES];

	for (size_t lane = 0; lane < LANES; lane++)
		lanes[lane] = state->lanes[lane] + end->lanes[lane];
	return XXH3_mergeAccs(lanes, MERGE_KEY, size * XXH_PRIME64_1);
}

const struct hash_code QUIRE_HASH_CODE = {
	.state_size = sizeof(XXH3_state_t),
	.reset = code_reset,
	.update = code_update,
	.digest = code_digest,
	.whole = code_whole,
	.start = { XXH3_INIT_ACC },
	.sum_blocks = code_sum_blocks,
	.sum_end = code_sum_end,
	.join = code_join,
	.join_end = code_join_end,
};

#endif

#endif
