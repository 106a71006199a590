/*
 * tile_int8_i8mm.c - rows of quantized x by a panel of codes, by the int8
 * matrix instructions: two rows of x by two rows of the panel, eight columns at
 * a time.
 */
#ifndef __ARM_FEATURE_MATMUL_INT8
#error "compile with -march=armv8.2-a+dotprod+i8mm"
#endif

#include "runtime/kernels/neon/tile_int8_neon.h"

/* Sums of two rows of x: pair[p] is x0 w0, x0 w1, x1 w0, x1 w1 of the rows 2p
 * and 2p + 1 of the panel. */
QUIRE_INLINE void multiply_pair(const int8_t *x, const int8_t *w,
				int32x4_t pair[4])
{
	QUIRE_UNROLL
	for (int p = 0; p < 4; p++)
		pair[p] = vdupq_n_s32(0);
	QUIRE_UNROLL
	for (int g = 0; g < 4; g++) {
		const int8x16_t a =
		    vcombine_s8(vld1_s8(x + (ptrdiff_t)g * 8),
				vld1_s8(x + 32 + (ptrdiff_t)g * 8));

		QUIRE_UNROLL
		for (int p = 0; p < 4; p++)
			pair[p] = vmmlaq_s32(
			    pair[p], a,
			    vld1q_s8(w + ((ptrdiff_t)g * 4 + p) * 16));
	}
}

QUIRE_INLINE int32x4_t first_row(int32x4_t a, int32x4_t b)
{
	return vcombine_s32(vget_low_s32(a), vget_low_s32(b));
}

QUIRE_INLINE int32x4_t second_row(int32x4_t a, int32x4_t b)
{
	return vcombine_s32(vget_high_s32(a), vget_high_s32(b));
}

QUIRE_INLINE void multiply_block(const int8_t *x, const int8_t *w,
				 int32x4_t s[MR][2])
{
	QUIRE_UNROLL
	for (int m = 0; m < MR; m += 2) {
		int32x4_t pair[4];

		multiply_pair(x + (ptrdiff_t)m * 32, w, pair);
		s[m][0] = first_row(pair[0], pair[1]);
		s[m][1] = first_row(pair[2], pair[3]);
		s[m + 1][0] = second_row(pair[0], pair[1]);
		s[m + 1][1] = second_row(pair[2], pair[3]);
	}
}

TILES_INT8(multiply_block)

#define ROW(type, factor, function)                                            \
	TILE_INT8_ROW(type, factor, 2, quire_pack_int8_i8mm, function)

const struct tile_form quire_tile_int8_i8mm[] = {
	ROW(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR, tile_zero),
	ROW(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR, tile_minima),
	ROW(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR, tile_zero),
	{ 0 },
};
