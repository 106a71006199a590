/*
 * file_hash.c - in turns: the threads read and sum a piece each until a few
 * are done, and then the sums are joined in order. What sums are is hash.h's.
 */
#include <stdlib.h>

#include "base/crew.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/file_hash.h"

/* Bytes read at once, to be summed while they are in the cache, and how many
 * times that in a turn for each thread: threads end within a piece of each
 * other. */
#define PIECE_SIZE	  ((size_t)256 << 10)
#define PIECES_PER_THREAD 8

#define PIECE_ROOM (PIECE_SIZE + QUIRE_HASH_LAST_SIZE)
#define PIECE_SUMS (PIECE_SIZE / QUIRE_HASH_BLOCK_SIZE + 1)

/* Below this a file is hashed before threads have started. */
#define WORTH_THREADS ((uint64_t)4 << 20)

struct piece {
	struct quire_hash_sum sums[PIECE_SUMS];
	size_t sum_count;
	quire_status status;
	quire_error error;
};

struct hashing {
	const struct file_hash_source *source;
	uint32_t features;
	uint64_t piece_count;
	uint64_t first; /* piece of this turn */
	struct piece *pieces;
	unsigned char *buffers; /* one for each worker */
};

static void sum_piece(void *context, size_t worker, size_t item)
{
	const struct hashing *in = context;
	const uint64_t number = in->first + item;
	const bool last = number == in->piece_count - 1;
	const uint64_t at = number * PIECE_SIZE;
	const size_t size = last ? (size_t)(in->source->size - at) : PIECE_SIZE;
	unsigned char *bytes = in->buffers + worker * PIECE_ROOM;
	struct piece *piece = &in->pieces[item];

	piece->status =
	    in->source->read(in->source->file, at, bytes, size, &piece->error);
	if (piece->status == QUIRE_OK)
		piece->sum_count = quire_hash_sum(in->features, bytes, size,
						  last, piece->sums);
}

static quire_status join_turn(const struct hashing *in, size_t count,
			      struct quire_hash_sum *state, quire_error *error)
{
	for (size_t i = 0; i < count; i++) {
		const struct piece *piece = &in->pieces[i];
		const bool last = in->first + i == in->piece_count - 1;

		if (piece->status != QUIRE_OK) {
			if (error)
				*error = piece->error;
			return piece->status;
		}
		quire_hash_join(in->features, state, piece->sums,
				piece->sum_count - (last ? 1 : 0));
	}
	return QUIRE_OK;
}

static quire_status run_turns(struct hashing *in, struct crew *crew,
			      uint64_t *xxh3, quire_error *error)
{
	const size_t most = PIECES_PER_THREAD * (size_t)crew->threads;
	struct quire_hash_sum state;
	quire_status status = QUIRE_OK;
	size_t count = 0;

	quire_hash_join_begin(&state);
	for (in->first = 0; in->first < in->piece_count && status == QUIRE_OK;
	     in->first += count) {
		const uint64_t left = in->piece_count - in->first;

		count = left < most ? (size_t)left : most;
		quire_crew_run(crew, crew->threads, count, sum_piece, in);
		status = join_turn(in, count, &state, error);
	}
	if (status == QUIRE_OK) {
		const struct piece *last = &in->pieces[count - 1];

		*xxh3 = quire_hash_join_end(
		    &state, &last->sums[last->sum_count - 1], in->source->size);
	}
	return status;
}

/* XXH3 takes little data in another way. */
static quire_status hash_little(const struct file_hash_source *source,
				uint64_t *xxh3, quire_error *error)
{
	unsigned char bytes[QUIRE_HASH_SUM_MIN_SIZE];
	const size_t size = (size_t)source->size;
	const quire_status status =
	    source->read(source->file, 0, bytes, size, error);

	if (status == QUIRE_OK)
		*xxh3 = quire_hash_bytes(bytes, size);
	return status;
}

quire_status quire_file_hash(const struct file_hash_source *source,
			     uint32_t threads, uint64_t *xxh3,
			     quire_error *error)
{
	struct hashing in = {
		.source = source,
		.features = quire_hash_features(source->size),
		.piece_count = quire_hash_pieces(source->size, PIECE_SIZE),
	};
	struct crew crew;
	quire_status status;

	if (source->size < QUIRE_HASH_SUM_MIN_SIZE)
		return hash_little(source, xxh3, error);
	if (source->size < WORTH_THREADS)
		threads = 1;
	status = quire_crew_init(&crew, threads, NULL, NULL);
	if (status != QUIRE_OK)
		return quire_fail_threads(error, status, threads);
	in.pieces = calloc(PIECES_PER_THREAD * (size_t)crew.threads,
			   sizeof(*in.pieces));
	in.buffers = malloc(crew.threads * PIECE_ROOM);
	status = in.pieces && in.buffers
		     ? run_turns(&in, &crew, xxh3, error)
		     : quire_fail_memory(error, crew.threads * PIECE_ROOM);
	free(in.buffers);
	free(in.pieces);
	quire_crew_destroy(&crew);
	return status;
}
