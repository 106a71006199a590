/*
 * hash_code.h - the functions of one compilation of XXH3. A file that defines
 * QUIRE_HASH_CODE compiles the algorithm, with its own compiler flags, into a
 * struct hash_code of that name. Before that it defines two steps:
 *
 *	add_stripes(data, count, secret, &sum)	    adds what the stripes add,
 *						    the secret 8 bytes further
 *						    on for each
 *	join_sums(&state, sums, count, secret)	    adds each sum and scrambles
 */
#ifndef QUIRE_BASE_HASH_CODE_H
#define QUIRE_BASE_HASH_CODE_H

#include "base/hash.h"

/* `state` has state_size bytes, aligned to 64. The members from `start` on are
 * for hash.h's functions that sum and join. */
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
	void (*sum_joined)(struct quire_hash_sum *state,
			   const unsigned char *data, size_t count);
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
 * XXH3's long form: a stripe of 64 bytes is multiplied with 64 bytes of the
 * secret and added to the state, each stripe of a block with the secret 8
 * bytes further on; after each block but the last the state is scrambled. The
 * secret has 192 bytes, so that a block has 16 stripes.
 */
#define STRIPE	     64
#define SECRET	     XXH3_kSecret
#define SCRAMBLE_KEY (SECRET + sizeof(SECRET) - STRIPE)
#define END_KEY	     (SCRAMBLE_KEY - XXH_SECRET_LASTACC_START)
#define MERGE_KEY    (SECRET + XXH_SECRET_MERGEACCS_START)

static void code_sum_blocks(const unsigned char *data, size_t count,
			    struct quire_hash_sum *sums)
{
	for (size_t i = 0; i < count; i++) {
		sums[i] = (struct quire_hash_sum){ { 0 } };
		add_stripes(data + i * QUIRE_HASH_BLOCK_SIZE,
			    QUIRE_HASH_BLOCK_SIZE / STRIPE, SECRET, &sums[i]);
	}
}

/* The last stripe ends where the data ends, and may overlap the one before. */
static void code_sum_end(const unsigned char *data, size_t size,
			 struct quire_hash_sum *sum)
{
	*sum = (struct quire_hash_sum){ { 0 } };
	add_stripes(data, (size - 1) / STRIPE, SECRET, sum);
	add_stripes(data + size - STRIPE, 1, END_KEY, sum);
}

static void code_join(struct quire_hash_sum *state,
		      const struct quire_hash_sum *sums, size_t count)
{
	join_sums(state, sums, count, SCRAMBLE_KEY);
}

static void code_sum_joined(struct quire_hash_sum *state,
			    const unsigned char *data, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct quire_hash_sum sum = { { 0 } };

		add_stripes(data + i * QUIRE_HASH_BLOCK_SIZE,
			    QUIRE_HASH_BLOCK_SIZE / STRIPE, SECRET, &sum);
		join_sums(state, &sum, 1, SCRAMBLE_KEY);
	}
}

static uint64_t code_join_end(const struct quire_hash_sum *state,
			      const struct quire_hash_sum *end, uint64_t size)
{
	uint64_t lanes[8];

	for (size_t lane = 0; lane < 8; lane++)
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
	.sum_joined = code_sum_joined,
	.join_end = code_join_end,
};

#endif

#endif
