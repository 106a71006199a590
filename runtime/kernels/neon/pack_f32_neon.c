/*
 * pack_f32_neon.c - rows of W, decoded to a panel of f32: [k][8], zeros up to a
 * multiple of 4 columns.
 */
#include <string.h>

#include "runtime/kernels/neon/decode_neon.h"

/* Four columns of four rows, as columns of the panel. */
QUIRE_INLINE void store_transposed(const float32x4_t r[4], float *panel)
{
	const float32x4_t a = vtrn1q_f32(r[0], r[1]);
	const float32x4_t b = vtrn2q_f32(r[0], r[1]);
	const float32x4_t c = vtrn1q_f32(r[2], r[3]);
	const float32x4_t d = vtrn2q_f32(r[2], r[3]);

	vst1q_f32(panel, vcombine_f32(vget_low_f32(a), vget_low_f32(c)));
	vst1q_f32(panel + NEON_NR,
		  vcombine_f32(vget_low_f32(b), vget_low_f32(d)));
	vst1q_f32(panel + (size_t)2 * NEON_NR,
		  vcombine_f32(vget_high_f32(a), vget_high_f32(c)));
	vst1q_f32(panel + (size_t)3 * NEON_NR,
		  vcombine_f32(vget_high_f32(b), vget_high_f32(d)));
}

/* The first `vectors` times 4 of 32 columns, of four rows. */
QUIRE_INLINE void pack_block(const unsigned char *const row[4], size_t vectors,
			     decode_fn decode, float *panel)
{
	float32x4_t w[4][NEON_VECTORS];

	QUIRE_UNROLL
	for (int r = 0; r < 4; r++)
		decode(row[r], w[r]);
	for (size_t i = 0; i < vectors; i++) {
		const float32x4_t four[4] = { w[0][i], w[1][i], w[2][i],
					      w[3][i] };

		store_transposed(four, panel + i * 4 * NEON_NR);
	}
}

/* All k columns of four rows. A row of F32, F16 or BF16 may end with fewer than
 * 32: zeros follow them, up to a whole vector. */
QUIRE_INLINE void pack_rows(const unsigned char *row[4], size_t k,
			    decode_fn decode, size_t block_size, float *panel)
{
	unsigned char last[4][QUIRE_BLOCK_COLS * sizeof(float)] = { { 0 } };
	const size_t rest = k % QUIRE_BLOCK_COLS;

	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
		pack_block(row, NEON_VECTORS, decode, panel);
		for (int r = 0; r < 4; r++)
			row[r] += block_size;
		panel += (size_t)QUIRE_BLOCK_COLS * NEON_NR;
	}
	if (rest == 0)
		return;
	for (int r = 0; r < 4; r++) {
		memcpy(last[r], row[r], rest * block_size / QUIRE_BLOCK_COLS);
		row[r] = last[r];
	}
	pack_block(row, (rest + 3) / 4, decode, panel);
}

/* The whole kernel. The last row fills the place of missing ones. */
QUIRE_INLINE void pack(const void *weights, size_t row_size, size_t rows,
		       size_t k, void *panel, decode_fn decode,
		       size_t block_size)
{
	for (size_t first = 0; first < NEON_NR; first += 4) {
		const unsigned char *row[4];

		for (size_t r = 0; r < 4; r++) {
			const size_t i =
			    first + r < rows ? first + r : rows - 1;

			row[r] = (const unsigned char *)weights + i * row_size;
		}
		pack_rows(row, k, decode, block_size, (float *)panel + first);
	}
}

#define PACK(type, block_size)                                                 \
	static void pack_##type(const void *weights, size_t row_size,          \
				size_t rows, size_t k, void *panel)            \
	{                                                                      \
		pack(weights, row_size, rows, k, panel, decode_##type,         \
		     block_size);                                              \
	}

PACK(q4_0, QUIRE_Q4_0_SIZE)
PACK(q4_1, QUIRE_Q4_1_SIZE)
PACK(q8_0, QUIRE_Q8_0_SIZE)
PACK(f16, QUIRE_BLOCK_COLS * 2)
PACK(bf16, QUIRE_BLOCK_COLS * 2)
PACK(f32, QUIRE_BLOCK_COLS * sizeof(float))

#define ROW(type, function)                                                    \
	{                                                                      \
		.weights = (type), .nr = NEON_NR, .kc = NEON_F32_KC,           \
		.size = NEON_F32_PANEL_SIZE, .pack = (function)                \
	}

const struct pack_form quire_pack_f32_neon[] = {
	ROW(QUIRE_Q4_0, pack_q4_0),
	ROW(QUIRE_Q4_1, pack_q4_1),
	ROW(QUIRE_Q8_0, pack_q8_0),
	ROW(QUIRE_F16, pack_f16),
	ROW(QUIRE_BF16, pack_bf16),
	ROW(QUIRE_F32, pack_f32),
	{ 0 },
};
