/*
 * pack_int8_dotprod.c - rows of W to a panel for the dot product instructions.
 */
#include "runtime/kernels/neon/pack_int8_neon.h"

/* [8][8][4]: a register holds four columns of four rows. */
QUIRE_INLINE void order_codes(const int8x16x2_t w[NEON_NR], int8_t *codes)
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

PACK_INT8(q4_0, QUIRE_Q4_0_SIZE, false)
PACK_INT8(q4_1, QUIRE_Q4_1_SIZE, true)
PACK_INT8(q8_0, QUIRE_Q8_0_SIZE, false)

const struct pack_form quire_pack_int8_dotprod[] = {
	PACK_INT8_ROW(QUIRE_Q4_0, NEON_INT8_PANEL_SIZE, pack_q4_0),
	PACK_INT8_ROW(QUIRE_Q4_1, NEON_INT8_MIN_PANEL_SIZE, pack_q4_1),
	PACK_INT8_ROW(QUIRE_Q8_0, NEON_INT8_PANEL_SIZE, pack_q8_0),
	{ 0 },
};
