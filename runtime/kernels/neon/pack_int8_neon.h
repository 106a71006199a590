/*
 * pack_int8_neon.h - rows of W to a panel of signed codes. What the kernels of
 * all types share; each instruction set has its own order of the codes.
 */
#ifndef QUIRE_RUNTIME_KERNELS_NEON_PACK_INT8_NEON_H
#define QUIRE_RUNTIME_KERNELS_NEON_PACK_INT8_NEON_H

#include <string.h>

#include "runtime/kernels/neon/decode_neon.h"

/* Writes the codes of one block of 8 rows. */
typedef void (*order_codes_fn)(const int8x16x2_t w[NEON_NR], int8_t *codes);

/* [8][8][4]: four columns of four rows are one register. */
NEON_INLINE void order_for_dotprod(const int8x16x2_t w[NEON_NR], int8_t *codes)
{
	QUIRE_UNROLL
	for (int n = 0; n < NEON_NR; n++) {
		int32_t four[8];

		vst1q_s32(four, vreinterpretq_s32_s8(w[n].val[0]));
		vst1q_s32(four + 4, vreinterpretq_s32_s8(w[n].val[1]));
		QUIRE_UNROLL
		for (int g = 0; g < 8; g++)
			memcpy(codes + ((ptrdiff_t)g * NEON_NR + n) * 4,
			       &four[g], sizeof(four[g]));
	}
}

/* [4][4][2][8]: eight columns of two rows are one register. */
NEON_INLINE void order_for_i8mm(const int8x16x2_t w[NEON_NR], int8_t *codes)
{
	QUIRE_UNROLL
	for (int n = 0; n < NEON_NR; n += 2)
		QUIRE_UNROLL
	for (int h = 0; h < 2; h++) {
		const int8x16_t a = w[n].val[h], b = w[n + 1].val[h];
		int8_t *to = codes + (ptrdiff_t)h * 2 * 8 * NEON_NR;

		vst1q_s8(to + (ptrdiff_t)n * 8,
			 vcombine_s8(vget_low_s8(a), vget_low_s8(b)));
		vst1q_s8(to + (ptrdiff_t)(n + NEON_NR) * 8,
			 vcombine_s8(vget_high_s8(a), vget_high_s8(b)));
	}
}

struct pack_int8_neon {
	size_t block_size;
	codes_neon_fn codes;
	order_codes_fn order;
	bool minima; /* the block has one */
};

NEON_INLINE float one_scale_neon(const unsigned char *bytes)
{
	return vgetq_lane_f32(load_scale_neon(bytes), 0);
}

/* The whole kernel. A row that is not there is the last one once more. */
NEON_INLINE void pack_int8_neon(const void *weights, size_t row_size,
				size_t rows, size_t k, void *panel,
				struct pack_int8_neon how)
{
	unsigned char *block = panel;

	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
		float *scales = (void *)(block + QUIRE_BLOCK_COLS * NEON_NR);
		int8x16x2_t w[NEON_NR];

		QUIRE_UNROLL
		for (size_t n = 0; n < NEON_NR; n++) {
			const unsigned char *from =
			    (const unsigned char *)weights +
			    (n < rows ? n : rows - 1) * row_size +
			    b * how.block_size;

			w[n] = how.codes(from);
			scales[n] = one_scale_neon(from);
			if (how.minima)
				scales[NEON_NR + n] =
				    one_scale_neon(from + QUIRE_Q4_1_MIN);
		}
		how.order(w, (int8_t *)block);
		block += how.minima ? NEON_INT8_MIN_BLOCK_SIZE
				    : NEON_INT8_BLOCK_SIZE;
	}
}

#endif
