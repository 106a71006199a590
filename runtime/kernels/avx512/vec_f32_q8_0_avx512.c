/*
 * vec_f32_q8_0_avx512.c - one row of x by rows of Q8_0, in f32.
 */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include <assert.h>
#include <immintrin.h>

#include "base/bytes.h"
#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"

/* 16 codes times d: exact in f32. */
static inline __m512 decode(const unsigned char *codes, __m512 d)
{
	const __m512i wide =
	    _mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)codes));

	return _mm512_mul_ps(_mm512_cvtepi32_ps(wide), d);
}

static inline void add_block(const unsigned char *block, const float *x,
			     __m512 sum[2])
{
	const unsigned char *codes = block + QUIRE_Q8_0_CODES;
	const __m512 d =
	    _mm512_cvtph_ps(_mm256_set1_epi16((short)load_u16(block)));

	sum[0] = _mm512_fmadd_ps(decode(codes, d), _mm512_loadu_ps(x), sum[0]);
	sum[1] = _mm512_fmadd_ps(decode(codes + 16, d), _mm512_loadu_ps(x + 16),
				 sum[1]);
}

void quire_vec_f32_q8_0_avx512(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x, float *y)
{
	const size_t blocks = k / QUIRE_BLOCK_COLS;

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t i = 0; i < rows; i++) {
		const unsigned char *block =
		    (const unsigned char *)weights + i * row_size;
		const float *columns = x;
		__m512 even[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };
		__m512 odd[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };

		for (size_t j = 0; j + 2 <= blocks; j += 2) {
			prefetch_along(block, (size_t)2 * QUIRE_Q8_0_SIZE);
			add_block(block, columns, even);
			add_block(block + QUIRE_Q8_0_SIZE,
				  columns + QUIRE_BLOCK_COLS, odd);
			block += (size_t)2 * QUIRE_Q8_0_SIZE;
			columns += (size_t)2 * QUIRE_BLOCK_COLS;
		}
		if (blocks % 2)
			add_block(block, columns, even);
		y[i] = _mm512_reduce_add_ps(
		    _mm512_add_ps(_mm512_add_ps(even[0], even[1]),
				  _mm512_add_ps(odd[0], odd[1])));
	}
}
