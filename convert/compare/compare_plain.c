/*
 * compare_plain.c - a dense tensor is the bytes of its source, or, where it has
 * another type, each number the nearest one of that type. Rounding is judged
 * by distance, and not done again.
 */
#include "convert/compare/compare_plain.h"

#include <fp16.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

/* Bytes of the source that are read together. */
#define PIECE_SIZE ((size_t)1 << 18)

bool quire_compare_dense_type(int32_t type, quire_dtype *dtype)
{
	switch (type) {
	case ONNX_FLOAT:
		*dtype = QUIRE_F32;
		return true;
	case ONNX_FLOAT16:
		*dtype = QUIRE_F16;
		return true;
	case ONNX_BFLOAT16:
		*dtype = QUIRE_BF16;
		return true;
	default:
		return false;
	}
}

/* Elements that are not the same bytes. */
static quire_status compare_bytes(const struct onnx_value *value,
				  const quire_tensor *tensor, uint64_t width,
				  quire_compare_row *row, quire_error *error)
{
	unsigned char *piece = malloc(PIECE_SIZE);
	quire_status status;

	if (!piece)
		return quire_fail_memory(error, PIECE_SIZE);
	status = quire_onnx_file_acquire(value->file, error);
	if (status != QUIRE_OK)
		goto out;
	for (uint64_t at = 0; at < value->size && status == QUIRE_OK;
	     at += PIECE_SIZE) {
		const uint64_t left = value->size - at;
		const size_t size =
		    left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
		const unsigned char *other =
		    (const unsigned char *)tensor->data + at;

		status = quire_onnx_read(value, at, piece, size, error);
		for (size_t i = 0; status == QUIRE_OK && i < size; i += width)
			row->different +=
			    memcmp(piece + i, other + i, width) != 0;
	}
	quire_onnx_file_release(value->file);
	row->count = value->count;
out:
	free(piece);
	return status;
}

/* How far the nearest number of a type may lie from one: half a step, by the
 * bits of a significand, 11 or 8; among the smallest numbers, whose exponent
 * ends, half of the smallest one. */
static double half_step(quire_dtype dtype, double value)
{
	const int bits = dtype == QUIRE_F16 ? 11 : 8;
	const double least = dtype == QUIRE_F16 ? 0x1p-25 : 0x1p-134;
	int exponent;

	frexp(value, &exponent); /* 2^(exponent - 1) <= |value| */
	return fmax(ldexp(1, exponent - 1 - bits), least);
}

/* A number that a recipe has rounded to another type. */
static void compare_number(quire_dtype dtype, double before, double after,
			   quire_compare_row *row)
{
	const double distance = fabs(after - before);

	if (before == after || (isnan(before) && isnan(after)))
		return;
	if (dtype != QUIRE_F32 && distance <= half_step(dtype, before))
		row->scale_error_max =
		    fmax(row->scale_error_max, distance / fabs(before));
	else
		row->different++;
}

/* A dense number of the source, in the type that it has there. */
static double source_number(quire_dtype dtype, const unsigned char *bytes)
{
	unsigned char wide[4] = { 0 };

	if (dtype == QUIRE_F32)
		return (double)load_f32(bytes);
	if (dtype == QUIRE_F16)
		return (double)fp16_ieee_to_fp32_value(load_u16(bytes));
	memcpy(wide + 2, bytes, 2);
	return (double)load_f32(wide);
}

/* Elements that are not the nearest ones of the tensor's type. */
static quire_status compare_rounded(const struct onnx_value *value,
				    quire_dtype dtype,
				    const quire_tensor *tensor,
				    quire_compare_row *row, quire_error *error)
{
	const size_t from_width = dtype == QUIRE_F32 ? 4 : 2;
	const size_t to_width = tensor->dtype == QUIRE_F32 ? 4 : 2;
	const unsigned char *other = tensor->data;
	unsigned char *piece = malloc(PIECE_SIZE);
	quire_status status;

	if (!piece)
		return quire_fail_memory(error, PIECE_SIZE);
	status = quire_onnx_file_acquire(value->file, error);
	if (status != QUIRE_OK)
		goto out;
	for (uint64_t at = 0; at < value->size && status == QUIRE_OK;
	     at += PIECE_SIZE) {
		const uint64_t left = value->size - at;
		const size_t size =
		    left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;

		status = quire_onnx_read(value, at, piece, size, error);
		for (size_t i = 0; status == QUIRE_OK && i < size;
		     i += from_width, other += to_width)
			compare_number(
			    tensor->dtype, source_number(dtype, piece + i),
			    source_number(tensor->dtype, other), row);
	}
	quire_onnx_file_release(value->file);
	row->count = value->count;
out:
	free(piece);
	return status;
}

static bool is_dense(quire_dtype dtype)
{
	return dtype == QUIRE_F32 || dtype == QUIRE_F16 || dtype == QUIRE_BF16;
}

static uint64_t element_count(const quire_tensor *tensor)
{
	uint32_t count, size;

	/* A dense type's block is one element. */
	quire_dtype_block(tensor->dtype, &count, &size);
	return tensor->size / size;
}

quire_status quire_compare_plain(const struct onnx_value *value,
				 const quire_tensor *tensor,
				 quire_compare_row *row, quire_error *error)
{
	quire_dtype dtype = QUIRE_F32;

	quire_compare_dense_type(value->type, &dtype);
	if (!is_dense(tensor->dtype))
		row->reason = "the type differs";
	else if (value->count != element_count(tensor))
		row->reason = "the size differs";
	else if (dtype != tensor->dtype)
		return compare_rounded(value, dtype, tensor, row, error);
	else
		return compare_bytes(value, tensor, value->size / value->count,
				     row, error);
	return QUIRE_OK;
}
