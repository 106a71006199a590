/*
 * vectors_avx2.h - reads 8 rows of W at once, a row in a lane, and sums lanes.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_VECTORS_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_VECTORS_AVX2_H

#if !defined(__AVX2__) || !defined(__F16C__)
#error "compile with -mavx2 -mf16c"
#endif

#include <immintrin.h>
#include <stddef.h>

#include "base/bytes.h"
#include "runtime/kernels/prefetch.h"

/* Pointers to 8 rows from `first` on. After the last row of W it is repeated:
 * the results are not used. */
static inline void find_rows8(const void *weights, size_t row_size, size_t rows,
			      size_t first, const unsigned char *row[8])
{
	for (size_t i = 0; i < 8; i++) {
		const size_t at = first + i < rows ? first + i : rows - 1;

		row[i] = (const unsigned char *)weights + at * row_size;
	}
}

static inline __m256i load_2_rows(const unsigned char *const row[8],
				  size_t first, size_t offset)
{
	return _mm256_inserti128_si256(
	    _mm256_castsi128_si256(
		_mm_loadu_si128((const void *)(row[first] + offset))),
	    _mm_loadu_si128((const void *)(row[first + 4] + offset)), 1);
}

/* 16 bytes of each row, transposed by 4 bytes: lane i of out[j] holds bytes
 * 4j to 4j + 3 of row i. Rows 4 apart are loaded into one vector, so that
 * transposing within its halves puts the lanes in order. */
static inline void load_transposed8(const unsigned char *const row[8],
				    size_t offset, __m256i out[4])
{
	const __m256i r0 = load_2_rows(row, 0, offset);
	const __m256i r1 = load_2_rows(row, 1, offset);
	const __m256i r2 = load_2_rows(row, 2, offset);
	const __m256i r3 = load_2_rows(row, 3, offset);
	const __m256i t0 = _mm256_unpacklo_epi32(r0, r1);
	const __m256i t1 = _mm256_unpackhi_epi32(r0, r1);
	const __m256i t2 = _mm256_unpacklo_epi32(r2, r3);
	const __m256i t3 = _mm256_unpackhi_epi32(r2, r3);

	out[0] = _mm256_unpacklo_epi64(t0, t2);
	out[1] = _mm256_unpackhi_epi64(t0, t2);
	out[2] = _mm256_unpacklo_epi64(t1, t3);
	out[3] = _mm256_unpackhi_epi64(t1, t3);
}

/* The f16 at `offset` of each row, as f32. */
static inline __m256 load_f16_8(const unsigned char *const row[8],
				size_t offset)
{
#define ITEM(i) (short)load_u16(row[i] + offset)
	return _mm256_cvtph_ps(_mm_setr_epi16(ITEM(0), ITEM(1), ITEM(2),
					      ITEM(3), ITEM(4), ITEM(5),
					      ITEM(6), ITEM(7)));
#undef ITEM
}

static inline float add_lanes_ps(__m256 x)
{
	__m128 s =
	    _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

#endif
