/*
 * relay_q4_0.c - 4-bit codes in blocks of 32 around a zero point of 8 become
 * Q4_0: both mean (code - 8) * scale, and differ in the order of the codes
 * and the width of the scale.
 */
#include <fp16.h>
#include <inttypes.h>
#include <stdio.h>

#include "convert/relay.h"
#include "format/bytes.h"

/* A block of Q4_0: an f16 scale and 32 codes of 4 bits. */
#define BLOCK_COUNT 32
#define CODES_SIZE  16
#define BLOCK_SIZE  (2 + CODES_SIZE)

/* The code that decodes to 0. */
#define ZERO_CODE 8u

static bool fits(const struct matmulnbits *weight, const struct survey *survey,
		 char reason[QUIRE_REASON_SIZE])
{
	if (weight->bits != 4)
		snprintf(reason, QUIRE_REASON_SIZE, "%" PRIu32 " bits",
			 weight->bits);
	else if (weight->block_size != BLOCK_COUNT)
		snprintf(reason, QUIRE_REASON_SIZE, "block size %" PRIu64,
			 weight->block_size);
	else if (survey->reordered)
		snprintf(reason, QUIRE_REASON_SIZE, "g_idx reorders columns");
	else if (!survey->zero_default)
		snprintf(reason, QUIRE_REASON_SIZE,
			 "zero points differ from %u", ZERO_CODE);
	else if (!survey->scales_held)
		snprintf(reason, QUIRE_REASON_SIZE,
			 "scale %g at row %" PRIu64 ", block %" PRIu64
			 " is not held by f16",
			 (double)survey->lost_scale, survey->lost_row,
			 survey->lost_block);
	else
		return true;
	return false;
}

/* The source pairs neighbours in a byte, Q4_0 pairs elements 16 apart. */
static void interleave(const unsigned char *codes, unsigned char *out)
{
	const unsigned char *upper = codes + CODES_SIZE / 2;

	for (size_t i = 0; i < CODES_SIZE / 2; i++) {
		out[2 * i] =
		    (unsigned char)((codes[i] & 15) | (upper[i] & 15) << 4);
		out[2 * i + 1] =
		    (unsigned char)(codes[i] >> 4 | (upper[i] & 0xF0));
	}
}

/* The last block, of which only `count` codes mean something. */
static void interleave_ragged(const unsigned char *codes, uint64_t count,
			      unsigned char *out)
{
	unsigned char masked[CODES_SIZE];

	for (size_t i = 0; i < CODES_SIZE; i++) {
		const unsigned low = 2 * i < count ? codes[i] & 15u : ZERO_CODE;
		const unsigned high =
		    2 * i + 1 < count ? codes[i] >> 4 : ZERO_CODE;

		masked[i] = (unsigned char)(low | high << 4);
	}
	interleave(masked, out);
}

static uint16_t scale_bits(const struct matmulnbits_rows *rows, uint64_t index)
{
	const int32_t type = rows->weight->scales->type;

	if (type == ONNX_FLOAT16)
		return load_u16(rows->scales + 2 * index);
	return fp16_ieee_from_fp32_value(
	    quire_onnx_float(type, rows->scales, index));
}

static void encode(const struct matmulnbits_rows *rows, unsigned char *out)
{
	const struct matmulnbits *weight = rows->weight;
	const uint64_t whole = weight->k / BLOCK_COUNT;

	for (uint64_t row = 0; row < rows->count; row++)
		for (uint64_t block = 0; block < weight->blocks; block++) {
			const uint64_t index = row * weight->blocks + block;
			const unsigned char *codes =
			    rows->codes + index * CODES_SIZE;

			store_u16(out, scale_bits(rows, index));
			if (block < whole)
				interleave(codes, out + 2);
			else
				interleave_ragged(
				    codes, weight->k % BLOCK_COUNT, out + 2);
			out += BLOCK_SIZE;
		}
}

const struct encoding quire_relay_q4_0 = { QUIRE_Q4_0, fits, encode };
