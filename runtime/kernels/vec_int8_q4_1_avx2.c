/*
 * vec_int8_q4_1_avx2.c - one row of quantized x by rows of Q4_1.
 *
 * The pair sums of maddubs, 2 x 15 x 127 = 3810, are far from the 16 bits
 * that they have. What comes with x is the sums of its codes, for the minima.
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

/* 32 codes: low nibbles, then high ones. */
static inline __m256i load_codes(const unsigned char *bytes)
{
	const __m128i q = _mm_loadu_si128((const void *)bytes);

	return _mm256_and_si256(
	    _mm256_inserti128_si256(_mm256_castsi128_si256(q),
				    _mm_srli_epi16(q, 4), 1),
	    _mm256_set1_epi8(15));
}

/* Block i of a group of x. */
static inline __m256 add_block(const unsigned char *block,
			       const unsigned char *group, size_t i, __m256 sum)
{
	const unsigned char *x = group + i * QUIRE_BLOCK_COLS;
	const __m256i products =
	    _mm256_maddubs_epi16(load_codes(block + QUIRE_Q4_1_CODES),
				 _mm256_load_si256((const void *)x));
	const __m256i x_pairs =
	    _mm256_load_si256((const void *)(x + AVX2_VEC_INT8_OFFSETS));
	const __m256i ones = _mm256_set1_epi16(1);
	const __m256 s = _mm256_cvtepi32_ps(_mm256_madd_epi16(products, ones));
	const __m256 x_sums =
	    _mm256_cvtepi32_ps(_mm256_madd_epi16(x_pairs, ones));
	const __m256 d = _mm256_set1_ps(_cvtsh_ss(load_u16(block)));
	const __m256 m =
	    _mm256_set1_ps(_cvtsh_ss(load_u16(block + QUIRE_Q4_1_MIN)));
	float scale;

	memcpy(&scale, group + AVX2_VEC_INT8_SCALES + i * sizeof(scale),
	       sizeof(scale));
	return _mm256_fmadd_ps(_mm256_fmadd_ps(m, x_sums, _mm256_mul_ps(s, d)),
			       _mm256_set1_ps(scale), sum);
}

void quire_vec_int8_q4_1_avx2(const void *weights, size_t row_size, size_t rows,
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
				block += QUIRE_Q4_1_SIZE;
			}
			group += AVX2_VEC_INT8_SIZE;
		}
		for (size_t j = 0; b + j < blocks; j++) {
			sum[0] = add_block(block, group, j, sum[0]);
			block += QUIRE_Q4_1_SIZE;
		}
		y[i] = add_lanes_ps(_mm256_add_ps(sum[0], sum[1]));
	}
}
