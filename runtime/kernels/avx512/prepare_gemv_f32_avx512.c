/*
 * prepare_vec_f32_avx512.c - activations for the vec form of Q4_0 and Q4_1 in
 * f32: in the order in which the codes of four blocks come out of a register.
 */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include <immintrin.h>

#include "runtime/kernels/avx512/geometry_avx512.h"

/* 8 times x of this magnitude, 8 of them added, is an f32. */
#define LARGE 0x1p121F

/* 16 columns of a block, of which byte i of its codes has column i in the same
 * half: column 4j + i goes to lane j of vector 2i. */
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
	/* Neither is a NaN below. */
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
