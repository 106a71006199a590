/*
 * gemv_int8_dotprod.c - one row of quantized x by rows of W, by the dot product
 * instructions.
 */
#ifndef __ARM_FEATURE_DOTPROD
#error "compile with -march=armv8.2-a+dotprod"
#endif

#include "runtime/kernels/neon/gemv_int8_neon.h"

QUIRE_INLINE int32x4_t dot(int8x16x2_t w, int8x16x2_t x)
{
	const int32x4_t low = vdotq_s32(vdupq_n_s32(0), w.val[0], x.val[0]);

	return vdotq_s32(low, w.val[1], x.val[1]);
}

GEMV_INT8(q4_0, QUIRE_Q4_0_SIZE, dot, false)
GEMV_INT8(q4_1, QUIRE_Q4_1_SIZE, dot, true)
GEMV_INT8(q8_0, QUIRE_Q8_0_SIZE, dot, false)

const struct gemv_form quire_gemv_int8_dotprod[] = {
	GEMV_INT8_ROW(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR, gemv_q4_0),
	GEMV_INT8_ROW(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR, gemv_q4_1),
	GEMV_INT8_ROW(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR, gemv_q8_0),
	{ 0 },
};
