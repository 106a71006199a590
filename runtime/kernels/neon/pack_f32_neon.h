/*
 * pack_f32_neon.h - rows of W decoded to a panel of f32, a row a lane. What
 * the kernels of all types share.
 */
#ifndef QUIRE_RUNTIME_KERNELS_NEON_PACK_F32_NEON_H
#define QUIRE_RUNTIME_KERNELS_NEON_PACK_F32_NEON_H

#include <string.h>

#include "runtime/kernels/neon/decode_neon.h"

/* Vector i of four rows, to four columns of the panel. */
NEON_INLINE void store_transposed_neon(const float32x4_t r[4], float *panel)
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

/* 32 columns of four rows; of them, the first `vectors` times 4. */
NEON_INLINE void pack_block_neon(const unsigned char *const row[4],
				 size_t vectors, decode_neon_fn decode,
				 float *panel)
{
	float32x4_t w[4][NEON_VECTORS];

	QUIRE_UNROLL
	for (int r = 0; r < 4; r++)
		decode(row[r], w[r]);
	for (size_t i = 0; i < vectors; i++) {
		const float32x4_t four[4] = { w[0][i], w[1][i], w[2][i],
					      w[3][i] };

		store_transposed_neon(four, panel + i * 4 * NEON_NR);
	}
}

/* Four rows, of all k columns. Of plain types the last columns may be fewer
 * than 32: zeros follow them, up to a whole vector. */
NEON_INLINE void pack_rows_neon(const unsigned char *row[4], size_t k,
				decode_neon_fn decode, size_t block_size,
				float *panel)
{
	unsigned char last[4][QUIRE_BLOCK_COLS * sizeof(float)] = { { 0 } };
	const size_t rest = k % QUIRE_BLOCK_COLS;

	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
		pack_block_neon(row, NEON_VECTORS, decode, panel);
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
	pack_block_neon(row, (rest + 3) / 4, decode, panel);
}

/* The whole kernel. A row that is not there is the last one once more. */
NEON_INLINE void pack_f32_neon(const void *weights, size_t row_size,
			       size_t rows, size_t k, void *panel,
			       decode_neon_fn decode, size_t block_size)
{
	for (size_t first = 0; first < NEON_NR; first += 4) {
		const unsigned char *row[4];

		for (size_t r = 0; r < 4; r++) {
			const size_t i =
			    first + r < rows ? first + r : rows - 1;

			row[r] = (const unsigned char *)weights + i * row_size;
		}
		pack_rows_neon(row, k, decode, block_size,
			       (float *)panel + first);
	}
}

#endif
