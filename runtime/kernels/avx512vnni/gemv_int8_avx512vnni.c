/*
 * gemv_int8_avx512vnni.c - a row of quantized x by rows of W in place, all
 * block types.
 *
 * A step is 16 blocks, four to a vector. The integers of a block are added up
 * to one number before they become f32. So 16 blocks need one conversion and
 * one multiplication by scales. W is read one row at a time: reading several
 * halves the bandwidth of some machines.
 */
#ifndef __AVX512VNNI__
#error "compile with -mavx512vnni"
#endif

#include <immintrin.h>
#include <string.h>

#include "base/bytes.h"
#include "runtime/kernels/avx512/row_sums_avx512.h"
#include "runtime/kernels/avx512/steps_avx512.h"
#include "runtime/kernels/avx512vnni/geometry_avx512vnni.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"
#include "runtime/sizes.h"

/* 16 blocks of a row of W. Block 4i + j is quarter j of low[i] and high[i], and
 * lane 4j + i of the scales and minima. */
struct step {
	__m512i low[4], high[4]; /* codes u8 of columns 0 to 15, 16 to 31 */
	__m512 d, min;
};

/* What the compiler would make anew for each row. */
struct constants {
	__m512i nibble; /* 15 in each byte */
	__m512i ones;	/* 1 in each word */
};

/* Reads `blocks` blocks, at most 16; the others have any codes, and finite
 * scales. Prefetches as many later ones: all at once or spread over the step,
 * whichever is faster for the type. */
typedef struct step (*load_step_fn)(const unsigned char *w, size_t blocks,
				    const struct constants *constants);

/* Lane 4j + i: `start` + the sum of quarter j of sums[i]. */
typedef __m512i (*add_quarters_fn)(__m512i start, const __m512i sums[4],
				   const struct constants *constants);

/* A type of weights: a constant, so that its functions are inlined. */
struct step_type {
	load_step_fn load;
	add_quarters_fn add_quarters;
	size_t block_size;
	bool minima;
};

/* sum + `blocks` blocks of W, at most 16, times a group of x, lane by lane. */
QUIRE_INLINE __m512 add_step(__m512 sum, const unsigned char *w, size_t blocks,
			     const unsigned char *x,
			     const struct step_type *type,
			     const struct constants *constants)
{
	const __m512i zero = _mm512_setzero_si512();
	const __m512i offsets = _mm512_load_si512(x + AVX512_GEMV_INT8_OFFSETS);
	/* Loaded where they are used: gcc has no register to keep them in. */
	const unsigned char *scales = x + AVX512_GEMV_INT8_SCALES;
	const struct step step = type->load(w, blocks, constants);
	__m512i sums[4];
	__m512 products;

	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++) {
		const unsigned char *codes = x + 128 * i;

		sums[i] = zero;
		if (4 * i >= blocks)
			continue;
		sums[i] = _mm512_dpbusd_epi32(zero, step.low[i],
					      _mm512_load_si512(codes));
		sums[i] = _mm512_dpbusd_epi32(sums[i], step.high[i],
					      _mm512_load_si512(codes + 64));
	}
	products = _mm512_cvtepi32_ps(
	    type->add_quarters(type->minima ? zero : offsets, sums, constants));
	if (!type->minima)
		return _mm512_fmadd_ps(
		    products, _mm512_mul_ps(step.d, _mm512_load_ps(scales)),
		    sum);
	products = _mm512_fmadd_ps(step.min, _mm512_cvtepi32_ps(offsets),
				   _mm512_mul_ps(products, step.d));
	return _mm512_fmadd_ps(products, _mm512_load_ps(scales), sum);
}

/* The end of a row. Common numbers of blocks are constants: the compiler leaves
 * out masks, and most of what prefetching computes. */
QUIRE_INLINE __m512 add_rest(__m512 sum, const unsigned char *w, size_t blocks,
			     const unsigned char *x,
			     const struct step_type *type,
			     const struct constants *constants)
{
	switch (blocks) {
	case 0:
		return sum;
	case 2:
		return add_step(sum, w, 2, x, type, constants);
	case 4:
		return add_step(sum, w, 4, x, type, constants);
	case 8:
		return add_step(sum, w, 8, x, type, constants);
	case 12:
		return add_step(sum, w, 12, x, type, constants);
	default:
		return add_step(sum, w, blocks, x, type, constants);
	}
}

QUIRE_INLINE struct constants hold_constants(void)
{
	struct constants constants = {
		.nibble = _mm512_set1_epi8(15),
		.ones = _mm512_set1_epi16(1),
	};

	QUIRE_HOLD(constants.nibble);
	QUIRE_HOLD(constants.ones);
	return constants;
}

/* `rest` blocks are the end of the row. */
QUIRE_INLINE __m512 multiply_steps(const unsigned char *w, size_t k,
				   const unsigned char *x, size_t rest,
				   const struct step_type *type,
				   const struct constants *constants)
{
	const size_t steps = k / AVX512_GEMV_INT8_COLS;
	__m512 sum = _mm512_setzero_ps();

	for (size_t j = 0; j < steps; j++) {
		sum = add_step(sum, w, 16, x, type, constants);
		w += 16 * type->block_size;
		x += AVX512_GEMV_INT8_SIZE;
	}
	return add_rest(sum, w, rest, x, type, constants);
}

QUIRE_INLINE __m512 multiply_row(const unsigned char *w, size_t k,
				 const void *x, const void *type,
				 const void *constants)
{
	return multiply_steps(w, k, x,
			      k % AVX512_GEMV_INT8_COLS / QUIRE_BLOCK_COLS,
			      type, constants);
}

/* Rows without an end have a loop of their own, which has registers left for
 * its constants. */
QUIRE_INLINE __m512 multiply_whole_row(const unsigned char *w, size_t k,
				       const void *x, const void *type,
				       const void *constants)
{
	return multiply_steps(w, k, x, 0, type, constants);
}

QUIRE_INLINE __m512i lower_nibbles(__m512i bytes, __m512i nibble)
{
	return _mm512_and_si512(bytes, nibble);
}

QUIRE_INLINE __m512i upper_nibbles(__m512i bytes, __m512i nibble)
{
	return lower_nibbles(_mm512_srli_epi16(bytes, 4), nibble);
}

/*
 * Q4_0 or Q4_1, a constant. Four blocks are read as 64 bytes from each of two
 * places. The places are such that the codes of every block are whole dwords of
 * one or the other: one permute gathers them all. Scales and minima are within
 * dwords of the first place: two permutes gather the dwords of 16 blocks, and
 * another takes the words.
 *
 * The first place of the other fours may be before their first byte. For the
 * first four of a step it may not, so they have one of their own.
 */
struct nibble_places {
	size_t size;
	ptrdiff_t first[2], second; /* bytes from the first block */
	const uint32_t *codes[2];   /* dwords; from 16 on of `second` */
	/* For each lane the dword of its block. Lanes 4j and 4j + 1 are blocks
	 * of fours 0 and 1, the others of fours 2 and 3. */
	const uint32_t *scales;
	bool apart; /* lane 0 is read alone: the step's first dword */
	/* Which words of these are scales, and from word 16 on minima. */
	const uint16_t *words;
};

/* The dwords of four blocks, given the first of each. */
#define FOUR(a) (a), (a) + 1, (a) + 2, (a) + 3
#define DWORDS(a, b, c, d)                                                     \
	{                                                                      \
		FOUR(a), FOUR(b), FOUR(c), FOUR(d)                             \
	}

/* A block of Q4_0 is 4.5 dwords. The codes of blocks 1 and 3 of four begin at a
 * dword; those of 0 and 2 do if read from 2 bytes earlier or later. */
static const _Alignas(64) uint32_t q4_0_first_codes[16] = DWORDS(0, 16 + 3, 9,
								 16 + 12);
static const _Alignas(64) uint32_t q4_0_codes[16] = DWORDS(1, 16 + 3, 10,
							   16 + 12);
static const _Alignas(64) uint32_t q4_0_scales[16] = { 0,  16, 0,  16, 4, 21,
						       5,  21, 8,  25, 9, 25,
						       13, 30, 14, 30 };
static const _Alignas(64) uint16_t q4_0_words[32] = { 0,  3,  5,  7,  8,  10,
						      12, 14, 17, 19, 21, 23,
						      24, 26, 28, 30 };
static const struct nibble_places places_q4_0 = {
	.size = QUIRE_Q4_0_SIZE,
	.first = { 2, -2 },
	.second = 8,
	.codes = { q4_0_first_codes, q4_0_codes },
	.scales = q4_0_scales,
	.apart = true,
	.words = q4_0_words,
};

/* A block of Q4_1 is 5 dwords: scale and minimum, then the codes. */
static const _Alignas(64) uint32_t q4_1_codes[16] = DWORDS(1, 6, 11, 16 + 12);
static const _Alignas(64) uint32_t q4_1_scales[16] = { 0,  16, 0,  16, 5,  21,
						       5,  21, 10, 26, 10, 26,
						       15, 31, 15, 31 };
static const _Alignas(64) uint16_t q4_1_words[32] = {
	0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30,
	1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
};
static const struct nibble_places places_q4_1 = {
	.size = QUIRE_Q4_1_SIZE,
	.first = { 0, 0 },
	.second = 16,
	.codes = { q4_1_codes, q4_1_codes },
	.scales = q4_1_scales,
	.apart = false,
	.words = q4_1_words,
};

#undef DWORDS
#undef FOUR

QUIRE_INLINE __m512i load_nibble_scales(const unsigned char *w,
					const __m512i first[4],
					const struct nibble_places *places)
{
	__m512i dwords = _mm512_load_si512(places->scales);

	/* Lanes outside the mask keep their dword's number. */
	dwords =
	    _mm512_mask2_permutex2var_epi32(first[0], dwords, 0x3333, first[1]);
	dwords =
	    _mm512_mask2_permutex2var_epi32(first[2], dwords, 0xcccc, first[3]);
	if (places->apart)
		dwords = _mm512_mask_set1_epi32(dwords, 1, (int)load_u32(w));
	return _mm512_permutexvar_epi16(_mm512_load_si512(places->words),
					dwords);
}

QUIRE_INLINE struct step load_nibbles(const unsigned char *w, size_t blocks,
				      const struct constants *constants,
				      const struct nibble_places *places)
{
	__m512i first[4], scales;
	struct step step;

	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++) {
		const unsigned char *four = w + 4 * i * places->size;
		const size_t there =
		    blocks > 4 * i ? min_size(blocks - 4 * i, 4) : 0;
		__m512i codes;

		prefetch_part(w, blocks * places->size, i);
		first[i] = step.low[i] = step.high[i] = _mm512_setzero_si512();
		if (there == 0)
			continue;
		first[i] =
		    load_four(four, places->first[i > 0], there, places->size);
		/* One load for two permutes. */
		QUIRE_HOLD(first[i]);
		codes = _mm512_permutex2var_epi32(
		    first[i], _mm512_load_si512(places->codes[i > 0]),
		    load_four(four, places->second, there, places->size));
		step.low[i] = lower_nibbles(codes, constants->nibble);
		step.high[i] = upper_nibbles(codes, constants->nibble);
	}
	scales = load_nibble_scales(w, first, places);
	step.d = _mm512_cvtph_ps(_mm512_castsi512_si256(scales));
	step.min = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(scales, 1));
	return step;
}

/* In 16 bits: a lane of `sums` has 8 products, at most 8 x 15 x 127 = 15240,
 * and the last packed lane has 16, at most 30480. */
QUIRE_INLINE __m512i add_small_quarters(__m512i start, const __m512i sums[4],
					const struct constants *constants)
{
	const __m512i ones = constants->ones;
	const __m512i pairs[2] = {
		_mm512_madd_epi16(_mm512_packs_epi32(sums[0], sums[1]), ones),
		_mm512_madd_epi16(_mm512_packs_epi32(sums[2], sums[3]), ones),
	};

	return _mm512_dpwssd_epi32(
	    start, _mm512_packs_epi32(pairs[0], pairs[1]), ones);
}

QUIRE_INLINE struct step load_q4_0(const unsigned char *w, size_t blocks,
				   const struct constants *constants)
{
	return load_nibbles(w, blocks, constants, &places_q4_0);
}

static const struct step_type type_q4_0 = {
	.load = load_q4_0,
	.add_quarters = add_small_quarters,
	.block_size = QUIRE_Q4_0_SIZE,
	.minima = false,
};

QUIRE_INLINE struct step load_q4_1(const unsigned char *w, size_t blocks,
				   const struct constants *constants)
{
	return load_nibbles(w, blocks, constants, &places_q4_1);
}

static const struct step_type type_q4_1 = {
	.load = load_q4_1,
	.add_quarters = add_small_quarters,
	.block_size = QUIRE_Q4_1_SIZE,
	.minima = true,
};

#define FOUR_SIZE ((size_t)4 * QUIRE_Q8_0_SIZE)

/* 16 bytes of each of four blocks. */
QUIRE_INLINE __m512i load_q8_0_codes(const unsigned char *w)
{
#define CODES(i) _mm_loadu_si128((const void *)(w + (i)*QUIRE_Q8_0_SIZE))
	__m512i codes = _mm512_castsi128_si512(CODES(0));

	codes = _mm512_inserti32x4(codes, CODES(1), 1);
	codes = _mm512_inserti32x4(codes, CODES(2), 2);
	codes = _mm512_inserti32x4(codes, CODES(3), 3);
	return _mm512_xor_si512(codes, _mm512_set1_epi8((char)QUIRE_Q8_0_ZERO));
#undef CODES
}

/* The scales of four blocks as f16, those of block j in words 4j to 4j + 3. */
QUIRE_INLINE __m512i load_q8_0_scales(const unsigned char *w)
{
#define SCALE(i) (short)load_u16(w + (i)*QUIRE_Q8_0_SIZE)
	static const _Alignas(64)
	    uint16_t words[32] = { 0, 0, 0, 0, 1, 1, 1, 1,
				   2, 2, 2, 2, 3, 3, 3, 3 };
	const __m128i scales =
	    _mm_setr_epi16(SCALE(0), SCALE(1), SCALE(2), SCALE(3), 0, 0, 0, 0);

	return _mm512_permutexvar_epi16(_mm512_load_si512(words),
					_mm512_castsi128_si512(scales));
#undef SCALE
}

/* A step is many lines, so each four blocks prefetch on their own. */
QUIRE_INLINE struct step load_q8_0(const unsigned char *w, size_t blocks,
				   const struct constants *constants)
{
	unsigned char last[FOUR_SIZE] = { 0 };
	__m512i scales = _mm512_setzero_si512();
	struct step step;

	(void)constants;
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++) {
		const unsigned char *four = w + i * FOUR_SIZE;
		const size_t there =
		    blocks > 4 * i ? min_size(blocks - 4 * i, 4) : 0;

		step.low[i] = step.high[i] = _mm512_setzero_si512();
		if (there == 0)
			continue;
		prefetch_along(four, there * QUIRE_Q8_0_SIZE);
		if (there < 4) {
			memcpy(last, four, there * QUIRE_Q8_0_SIZE);
			four = last;
		}
		scales = _mm512_mask_mov_epi16(scales, 0x1111U << i,
					       load_q8_0_scales(four));
		step.low[i] = load_q8_0_codes(four + QUIRE_Q8_0_CODES);
		step.high[i] = load_q8_0_codes(four + QUIRE_Q8_0_CODES + 16);
	}
	step.d = _mm512_cvtph_ps(_mm512_castsi512_si256(scales));
	return step;
}

/* Lanes of each vector 2 apart are added, then those next to each other. */
QUIRE_INLINE __m512i add_large_quarters(__m512i start, const __m512i sums[4],
					const struct constants *constants)
{
	__m512i pairs[2];

	(void)constants;
	QUIRE_UNROLL
	for (size_t i = 0; i < 2; i++) {
		const __m512i a = sums[2 * i];
		const __m512i b = sums[2 * i + 1];

		pairs[i] = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b),
					    _mm512_unpackhi_epi32(a, b));
	}
	start =
	    _mm512_add_epi32(start, _mm512_unpacklo_epi64(pairs[0], pairs[1]));
	return _mm512_add_epi32(start,
				_mm512_unpackhi_epi64(pairs[0], pairs[1]));
}

static const struct step_type type_q8_0 = {
	.load = load_q8_0,
	.add_quarters = add_large_quarters,
	.block_size = QUIRE_Q8_0_SIZE,
	.minima = false,
};

#define GEMV(type)                                                             \
	static void gemv_##type(const void *weights, size_t row_size,          \
				size_t rows, size_t k, const void *x,          \
				float *y)                                      \
	{                                                                      \
		const struct constants constants = hold_constants();           \
                                                                               \
		if (k % AVX512_GEMV_INT8_COLS == 0)                            \
			multiply_each_row(weights, row_size, rows, k, x, y,    \
					  multiply_whole_row, &type_##type,    \
					  &constants);                         \
		else                                                           \
			multiply_each_row(weights, row_size, rows, k, x, y,    \
					  multiply_row, &type_##type,          \
					  &constants);                         \
	}

GEMV(q4_0)
GEMV(q4_1)
GEMV(q8_0)

#define ROW(TYPE, type)                                                        \
	{                                                                      \
		.weights = QUIRE_##TYPE,                                       \
		.x = { .rows = 1,                                              \
		       .group = AVX512_GEMV_INT8_COLS,                         \
		       .size = AVX512_GEMV_INT8_SIZE,                          \
		       .factor = QUIRE_##TYPE##_FACTOR,                        \
		       .prepare = quire_prepare_gemv_int8_avx512vnni },        \
		.nr = AVX512_GEMV_NR, .multiply = gemv_##type                  \
	}

const struct gemv_form quire_gemv_int8_avx512vnni[] = {
	ROW(Q4_0, q4_0),
	ROW(Q4_1, q4_1),
	ROW(Q8_0, q8_0),
	{ 0 },
};
