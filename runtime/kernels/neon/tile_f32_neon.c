/*
 * tile_f32_neon.c - rows of x by a panel of f32: a register holds four columns
 * of a row of x, and one lane of it at a time multiplies the panel.
 */
#include "runtime/kernels/neon/decode_neon.h"
#include "runtime/kernels/scalar/geometry_scalar.h"

enum {
	MR = NEON_F32_MR
};

static inline void store(float *c, float32x4_t sum, bool add)
{
	if (add)
		sum = vaddq_f32(vld1q_f32(c), sum);
	vst1q_f32(c, sum);
}

/* Adds one column of the panel: lane `lane` of each row of x. */
#define ADD_COLUMN(lane)                                                       \
	do {                                                                   \
		const float32x4_t w0 = vld1q_f32(w + (lane)*NEON_NR);          \
		const float32x4_t w1 = vld1q_f32(w + (lane)*NEON_NR + 4);      \
                                                                               \
		QUIRE_UNROLL                                                   \
		for (int m = 0; m < MR; m++) {                                 \
			sum[m][0] =                                            \
			    vfmaq_laneq_f32(sum[m][0], w0, a[m], lane);        \
			sum[m][1] =                                            \
			    vfmaq_laneq_f32(sum[m][1], w1, a[m], lane);        \
		}                                                              \
	} while (0)

/* All rows of the tile, whatever `rows` is. */
static void tile(const void *x, const void *panel, size_t rows, size_t k,
		 float *c, bool add)
{
	const float *columns = x, *w = panel;
	float32x4_t sum[MR][2];

	(void)rows;
	QUIRE_UNROLL
	for (int m = 0; m < MR; m++)
		sum[m][0] = sum[m][1] = vdupq_n_f32(0);
	/* Beyond k x is zeros, and so is the panel up to a whole vector. */
	for (size_t j = 0; j < k; j += 4) {
		float32x4_t a[MR];

		QUIRE_UNROLL
		for (int m = 0; m < MR; m++)
			a[m] = vld1q_f32(columns + (size_t)m * NEON_F32_KC);
		ADD_COLUMN(0);
		ADD_COLUMN(1);
		ADD_COLUMN(2);
		ADD_COLUMN(3);
		columns += 4;
		w += (size_t)4 * NEON_NR;
	}
	QUIRE_UNROLL
	for (int m = 0; m < MR; m++) {
		store(c + (size_t)m * NEON_NR, sum[m][0], add);
		store(c + (size_t)m * NEON_NR + 4, sum[m][1], add);
	}
}

#define ROW(type)                                                              \
	{                                                                      \
		.weights = (type),                                             \
		.x = { .rows = NEON_F32_MR,                                    \
		       .group = NEON_F32_KC,                                   \
		       .size = NEON_F32_MR * NEON_F32_KC * sizeof(float),      \
		       .prepare = quire_prepare_f32_scalar },                  \
		.from = 4, .packs = quire_pack_f32_neon, .multiply = tile      \
	}

const struct tile_form quire_tile_f32_neon[] = {
	ROW(QUIRE_Q4_0), ROW(QUIRE_Q4_1), ROW(QUIRE_Q8_0), ROW(QUIRE_F16),
	ROW(QUIRE_BF16), ROW(QUIRE_F32),  { 0 },
};
