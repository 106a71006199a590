/*
 * quantize.h - the numbers by which activations become int8, common to every
 * set; spec/kernels.md has the definition.
 */
#ifndef QUIRE_KERNELS_QUANTIZE_H
#define QUIRE_KERNELS_QUANTIZE_H

#include <stdint.h>

#include "format/blocks.h"

/* The bits of an f32 without its sign order all magnitudes: finite numbers,
 * then infinity, then NaNs. */
#define QUIRE_F32_MAGNITUDE 0x7fffffff
#define QUIRE_F32_INFINITY  0x7f800000

#define QUIRE_INT8_MAX 127.0F

/* A block whose largest magnitude is not above this counts as zero: 127 over
 * it is 2^128 or more, which is no f32. */
#define QUIRE_INT8_TINY 0x1.fcp-122F /* 127 * 2^-128 */

/* Where the parts of a prepared block of a tile of `rows` rows begin. */
#define QUIRE_INT8_SCALES(rows)	 ((rows)*32)
#define QUIRE_INT8_OFFSETS(rows) ((rows) * (32 + 4))
#define QUIRE_INT8_SIZE(rows)	 ((rows) * (32 + 4 + 4))

/* What is added to a signed code of Q8_0 to make it unsigned, by its upper bit.
 */
#define QUIRE_Q8_0_ZERO 128

/* The x_factor of each type: see struct x_form. */
#define QUIRE_Q4_0_FACTOR (-QUIRE_Q4_0_ZERO)
#define QUIRE_Q4_1_FACTOR 1
#define QUIRE_Q8_0_FACTOR (-QUIRE_Q8_0_ZERO)

/* Whether the factor takes a zero point off, or goes with minima. */
#define QUIRE_HAS_ZERO(factor) ((factor) < 0)

#endif
