/*
 * entropy.h - bytes that nobody can predict.
 */
#ifndef QUIRE_BASE_ENTROPY_H
#define QUIRE_BASE_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At most 256 bytes. False: the system has none. */
bool quire_entropy(void *bytes, size_t size);

/* A seed of a hash table that whoever chooses its keys cannot know. If the
 * system has no entropy, it is an address, which most systems choose at random.
 */
static inline uint64_t quire_entropy_seed(const void *address)
{
	uint64_t seed;

	if (!quire_entropy(&seed, sizeof(seed)))
		seed = (uint64_t)(uintptr_t)address;
	return seed;
}

#endif
