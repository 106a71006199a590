/*
 * file_hash.c - reads and sums pieces of a file on several threads, and joins
 * the sums in order. hash.h says what the sums are.
 */
#include "base/file_hash.h"

#include <stdlib.h>

#include "base/crew.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/pieces.h"

/* Room for the last piece, and for the sums of any. */
#define PIECE_ROOM (QUIRE_PIECE_SIZE + QUIRE_HASH_LAST_SIZE)
#define PIECE_SUMS (QUIRE_PIECE_SIZE / QUIRE_HASH_BLOCK_SIZE + 1)

/* A smaller file is hashed before threads have started. */
#define WORTH_THREADS ((uint64_t)4 << 20)

struct piece {
	struct quire_hash_sum sums[PIECE_SUMS];
	size_t sum_count;
};

struct hashing {
	const struct file_hash_source *source;
	uint32_t features;
	uint64_t count;		/* of pieces */
	struct piece *pieces;	/* by slot */
	unsigned char *buffers; /* one for each worker */
	struct quire_hash_sum state;
	uint64_t xxh3;
};

static quire_status sum_piece(void *context, size_t worker, uint64_t number,
			      size_t slot, quire_error *error)
{
	const struct hashing *in = context;
	const bool last = number == in->count - 1;
	const uint64_t at = number * QUIRE_PIECE_SIZE;
	const size_t size =
	    last ? (size_t)(in->source->size - at) : QUIRE_PIECE_SIZE;
	unsigned char *bytes = in->buffers + worker * PIECE_ROOM;
	struct piece *piece = &in->pieces[slot];
	const quire_status status =
	    in->source->read(in->source->file, at, bytes, size, error);

	if (status == QUIRE_OK)
		piece->sum_count = quire_hash_sum(in->features, bytes, size,
						  last, piece->sums);
	return status;
}

static quire_status join_piece(void *context, uint64_t number, size_t slot,
			       quire_error *error)
{
	struct hashing *in = context;
	const struct piece *piece = &in->pieces[slot];
	const bool last = number == in->count - 1;

	(void)error;
	quire_hash_join(in->features, &in->state, piece->sums,
			piece->sum_count - (last ? 1 : 0));
	if (last)
		in->xxh3 = quire_hash_join_end(
		    &in->state, &piece->sums[piece->sum_count - 1],
		    in->source->size);
	return QUIRE_OK;
}

static quire_status hash_pieces(struct hashing *in, struct crew *crew,
				quire_error *error)
{
	struct pieces pieces = { .work = sum_piece,
				 .join = join_piece,
				 .context = in };
	const size_t slots = quire_pieces_slots(crew);
	quire_status status = QUIRE_OK;

	in->pieces = calloc(slots, sizeof(*in->pieces));
	in->buffers = malloc(crew->threads * PIECE_ROOM);
	if (!in->pieces || !in->buffers)
		status = quire_fail_memory(error, crew->threads * PIECE_ROOM);
	if (status == QUIRE_OK)
		status = quire_pieces_init(&pieces, crew, slots, error);
	if (status == QUIRE_OK) {
		quire_hash_join_begin(&in->state);
		status = quire_pieces_run(&pieces, in->count, error);
		if (status == QUIRE_OK)
			status = quire_pieces_end(&pieces, error);
		quire_pieces_destroy(&pieces);
	}
	free(in->buffers);
	free(in->pieces);
	return status;
}

/* XXH3 hashes little data in another way. */
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
		.count = quire_hash_pieces(source->size, QUIRE_PIECE_SIZE),
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
	status = hash_pieces(&in, &crew, error);
	quire_crew_destroy(&crew);
	if (status == QUIRE_OK)
		*xxh3 = in.xxh3;
	return status;
}
