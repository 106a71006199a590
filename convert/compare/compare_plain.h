/*
 * compare_plain.h - one dense tensor against the constant that it is from.
 */
#ifndef QUIRE_CONVERT_COMPARE_COMPARE_PLAIN_H
#define QUIRE_CONVERT_COMPARE_COMPARE_PLAIN_H

#include "convert/onnx/onnx.h"
#include "quire_convert.h"

/* The type of ONNX as one of ours, if it is a float type that we have. */
bool quire_compare_dense_type(int32_t type, quire_dtype *dtype);

/* Counts, in *row, the elements and those that differ, and notes the largest
 * rounding; its `reason` is why they cannot be compared. The constant is of a
 * dense type and has elements. Fails with IO and MEMORY. */
quire_status quire_compare_plain(const struct onnx_value *value,
				 const quire_tensor *tensor,
				 quire_compare_row *row, quire_error *error);

#endif
