/*
 * rows_layout.h - rows of elements of 2 to 32 bits out of tensors that do not
 * begin each row with a byte of its own.
 */
#ifndef QUIRE_CONVERT_ROWS_LAYOUT_H
#define QUIRE_CONVERT_ROWS_LAYOUT_H

#include "convert/onnx_model.h"

struct rows_shape {
	uint32_t bits; /* of an element: 2, 4, 8, 16 or 32 */
	uint64_t cols; /* elements of a row */
	bool flip;     /* invert the top bit of each element */
};

/* Bytes that gathering `count` rows needs. */
size_t quire_rows_scratch(const struct rows_shape *shape, uint64_t count);

/* Puts rows at the start of `scratch`, each in whole bytes, low bits first.
 * The file of the value must be acquired, and the value hold
 * (first + count) * cols elements. */
quire_status quire_rows_gather(const struct rows_shape *shape,
			       const struct onnx_value *value, uint64_t first,
			       uint64_t count, unsigned char *scratch,
			       quire_error *error);

#endif
