/*
 * vec_f32_q4_1_avx2.c - one row of x by rows of Q4_1, in f32.
 */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <assert.h>

#include "runtime/kernels/kernels_avx2.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/vectors_avx2.h"

/* 8 codes times d, which is exact, and m: rounded once. */
static inline __m256 decode(__m128i codes, __m256 d, __m256 m)
{
	return _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(codes)),
			       d, m);
}

static inline void add_block(const unsigned char *block, const float *x,
			     __m256 sum[4])
{
	const __m128i nibble = _mm_set1_epi8(15);
	const __m256 d = _mm256_set1_ps(_cvtsh_ss(load_u16(block)));
	const __m256 m =
	    _mm256_set1_ps(_cvtsh_ss(load_u16(block + QUIRE_Q4_1_MIN)));
	const __m128i q =
	    _mm_loadu_si128((const void *)(block + QUIRE_Q4_1_CODES));
	const __m128i low = _mm_and_si128(q, nibble);
	const __m128i high = _mm_and_si128(_mm_srli_epi16(q, 4), nibble);

	sum[0] = _mm256_fmadd_ps(decode(low, d, m), _mm256_loadu_ps(x), sum[0]);
	sum[1] = _mm256_fmadd_ps(decode(_mm_srli_si128(low, 8), d, m),
				 _mm256_loadu_ps(x + 8), sum[1]);
	sum[2] = _mm256_fmadd_ps(decode(high, d, m), _mm256_loadu_ps(x + 16),
				 sum[2]);
	sum[3] = _mm256_fmadd_ps(decode(_mm_srli_si128(high, 8), d, m),
				 _mm256_loadu_ps(x + 24), sum[3]);
}

void quire_vec_f32_q4_1_avx2(const void *weights, size_t row_size, size_t rows,
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
			block += QUIRE_Q4_1_SIZE;
		}
		y[i] =
		    add_lanes_ps(_mm256_add_ps(_mm256_add_ps(sum[0], sum[1]),
					       _mm256_add_ps(sum[2], sum[3])));
	}
}
