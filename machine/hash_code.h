/*
 * hash_code.h - what one compilation of XXH3 offers. A file that defines
 * QUIRE_HASH_CODE compiles the algorithm itself, for its own flags, and has
 * its functions in a struct hash_code.
 */
#ifndef QUIRE_MACHINE_HASH_CODE_H
#define QUIRE_MACHINE_HASH_CODE_H

#include <stddef.h>
#include <stdint.h>

/* `state` is of state_size bytes, aligned to 64. */
struct hash_code {
	size_t state_size;
	void (*reset)(void *state);
	void (*update)(void *state, const void *data, size_t size);
	uint64_t (*digest)(const void *state);
	uint64_t (*whole)(const void *data, size_t size);
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

const struct hash_code QUIRE_HASH_CODE = {
	.state_size = sizeof(XXH3_state_t),
	.reset = code_reset,
	.update = code_update,
	.digest = code_digest,
	.whole = code_whole,
};

#endif

#endif
