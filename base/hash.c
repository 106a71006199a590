/*
 * hash.c - chooses among the compilations of XXH3. The algorithm is xxHash's.
 */
#include "base/hash.h"

#include <stdlib.h>

#include "base/cpu.h"
#include "base/hash_code.h"
#include "base/memory.h"

/* XXH3's widest step loads 64 aligned bytes. */
#define STATE_ALIGNMENT 64

/* Reading the CPU's features takes up to 100 us, where a hypervisor answers. In
 * that time the plain code, at 20 GB/s, hashes half of these bytes. */
#define WORTH_ASKING ((uint64_t)4 << 20)

struct quire_hash {
	const struct hash_code *code;
	void *state;
};

#if defined(__x86_64__)

static const struct hash_code *choose(uint32_t features)
{
	const uint32_t avx512 = CPU_AVX512F | CPU_AVX512DQ;

	if ((features & avx512) == avx512)
		return &quire_hash_avx512;
	if (features & CPU_AVX2)
		return &quire_hash_avx2;
	return &quire_hash_plain;
}

#else

static const struct hash_code *choose(uint32_t features)
{
	(void)features;
	return &quire_hash_plain;
}

#endif

uint32_t quire_hash_features(uint64_t size)
{
	return size < WORTH_ASKING ? 0 : quire_cpu_features();
}

struct quire_hash *quire_hash_create(uint32_t features)
{
	const struct hash_code *code = choose(features);
	struct quire_hash *hash = malloc(sizeof(*hash));

	if (!hash)
		return NULL;
	hash->code = code;
	hash->state = quire_aligned_alloc(STATE_ALIGNMENT, code->state_size);
	if (!hash->state) {
		free(hash);
		return NULL;
	}
	code->reset(hash->state);
	return hash;
}

void quire_hash_reset(struct quire_hash *hash)
{
	hash->code->reset(hash->state);
}

void quire_hash_update(struct quire_hash *hash, const void *data, size_t size)
{
	hash->code->update(hash->state, data, size);
}

uint64_t quire_hash_digest(const struct quire_hash *hash)
{
	return hash->code->digest(hash->state);
}

void quire_hash_free(struct quire_hash *hash)
{
	if (!hash)
		return;
	quire_aligned_free(hash->state);
	free(hash);
}

uint64_t quire_hash_bytes(const void *data, size_t size)
{
	return quire_hash_whole(quire_hash_features(size), data, size);
}

uint64_t quire_hash_whole(uint32_t features, const void *data, size_t size)
{
	return choose(features)->whole(data, size);
}

uint64_t quire_hash_pieces(uint64_t size, size_t piece_size)
{
	return size > piece_size
		   ? (size - QUIRE_HASH_LAST_SIZE) / piece_size + 1
		   : 1;
}

size_t quire_hash_sum(uint32_t features, const void *data, size_t size,
		      bool last, struct quire_hash_sum *sums)
{
	const struct hash_code *code = choose(features);
	const unsigned char *bytes = data;
	const size_t whole = (last ? size - 1 : size) / QUIRE_HASH_BLOCK_SIZE;
	const size_t at = whole * QUIRE_HASH_BLOCK_SIZE;

	code->sum_blocks(bytes, whole, sums);
	if (!last)
		return whole;
	code->sum_end(bytes + at, size - at, &sums[whole]);
	return whole + 1;
}

size_t quire_hash_sum_joined(uint32_t features, struct quire_hash_sum *state,
			     const void *data, size_t size, bool last,
			     struct quire_hash_sum *end)
{
	const struct hash_code *code = choose(features);
	const unsigned char *bytes = data;
	const size_t whole = (last ? size - 1 : size) / QUIRE_HASH_BLOCK_SIZE;
	const size_t at = whole * QUIRE_HASH_BLOCK_SIZE;

	code->sum_joined(state, bytes, whole);
	if (!last)
		return 0;
	code->sum_end(bytes + at, size - at, end);
	return 1;
}

void quire_hash_join_begin(struct quire_hash_sum *state)
{
	*state = quire_hash_plain.start;
}

void quire_hash_join(uint32_t features, struct quire_hash_sum *state,
		     const struct quire_hash_sum *sums, size_t count)
{
	choose(features)->join(state, sums, count);
}

uint64_t quire_hash_join_end(const struct quire_hash_sum *state,
			     const struct quire_hash_sum *end, uint64_t size)
{
	return quire_hash_plain.join_end(state, end, size);
}
