/*
 * pack_f32_avx2.c - 16 rows of W decoded and transposed to a panel of f32,
 * [k][16], all types. 8 rows at a time are the 8 lanes of a vector.
 */
#include <assert.h>

#include "runtime/kernels/avx2/geometry_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"
#include "runtime/kernels/widen.h"

/* Packs k columns of 8 rows. Columns of the panel are AVX2_NR floats apart. */
typedef void (*pack_rows_fn)(const unsigned char *const row[8], size_t k,
			     float *panel);

QUIRE_INLINE void pack_panel(const void *weights, size_t row_size, size_t rows,
			     size_t k, float *panel, pack_rows_fn pack_rows)
{
	const unsigned char *row[8];

	QUIRE_NO_UNROLL
	for (size_t first = 0; first < AVX2_NR; first += 8) {
		find_rows8(weights, row_size, rows, first, row);
		pack_rows(row, k, panel + first);
	}
}

/* Q4_0 or Q4_1: a constant, so that its functions are inlined. Decoding takes
 * the lowest 4 bits of lane i, which are a code of row i. */
struct nibble_type {
	size_t size, codes; /* of a block; where its codes begin */
	bool minima;
	__m256 (*decode)(__m256i codes, __m256 d, __m256 m);
};

/* Code - 8, times d: exact. */
static inline __m256 decode_q4_0(__m256i codes, __m256 d, __m256 m)
{
	const __m256i low = _mm256_and_si256(codes, _mm256_set1_epi32(15));
	const __m256i less =
	    _mm256_sub_epi32(low, _mm256_set1_epi32(QUIRE_Q4_0_ZERO));

	(void)m;
	return _mm256_mul_ps(_mm256_cvtepi32_ps(less), d);
}

/* Code times d, which is exact, plus m: rounded once. */
static inline __m256 decode_q4_1(__m256i codes, __m256 d, __m256 m)
{
	const __m256i low = _mm256_and_si256(codes, _mm256_set1_epi32(15));

	return _mm256_fmadd_ps(_mm256_cvtepi32_ps(low), d, m);
}

/* A block of each row to 32 columns of the panel. */
QUIRE_INLINE void pack_nibbles(const unsigned char *const row[8], size_t offset,
			       float *panel, const struct nibble_type *type)
{
	const __m256 d = load_f16_8(row, offset);
	const __m256 m = type->minima ? load_f16_8(row, offset + QUIRE_Q4_1_MIN)
				      : _mm256_setzero_ps();
	__m256i codes[4];

	load_transposed8(row, offset + type->codes, codes);
	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++) {
		const int shift = i % 4 * 8;
		const __m256i low = _mm256_srli_epi32(codes[i / 4], shift);
		const __m256i high = _mm256_srli_epi32(codes[i / 4], shift + 4);

		_mm256_store_ps(panel + (ptrdiff_t)i * AVX2_NR,
				type->decode(low, d, m));
		_mm256_store_ps(panel + (ptrdiff_t)(i + 16) * AVX2_NR,
				type->decode(high, d, m));
	}
}

QUIRE_INLINE void pack_all_nibbles(const unsigned char *const row[8], size_t k,
				   float *panel, const struct nibble_type *type)
{
	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
		pack_nibbles(row, b * type->size, panel, type);
		panel += (size_t)QUIRE_BLOCK_COLS * AVX2_NR;
	}
}

static const struct nibble_type nibbles_q4_0 = {
	.size = QUIRE_Q4_0_SIZE,
	.codes = QUIRE_Q4_0_CODES,
	.minima = false,
	.decode = decode_q4_0,
};

QUIRE_INLINE void pack_rows_q4_0(const unsigned char *const row[8], size_t k,
				 float *panel)
{
	pack_all_nibbles(row, k, panel, &nibbles_q4_0);
}

static const struct nibble_type nibbles_q4_1 = {
	.size = QUIRE_Q4_1_SIZE,
	.codes = QUIRE_Q4_1_CODES,
	.minima = true,
	.decode = decode_q4_1,
};

QUIRE_INLINE void pack_rows_q4_1(const unsigned char *const row[8], size_t k,
				 float *panel)
{
	pack_all_nibbles(row, k, panel, &nibbles_q4_1);
}

/* The code in byte `byte` of each lane, times d: exact. */
static inline __m256 decode_q8_0(__m256i codes, int byte, __m256 d)
{
	const __m256i top = _mm256_slli_epi32(codes, 24 - 8 * byte);

	return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_srai_epi32(top, 24)), d);
}

/* Half a block of each row to 16 columns of the panel. */
static inline void pack_half_q8_0(const unsigned char *const row[8],
				  size_t offset, __m256 d, float *panel)
{
	__m256i codes[4];

	load_transposed8(row, offset, codes);
	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++)
		_mm256_store_ps(panel + (ptrdiff_t)i * AVX2_NR,
				decode_q8_0(codes[i / 4], i % 4, d));
}

QUIRE_INLINE void pack_rows_q8_0(const unsigned char *const row[8], size_t k,
				 float *panel)
{
	const size_t half = QUIRE_BLOCK_COLS / 2;

	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
		const size_t offset = b * QUIRE_Q8_0_SIZE;
		const size_t codes = offset + QUIRE_Q8_0_CODES;
		const __m256 d = load_f16_8(row, offset);

		pack_half_q8_0(row, codes, d, panel);
		pack_half_q8_0(row, codes + half, d, panel + half * AVX2_NR);
		panel += (size_t)QUIRE_BLOCK_COLS * AVX2_NR;
	}
}

/* The f16 in the low half of each lane; the high half is zero. */
static inline __m256 convert_low(__m256i x)
{
	return _mm256_cvtph_ps(_mm_packus_epi32(
	    _mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)));
}

static void pack_rows_f16(const unsigned char *const row[8], size_t k,
			  float *panel)
{
	const __m256i half = _mm256_set1_epi32(0xFFFF);
	size_t j = 0;

	for (; j + 8 <= k; j += 8) {
		float *to = panel + j * AVX2_NR;
		__m256i pairs[4];

		load_transposed8(row, j * sizeof(uint16_t), pairs);
		for (size_t i = 0; i < 4; i++, to += (size_t)2 * AVX2_NR) {
			const __m256i even = _mm256_and_si256(pairs[i], half);
			const __m256i odd = _mm256_srli_epi32(pairs[i], 16);

			_mm256_store_ps(to, convert_low(even));
			_mm256_store_ps(to + AVX2_NR, convert_low(odd));
		}
	}
	for (; j < k; j++)
		_mm256_store_ps(panel + j * AVX2_NR,
				load_f16_8(row, j * sizeof(uint16_t)));
}

static void pack_rows_bf16(const unsigned char *const row[8], size_t k,
			   float *panel)
{
	const __m256i upper = _mm256_set1_epi32((int)0xFFFF0000);
	size_t j = 0;

	for (; j + 8 <= k; j += 8) {
		float *to = panel + j * AVX2_NR;
		__m256i pairs[4];

		load_transposed8(row, j * sizeof(uint16_t), pairs);
		for (size_t i = 0; i < 4; i++, to += (size_t)2 * AVX2_NR) {
			/* A BF16 is the upper half of an f32. */
			_mm256_store_si256((void *)to,
					   _mm256_slli_epi32(pairs[i], 16));
			_mm256_store_si256((void *)(to + AVX2_NR),
					   _mm256_and_si256(pairs[i], upper));
		}
	}
	for (; j < k; j++)
		for (size_t i = 0; i < 8; i++)
			panel[j * AVX2_NR + i] =
			    widen_bf16(load_u16(row[i] + j * sizeof(uint16_t)));
}

static void pack_rows_f32(const unsigned char *const row[8], size_t k,
			  float *panel)
{
	size_t j = 0;

	for (; j + 4 <= k; j += 4) {
		__m256i cols[4];

		load_transposed8(row, j * sizeof(float), cols);
		for (size_t i = 0; i < 4; i++)
			_mm256_store_si256((void *)(panel + (j + i) * AVX2_NR),
					   cols[i]);
	}
	for (; j < k; j++)
		for (size_t i = 0; i < 8; i++)
			panel[j * AVX2_NR + i] =
			    load_f32(row[i] + j * sizeof(float));
}

/* k is a multiple of `cols`. */
#define PACK(type, cols)                                                       \
	static void pack_##type(const void *weights, size_t row_size,          \
				size_t rows, size_t k, void *panel)            \
	{                                                                      \
		assert(k % (cols) == 0);                                       \
		pack_panel(weights, row_size, rows, k, panel,                  \
			   pack_rows_##type);                                  \
	}

PACK(q4_0, QUIRE_BLOCK_COLS)
PACK(q4_1, QUIRE_BLOCK_COLS)
PACK(q8_0, QUIRE_BLOCK_COLS)
PACK(f16, 1)
PACK(bf16, 1)
PACK(f32, 1)

#define ROW(TYPE, type)                                                        \
	{                                                                      \
		.weights = QUIRE_##TYPE, .nr = AVX2_NR, .kc = AVX2_F32_KC,     \
		.size = AVX2_NR * AVX2_F32_KC * sizeof(float),                 \
		.pack = pack_##type                                            \
	}

const struct pack_form quire_pack_f32_avx2[] = {
	ROW(Q4_0, q4_0), ROW(Q4_1, q4_1), ROW(Q8_0, q8_0), ROW(F16, f16),
	ROW(BF16, bf16), ROW(F32, f32),	  { 0 },
};
