/*
 * hash.h - XXH3-64 with seed 0, by the widest code that the CPU runs. The
 * packaged library is built for the oldest CPU of its architecture. The same
 * source, compiled here for wider vectors, gives the same values faster.
 *
 *	struct quire_hash *hash = quire_hash_create(quire_cpu_features());
 *	quire_hash_update(hash, bytes, size);		as often as needed
 *	value = quire_hash_digest(hash);
 *	quire_hash_reset(hash);				to begin anew
 *	quire_hash_free(hash);
 *
 * One thread at a time may use a hash. Any threads may call the functions that
 * take none.
 */
#ifndef QUIRE_BASE_HASH_H
#define QUIRE_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quire_hash;

/* The CPU's features if reading them pays for `size` bytes, else 0. It takes
 * 100 us where a hypervisor answers. */
uint32_t quire_hash_features(uint64_t size);

/* `features` are those of cpu.h. NULL: out of memory. The hash need not be
 * reset. */
struct quire_hash *quire_hash_create(uint32_t features);
void quire_hash_reset(struct quire_hash *hash);
void quire_hash_update(struct quire_hash *hash, const void *data, size_t size);
uint64_t quire_hash_digest(const struct quire_hash *hash);
/* NULL is fine. */
void quire_hash_free(struct quire_hash *hash);

/* The hash of bytes that lie together; the first one takes the features from
 * quire_hash_features. */
uint64_t quire_hash_bytes(const void *data, size_t size);
uint64_t quire_hash_whole(uint32_t features, const void *data, size_t size);

/*
 * One value by many threads: XXH3 takes long data in blocks, and what a block
 * adds to the state does not depend on the blocks before it. So blocks are
 * summed in any order, on any thread. Only the sums, a sixteenth of the bytes,
 * are joined in order:
 *
 *	size_t count = quire_hash_sum(features, piece, size, last, sums);
 *
 * for each piece of the data, and then, piece by piece,
 *
 *	quire_hash_join_begin(&state);
 *	quire_hash_join(features, &state, sums, count);
 *	value = quire_hash_join_end(&state, &sums[count - 1], total_size);
 *
 * where the last piece joins one sum less, sums[count - 1].
 */
#define QUIRE_HASH_BLOCK_SIZE ((size_t)1024)

/* XXH3 hashes shorter data in another way: call quire_hash_bytes. */
#define QUIRE_HASH_SUM_MIN_SIZE 241

/* The least size of the last piece of several. A smaller rest is part of the
 * piece before it, which then is the last one. */
#define QUIRE_HASH_LAST_SIZE ((size_t)64)

/* The pieces of `piece_size` bytes, whole blocks, that data is cut into. */
uint64_t quire_hash_pieces(uint64_t size, size_t piece_size);

struct quire_hash_sum {
	uint64_t lanes[8];
};

/*
 * Writes the sums of a piece's blocks and returns their number; a block that is
 * not full counts. Each piece but the last one is whole blocks; the last one
 * has at least QUIRE_HASH_LAST_SIZE bytes.
 */
size_t quire_hash_sum(uint32_t features, const void *data, size_t size,
		      bool last, struct quire_hash_sum *sums);

void quire_hash_join_begin(struct quire_hash_sum *state);
void quire_hash_join(uint32_t features, struct quire_hash_sum *state,
		     const struct quire_hash_sum *sums, size_t count);

/* quire_hash_sum and quire_hash_join in one, for the piece that is to be joined
 * next. Returns the number of sums left in `end`: 1 for the last piece, else
 * 0. */
size_t quire_hash_sum_joined(uint32_t features, struct quire_hash_sum *state,
			     const void *data, size_t size, bool last,
			     struct quire_hash_sum *end);

uint64_t quire_hash_join_end(const struct quire_hash_sum *state,
			     const struct quire_hash_sum *end, uint64_t size);

#endif
