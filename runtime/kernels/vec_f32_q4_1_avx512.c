/*
 * vec_f32_q4_1_avx512.c - one row of x by rows of Q4_1, in f32.
 *
 * The 16 values that codes can have fill one register: they are made once
 * a block, and a permute by the codes decodes 16 of them.
 */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include <assert.h>
#include <immintrin.h>

#include "format/bytes.h"
#include "runtime/kernels/kernels_avx512.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"

static inline void add_block(const unsigned char *block, const float *x,
			     __m512 sum[2])
{
	const __m512 values = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
					     11, 12, 13, 14, 15);
	const __m512 d =
	    _mm512_cvtph_ps(_mm256_set1_epi16((short)load_u16(block)));
	const __m512 m = _mm512_cvtph_ps(
	    _mm256_set1_epi16((short)load_u16(block + QUIRE_Q4_1_MIN)));
	const __m512 scaled = _mm512_fmadd_ps(values, d, m);
	const __m512i codes = _mm512_cvtepu8_epi32(
	    _mm_loadu_si128((const void *)(block + QUIRE_Q4_1_CODES)));
	const __m512 low = _mm512_permutexvar_ps(codes, scaled);
	const __m512 high =
	    _mm512_permutexvar_ps(_mm512_srli_epi32(codes, 4), scaled);

	sum[0] = _mm512_fmadd_ps(low, _mm512_loadu_ps(x), sum[0]);
	sum[1] = _mm512_fmadd_ps(high, _mm512_loadu_ps(x + 16), sum[1]);
}

void quire_vec_f32_q4_1_avx512(const void *weights, size_t row_size,
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
			prefetch_ahead(block, QUIRE_AHEAD_ALONG);
			add_block(block, columns, even);
			add_block(block + QUIRE_Q4_1_SIZE,
				  columns + QUIRE_BLOCK_COLS, odd);
			block += (size_t)2 * QUIRE_Q4_1_SIZE;
			columns += (size_t)2 * QUIRE_BLOCK_COLS;
		}
		if (blocks % 2)
			add_block(block, columns, even);
		y[i] = _mm512_reduce_add_ps(
		    _mm512_add_ps(_mm512_add_ps(even[0], even[1]),
				  _mm512_add_ps(odd[0], odd[1])));
	}
}
