/*
 * survey.h - what must be known of a weight's scales, zero points and column
 * order before one can say which block type holds it.
 */
#ifndef QUIRE_CONVERT_SURVEY_H
#define QUIRE_CONVERT_SURVEY_H

#include "convert/matmulnbits.h"

struct survey {
	bool zero_default; /* every zero point is 2^(bits - 1) */
	bool reordered;	   /* g_idx says more than col / block_size */
	/* The first scale that f16 does not hold, if there is one. f16 holds a
	 * scale if it is finite and rounding moves it by 2^-11 of itself at
	 * most: half a step of the eleven bits of a normal f16. */
	bool scales_held;
	float lost_scale;
	uint64_t lost_row;
	uint64_t lost_block;
	/* |f16(s) - s| / |s| over the scales, where f16 holds all. */
	double error_max;
	double error_mean;
};

/* Reads all scales and zero points of an acquired weight once. `map` is that
 * of quire_matmulnbits_map. */
quire_status quire_survey(const struct matmulnbits *weight, const uint32_t *map,
			  struct survey *survey, quire_error *error);

#endif
