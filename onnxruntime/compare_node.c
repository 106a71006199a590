/*
 * compare_node.c - whether a linear of the container is what a node of the
 * model multiplies by: sizes, bias, and values of the weight. What the
 * container must hold is computed from the node's codes, scales and zero points
 * as spec/format.md and docs/onnx.md define it, so that equal means equal to
 * the bit.
 *
 * A sample is one run of codes that lie together, at a place that depends on
 * the linear's name alone: every weight costs a few page faults.
 */
#include <fp16.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "onnxruntime/provider.h"

/* The columns of a block of a quantized tensor. */
#define BLOCK_COLS 32

/* A rectangle of a weight. The first column begins a block. */
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

/* What a tensor of a type holds of the scale and zero point of a block. */
struct block_values {
	float zero, scale; /* the model's */
	float d, m;	   /* the container's: scale, and -zero * scale */
};

static struct block_values block_values(float zero, float scale)
{
	return (struct block_values){ zero, scale, as_f16(scale),
				      double_as_f16(-(double)zero *
						    (double)scale) };
}

/* Columns that are compared at once. */
#define RUN 64

/* What a tensor of a type decodes to for up to RUN codes of such a block. */
static void expect(quire_dtype dtype, const float *codes, size_t count,
		   const struct block_values *block, float *wanted)
{
	const float zero = block->zero;

	switch (dtype) {
	case QUIRE_Q4_0:
	case QUIRE_Q8_0:
		for (size_t i = 0; i < count; i++)
			wanted[i] = (codes[i] - zero) * block->d;
		break;
	case QUIRE_Q4_1:
		for (size_t i = 0; i < count; i++) {
			const float product = codes[i] * block->d;

			wanted[i] = product + block->m;
		}
		break;
	default:
		for (size_t i = 0; i < count; i++)
			wanted[i] = (codes[i] - zero) * block->scale;
	}
	for (size_t i = 0; i < count && dtype == QUIRE_F16; i++)
		wanted[i] = as_f16(wanted[i]);
	for (size_t i = 0; i < count && dtype == QUIRE_BF16; i++)
		wanted[i] = as_bf16(wanted[i]);
}

static bool equal(float a, float b)
{
	return a == b || (isnan(a) && isnan(b));
}

/* The first of `count` values that differ; `count`: none. */
static size_t first_difference(const float *a, const float *b, size_t count)
{
	size_t unequal = 0;
	size_t i = 0;

	/* Without a branch for each: compilers vectorize it. */
	for (size_t at = 0; at < count; at++)
		unequal += a[at] != b[at];
	if (unequal == 0)
		return count;
	while (i < count && equal(a[i], b[i]))
		i++;
	return i;
}

static bool differ(const struct node_weight *weight, const quire_linear *linear,
		   uint64_t row, uint64_t col, float wanted, float actual,
		   char **reason)
{
	*reason = quire_ort_text(
	    "the model's weight at row %" PRIu64 ", column %" PRIu64
	    " is code %g with zero point %g and scale %g, which the container "
	    "would hold as %g; tensor '%.*s' has %g there",
	    row, col, (double)quire_node_weight_code(weight, row, col),
	    (double)quire_node_weight_zero(weight, row, col),
	    (double)quire_node_weight_scale(weight, row, col), (double)wanted,
	    (int)linear->weight->name.size, linear->weight->name.data,
	    (double)actual);
	return false;
}

/* Where another scale begins. */
static uint64_t block_end(const struct node_weight *weight, uint64_t col)
{
	const uint64_t group = weight->scale_order.col_group;

	if (weight->g_idx.data)
		return col + 1;
	return weight->scale_order.col_step == 0 ? UINT64_MAX
						 : (col / group + 1) * group;
}

/* `actual` has the columns of the window, from the first one on. */
static bool compare_row(const struct node_weight *weight,
			const quire_linear *linear, const struct window *window,
			uint64_t row, const float *actual, char **reason)
{
	const quire_dtype dtype = linear->weight->dtype;
	/* Q4_1 counts codes from 0, also those of two's complement. */
	const float lift = dtype == QUIRE_Q4_1 && weight->is_signed
			       ? (float)(1 << (weight->bits - 1))
			       : 0;
	float codes[RUN], wanted[RUN];
	uint64_t end;

	for (uint64_t col = window->first_col; col < window->end_col;
	     col = end) {
		const float *here = &actual[col - window->first_col];
		size_t count;
		size_t i;
		struct block_values block = block_values(
		    quire_node_weight_zero(weight, row, col) + lift,
		    quire_node_weight_scale(weight, row, col));

		end = block_end(weight, col);
		if (end > window->end_col)
			end = window->end_col;
		if (end - col > RUN)
			end = col + RUN;
		count = (size_t)(end - col);
		quire_node_weight_codes(weight, row, col, count, codes);
		for (size_t at = 0; at < count && lift != 0; at++)
			codes[at] += lift;
		expect(dtype, codes, count, &block, wanted);
		i = first_difference(wanted, here, count);
		if (i < count)
			return differ(weight, linear, row, col + i, wanted[i],
				      here[i], reason);
	}
	return true;
}

/* Decodes the columns of a window in one row: a tensor that begins with the
 * block that they begin in. */
static quire_status decode(const quire_tensor *whole,
			   const struct window *window, uint64_t row, float *y,
			   quire_error *error)
{
	quire_tensor part = *whole;
	uint32_t count = 1;
	uint32_t size = 1;

	quire_dtype_block(whole->dtype, &count, &size);
	part.data =
	    (const unsigned char *)whole->data +
	    (row * (whole->shape[0] / count) + window->first_col / count) *
		size;
	part.rank = 1;
	part.shape[0] = whole->shape[0] - window->first_col;
	part.shape[1] = part.shape[2] = part.shape[3] = 1;
	part.check = NULL;
	return quire_tensor_decode(
	    &part, 0, 1, window->end_col - window->first_col, y, error);
}

static bool compare_values(const struct node_weight *weight,
			   const quire_linear *linear,
			   const struct window *window, char **reason)
{
	float *row =
	    calloc((size_t)(window->end_col - window->first_col), sizeof(*row));
	bool same = true;

	if (!row) {
		*reason = quire_ort_text("out of memory");
		return false;
	}
	for (uint64_t i = window->first_row; i < window->end_row && same; i++) {
		quire_error error = { 0 };

		if (decode(linear->weight, window, i, row, &error) ==
		    QUIRE_OK) {
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
	window.first_col -= window.first_col % BLOCK_COLS;
	return window;
}

/* A range that is larger is strided, and mostly not compared. */
#define MAX_READ_AHEAD ((size_t)64 << 10)

static void read_ahead(const unsigned char *data, uint64_t first, uint64_t end)
{
	if (data && end > first && end - first <= MAX_READ_AHEAD)
		quire_memory_read_ahead(data + first, (size_t)(end - first));
}

void quire_node_read_ahead(const struct node_weight *weight,
			   const quire_linear *linear)
{
	const quire_tensor *tensor = linear->weight;
	struct node_range codes, scales;
	struct window window;
	uint32_t count = 1;
	uint32_t size = 1;
	uint64_t row_size;

	if (!weight->codes.data || weight->k != linear->k ||
	    weight->n != linear->n)
		return;
	window = sample(weight, linear);
	quire_dtype_block(tensor->dtype, &count, &size);
	row_size = tensor->shape[0] / count * size;
	quire_node_weight_ranges(weight, window.first_row, window.first_col,
				 window.end_row - 1, window.end_col - 1, &codes,
				 &scales);
	read_ahead(weight->codes.data, codes.first, codes.end);
	read_ahead(weight->scales.data, scales.first, scales.end);
	read_ahead(tensor->data,
		   window.first_row * row_size +
		       window.first_col / count * size,
		   (window.end_row - 1) * row_size +
		       ((window.end_col - 1) / count + 1) * size);
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
	else if (weight->has_bias && !linear->bias)
		*reason = quire_ort_text(
		    "it has a bias; the container's linear '%.*s' has none",
		    (int)linear->name.size, linear->name.data);
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
