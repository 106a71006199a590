/*
 * relay_dense.c - any weight as F32: each element dequantized as the operator
 * defines it, in f32, from the exact value of its scale.
 */
#include "convert/relay.h"
#include "format/bytes.h"

static bool fits(const struct matmulnbits *weight, const struct survey *survey,
		 char reason[QUIRE_REASON_SIZE])
{
	(void)weight;
	(void)survey;
	(void)reason;
	return true;
}

static unsigned char *put(unsigned char *out, uint32_t code, float zero,
			  float scale)
{
	store_f32(out, ((float)code - zero) * scale);
	return out + sizeof(float);
}

static unsigned char *encode_row(const struct matmulnbits_rows *rows,
				 uint64_t row, unsigned char *out)
{
	const struct matmulnbits *weight = rows->weight;
	const unsigned char *codes = rows->codes + row * weight->code_row_size;
	uint64_t col = 0;

	for (uint64_t block = 0; block < weight->blocks; block++) {
		const float zero = quire_matmulnbits_zero(rows, row, block);
		const float scale = quire_matmulnbits_scale(rows, row, block);
		const uint64_t end = (block + 1) * weight->block_size;

		for (; col < end && col < weight->k; col++)
			out =
			    put(out, matmulnbits_code(codes, weight->bits, col),
				zero, scale);
	}
	return out;
}

/* The same where g_idx tells the block of each column. */
static unsigned char *encode_mapped_row(const struct matmulnbits_rows *rows,
					uint64_t row, unsigned char *out)
{
	const struct matmulnbits *weight = rows->weight;
	const unsigned char *codes = rows->codes + row * weight->code_row_size;

	for (uint64_t col = 0; col < weight->k; col++) {
		const uint32_t block = rows->map[col];

		out = put(out, matmulnbits_code(codes, weight->bits, col),
			  quire_matmulnbits_zero(rows, row, block),
			  quire_matmulnbits_scale(rows, row, block));
	}
	return out;
}

static void encode(const struct matmulnbits_rows *rows, unsigned char *out)
{
	for (uint64_t row = 0; row < rows->count; row++)
		out = rows->map ? encode_mapped_row(rows, row, out)
				: encode_row(rows, row, out);
}

const struct encoding quire_relay_dense = { QUIRE_F32, fits, encode };
