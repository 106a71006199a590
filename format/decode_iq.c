/*
 * decode_iq.c - IQ1, IQ2 and IQ3 as f32: blocks whose codes are indices of
 * vectors of 8 or 4 levels. Rounds as GGML's definitions do, in their order, so
 * that the results are the same to the last bit.
 */
#include <fp16.h>

#include "base/bytes.h"
#include "format/blocks.h"
#include "format/decode.h"
#include "format/decode_iq.h"

static float load_f16(const unsigned char *bytes)
{
	return fp16_ieee_to_fp32_value(load_u16(bytes));
}

/* ----------------------------------------------------------------- vectors */

/* The number of the vector at `index`, which the grid must have. */
static unsigned find_vector(const struct iq_grid *grid, unsigned index)
{
	size_t low = 0;
	size_t high =
	    grid->word_count; /* before[low] <= index < before[high] */
	uint64_t word;
	unsigned bit = 0;

	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;

		if (grid->before[middle] <= index)
			low = middle;
		else
			high = middle;
	}
	word = grid->words[low];
	for (unsigned skip = index - grid->before[low]; skip > 0; skip--)
		word &= word - 1; /* without its lowest bit */
	while ((word >> bit & 1) == 0)
		bit++;
	return (unsigned)low * 64 + bit;
}

/* The levels of a vector. */
static void read_vector(const struct iq_grid *grid, unsigned index,
			float *levels)
{
	unsigned number = find_vector(grid, index);

	for (unsigned i = 0; i < grid->digits; i++) {
		levels[i] = (float)grid->levels[number % grid->base];
		number /= grid->base;
	}
}

/* Writes the columns of a vector; a bit of `signs` says which are negative. */
static void put(const struct iq_grid *grid, unsigned index, float scale,
		unsigned signs, float *y)
{
	float levels[8];

	read_vector(grid, index, levels);
	for (unsigned i = 0; i < grid->digits; i++) {
		const float value = scale * levels[i];

		y[i] = signs >> i & 1 ? -value : value;
	}
}

/* Eight signs from seven: an even number of them are negative. */
static unsigned eight_signs(unsigned seven)
{
	unsigned odd = seven ^ seven >> 4;

	odd ^= odd >> 2;
	odd ^= odd >> 1;
	return seven | (odd & 1) << 7;
}

/* Element `i` of codes of 4 bits. */
static unsigned nibble(const unsigned char *bytes, unsigned i)
{
	return bytes[i / 2] >> i % 2 * 4 & 15;
}

/* --------------------------------------------------------------------- IQ2 */

static float iq2_scale(float d, unsigned code)
{
	return d * (0.5f + (float)code) * 0.25f;
}

static void decode_iq2_xxs(const unsigned char *block, float *y)
{
	const float d = load_f16(block + QUIRE_BLOCK_SCALE);

	for (unsigned i = 0; i < QUIRE_SUPER_COLS / 8; i++) {
		const unsigned char *group =
		    block + QUIRE_IQ2_XXS_CODES + i / 4 * 8;
		const uint32_t rest = load_u32(group + 4);

		put(&quire_grid_iq2_xxs, group[i % 4], iq2_scale(d, rest >> 28),
		    eight_signs(rest >> i % 4 * 7 & 127), y + 8 * i);
	}
}

static void decode_iq2_xs(const unsigned char *block, float *y)
{
	const float d = load_f16(block + QUIRE_BLOCK_SCALE);

	for (unsigned i = 0; i < QUIRE_SUPER_COLS / 8; i++) {
		const unsigned code =
		    load_u16(block + QUIRE_IQ2_XS_CODES + 2 * i);
		const unsigned scale =
		    nibble(block + QUIRE_IQ2_XS_SCALES, i / 2);

		put(&quire_grid_iq2_xs, code & 511, iq2_scale(d, scale),
		    eight_signs(code >> 9), y + 8 * i);
	}
}

static void decode_iq2_s(const unsigned char *block, float *y)
{
	const float d = load_f16(block + QUIRE_BLOCK_SCALE);

	for (unsigned i = 0; i < QUIRE_SUPER_COLS / 8; i++) {
		const unsigned upper =
		    block[QUIRE_IQ2_S_UPPER + i / 4] >> i % 4 * 2 & 3;
		const unsigned scale =
		    nibble(block + QUIRE_IQ2_S_SCALES, i / 2);

		put(&quire_grid_iq2_s,
		    block[QUIRE_IQ2_S_CODES + i] | upper << 8,
		    iq2_scale(d, scale), block[QUIRE_IQ2_S_SIGNS + i],
		    y + 8 * i);
	}
}

/* --------------------------------------------------------------------- IQ3 */

static void decode_iq3_xxs(const unsigned char *block, float *y)
{
	const float d = load_f16(block + QUIRE_BLOCK_SCALE);

	for (unsigned i = 0; i < QUIRE_SUPER_COLS / 4; i++) {
		const uint32_t rest =
		    load_u32(block + QUIRE_IQ3_XXS_SCALES + i / 8 * 4);
		const unsigned signs = eight_signs(rest >> i % 8 / 2 * 7 & 127);

		put(&quire_grid_iq3_xxs, block[QUIRE_IQ3_XXS_CODES + i],
		    d * (0.5f + (float)(rest >> 28)) * 0.5f, signs >> i % 2 * 4,
		    y + 4 * i);
	}
}

static void decode_iq3_s(const unsigned char *block, float *y)
{
	const float d = load_f16(block + QUIRE_BLOCK_SCALE);

	for (unsigned i = 0; i < QUIRE_SUPER_COLS / 4; i++) {
		const unsigned upper =
		    block[QUIRE_IQ3_S_UPPER + i / 8] >> i % 8 & 1;
		const unsigned scale =
		    nibble(block + QUIRE_IQ3_S_SCALES, i / 8);

		put(&quire_grid_iq3_s,
		    block[QUIRE_IQ3_S_CODES + i] | upper << 8,
		    d * (float)(1 + 2 * scale),
		    (unsigned)block[QUIRE_IQ3_S_SIGNS + i / 2] >> i % 2 * 4,
		    y + 4 * i);
	}
}

/* --------------------------------------------------------------------- IQ1 */

/* All eight levels move by 1/8, up or down. */
static void put_moved(unsigned index, float scale, bool down, float *y)
{
	const float by = down ? -0.125f : 0.125f;
	float levels[8];

	read_vector(&quire_grid_iq1, index, levels);
	for (unsigned i = 0; i < 8; i++)
		y[i] = scale * (levels[i] + by);
}

static void decode_iq1_s(const unsigned char *block, float *y)
{
	const float d = load_f16(block + QUIRE_BLOCK_SCALE);

	for (unsigned i = 0; i < QUIRE_SUPER_COLS / 8; i++) {
		const unsigned rest =
		    load_u16(block + QUIRE_IQ1_S_UPPER + i / 4 * 2);
		const unsigned upper = rest >> i % 4 * 3 & 7;

		put_moved(block[QUIRE_IQ1_S_CODES + i] | upper << 8,
			  d * (float)(2 * (rest >> 12 & 7) + 1),
			  (rest & 0x8000) != 0, y + 8 * i);
	}
}

/* The four top bits of each of four u16 are those of d, the lowest first. */
static float iq1_m_d(const unsigned char *scales)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < 4; i++)
		bits |= (unsigned)load_u16(scales + 2 * i) >> 12 << 4 * i;
	return fp16_ieee_to_fp32_value((uint16_t)bits);
}

static void decode_iq1_m(const unsigned char *block, float *y)
{
	const float d = iq1_m_d(block + QUIRE_IQ1_M_SCALES);

	for (unsigned i = 0; i < QUIRE_SUPER_COLS / 8; i++) {
		const unsigned rest = nibble(block + QUIRE_IQ1_M_UPPER, i);
		const unsigned scale =
		    load_u16(block + QUIRE_IQ1_M_SCALES + i / 8 * 2) >>
			i / 2 % 4 * 3 &
		    7;

		put_moved(block[i] | (rest & 7) << 8,
			  d * (float)(2 * scale + 1), (rest & 8) != 0,
			  y + 8 * i);
	}
}

quire_decode_function *quire_decoder_iq(quire_dtype dtype)
{
	/* By GGUF's number, as in dtype.c. */
	static quire_decode_function *const decoders[] = {
		[16] = decode_iq2_xxs, [17] = decode_iq2_xs,
		[18] = decode_iq3_xxs, [19] = decode_iq1_s,
		[21] = decode_iq3_s,   [22] = decode_iq2_s,
		[29] = decode_iq1_m,
	};
	const size_t count = sizeof(decoders) / sizeof(decoders[0]);

	return (size_t)dtype < count ? decoders[dtype] : NULL;
}
