/*
 * vec_int8_q8_0_avx2.c - one row of quantized x by rows of Q8_0.
 *
 * maddubs takes one side unsigned: the magnitude of the weight, and the sign
 * goes to x. Its pair sums, 2 x 128 x 127 = 32512, fit 16 bits.
 */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <assert.h>
#include <string.h>

#include "runtime/kernels/kernels_avx2.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"
#include "runtime/kernels/vectors_avx2.h"

/* Block i of a group of x. */
static inline __m256 add_block(const unsigned char *block,
			       const unsigned char *group, size_t i, __m256 sum)
{
	const __m256i w =
	    _mm256_loadu_si256((const void *)(block + QUIRE_Q8_0_CODES));
	const __m256i x =
	    _mm256_load_si256((const void *)(group + i * QUIRE_BLOCK_COLS));
	const __m256i pairs =
	    _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
	const __m256i s = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
	const float d = _cvtsh_ss(load_u16(block));
	float scale;

	memcpy(&scale, group + AVX2_VEC_INT8_SCALES + i * sizeof(scale),
	       sizeof(scale));
	return _mm256_fmadd_ps(_mm256_cvtepi32_ps(s), _mm256_set1_ps(scale * d),
			       sum);
}

void quire_vec_int8_q8_0_avx2(const void *weights, size_t row_size, size_t rows,
			      size_t k, const void *x, float *y)
{
	const size_t blocks = k / QUIRE_BLOCK_COLS;

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t i = 0; i < rows; i++) {
		const unsigned char *block =
		    (const unsigned char *)weights + i * row_size;
		const unsigned char *group = x;
		__m256 sum[2] = { _mm256_setzero_ps(), _mm256_setzero_ps() };
		size_t b = 0;

		for (; b + AVX2_VEC_INT8_BLOCKS <= blocks;
		     b += AVX2_VEC_INT8_BLOCKS) {
			QUIRE_UNROLL
			for (size_t j = 0; j < AVX2_VEC_INT8_BLOCKS; j++) {
				prefetch_ahead(block, QUIRE_AHEAD_ALONG);
				sum[j % 2] =
				    add_block(block, group, j, sum[j % 2]);
				block += QUIRE_Q8_0_SIZE;
			}
			group += AVX2_VEC_INT8_SIZE;
		}
		for (size_t j = 0; b + j < blocks; j++) {
			sum[0] = add_block(block, group, j, sum[0]);
			block += QUIRE_Q8_0_SIZE;
		}
		y[i] = add_lanes_ps(_mm256_add_ps(sum[0], sum[1]));
	}
}
