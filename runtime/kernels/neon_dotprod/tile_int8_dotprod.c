/*
 * tile_int8_dotprod.c - rows of quantized x by a panel of codes, by the dot
 * product instructions: four columns of four rows of the panel at a time, by
 * one lane of x.
 */
#ifndef __ARM_FEATURE_DOTPROD
#error "compile with -march=armv8.2-a+dotprod"
#endif

#include "runtime/kernels/neon/tile_int8_neon.h"

/* Adds columns 4g to 4g + 3 of 16. A macro, as an instruction takes its lane as
 * a constant. */
#define ADD_LANE(g)                                                            \
	do {                                                                   \
		const int8x16_t w0 = vld1q_s8(w + (g)*NEON_NR * 4);            \
		const int8x16_t w1 = vld1q_s8(w + (g)*NEON_NR * 4 + 16);       \
                                                                               \
		QUIRE_UNROLL                                                   \
		for (int m = 0; m < MR; m++) {                                 \
			s[m][0] = vdotq_laneq_s32(s[m][0], w0, a[m], g);       \
			s[m][1] = vdotq_laneq_s32(s[m][1], w1, a[m], g);       \
		}                                                              \
	} while (0)

QUIRE_INLINE void multiply_block(const int8_t *x, const int8_t *w,
				 int32x4_t s[MR][2])
{
	QUIRE_UNROLL
	for (int m = 0; m < MR; m++)
		s[m][0] = s[m][1] = vdupq_n_s32(0);
	QUIRE_UNROLL
	for (int h = 0; h < 2; h++) {
		int8x16_t a[MR];

		QUIRE_UNROLL
		for (int m = 0; m < MR; m++)
			a[m] = vld1q_s8(x + (ptrdiff_t)m * 32);
		ADD_LANE(0);
		ADD_LANE(1);
		ADD_LANE(2);
		ADD_LANE(3);
		x += 16;
		w += (ptrdiff_t)16 * NEON_NR;
	}
}

TILES_INT8(multiply_block)

#define ROW(type, factor, function)                                            \
	TILE_INT8_ROW(type, factor, 3, quire_pack_int8_dotprod, function)

const struct tile_form quire_tile_int8_dotprod[] = {
	ROW(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR, tile_zero),
	ROW(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR, tile_minima),
	ROW(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR, tile_zero),
	{ 0 },
};
