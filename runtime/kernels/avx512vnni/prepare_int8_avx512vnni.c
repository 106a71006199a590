/*
 * prepare_int8_avx512vnni.c - quantizes x to int8, in the layouts of tiles and
 * of GEMV. Four blocks at a time: so there is one division for four, and the
 * lanes of four vectors are added up, or compared, together.
 */
#ifndef __AVX512VNNI__
#error "compile with -mavx512vnni"
#endif

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "runtime/kernels/avx512vnni/geometry_avx512vnni.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

enum {
	FOUR = 4,
	FOUR_COLS = FOUR * QUIRE_BLOCK_COLS,
};

/* Four blocks. */
struct quantized {
	__m512i codes[2]; /* s8, of blocks 0 and 1, of blocks 2 and 3 */
	__m128 scales;
	__m128i sums; /* of codes */
};

/* The bits of the larger magnitude of columns i and 16 + i of a block. */
QUIRE_INLINE __m512i find_magnitudes(const float *x)
{
	const __m512i magnitude = _mm512_set1_epi32(QUIRE_F32_MAGNITUDE);
	const __m512i low = _mm512_castps_si512(_mm512_loadu_ps(x));
	const __m512i high = _mm512_castps_si512(_mm512_loadu_ps(x + 16));

	return _mm512_max_epi32(_mm512_and_si512(low, magnitude),
				_mm512_and_si512(high, magnitude));
}

/* Lane i: the greatest lane of v[i]. */
QUIRE_INLINE __m128i find_greatest(const __m512i v[FOUR])
{
	const __m512i a = _mm512_max_epi32(_mm512_unpacklo_epi32(v[0], v[1]),
					   _mm512_unpackhi_epi32(v[0], v[1]));
	const __m512i b = _mm512_max_epi32(_mm512_unpacklo_epi32(v[2], v[3]),
					   _mm512_unpackhi_epi32(v[2], v[3]));
	const __m512i all = _mm512_max_epi32(_mm512_unpacklo_epi64(a, b),
					     _mm512_unpackhi_epi64(a, b));
	const __m256i half = _mm256_max_epi32(
	    _mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));

	return _mm_max_epi32(_mm256_castsi256_si128(half),
			     _mm256_extracti128_si256(half, 1));
}

/* Two blocks, each with its factor. The codes of each are 32 bytes, in order.
 * A number that cannot be converted gives any code. */
QUIRE_INLINE __m512i quantize_two(const float *x, const float inverse[2])
{
	const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6,
						10, 14, 3, 7, 11, 15);
	__m512i words[2];

	QUIRE_UNROLL
	for (size_t i = 0; i < 2; i++) {
		const float *block = x + i * QUIRE_BLOCK_COLS;
		const __m512 factor = _mm512_set1_ps(inverse[i]);

		words[i] = _mm512_packs_epi32(
		    _mm512_cvtps_epi32(
			_mm512_mul_ps(_mm512_loadu_ps(block), factor)),
		    _mm512_cvtps_epi32(
			_mm512_mul_ps(_mm512_loadu_ps(block + 16), factor)));
	}
	return _mm512_permutexvar_epi32(order,
					_mm512_packs_epi16(words[0], words[1]));
}

/* The sums of the codes of each of four blocks. */
QUIRE_INLINE __m128i add_codes(const __m512i codes[2])
{
	const __m512i zero = _mm512_setzero_si512();
	const __m512i ones = _mm512_set1_epi8(1);
	const __m512i a = _mm512_dpbusd_epi32(zero, ones, codes[0]);
	const __m512i b = _mm512_dpbusd_epi32(zero, ones, codes[1]);
	/* In each quarter: a, b, a, b; then the sum of all of a, of all of b.
	 */
	__m512i sums = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b),
					_mm512_unpackhi_epi32(a, b));
	__m256i first, second;

	sums =
	    _mm512_add_epi32(sums, _mm512_shuffle_epi32(sums, _MM_PERM_BADC));
	first = _mm512_castsi512_si256(sums);
	second = _mm512_extracti64x4_epi64(sums, 1);
	return _mm_unpacklo_epi32(
	    _mm_add_epi32(_mm256_castsi256_si128(first),
			  _mm256_extracti128_si256(first, 1)),
	    _mm_add_epi32(_mm256_castsi256_si128(second),
			  _mm256_extracti128_si256(second, 1)));
}

/* Sets the codes of blocks that are not finite to 0. Bit i of `finite` is block
 * i. */
static void clear_codes(__m512i codes[2], int finite)
{
	for (int i = 0; i < 2; i++) {
		const int two = finite >> (2 * i);
		const __mmask16 lanes = (__mmask16)((two & 1 ? 0x00ff : 0) |
						    (two & 2 ? 0xff00 : 0));

		codes[i] = _mm512_maskz_mov_epi32(lanes, codes[i]);
	}
}

QUIRE_INLINE struct quantized quantize_four(const float *x)
{
	const __m128 max_code = _mm_set1_ps(QUIRE_INT8_MAX);
	__m512i magnitudes[FOUR];
	struct quantized four;
	__m128i bits, finite;
	__m128 max, used;
	float inverse[FOUR];
	int all;

	QUIRE_UNROLL
	for (size_t i = 0; i < FOUR; i++)
		magnitudes[i] = find_magnitudes(x + i * QUIRE_BLOCK_COLS);
	bits = find_greatest(magnitudes);
	max = _mm_castsi128_ps(bits);
	finite = _mm_cmplt_epi32(bits, _mm_set1_epi32(QUIRE_F32_INFINITY));
	used = _mm_and_ps(_mm_castsi128_ps(finite),
			  _mm_cmpgt_ps(max, _mm_set1_ps(QUIRE_INT8_TINY)));
	_mm_storeu_ps(inverse, _mm_and_ps(_mm_div_ps(max_code, max), used));
	four.scales = _mm_blendv_ps(_mm_set1_ps(NAN),
				    _mm_and_ps(_mm_div_ps(max, max_code), used),
				    _mm_castsi128_ps(finite));
	four.codes[0] = quantize_two(x, inverse);
	four.codes[1] =
	    quantize_two(x + (ptrdiff_t)2 * QUIRE_BLOCK_COLS, inverse + 2);
	all = _mm_movemask_ps(_mm_castsi128_ps(finite));
	if (all != 15)
		clear_codes(four.codes, all);
	four.sums = add_codes(four.codes);
	return four;
}

/* Writes `count` of four blocks as row `row` of a tile, from `block` on. */
static void store_blocks(const struct quantized *four, size_t count,
			 const struct x_form *form, size_t row,
			 unsigned char *block)
{
	const size_t rows = form->rows;
	const __m128i offsets = _mm_add_epi32(
	    _mm_mullo_epi32(four->sums, _mm_set1_epi32(form->factor)),
	    _mm_set1_epi32(form->begin));
	__m256i codes[FOUR];
	float scales[FOUR], sums[FOUR];

	codes[0] = _mm512_castsi512_si256(four->codes[0]);
	codes[1] = _mm512_extracti64x4_epi64(four->codes[0], 1);
	codes[2] = _mm512_castsi512_si256(four->codes[1]);
	codes[3] = _mm512_extracti64x4_epi64(four->codes[1], 1);
	_mm_storeu_ps(scales, four->scales);
	_mm_storeu_ps(sums, form->sums_f32 ? _mm_cvtepi32_ps(offsets)
					   : _mm_castsi128_ps(offsets));
	for (size_t i = 0; i < count; i++, block += form->size) {
		_mm256_storeu_si256((void *)(block + row * QUIRE_BLOCK_COLS),
				    codes[i]);
		memcpy(block + QUIRE_INT8_SCALES(rows) + row * sizeof(float),
		       &scales[i], sizeof(float));
		memcpy(block + QUIRE_INT8_OFFSETS(rows) + row * sizeof(float),
		       &sums[i], sizeof(float));
	}
}

void quire_prepare_int8_avx512vnni(const struct x_form *form, const float *x,
				   size_t groups, size_t row, void *out)
{
	unsigned char *block = out;
	struct quantized four;
	size_t g = 0;

	for (; groups - g >= FOUR; g += FOUR) {
		four = quantize_four(x);
		store_blocks(&four, FOUR, form, row, block);
		x += FOUR_COLS;
		block += FOUR * (size_t)form->size;
	}
	if (g < groups) {
		float last[FOUR_COLS] = { 0 };

		memcpy(last, x,
		       (groups - g) * QUIRE_BLOCK_COLS * sizeof(*last));
		four = quantize_four(last);
		store_blocks(&four, groups - g, form, row, block);
	}
}

/* Lane j of rows[i], of block 4i + j, goes to lane 4j + i. */
QUIRE_INLINE void store_transposed(__m128 rows[4], unsigned char *out)
{
	_MM_TRANSPOSE4_PS(rows[0], rows[1], rows[2], rows[3]);
	for (size_t i = 0; i < 4; i++)
		_mm_store_ps((float *)(void *)(out + 16 * i), rows[i]);
}

void quire_prepare_gemv_int8_avx512vnni(const struct x_form *form,
					const float *x, size_t groups,
					size_t row, void *out)
{
	unsigned char *to = out;

	(void)row;
	for (size_t g = 0; g < groups; g++) {
		__m128 offsets[4], scales[4];

		for (size_t i = 0; i < 4; i++) {
			const struct quantized four = quantize_four(x);
			const __m512i a = four.codes[0], b = four.codes[1];
			unsigned char *codes = to + 128 * i;

			scales[i] = four.scales;
			offsets[i] = _mm_castsi128_ps(_mm_mullo_epi32(
			    four.sums, _mm_set1_epi32(form->factor)));
			_mm512_store_si512(codes,
					   _mm512_shuffle_i64x2(
					       a, b, _MM_SHUFFLE(2, 0, 2, 0)));
			_mm512_store_si512(codes + 64,
					   _mm512_shuffle_i64x2(
					       a, b, _MM_SHUFFLE(3, 1, 3, 1)));
			x += FOUR_COLS;
		}
		store_transposed(offsets, to + AVX512_GEMV_INT8_OFFSETS);
		store_transposed(scales, to + AVX512_GEMV_INT8_SCALES);
		to += form->size;
	}
}
