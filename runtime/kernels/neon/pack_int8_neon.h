/*
 * pack_int8_neon.h - rows of W to a panel of signed codes. A source that
 * includes this says in which order its instructions read the codes.
 */
#ifndef QUIRE_RUNTIME_KERNELS_NEON_PACK_INT8_NEON_H
#define QUIRE_RUNTIME_KERNELS_NEON_PACK_INT8_NEON_H

#include <string.h>

#include "runtime/kernels/neon/decode_neon.h"

/* Writes the codes of one block of 8 rows. */
typedef void (*order_codes_fn)(const int8x16x2_t w[NEON_NR], int8_t *codes);

struct pack_int8 {
	size_t block_size;
	codes_fn codes;
	order_codes_fn order;
	bool minima; /* the block has one */
};

QUIRE_INLINE float one_scale(const unsigned char *bytes)
{
	return vgetq_lane_f32(load_scale(bytes), 0);
}

/* The whole kernel. The last row fills the place of missing ones. */
QUIRE_INLINE void pack_int8(const void *weights, size_t row_size, size_t rows,
			    size_t k, void *panel, struct pack_int8 how)
{
	unsigned char *block = panel;

	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
		float *scales = (void *)(block + QUIRE_BLOCK_COLS * NEON_NR);
		int8x16x2_t w[NEON_NR];

		QUIRE_UNROLL
		for (size_t n = 0; n < NEON_NR; n++) {
			const unsigned char *from =
			    (const unsigned char *)weights +
			    (n < rows ? n : rows - 1) * row_size +
			    b * how.block_size;

			w[n] = how.codes(from);
			scales[n] = one_scale(from);
			if (how.minima)
				scales[NEON_NR + n] =
				    one_scale(from + QUIRE_Q4_1_MIN);
		}
		how.order(w, (int8_t *)block);
		block += how.minima ? NEON_INT8_MIN_BLOCK_SIZE
				    : NEON_INT8_BLOCK_SIZE;
	}
}

/* A kernel; `minima` says whether blocks have one. */
#define PACK_INT8(type, size, minima_)                                         \
	static void pack_##type(const void *weights, size_t row_size,          \
				size_t rows, size_t k, void *panel)            \
	{                                                                      \
		const struct pack_int8 how = {                                 \
			.block_size = (size),                                  \
			.codes = codes_##type,                                 \
			.order = order_codes,                                  \
			.minima = (minima_),                                   \
		};                                                             \
                                                                               \
		pack_int8(weights, row_size, rows, k, panel, how);             \
	}

#define PACK_INT8_ROW(type, panel_size, function)                              \
	{                                                                      \
		.weights = (type), .nr = NEON_NR, .kc = NEON_INT8_KC,          \
		.size = (panel_size), .pack = (function)                       \
	}

#endif
