/*
 * pack_f32_avx512.c - 48 rows of W decoded and transposed to a panel of f32,
 * [k][48], all types. 16 rows at a time are the 16 lanes of a vector.
 */
#include <assert.h>

#include "runtime/kernels/avx512/geometry_avx512.h"
#include "runtime/kernels/avx512/rows_avx512.h"
#include "runtime/kernels/avx512/runs_avx512.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"
#include "runtime/kernels/widen.h"

/* Packs k columns of 16 rows. Columns of the panel are AVX512_F32_NR floats
 * apart. */
typedef void (*pack_rows_fn)(const unsigned char *const row[16], size_t k,
			     float *panel);

QUIRE_INLINE void pack_panel(const void *weights, size_t row_size, size_t rows,
			     size_t k, float *panel, pack_rows_fn pack_rows)
{
	const unsigned char *row[16];

	QUIRE_NO_UNROLL
	for (size_t first = 0; first < AVX512_F32_NR; first += 16) {
		find_rows16(weights, row_size, rows, first, row);
		pack_rows(row, k, panel + first);
	}
}

/* Q4_0 or Q4_1: a constant, so that its functions are inlined. */
struct nibble_decoder {
	struct nibble_block (*load)(const unsigned char *const row[16],
				    size_t offset);
	struct nibble_block (*take)(const unsigned char *const row[16],
				    size_t offset,
				    __m512i dwords[NIBBLE_RUN_DWORDS],
				    size_t i);
	size_t block_size;
	float first; /* the number of code 0; code 1 is 1 more */
	bool minima;
};

/* The lowest 4 bits of each lane, a code of that row, as a number. The permute
 * uses no other bits. */
QUIRE_INLINE __m512 decode_lanes(__m512i codes,
				 const struct nibble_block *block,
				 const struct nibble_decoder *type)
{
	const __m512 values =
	    _mm512_add_ps(_mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
					 12, 13, 14, 15),
			  _mm512_set1_ps(type->first));
	const __m512 numbers = _mm512_permutexvar_ps(codes, values);

	return type->minima ? _mm512_fmadd_ps(numbers, block->d, block->min)
			    : _mm512_mul_ps(numbers, block->d);
}

/* Decodes a block of 16 rows, a row in a lane, to 32 columns of the panel. */
QUIRE_INLINE void decode_block(const struct nibble_block *block, float *panel,
			       const struct nibble_decoder *type)
{
	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++) {
		const unsigned int shift = (unsigned int)(i % 4 * 8);
		const __m512i bytes = block->bytes[i / 4];
		float *to = panel + (ptrdiff_t)i * AVX512_F32_NR;

		_mm512_store_ps(
		    to,
		    decode_lanes(_mm512_srli_epi32(bytes, shift), block, type));
		_mm512_store_ps(
		    to + (ptrdiff_t)16 * AVX512_F32_NR,
		    decode_lanes(_mm512_srli_epi32(bytes, shift + 4), block,
				 type));
	}
}

/* All blocks of 16 rows: in runs of 4, then one by one. */
QUIRE_INLINE void pack_nibbles(const unsigned char *const row[16], size_t k,
			       float *panel, const struct nibble_decoder *type)
{
	const size_t size = (size_t)QUIRE_BLOCK_COLS * AVX512_F32_NR;
	const size_t blocks = k / QUIRE_BLOCK_COLS;
	struct nibble_block block;
	size_t b = 0;

	for (; blocks - b >= NIBBLE_RUN_BLOCKS; b += NIBBLE_RUN_BLOCKS) {
		__m512i dwords[NIBBLE_RUN_DWORDS];

		QUIRE_UNROLL
		for (size_t i = 0; i < NIBBLE_RUN_BLOCKS; i++) {
			block =
			    type->take(row, b * type->block_size, dwords, i);
			decode_block(&block, panel, type);
			panel += size;
		}
	}
	for (; b < blocks; b++) {
		block = type->load(row, b * type->block_size);
		decode_block(&block, panel, type);
		panel += size;
	}
}

static const struct nibble_decoder nibbles_q4_0 = {
	.load = load_block_q4_0,
	.take = take_q4_0,
	.block_size = QUIRE_Q4_0_SIZE,
	.first = -QUIRE_Q4_0_ZERO,
	.minima = false,
};

QUIRE_INLINE void pack_rows_q4_0(const unsigned char *const row[16], size_t k,
				 float *panel)
{
	pack_nibbles(row, k, panel, &nibbles_q4_0);
}

static const struct nibble_decoder nibbles_q4_1 = {
	.load = load_block_q4_1,
	.take = take_q4_1,
	.block_size = QUIRE_Q4_1_SIZE,
	.first = 0,
	.minima = true,
};

QUIRE_INLINE void pack_rows_q4_1(const unsigned char *const row[16], size_t k,
				 float *panel)
{
	pack_nibbles(row, k, panel, &nibbles_q4_1);
}

/* The code in byte `byte` of each lane, times d: exact. */
static inline __m512 decode_q8_0(__m512i codes, int byte, __m512 d)
{
	const __m512i top =
	    _mm512_slli_epi32(codes, (unsigned int)(24 - 8 * byte));

	return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_srai_epi32(top, 24)), d);
}

/* Decodes half a block of 16 rows to 16 columns of the panel. */
static inline void pack_half_q8_0(const unsigned char *const row[16],
				  size_t offset, __m512 d, float *panel)
{
	__m512i codes[4];

	load_transposed16(row, offset, codes);
	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++)
		_mm512_store_ps(panel + (ptrdiff_t)i * AVX512_F32_NR,
				decode_q8_0(codes[i / 4], i % 4, d));
}

static inline void pack_block_q8_0(const unsigned char *const row[16],
				   size_t offset, float *panel)
{
	const __m512 d = load_f16_16(row, offset);
	const size_t half = QUIRE_BLOCK_COLS / 2;

	offset += QUIRE_Q8_0_CODES;
	pack_half_q8_0(row, offset, d, panel);
	pack_half_q8_0(row, offset + half, d, panel + half * AVX512_F32_NR);
}

QUIRE_INLINE void pack_rows_q8_0(const unsigned char *const row[16], size_t k,
				 float *panel)
{
	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
		pack_block_q8_0(row, b * QUIRE_Q8_0_SIZE, panel);
		panel += (size_t)QUIRE_BLOCK_COLS * AVX512_F32_NR;
	}
}

/* The f16 in the low half of each lane. */
static inline __m512 convert_low(__m512i x)
{
	return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(x));
}

static void pack_rows_f16(const unsigned char *const row[16], size_t k,
			  float *panel)
{
	size_t j = 0;

	for (; j + 8 <= k; j += 8) {
		float *to = panel + j * AVX512_F32_NR;
		__m512i pairs[4];

		load_transposed16(row, j * sizeof(uint16_t), pairs);
		for (size_t i = 0; i < 4;
		     i++, to += (size_t)2 * AVX512_F32_NR) {
			const __m512i odd = _mm512_srli_epi32(pairs[i], 16);

			_mm512_store_ps(to, convert_low(pairs[i]));
			_mm512_store_ps(to + AVX512_F32_NR, convert_low(odd));
		}
	}
	for (; j < k; j++)
		_mm512_store_ps(panel + j * AVX512_F32_NR,
				load_f16_16(row, j * sizeof(uint16_t)));
}

static void pack_rows_bf16(const unsigned char *const row[16], size_t k,
			   float *panel)
{
	const __m512i upper = _mm512_set1_epi32((int)0xFFFF0000);
	size_t j = 0;

	for (; j + 8 <= k; j += 8) {
		float *to = panel + j * AVX512_F32_NR;
		__m512i pairs[4];

		load_transposed16(row, j * sizeof(uint16_t), pairs);
		for (size_t i = 0; i < 4;
		     i++, to += (size_t)2 * AVX512_F32_NR) {
			/* A BF16 is the upper half of an f32. */
			_mm512_store_si512(to, _mm512_slli_epi32(pairs[i], 16));
			_mm512_store_si512(to + AVX512_F32_NR,
					   _mm512_and_si512(pairs[i], upper));
		}
	}
	for (; j < k; j++)
		for (size_t i = 0; i < 16; i++)
			panel[j * AVX512_F32_NR + i] =
			    widen_bf16(load_u16(row[i] + j * sizeof(uint16_t)));
}

static void pack_rows_f32(const unsigned char *const row[16], size_t k,
			  float *panel)
{
	size_t j = 0;

	for (; j + 4 <= k; j += 4) {
		__m512i cols[4];

		load_transposed16(row, j * sizeof(float), cols);
		for (size_t i = 0; i < 4; i++)
			_mm512_store_si512(panel + (j + i) * AVX512_F32_NR,
					   cols[i]);
	}
	for (; j < k; j++)
		for (size_t i = 0; i < 16; i++)
			panel[j * AVX512_F32_NR + i] =
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
		.weights = QUIRE_##TYPE, .nr = AVX512_F32_NR,                  \
		.kc = AVX512_F32_KC,                                           \
		.size = AVX512_F32_NR * AVX512_F32_KC * sizeof(float),         \
		.pack = pack_##type                                            \
	}

const struct pack_form quire_pack_f32_avx512[] = {
	ROW(Q4_0, q4_0), ROW(Q4_1, q4_1), ROW(Q8_0, q8_0), ROW(F16, f16),
	ROW(BF16, bf16), ROW(F32, f32),	  { 0 },
};
