/*
 * params.h - what host and shaders share: the arguments of a product, the
 * indices that they are bound to, and the sizes of tiles. It is both C11 and
 * Metal.
 */
#ifndef QUIRE_METAL_PARAMS_H
#define QUIRE_METAL_PARAMS_H

#ifndef __METAL_VERSION__
#include <stdint.h>
#endif

/* buffer(n) of every kernel. */
#define QUIRE_GPU_AT_WEIGHTS 0
#define QUIRE_GPU_AT_X	     1
#define QUIRE_GPU_AT_Y	     2
#define QUIRE_GPU_AT_BIAS    3
#define QUIRE_GPU_AT_PARAMS  4

/* Columns in one step of a kernel: a block of the quantized types. */
#define QUIRE_GPU_STEP_COLS 32
#define QUIRE_GPU_HALF_STEP 16

#define QUIRE_GPU_SIMD_WIDTH 32

/* mul_gemv: rows of W that one simdgroup multiplies by one row of x. An element
 * of x is then loaded once for four weights. With more rows, the matrices of
 * small models would have too few simdgroups. */
#define QUIRE_GPU_GEMV_ROWS 4

/* mul_small: the rows of W, and at most the rows of x, that one simdgroup
 * multiplies. A lane's registers hold 16 sums and 2 x 16 weights. */
#define QUIRE_GPU_SMALL_ROWS 2
#define QUIRE_GPU_SMALL_X    8

/* mul_packed: the rows of W, rows of x and threads of one threadgroup: four
 * simdgroups with 32 x 16 results each. */
#define QUIRE_GPU_TILE_ROWS    64
#define QUIRE_GPU_TILE_X       32
#define QUIRE_GPU_TILE_THREADS 128

/* Threadgroup memory of mul_packed: a step of W and of x as f32. The 64 x 32
 * results overwrite it at the end. */
#define QUIRE_GPU_TILE_MEMORY                                                  \
	((QUIRE_GPU_TILE_ROWS + QUIRE_GPU_TILE_X) * 32 * 4)

/* Rows of x and y lie a multiple of this many elements apart, so that each
 * begins on 16 bytes in f16 as in f32. */
#define QUIRE_GPU_ROW_ALIGNMENT 8

#define QUIRE_GPU_BIAS_NONE 0
#define QUIRE_GPU_BIAS_F32  1
#define QUIRE_GPU_BIAS_F16  2
#define QUIRE_GPU_BIAS_BF16 3

struct product_params {
	uint64_t row_size; /* bytes from row to row of W */
	uint32_t k;	   /* columns of x, without padding */
	uint32_t n;	   /* rows of W */
	uint32_t m;	   /* rows of x */
	uint32_t x_stride; /* elements from row to row */
	uint32_t y_stride; /* the same of y */
	uint32_t bias;	   /* QUIRE_GPU_BIAS_* */
	uint32_t y_half;   /* not 0: y is f16 */
	uint32_t unused;   /* so that both sides have 40 bytes */
};

#endif
