/*
 * pipeline.c - two sets of pieces take turns: while one is written by one
 * thread, the other is filled by the rest. What a piece holds is decided by
 * the plan and its encodings.
 */
#include <stdlib.h>

#include "base/crew.h"
#include "base/error.h"
#include "convert/pipeline.h"

/* Bytes of a piece, unless one row has more, and pieces of a set for each
 * thread: enough in all to make the cost of a turn vanish, little enough to
 * stay in a cache, and in parts that the threads end with at about one time. */
#define PIECE_SIZE	  (UINT64_C(1) << 18)
#define PIECES_PER_THREAD 4

/* Rows of a weight, or bytes or elements of a plain tensor. */
struct piece {
	const struct plan_item *item;
	const uint32_t *column_blocks;
	uint64_t first;
	uint64_t count;
	unsigned char *out; /* own memory, and that for fetching */
	unsigned char *scratch;
	const unsigned char *data; /* the result: in `out` or the model */
	size_t size;
	quire_status status;
	quire_error error;
};

struct piece_set {
	struct piece *pieces;
	size_t count; /* that are in use */
};

struct pipeline {
	const struct plan *plan;
	quire_writer *writer;
	const struct pipeline_options *options;
	struct crew crew;
	size_t width; /* pieces of a set */
	struct piece_set filling;
	struct piece_set writing;
	quire_status status; /* of writing */
	quire_error error;
	uint64_t done;
};

/* ----------------------------------------------------------- kinds of items */

/* How an item is cut into pieces. */
struct cut {
	uint64_t units; /* of the item: rows, bytes or elements */
	uint64_t step;	/* of a piece */
	size_t out;	/* bytes of a piece's result */
	size_t scratch; /* and of what it reads */
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t out_row_size(const struct plan_item *item)
{
	return item->size / item->weight->value.n;
}

/* As many rows as fit in a piece, of the source and of the tensor. */
static struct cut cut_weight(const struct plan_item *item)
{
	const struct weight *weight = item->weight;
	const uint64_t out = out_row_size(item);
	const uint64_t in = weight->storage.codes.row_size;
	const uint64_t row_size = out < in ? in : out;
	const uint64_t fit = row_size < PIECE_SIZE ? PIECE_SIZE / row_size : 1;
	const uint64_t rows = least(fit, weight->value.n);

	return (struct cut){ .units = weight->value.n,
			     .step = rows,
			     .out = (size_t)(rows * out),
			     .scratch = quire_weight_scratch(weight, rows) };
}

static struct cut cut_copy(const struct plan_item *item)
{
	const uint64_t bytes = least(PIECE_SIZE, item->size);

	return (struct cut){ .units = item->size,
			     .step = bytes,
			     .out = item->value->file ? (size_t)bytes : 0 };
}

static struct cut cut_cast(const struct plan_item *item)
{
	const uint64_t count =
	    least(PIECE_SIZE / sizeof(float), item->value->count);

	return (struct cut){ .units = item->value->count,
			     .step = count,
			     .out = (size_t)count * item->cast->to_width,
			     .scratch =
				 (size_t)count * item->cast->from_width };
}

static quire_status open_weight(const struct plan_item *item,
				uint32_t **column_blocks, quire_error *error)
{
	quire_status status = quire_weight_acquire(item->weight, error);

	if (status != QUIRE_OK)
		return status;
	status = quire_weight_column_blocks(item->weight, column_blocks, error);
	if (status != QUIRE_OK)
		quire_weight_release(item->weight);
	return status;
}

static void close_weight(const struct plan_item *item)
{
	quire_weight_release(item->weight);
}

static quire_status open_dense(const struct plan_item *item,
			       uint32_t **column_blocks, quire_error *error)
{
	*column_blocks = NULL;
	return quire_onnx_file_acquire(item->value->file, error);
}

static void close_dense(const struct plan_item *item)
{
	quire_onnx_file_release(item->value->file);
}

static void fill_rows(struct piece *piece)
{
	struct weight_rows rows = { .weight = piece->item->weight,
				    .column_blocks = piece->column_blocks,
				    .first = piece->first,
				    .count = piece->count };

	piece->status =
	    quire_weight_fetch(&rows, piece->scratch, &piece->error);
	if (piece->status != QUIRE_OK)
		return;
	piece->item->encoding->encode(&rows, piece->out);
	piece->data = piece->out;
	piece->size = (size_t)(piece->count * out_row_size(piece->item));
}

static void fill_copy(struct piece *piece)
{
	const struct onnx_value *value = piece->item->value;

	piece->size = (size_t)piece->count;
	if (!value->file) {
		piece->data = value->bytes + piece->first;
		return;
	}
	piece->data = piece->out;
	piece->status = quire_onnx_read(value, piece->first, piece->out,
					piece->size, &piece->error);
}

static void fill_cast(struct piece *piece)
{
	const struct onnx_value *value = piece->item->value;
	const struct cast *cast = piece->item->cast;
	const size_t count = (size_t)piece->count;

	piece->status = quire_onnx_read(
	    value, piece->first * cast->from_width, piece->scratch,
	    count * cast->from_width, &piece->error);
	if (piece->status != QUIRE_OK)
		return;
	cast->convert(piece->scratch, count, piece->out);
	piece->data = piece->out;
	piece->size = count * cast->to_width;
}

/* How tensors of each kind are made. Nothing else here depends on the kind. */
static const struct maker {
	struct cut (*cut)(const struct plan_item *item);
	/* Opens the files of an item, and reads the blocks of its columns. */
	quire_status (*open)(const struct plan_item *item,
			     uint32_t **column_blocks, quire_error *error);
	void (*fill)(struct piece *piece);
	void (*close)(const struct plan_item *item);
} makers[] = {
	[PLAN_WEIGHT] = { cut_weight, open_weight, fill_rows, close_weight },
	[PLAN_COPY] = { cut_copy, open_dense, fill_copy, close_dense },
	[PLAN_CAST] = { cut_cast, open_dense, fill_cast, close_dense },
};

/* ------------------------------------------------------------------- turns */

static void write_set(struct pipeline *pipe)
{
	const struct piece_set *set = &pipe->writing;

	for (size_t i = 0; i < set->count && pipe->status == QUIRE_OK; i++) {
		const struct piece *piece = &set->pieces[i];

		pipe->status =
		    quire_writer_write(pipe->writer, piece->item->index,
				       piece->data, piece->size, &pipe->error);
		pipe->done += piece->size;
	}
}

/* Task 0, the first to be taken, writes the set before; the others fill a
 * piece each. */
static void run_task(void *context, size_t worker, size_t task)
{
	struct pipeline *pipe = context;
	struct piece *piece;

	(void)worker;
	if (task == 0) {
		write_set(pipe);
		return;
	}
	piece = &pipe->filling.pieces[task - 1];
	makers[piece->item->kind].fill(piece);
}

static quire_status check_set(const struct pipeline *pipe, quire_error *error)
{
	const struct piece_set *set = &pipe->filling;

	if (pipe->status != QUIRE_OK) {
		if (error)
			*error = pipe->error;
		return pipe->status;
	}
	for (size_t i = 0; i < set->count; i++)
		if (set->pieces[i].status != QUIRE_OK) {
			if (error)
				*error = set->pieces[i].error;
			return set->pieces[i].status;
		}
	return QUIRE_OK;
}

/* Fills one set and writes the other, then has them change places. */
static quire_status step(struct pipeline *pipe, quire_error *error)
{
	const struct pipeline_options *options = pipe->options;
	const uint64_t before = pipe->done;
	struct piece_set swapped;
	quire_status status;

	quire_crew_run(&pipe->crew, pipe->crew.threads, pipe->filling.count + 1,
		       run_task, pipe);
	status = check_set(pipe, error);
	if (status != QUIRE_OK)
		return status;
	swapped = pipe->writing;
	pipe->writing = pipe->filling;
	pipe->filling = swapped;
	pipe->filling.count = 0;
	if (options->progress && pipe->done > before &&
	    !options->progress(options->context, pipe->done, pipe->plan->size))
		return quire_fail(error, QUIRE_ERROR_CANCELLED, QUIRE_NO_OFFSET,
				  "cancelled");
	return QUIRE_OK;
}

static quire_status stream_pieces(struct pipeline *pipe,
				  const struct plan_item *item,
				  const uint32_t *column_blocks,
				  quire_error *error)
{
	const struct cut cut = makers[item->kind].cut(item);
	quire_status status = QUIRE_OK;
	uint64_t first = 0;

	while (first < cut.units && status == QUIRE_OK) {
		struct piece_set *set = &pipe->filling;

		for (; set->count < pipe->width && first < cut.units;
		     set->count++) {
			struct piece *piece = &set->pieces[set->count];

			piece->item = item;
			piece->column_blocks = column_blocks;
			piece->first = first;
			piece->count = least(cut.step, cut.units - first);
			piece->status = QUIRE_OK;
			first += piece->count;
		}
		status = step(pipe, error);
	}
	return status;
}

static quire_status stream_item(struct pipeline *pipe,
				const struct plan_item *item,
				quire_error *error)
{
	const struct maker *maker = &makers[item->kind];
	uint32_t *column_blocks;
	quire_status status = maker->open(item, &column_blocks, error);

	if (status != QUIRE_OK)
		return status;
	status = stream_pieces(pipe, item, column_blocks, error);
	free(column_blocks);
	maker->close(item);
	return status;
}

static void free_set(struct piece_set *set, size_t width)
{
	for (size_t i = 0; set->pieces && i < width; i++) {
		free(set->pieces[i].out);
		free(set->pieces[i].scratch);
	}
	free(set->pieces);
}

static quire_status allocate_set(struct piece_set *set, size_t width,
				 size_t out, size_t scratch, quire_error *error)
{
	set->pieces = calloc(width, sizeof(*set->pieces));
	for (size_t i = 0; i < width; i++) {
		if (!set->pieces)
			break;
		set->pieces[i].out = malloc(out + 1);
		set->pieces[i].scratch = malloc(scratch + 1);
		if (!set->pieces[i].out || !set->pieces[i].scratch)
			break;
		if (i + 1 == width)
			return QUIRE_OK;
	}
	return quire_fail_memory(error, width * (out + scratch));
}

/* Memory for the largest piece of any item, for both sets. */
static quire_status allocate(struct pipeline *pipe, quire_error *error)
{
	const struct plan *plan = pipe->plan;
	size_t most_out = 0;
	size_t most_scratch = 0;
	quire_status status;

	for (size_t i = 0; i < plan->item_count; i++) {
		const struct plan_item *item = &plan->items[i];
		struct cut cut;

		if (item->kind == PLAN_LEFT_OUT)
			continue;
		cut = makers[item->kind].cut(item);
		if (cut.out > most_out)
			most_out = cut.out;
		if (cut.scratch > most_scratch)
			most_scratch = cut.scratch;
	}
	status = allocate_set(&pipe->filling, pipe->width, most_out,
			      most_scratch, error);
	if (status == QUIRE_OK)
		status = allocate_set(&pipe->writing, pipe->width, most_out,
				      most_scratch, error);
	return status;
}

static quire_status stream(struct pipeline *pipe, quire_error *error)
{
	const struct plan *plan = pipe->plan;
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < plan->item_count && status == QUIRE_OK; i++) {
		const struct plan_item *item = &plan->items[i];

		if (item->kind != PLAN_LEFT_OUT)
			status = stream_item(pipe, item, error);
	}
	return status == QUIRE_OK ? step(pipe, error) : status;
}

quire_status quire_pipeline_run(const struct plan *plan, quire_writer *writer,
				const struct pipeline_options *options,
				quire_error *error)
{
	struct pipeline pipe = { .plan = plan,
				 .writer = writer,
				 .options = options };
	quire_status status;

	status = quire_crew_init(&pipe.crew, options->threads, NULL, NULL);
	if (status != QUIRE_OK)
		return quire_fail_threads(error, status, options->threads);
	/* A turn takes a millisecond, or as long as the disk does: who waits
	 * for the next one sleeps, and leaves the CPU to whom it waits for. */
	pipe.crew.pool_flags |= PTHREADPOOL_FLAG_YIELD_WORKERS;
	pipe.width = PIECES_PER_THREAD * (size_t)pipe.crew.threads;
	status = allocate(&pipe, error);
	if (status == QUIRE_OK)
		status = stream(&pipe, error);
	free_set(&pipe.filling, pipe.width);
	free_set(&pipe.writing, pipe.width);
	quire_crew_destroy(&pipe.crew);
	return status;
}
