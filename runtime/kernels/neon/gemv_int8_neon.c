/*
 * gemv_int8_neon.c - one row of quantized x by rows of W, by the instructions
 * that every arm64 CPU has.
 */
#include "runtime/kernels/neon/gemv_int8_neon.h"

/* A product has 15 bits and a sign, so it is widened before it is added. */
QUIRE_INLINE int32x4_t dot_widened(int8x16x2_t w, int8x16x2_t x)
{
	int32x4_t sum = vdupq_n_s32(0);

	QUIRE_UNROLL
	for (int i = 0; i < 2; i++) {
		sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(w.val[i]),
						vget_low_s8(x.val[i])));
		sum = vpadalq_s16(sum, vmull_high_s8(w.val[i], x.val[i]));
	}
	return sum;
}

GEMV_INT8(q4_0, QUIRE_Q4_0_SIZE, dot_widened, false)
GEMV_INT8(q4_1, QUIRE_Q4_1_SIZE, dot_widened, true)
GEMV_INT8(q8_0, QUIRE_Q8_0_SIZE, dot_widened, false)

const struct gemv_form quire_gemv_int8_neon[] = {
	GEMV_INT8_ROW(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR, gemv_q4_0),
	GEMV_INT8_ROW(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR, gemv_q4_1),
	GEMV_INT8_ROW(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR, gemv_q8_0),
	{ 0 },
};
