/*
 * prepare_gemv_f32_avx512.c - orders x for GEMV and small-batch GEMM of Q4_0
 * and Q4_1 in f32: as the codes of four blocks are in registers.
 */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include <immintrin.h>

#include "runtime/kernels/avx512/geometry_avx512.h"

/* From this magnitude on x counts as large. Below, 8 products of x and codes,
 * at most 8 x 8 x 2^121 = 2^127, add up to a finite f32. */
#define LARGE 0x1p121F

/* 16 columns of a block, whose codes are the low (or high) halves of bytes 0 to
 * 15: column 4j + i goes to lane j of vector 2i. */
static void place_columns(const float *x, float *out)
{
	__m128 in[4];

	for (size_t j = 0; j < 4; j++)
		in[j] = _mm_loadu_ps(x + 4 * j);
	_MM_TRANSPOSE4_PS(in[0], in[1], in[2], in[3]);
	for (size_t i = 0; i < 4; i++)
		_mm_store_ps(out + 32 * i, in[i]);
}

static bool is_large(__m512 x)
{
	/* True for a NaN, too. */
	return _mm512_cmp_ps_mask(_mm512_abs_ps(x), _mm512_set1_ps(LARGE),
				  _CMP_NLT_UQ) != 0;
}

void quire_prepare_gemv_f32_avx512(const struct x_form *form, const float *x,
				   size_t groups, size_t row, void *out)
{
	float *to = out;

	(void)row;
	for (size_t g = 0; g < groups; g++) {
		bool large = false;

		for (size_t b = 0; b < 4; b++) {
			place_columns(x, to + 4 * b);
			place_columns(x + 16, to + 16 + 4 * b);
			large |= is_large(_mm512_loadu_ps(x)) ||
				 is_large(_mm512_loadu_ps(x + 16));
			x += QUIRE_BLOCK_COLS;
		}
		to[AVX512_GEMV_F32_LARGE] = large ? 1.0F : 0.0F;
		to += form->size / sizeof(*to);
	}
}
