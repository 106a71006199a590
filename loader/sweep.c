/*
 * sweep.c - cuts tensors into pieces, which any thread reads and sums, and
 * joins the sums in order. So all threads work on one tensor, the disk is read
 * from front to back, and each value is XXH3's own.
 */
#include "loader/sweep.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crew.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/pieces.h"
#include "format/parse.h"

/* Bytes read at once: they are hashed out of the second-level cache, and cost
 * half as many calls as pieces of the usual size. */
#define READ_SIZE (2 * QUIRE_PIECE_SIZE)
#define READ_SUMS (READ_SIZE / QUIRE_HASH_BLOCK_SIZE + 1)

/* The system copies 10 % faster to memory that is aligned to pages. */
#define BUFFER_ALIGNMENT ((size_t)4096)

/* The size of the last piece at most, with the padding after its tensor. */
#define BUFFER_SIZE (READ_SIZE + BUFFER_ALIGNMENT + QUIRE_ALIGNMENT_MAX)

/* A tensor, in the order of reading. */
struct entry {
	const quire_tensor *tensor;
	uint64_t first; /* the number of its first piece */
};

struct piece {
	const quire_tensor *tensor;
	const struct model_part *part;
	uint64_t at; /* in the tensor */
	size_t size;
	size_t padding; /* bytes after the last piece */
	bool only, last;
};

/* The result of a piece. */
struct slot {
	bool only, last;
	size_t size;
	uint64_t hash;		     /* of the only piece of a tensor */
	struct quire_hash_sum *sums; /* else */
	size_t sum_count;
	uint64_t dirt; /* the offset of padding that is not zero, or none */
};

struct sweep {
	const quire_model *model;
	const quire_verify_options *options;
	struct quire_sweep_result *result;
	uint32_t features;
	struct entry *entries;
	uint64_t piece_count;
	uint64_t total;		/* bytes */
	unsigned char *buffers; /* one for each worker; NULL: nothing is read */
	struct slot *slots;
	size_t slot_count;
	struct quire_hash_sum *sums; /* of all slots */
	struct pieces pieces;
	/* Changed by joining. */
	size_t joining; /* entry */
	struct quire_hash_sum state;
	uint64_t done; /* bytes */
};

static uint64_t count_pieces(uint64_t size)
{
	return quire_hash_pieces(size, READ_SIZE);
}

/* Those of most pieces first; of equal ones in the order of the file. */
static int compare_entries(const void *a, const void *b)
{
	const quire_tensor *x = ((const struct entry *)a)->tensor;
	const quire_tensor *y = ((const struct entry *)b)->tensor;
	const uint64_t x_count = count_pieces(x->size);
	const uint64_t y_count = count_pieces(y->size);

	if (x_count != y_count)
		return x_count < y_count ? 1 : -1;
	return x < y ? -1 : 1;
}

/* ------------------------------------------------------------------ pieces */

/* The place of a piece's tensor in the reading order. */
static size_t find_entry(const struct sweep *sweep, uint64_t number)
{
	size_t low = 0, high = sweep->model->index.tensor_count;

	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;

		if (sweep->entries[middle].first <= number)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* The bytes from a tensor's end to the next tensor or the end of the file. */
static size_t padding_size(const quire_model *model, const quire_tensor *tensor)
{
	const struct model_part *part = &model->parts[tensor->part];
	const size_t next = (size_t)(tensor - model->index.tensors) + 1;
	const uint64_t end = next < part->first_tensor + part->tensor_count
				 ? tensor[1].offset
				 : part->size;
	const uint64_t size = end - (tensor->offset + tensor->size);

	assert(size < QUIRE_ALIGNMENT_MAX); /* F-19, F-22 */
	return (size_t)size;
}

static struct piece find_piece(const struct sweep *sweep, uint64_t number)
{
	const struct entry *entry = &sweep->entries[find_entry(sweep, number)];
	const quire_tensor *tensor = entry->tensor;
	const uint64_t count = count_pieces(tensor->size);
	struct piece piece = {
		.tensor = tensor,
		.part = &sweep->model->parts[tensor->part],
		.at = (number - entry->first) * READ_SIZE,
		.size = READ_SIZE,
		.only = count == 1,
		.last = number - entry->first == count - 1,
	};

	if (piece.last) {
		piece.size = (size_t)(tensor->size - piece.at);
		piece.padding = padding_size(sweep->model, tensor);
	}
	return piece;
}

/* The place of the first byte that is not zero, or `size`. */
static size_t find_dirt(const unsigned char *bytes, size_t size)
{
	size_t at = 0;

	while (size - at >= 8 && load_u64(bytes + at) == 0)
		at += 8;
	while (at < size && bytes[at] == 0)
		at++;
	return at;
}

/* Most pieces are the next to be joined, and are joined here: until this one is
 * done, no other thread uses the state. */
static void hash_piece(struct sweep *sweep, uint64_t number,
		       const struct piece *piece, const unsigned char *bytes,
		       struct slot *slot)
{
	const size_t dirt = find_dirt(bytes + piece->size, piece->padding);

	slot->only = piece->only;
	slot->last = piece->last;
	slot->size = piece->size;
	slot->dirt = dirt < piece->padding
			 ? piece->tensor->offset + piece->tensor->size + dirt
			 : QUIRE_NO_OFFSET;
	if (piece->only)
		slot->hash =
		    quire_hash_whole(sweep->features, bytes, piece->size);
	else if (pieces_is_next(&sweep->pieces, number))
		slot->sum_count =
		    quire_hash_sum_joined(sweep->features, &sweep->state, bytes,
					  piece->size, piece->last, slot->sums);
	else
		slot->sum_count =
		    quire_hash_sum(sweep->features, bytes, piece->size,
				   piece->last, slot->sums);
}

/* ----------------------------------------------------------------- joining */

static quire_status report(struct sweep *sweep, size_t size, quire_error *error)
{
	const quire_verify_options *options = sweep->options;

	sweep->done += size;
	if (options->progress &&
	    !options->progress(options->context, sweep->done, sweep->total))
		return quire_fail(error, QUIRE_ERROR_CANCELLED, QUIRE_NO_OFFSET,
				  "cancelled");
	return QUIRE_OK;
}

static void end_tensor(struct sweep *sweep, const struct slot *slot)
{
	const struct entry *entry = &sweep->entries[sweep->joining++];
	const size_t place =
	    (size_t)(entry->tensor - sweep->model->index.tensors);
	struct quire_sweep_result *result = sweep->result;

	result->hashes[place] =
	    slot->only ? slot->hash
		       : quire_hash_join_end(&sweep->state,
					     &slot->sums[slot->sum_count - 1],
					     entry->tensor->size);
	quire_hash_join_begin(&sweep->state);
	if (slot->dirt != QUIRE_NO_OFFSET && place < result->dirty) {
		result->dirty = place;
		result->dirty_offset = slot->dirt;
	}
}

static quire_status join_piece(void *context, uint64_t number, size_t at,
			       quire_error *error)
{
	struct sweep *sweep = context;
	const struct slot *slot = &sweep->slots[at];

	(void)number;
	if (!slot->only)
		quire_hash_join(sweep->features, &sweep->state, slot->sums,
				slot->sum_count - (slot->last ? 1 : 0));
	if (slot->last)
		end_tensor(sweep, slot);
	return report(sweep, slot->size, error);
}

static quire_status take_piece(void *context, size_t worker, uint64_t number,
			       size_t at, quire_error *error)
{
	struct sweep *sweep = context;
	const struct piece piece = find_piece(sweep, number);
	const unsigned char *bytes = quire_model_fetch(
	    piece.part, piece.tensor->offset + piece.at,
	    piece.size + piece.padding,
	    sweep->buffers ? sweep->buffers + worker * BUFFER_SIZE : NULL);

	if (!bytes)
		return quire_map_fail_read(&piece.part->map, piece.part->path,
					   piece.tensor->offset + piece.at,
					   error);
	hash_piece(sweep, number, &piece, bytes, &sweep->slots[at]);
	return QUIRE_OK;
}

/* ------------------------------------------------------------------ set-up */

static void order_tensors(struct sweep *sweep)
{
	const struct quire_index *index = &sweep->model->index;

	for (size_t i = 0; i < index->tensor_count; i++) {
		sweep->entries[i].tensor = &index->tensors[i];
		sweep->total += index->tensors[i].size;
	}
	qsort(sweep->entries, index->tensor_count, sizeof(*sweep->entries),
	      compare_entries);
	for (size_t i = 0; i < index->tensor_count; i++) {
		sweep->entries[i].first = sweep->piece_count;
		sweep->piece_count +=
		    count_pieces(sweep->entries[i].tensor->size);
	}
	sweep->features = quire_hash_features(sweep->total);
}

static quire_status make_room(struct sweep *sweep, size_t workers,
			      quire_error *error)
{
	const size_t count = sweep->slot_count;
	const size_t sums =
	    count_pieces(sweep->entries[0].tensor->size) > 1 ? READ_SUMS : 0;
	const bool reads = sweep->model->parts[0].map.watched;

	sweep->slots = calloc(count, sizeof(*sweep->slots));
	if (sums > 0)
		sweep->sums = malloc(count * sums * sizeof(*sweep->sums));
	if (reads)
		sweep->buffers = quire_aligned_alloc(BUFFER_ALIGNMENT,
						     workers * BUFFER_SIZE);
	if (!sweep->slots || (sums > 0 && !sweep->sums) ||
	    (reads && !sweep->buffers))
		return quire_fail_memory(error, workers * BUFFER_SIZE);
	for (size_t i = 0; i < count && sums > 0; i++)
		sweep->slots[i].sums = sweep->sums + i * sums;
	quire_hash_join_begin(&sweep->state);
	return QUIRE_OK;
}

static quire_status run(struct sweep *sweep, struct crew *crew,
			quire_error *error)
{
	struct pieces *pieces = &sweep->pieces;
	quire_status status =
	    quire_pieces_init(pieces, crew, sweep->slot_count, error);

	if (status != QUIRE_OK)
		return status;
	status = quire_pieces_run(pieces, sweep->piece_count, error);
	if (status == QUIRE_OK)
		status = quire_pieces_end(pieces, error);
	quire_pieces_destroy(pieces);
	return status;
}

quire_status quire_sweep(const quire_model *model,
			 const quire_verify_options *options,
			 struct quire_sweep_result *result, quire_error *error)
{
	const size_t count = model->index.tensor_count;
	struct sweep sweep = { .model = model,
			       .options = options,
			       .result = result,
			       .pieces = { .work = take_piece,
					   .join = join_piece,
					   .context = &sweep } };
	struct crew crew;
	quire_status status;

	result->dirty = count;
	if (count == 0)
		return QUIRE_OK;
	sweep.entries = calloc(count, sizeof(*sweep.entries));
	if (!sweep.entries)
		return quire_fail_memory(error, count * sizeof(struct entry));
	order_tensors(&sweep);
	quire_model_gather(&crew, options->threads, sweep.total,
			   sweep.piece_count);
	sweep.slot_count = quire_pieces_slots(&crew);
	status = make_room(&sweep, crew.threads, error);
	if (status == QUIRE_OK)
		status = run(&sweep, &crew, error);
	quire_crew_destroy(&crew);
	quire_aligned_free(sweep.buffers);
	free(sweep.sums);
	free(sweep.slots);
	free(sweep.entries);
	return status;
}

/* Finds the first tensor with padding that is not zero. */
static quire_status find_dirty(const quire_model *model, unsigned char *buffer,
			       struct quire_sweep_result *result,
			       quire_error *error)
{
	for (size_t i = 0; i < model->index.tensor_count; i++) {
		const quire_tensor *tensor = &model->index.tensors[i];
		const struct model_part *part = &model->parts[tensor->part];
		const uint64_t offset = tensor->offset + tensor->size;
		const size_t size = padding_size(model, tensor);
		const unsigned char *bytes =
		    quire_model_fetch(part, offset, size, buffer);
		size_t dirt;

		if (!bytes)
			return quire_map_fail_read(&part->map, part->path,
						   offset, error);
		dirt = find_dirt(bytes, size);
		if (dirt == size)
			continue;
		result->dirty = i;
		result->dirty_offset = offset + dirt;
		break;
	}
	return QUIRE_OK;
}

quire_status quire_sweep_padding(const quire_model *model,
				 struct quire_sweep_result *result,
				 quire_error *error)
{
	unsigned char *buffer = malloc(QUIRE_ALIGNMENT_MAX);
	quire_status status;

	if (!buffer)
		return quire_fail_memory(error, QUIRE_ALIGNMENT_MAX);
	result->dirty = model->index.tensor_count;
	status = find_dirty(model, buffer, result, error);
	free(buffer);
	return status;
}
