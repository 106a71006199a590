/*
 * scan.h - what decides which block type holds a weight, read from its scales,
 * zero points, codes and g_idx.
 *
 * f16 holds a number if it is finite and rounding moves it by at most 2^-11 of
 * itself: half a step of the eleven bits of a normal f16.
 */
#ifndef QUIRE_CONVERT_WEIGHT_SCAN_H
#define QUIRE_CONVERT_WEIGHT_SCAN_H

#include "base/crew.h"
#include "convert/weight/weight.h"

/* The first place of something. */
struct finding {
	bool found;
	float value;
	uint64_t row;
	uint64_t at; /* the block, or for codes the column */
};

/* |f16(v) - v| / |v| over all scales or offsets, if f16 holds all of them. */
struct rounding {
	double max;
	double mean;
};

struct weight_scan {
	bool zero_default;	   /* every zero point is 2^(bits - 1) */
	bool reordered;		   /* g_idx says more than col / block_size */
	struct finding lost_scale; /* one that f16 does not hold */
	/* The same for offsets, -zero * scale: the values of code 0. */
	struct finding lost_offset;
	/* Two neighbouring blocks within 32 columns whose scales, or offsets,
	 * round to different f16. */
	struct finding split_scale;
	struct finding split_offset;
	/* Of 8 bits: a code that minus its zero point does not fit int8. */
	struct finding lost_code;
	struct rounding scales;
	struct rounding offsets;
	double largest; /* no |W[row][col]| is greater */
};

/* Reads all scales and zero points of an acquired weight once; and the codes,
 * if they have 8 bits and zero points. `column_blocks` are those of
 * quire_weight_column_blocks. */
quire_status quire_weight_scan(const struct weight *weight,
			       const uint32_t *column_blocks, struct crew *crew,
			       struct weight_scan *scan, quire_error *error);

/* -zero * scale, and that as the nearest f16. */
double quire_offset(float zero, float scale);
uint16_t quire_offset_bits(float zero, float scale);

/* Whether f16 holds the offset. */
bool quire_offset_is_held(float zero, float scale);

#endif
