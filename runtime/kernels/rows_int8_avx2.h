/*
 * rows_int8_avx2.h - a few rows of quantized x by rows of W as they lie: what
 * the kernels in 256 bits share. Each type of weights brings its own way to
 * read a block, each instruction set its own to the integers.
 *
 * A group is 8 blocks, in four pairs: blocks j and j + 4 are the two halves of
 * a vector. So scales are read, converted and multiplied 8 at a time, and
 * spread by a shuffle that stays within the halves. One row of W at a time:
 * reading several halves the bandwidth of some machines. Rows of x share what
 * is unpacked of W.
 */
#ifndef QUIRE_KERNELS_ROWS_INT8_AVX2_H
#define QUIRE_KERNELS_ROWS_INT8_AVX2_H

#include <assert.h>
#include <stdbool.h>

#include "runtime/kernels/integers_avx2.h"
#include "runtime/kernels/kernels_avx2.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"
#include "runtime/kernels/vectors_avx2.h"

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
	bool minima;
};

/* The sums of a row: of even pairs, of odd pairs, and of minima. */
struct row_sums {
	__m256 even, odd, low;
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

/* Numbers j and j + 4, each in four lanes. */
QUIRE_INLINE __m256 spread(__m256 x, size_t j)
{
	switch (j) {
	case 0:
		return _mm256_permute_ps(x, 0x00);
	case 1:
		return _mm256_permute_ps(x, 0x55);
	case 2:
		return _mm256_permute_ps(x, 0xAA);
	default:
		return _mm256_permute_ps(x, 0xFF);
	}
}

/* The integers of pair j, in 4 lanes for each of its blocks. */
QUIRE_INLINE __m256 multiply_pair(const struct pair *w, const unsigned char *x,
				  size_t j, const struct integers *integers,
				  bool minima)
{
	const __m256i *codes = (const void *)(x + j * 2 * QUIRE_BLOCK_COLS);
	const __m256i offset =
	    minima ? _mm256_setzero_si256()
		   : _mm256_load_si256((const void *)(x + AVX2_VEC_INT8_SUMS +
						      j * QUIRE_BLOCK_COLS));
	__m256i s = integers->start(offset);

	s = integers->add(s, w->low, _mm256_load_si256(codes));
	s = integers->add(s, w->high, _mm256_load_si256(codes + 1));
	return _mm256_cvtepi32_ps(integers->finish(s, offset));
}

QUIRE_INLINE void add_group(const struct group *w, const unsigned char *x,
			    const struct integers *integers, bool minima,
			    struct row_sums *sums)
{
	const __m256 scales =
	    _mm256_load_ps((const void *)(x + AVX2_VEC_INT8_SCALES));
	const __m256 both = _mm256_mul_ps(w->d, scales);

	QUIRE_UNROLL
	for (size_t j = 0; j < PAIRS; j++) {
		__m256 *sum = j % 2 ? &sums->odd : &sums->even;
		__m256 s = multiply_pair(&w->pairs[j], x, j, integers, minima);

		if (minima)
			s = _mm256_mul_ps(s, spread(w->d, j));
		*sum =
		    _mm256_fmadd_ps(s, spread(minima ? scales : both, j), *sum);
	}
	if (minima) {
		const __m256i x_sums =
		    _mm256_load_si256((const void *)(x + AVX2_VEC_INT8_SUMS));

		sums->low = _mm256_fmadd_ps(
		    _mm256_mul_ps(w->min, _mm256_cvtepi32_ps(x_sums)), scales,
		    sums->low);
	}
}

QUIRE_INLINE float add_sums(const struct row_sums *sums, bool minima)
{
	__m256 sum = _mm256_add_ps(sums->even, sums->odd);

	if (minima)
		sum = _mm256_add_ps(sum, sums->low);
	return add_lanes_ps(sum);
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
	const size_t x_step =
	    type->minima ? AVX2_VEC_INT8_MIN_SIZE : AVX2_VEC_INT8_SIZE;

	for (size_t i = 0; i < rows; i++) {
		const unsigned char *w =
		    (const unsigned char *)weights + i * row_size;
		const unsigned char *columns = x;
		struct row_sums sums[AT_ONCE];
		struct group group;

		QUIRE_UNROLL
		for (size_t m = 0; m < x_rows; m++)
			sums[m].even = sums[m].odd = sums[m].low =
			    _mm256_setzero_ps();
		for (size_t b = 0; b < blocks / BLOCKS; b++) {
			prefetch_along(w, size);
			load_group(w, type, &group);
			QUIRE_UNROLL
			for (size_t m = 0; m < x_rows; m++)
				add_group(&group, columns + m * x_size,
					  integers, type->minima, &sums[m]);
			w += size;
			columns += x_step;
		}
		if (blocks % BLOCKS > 0) {
			load_rest(w, blocks % BLOCKS, type, &group);
			QUIRE_UNROLL
			for (size_t m = 0; m < x_rows; m++)
				add_group(&group, columns + m * x_size,
					  integers, type->minima, &sums[m]);
		}
		QUIRE_UNROLL
		for (size_t m = 0; m < x_rows; m++)
			y[m * y_stride + i] = add_sums(&sums[m], type->minima);
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
	assert(x_rows >= 1 && x_rows <= QUIRE_FEW_ROWS);
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
