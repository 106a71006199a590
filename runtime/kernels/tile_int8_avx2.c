/*
 * tile_int8_avx2.c - rows of quantized x by a panel of codes: an exact integer
 * for each block, scaled and summed in f32.
 *
 * Codes are at most 15 and activations at most 127 in size, so eight pair
 * sums of a block fit 16 bits (8 x 2 x 15 x 127 = 30480 < 32768): sums are
 * widened once a block, not once a product.
 */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <immintrin.h>
#include <string.h>

#include "runtime/kernels/kernels_avx2.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

enum {
	MR = AVX2_INT8_MR
};

static inline __m256i broadcast(const unsigned char *bytes)
{
	int32_t four;

	memcpy(&four, bytes, sizeof(four));
	return _mm256_set1_epi32(four);
}

/* The integer part of one block, in 16 bits: two sums a lane. */
static inline void multiply_block(const unsigned char *x,
				  const unsigned char *w, __m256i s[MR][2])
{
	QUIRE_UNROLL
	for (int m = 0; m < MR; m++)
		s[m][0] = s[m][1] = _mm256_setzero_si256();
	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 4; i++) {
		const unsigned char *codes = w + i * AVX2_NR * 4;
		const __m256i w0 = _mm256_load_si256((const void *)codes);
		const __m256i w1 =
		    _mm256_load_si256((const void *)(codes + 32));

		QUIRE_UNROLL
		for (int m = 0; m < MR; m++) {
			const __m256i a =
			    broadcast(x + m * QUIRE_BLOCK_COLS + i * 4);

			s[m][0] = _mm256_add_epi16(s[m][0],
						   _mm256_maddubs_epi16(w0, a));
			s[m][1] = _mm256_add_epi16(s[m][1],
						   _mm256_maddubs_epi16(w1, a));
		}
	}
}

/* sum + the block's integer part, scaled. */
static inline __m256 scale_block(__m256i s, __m256i offset, __m256 d,
				 __m256 sum)
{
	const __m256i whole = _mm256_add_epi32(
	    _mm256_madd_epi16(s, _mm256_set1_epi16(1)), offset);

	return _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole), d, sum);
}

static inline void store(float *c, __m256 sum, bool add)
{
	if (add)
		sum = _mm256_add_ps(_mm256_loadu_ps(c), sum);
	_mm256_storeu_ps(c, sum);
}

void quire_tile_int8_avx2(const void *x, const void *panel, size_t k, float *c,
			  bool add)
{
	const unsigned char *columns = x, *w = panel;
	__m256 sum[MR][2];

	QUIRE_UNROLL
	for (int m = 0; m < MR; m++)
		sum[m][0] = sum[m][1] = _mm256_setzero_ps();
	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
		const float *scales =
		    (const void *)(w + QUIRE_BLOCK_COLS * AVX2_NR);
		const __m256 d0 = _mm256_load_ps(scales);
		const __m256 d1 = _mm256_load_ps(scales + 8);
		__m256i s[MR][2];

		multiply_block(columns, w, s);
		QUIRE_UNROLL
		for (int m = 0; m < MR; m++) {
			const __m256i offset =
			    broadcast(columns + QUIRE_INT8_OFFSETS(MR) + m * 4);
			const __m256 d = _mm256_castsi256_ps(
			    broadcast(columns + QUIRE_INT8_SCALES(MR) + m * 4));

			sum[m][0] = scale_block(
			    s[m][0], offset, _mm256_mul_ps(d, d0), sum[m][0]);
			sum[m][1] = scale_block(
			    s[m][1], offset, _mm256_mul_ps(d, d1), sum[m][1]);
		}
		columns += QUIRE_INT8_SIZE(MR);
		w += AVX2_INT8_BLOCK_SIZE;
	}
	QUIRE_UNROLL
	for (int m = 0; m < MR; m++) {
		store(c + m * AVX2_NR, sum[m][0], add);
		store(c + m * AVX2_NR + 8, sum[m][1], add);
	}
}
