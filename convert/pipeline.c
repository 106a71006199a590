/*
 * pipeline.c - threads fill pieces of the tensors, and one thread at a time
 * writes them in their order. The plan and its encodings decide what a piece
 * holds.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/pieces.h"
#include "convert/pipeline.h"

/* Pieces for each thread that may wait to be written: so many that a disk that
 * stops for a moment does not stop the threads. */
#define LEAD 8

/* Rows of a weight, or bytes or elements of a dense tensor; in a slot. */
struct piece {
	const struct plan_item *item;
	const uint32_t *column_blocks;
	uint64_t first;
	uint64_t count;
	unsigned char *out; /* own memory, and that for fetching */
	unsigned char *scratch;
	const unsigned char *data; /* the result: in `out` or the model */
	size_t size;
};

struct pipeline {
	const struct plan *plan;
	pipeline_take_fn take;
	void *context; /* for `take` */
	const struct pipeline_options *options;
	struct crew crew;
	struct pieces pieces;
	struct piece *slots;
	size_t slot_count;
	uint64_t done;
	/* Of the item that is filled. */
	const struct plan_item *item;
	const uint32_t *column_blocks;
	uint64_t units, step;
	uint64_t first; /* the number of its first piece */
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
	return item->size / quire_plan_rows(item);
}

/* As many rows as fit in a piece if the larger of source's and tensor's has
 * `row_size` bytes; whole heads where rows change places within them. */
static uint64_t piece_rows(const struct plan_item *item, uint64_t row_size)
{
	const uint64_t count = quire_plan_rows(item);
	const uint64_t heads = item->rows.heads;
	const uint64_t head = heads ? count / heads : 1;
	const uint64_t fit =
	    row_size < QUIRE_PIECE_SIZE ? QUIRE_PIECE_SIZE / row_size : 1;

	return least(fit < head ? head : fit / head * head, count);
}

/* Where a row is in the tensor, both counted from a head's first row. */
static uint64_t place_of_row(const struct plan_item *item, uint64_t row)
{
	uint64_t half, in_head;

	if (item->rows.heads == 0)
		return row;
	half = quire_plan_rows(item) / item->rows.heads / 2;
	in_head = row % (2 * half);
	return row - in_head + in_head % half * 2 + in_head / half;
}

static struct cut cut_weight(const struct plan_item *item)
{
	const struct weight *weight = item->weight;
	const uint64_t out = out_row_size(item);
	const uint64_t in = weight->storage.codes.row_size;
	const uint64_t rows = piece_rows(item, out < in ? in : out);

	return (struct cut){ .units = quire_plan_rows(item),
			     .step = rows,
			     .out = (size_t)(rows * out),
			     .scratch = quire_weight_scratch(weight, rows) };
}

static struct cut cut_copy(const struct plan_item *item)
{
	const uint64_t bytes = least(QUIRE_PIECE_SIZE, item->size);

	return (struct cut){ .units = item->size,
			     .step = bytes,
			     .out = item->value->file ? (size_t)bytes : 0 };
}

static struct cut cut_cast(const struct plan_item *item)
{
	const uint64_t count =
	    least(QUIRE_PIECE_SIZE / sizeof(float), item->value->count);

	return (struct cut){ .units = item->value->count,
			     .step = count,
			     .out = (size_t)count * item->cast->to_width,
			     .scratch =
				 (size_t)count * item->cast->from_width };
}

/* A bias is one piece. */
static struct cut cut_bias(const struct plan_item *item)
{
	return (struct cut){ .units = 1, .step = 1, .out = (size_t)item->size };
}

static struct cut cut_rows(const struct plan_item *item)
{
	const struct rows_layout layout =
	    quire_dense_layout(item->value, item->rows.transpose);
	const uint64_t in = quire_rows_size(&layout);
	const uint64_t out = out_row_size(item);
	const uint64_t rows = piece_rows(item, out < in ? in : out);

	return (struct cut){
		.units = quire_plan_rows(item),
		.step = rows,
		.out = (size_t)(rows * out),
		.scratch = quire_dense_scratch(&layout, item->value, rows),
	};
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

/* Rows that change places, each for itself. */
static void encode_apart(const struct plan_item *item, struct weight_rows rows,
			 unsigned char *out)
{
	const struct weight_storage *storage = &item->weight->storage;
	const uint64_t size = out_row_size(item);
	const uint64_t count = rows.count;

	rows.count = 1;
	for (uint64_t i = 0; i < count; i++, rows.first++) {
		item->encoding->encode(&rows,
				       out + place_of_row(item, i) * size);
		rows.codes += storage->codes.row_size;
		rows.scales += storage->scales.row_size;
		if (rows.zero_points)
			rows.zero_points += storage->zero_points.row_size;
	}
}

static quire_status fill_rows(struct piece *piece, quire_error *error)
{
	const struct plan_item *item = piece->item;
	struct weight_rows rows = { .weight = item->weight,
				    .column_blocks = piece->column_blocks,
				    .first = item->rows.first + piece->first,
				    .count = piece->count };
	const quire_status status =
	    quire_weight_fetch(&rows, piece->scratch, error);

	if (status != QUIRE_OK)
		return status;
	if (item->rows.heads == 0)
		item->encoding->encode(&rows, piece->out);
	else
		encode_apart(item, rows, piece->out);
	piece->data = piece->out;
	piece->size = (size_t)(piece->count * out_row_size(item));
	return QUIRE_OK;
}

static quire_status fill_copy(struct piece *piece, quire_error *error)
{
	const struct onnx_value *value = piece->item->value;

	piece->size = (size_t)piece->count;
	if (!value->file) {
		piece->data = value->bytes + piece->first;
		return QUIRE_OK;
	}
	piece->data = piece->out;
	return quire_onnx_read(value, piece->first, piece->out, piece->size,
			       error);
}

static quire_status fill_cast(struct piece *piece, quire_error *error)
{
	const struct onnx_value *value = piece->item->value;
	const struct cast *cast = piece->item->cast;
	const size_t count = (size_t)piece->count;
	const quire_status status =
	    quire_onnx_read(value, piece->first * cast->from_width,
			    piece->scratch, count * cast->from_width, error);

	if (status != QUIRE_OK)
		return status;
	cast->convert(piece->scratch, count, piece->out);
	piece->data = piece->out;
	piece->size = count * cast->to_width;
	return QUIRE_OK;
}

static quire_status fill_bias(struct piece *piece, quire_error *error)
{
	piece->data = piece->out;
	piece->size = (size_t)piece->item->size;
	return quire_bias_dequantize(&piece->item->bias, piece->out, error);
}

static quire_status fill_dense_rows(struct piece *piece, quire_error *error)
{
	const struct plan_item *item = piece->item;
	const struct rows_layout layout =
	    quire_dense_layout(item->value, item->rows.transpose);
	const unsigned char *in = piece->scratch;
	const size_t out_size = (size_t)out_row_size(item);
	const quire_status status = quire_dense_rows(
	    &layout, item->value, item->rows.first + piece->first, piece->count,
	    piece->scratch, error);

	if (status != QUIRE_OK)
		return status;
	for (uint64_t i = 0; i < piece->count; i++) {
		const uint64_t at = place_of_row(item, i);
		unsigned char *out = piece->out + at * out_size;

		if (item->cast)
			item->cast->convert(in, (size_t)layout.cols, out);
		else
			memcpy(out, in, out_size);
		in += quire_rows_size(&layout);
	}
	piece->data = piece->out;
	piece->size = (size_t)piece->count * out_size;
	return QUIRE_OK;
}

/* How tensors of each kind are made. Nothing else here depends on the kind. */
static const struct maker {
	struct cut (*cut)(const struct plan_item *item);
	/* Opens the files of an item, and reads the blocks of its columns. */
	quire_status (*open)(const struct plan_item *item,
			     uint32_t **column_blocks, quire_error *error);
	quire_status (*fill)(struct piece *piece, quire_error *error);
	void (*close)(const struct plan_item *item);
} makers[] = {
	[PLAN_WEIGHT] = { cut_weight, open_weight, fill_rows, close_weight },
	[PLAN_COPY] = { cut_copy, open_dense, fill_copy, close_dense },
	[PLAN_CAST] = { cut_cast, open_dense, fill_cast, close_dense },
	[PLAN_BIAS] = { cut_bias, open_dense, fill_bias, close_dense },
	[PLAN_ROWS] = { cut_rows, open_dense, fill_dense_rows, close_dense },
};

/* ------------------------------------------------------------------ pieces */

static quire_status fill(void *context, size_t worker, uint64_t number,
			 size_t slot, quire_error *error)
{
	const struct pipeline *pipe = context;
	struct piece *piece = &pipe->slots[slot];

	(void)worker;
	piece->item = pipe->item;
	piece->column_blocks = pipe->column_blocks;
	piece->first = (number - pipe->first) * pipe->step;
	piece->count = least(pipe->step, pipe->units - piece->first);
	return makers[piece->item->kind].fill(piece, error);
}

static quire_status take_piece(void *context, uint64_t number, size_t slot,
			       quire_error *error)
{
	struct pipeline *pipe = context;
	const struct pipeline_options *options = pipe->options;
	const struct piece *piece = &pipe->slots[slot];
	const quire_status status = pipe->take(pipe->context, piece->item,
					       piece->data, piece->size, error);

	(void)number;
	if (status != QUIRE_OK)
		return status;
	pipe->done += piece->size;
	if (options->progress &&
	    !options->progress(options->context, pipe->done, pipe->plan->size))
		return quire_fail(error, QUIRE_ERROR_CANCELLED, QUIRE_NO_OFFSET,
				  "cancelled");
	return QUIRE_OK;
}

/* The last pieces of an item are written while the next one is filled. */
static quire_status stream_pieces(struct pipeline *pipe,
				  const struct plan_item *item,
				  const uint32_t *column_blocks,
				  quire_error *error)
{
	const struct cut cut = makers[item->kind].cut(item);
	const uint64_t count = (cut.units - 1) / cut.step + 1;
	quire_status status;

	assert(cut.units > 0); /* the writer takes no empty tensor */
	pipe->item = item;
	pipe->column_blocks = column_blocks;
	pipe->units = cut.units;
	pipe->step = cut.step;
	status = quire_pieces_run(&pipe->pieces, count, error);
	pipe->first += count;
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

static void free_slots(struct pipeline *pipe)
{
	for (size_t i = 0; pipe->slots && i < pipe->slot_count; i++) {
		free(pipe->slots[i].out);
		free(pipe->slots[i].scratch);
	}
	free(pipe->slots);
}

static quire_status allocate_slots(struct pipeline *pipe, size_t out,
				   size_t scratch, quire_error *error)
{
	bool done;

	pipe->slots = calloc(pipe->slot_count, sizeof(*pipe->slots));
	done = pipe->slots != NULL;
	for (size_t i = 0; i < pipe->slot_count && done; i++) {
		pipe->slots[i].out = malloc(out + 1);
		pipe->slots[i].scratch = malloc(scratch + 1);
		done = pipe->slots[i].out && pipe->slots[i].scratch;
	}
	return done ? QUIRE_OK
		    : quire_fail_memory(error,
					pipe->slot_count * (out + scratch));
}

/* Memory for the largest piece of any item, in each slot. */
static quire_status allocate(struct pipeline *pipe, quire_error *error)
{
	const struct plan *plan = pipe->plan;
	size_t most_out = 0;
	size_t most_scratch = 0;

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
	return allocate_slots(pipe, most_out, most_scratch, error);
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
	return status == QUIRE_OK ? quire_pieces_end(&pipe->pieces, error)
				  : status;
}

quire_status quire_pipeline_pass(const struct plan *plan, pipeline_take_fn take,
				 void *context,
				 const struct pipeline_options *options,
				 quire_error *error)
{
	struct pipeline pipe = {
		.plan = plan,
		.take = take,
		.context = context,
		.options = options,
		.pieces = { .work = fill, .join = take_piece, .context = &pipe }
	};
	quire_status status;

	status = quire_crew_init(&pipe.crew, options->threads, NULL, NULL);
	if (status != QUIRE_OK)
		return quire_fail_threads(error, status, options->threads);
	pipe.slot_count =
	    pipe.crew.threads > 1 ? LEAD * (size_t)pipe.crew.threads : 1;
	status = allocate(&pipe, error);
	if (status == QUIRE_OK)
		status = quire_pieces_init(&pipe.pieces, &pipe.crew,
					   pipe.slot_count, error);
	if (status == QUIRE_OK) {
		status = stream(&pipe, error);
		quire_pieces_destroy(&pipe.pieces);
	}
	free_slots(&pipe);
	quire_crew_destroy(&pipe.crew);
	return status;
}

static quire_status write_bytes(void *context, const struct plan_item *item,
				const void *data, size_t size,
				quire_error *error)
{
	quire_writer *writer = context;

	return quire_writer_write(writer, item->index, data, size, error);
}

quire_status quire_pipeline_run(const struct plan *plan, quire_writer *writer,
				const struct pipeline_options *options,
				quire_error *error)
{
	return quire_pipeline_pass(plan, write_bytes, writer, options, error);
}
