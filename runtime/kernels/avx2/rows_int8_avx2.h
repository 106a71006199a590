/*
 * rows_int8_avx2.h - a few rows of quantized x by rows of W as they lie: what
 * the kernels in 256 bits share. Each type of weights brings its own way to
 * read a block, each instruction set its own to the integers.
 *
 * A group is 8 blocks, in four pairs: blocks j and j + 4 are the two halves of
 * a vector. Their integers are added up to one for each block before they
 * become f32, by steps that stay within the halves, so that conversions and
 * scales are once for all 8. One row of W at a time: reading several halves the
 * bandwidth of some machines. Rows of x share what is unpacked of W.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_ROWS_INT8_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_ROWS_INT8_AVX2_H

#include <assert.h>
#include <stdbool.h>

#include "runtime/kernels/avx2/integers_avx2.h"
#include "runtime/kernels/avx2/kernels_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

#define BLOCKS AVX2_VEC_INT8_BLOCKS
#define PAIRS  (BLOCKS / 2)

/* The most rows of x that share what is unpacked. */
#define AT_ONCE 4

/* Codes of columns 0 to 15 and 16 to 31 of two blocks. */
struct pair {
	__m256i low, high;
};

/* 8 blocks of a row of W; scales and minima in the order of the blocks. */
struct group {
	struct pair pairs[PAIRS];
	__m256 d, min;
};

/* A type of weights. Constant wherever it is used, so that all is inlined. */
struct block_type {
	size_t size;
	size_t codes; /* where they begin */
	struct pair (*load_codes)(const unsigned char *first,
				  const unsigned char *second);
	void (*load_scales)(const unsigned char *w, struct group *group);
	/* The sum of each half of sums[j] in lane j of that half. */
	__m256i (*add_halves)(const __m256i sums[PAIRS]);
	bool minima;
};

/* 16 bytes at each place. */
QUIRE_INLINE __m256i load_halves(const unsigned char *first,
				 const unsigned char *second)
{
	return _mm256_inserti128_si256(
	    _mm256_castsi128_si256(_mm_loadu_si128((const void *)first)),
	    _mm_loadu_si128((const void *)second), 1);
}

QUIRE_INLINE struct pair load_nibbles(const unsigned char *first,
				      const unsigned char *second)
{
	const __m256i nibble = _mm256_set1_epi8(15);
	const __m256i bytes = load_halves(first, second);

	return (struct pair){
		.low = _mm256_and_si256(bytes, nibble),
		.high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble),
	};
}

QUIRE_INLINE struct pair load_bytes(const unsigned char *first,
				    const unsigned char *second)
{
	return (struct pair){
		.low = load_halves(first, second),
		.high = load_halves(first + 16, second + 16),
	};
}

QUIRE_INLINE void load_group(const unsigned char *w,
			     const struct block_type *type, struct group *group)
{
	const unsigned char *codes = w + type->codes;

	type->load_scales(w, group);
	QUIRE_UNROLL
	for (size_t j = 0; j < PAIRS; j++)
		group->pairs[j] = type->load_codes(
		    codes + j * type->size, codes + (j + PAIRS) * type->size);
}

/* The last blocks of a row, fewer than 8. Those that are not there are zeros,
 * as is x. */
static inline void load_rest(const unsigned char *w, size_t blocks,
			     const struct block_type *type, struct group *group)
{
	static const unsigned char none[QUIRE_BLOCK_COLS];
	const unsigned char *codes[BLOCKS];
	float d[BLOCKS] = { 0 }, min[BLOCKS] = { 0 };

	for (size_t j = 0; j < BLOCKS; j++)
		codes[j] = none;
	for (size_t j = 0; j < blocks; j++, w += type->size) {
		codes[j] = w + type->codes;
		d[j] = _cvtsh_ss(load_u16(w));
		if (type->minima)
			min[j] = _cvtsh_ss(load_u16(w + QUIRE_Q4_1_MIN));
	}
	group->d = _mm256_loadu_ps(d);
	group->min = _mm256_loadu_ps(min);
	QUIRE_UNROLL
	for (size_t j = 0; j < PAIRS; j++)
		group->pairs[j] = type->load_codes(codes[j], codes[j + PAIRS]);
}

/* In 16 bits, for codes of 4: a lane has 8 products, which are at most 8 * 15 *
 * 127 together, and what is packed last has 16. */
QUIRE_INLINE __m256i add_small_halves(const __m256i sums[PAIRS])
{
	const __m256i ones = _mm256_set1_epi16(1);
	const __m256i low =
	    _mm256_madd_epi16(_mm256_packs_epi32(sums[0], sums[1]), ones);
	const __m256i high =
	    _mm256_madd_epi16(_mm256_packs_epi32(sums[2], sums[3]), ones);

	return _mm256_madd_epi16(_mm256_packs_epi32(low, high), ones);
}

QUIRE_INLINE __m256i add_large_halves(const __m256i sums[PAIRS])
{
	return _mm256_hadd_epi32(_mm256_hadd_epi32(sums[0], sums[1]),
				 _mm256_hadd_epi32(sums[2], sums[3]));
}

/* The integers of 8 blocks, without offsets. */
QUIRE_INLINE __m256i multiply_group(const struct group *w,
				    const unsigned char *x,
				    const struct block_type *type,
				    const struct integers *integers)
{
	const __m256i zero = _mm256_setzero_si256();
	const __m256i *codes = (const void *)x;
	__m256i sums[PAIRS];

	QUIRE_UNROLL
	for (size_t j = 0; j < PAIRS; j++) {
		__m256i s = integers->start(zero);

		s = integers->add(s, w->pairs[j].low,
				  _mm256_load_si256(codes + 2 * j));
		s = integers->add(s, w->pairs[j].high,
				  _mm256_load_si256(codes + 2 * j + 1));
		sums[j] = integers->finish(s, zero);
	}
	return type->add_halves(sums);
}

/* Adds 8 blocks of W times a group of x to the lanes of `sum`. */
QUIRE_INLINE __m256 add_group(__m256 sum, const struct group *w,
			      const unsigned char *x,
			      const struct block_type *type,
			      const struct integers *integers)
{
	const __m256 scales =
	    _mm256_load_ps((const void *)(x + AVX2_VEC_INT8_SCALES));
	const __m256i offsets =
	    _mm256_load_si256((const void *)(x + AVX2_VEC_INT8_OFFSETS));
	__m256i s = multiply_group(w, x, type, integers);
	__m256 products;

	if (!type->minima) {
		if (integers->has_offset)
			s = _mm256_add_epi32(s, offsets);
		return _mm256_fmadd_ps(_mm256_cvtepi32_ps(s),
				       _mm256_mul_ps(w->d, scales), sum);
	}
	products = _mm256_fmadd_ps(w->min, _mm256_cvtepi32_ps(offsets),
				   _mm256_mul_ps(_mm256_cvtepi32_ps(s), w->d));
	return _mm256_fmadd_ps(products, scales, sum);
}

/* x_rows rows of x, a constant number, by rows of W, one at a time. */
QUIRE_INLINE void multiply_rows(const void *weights, size_t row_size,
				size_t rows, size_t k, const unsigned char *x,
				size_t x_size, size_t x_rows, float *y,
				size_t y_stride, const struct block_type *type,
				const struct integers *integers)
{
	const size_t blocks = k / QUIRE_BLOCK_COLS;
	const size_t size = BLOCKS * type->size;

	for (size_t i = 0; i < rows; i++) {
		const unsigned char *w =
		    (const unsigned char *)weights + i * row_size;
		const unsigned char *columns = x;
		__m256 sum[AT_ONCE];
		struct group group;

		QUIRE_UNROLL
		for (size_t m = 0; m < x_rows; m++)
			sum[m] = _mm256_setzero_ps();
		for (size_t b = 0; b < blocks / BLOCKS; b++) {
			prefetch_along(w, size);
			load_group(w, type, &group);
			QUIRE_UNROLL
			for (size_t m = 0; m < x_rows; m++)
				sum[m] = add_group(sum[m], &group,
						   columns + m * x_size, type,
						   integers);
			w += size;
			columns += AVX2_VEC_INT8_SIZE;
		}
		if (blocks % BLOCKS > 0) {
			prefetch_along(w, blocks % BLOCKS * type->size);
			load_rest(w, blocks % BLOCKS, type, &group);
			QUIRE_UNROLL
			for (size_t m = 0; m < x_rows; m++)
				sum[m] = add_group(sum[m], &group,
						   columns + m * x_size, type,
						   integers);
		}
		QUIRE_UNROLL
		for (size_t m = 0; m < x_rows; m++)
			y[m * y_stride + i] = add_lanes_ps(sum[m]);
	}
}

/* The vec form. */
QUIRE_INLINE void multiply_one(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x, float *y,
			       const struct block_type *type,
			       const struct integers *integers)
{
	assert(k % QUIRE_BLOCK_COLS == 0);
	multiply_rows(weights, row_size, rows, k, x, 0, 1, y, 0, type,
		      integers);
}

/* The few form. Some rows of x at a time, which fit the first-level cache. */
QUIRE_INLINE void multiply_few(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x,
			       size_t x_size, size_t x_rows, float *y,
			       size_t y_stride, const struct block_type *type,
			       const struct integers *integers)
{
	_Static_assert(AT_ONCE == 4, "one case for each count");
	assert(k % QUIRE_BLOCK_COLS == 0);
	assert(x_rows >= 1 && x_rows <= QUIRE_SMALL_ROWS);
	for (size_t m = 0; m < x_rows; m += AT_ONCE) {
		const unsigned char *columns =
		    (const unsigned char *)x + m * x_size;

#define MULTIPLY(count)                                                        \
	multiply_rows(weights, row_size, rows, k, columns, x_size, count,      \
		      y + m * y_stride, y_stride, type, integers)
		if (x_rows - m >= 4)
			MULTIPLY(4);
		else if (x_rows - m == 3)
			MULTIPLY(3);
		else if (x_rows - m == 2)
			MULTIPLY(2);
		else
			MULTIPLY(1);
#undef MULTIPLY
	}
}

#undef BLOCKS
#undef PAIRS
#undef AT_ONCE

#endif
