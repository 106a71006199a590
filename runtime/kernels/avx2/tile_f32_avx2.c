/*
 * tile_f32_avx2.c - 6 rows of x by a panel of 16 rows of W in f32, all types.
 */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <immintrin.h>

#include "runtime/kernels/avx2/geometry_avx2.h"
#include "runtime/kernels/scalar/geometry_scalar.h"
#include "runtime/kernels/unroll.h"

/* Rows of x: 12 of the 16 registers are sums. */
enum {
	MR = 6,
};

static inline void store(float *c, __m256 sum, bool add)
{
	if (add)
		sum = _mm256_add_ps(_mm256_loadu_ps(c), sum);
	_mm256_storeu_ps(c, sum);
}

/* `rows` rows of x, a constant. */
QUIRE_INLINE void multiply_rows(const float *columns, const float *w,
				size_t rows, size_t k, float *c, bool add)
{
	__m256 sum[MR][2];

	QUIRE_UNROLL
	for (size_t m = 0; m < rows; m++)
		sum[m][0] = sum[m][1] = _mm256_setzero_ps();
	for (size_t j = 0; j < k; j++, w += AVX2_NR) {
		const __m256 w0 = _mm256_load_ps(w);
		const __m256 w1 = _mm256_load_ps(w + 8);

		QUIRE_UNROLL
		for (size_t m = 0; m < rows; m++) {
			const __m256 a =
			    _mm256_broadcast_ss(columns + m * AVX2_F32_KC);

			sum[m][0] = _mm256_fmadd_ps(a, w0, sum[m][0]);
			sum[m][1] = _mm256_fmadd_ps(a, w1, sum[m][1]);
		}
		columns++;
	}
	QUIRE_UNROLL
	for (size_t m = 0; m < rows; m++) {
		store(c + m * AVX2_NR, sum[m][0], add);
		store(c + m * AVX2_NR + 8, sum[m][1], add);
	}
}

#define CASE(count)                                                            \
	case count:                                                            \
		multiply_rows(x, panel, count, k, c, add);                     \
		break

static void tile(const void *x, const void *panel, size_t rows, size_t k,
		 float *c, bool add)
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

/* From `first` rows of x on. */
#define ROW(TYPE, first)                                                       \
	{                                                                      \
		.weights = QUIRE_##TYPE,                                       \
		.x = { .rows = MR,                                             \
		       .group = AVX2_F32_KC,                                   \
		       .size = MR * AVX2_F32_KC * sizeof(float),               \
		       .even = true,                                           \
		       .prepare = quire_prepare_f32_scalar },                  \
		.from = (first), .packs = quire_pack_f32_avx2,                 \
		.multiply = tile                                               \
	}

const struct tile_form quire_tile_f32_avx2[] = {
	ROW(Q4_0, 9), ROW(Q4_1, 9), ROW(Q8_0, 9), ROW(F16, 6),
	ROW(BF16, 5), ROW(F32, 5),  { 0 },
};
