/*
 * dot_dotprod.h - 32 products and their sums by the dot product instructions.
 */
#ifndef QUIRE_RUNTIME_KERNELS_NEON_DOTPROD_DOT_DOTPROD_H
#define QUIRE_RUNTIME_KERNELS_NEON_DOTPROD_DOT_DOTPROD_H

#ifndef __ARM_FEATURE_DOTPROD
#error "compile with -march=armv8.2-a+dotprod"
#endif

#include "runtime/kernels/neon/vec_int8_neon.h"

NEON_INLINE int32x4_t dot_dotprod(int8x16x2_t w, int8x16x2_t x)
{
	const int32x4_t low = vdotq_s32(vdupq_n_s32(0), w.val[0], x.val[0]);

	return vdotq_s32(low, w.val[1], x.val[1]);
}

#endif
