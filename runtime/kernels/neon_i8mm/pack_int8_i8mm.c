/*
 * pack_int8_i8mm.c - rows of W to a panel for the int8 matrix instructions.
 */
#include "runtime/kernels/neon/pack_int8_neon.h"

/* [4][4][2][8]: a register holds eight columns of two rows. */
QUIRE_INLINE void order_codes(const int8x16x2_t w[NEON_NR], int8_t *codes)
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

PACK_INT8(q4_0, QUIRE_Q4_0_SIZE, false)
PACK_INT8(q4_1, QUIRE_Q4_1_SIZE, true)
PACK_INT8(q8_0, QUIRE_Q8_0_SIZE, false)

const struct pack_form quire_pack_int8_i8mm[] = {
	PACK_INT8_ROW(QUIRE_Q4_0, NEON_INT8_PANEL_SIZE, pack_q4_0),
	PACK_INT8_ROW(QUIRE_Q4_1, NEON_INT8_MIN_PANEL_SIZE, pack_q4_1),
	PACK_INT8_ROW(QUIRE_Q8_0, NEON_INT8_PANEL_SIZE, pack_q8_0),
	{ 0 },
};
