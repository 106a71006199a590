/*
 * compare_plain.c - compares a dense tensor with its constant. With the same
 * type, the bytes are equal; with another type, each element is the nearest
 * number of that type. Checks the distance instead of rounding a second time.
 * Must not include plan/ or encode/, which choose the type and round.
 */
#include <fp16.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "convert/compare/compare.h"

/* Bytes of the constant that are read at once: whole elements. */
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

/* How far a number may be from the nearest one of a type: half of the last bit
 * of a significand, which has 11 or 8 bits; for subnormal numbers, half of the
 * smallest one. */
static double half_step(quire_dtype dtype, double value)
{
	const int bits = dtype == QUIRE_F16 ? 11 : 8;
	const double least = dtype == QUIRE_F16 ? 0x1p-25 : 0x1p-134;
	int exponent;

	frexp(value, &exponent); /* 2^(exponent - 1) <= |value| */
	return fmax(ldexp(1, exponent - 1 - bits), least);
}

/* Checks a number that a recipe has rounded to another type. */
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

static double number_at(quire_dtype dtype, const unsigned char *bytes)
{
	unsigned char wide[4] = { 0 };

	if (dtype == QUIRE_F32)
		return (double)load_f32(bytes);
	if (dtype == QUIRE_F16)
		return (double)fp16_ieee_to_fp32_value(load_u16(bytes));
	memcpy(wide + 2, bytes, 2);
	return (double)load_f32(wide);
}

/* Bytes of an element of a dense type. */
static size_t width_of(quire_dtype dtype)
{
	return dtype == QUIRE_F32 ? 4 : 2;
}

/* Counts the elements of a tensor that differ from those of a constant, whose
 * type is `from`. */
static quire_status compare_elements(const struct onnx_value *value,
				     quire_dtype from,
				     const quire_tensor *tensor,
				     struct compare_watch *watch,
				     quire_compare_row *row, quire_error *error)
{
	const quire_dtype to = tensor->dtype;
	const size_t width = width_of(from);
	const unsigned char *other = tensor->data;
	unsigned char *piece = malloc(PIECE_SIZE);

	if (!piece)
		return quire_fail_memory(error, PIECE_SIZE);

	quire_status status = quire_onnx_file_acquire(value->file, error);

	if (status != QUIRE_OK)
		goto out;
	for (uint64_t at = 0; at < value->size && status == QUIRE_OK;
	     at += PIECE_SIZE) {
		const uint64_t left = value->size - at;
		const size_t size =
		    left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;

		status = quire_onnx_read(value, at, piece, size, error);
		for (size_t i = 0; status == QUIRE_OK && i < size;
		     i += width, other += width_of(to))
			if (from == to)
				row->different +=
				    memcmp(piece + i, other, width) != 0;
			else
				compare_number(to, number_at(from, piece + i),
					       number_at(to, other), row);
		if (status == QUIRE_OK)
			status = quire_compare_watch_advance(
			    watch, size / width * width_of(to), error);
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

	/* A block of a dense type is one element. */
	quire_dtype_block(tensor->dtype, &count, &size);
	return tensor->size / size;
}

quire_status quire_compare_plain(const struct onnx_value *value,
				 const quire_tensor *tensor,
				 struct compare_watch *watch,
				 quire_compare_row *row, quire_error *error)
{
	quire_dtype dtype = QUIRE_F32;

	quire_compare_dense_type(value->type, &dtype);
	if (!is_dense(tensor->dtype))
		row->reason = "the type differs";
	else if (value->count != element_count(tensor))
		row->reason = "the size differs";
	else
		return compare_elements(value, dtype, tensor, watch, row,
					error);
	return QUIRE_OK;
}

/* --------------------------------------------------------- with an operation
 */

void quire_compare_plain_shape(const struct onnx_value *value, uint64_t *rows,
			       uint64_t *cols)
{
	const bool matrix = value->rank == 2;

	*rows = matrix ? (uint64_t)value->dims[0] : value->count;
	*cols = matrix ? (uint64_t)value->dims[1] : 1;
}

/* `bytes` is the constant, whose type is `from`. */
static quire_status compare_places(const unsigned char *bytes, quire_dtype from,
				   uint64_t cols,
				   const struct compare_part *part,
				   struct compare_watch *watch,
				   quire_compare_row *row, quire_error *error)
{
	const quire_tensor *tensor = part->tensor;
	const uint64_t width = tensor->rank == 2 ? tensor->shape[0] : 1;
	const unsigned char *other =
	    (const unsigned char *)tensor->data +
	    part->first * width * width_of(tensor->dtype);

	for (uint64_t i = 0; i < part->count; i++) {
		quire_status status;

		for (uint64_t j = 0; j < width; j++) {
			const unsigned char *before;
			uint64_t r = i;
			uint64_t c = j;

			quire_compare_part_place(part, &r, &c);
			before = bytes + (r * cols + c) * width_of(from);
			if (from == tensor->dtype)
				row->different +=
				    memcmp(before, other, width_of(from)) != 0;
			else
				compare_number(
				    tensor->dtype, number_at(from, before),
				    number_at(tensor->dtype, other), row);
			other += width_of(tensor->dtype);
			row->count++;
		}
		status = quire_compare_watch_advance(
		    watch, width * width_of(tensor->dtype), error);
		if (status != QUIRE_OK)
			return status;
	}
	return QUIRE_OK;
}

quire_status quire_compare_plain_part(const struct onnx_value *value,
				      struct compare_part *part,
				      struct compare_watch *watch,
				      quire_compare_row *row,
				      quire_error *error)
{
	const quire_tensor *tensor = part->tensor;
	quire_dtype dtype = QUIRE_F32;
	unsigned char *bytes;
	uint64_t rows, cols;
	quire_status status;

	quire_compare_dense_type(value->type, &dtype);
	quire_compare_plain_shape(value, &rows, &cols);
	if (!is_dense(tensor->dtype))
		row->reason = "the type differs";
	else
		row->reason = quire_compare_part_fits(
		    part, rows, cols, tensor->rank == 2 ? tensor->shape[0] : 1);
	if (row->reason)
		return QUIRE_OK;
	bytes = malloc((size_t)value->size + 1);
	if (!bytes)
		return quire_fail_memory(error, value->size);
	status = quire_onnx_read_all(value, bytes, error);
	if (status == QUIRE_OK)
		status =
		    compare_places(bytes, dtype, cols, part, watch, row, error);
	free(bytes);
	return status;
}

/* ----------------------------------------------------------- biases of INT32
 */

/* The float at `at` of a scale; the only one, if there is one for all. */
static float factor_at(const struct compare_array *scale, uint64_t at)
{
	return quire_onnx_float(scale->type, scale->bytes,
				scale->value->count == 1 ? 0 : at);
}

/* Reads a scale of the bias. */
static quire_status read_scale(const struct compare_source *source,
			       const struct onnx_node *user, size_t input,
			       struct compare_array *scale)
{
	const struct onnx_value *value =
	    quire_compare_origin(source->model, user, input);

	if (!value || value->origin != ONNX_CONSTANT || value->sparse ||
	    (value->count != 1 &&
	     value->count != source->integers.value->count) ||
	    (value->type != ONNX_FLOAT && value->type != ONNX_FLOAT16 &&
	     value->type != ONNX_BFLOAT16))
		return quire_compare_malformed(source, "a scale of the bias is "
						       "not a constant");
	*scale =
	    (struct compare_array){ .value = value,
				    .type = value->type,
				    .bytes = malloc((size_t)value->size + 1) };
	if (!scale->bytes)
		return quire_fail_memory(source->error, value->size);

	const quire_status status =
	    quire_onnx_read_all(value, scale->bytes, source->error);

	return status == QUIRE_OK
		   ? quire_compare_cast(source, user, input, scale)
		   : status;
}

quire_status quire_compare_integers(const struct compare_source *source,
				    const quire_tensor *tensor, bool *same)
{
	const struct compare_integers *integers = &source->integers;
	const struct onnx_value *value = integers->value;
	struct compare_array scales[2] = { { .value = NULL } };
	unsigned char *codes = malloc((size_t)value->size + 1);
	quire_status status =
	    codes ? quire_onnx_read_all(value, codes, source->error)
		  : quire_fail_memory(source->error, value->size);

	for (size_t i = 0; i < 2 && status == QUIRE_OK; i++)
		if (integers->scales[i].user)
			status =
			    read_scale(source, integers->scales[i].user,
				       integers->scales[i].input, &scales[i]);
	*same = tensor->dtype == QUIRE_F32 && tensor->rank == 1 &&
		tensor->shape[0] == value->count;
	for (uint64_t i = 0; i < value->count && *same && status == QUIRE_OK;
	     i++) {
		const float stored =
		    load_f32((const unsigned char *)tensor->data + 4 * i);
		float number = (float)(int32_t)load_u32(codes + 4 * i);
		float by = scales[0].bytes ? factor_at(&scales[0], i) : 1;

		if (scales[1].bytes)
			by *= factor_at(&scales[1], i);
		number *= by;
		*same = number == stored || (isnan(number) && isnan(stored));
	}
	free(codes);
	free(scales[0].bytes);
	free(scales[1].bytes);
	return status;
}
