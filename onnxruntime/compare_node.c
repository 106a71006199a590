/*
 * compare_node.c - whether a linear of the container is what a node of the
 * model multiplies by: sizes, bias, and values of the weight. What the
 * container must hold is computed from the node's codes, scales and zero points
 * as spec/format.md and docs/onnx.md define it, so that equal means equal to
 * the bit.
 *
 * A sample is one run of codes that lie together, about a page, at a place that
 * depends on the linear's name alone: every weight costs a few page faults.
 */
#include <fp16.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "onnxruntime/provider.h"

/* A rectangle of a weight. */
struct window {
	uint64_t first_row, end_row;
	uint64_t first_col, end_col;
};

static float as_f16(float value)
{
	return fp16_ieee_to_fp32_value(fp16_ieee_from_fp32_value(value));
}

/* The f16 nearest to a double. An f32 between them would round twice; one whose
 * last bit is 1 whenever it is not exact does not. */
static float double_as_f16(double value)
{
	float near = (float)value;
	uint32_t bits;

	memcpy(&bits, &near, sizeof(bits));
	if ((double)near != value && isfinite(near) && !(bits & 1))
		near = nextafterf(near,
				  (double)near < value ? INFINITY : -INFINITY);
	return as_f16(near);
}

static float as_bf16(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* What a tensor of a type decodes to for this code, zero point and scale. */
static float expected(quire_dtype dtype, float code, float zero, float scale)
{
	switch (dtype) {
	case QUIRE_Q4_0:
	case QUIRE_Q8_0:
		return (code - zero) * as_f16(scale);
	case QUIRE_Q4_1: {
		const float product = code * as_f16(scale);

		return product + double_as_f16(-(double)zero * (double)scale);
	}
	case QUIRE_F16:
		return as_f16((code - zero) * scale);
	case QUIRE_BF16:
		return as_bf16((code - zero) * scale);
	default:
		return (code - zero) * scale;
	}
}

static bool equal(float a, float b)
{
	return a == b || (isnan(a) && isnan(b));
}

static bool compare_row(const struct node_weight *weight,
			const quire_linear *linear, const struct window *window,
			uint64_t row, const float *actual, char **reason)
{
	/* Q4_1 counts codes from 0, also those of two's complement. */
	const float lift =
	    linear->weight->dtype == QUIRE_Q4_1 && weight->is_signed
		? (float)(1 << (weight->bits - 1))
		: 0;

	for (uint64_t col = window->first_col; col < window->end_col; col++) {
		const float code = quire_node_weight_code(weight, row, col);
		const float zero = quire_node_weight_zero(weight, row, col);
		const float scale = quire_node_weight_scale(weight, row, col);
		const float wanted = expected(linear->weight->dtype,
					      code + lift, zero + lift, scale);

		if (equal(wanted, actual[col]))
			continue;
		*reason = quire_ort_text(
		    "the model's weight at row %" PRIu64 ", column %" PRIu64
		    " is code %g with zero point %g and scale %g, which the "
		    "container would hold as %g; tensor '%.*s' has %g there",
		    row, col, (double)code, (double)zero, (double)scale,
		    (double)wanted, (int)linear->weight->name.size,
		    linear->weight->name.data, (double)actual[col]);
		return false;
	}
	return true;
}

static bool compare_values(const struct node_weight *weight,
			   const quire_linear *linear,
			   const struct window *window, char **reason)
{
	float *row = calloc((size_t)window->end_col, sizeof(*row));
	bool same = true;

	if (!row) {
		*reason = quire_ort_text("out of memory");
		return false;
	}
	for (uint64_t i = window->first_row; i < window->end_row && same; i++) {
		quire_error error = { 0 };

		if (quire_tensor_decode(linear->weight, i, 1, window->end_col,
					row, &error) == QUIRE_OK) {
			same =
			    compare_row(weight, linear, window, i, row, reason);
			continue;
		}
		*reason = quire_ort_error_text(&error, NULL);
		same = false;
	}
	free(row);
	return same;
}

/* Where a run of `size` of `count` begins. */
static uint64_t pick(uint64_t hash, uint64_t count, uint64_t *size)
{
	if (*size > count)
		*size = count;
	return hash % (count - *size + 1);
}

static struct window sample(const struct node_weight *weight,
			    const quire_linear *linear)
{
	const uint64_t hash =
	    quire_hash_bytes(linear->name.data, linear->name.size);
	uint64_t rows = weight->near_rows;
	uint64_t cols = weight->near_cols;
	struct window window;

	window.first_row = pick(hash & UINT32_MAX, weight->n, &rows);
	window.first_col = pick(hash >> 32, weight->k, &cols);
	window.end_row = window.first_row + rows;
	window.end_col = window.first_col + cols;
	return window;
}

static bool compare_sizes(const struct node_weight *weight,
			  const quire_linear *linear, char **reason)
{
	const quire_dtype dtype = linear->weight->dtype;

	if (weight->k != linear->k || weight->n != linear->n)
		*reason = quire_ort_text(
		    "it has K = %" PRIu64 " and N = %" PRIu64
		    "; the container's linear '%.*s' has K = %" PRIu64
		    " and N = %" PRIu64,
		    weight->k, weight->n, (int)linear->name.size,
		    linear->name.data, linear->k, linear->n);
	else if ((weight->bits == 8 &&
		  (dtype == QUIRE_Q4_0 || dtype == QUIRE_Q4_1)) ||
		 (weight->bits != 8 && dtype == QUIRE_Q8_0))
		*reason = quire_ort_text(
		    "it has codes of %" PRIu32
		    " bits; the container's tensor '%.*s' is %s",
		    weight->bits, (int)linear->weight->name.size,
		    linear->weight->name.data, quire_dtype_name(dtype));
	else if (weight->has_bias != (linear->bias != NULL))
		*reason = quire_ort_text(
		    "it has %s bias; the container's linear '%.*s' has %s",
		    weight->has_bias ? "a" : "no", (int)linear->name.size,
		    linear->name.data, weight->has_bias ? "none" : "one");
	else
		return true;
	return false;
}

/* A bias is small: it is compared as a whole. */
static bool compare_bias(const struct node_weight *weight,
			 const quire_linear *linear, char **reason)
{
	quire_error error = { 0 };
	float *values;
	bool same = true;

	if (!linear->bias || !weight->bias.data)
		return true;
	values = calloc((size_t)linear->n, sizeof(*values));
	if (!values) {
		*reason = quire_ort_text("out of memory");
		return false;
	}
	if (quire_tensor_decode(linear->bias, 0, 1, linear->n, values,
				&error) != QUIRE_OK) {
		*reason = quire_ort_error_text(&error, NULL);
		same = false;
	}
	for (uint64_t i = 0; i < linear->n && same; i++) {
		const float wanted = quire_node_weight_bias(weight, i);

		if (equal(wanted, values[i]))
			continue;
		*reason = quire_ort_text(
		    "its bias %" PRIu64
		    " is %g; tensor '%.*s' of the container has %g",
		    i, (double)wanted, (int)linear->bias->name.size,
		    linear->bias->name.data, (double)values[i]);
		same = false;
	}
	free(values);
	return same;
}

bool quire_node_compare(const struct node_weight *weight,
			const quire_linear *linear, enum check check,
			char **reason)
{
	struct window window = { 0, linear->n, 0, linear->k };

	if (!compare_sizes(weight, linear, reason))
		return false;
	if (check == CHECK_NONE || !weight->codes.data)
		return true;
	if (check == CHECK_SAMPLE)
		window = sample(weight, linear);
	return compare_bias(weight, linear, reason) &&
	       compare_values(weight, linear, &window, reason);
}
