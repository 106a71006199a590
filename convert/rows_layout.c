/*
 * rows_layout.c - reads lines, with the bits before and behind each that share
 * its bytes, and puts their elements where they belong. A line is a row or a
 * column, whichever lies closer together.
 */
#include "convert/rows_layout.h"

#include <string.h>

size_t quire_rows_size(const struct rows_shape *shape)
{
	return (size_t)((shape->cols * shape->bits + 7) / 8);
}

static uint64_t element_at(const struct element_map *map, uint64_t row,
			   uint64_t col)
{
	const uint64_t at = row / map->group * map->group_step +
			    row % map->group * map->row_step +
			    col * map->col_step;

	return map->share == 1 ? at : at / map->share;
}

static bool by_rows(const struct rows_shape *shape)
{
	const struct element_map *map = &shape->map;

	return shape->cols > 1 && (map->col_step <= map->row_step ||
				   map->col_step <= map->group_step);
}

size_t quire_rows_scratch(const struct rows_shape *shape,
			  const struct onnx_value *value, uint64_t count)
{
	const struct element_map *map = &shape->map;
	uint64_t line = element_at(map, 0, shape->cols - 1);

	/* Rows that begin within a group end in one group more. */
	if (!by_rows(shape))
		line = element_at(map, count - 1, 0) +
		       map->group_step / map->share;
	if (line > value->size * 8 / shape->bits)
		line = value->size * 8 / shape->bits;
	/* An element more for what division cuts off, a byte for either end. */
	return (size_t)count * quire_rows_size(shape) +
	       (size_t)((line + 2) * shape->bits / 8) + 2;
}

/* Elements of a line and what lies between them. */
struct line {
	const unsigned char *bytes;
	uint64_t base; /* the first element in them */
};

static quire_status read_line(const struct rows_shape *shape,
			      const struct onnx_value *value, uint64_t first,
			      uint64_t last, unsigned char *room,
			      struct line *line, quire_error *error)
{
	const uint64_t start = first * shape->bits / 8;
	const uint64_t end = (last * shape->bits + shape->bits + 7) / 8;

	line->base = start * 8 / shape->bits;
	if (!value->file) {
		line->bytes = value->bytes + start;
		return QUIRE_OK;
	}
	line->bytes = room;
	return quire_onnx_read(value, start, room, (size_t)(end - start),
			       error);
}

/* Copies an element of fewer bits than a byte into zeroed bits, or of whole
 * bytes. */
static inline void put(const struct rows_shape *shape,
		       const unsigned char *from, uint64_t from_at,
		       unsigned char *to, uint64_t to_at)
{
	const uint32_t bits = shape->bits;
	const uint64_t from_bit = from_at * bits;
	const uint64_t to_bit = to_at * bits;
	const unsigned top = shape->flip ? 1u << (bits % 8 ? bits - 1 : 7) : 0;
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

static quire_status gather_row(const struct rows_shape *shape,
			       const struct onnx_value *value, uint64_t row,
			       unsigned char *room, unsigned char *out,
			       quire_error *error)
{
	const struct element_map *map = &shape->map;
	const uint64_t first = element_at(map, row, 0);
	const uint64_t last = element_at(map, row, shape->cols - 1);
	const unsigned swap = map->swapped;
	const bool even = map->share == 1;
	struct line line;
	quire_status status =
	    read_line(shape, value, first, last, room, &line, error);

	if (status != QUIRE_OK)
		return status;
	for (uint64_t col = 0; col < shape->cols; col++) {
		const uint64_t at = even ? first + col * map->col_step
					 : element_at(map, row, col);

		put(shape, line.bytes, (at - line.base) ^ swap, out, col);
	}
	return QUIRE_OK;
}

static quire_status gather_column(const struct rows_shape *shape,
				  const struct onnx_value *value, uint64_t col,
				  uint64_t first_row, uint64_t count,
				  unsigned char *room, unsigned char *out,
				  quire_error *error)
{
	const struct element_map *map = &shape->map;
	const size_t row_size = quire_rows_size(shape);
	const uint64_t first = element_at(map, first_row, col);
	const uint64_t last = element_at(map, first_row + count - 1, col);
	const unsigned swap = map->swapped;
	const bool even = map->share == 1 && first_row + count <= map->group;
	struct line line;
	quire_status status =
	    read_line(shape, value, first, last, room, &line, error);

	if (status != QUIRE_OK)
		return status;
	for (uint64_t row = 0; row < count; row++) {
		const uint64_t at = even
					? first + row * map->row_step
					: element_at(map, first_row + row, col);

		put(shape, line.bytes, (at - line.base) ^ swap,
		    out + row * row_size, col);
	}
	return QUIRE_OK;
}

quire_status quire_rows_gather(const struct rows_shape *shape,
			       const struct onnx_value *value, uint64_t first,
			       uint64_t count, unsigned char *scratch,
			       quire_error *error)
{
	const size_t row_size = quire_rows_size(shape);
	const bool rows = by_rows(shape);
	const uint64_t lines = rows ? count : shape->cols;
	unsigned char *room = scratch + count * row_size;
	quire_status status = QUIRE_OK;

	memset(scratch, 0, (size_t)count * row_size);
	for (uint64_t i = 0; i < lines && status == QUIRE_OK; i++)
		status = rows ? gather_row(shape, value, first + i, room,
					   scratch + i * row_size, error)
			      : gather_column(shape, value, i, first, count,
					      room, scratch, error);
	return status;
}
