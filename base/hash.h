/*
 * hash.h - XXH3-64 with seed 0, by the widest code that the CPU runs. The
 * packaged library is built for the least CPU of its architecture; the same
 * source, compiled here for wider ones, gives the same values faster.
 *
 *	struct quire_hash *hash = quire_hash_create(quire_cpu_features());
 *	quire_hash_update(hash, bytes, size);		as often as needed
 *	value = quire_hash_digest(hash);
 *	quire_hash_reset(hash);				to begin anew
 *	quire_hash_free(hash);
 *
 * One thread at a time may use a hash; the functions without one may be called
 * from any.
 */
#ifndef QUIRE_BASE_HASH_H
#define QUIRE_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quire_hash;

/* The CPU's features, where `size` bytes are enough to be worth the asking,
 * which takes 100 us where a hypervisor has to be asked; else none. */
uint32_t quire_hash_features(uint64_t size);

/* `features` are cpu.h's. NULL if there is no memory. The hash is reset
 * already. */
struct quire_hash *quire_hash_create(uint32_t features);
void quire_hash_reset(struct quire_hash *hash);
void quire_hash_update(struct quire_hash *hash, const void *data, size_t size);
uint64_t quire_hash_digest(const struct quire_hash *hash);
/* NULL is fine. */
void quire_hash_free(struct quire_hash *hash);

/* Of bytes that are all there; the first asks for features as below. */
uint64_t quire_hash_bytes(const void *data, size_t size);
uint64_t quire_hash_whole(uint32_t features, const void *data, size_t size);

/*
 * One value by many threads: XXH3 takes long data in blocks, and what a block
 * adds to the state does not depend on the blocks before it. So blocks are
 * summed in any order, on any thread, and only the joining of their sums, a
 * sixteenth of the bytes, is done in order:
 *
 *	size_t count = quire_hash_sum(features, piece, size, last, sums);
 *
 * for each piece of the data, and then, piece by piece,
 *
 *	quire_hash_join_begin(&state);
 *	quire_hash_join(features, &state, sums, count);	   of the last: count -
 *1 value = quire_hash_join_end(&state, &sums[count - 1], total_size);
 */
#define QUIRE_HASH_BLOCK_SIZE ((size_t)1024)

/* Shorter data XXH3 takes in another way: quire_hash_bytes has it. */
#define QUIRE_HASH_SUM_MIN_SIZE 241

/* The last piece of several has as many bytes more than the others as it takes
 * for this many at least. */
#define QUIRE_HASH_LAST_SIZE ((size_t)64)

/* The pieces of `piece_size` bytes, whole blocks, that data is cut into. */
uint64_t quire_hash_pieces(uint64_t size, size_t piece_size);

struct quire_hash_sum {
	uint64_t lanes[8];
};

/*
 * Writes the sums of a piece's blocks and returns their count, which is that
 * of blocks begun. Each piece but the last one is whole blocks; the last one
 * has at least QUIRE_HASH_LAST_SIZE bytes.
 */
size_t quire_hash_sum(uint32_t features, const void *data, size_t size,
		      bool last, struct quire_hash_sum *sums);

void quire_hash_join_begin(struct quire_hash_sum *state);
void quire_hash_join(uint32_t features, struct quire_hash_sum *state,
		     const struct quire_hash_sum *sums, size_t count);

/* quire_hash_sum and quire_hash_join in one, for a piece whose turn it is.
 * Returns how many sums are left in `end`: 1 of the last piece, else none. */
size_t quire_hash_sum_joined(uint32_t features, struct quire_hash_sum *state,
			     const void *data, size_t size, bool last,
			     struct quire_hash_sum *end);

uint64_t quire_hash_join_end(const struct quire_hash_sum *state,
			     const struct quire_hash_sum *end, uint64_t size);

#endif
