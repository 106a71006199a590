/*
 * survey.c - one pass over scales and zero points, a bounded piece at a time.
 * Judges nothing.
 */
#include "convert/survey.h"

#include <fp16.h>
#include <math.h>
#include <stdlib.h>

#include "format/error.h"

/* Bytes of scales and zero points that are looked at together. */
#define PIECE_SIZE (UINT64_C(1) << 18)

static const double half_step = 0x1p-11;

/* The error of rounding a scale to f16, or INFINITY for one that is lost. */
static double rounding(float scale)
{
	const float rounded =
	    fp16_ieee_to_fp32_value(fp16_ieee_from_fp32_value(scale));
	double error;

	if (rounded == scale)
		return isinf(scale) ? INFINITY : 0;
	if (!isfinite(rounded))
		return INFINITY;
	error = fabs((double)rounded - scale) / fabs((double)scale);
	return error <= half_step ? error : INFINITY;
}

static void survey_rows(const struct matmulnbits_rows *rows,
			struct survey *survey)
{
	const struct matmulnbits *weight = rows->weight;
	const float zero_default = (float)(1u << (weight->bits - 1));

	for (uint64_t row = 0; row < rows->count; row++)
		for (uint64_t block = 0; block < weight->blocks; block++) {
			const float scale =
			    quire_matmulnbits_scale(rows, row, block);
			const double error = rounding(scale);

			if (quire_matmulnbits_zero(rows, row, block) !=
			    zero_default)
				survey->zero_default = false;
			if (isinf(error) && survey->scales_held) {
				survey->scales_held = false;
				survey->lost_scale = scale;
				survey->lost_row = rows->first + row;
				survey->lost_block = block;
			}
			survey->error_max = fmax(survey->error_max, error);
			survey->error_mean += error;
		}
}

quire_status quire_survey(const struct matmulnbits *weight, const uint32_t *map,
			  struct survey *survey, quire_error *error)
{
	const uint64_t row_size =
	    weight->scale_row_size + weight->zero_row_size;
	const uint64_t step = row_size < PIECE_SIZE ? PIECE_SIZE / row_size : 1;
	const uint64_t most = step < weight->n ? step : weight->n;
	const size_t size = quire_matmulnbits_scales_scratch(weight, most);
	unsigned char *scratch = malloc(size + 1);
	struct survey seen = { .zero_default = true,
			       .scales_held = true,
			       .reordered = map != NULL };
	struct matmulnbits_rows rows = { .weight = weight, .map = map };
	quire_status status = QUIRE_OK;

	if (!scratch)
		return quire_fail_memory(error, size + 1);
	while (rows.first < weight->n && status == QUIRE_OK) {
		const uint64_t left = weight->n - rows.first;

		rows.count = left < most ? left : most;
		status = quire_matmulnbits_fetch_scales(&rows, scratch, error);
		if (status == QUIRE_OK)
			survey_rows(&rows, &seen);
		rows.first += rows.count;
	}
	free(scratch);
	if (status != QUIRE_OK)
		return status;
	seen.error_mean /= (double)weight->n * (double)weight->blocks;
	*survey = seen;
	return QUIRE_OK;
}
