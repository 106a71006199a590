/*
 * gemv_int8_avx2.h - 1 to 6 rows of quantized x by rows of W in place: GEMV and
 * small-batch GEMM of the sets with 256-bit vectors, all block types. Each set
 * has its own way to multiply integers.
 *
 * A group is 8 blocks, in four pairs: blocks j and j + 4 are the two halves of
 * a vector. The integers of a block are added up to one number before they
 * become f32, in steps that stay within a half. So 8 blocks need one conversion
 * and one multiplication by scales. W is read one row at a time: reading
 * several halves the bandwidth of some machines. A group of W is unpacked once
 * for up to 6 rows of x.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_GEMV_INT8_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_GEMV_INT8_AVX2_H

#include <assert.h>
#include <stdbool.h>

#include "runtime/kernels/avx2/geometry_avx2.h"
#include "runtime/kernels/avx2/integers_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

#define BLOCKS AVX2_GEMV_INT8_BLOCKS
#define PAIRS  (BLOCKS / 2)

/* The most rows of x that a group is unpacked for. */
#define AT_ONCE 6

/* Codes of columns 0 to 15 and 16 to 31 of two blocks. */
struct pair {
	__m256i low, high;
};

/* 8 blocks of a row of W: scales and minima in the order of the blocks. */
struct group {
	struct pair pairs[PAIRS];
	__m256 d, min;
};

/* A type of weights: a constant, so that its functions are inlined. */
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

/* 16 bytes from each pointer. */
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

/* The f16 at the beginning of each block, 1 to 7 of them; then zeros. */
QUIRE_INLINE __m256 load_f16_of(const unsigned char *w, size_t size,
				size_t blocks)
{
	__m128i words = _mm_cvtsi32_si128(load_u16(w));

#define INSERT(i)                                                              \
	if (blocks > (i))                                                      \
	words = _mm_insert_epi16(words, load_u16(w + (i)*size), i)

	INSERT(1);
	INSERT(2);
	INSERT(3);
	INSERT(4);
	INSERT(5);
	INSERT(6);
#undef INSERT
	return _mm256_cvtph_ps(words);
}

/* The last blocks of a row, 1 to 7. Codes of the first one stand for those that
 * are missing: they are multiplied by zeros of x. */
QUIRE_INLINE void load_rest(const unsigned char *w, size_t blocks,
			    const struct block_type *type, struct group *group)
{
	const unsigned char *codes = w + type->codes;

	group->d = load_f16_of(w, type->size, blocks);
	if (type->minima)
		group->min =
		    load_f16_of(w + QUIRE_Q4_1_MIN, type->size, blocks);
	QUIRE_UNROLL
	for (size_t j = 0; j < PAIRS; j++)
		group->pairs[j] = type->load_codes(
		    codes + (j < blocks ? j * type->size : 0),
		    codes +
			(j + PAIRS < blocks ? (j + PAIRS) * type->size : 0));
}

/* For codes of 4 bits, in 16 bits: a lane of `sums` has 8 products, at most 8 x
 * 15 x 127 = 15240, and the last packed lane has 16, at most 30480. */
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

QUIRE_INLINE __m128i load16(const unsigned char *bytes)
{
	return _mm_loadu_si128((const void *)bytes);
}

QUIRE_INLINE __m256i load32(const unsigned char *bytes)
{
	return _mm256_loadu_si256((const void *)bytes);
}

/*
 * Scales are a block apart, which is one or two items more than a power of two.
 * Memory is cut into chunks of that power of two: then the scale of block i is
 * item i of chunk i. The chunks are blended, and each gives the lane that is in
 * its place already. No scale is inserted alone.
 */
/* Q4_0, blocks of 18 bytes: the scale of block i is word i of chunk i of 16
 * bytes. A vector is two chunks, so two words of each are blended first, and
 * then words of even number are taken from its lower half, and of odd number
 * from its upper half. */
QUIRE_INLINE void load_scales_q4_0(const unsigned char *w, struct group *group)
{
	__m256i words = load32(w);

	words = _mm256_blend_epi32(words, load32(w + 32), 0x22);
	words = _mm256_blend_epi32(words, load32(w + 64), 0x44);
	words = _mm256_blend_epi32(words, load32(w + 96), 0x88);
	group->d = _mm256_cvtph_ps(
	    _mm_blend_epi16(_mm256_castsi256_si128(words),
			    _mm256_extracti128_si256(words, 1), 0xAA));
}

/* Q4_1, blocks of 20 bytes: scale and minimum of block i are dword i of chunk i
 * of 16 bytes, and from block 4 on dword i - 4 of chunk i + 1. */
QUIRE_INLINE __m128i load_items_q4_1(const unsigned char *w)
{
	__m128i items = load16(w);

	items = _mm_blend_epi32(items, load16(w + 16), 0x2);
	items = _mm_blend_epi32(items, load16(w + 32), 0x4);
	return _mm_blend_epi32(items, load16(w + 48), 0x8);
}

QUIRE_INLINE void load_scales_q4_1(const unsigned char *w, struct group *group)
{
	/* Scales first, then minima. */
	const __m128i order =
	    _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
	const __m128i first = _mm_shuffle_epi8(load_items_q4_1(w), order);
	const __m128i second =
	    _mm_shuffle_epi8(load_items_q4_1(w + 4 * QUIRE_Q4_1_SIZE), order);

	group->d = _mm256_cvtph_ps(_mm_unpacklo_epi64(first, second));
	group->min = _mm256_cvtph_ps(_mm_unpackhi_epi64(first, second));
}

/* Q8_0, blocks of 34 bytes: the scale of block i is word i of chunk i of 32
 * bytes. */
QUIRE_INLINE void load_scales_q8_0(const unsigned char *w, struct group *group)
{
	__m128i words = load16(w);

	words = _mm_blend_epi16(words, load16(w + 32), 0x02);
	words = _mm_blend_epi16(words, load16(w + 64), 0x04);
	words = _mm_blend_epi16(words, load16(w + 96), 0x08);
	words = _mm_blend_epi16(words, load16(w + 128), 0x10);
	words = _mm_blend_epi16(words, load16(w + 160), 0x20);
	words = _mm_blend_epi16(words, load16(w + 192), 0x40);
	words = _mm_blend_epi16(words, load16(w + 224), 0x80);
	group->d = _mm256_cvtph_ps(words);
}

static const struct block_type blocks_q4_0 = {
	.size = QUIRE_Q4_0_SIZE,
	.codes = QUIRE_Q4_0_CODES,
	.load_codes = load_nibbles,
	.load_scales = load_scales_q4_0,
	.add_halves = add_small_halves,
	.minima = false,
};

static const struct block_type blocks_q4_1 = {
	.size = QUIRE_Q4_1_SIZE,
	.codes = QUIRE_Q4_1_CODES,
	.load_codes = load_nibbles,
	.load_scales = load_scales_q4_1,
	.add_halves = add_small_halves,
	.minima = true,
};

static const struct block_type blocks_q8_0 = {
	.size = QUIRE_Q8_0_SIZE,
	.codes = QUIRE_Q8_0_CODES,
	.load_codes = load_bytes,
	.load_scales = load_scales_q8_0,
	.add_halves = add_large_halves,
	.minima = false,
};

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
	    _mm256_load_ps((const void *)(x + AVX2_GEMV_INT8_SCALES));
	const __m256i offsets =
	    _mm256_load_si256((const void *)(x + AVX2_GEMV_INT8_OFFSETS));
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

/* x_rows rows of x, a constant up to 6, by rows of W, one at a time. */
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
			columns += AVX2_GEMV_INT8_SIZE;
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

QUIRE_INLINE void multiply_one(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x, float *y,
			       const struct block_type *type,
			       const struct integers *integers)
{
	assert(k % QUIRE_BLOCK_COLS == 0);
	multiply_rows(weights, row_size, rows, k, x, 0, 1, y, 0, type,
		      integers);
}

/* Up to 6 rows of x; the codes of a group are then operands in memory. */
QUIRE_INLINE void multiply_small(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 size_t x_size, size_t x_rows, float *y,
				 size_t y_stride, const struct block_type *type,
				 const struct integers *integers)
{
	_Static_assert(AT_ONCE == 6, "one case for each count");
	assert(k % QUIRE_BLOCK_COLS == 0);
	assert(x_rows >= 1 && x_rows <= AT_ONCE);
#define CASE(count)                                                            \
	case count:                                                            \
		multiply_rows(weights, row_size, rows, k, x, x_size, count, y, \
			      y_stride, type, integers);                       \
		break

	switch (x_rows) {
		CASE(1);
		CASE(2);
		CASE(3);
		CASE(4);
		CASE(5);
		CASE(6);
	}
#undef CASE
}

/* Both forms for a type of weights. */
#define QUIRE_GEMV_AND_SMALL_INT8(type, integers)                              \
	static void gemv_##type(const void *weights, size_t row_size,          \
				size_t rows, size_t k, const void *x,          \
				float *y)                                      \
	{                                                                      \
		multiply_one(weights, row_size, rows, k, x, y, &blocks_##type, \
			     integers);                                        \
	}                                                                      \
	static void small_##type(const void *weights, size_t row_size,         \
				 size_t rows, size_t k, const void *x,         \
				 size_t x_size, size_t x_rows, float *y,       \
				 size_t y_stride)                              \
	{                                                                      \
		multiply_small(weights, row_size, rows, k, x, x_size, x_rows,  \
			       y, y_stride, &blocks_##type, integers);         \
	}

#define QUIRE_X_INT8_ROW(TYPE)                                                 \
	{                                                                      \
		.rows = 1, .group = AVX2_GEMV_INT8_BLOCKS * QUIRE_BLOCK_COLS,  \
		.size = AVX2_GEMV_INT8_SIZE, .factor = QUIRE_##TYPE##_FACTOR,  \
		.prepare = quire_prepare_gemv_int8_avx2                        \
	}

#define QUIRE_GEMV_INT8_ROW(TYPE, type)                                        \
	{                                                                      \
		.weights = QUIRE_##TYPE, .x = QUIRE_X_INT8_ROW(TYPE),          \
		.multiply = gemv_##type                                        \
	}

/* Up to `last` rows of x. 16 rows of W are read again for each 6 rows of x. */
#define QUIRE_SMALL_INT8_ROW(TYPE, type, last)                                 \
	{                                                                      \
		.weights = QUIRE_##TYPE, .x = QUIRE_X_INT8_ROW(TYPE),          \
		.from = 2, .to = (last), .most = AT_ONCE, .nr = 16,            \
		.multiply = small_##type                                       \
	}

#endif
