/*
 * decode_foreign.c - the types that Quire reads and does not write, as f32.
 * Each sum and product is rounded as in GGML's own definition of the type, in
 * its order, so that the results are the same to the last bit. decode_iq.c has
 * IQ1, IQ2 and IQ3.
 */
#include <fp16.h>
#include <stddef.h>
#include <string.h>

#include "base/bytes.h"
#include "format/blocks.h"
#include "format/decode.h"

static float load_f16(const unsigned char *bytes)
{
	return fp16_ieee_to_fp32_value(load_u16(bytes));
}

/* ------------------------------------------------------ blocks of 32 columns
 */

/* Code of column i of 32 in nibbles. */
static unsigned nibble(const unsigned char *codes, unsigned i)
{
	return i < QUIRE_NIBBLES_SIZE ? codes[i] & 15u
				      : codes[i - QUIRE_NIBBLES_SIZE] >> 4;
}

static void decode_q5_0(const unsigned char *block, float *y)
{
	const float d = load_f16(block + QUIRE_BLOCK_SCALE);
	const uint32_t fifth = load_u32(block + QUIRE_Q5_0_FIFTH);

	for (unsigned i = 0; i < QUIRE_BLOCK_COLS; i++) {
		const unsigned code =
		    nibble(block + QUIRE_Q5_0_CODES, i) | (fifth >> i & 1) << 4;

		y[i] = d * (float)((int)code - QUIRE_Q5_0_ZERO);
	}
}

static void decode_q5_1(const unsigned char *block, float *y)
{
	const float d = load_f16(block + QUIRE_BLOCK_SCALE);
	const float m = load_f16(block + QUIRE_Q5_1_MIN);
	const uint32_t fifth = load_u32(block + QUIRE_Q5_1_FIFTH);

	for (unsigned i = 0; i < QUIRE_BLOCK_COLS; i++) {
		const unsigned code =
		    nibble(block + QUIRE_Q5_1_CODES, i) | (fifth >> i & 1) << 4;

		y[i] = d * (float)code + m;
	}
}

/* GGML's levels of IQ4_NL and IQ4_XS (kvalues_iq4nl). */
static const signed char iq4_levels[16] = { -127, -104, -83, -65, -49, -35,
					    -22,  -10,	1,   13,  25,  38,
					    53,	  69,	89,  113 };

static void decode_iq4_nl(const unsigned char *block, float *y)
{
	const float d = load_f16(block + QUIRE_BLOCK_SCALE);

	for (unsigned i = 0; i < QUIRE_BLOCK_COLS; i++)
		y[i] = d *
		       (float)iq4_levels[nibble(block + QUIRE_IQ4_NL_CODES, i)];
}

/* The numbers of e2m1 (OCP Microscaling Formats 1.0, 5.3.3), times 2; the minus
 * of -0 is lost, as in GGML. */
static const signed char e2m1_doubled[16] = { 0, 1,  2,	 3,  4,	 6,  8,	 12,
					      0, -1, -2, -3, -4, -6, -8, -12 };

/* 2^(exponent - 128), which is half of what e8m0 means (5.4.1 there). For 0 and
 * 1 the result is subnormal: 2^-128 and 2^-127. */
static float half_of_e8m0(unsigned exponent)
{
	const uint32_t bits = exponent < 2 ? UINT32_C(0x00200000) << exponent
					   : (uint32_t)(exponent - 1) << 23;
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static void decode_mxfp4(const unsigned char *block, float *y)
{
	const float d = half_of_e8m0(block[0]);

	for (unsigned i = 0; i < QUIRE_BLOCK_COLS; i++)
		y[i] =
		    d *
		    (float)e2m1_doubled[nibble(block + QUIRE_MXFP4_CODES, i)];
}

/* Half of an e4m3 number whose sign is ignored; what would be NaN is 0. */
static float half_of_e4m3(unsigned code)
{
	const int exponent = (int)(code >> 3 & 15);
	const float mantissa = (float)(code & 7);
	uint32_t bits;
	float power;

	if (code == 0x7f)
		return 0;
	if (exponent == 0)
		return mantissa / 1024;		     /* 2^-9 / 2 */
	bits = (uint32_t)(exponent - 8 + 127) << 23; /* 2^(exponent - 7) / 2 */
	memcpy(&power, &bits, sizeof(power));
	return (1 + mantissa / 8) * power;
}

static void decode_nvfp4(const unsigned char *block, float *y)
{
	for (unsigned i = 0; i < QUIRE_NVFP4_COLS; i++) {
		const unsigned group = i / 16, in_group = i % 16;
		const unsigned byte =
		    block[QUIRE_NVFP4_CODES + 8 * group + in_group % 8];
		const unsigned code = in_group < 8 ? byte & 15 : byte >> 4;

		y[i] = half_of_e4m3(block[group]) * (float)e2m1_doubled[code];
	}
}

/* ----------------------------------------------------- blocks of 256 columns
 */

/* Code of column i in codes of 2 bits. */
static unsigned pair(const unsigned char *codes, unsigned i)
{
	return codes[i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3;
}

/* Bit of column i, of 256 bits. */
static unsigned bit(const unsigned char *bits, unsigned i)
{
	return bits[i % 32] >> i / 32 & 1;
}

static void decode_q2_k(const unsigned char *block, float *y)
{
	const float d = load_f16(block + QUIRE_Q2_K_SCALE);
	const float m = load_f16(block + QUIRE_Q2_K_MIN);

	for (unsigned i = 0; i < QUIRE_SUPER_COLS; i++) {
		const unsigned scale = block[i / 16];
		const float group_d = d * (float)(scale & 15);
		const float group_m = m * (float)(scale >> 4);
		const unsigned code = pair(block + QUIRE_Q2_K_CODES, i);

		y[i] = group_d * (float)code - group_m;
	}
}

/* Scale of group 0 to 15: 8 bytes have the lower 4 bits, of groups 0 to 7 in
 * their low halves; byte 8 + i has the upper 2 of groups i, i + 4, .. */
static int q3_k_scale(const unsigned char *scales, unsigned group)
{
	const unsigned low = scales[group % 8] >> group / 8 * 4 & 15;
	const unsigned high = scales[8 + group % 4] >> group / 4 * 2 & 3;

	return (int)(low | high << 4) - QUIRE_SCALE_ZERO;
}

static void decode_q3_k(const unsigned char *block, float *y)
{
	const float d = load_f16(block + QUIRE_Q3_K_SCALE);

	for (unsigned i = 0; i < QUIRE_SUPER_COLS; i++) {
		const float group_d =
		    d * (float)q3_k_scale(block + QUIRE_Q3_K_SCALES, i / 16);
		const unsigned code =
		    pair(block + QUIRE_Q3_K_CODES, i) | bit(block, i) << 2;

		y[i] = group_d * (float)((int)code - QUIRE_Q3_K_ZERO);
	}
}

/* Scale and minimum of group 0 to 7: for the first four groups the low 6 bits
 * of bytes 0 to 3 and 4 to 7. The others have their lower 4 bits in bytes 8 to
 * 11, and their upper 2 at the top of bytes 0 to 7. */
static void q4_k_scale(const unsigned char *scales, unsigned group,
		       unsigned *scale, unsigned *minimum)
{
	if (group < 4) {
		*scale = scales[group] & 63;
		*minimum = scales[group + 4] & 63;
		return;
	}
	*scale = (scales[group + 4] & 15) | (scales[group - 4] >> 6 << 4);
	*minimum = (unsigned)scales[group + 4] >> 4 | (scales[group] >> 6 << 4);
}

/* Q4_K, and Q5_K with its fifth bits. */
static void decode_k_nibbles(const unsigned char *block,
			     const unsigned char *fifth,
			     const unsigned char *codes, float *y)
{
	const float d = load_f16(block + QUIRE_BLOCK_SCALE);
	const float m = load_f16(block + QUIRE_Q4_K_MIN);

	for (unsigned i = 0; i < QUIRE_SUPER_COLS; i++) {
		const unsigned group = i / 32;
		unsigned code = codes[group / 2 * 32 + i % 32];
		unsigned scale, minimum;

		q4_k_scale(block + QUIRE_Q4_K_SCALES, group, &scale, &minimum);
		code = code >> group % 2 * 4 & 15;
		if (fifth)
			code |= bit(fifth, i) << 4;
		y[i] = d * (float)scale * (float)code - m * (float)minimum;
	}
}

static void decode_q4_k(const unsigned char *block, float *y)
{
	decode_k_nibbles(block, NULL, block + QUIRE_Q4_K_CODES, y);
}

static void decode_q5_k(const unsigned char *block, float *y)
{
	decode_k_nibbles(block, block + QUIRE_Q5_K_FIFTH,
			 block + QUIRE_Q5_K_CODES, y);
}

static void decode_q6_k(const unsigned char *block, float *y)
{
	const float d = load_f16(block + QUIRE_Q6_K_SCALE);

	for (unsigned i = 0; i < QUIRE_SUPER_COLS; i++) {
		const int scale =
		    (signed char)block[QUIRE_Q6_K_SCALES + i / 16];
		const unsigned low =
		    block[i / 128 * 64 + i % 64] >> i % 128 / 64 * 4 & 15;
		const unsigned code = low | pair(block + QUIRE_Q6_K_UPPER, i)
						<< 4;

		y[i] = d * (float)scale * (float)((int)code - QUIRE_Q6_K_ZERO);
	}
}

static void decode_iq4_xs(const unsigned char *block, float *y)
{
	const float d = load_f16(block + QUIRE_BLOCK_SCALE);
	const unsigned upper = load_u16(block + QUIRE_IQ4_XS_UPPER);

	for (unsigned i = 0; i < QUIRE_SUPER_COLS; i++) {
		const unsigned group = i / 32;
		const unsigned low =
		    block[QUIRE_IQ4_XS_SCALES + group / 2] >> group % 2 * 4 &
		    15;
		const unsigned scale = low | (upper >> 2 * group & 3) << 4;
		const unsigned code =
		    nibble(block + QUIRE_IQ4_XS_CODES + 16 * group, i % 32);

		y[i] = d * (float)((int)scale - QUIRE_SCALE_ZERO) *
		       (float)iq4_levels[code];
	}
}

/* A digit as GGML reads it: 0, 1 or 2 from the upper bits of byte * 3^place. */
static unsigned ternary(unsigned byte, unsigned place)
{
	static const unsigned char powers[] = { 1, 3, 9, 27, 81 };

	return (byte * powers[place] & 255) * 3 >> 8;
}

static void decode_tq1_0(const unsigned char *block, float *y)
{
	const float d = load_f16(block + QUIRE_TQ1_0_SCALE);

	for (unsigned i = 0; i < QUIRE_SUPER_COLS; i++) {
		unsigned digit;

		if (i < 160)
			digit = ternary(block[i % 32], i / 32);
		else if (i < 240)
			digit = ternary(block[32 + i % 16], (i - 160) / 16);
		else
			digit = ternary(block[48 + i % 4], (i - 240) / 4);
		y[i] = d * (float)((int)digit - 1);
	}
}

static void decode_tq2_0(const unsigned char *block, float *y)
{
	const float d = load_f16(block + QUIRE_TQ2_0_SCALE);

	for (unsigned i = 0; i < QUIRE_SUPER_COLS; i++)
		y[i] = d * (float)((int)pair(block, i) - 1);
}

quire_decode_function *quire_decoder_foreign(quire_dtype dtype)
{
	/* By GGUF's number, as in dtype.c. */
	static quire_decode_function *const decoders[] = {
		[6] = decode_q5_0,   [7] = decode_q5_1,	   [10] = decode_q2_k,
		[11] = decode_q3_k,  [12] = decode_q4_k,   [13] = decode_q5_k,
		[14] = decode_q6_k,  [20] = decode_iq4_nl, [23] = decode_iq4_xs,
		[34] = decode_tq1_0, [35] = decode_tq2_0,  [39] = decode_mxfp4,
		[40] = decode_nvfp4,
	};
	const size_t count = sizeof(decoders) / sizeof(decoders[0]);

	return (size_t)dtype < count && decoders[dtype]
		   ? decoders[dtype]
		   : quire_decoder_iq(dtype);
}
