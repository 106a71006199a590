/*
 * vec_f32_q8_0_avx2.c - one row of x by rows of Q8_0, in f32.
 */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <assert.h>

#include "runtime/kernels/kernels_avx2.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"
#include "runtime/kernels/vectors_avx2.h"

/* 8 codes times d: exact in f32. */
static inline __m256 decode(const unsigned char *codes, __m256 d)
{
	const __m256i wide =
	    _mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)codes));

	return _mm256_mul_ps(_mm256_cvtepi32_ps(wide), d);
}

static inline void add_block(const unsigned char *block, const float *x,
			     __m256 sum[4])
{
	const unsigned char *codes = block + QUIRE_Q8_0_CODES;
	const __m256 d = _mm256_set1_ps(_cvtsh_ss(load_u16(block)));

	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		sum[i] = _mm256_fmadd_ps(decode(codes + 8 * i, d),
					 _mm256_loadu_ps(x + 8 * i), sum[i]);
}

void quire_vec_f32_q8_0_avx2(const void *weights, size_t row_size, size_t rows,
			     size_t k, const void *x, float *y)
{
	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t i = 0; i < rows; i++) {
		const unsigned char *block =
		    (const unsigned char *)weights + i * row_size;
		const float *columns = x;
		__m256 sum[4] = { _mm256_setzero_ps(), _mm256_setzero_ps(),
				  _mm256_setzero_ps(), _mm256_setzero_ps() };

		for (size_t j = 0; j < k; j += QUIRE_BLOCK_COLS) {
			prefetch_ahead(block, QUIRE_AHEAD_ALONG);
			add_block(block, columns + j, sum);
			block += QUIRE_Q8_0_SIZE;
		}
		y[i] =
		    add_lanes_ps(_mm256_add_ps(_mm256_add_ps(sum[0], sum[1]),
					       _mm256_add_ps(sum[2], sum[3])));
	}
}
