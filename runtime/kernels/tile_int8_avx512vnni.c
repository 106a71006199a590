/*
 * tile_int8_avx512vnni.c - rows of quantized x by a panel of codes: an exact
 * integer for each block, scaled and summed in f32.
 */
#ifndef __AVX512VNNI__
#error "compile with -mavx512vnni"
#endif

#include <immintrin.h>
#include <string.h>

#include "runtime/kernels/kernels_avx512.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

enum {
	MR = AVX512_INT8_MR,
	NV = AVX512_NR / 16
};

static inline __m512i broadcast(const unsigned char *bytes)
{
	int32_t four;

	memcpy(&four, bytes, sizeof(four));
	return _mm512_set1_epi32(four);
}

/* The exact integer part of one block. */
static inline void multiply_block(const unsigned char *x,
				  const unsigned char *w, __m512i s[MR][NV])
{
	QUIRE_UNROLL
	for (int m = 0; m < MR; m++)
		s[m][0] = s[m][1] =
		    broadcast(x + QUIRE_INT8_OFFSETS(MR) + m * 4);
	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 4; i++) {
		const __m512i w0 = _mm512_load_si512(w + i * AVX512_NR * 4);
		const __m512i w1 =
		    _mm512_load_si512(w + i * AVX512_NR * 4 + 64);

		QUIRE_UNROLL
		for (int m = 0; m < MR; m++) {
			const __m512i a =
			    broadcast(x + m * QUIRE_BLOCK_COLS + i * 4);

			s[m][0] = _mm512_dpbusd_epi32(s[m][0], w0, a);
			s[m][1] = _mm512_dpbusd_epi32(s[m][1], w1, a);
		}
	}
}

static inline void store(float *c, __m512 sum, bool add)
{
	if (add)
		sum = _mm512_add_ps(_mm512_loadu_ps(c), sum);
	_mm512_storeu_ps(c, sum);
}

void quire_tile_int8_avx512vnni(const void *x, const void *panel, size_t k,
				float *c, bool add)
{
	const unsigned char *columns = x, *w = panel;
	__m512 sum[MR][NV];

	QUIRE_UNROLL
	for (int m = 0; m < MR; m++)
		sum[m][0] = sum[m][1] = _mm512_setzero_ps();
	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
		const unsigned char *scales = w + QUIRE_BLOCK_COLS * AVX512_NR;
		const __m512 d0 = _mm512_load_ps(scales);
		const __m512 d1 = _mm512_load_ps(scales + 64);
		__m512i s[MR][NV];

		multiply_block(columns, w, s);
		QUIRE_UNROLL
		for (int m = 0; m < MR; m++) {
			const __m512 d = _mm512_castsi512_ps(
			    broadcast(columns + QUIRE_INT8_SCALES(MR) + m * 4));

			sum[m][0] =
			    _mm512_fmadd_ps(_mm512_cvtepi32_ps(s[m][0]),
					    _mm512_mul_ps(d, d0), sum[m][0]);
			sum[m][1] =
			    _mm512_fmadd_ps(_mm512_cvtepi32_ps(s[m][1]),
					    _mm512_mul_ps(d, d1), sum[m][1]);
		}
		columns += QUIRE_INT8_SIZE(MR);
		w += AVX512_INT8_BLOCK_SIZE;
	}
	QUIRE_UNROLL
	for (int m = 0; m < MR; m++) {
		store(c + m * AVX512_NR, sum[m][0], add);
		store(c + m * AVX512_NR + 16, sum[m][1], add);
	}
}
