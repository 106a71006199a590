/*
 * rows_avx512.h - reads 16 rows of W at once, a row in a lane.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512_ROWS_AVX512_H
#define QUIRE_RUNTIME_KERNELS_AVX512_ROWS_AVX512_H

#ifndef __AVX512BW__
#error "compile with -mavx512bw"
#endif

#include <immintrin.h>
#include <stddef.h>

#include "base/bytes.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

/* Pointers to 16 rows from `first` on. After the last row of W it is repeated:
 * the results are not used. */
QUIRE_INLINE void find_rows16(const void *weights, size_t row_size, size_t rows,
			      size_t first, const unsigned char *row[16])
{
	for (size_t i = 0; i < 16; i++) {
		const size_t at = first + i < rows ? first + i : rows - 1;

		row[i] = (const unsigned char *)weights + at * row_size;
	}
}

/* 16 bytes of rows first, first + 4, first + 8 and first + 12. */
QUIRE_INLINE __m512i load_4_rows(const unsigned char *const row[16],
				 size_t first, size_t offset)
{
	__m512i z = _mm512_castsi128_si512(
	    _mm_loadu_si128((const void *)(row[first] + offset)));

	z = _mm512_inserti32x4(
	    z, _mm_loadu_si128((const void *)(row[first + 4] + offset)), 1);
	z = _mm512_inserti32x4(
	    z, _mm_loadu_si128((const void *)(row[first + 8] + offset)), 2);
	return _mm512_inserti32x4(
	    z, _mm_loadu_si128((const void *)(row[first + 12] + offset)), 3);
}

/* Transposes 4 x 4 dwords in each quarter: quarter i of out[j] has dword j of
 * quarter i of each vector. */
QUIRE_INLINE void transpose_quarters(const __m512i in[4], __m512i out[4])
{
	const __m512i t0 = _mm512_unpacklo_epi32(in[0], in[1]);
	const __m512i t1 = _mm512_unpackhi_epi32(in[0], in[1]);
	const __m512i t2 = _mm512_unpacklo_epi32(in[2], in[3]);
	const __m512i t3 = _mm512_unpackhi_epi32(in[2], in[3]);

	out[0] = _mm512_unpacklo_epi64(t0, t2);
	out[1] = _mm512_unpackhi_epi64(t0, t2);
	out[2] = _mm512_unpacklo_epi64(t1, t3);
	out[3] = _mm512_unpackhi_epi64(t1, t3);
}

/* 16 bytes of each row, transposed by 4 bytes: lane i of out[j] holds bytes
 * 4j to 4j + 3 of row i. Rows 4 apart are loaded into one vector, so that
 * transposing within its quarters puts the lanes in order. */
QUIRE_INLINE void load_transposed16(const unsigned char *const row[16],
				    size_t offset, __m512i out[4])
{
	__m512i in[4];

	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		in[i] = load_4_rows(row, i, offset);
	transpose_quarters(in, out);
}

/* 16 bytes of two codes each to a block of unsigned codes of each row: lane i
 * of codes[j] has columns 4j to 4j + 3 of row i. */
QUIRE_INLINE void split_nibbles(const __m512i bytes[4], __m512i codes[8])
{
	const __m512i nibble = _mm512_set1_epi8(15);

	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++) {
		const __m512i high = _mm512_srli_epi16(bytes[i], 4);

		codes[i] = _mm512_and_si512(bytes[i], nibble);
		codes[i + 4] = _mm512_and_si512(high, nibble);
	}
}

/* The same from the 32 signed bytes at `offset`. */
QUIRE_INLINE void load_bytes16(const unsigned char *const row[16],
			       size_t offset, __m512i codes[8])
{
	const __m512i zero = _mm512_set1_epi8((char)QUIRE_Q8_0_ZERO);

	load_transposed16(row, offset, codes);
	load_transposed16(row, offset + 16, codes + 4);
	QUIRE_UNROLL
	for (size_t i = 0; i < 8; i++)
		codes[i] = _mm512_xor_si512(codes[i], zero);
}

/* The f16 at `offset` of each row, as f32. */
QUIRE_INLINE __m512 load_f16_16(const unsigned char *const row[16],
				size_t offset)
{
#define SCALE(i) (short)load_u16(row[i] + offset)
	return _mm512_cvtph_ps(_mm256_setr_epi16(
	    SCALE(0), SCALE(1), SCALE(2), SCALE(3), SCALE(4), SCALE(5),
	    SCALE(6), SCALE(7), SCALE(8), SCALE(9), SCALE(10), SCALE(11),
	    SCALE(12), SCALE(13), SCALE(14), SCALE(15)));
#undef SCALE
}

#endif
