/*
 * vec_int8_q4_0_avx512vnni.c - one row of quantized x by rows of Q4_0.
 *
 * One row of W at a time, four blocks (72 bytes) a step: reading several rows
 * at once halves the bandwidth of some machines. Lanes 4b to 4b + 3 belong to
 * block b; the integer sums begin at the offsets, so codes stay unsigned.
 */
#ifndef __AVX512VNNI__
#error "compile with -mavx512vnni"
#endif

#include <assert.h>
#include <immintrin.h>

#include "runtime/kernels/kernels_avx512.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"

#define STEP_SIZE (4 * QUIRE_Q4_0_SIZE)

/* A block is 9 words: its scale is word 0, its codes words 1 to 8. Of the
 * fourth block the first load has only half. */
static __m512i code_words(void)
{
	unsigned short words[32];

	for (int i = 0; i < 32; i++)
		words[i] = (unsigned short)(i / 8 * 9 + 1 + i % 8);
	return _mm512_loadu_si512(words);
}

static __m512i scale_words(void)
{
	unsigned short words[32];

	for (int i = 0; i < 32; i++)
		words[i] = (unsigned short)(i / 4 * 9 % 32);
	return _mm512_loadu_si512(words);
}

/* Adds four blocks: `head` is their first 64 bytes, `codes` their codes. */
static inline __m512 add_step(__m512 sum, __m512i head, __m512i codes,
			      __m512i words, const unsigned char *x)
{
	const __m512i nibble = _mm512_set1_epi8(15);
	const __m512i low = _mm512_and_si512(codes, nibble);
	const __m512i high =
	    _mm512_and_si512(_mm512_srli_epi16(codes, 4), nibble);
	const __m512 d = _mm512_cvtph_ps(
	    _mm512_castsi512_si256(_mm512_permutexvar_epi16(words, head)));
	__m512i s = _mm512_load_si512(x + 128);

	s = _mm512_dpbusd_epi32(s, low, _mm512_load_si512(x));
	s = _mm512_dpbusd_epi32(s, high, _mm512_load_si512(x + 64));
	return _mm512_fmadd_ps(_mm512_cvtepi32_ps(s),
			       _mm512_mul_ps(d, _mm512_load_ps(x + 192)), sum);
}

void quire_vec_int8_q4_0_avx512vnni(const void *weights, size_t row_size,
				    size_t rows, size_t k, const void *x,
				    float *y)
{
	const size_t steps = k / AVX512_VEC_INT8_COLS;
	const size_t rest = k % AVX512_VEC_INT8_COLS / QUIRE_BLOCK_COLS;
	const __mmask64 rest_bytes =
	    ((__mmask64)1 << rest * QUIRE_Q4_0_SIZE) - 1;
	const __m512i code_index = code_words(), scale_index = scale_words();

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t i = 0; i < rows; i++) {
		const unsigned char *w =
		    (const unsigned char *)weights + i * row_size;
		const unsigned char *columns = x;
		__m512 sum = _mm512_setzero_ps();
		__m512i head, codes;

		for (size_t j = 0; j < steps; j++) {
			prefetch_ahead(w, QUIRE_AHEAD_ALONG);
			head = _mm512_loadu_si512(w);
			codes = _mm512_permutexvar_epi16(code_index, head);
			codes = _mm512_inserti32x4(
			    codes, _mm_loadu_si128((const void *)(w + 56)), 3);
			sum = add_step(sum, head, codes, scale_index, columns);
			w += STEP_SIZE;
			columns += AVX512_VEC_INT8_SIZE;
		}
		if (rest > 0) {
			head = _mm512_maskz_loadu_epi8(rest_bytes, w);
			codes = _mm512_permutexvar_epi16(code_index, head);
			sum = add_step(sum, head, codes, scale_index, columns);
		}
		y[i] = _mm512_reduce_add_ps(sum);
	}
}
