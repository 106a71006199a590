/*
 * small_f32_avx512.c - 13 to 64 rows of f32 x by rows of W in place, all types:
 * small_f32.h with vectors of 16 lanes. Four vectors have 64 rows of x, and 24
 * of the 32 registers are sums.
 */
#include <immintrin.h>

#include "runtime/kernels/avx512/geometry_avx512.h"
#include "runtime/kernels/avx512/rows_avx512.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

enum {
	LANES = 16,	  /* of a vector */
	MOST = 4 * LANES, /* rows of x */
	/* Rows of W at a time: their sums by 64 rows of x are 12 KiB. */
	SMALL_NR = 48,
	/* Columns of x at a time: 64 rows are 32 KiB. */
	SMALL_KC = AVX512_F32_KC,
	MAX_VECTORS = MOST / LANES,
	MAX_GROUP = 12,
};

typedef __m512 vector;

/* The first `left` of 16 lanes, or all. */
static inline __mmask16 lanes_left(size_t left)
{
	return (__mmask16)(left < 16 ? (1U << left) - 1 : 65535);
}

QUIRE_INLINE vector vector_zero(void)
{
	return _mm512_setzero_ps();
}

QUIRE_INLINE vector vector_load(const float *from)
{
	return _mm512_load_ps(from);
}

QUIRE_INLINE void vector_store(float *to, vector v)
{
	_mm512_store_ps(to, v);
}

/* Stores the first `left` lanes, or all. */
QUIRE_INLINE void vector_store_first(float *to, size_t left, vector v)
{
	_mm512_mask_storeu_ps(to, lanes_left(left), v);
}

QUIRE_INLINE vector vector_add(vector a, vector b)
{
	return _mm512_add_ps(a, b);
}

QUIRE_INLINE vector vector_fma(vector a, vector b, vector c)
{
	return _mm512_fmadd_ps(a, b, c);
}

/* A column of a row of W, repeated for each row of x. */
QUIRE_INLINE vector vector_spread(const float *w)
{
	return _mm512_set1_ps(*w);
}

/* Four lanes of each row, from byte `offset` on, as 4 vectors. */
QUIRE_INLINE void vector_transpose(const unsigned char *const row[LANES],
				   size_t offset, vector out[4])
{
	__m512i lanes[4];

	load_transposed16(row, offset, lanes);
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		out[i] = _mm512_castsi512_ps(lanes[i]);
}

/* Each has as many sums as registers can hold. */
#define SMALL_SHAPES                                                           \
	SMALL_SHAPE(1, 12);                                                    \
	SMALL_SHAPE(2, 12);                                                    \
	SMALL_SHAPE(3, 8);                                                     \
	SMALL_SHAPE(4, 6)

#define BY_SMALL_SHAPE(x_rows, MULTIPLY)                                       \
	do {                                                                   \
		if ((x_rows) <= 16)                                            \
			MULTIPLY(shape_1);                                     \
		else if ((x_rows) <= 32)                                       \
			MULTIPLY(shape_2);                                     \
		else if ((x_rows) <= 48)                                       \
			MULTIPLY(shape_3);                                     \
		else                                                           \
			MULTIPLY(shape_4);                                     \
	} while (0)

#include "runtime/kernels/small_f32.h"

/*
 * Q4_0 and Q4_1: the 16 numbers that a code can be are one vector, scaled once
 * a block. A permute picks them by the lowest 4 bits of each lane; it uses no
 * other bits.
 */

/* The 4 blocks of SMALL_KC columns. Their scales and minima are within 64
 * bytes.
 */
#define RUN_BLOCKS (SMALL_KC / QUIRE_BLOCK_COLS)

/* The 16 numbers of the codes of a block with scale d and minimum min. */
typedef __m512 (*scale_numbers_fn)(float d, float min);

/* Q4_0 or Q4_1: a constant, so that its functions are inlined. */
struct nibble_type {
	scale_numbers_fn scale;
	size_t block_size, codes; /* of a block; where its codes begin */
};

/* d of each block of a run, then the f16 after each d: the minimum, if the type
 * has one. Reads no byte after the blocks. */
QUIRE_INLINE void load_scales(const unsigned char *row, size_t blocks,
			      float scales[2 * RUN_BLOCKS],
			      const struct nibble_type *type)
{
	const size_t size = blocks * type->block_size;
	const __mmask64 bytes = size < 64 ? (1ULL << size) - 1 : ~0ULL;
	const short step = (short)(type->block_size / 2);
	const __m256i places =
	    _mm256_setr_epi16(0, step, (short)(2 * step), (short)(3 * step), 1,
			      (short)(step + 1), (short)(2 * step + 1),
			      (short)(3 * step + 1), 0, 0, 0, 0, 0, 0, 0, 0);
	const __m512i picked =
	    _mm512_permutexvar_epi16(_mm512_castsi256_si512(places),
				     _mm512_maskz_loadu_epi8(bytes, row));

	_mm256_storeu_ps(scales,
			 _mm256_cvtph_ps(_mm512_castsi512_si128(picked)));
}

/* The block at `block`, with its scale and minimum. */
QUIRE_INLINE void decode_block(const unsigned char *block, float d, float min,
			       float *out, const struct nibble_type *type)
{
	const __m512 numbers = type->scale(d, min);
	const __m512i codes = _mm512_cvtepu8_epi32(
	    _mm_loadu_si128((const void *)(block + type->codes)));

	_mm512_store_ps(out, _mm512_permutexvar_ps(codes, numbers));
	_mm512_store_ps(
	    out + QUIRE_BLOCK_COLS / 2,
	    _mm512_permutexvar_ps(_mm512_srli_epi32(codes, 4), numbers));
}

/* The scales are operands in memory: each would take shuffles from a register.
 */
QUIRE_INLINE void decode_nibbles(const unsigned char *row, size_t cols,
				 float *out, const struct nibble_type *type)
{
	const size_t blocks = cols / QUIRE_BLOCK_COLS;
	float scales[2 * RUN_BLOCKS];

	if (blocks == RUN_BLOCKS) {
		load_scales(row, RUN_BLOCKS, scales, type);
		QUIRE_SPILL(scales);
		QUIRE_UNROLL
		for (size_t b = 0; b < RUN_BLOCKS; b++)
			decode_block(row + b * type->block_size, scales[b],
				     scales[RUN_BLOCKS + b],
				     out + b * QUIRE_BLOCK_COLS, type);
		return;
	}
	load_scales(row, blocks, scales, type);
	for (size_t b = 0; b < blocks; b++)
		decode_block(row + b * type->block_size, scales[b],
			     scales[RUN_BLOCKS + b], out + b * QUIRE_BLOCK_COLS,
			     type);
}

static inline __m512 scale_q4_0(float d, float min)
{
	(void)min;
	return _mm512_mul_ps(_mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0,
					    1, 2, 3, 4, 5, 6, 7),
			     _mm512_set1_ps(d));
}

static inline __m512 scale_q4_1(float d, float min)
{
	return _mm512_fmadd_ps(_mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
					      11, 12, 13, 14, 15),
			       _mm512_set1_ps(d), _mm512_set1_ps(min));
}

#define NIBBLES(type, TYPE)                                                    \
	static const struct nibble_type nibbles_##type = {                     \
		.scale = scale_##type,                                         \
		.block_size = QUIRE_##TYPE##_SIZE,                             \
		.codes = QUIRE_##TYPE##_CODES,                                 \
	};                                                                     \
	QUIRE_INLINE void decode_row_##type(const unsigned char *row,          \
					    size_t cols, float *out)           \
	{                                                                      \
		decode_nibbles(row, cols, out, &nibbles_##type);               \
	}

NIBBLES(q4_0, Q4_0)
NIBBLES(q4_1, Q4_1)

/* 16 codes times d: exact. */
static inline __m512 decode_half(const unsigned char *codes, __m512 d)
{
	const __m512i wide =
	    _mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)codes));

	return _mm512_mul_ps(_mm512_cvtepi32_ps(wide), d);
}

QUIRE_INLINE void decode_row_q8_0(const unsigned char *row, size_t cols,
				  float *out)
{
	for (size_t j = 0; j < cols; j += QUIRE_BLOCK_COLS) {
		const unsigned char *codes = row + QUIRE_Q8_0_CODES;
		const __m512 d =
		    _mm512_cvtph_ps(_mm256_set1_epi16((short)load_u16(row)));

		_mm512_store_ps(out + j, decode_half(codes, d));
		_mm512_store_ps(out + j + 16, decode_half(codes + 16, d));
		row += QUIRE_Q8_0_SIZE;
	}
}

QUIRE_INLINE void decode_row_f16(const unsigned char *row, size_t cols,
				 float *out)
{
	for (size_t j = 0; j < cols; j += 16) {
		const __m256i x = _mm256_maskz_loadu_epi16(
		    lanes_left(cols - j), row + j * sizeof(uint16_t));

		_mm512_store_ps(out + j, _mm512_cvtph_ps(x));
	}
}

QUIRE_INLINE void decode_row_bf16(const unsigned char *row, size_t cols,
				  float *out)
{
	for (size_t j = 0; j < cols; j += 16) {
		const __m256i x = _mm256_maskz_loadu_epi16(
		    lanes_left(cols - j), row + j * sizeof(uint16_t));

		/* A BF16 is the upper half of an f32. */
		_mm512_store_si512(
		    out + j, _mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
	}
}

QUIRE_INLINE void decode_row_f32(const unsigned char *row, size_t cols,
				 float *out)
{
	for (size_t j = 0; j < cols; j += 16) {
		_mm512_store_ps(out + j,
				_mm512_maskz_loadu_ps(lanes_left(cols - j),
						      row + j * sizeof(float)));
	}
}

/* A type of weights: blocks of `cols` columns in `size` bytes. */
#define TYPE(type, cols, size)                                                 \
	static const struct row_type type_##type = {                           \
		.decode = decode_row_##type,                                   \
		.block_cols = (cols),                                          \
		.block_size = (size),                                          \
	};

TYPE(q4_0, QUIRE_BLOCK_COLS, QUIRE_Q4_0_SIZE)
TYPE(q4_1, QUIRE_BLOCK_COLS, QUIRE_Q4_1_SIZE)
TYPE(q8_0, QUIRE_BLOCK_COLS, QUIRE_Q8_0_SIZE)
TYPE(f16, 1, sizeof(uint16_t))
TYPE(bf16, 1, sizeof(uint16_t))
TYPE(f32, 1, sizeof(float))

#define SMALL(type)                                                            \
	static void small_##type(const void *weights, size_t row_size,         \
				 size_t rows, size_t k, const void *x,         \
				 size_t x_size, size_t x_rows, float *y,       \
				 size_t y_stride)                              \
	{                                                                      \
		multiply_small(weights, row_size, rows, k, x, x_size, x_rows,  \
			       y, y_stride, &type_##type);                     \
	}

SMALL(q4_0)
SMALL(q4_1)
SMALL(q8_0)
SMALL(f16)
SMALL(bf16)
SMALL(f32)

/* From `first` to `last` rows of x, with `fill` rows of padding at most, and
 * `left` rows more. */
#define ROW(TYPE, type, first, last, fill, left)                               \
	{                                                                      \
		.weights = QUIRE_##TYPE,                                       \
		.x = { .rows = LANES,                                          \
		       .group = 1,                                             \
		       .size = LANES * sizeof(float),                          \
		       .prepare = quire_prepare_columns_f32_scalar },          \
		.from = (first), .to = (last), .padding = (fill),              \
		.rest = (left), .most = MOST, .nr = SMALL_NR,                  \
		.multiply = small_##type                                       \
	}

#define ROW_CODES(TYPE, type, x_form, first, last, at_once)                    \
	{                                                                      \
		.weights = QUIRE_##TYPE, .x = x_form, .from = (first),         \
		.to = (last), .most = (at_once), .nr = SMALL_NR,               \
		.multiply = quire_small_codes_f32_##type##_avx512              \
	}

/* Tiles of 16 that are nearly full are padded. A few rows more than full tiles
 * are multiplied apart, as GEMV or by small_codes_f32_avx512.c. For other
 * numbers the packed form is faster; or, up to 24 rows by F32, 12 rows and the
 * others. */
const struct small_form quire_small_f32_avx512[] = {
	ROW_CODES(Q4_0, q4_0, AVX512_X_F32_NIBBLES, 2, 11, 11),
	ROW(Q4_0, q4_0, 14, 16, 2, 1),
	ROW(Q4_0, q4_0, 30, MOST, 2, 0),
	ROW_CODES(Q4_1, q4_1, AVX512_X_F32_NIBBLES, 2, 11, 11),
	ROW(Q4_1, q4_1, 14, MOST, 2, 0),
	ROW_CODES(Q8_0, q8_0, QUIRE_X_F32_ROW, 2, 12, 12),
	ROW(Q8_0, q8_0, 13, 16, 3, 2),
	ROW(Q8_0, q8_0, 27, MOST, 5, 1),
	ROW_CODES(F16, f16, QUIRE_X_F32_ROW, 2, 12, 12),
	ROW(F16, f16, 13, 16, 3, 9),
	ROW(F16, f16, 26, MOST, 7, 3),
	ROW_CODES(BF16, bf16, QUIRE_X_F32_ROW, 2, 12, 12),
	ROW(BF16, bf16, 13, 16, 3, 9),
	ROW(BF16, bf16, 26, MOST, 7, 1),
	ROW_CODES(F32, f32, QUIRE_X_F32_ROW, 2, 15, 15),
	ROW(F32, f32, 16, 16, 0, 0),
	ROW_CODES(F32, f32, QUIRE_X_F32_ROW, 17, 24, 12),
	ROW(F32, f32, 25, MOST, 7, 0),
	{ 0 },
};
