/*
 * rows_layout.h - rows of elements of 2 to 32 bits out of tensors that do not
 * begin each row with a byte of its own, or have columns where we want rows.
 */
#ifndef QUIRE_CONVERT_WEIGHT_ROWS_LAYOUT_H
#define QUIRE_CONVERT_WEIGHT_ROWS_LAYOUT_H

#include "convert/onnx/onnx_model.h"

/*
 * Which element of a tensor is that of (row, col):
 *
 *	((row / group) * group_step + (row % group) * row_step +
 *	 col * col_step) / share
 *
 * All zero is no map at all: rows that lie whole, each from a byte of its own.
 */
struct element_map {
	uint64_t group; /* rows; at least 1 */
	uint64_t group_step;
	uint64_t row_step;
	uint64_t col_step;
	uint64_t share; /* elements in a row that have one in common */
	bool swapped;	/* of 4 bits: the high half of a byte is the first */
};

struct rows_shape {
	struct element_map map;
	uint32_t bits; /* of an element: 2, 4, 8, 16 or 32 */
	uint64_t cols; /* elements of a row */
	bool flip;     /* invert the top bit of each element */
};

/* Bytes of a row as it is gathered. */
size_t quire_rows_size(const struct rows_shape *shape);

/* Bytes that gathering `count` rows of a value needs. */
size_t quire_rows_scratch(const struct rows_shape *shape,
			  const struct onnx_value *value, uint64_t count);

/* Puts rows at the start of `scratch`, each in whole bytes, low bits first.
 * The file of the value must be acquired, and the value hold every element
 * that the map names. */
quire_status quire_rows_gather(const struct rows_shape *shape,
			       const struct onnx_value *value, uint64_t first,
			       uint64_t count, unsigned char *scratch,
			       quire_error *error);

#endif
