/*
 * gemv_f32_avx512.c - one row of f32 x by rows of W in place, all types.
 *
 * Q4_0 and Q4_1 are read in steps of four blocks: a lane has 8 codes in 32
 * bits. A permute by the lowest 4 bits of each lane turns 16 of the 128 codes
 * of a step into numbers; a shift moves the next 16 there. x is in the same
 * order. W is read one row at a time: reading several halves the bandwidth of
 * some machines.
 */
#include <assert.h>
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "runtime/kernels/avx512/geometry_avx512.h"
#include "runtime/kernels/avx512/row_sums_avx512.h"
#include "runtime/kernels/avx512/steps_avx512.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

/* sum + a step of W times a group of x, lane by lane. */
typedef __m512 (*add_step_fn)(__m512 sum, const struct packed_step *w,
			      const float *x);

/* Q4_0 or Q4_1: a constant, so that its functions are inlined. */
struct gemv_type {
	const struct nibble_type *nibbles;
	add_step_fn add;
};

QUIRE_INLINE __m512 multiply_nibbles(const unsigned char *w, size_t k,
				     const void *group, const void *weights,
				     const void *none)
{
	const struct gemv_type *type = weights;
	const float *x = group;
	const size_t steps = k / AVX512_GEMV_F32_COLS;
	const size_t rest = k % AVX512_GEMV_F32_COLS / QUIRE_BLOCK_COLS;
	const size_t size = 4 * type->nibbles->size;
	__m512 sum = _mm512_setzero_ps();
	struct packed_step step;

	(void)none;
	for (size_t j = 0; j < steps; j++) {
		prefetch_along(w, size);
		step = load_packed(w, 4, type->nibbles);
		sum = type->add(sum, &step, x);
		w += size;
		x += AVX512_GEMV_F32_SIZE / sizeof(*x);
	}
	if (rest > 0) {
		prefetch_along(w, rest * type->nibbles->size);
		step = load_packed(w, rest, type->nibbles);
		sum = type->add(sum, &step, x);
	}
	return sum;
}

/*
 * Q4_0: a lane adds up its 8 columns of x times codes, and then multiplies once
 * by the scale. That sum can overflow where x times weights does not, so where
 * x is large each weight is scaled.
 */
QUIRE_INLINE __m512 add_codes(__m512 sum, const struct packed_step *w,
			      const float *x)
{
	const __m512 values = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0,
					     1, 2, 3, 4, 5, 6, 7);
	__m512 lane =
	    _mm512_mul_ps(decode_codes(w->codes, 0, values), _mm512_load_ps(x));

	QUIRE_UNROLL
	for (unsigned int i = 1; i < 8; i++)
		lane =
		    _mm512_fmadd_ps(decode_codes(w->codes, i, values),
				    _mm512_load_ps(x + (size_t)16 * i), lane);
	return _mm512_fmadd_ps(lane, w->d, sum);
}

/* Not inlined. It takes vectors, as a step with an address would be in memory.
 */
static __m512 add_weights(__m512 sum, __m512i codes, __m512 d, const float *x)
{
	const __m512 values = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0,
					     1, 2, 3, 4, 5, 6, 7);
	__m512 lane = _mm512_setzero_ps();

	for (unsigned int i = 0; i < 8; i++)
		lane = _mm512_fmadd_ps(
		    _mm512_mul_ps(decode_codes(codes, i, values), d),
		    _mm512_load_ps(x + (size_t)16 * i), lane);
	return _mm512_add_ps(sum, lane);
}

/* Compared as an integer: that uses other ports than the products. */
QUIRE_INLINE bool is_large(const float *x)
{
	uint32_t large;

	memcpy(&large, x + AVX512_GEMV_F32_LARGE, sizeof(large));
	return large != 0;
}

QUIRE_INLINE __m512 add_step_q4_0(__m512 sum, const struct packed_step *w,
				  const float *x)
{
	return is_large(x) ? add_weights(sum, w->codes, w->d, x)
			   : add_codes(sum, w, x);
}

/* Q4_1: each weight is scaled. The sums of x times codes and of x times minima
 * can be far larger than the sum of x times weights, and so can their errors.
 */
QUIRE_INLINE __m512 add_step_q4_1(__m512 sum, const struct packed_step *w,
				  const float *x)
{
	const __m512 values = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
					     11, 12, 13, 14, 15);
	__m512 lane = _mm512_setzero_ps();

	QUIRE_UNROLL
	for (unsigned int i = 0; i < 8; i++) {
		const __m512 q = decode_codes(w->codes, i, values);

		lane =
		    _mm512_fmadd_ps(_mm512_fmadd_ps(q, w->d, w->min),
				    _mm512_load_ps(x + (size_t)16 * i), lane);
	}
	return _mm512_add_ps(sum, lane);
}

#define GEMV_NIBBLES(type)                                                     \
	static const struct gemv_type type_##type = {                          \
		.nibbles = &nibbles_##type,                                    \
		.add = add_step_##type,                                        \
	};                                                                     \
	static void gemv_##type(const void *weights, size_t row_size,          \
				size_t rows, size_t k, const void *x,          \
				float *y)                                      \
	{                                                                      \
		multiply_each_row(weights, row_size, rows, k, x, y,            \
				  multiply_nibbles, &type_##type, NULL);       \
	}

GEMV_NIBBLES(q4_0)
GEMV_NIBBLES(q4_1)

/* 16 codes times d: exact in f32. */
static inline __m512 decode_q8_0(const unsigned char *codes, __m512 d)
{
	const __m512i wide =
	    _mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)codes));

	return _mm512_mul_ps(_mm512_cvtepi32_ps(wide), d);
}

static inline void add_block_q8_0(const unsigned char *block, const float *x,
				  __m512 sum[2])
{
	const unsigned char *codes = block + QUIRE_Q8_0_CODES;
	const __m512 d =
	    _mm512_cvtph_ps(_mm256_set1_epi16((short)load_u16(block)));

	sum[0] =
	    _mm512_fmadd_ps(decode_q8_0(codes, d), _mm512_loadu_ps(x), sum[0]);
	sum[1] = _mm512_fmadd_ps(decode_q8_0(codes + 16, d),
				 _mm512_loadu_ps(x + 16), sum[1]);
}

static void gemv_q8_0(const void *weights, size_t row_size, size_t rows,
		      size_t k, const void *x, float *y)
{
	const size_t blocks = k / QUIRE_BLOCK_COLS;

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t i = 0; i < rows; i++) {
		const unsigned char *block =
		    (const unsigned char *)weights + i * row_size;
		const float *columns = x;
		__m512 even[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };
		__m512 odd[2] = { _mm512_setzero_ps(), _mm512_setzero_ps() };

		for (size_t j = 0; j + 2 <= blocks; j += 2) {
			prefetch_along(block, (size_t)2 * QUIRE_Q8_0_SIZE);
			add_block_q8_0(block, columns, even);
			add_block_q8_0(block + QUIRE_Q8_0_SIZE,
				       columns + QUIRE_BLOCK_COLS, odd);
			block += (size_t)2 * QUIRE_Q8_0_SIZE;
			columns += (size_t)2 * QUIRE_BLOCK_COLS;
		}
		if (blocks % 2)
			add_block_q8_0(block, columns, even);
		y[i] = _mm512_reduce_add_ps(
		    _mm512_add_ps(_mm512_add_ps(even[0], even[1]),
				  _mm512_add_ps(odd[0], odd[1])));
	}
}

/* F32, F16 or BF16: a constant, so that its functions are inlined. */
struct plain_type {
	size_t size; /* of a column */
	/* 16 columns; or the first `count` of them and zeros, for a rest. */
	__m512 (*load)(const unsigned char *from);
	__m512 (*load_first)(const unsigned char *from, size_t count);
};

QUIRE_INLINE __mmask16 first_lanes(size_t count)
{
	return (__mmask16)((1U << count) - 1);
}

QUIRE_INLINE __m512 load_16_f32(const unsigned char *from)
{
	return _mm512_loadu_ps(from);
}

QUIRE_INLINE __m512 load_first_f32(const unsigned char *from, size_t count)
{
	return _mm512_maskz_loadu_ps(first_lanes(count), from);
}

QUIRE_INLINE __m512 load_16_f16(const unsigned char *from)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const void *)from));
}

QUIRE_INLINE __m512 load_first_f16(const unsigned char *from, size_t count)
{
	return _mm512_cvtph_ps(
	    _mm256_maskz_loadu_epi16(first_lanes(count), from));
}

/* A BF16 is the upper half of an f32. */
QUIRE_INLINE __m512 widen(__m256i items)
{
	return _mm512_castsi512_ps(
	    _mm512_slli_epi32(_mm512_cvtepu16_epi32(items), 16));
}

QUIRE_INLINE __m512 load_16_bf16(const unsigned char *from)
{
	return widen(_mm256_loadu_si256((const void *)from));
}

QUIRE_INLINE __m512 load_first_bf16(const unsigned char *from, size_t count)
{
	return widen(_mm256_maskz_loadu_epi16(first_lanes(count), from));
}

QUIRE_INLINE void multiply_plain(const void *weights, size_t row_size,
				 size_t rows, size_t k, const float *x,
				 float *y, const struct plain_type *type)
{
	const size_t size = type->size;

	for (size_t i = 0; i < rows; i++) {
		const unsigned char *row =
		    (const unsigned char *)weights + i * row_size;
		__m512 sum[4] = { _mm512_setzero_ps(), _mm512_setzero_ps(),
				  _mm512_setzero_ps(), _mm512_setzero_ps() };
		size_t j = 0;

		for (; j + 64 <= k; j += 64) {
			prefetch_along(row + size * j, 64 * size);
			QUIRE_UNROLL
			for (size_t s = 0; s < 4; s++)
				sum[s] = _mm512_fmadd_ps(
				    type->load(row + size * (j + 16 * s)),
				    _mm512_loadu_ps(x + j + 16 * s), sum[s]);
		}
		for (; j + 16 <= k; j += 16)
			sum[0] =
			    _mm512_fmadd_ps(type->load(row + size * j),
					    _mm512_loadu_ps(x + j), sum[0]);
		if (j < k)
			sum[1] = _mm512_fmadd_ps(
			    type->load_first(row + size * j, k - j),
			    _mm512_loadu_ps(x + j), sum[1]);
		y[i] = _mm512_reduce_add_ps(
		    _mm512_add_ps(_mm512_add_ps(sum[0], sum[1]),
				  _mm512_add_ps(sum[2], sum[3])));
	}
}

#define GEMV_PLAIN(type, bytes)                                                \
	static const struct plain_type type_##type = {                         \
		.size = (bytes),                                               \
		.load = load_16_##type,                                        \
		.load_first = load_first_##type,                               \
	};                                                                     \
	static void gemv_##type(const void *weights, size_t row_size,          \
				size_t rows, size_t k, const void *x,          \
				float *y)                                      \
	{                                                                      \
		multiply_plain(weights, row_size, rows, k, x, y,               \
			       &type_##type);                                  \
	}

GEMV_PLAIN(f16, 2)
GEMV_PLAIN(bf16, 2)
GEMV_PLAIN(f32, 4)

#define ROW(TYPE, type, x_form, rows)                                          \
	{                                                                      \
		.weights = QUIRE_##TYPE, .x = x_form, .nr = (rows),            \
		.multiply = gemv_##type                                        \
	}

const struct gemv_form quire_gemv_f32_avx512[] = {
	ROW(Q4_0, q4_0, AVX512_X_F32_NIBBLES, AVX512_GEMV_NR),
	ROW(Q4_1, q4_1, AVX512_X_F32_NIBBLES, AVX512_GEMV_NR),
	ROW(Q8_0, q8_0, QUIRE_X_F32_ROW, 0),
	ROW(F16, f16, QUIRE_X_F32_ROW, 0),
	ROW(BF16, bf16, QUIRE_X_F32_ROW, 0),
	ROW(F32, f32, QUIRE_X_F32_ROW, 0),
	{ 0 },
};
