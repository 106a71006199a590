/*
 * compare_weight.c - decodes a tensor element by element and counts those that
 * differ from the source. Reads the blocks by their description in
 * spec/format.md and must not include format/blocks.h or encode/: a mistake
 * there must be found here.
 */
#include <fp16.h>
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "convert/compare/compare.h"

/* The largest relative error of rounding a scale to f16. */
static const double half_step = 0x1p-11;

/* Columns of a block of Q4_0, Q4_1 and Q8_0. */
#define BLOCK_COUNT 32

/* One element of the container: (code - zero) * scale, or, with an offset,
 * code * scale + offset. A dense element is its own code. */
struct stored {
	double code;
	double zero;
	double scale;
	double offset;
};

static double f16_at(const unsigned char *bytes)
{
	return (double)fp16_ieee_to_fp32_value(load_u16(bytes));
}

/* The nibble of column i of 32. */
static unsigned nibble_at(const unsigned char *codes, uint64_t i)
{
	return i < BLOCK_COUNT / 2 ? codes[i] & 15u
				   : codes[i - BLOCK_COUNT / 2] >> 4;
}

static struct stored stored_at(const quire_tensor *tensor, uint64_t row,
			       uint64_t col)
{
	const unsigned char *data = tensor->data;
	const uint64_t at = row * tensor->shape[0] + col;
	const uint64_t i = col % BLOCK_COUNT;
	const unsigned char *block;
	uint32_t count = 1;
	uint32_t size = 1;

	quire_dtype_block(tensor->dtype, &count, &size);
	block = data + at / count * size;
	switch (tensor->dtype) {
	case QUIRE_Q4_0:
		return (struct stored){ nibble_at(block + 2, i), 8,
					f16_at(block), 0 };
	case QUIRE_Q4_1:
		return (struct stored){ nibble_at(block + 4, i), 0,
					f16_at(block), f16_at(block + 2) };
	case QUIRE_Q8_0:
		return (struct stored){ (double)block[2 + i] -
					    (block[2 + i] >= 128 ? 256 : 0),
					0, f16_at(block), 0 };
	case QUIRE_F16:
		return (struct stored){ f16_at(block), 0, 1, 0 };
	default:
		return (struct stored){ (double)load_f32(block), 0, 1, 0 };
	}
}

/* Checks a number that was rounded to f16, and notes its error. */
static void check_rounding(double value, double rounded, quire_compare_row *row)
{
	const double error =
	    value == rounded ? 0 : fabs(rounded - value) / fabs(value);

	if (!(error <= half_step))
		row->scales_different++;
	else if (error > row->scale_error_max)
		row->scale_error_max = error;
}

static bool same_dense(const struct compare_element *element, double stored,
		       quire_dtype dtype)
{
	const float value = ((float)element->code - (float)element->zero) *
			    (float)element->scale;

	if (dtype == QUIRE_F32)
		return (double)value == stored ||
		       (isnan(value) && isnan(stored));
	/* Half a step of f16, normal or not. */
	return fabs((double)value - stored) <=
	       fmax(half_step * fabs((double)value), 0x1p-25);
}

static void compare_element(const struct compare_element *element,
			    const struct stored *stored, quire_dtype dtype,
			    bool first, quire_compare_row *row)
{
	bool same;

	row->count++;
	if (dtype == QUIRE_F32 || dtype == QUIRE_F16)
		same = same_dense(element, stored->code, dtype);
	else if (dtype == QUIRE_Q4_1)
		same = stored->code == element->code;
	else
		same = stored->code - stored->zero ==
		       element->code - element->zero;
	row->different += !same;
	if (!first || dtype == QUIRE_F32 || dtype == QUIRE_F16)
		return;
	check_rounding(element->scale, stored->scale, row);
	if (dtype == QUIRE_Q4_1)
		check_rounding(-element->zero * element->scale, stored->offset,
			       row);
}

/* Whether a column past k decodes to zero; in Q4_1, to the value nearest to
 * zero. */
static bool padding_is_zero(const struct stored *stored, quire_dtype dtype)
{
	const double value =
	    (stored->code - stored->zero) * stored->scale + stored->offset;

	if (dtype == QUIRE_Q4_1)
		return fabs(value) <= fabs(stored->scale) / 2 * (1 + 0x1p-6);
	return value == 0;
}

static quire_status compare_elements(const struct compare_source *source,
				     const quire_tensor *tensor,
				     quire_compare_row *counts)
{
	for (uint64_t row = 0; row < source->n; row++) {
		uint64_t scale_at = 0;

		for (uint64_t col = 0; col < tensor->shape[0]; col++) {
			const struct stored stored =
			    stored_at(tensor, row, col);
			struct compare_element element;

			if (col >= source->k) {
				counts->different +=
				    !padding_is_zero(&stored, tensor->dtype);
				continue;
			}

			const quire_status status =
			    quire_compare_element(source, row, col, &element);

			if (status != QUIRE_OK)
				return status;
			/* Checks each scale of either side once. */
			compare_element(&element, &stored, tensor->dtype,
					col % BLOCK_COUNT == 0 ||
					    element.scale_at != scale_at,
					counts);
			scale_at = element.scale_at;
		}
	}
	return QUIRE_OK;
}

/* What differs between the linears besides their elements, or NULL. */
static const char *linear_mismatch(const struct compare_source *source,
				   const quire_linear *linear)
{
	const char *bias = source->bias;
	const size_t size = strlen(bias);
	const int64_t level =
	    quire_onnx_integer(source->node, "accuracy_level", 0);

	if (linear->k != source->k || linear->n != source->n)
		return "K or N differs";
	if ((int64_t)linear->accuracy_level != level)
		return "accuracy_level differs";
	if ((linear->bias != NULL) != (size != 0))
		return "only one of the two has a bias";
	if (linear->bias &&
	    (linear->bias->source.size != size ||
	     memcmp(linear->bias->source.data, bias, size) != 0))
		return "another bias";
	return NULL;
}

/* Whether the tensor has the dimensions of the codes: the last one padded; if
 * there are more than four, the first ones multiplied into one. */
static bool has_shape(const struct compare_source *source,
		      const quire_tensor *tensor)
{
	uint64_t wanted[4] = { 0, 1, 1, 1 };
	uint32_t count = 1;
	uint32_t size;

	quire_dtype_block(tensor->dtype, &count, &size);
	if (!checked_pad(source->k, count, &wanted[0]))
		return false;
	if (source->transposed)
		wanted[1] = source->n;
	for (size_t i = 1; !source->transposed && i < source->rank; i++)
		wanted[i < 3 ? i : 3] *= source->dims[source->rank - 1 - i];
	return memcmp(tensor->shape, wanted, sizeof(wanted)) == 0;
}

static const char *tensor_mismatch(const struct compare_source *source,
				   const quire_tensor *tensor)
{
	switch (tensor->dtype) {
	case QUIRE_F32:
	case QUIRE_F16:
	case QUIRE_Q4_0:
	case QUIRE_Q4_1:
	case QUIRE_Q8_0:
		break;
	default:
		return "no conversion makes a tensor of this type";
	}
	return has_shape(source, tensor) ? NULL : "the shape differs";
}

quire_status quire_compare_weight(struct compare_source *source,
				  const quire_tensor *tensor,
				  const quire_linear *linear,
				  quire_compare_row *row, const char **reason)
{
	quire_status status = quire_compare_open(source);

	*reason = NULL;
	if (status == QUIRE_OK && linear)
		*reason = linear_mismatch(source, linear);
	if (status == QUIRE_OK && !*reason)
		*reason = tensor_mismatch(source, tensor);
	if (status == QUIRE_OK && !*reason)
		status = compare_elements(source, tensor, row);
	quire_compare_close(source);
	if (status != QUIRE_OK)
		return status;
	if (*reason || row->different || row->scales_different)
		row->verdict = QUIRE_VERDICT_DIFFERS;
	return QUIRE_OK;
}
