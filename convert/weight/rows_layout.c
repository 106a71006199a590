/*
 * rows_layout.c - rows of elements of 2 to 32 bits out of tensors where a row
 * does not begin with a byte of its own, or where columns lie in place of rows.
 * It reads lines, in whole bytes, and puts their elements in order. A line is a
 * row or a column, whichever lies closer together. Columns are read TILE at a
 * time, so that each row is written TILE elements at a time.
 */
#include <string.h>

#include "convert/weight/weight.h"

/* Columns that are read together: even, so that they fill bytes. */
#define TILE 32

size_t quire_rows_size(const struct rows_layout *layout)
{
	return (size_t)((layout->cols * layout->bits + 7) / 8);
}

static bool by_rows(const struct rows_layout *layout)
{
	const struct element_order *order = &layout->order;

	/* Within a group, if rows of a group differ. */
	return layout->cols > 1 &&
	       order->col_step <= (order->group > 1 && order->row_step > 0
				       ? order->row_step
				       : order->group_step);
}

/* Whether a group begins elsewhere than about where the one before it ends. */
static bool jumps(const struct element_order *order)
{
	const uint64_t step = order->row_step > 0 ? order->row_step : 1;

	return order->group_step / order->group > step ||
	       order->group_step < (order->group - 1) * order->row_step;
}

/* How many of `count` rows a line may have: if groups jump, those of one. */
static uint64_t line_rows(const struct element_order *order, uint64_t first,
			  uint64_t count)
{
	const uint64_t left = order->group - first % order->group;

	return jumps(order) && left < count ? left : count;
}

/* The most bytes that a line of `count` rows takes. */
static size_t line_size(const struct rows_layout *layout,
			const struct onnx_value *value, uint64_t count)
{
	const struct element_order *order = &layout->order;
	uint64_t line = element_number(order, 0, layout->cols - 1);

	/* Rows that begin within a group may end in the next one. */
	if (!by_rows(layout)) {
		line = element_number(order, line_rows(order, 0, count) - 1, 0);
		if (!jumps(order))
			line += order->group_step / order->share;
	}
	if (line > value->size * 8 / layout->bits)
		line = value->size * 8 / layout->bits;
	/* One more element since division rounds down, and a byte at each end.
	 */
	return (size_t)((line + 2) * layout->bits / 8) + 2;
}

size_t quire_rows_scratch(const struct rows_layout *layout,
			  const struct onnx_value *value, uint64_t count)
{
	return (size_t)count * quire_rows_size(layout) +
	       (by_rows(layout) ? 1 : TILE) * line_size(layout, value, count);
}

/* The bytes of a line. */
struct line {
	const unsigned char *bytes;
	uint64_t base; /* the first element in them */
	uint64_t at;   /* the line's first element, from there */
};

static quire_status read_line(const struct rows_layout *layout,
			      const struct onnx_value *value, uint64_t first,
			      uint64_t last, unsigned char *room,
			      struct line *line, quire_error *error)
{
	const uint64_t start = first * layout->bits / 8;
	const uint64_t end = (last * layout->bits + layout->bits + 7) / 8;

	line->base = start * 8 / layout->bits;
	line->at = first - line->base;
	if (!value->file) {
		line->bytes = value->bytes + start;
		return QUIRE_OK;
	}
	line->bytes = room;
	return quire_onnx_read(value, start, room, (size_t)(end - start),
			       error);
}

/* Copies an element of whole bytes, or of fewer bits, into bits that are 0. */
static inline void put(const struct rows_layout *layout,
		       const unsigned char *from, uint64_t from_at,
		       unsigned char *to, uint64_t to_at)
{
	const uint32_t bits = layout->bits;
	const uint64_t from_bit = from_at * bits;
	const uint64_t to_bit = to_at * bits;
	const unsigned top = layout->flip ? 1u << (bits % 8 ? bits - 1 : 7) : 0;
	unsigned element;

	if (bits >= 8) {
		memcpy(to + to_bit / 8, from + from_bit / 8, bits / 8);
		to[to_bit / 8] ^= (unsigned char)top;
		return;
	}
	element = from[from_bit / 8];
	element = (element >> from_bit % 8 & ((1u << bits) - 1)) ^ top;
	to[to_bit / 8] |= (unsigned char)(element << to_bit % 8);
}

/* The top bit of each element of a byte. */
static unsigned char flip_mask(const struct rows_layout *layout)
{
	static const unsigned char masks[] = {
		[2] = 0xAA, [4] = 0x88, [8] = 0x80
	};

	return layout->flip ? masks[layout->bits] : 0;
}

/* Consecutive elements that begin with a byte. */
static void copy_row(const struct rows_layout *layout, const struct line *line,
		     unsigned char *out)
{
	const size_t size = quire_rows_size(layout);
	const unsigned rest = (unsigned)(layout->cols * layout->bits % 8);
	const unsigned mask = flip_mask(layout);

	for (size_t i = 0; i < size; i++) {
		unsigned byte = line->bytes[i];

		if (layout->order.swap)
			byte = byte >> 4 | byte << 4;
		out[i] = (unsigned char)(byte ^ mask);
	}
	if (rest)
		out[size - 1] &= (unsigned char)((1u << rest) - 1);
}

static quire_status gather_row(const struct rows_layout *layout,
			       const struct onnx_value *value, uint64_t row,
			       unsigned char *room, unsigned char *out,
			       quire_error *error)
{
	const struct element_order *order = &layout->order;
	const uint64_t first = element_number(order, row, 0);
	const uint64_t last = element_number(order, row, layout->cols - 1);
	const uint64_t swap = order->swap;
	const bool even = order->share == 1;
	struct line line;
	quire_status status =
	    read_line(layout, value, first, last, room, &line, error);

	if (status != QUIRE_OK)
		return status;
	if (even && order->col_step == 1 && line.at == 0 && layout->bits <= 8) {
		copy_row(layout, &line, out);
		return QUIRE_OK;
	}
	for (uint64_t col = 0; col < layout->cols; col++) {
		const uint64_t at = even ? first + col * order->col_step
					 : element_number(order, row, col);

		put(layout, line.bytes, (at - line.base) ^ swap, out, col);
	}
	return QUIRE_OK;
}

static unsigned nibble_at(const struct line *line, uint64_t row)
{
	const uint64_t at = line->at + row;
	const unsigned byte = line->bytes[at / 2];

	return byte >> (at % 2 * 4) & 15;
}

/* Writes columns of 4-bit elements that are consecutive in each column. */
static void weave_nibbles(const struct line *lines, uint64_t count,
			  uint64_t rows, unsigned mask, size_t row_size,
			  unsigned char *out)
{
	for (uint64_t row = 0; row < rows; row++, out += row_size) {
		for (uint64_t i = 0; i + 1 < count; i += 2)
			out[i / 2] =
			    (unsigned char)((nibble_at(&lines[i], row) |
					     nibble_at(&lines[i + 1], row)
						 << 4) ^
					    mask);
		if (count % 2)
			out[count / 2] =
			    (unsigned char)(nibble_at(&lines[count - 1], row) ^
					    (mask & 15));
	}
}

/* Writes any other columns, `count` from `first_col` on. */
static void weave(const struct rows_layout *layout, const struct line *lines,
		  uint64_t first_col, uint64_t count, uint64_t first_row,
		  uint64_t rows, unsigned char *out)
{
	const struct element_order *order = &layout->order;
	const size_t row_size = quire_rows_size(layout);
	const uint64_t swap = order->swap;
	const bool even = order->share == 1 &&
			  first_row % order->group + rows <= order->group;

	for (uint64_t row = 0; row < rows; row++, out += row_size)
		for (uint64_t i = 0; i < count; i++) {
			const uint64_t col = first_col + i;
			const uint64_t at =
			    even ? lines[i].at + row * order->row_step
				 : element_number(order, first_row + row, col) -
				       lines[i].base;

			put(layout, lines[i].bytes, at ^ swap, out, col);
		}
}

/* Reads and writes `count` columns, each by a line of `size` bytes at most. The
 * rows are 0 before. */
static quire_status gather_tile(const struct rows_layout *layout,
				const struct onnx_value *value, uint64_t col,
				uint64_t count, uint64_t first, uint64_t rows,
				size_t size, unsigned char *room,
				unsigned char *out, quire_error *error)
{
	const struct element_order *order = &layout->order;
	const size_t row_size = quire_rows_size(layout);
	struct line lines[TILE];

	for (uint64_t i = 0; i < count; i++) {
		const quire_status status = read_line(
		    layout, value, element_number(order, first, col + i),
		    element_number(order, first + rows - 1, col + i),
		    room + i * size, &lines[i], error);

		if (status != QUIRE_OK)
			return status;
	}
	if (layout->bits == 4 && order->share == 1 && order->row_step == 1 &&
	    first % order->group + rows <= order->group && !order->swap)
		weave_nibbles(lines, count, rows, flip_mask(layout), row_size,
			      out + col / 2);
	else
		weave(layout, lines, col, count, first, rows, out);
	return QUIRE_OK;
}

/* Columns of rows that a line may have. */
static quire_status gather_columns(const struct rows_layout *layout,
				   const struct onnx_value *value,
				   uint64_t first, uint64_t rows, size_t size,
				   unsigned char *room, unsigned char *out,
				   quire_error *error)
{
	quire_status status = QUIRE_OK;

	for (uint64_t col = 0; col < layout->cols && status == QUIRE_OK;
	     col += TILE) {
		const uint64_t left = layout->cols - col;

		status =
		    gather_tile(layout, value, col, left < TILE ? left : TILE,
				first, rows, size, room, out, error);
	}
	return status;
}

quire_status quire_rows_gather(const struct rows_layout *layout,
			       const struct onnx_value *value, uint64_t first,
			       uint64_t count, unsigned char *scratch,
			       quire_error *error)
{
	const size_t row_size = quire_rows_size(layout);
	const size_t size = line_size(layout, value, count);
	const bool rows = by_rows(layout);
	unsigned char *room = scratch + count * row_size;
	quire_status status = QUIRE_OK;
	uint64_t step;

	memset(scratch, 0, (size_t)count * row_size);
	for (uint64_t i = 0; i < count && status == QUIRE_OK; i += step) {
		unsigned char *out = scratch + i * row_size;

		step =
		    rows ? 1 : line_rows(&layout->order, first + i, count - i);
		status = rows ? gather_row(layout, value, first + i, room, out,
					   error)
			      : gather_columns(layout, value, first + i, step,
					       size, room, out, error);
	}
	return status;
}

struct rows_layout quire_dense_layout(const struct onnx_value *value,
				      bool transpose)
{
	const uint64_t across = value->rank == 2 ? (uint64_t)value->dims[1] : 1;
	struct rows_layout layout = { .bits = quire_onnx_type_bits(value->type),
				      .cols = across };

	if (!transpose)
		return layout;
	layout.cols = (uint64_t)value->dims[0];
	layout.order = (struct element_order){ .group = across,
					       .group_step = across,
					       .row_step = 1,
					       .col_step = across,
					       .share = 1 };
	return layout;
}

size_t quire_dense_scratch(const struct rows_layout *layout,
			   const struct onnx_value *value, uint64_t count)
{
	return layout->order.share == 0
		   ? (size_t)count * quire_rows_size(layout)
		   : quire_rows_scratch(layout, value, count);
}

quire_status quire_dense_rows(const struct rows_layout *layout,
			      const struct onnx_value *value, uint64_t first,
			      uint64_t count, unsigned char *scratch,
			      quire_error *error)
{
	const size_t size = quire_rows_size(layout);

	return layout->order.share == 0
		   ? quire_onnx_read(value, first * size, scratch,
				     (size_t)count * size, error)
		   : quire_rows_gather(layout, value, first, count, scratch,
				       error);
}
