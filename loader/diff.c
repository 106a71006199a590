/*
 * diff.c - compares the tensors of two models. Pairs them by name, and cuts the
 * bytes of each pair into pieces, which any thread reads from both files.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crew.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/pieces.h"
#include "format/parse.h"
#include "loader/model.h"

/* Whole pages, so that no page is in two pieces. */
#define READ_SIZE (2 * QUIRE_PIECE_SIZE)

static_assert(READ_SIZE % QUIRE_DIFFERENCE_PAGE == 0, "pages are cut");

const char *quire_difference_name(quire_difference_kind kind)
{
	switch (kind) {
	case QUIRE_DIFFERENCE_ONLY_A:
		return "only in a";
	case QUIRE_DIFFERENCE_ONLY_B:
		return "only in b";
	case QUIRE_DIFFERENCE_DTYPE:
		return "dtype";
	case QUIRE_DIFFERENCE_SHAPE:
		return "shape";
	case QUIRE_DIFFERENCE_BYTES:
		return "bytes";
	}
	return "unknown";
}

/* ------------------------------------------------------------ two tensors */

/* How bytes differ. */
struct count {
	uint64_t first; /* or QUIRE_NO_OFFSET */
	uint64_t bytes;
	uint64_t pages;
};

static void count_page(const unsigned char *a, const unsigned char *b,
		       size_t size, uint64_t at, struct count *count)
{
	uint64_t different = 0;
	size_t first = 0;

	if (memcmp(a, b, size) == 0)
		return;
	/* Mapped bytes may have been changed since then, to equal ones too. */
	for (size_t i = 0; i < size; i++)
		if (a[i] != b[i] && different++ == 0)
			first = i;
	if (different == 0)
		return;
	if (count->pages++ == 0)
		count->first = at + first;
	count->bytes += different;
}

/* Compares `size` bytes; the first one is at `at`, the begin of a page. */
static struct count count_bytes(const unsigned char *a, const unsigned char *b,
				uint64_t size, uint64_t at)
{
	struct count count = { .first = QUIRE_NO_OFFSET };

	for (uint64_t i = 0; i < size; i += QUIRE_DIFFERENCE_PAGE) {
		const uint64_t rest = size - i;
		const size_t page = rest < QUIRE_DIFFERENCE_PAGE
					? (size_t)rest
					: QUIRE_DIFFERENCE_PAGE;

		count_page(a + i, b + i, page, at + i, &count);
	}
	return count;
}

/* False: the tensors do not differ. */
static bool judge(const quire_tensor *a, const quire_tensor *b,
		  const struct count *count, quire_difference *difference)
{
	quire_difference_kind kind = QUIRE_DIFFERENCE_BYTES;

	if (a->dtype != b->dtype)
		kind = QUIRE_DIFFERENCE_DTYPE;
	else if (a->rank != b->rank ||
		 memcmp(a->shape, b->shape, sizeof(a->shape)) != 0)
		kind = QUIRE_DIFFERENCE_SHAPE;
	else if (count->pages == 0)
		return false;
	*difference = (quire_difference){ .kind = kind,
					  .a = a,
					  .b = b,
					  .first = count->first,
					  .bytes = count->bytes,
					  .pages = count->pages };
	return true;
}

bool quire_tensor_diff(const quire_tensor *a, const quire_tensor *b,
		       quire_difference *difference)
{
	struct count count = { .first = QUIRE_NO_OFFSET };

	if (a->size == b->size)
		count = count_bytes(a->data, b->data, a->size, 0);
	return judge(a, b, &count, difference);
}

/* ------------------------------------------------------------- two models */

/* A tensor of a, in file order. */
struct pair {
	const quire_tensor *a;
	const quire_tensor *b; /* NULL: there is none */
	uint64_t first;	       /* the number of its first piece */
	struct count count;
};

struct diff {
	const quire_model *a, *b;
	const quire_diff_options *options;
	struct pair *pairs;
	size_t pair_count;
	bool *paired; /* by the index of b's tensor */
	uint64_t piece_count;
	uint64_t total;		/* bytes of a's tensors that are compared */
	unsigned char *buffers; /* two for each worker */
	struct count *slots;
	struct pieces pieces;
	/* Changed by joining. */
	size_t joining; /* a pair */
	uint64_t done;	/* bytes */
};

static uint64_t count_pieces(const struct pair *pair)
{
	if (!pair->b || pair->a->size != pair->b->size)
		return 0;
	return (pair->a->size + READ_SIZE - 1) / READ_SIZE;
}

static const quire_tensor *find(const quire_model *model, quire_string name)
{
	return quire_model_tensor(
	    model, quire_names_find(&model->index.tensor_names, name));
}

static void pair_tensors(struct diff *diff)
{
	for (size_t i = 0; i < diff->pair_count; i++) {
		const quire_tensor *a = quire_model_tensor(diff->a, i);
		struct pair *pair = &diff->pairs[i];
		uint64_t pieces;

		*pair = (struct pair){ .a = a,
				       .b = find(diff->b, a->name),
				       .first = diff->piece_count,
				       .count = { .first = QUIRE_NO_OFFSET } };
		if (pair->b)
			diff->paired[pair->b - diff->b->index.tensors] = true;
		pieces = count_pieces(pair);
		diff->piece_count += pieces;
		if (pieces > 0)
			diff->total += a->size;
	}
}

/* The pair of a piece: the last one that begins there or before; those without
 * pieces begin where the next one does. */
static const struct pair *find_pair(const struct diff *diff, uint64_t number)
{
	size_t low = 0, high = diff->pair_count;

	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;

		if (diff->pairs[middle].first <= number)
			low = middle;
		else
			high = middle;
	}
	return &diff->pairs[low];
}

static size_t piece_size(const struct pair *pair, uint64_t number)
{
	const uint64_t rest =
	    pair->a->size - (number - pair->first) * READ_SIZE;

	return rest < READ_SIZE ? (size_t)rest : READ_SIZE;
}

static quire_status fetch(const quire_model *model, const quire_tensor *tensor,
			  uint64_t at, size_t size, unsigned char *buffer,
			  const unsigned char **bytes, quire_error *error)
{
	const struct model_part *part = &model->parts[tensor->part];

	*bytes = quire_model_fetch(part, tensor->offset + at, size, buffer);
	if (*bytes)
		return QUIRE_OK;
	return quire_map_fail_read(&part->map, part->path, tensor->offset + at,
				   error);
}

static quire_status take_piece(void *context, size_t worker, uint64_t number,
			       size_t slot, quire_error *error)
{
	struct diff *diff = context;
	const struct pair *pair = find_pair(diff, number);
	const uint64_t at = (number - pair->first) * READ_SIZE;
	const size_t size = piece_size(pair, number);
	unsigned char *buffer = diff->buffers + worker * 2 * READ_SIZE;
	const unsigned char *a, *b;
	quire_status status =
	    fetch(diff->a, pair->a, at, size, buffer, &a, error);

	if (status == QUIRE_OK)
		status = fetch(diff->b, pair->b, at, size, buffer + READ_SIZE,
			       &b, error);
	if (status == QUIRE_OK)
		diff->slots[slot] = count_bytes(a, b, size, at);
	return status;
}

static quire_status join_piece(void *context, uint64_t number, size_t slot,
			       quire_error *error)
{
	struct diff *diff = context;
	const quire_diff_options *options = diff->options;
	const struct count *count = &diff->slots[slot];
	struct pair *pair = &diff->pairs[diff->joining];

	while (number - pair->first >= count_pieces(pair))
		pair = &diff->pairs[++diff->joining];
	if (pair->count.pages == 0)
		pair->count.first = count->first;
	pair->count.bytes += count->bytes;
	pair->count.pages += count->pages;
	diff->done += piece_size(pair, number);
	if (options->progress &&
	    !options->progress(options->context, diff->done, diff->total))
		return quire_fail(error, QUIRE_ERROR_CANCELLED, QUIRE_NO_OFFSET,
				  "cancelled");
	return QUIRE_OK;
}

static quire_status run(struct diff *diff, struct crew *crew,
			quire_error *error)
{
	struct pieces *pieces = &diff->pieces;
	const size_t slots = quire_pieces_slots(crew);
	quire_status status;

	diff->slots = calloc(slots, sizeof(*diff->slots));
	diff->buffers = malloc((size_t)crew->threads * 2 * READ_SIZE);
	if (!diff->slots || !diff->buffers)
		return quire_fail_memory(error, (uint64_t)crew->threads * 2 *
						    READ_SIZE);
	status = quire_pieces_init(pieces, crew, slots, error);
	if (status != QUIRE_OK)
		return status;
	status = quire_pieces_run(pieces, diff->piece_count, error);
	if (status == QUIRE_OK)
		status = quire_pieces_end(pieces, error);
	quire_pieces_destroy(pieces);
	return status;
}

static quire_status read_pairs(struct diff *diff, quire_error *error)
{
	struct crew crew;
	quire_status status;

	if (diff->piece_count == 0)
		return QUIRE_OK;
	quire_model_gather(&crew, diff->options->threads, diff->total,
			   diff->piece_count);
	status = run(diff, &crew, error);
	quire_crew_destroy(&crew);
	return status;
}

/* Reports what differs, and counts it. */
static size_t report(const struct diff *diff)
{
	const quire_diff_options *options = diff->options;
	quire_difference found;
	size_t count = 0;

	for (size_t i = 0; i < diff->pair_count; i++) {
		const struct pair *pair = &diff->pairs[i];

		if (!pair->b)
			found = (quire_difference){
				.kind = QUIRE_DIFFERENCE_ONLY_A,
				.a = pair->a,
				.first = QUIRE_NO_OFFSET,
			};
		else if (!judge(pair->a, pair->b, &pair->count, &found))
			continue;
		count++;
		if (options->difference)
			options->difference(options->context, &found);
	}
	for (size_t i = 0; i < quire_model_tensor_count(diff->b); i++) {
		if (diff->paired[i])
			continue;
		found = (quire_difference){
			.kind = QUIRE_DIFFERENCE_ONLY_B,
			.b = quire_model_tensor(diff->b, i),
			.first = QUIRE_NO_OFFSET,
		};
		count++;
		if (options->difference)
			options->difference(options->context, &found);
	}
	return count;
}

quire_status quire_model_diff(const quire_model *a, const quire_model *b,
			      const quire_diff_options *options, size_t *count,
			      quire_error *error)
{
	static const quire_diff_options defaults;
	struct diff diff = { .a = a,
			     .b = b,
			     .options = options ? options : &defaults,
			     .pair_count = quire_model_tensor_count(a),
			     .pieces = { .work = take_piece,
					 .join = join_piece,
					 .context = &diff } };
	quire_status status;

	/* One more of each: with none of them, NULL is no failure. */
	diff.pairs = calloc(diff.pair_count + 1, sizeof(*diff.pairs));
	diff.paired =
	    calloc(quire_model_tensor_count(b) + 1, sizeof(*diff.paired));
	if (!diff.pairs || !diff.paired) {
		status = quire_fail_memory(error, (diff.pair_count + 1) *
						      sizeof(*diff.pairs));
		goto out;
	}
	pair_tensors(&diff);
	status = read_pairs(&diff, error);
	if (status == QUIRE_OK)
		*count = report(&diff);
out:
	free(diff.buffers);
	free(diff.slots);
	free(diff.paired);
	free(diff.pairs);
	return status;
}
