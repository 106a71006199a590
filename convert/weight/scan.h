/*
 * scan.h - what must be known of a weight's scales, zero points, codes and
 * column order before one can say which block type holds it.
 *
 * f16 holds a number if it is finite and rounding moves it by 2^-11 of itself
 * at most: half a step of the eleven bits of a normal f16.
 */
#ifndef QUIRE_CONVERT_WEIGHT_SCAN_H
#define QUIRE_CONVERT_WEIGHT_SCAN_H

#include "base/crew.h"
#include "convert/weight/weight.h"

/* Where something was first found. */
struct finding {
	bool found;
	float value;
	uint64_t row;
	uint64_t at; /* the block, or of codes the column */
};

/* |f16(v) - v| / |v| over some numbers, where f16 holds all. */
struct rounding {
	double max;
	double mean;
};

struct weight_scan {
	bool zero_default;	   /* every zero point is 2^(bits - 1) */
	bool reordered;		   /* g_idx says more than col / block_size */
	struct finding lost_scale; /* one that f16 does not hold */
	/* Likewise of the offsets, -zero * scale: the value of code 0. */
	struct finding lost_offset;
	/* Two neighbouring blocks that share 32 columns, and whose scales, or
	 * offsets, round to different f16. */
	struct finding split_scale;
	struct finding split_offset;
	/* Of 8 bits: a code that, less its zero point, is not in int8. */
	struct finding lost_code;
	struct rounding scales;
	struct rounding offsets;
	double largest; /* no |W[row][col]| is greater */
};

/* Reads all scales and zero points of an acquired weight once; and the codes,
 * where they have 8 bits and zero points. `column_blocks` are those of
 * quire_weight_column_blocks. */
quire_status quire_weight_scan(const struct weight *weight,
			       const uint32_t *column_blocks, struct crew *crew,
			       struct weight_scan *scan, quire_error *error);

/* -zero * scale, and that as the nearest f16. */
double quire_offset(float zero, float scale);
uint16_t quire_offset_bits(float zero, float scale);

/* Whether that f16 is near enough for the block to become Q4_1. */
bool quire_offset_is_held(float zero, float scale);

#endif
