/*
 * encode_dense.c - any weight as F32, or as F16 where no element is out of
 * range. Each element is dequantized as the operator defines it, in f32, from
 * the exact value of its scale.
 */
#include <fp16.h>
#include <math.h>
#include <stdio.h>

#include "base/bytes.h"
#include "convert/encode/encode.h"

/* The least number that rounds to infinity. */
static const double f16_end = 65520;

static bool suits(const struct weight *weight, const struct weight_scan *scan)
{
	(void)weight;
	(void)scan;
	return true;
}

static bool fits(const struct weight *weight, const struct weight_scan *scan,
		 char reason[QUIRE_REASON_SIZE])
{
	(void)weight;
	(void)scan;
	(void)reason;
	return true;
}

static bool fits_f16(const struct weight *weight,
		     const struct weight_scan *scan,
		     char reason[QUIRE_REASON_SIZE])
{
	(void)weight;
	if (scan->largest < f16_end)
		return true;
	snprintf(reason, QUIRE_REASON_SIZE, "%g does not fit f16",
		 scan->largest);
	return false;
}

/* There are no scales to round. */
static struct rounding rounding(const struct weight_scan *scan)
{
	(void)scan;
	return (struct rounding){ 0 };
}

/* Writes `width` bytes for each element, 2 or 4. */
static unsigned char *put(unsigned char *out, size_t width, float value)
{
	if (width == sizeof(float))
		store_f32(out, value);
	else
		store_u16(out, fp16_ieee_from_fp32_value(value));
	return out + width;
}

/* All NaNs become the same one: which NaN 0 times infinity gives depends on the
 * CPU. */
static float element(const struct weight_value *value,
		     const unsigned char *codes, uint64_t col, float zero,
		     float scale)
{
	const uint32_t code = weight_code(codes, value->bits, col);
	const float exact = value->codebook ? value->codebook[code] * scale
					    : ((float)code - zero) * scale;

	return isnan(exact) ? NAN : exact;
}

static const unsigned char *codes_of(const struct weight_rows *rows,
				     uint64_t row)
{
	return rows->codes + row * rows->weight->storage.codes.row_size;
}

static unsigned char *encode_row(const struct weight_rows *rows, uint64_t row,
				 size_t width, unsigned char *out)
{
	const struct weight_value *value = &rows->weight->value;
	const unsigned char *codes = codes_of(rows, row);
	uint64_t col = 0;

	for (uint64_t block = 0; block < value->blocks; block++) {
		const float zero = quire_weight_zero(rows, row, block);
		const float scale = quire_weight_scale(rows, row, block);
		const uint64_t end = (block + 1) * value->block_size;

		for (; col < end && col < value->k; col++)
			out = put(out, width,
				  element(value, codes, col, zero, scale));
	}
	return out;
}

/* The same where g_idx gives the block of each column. */
static unsigned char *encode_reordered_row(const struct weight_rows *rows,
					   uint64_t row, size_t width,
					   unsigned char *out)
{
	const struct weight_value *value = &rows->weight->value;
	const unsigned char *codes = codes_of(rows, row);

	for (uint64_t col = 0; col < value->k; col++) {
		const uint32_t block = rows->column_blocks[col];

		out = put(out, width,
			  element(value, codes, col,
				  quire_weight_zero(rows, row, block),
				  quire_weight_scale(rows, row, block)));
	}
	return out;
}

static void encode_rows(const struct weight_rows *rows, size_t width,
			unsigned char *out)
{
	for (uint64_t row = 0; row < rows->count; row++)
		out = rows->column_blocks
			  ? encode_reordered_row(rows, row, width, out)
			  : encode_row(rows, row, width, out);
}

static void encode_f32(const struct weight_rows *rows, unsigned char *out)
{
	encode_rows(rows, 4, out);
}

static void encode_f16(const struct weight_rows *rows, unsigned char *out)
{
	encode_rows(rows, 2, out);
}

const struct encoding quire_encode_dense = { QUIRE_F32, suits, fits, rounding,
					     encode_f32 };
const struct encoding quire_encode_dense_f16 = { QUIRE_F16, suits, fits_f16,
						 rounding, encode_f16 };
