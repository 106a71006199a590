/*
 * rows_layout.c - reads a row whole, with the bits before and behind it that
 * share its bytes, and puts its elements where they belong.
 */
#include "convert/rows_layout.h"

#include <string.h>

static size_t row_size_of(const struct rows_shape *shape)
{
	return (size_t)((shape->cols * shape->bits + 7) / 8);
}

size_t quire_rows_scratch(const struct rows_shape *shape, uint64_t count)
{
	/* A row as it lies may touch a part of one more byte. */
	return ((size_t)count + 1) * row_size_of(shape) + 1;
}

/* A row as it lies, and in *bit where it begins. */
static quire_status read_row(const struct rows_shape *shape,
			     const struct onnx_value *value, uint64_t row,
			     unsigned char *room, const unsigned char **bytes,
			     uint64_t *bit, quire_error *error)
{
	const uint64_t start = row * shape->cols * shape->bits;
	const uint64_t end = start + shape->cols * shape->bits;
	const uint64_t offset = start / 8;

	*bit = start % 8;
	if (!value->file) {
		*bytes = value->bytes + offset;
		return QUIRE_OK;
	}
	*bytes = room;
	return quire_onnx_read(value, offset, room,
			       (size_t)((end + 7) / 8 - offset), error);
}

/* Copies an element of fewer bits than a byte into zeroed bits, or of whole
 * bytes. */
static void put(const struct rows_shape *shape, const unsigned char *from,
		uint64_t from_bit, unsigned char *to, uint64_t to_bit)
{
	const uint32_t bits = shape->bits;
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

quire_status quire_rows_gather(const struct rows_shape *shape,
			       const struct onnx_value *value, uint64_t first,
			       uint64_t count, unsigned char *scratch,
			       quire_error *error)
{
	const size_t row_size = row_size_of(shape);
	unsigned char *room = scratch + count * row_size;

	memset(scratch, 0, (size_t)count * row_size);
	for (uint64_t row = 0; row < count; row++) {
		unsigned char *out = scratch + row * row_size;
		const unsigned char *bytes;
		uint64_t bit;
		quire_status status = read_row(shape, value, first + row, room,
					       &bytes, &bit, error);

		if (status != QUIRE_OK)
			return status;
		for (uint64_t col = 0; col < shape->cols; col++)
			put(shape, bytes, bit + col * shape->bits, out,
			    col * shape->bits);
	}
	return QUIRE_OK;
}
