/*
 * quantize.h - the constants of int8 activations, for every set.
 * spec/kernels.md defines the quantization.
 */
#ifndef QUIRE_RUNTIME_KERNELS_QUANTIZE_H
#define QUIRE_RUNTIME_KERNELS_QUANTIZE_H

#include <stdint.h>

#include "format/blocks.h"

/* The bits of an f32 without its sign, compared as integers, are in the order
 * of magnitudes: finite numbers, then infinity, then NaNs. */
#define QUIRE_F32_MAGNITUDE 0x7fffffff
#define QUIRE_F32_INFINITY  0x7f800000

#define QUIRE_INT8_MAX 127.0F

/* A block with no magnitude above this counts as zero: 127 divided by it is
 * 2^128 or more, which is not an f32. */
#define QUIRE_INT8_TINY 0x1.fcp-122F /* 127 * 2^-128 */

/* A prepared block of a tile of `rows` rows: codes, then scales, then offsets,
 * which are sums of codes times the type's factor. */
#define QUIRE_INT8_SCALES(rows)	 ((rows)*32)
#define QUIRE_INT8_OFFSETS(rows) ((rows) * (32 + 4))
#define QUIRE_INT8_SIZE(rows)	 ((rows) * (32 + 4 + 4))

/* Makes a signed code of Q8_0 unsigned when added to it. */
#define QUIRE_Q8_0_ZERO 128

/* The `factor` of each type: see struct x_form. */
#define QUIRE_Q4_0_FACTOR (-QUIRE_Q4_0_ZERO)
#define QUIRE_Q4_1_FACTOR 1
#define QUIRE_Q8_0_FACTOR (-QUIRE_Q8_0_ZERO)

/* Whether the factor subtracts a zero point; else it goes with minima. */
#define QUIRE_HAS_ZERO(factor) ((factor) < 0)

#endif
