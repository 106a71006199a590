/*
 * tile_int8_avx512vnni.c - up to 6 rows of quantized x by a panel of 32 rows of
 * unsigned codes: an exact integer for each block, scaled and summed in f32.
 */
#include <immintrin.h>

#include "runtime/kernels/avx512vnni/dpbusd_avx512vnni.h"
#include "runtime/kernels/avx512vnni/geometry_avx512vnni.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

enum {
	/* Rows of x: 12 registers are the integer sums and 12 the f32 ones. */
	MR = 6,
	NV = AVX512_NR / 16, /* vectors of a row of sums */
};

/* The exact integers of a block. Without minima they begin at the offsets of x,
 * which contain AVX512_INT8_BEGIN. */
QUIRE_INLINE void multiply_block(const unsigned char *x, const unsigned char *w,
				 int rows, bool minima, __m512i s[MR][NV])
{
	QUIRE_UNROLL
	for (int m = 0; m < rows; m++)
		s[m][0] = s[m][1] =
		    minima ? begin_integers()
			   : broadcast(x + QUIRE_INT8_OFFSETS(MR) + m * 4);
	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 4; i++) {
		const __m512i w0 = _mm512_load_si512(w + i * AVX512_NR * 4);
		const __m512i w1 =
		    _mm512_load_si512(w + i * AVX512_NR * 4 + 64);

		QUIRE_UNROLL
		for (int m = 0; m < rows; m++) {
			const unsigned char *a =
			    x + m * QUIRE_BLOCK_COLS + i * 4;

			s[m][0] = add_codes(s[m][0], w0, a);
			s[m][1] = add_codes(s[m][1], w1, a);
		}
	}
}

/* The scales of a block of the panel, and its minima if it has them. */
struct tile_scales {
	__m512 d[NV], begin[NV], low[NV];
};

static inline struct tile_scales load_scales(const float *scales, bool minima)
{
	struct tile_scales all;

	QUIRE_UNROLL
	for (int v = 0; v < NV; v++) {
		all.d[v] = _mm512_load_ps(scales + 16 * v);
		all.begin[v] = take_off_begin(all.d[v]);
		all.low[v] = minima
				 ? _mm512_load_ps(scales + AVX512_NR + 16 * v)
				 : _mm512_setzero_ps();
	}
	return all;
}

/* sum + scale * (s d), or scale * (s d + x_sum low), for row m of the tile. */
static inline void add_scaled(const unsigned char *x, int m,
			      const __m512i s[NV], const struct tile_scales *w,
			      bool minima, __m512 sum[NV])
{
	const __m512 scale = broadcast_f32(x + QUIRE_INT8_SCALES(MR) + m * 4);
	const __m512 x_sum = broadcast_f32(x + QUIRE_INT8_OFFSETS(MR) + m * 4);

	QUIRE_UNROLL
	for (int v = 0; v < NV; v++) {
		__m512 block = scale_integers(s[v], w->d[v], w->begin[v]);

		if (minima)
			block = _mm512_fmadd_ps(w->low[v], x_sum, block);
		sum[v] = _mm512_fmadd_ps(block, scale, sum[v]);
	}
}

static inline void store(float *c, __m512 sum, bool add)
{
	if (add)
		sum = _mm512_add_ps(_mm512_loadu_ps(c), sum);
	_mm512_storeu_ps(c, sum);
}

/* `rows` rows of x, a constant; `minima`: the panel has them. */
QUIRE_INLINE void multiply_rows(const void *x, const void *panel, int rows,
				size_t k, float *c, bool add, bool minima)
{
	const unsigned char *columns = x, *w = panel;
	__m512 sum[MR][NV];

	QUIRE_UNROLL
	for (int m = 0; m < rows; m++)
		sum[m][0] = sum[m][1] = _mm512_setzero_ps();
	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
		const struct tile_scales scales = load_scales(
		    (const void *)(w + QUIRE_BLOCK_COLS * AVX512_NR), minima);
		__m512i s[MR][NV];

		multiply_block(columns, w, rows, minima, s);
		QUIRE_UNROLL
		for (int m = 0; m < rows; m++)
			add_scaled(columns, m, s[m], &scales, minima, sum[m]);
		columns += QUIRE_INT8_SIZE(MR);
		w += minima ? AVX512_INT8_MIN_BLOCK_SIZE
			    : AVX512_INT8_BLOCK_SIZE;
	}
	QUIRE_UNROLL
	for (int m = 0; m < rows; m++) {
		store(c + m * AVX512_NR, sum[m][0], add);
		store(c + m * AVX512_NR + 16, sum[m][1], add);
	}
}

#define CASE(count)                                                            \
	case count:                                                            \
		multiply_rows(x, panel, count, k, c, add, minima);             \
		break

/* The whole kernel. */
QUIRE_INLINE void multiply_tile(const void *x, const void *panel, size_t rows,
				size_t k, float *c, bool add, bool minima)
{
	_Static_assert(MR == 6, "one case for each count");
	switch (rows) {
		CASE(1);
		CASE(2);
		CASE(3);
		CASE(4);
		CASE(5);
		CASE(6);
	}
}

static void tile_zero(const void *x, const void *panel, size_t rows, size_t k,
		      float *c, bool add)
{
	multiply_tile(x, panel, rows, k, c, add, false);
}

static void tile_minima(const void *x, const void *panel, size_t rows, size_t k,
			float *c, bool add)
{
	multiply_tile(x, panel, rows, k, c, add, true);
}

#define ROW(TYPE, tile)                                                        \
	{                                                                      \
		.weights = QUIRE_##TYPE,                                       \
		.x = AVX512_X_INT8(MR, QUIRE_##TYPE##_FACTOR, true),           \
		.from = 25, .packs = quire_pack_int8_avx512vnni,               \
		.multiply = (tile)                                             \
	}

const struct tile_form quire_tile_int8_avx512vnni[] = {
	ROW(Q4_0, tile_zero),
	ROW(Q4_1, tile_minima),
	ROW(Q8_0, tile_zero),
	{ 0 },
};
