/*
 * scan.c - one pass over scales and zero points, by several threads, in pieces
 * that do not depend on the number of threads. Decides nothing.
 */
#include <assert.h>
#include <fp16.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/pieces.h"
#include "convert/weight/scan.h"
#include "format/blocks.h"

static const double half_step = 0x1p-11;

double quire_offset(float zero, float scale)
{
	/* Exact: the product of two 24-bit numbers fits in 53 bits. */
	return -(double)zero * (double)scale;
}

/*
 * The library rounds f32 to f16, and a double rounded to f32 before would be
 * rounded twice. Here an f32 that is not exact gets a last bit of 1 ("round to
 * odd"), and then rounds to f16 as the double would.
 */
static float round_to_odd(double value)
{
	const float near = (float)value;
	uint32_t bits;

	memcpy(&bits, &near, sizeof(bits));
	if ((double)near == value || !isfinite(near) || (bits & 1))
		return near;
	return nextafterf(near, (double)near < value ? INFINITY : -INFINITY);
}

uint16_t quire_offset_bits(float zero, float scale)
{
	return fp16_ieee_from_fp32_value(
	    round_to_odd(quire_offset(zero, scale)));
}

/* The relative error of a number as f16; INFINITY if f16 does not hold it. */
static double rounding(double value, uint16_t bits)
{
	const double rounded = (double)fp16_ieee_to_fp32_value(bits);
	double error;

	if (rounded == value)
		return isinf(value) ? INFINITY : 0;
	if (!isfinite(rounded))
		return INFINITY;
	error = fabs(rounded - value) / fabs(value);
	return error <= half_step ? error : INFINITY;
}

bool quire_offset_is_held(float zero, float scale)
{
	return isfinite(rounding(quire_offset(zero, scale),
				 quire_offset_bits(zero, scale)));
}

static void note(struct finding *finding, double value, uint64_t row,
		 uint64_t at)
{
	if (!finding->found)
		*finding = (struct finding){ true, (float)value, row, at };
}

static void add_error(struct rounding *sum, double error)
{
	if (error > sum->max)
		sum->max = error;
	sum->mean += error;
}

/* What blocks within 32 columns must have in common. */
struct rounded {
	uint16_t scale;
	uint16_t offset;
};

/* Returns the offset as f16. */
static uint16_t scan_offset(uint64_t row, uint64_t block, float zero,
			    float scale, struct weight_scan *scan)
{
	const double offset = quire_offset(zero, scale);
	const uint16_t bits = quire_offset_bits(zero, scale);
	const double error = rounding(offset, bits);

	if (isinf(error))
		note(&scan->lost_offset, offset, row, block);
	add_error(&scan->offsets, error);
	return bits;
}

static struct rounded scan_block(const struct weight_rows *rows, uint64_t row,
				 uint64_t block, struct weight_scan *scan)
{
	const struct weight_value *value = &rows->weight->value;
	const float scale = quire_weight_scale(rows, row, block);
	const float zero = quire_weight_zero(rows, row, block);
	struct rounded rounded = { .scale = fp16_ieee_from_fp32_value(scale) };
	const double scale_error = rounding((double)scale, rounded.scale);
	/* No number of a codebook is greater than 1. */
	const double top =
	    value->codebook
		? 1
		: fmax(fabs((double)((1u << value->bits) - 1) - (double)zero),
		       fabs((double)zero));
	const double largest = top * fabs((double)scale);

	if (isinf(scale_error))
		note(&scan->lost_scale, (double)scale, rows->first + row,
		     block);
	add_error(&scan->scales, scale_error);
	if (largest > scan->largest)
		scan->largest = largest;
	if (zero != (float)(1u << (value->bits - 1)))
		scan->zero_default = false;
	/* Offsets matter only with zero points, or if one is not the default.
	 */
	if (rows->zero_points || !scan->zero_default)
		rounded.offset =
		    scan_offset(rows->first + row, block, zero, scale, scan);
	return rounded;
}

/* Only codes of 8 bits around another zero point than 128 may not fit int8. */
static void scan_codes(const struct weight_rows *rows, uint64_t row,
		       uint64_t block, struct weight_scan *scan)
{
	const struct weight_value *value = &rows->weight->value;
	const unsigned char *codes =
	    rows->codes + row * rows->weight->storage.codes.row_size;
	const float zero = quire_weight_zero(rows, row, block);
	const uint64_t end = (block + 1) * value->block_size;

	for (uint64_t col = block * value->block_size;
	     col < end && col < value->k; col++) {
		const float number = (float)codes[col] - zero;

		if (!(number >= INT8_MIN && number <= INT8_MAX) ||
		    number != rintf(number)) {
			note(&scan->lost_code, (double)number,
			     rows->first + row, col);
			return;
		}
	}
}

static void scan_rows(const struct weight_rows *rows, struct weight_scan *scan)
{
	const struct weight_value *value = &rows->weight->value;
	struct rounded before = { 0 };

	for (uint64_t row = 0; row < rows->count; row++)
		for (uint64_t block = 0; block < value->blocks; block++) {
			const struct rounded rounded =
			    scan_block(rows, row, block, scan);
			/* It begins within 32 columns, after the block
			 * before it. */
			const bool upper =
			    block * value->block_size % QUIRE_BLOCK_COLS != 0;

			if (upper && rounded.scale != before.scale)
				note(&scan->split_scale, 0, rows->first + row,
				     block);
			if (upper && rounded.offset != before.offset)
				note(&scan->split_offset, 0, rows->first + row,
				     block);
			before = rounded;
			if (rows->codes && !scan->lost_code.found)
				scan_codes(rows, row, block, scan);
		}
}

/* Scales of a run, and how many of them are added side by side. */
#define RUN_COUNT  256
#define LANE_COUNT 8

/* The sums of each lane. */
struct lanes {
	double error_max[LANE_COUNT];
	double error_sum[LANE_COUNT];
	float largest[LANE_COUNT];
};

/* rounding() of each scale, without a branch. */
static void round_run(const float values[RUN_COUNT], double errors[RUN_COUNT])
{
	float rounded[RUN_COUNT];

	quire_halves_round(values, RUN_COUNT, rounded);
	for (size_t i = 0; i < RUN_COUNT; i++) {
		const double value = (double)values[i];
		const double base = value == 0 ? 1 : fabs(value);
		const double error = fabs((double)rounded[i] - value) / base;

		errors[i] = error <= half_step ? error : INFINITY;
	}
}

static void add_run(const float values[RUN_COUNT],
		    const double errors[RUN_COUNT], struct lanes *lanes)
{
	for (size_t i = 0; i < RUN_COUNT; i += LANE_COUNT)
		for (size_t j = 0; j < LANE_COUNT; j++) {
			const double error = errors[i + j];
			const float size = fabsf(values[i + j]);

			lanes->error_sum[j] += error;
			lanes->error_max[j] = error > lanes->error_max[j]
						  ? error
						  : lanes->error_max[j];
			lanes->largest[j] =
			    size > lanes->largest[j] ? size : lanes->largest[j];
		}
}

static void note_lost(const struct weight_rows *rows, uint64_t first,
		      const float values[RUN_COUNT],
		      const double errors[RUN_COUNT], struct weight_scan *scan)
{
	const uint64_t blocks = rows->weight->value.blocks;

	for (size_t i = 0; i < RUN_COUNT && !scan->lost_scale.found; i++)
		if (isinf(errors[i]))
			note(&scan->lost_scale, (double)values[i],
			     rows->first + (first + i) / blocks,
			     (first + i) % blocks);
}

/* scan_rows() for blocks that have a scale alone: scales are consecutive, and
 * no two blocks lie within 32 columns. */
static void scan_scales(const struct weight_rows *rows,
			struct weight_scan *scan)
{
	const struct weight_value *value = &rows->weight->value;
	const uint64_t count = rows->count * value->blocks;
	/* No number of a codebook is greater than 1. */
	const double top =
	    value->codebook ? 1 : (double)(1u << (value->bits - 1));
	struct lanes lanes = { .error_max = { 0 } };
	float values[RUN_COUNT];
	double errors[RUN_COUNT];

	for (uint64_t first = 0; first < count; first += RUN_COUNT) {
		const uint64_t left = count - first;
		const size_t run = left < RUN_COUNT ? (size_t)left : RUN_COUNT;

		quire_weight_scales(rows, first, run, values);
		/* A scale of 0 adds nothing. */
		memset(values + run, 0, (RUN_COUNT - run) * sizeof(float));
		round_run(values, errors);
		add_run(values, errors, &lanes);
		for (size_t j = 0; j < LANE_COUNT; j++)
			if (isinf(lanes.error_max[j]))
				note_lost(rows, first, values, errors, scan);
	}
	for (size_t j = 0; j < LANE_COUNT; j++) {
		scan->scales.mean += lanes.error_sum[j];
		scan->scales.max = fmax(scan->scales.max, lanes.error_max[j]);
		scan->largest =
		    fmax(scan->largest, top * (double)lanes.largest[j]);
	}
}

/* ------------------------------------------------------------------ pieces */

struct scanning {
	const struct weight *weight;
	const uint32_t *column_blocks;
	bool with_codes;
	bool plain;
	uint64_t rows;		   /* of a piece; the last one has fewer */
	uint64_t count;		   /* of pieces */
	struct weight_scan *items; /* what pieces hold, by slot */
	unsigned char *scratch;	   /* for each worker */
	size_t scratch_size;
	struct weight_scan sum;
};

static quire_status fetch(struct weight_rows *rows, bool with_codes,
			  unsigned char *scratch, quire_error *error)
{
	return with_codes ? quire_weight_fetch(rows, scratch, error)
			  : quire_weight_fetch_scales(rows, scratch, error);
}

static quire_status scan_piece(void *context, size_t worker, uint64_t number,
			       size_t slot, quire_error *error)
{
	const struct scanning *in = context;
	struct weight_scan *scan = &in->items[slot];
	struct weight_rows rows = { .weight = in->weight,
				    .column_blocks = in->column_blocks,
				    .first = number * in->rows };
	const uint64_t left = in->weight->value.n - rows.first;
	quire_status status;

	rows.count = left < in->rows ? left : in->rows;
	*scan = (struct weight_scan){ .zero_default = true };
	status = fetch(&rows, in->with_codes,
		       in->scratch + worker * in->scratch_size, error);
	if (status == QUIRE_OK && in->plain)
		scan_scales(&rows, scan);
	else if (status == QUIRE_OK)
		scan_rows(&rows, scan);
	return status;
}

static void join_finding(struct finding *finding, const struct finding *next)
{
	if (!finding->found)
		*finding = *next;
}

static void join_rounding(struct rounding *sum, const struct rounding *next)
{
	sum->max = fmax(sum->max, next->max);
	sum->mean += next->mean;
}

/* Adds the next piece, in the order of the rows, whoever scanned it. */
static quire_status join_piece(void *context, uint64_t number, size_t slot,
			       quire_error *error)
{
	struct scanning *in = context;
	struct weight_scan *sum = &in->sum;
	const struct weight_scan *next = &in->items[slot];

	(void)number;
	(void)error;
	sum->zero_default = sum->zero_default && next->zero_default;
	join_finding(&sum->lost_scale, &next->lost_scale);
	join_finding(&sum->lost_offset, &next->lost_offset);
	join_finding(&sum->split_scale, &next->split_scale);
	join_finding(&sum->split_offset, &next->split_offset);
	join_finding(&sum->lost_code, &next->lost_code);
	join_rounding(&sum->scales, &next->scales);
	join_rounding(&sum->offsets, &next->offsets);
	sum->largest = fmax(sum->largest, next->largest);
	return QUIRE_OK;
}

static quire_status run(struct scanning *in, struct crew *crew,
			quire_error *error)
{
	struct pieces pieces = { .work = scan_piece,
				 .join = join_piece,
				 .context = in };
	const size_t slots = quire_pieces_slots(crew);
	quire_status status = QUIRE_OK;

	in->items = calloc(slots, sizeof(*in->items));
	in->scratch = malloc(crew->threads * in->scratch_size + 1);
	if (!in->items || !in->scratch)
		status =
		    quire_fail_memory(error, crew->threads * in->scratch_size);
	if (status == QUIRE_OK)
		status = quire_pieces_init(&pieces, crew, slots, error);
	if (status == QUIRE_OK) {
		status = quire_pieces_run(&pieces, in->count, error);
		if (status == QUIRE_OK)
			status = quire_pieces_end(&pieces, error);
		quire_pieces_destroy(&pieces);
	}
	free(in->scratch);
	free(in->items);
	return status;
}

static struct scanning cut(const struct weight *weight,
			   const uint32_t *column_blocks)
{
	const struct weight_value *value = &weight->value;
	const bool around_default =
	    !weight->storage.zero_points.value &&
	    value->zero_point == (size_t)1 << (value->bits - 1);
	const bool with_codes =
	    value->bits == 8 && !around_default && !column_blocks;
	const uint64_t row_size =
	    weight->storage.scales.row_size +
	    weight->storage.zero_points.row_size +
	    (with_codes ? weight->storage.codes.row_size : 0);
	const uint64_t step =
	    row_size < QUIRE_PIECE_SIZE ? QUIRE_PIECE_SIZE / row_size : 1;
	const uint64_t rows = step < value->n ? step : value->n;

	assert(rows > 0);
	return (struct scanning){
		.weight = weight,
		.column_blocks = column_blocks,
		.with_codes = with_codes,
		.plain =
		    around_default && value->block_size % QUIRE_BLOCK_COLS == 0,
		.rows = rows,
		.count = value->n / rows + (value->n % rows != 0),
		.scratch_size = with_codes
				    ? quire_weight_scratch(weight, rows)
				    : quire_weight_scales_scratch(weight, rows),
	};
}

quire_status quire_weight_scan(const struct weight *weight,
			       const uint32_t *column_blocks, struct crew *crew,
			       struct weight_scan *scan, quire_error *error)
{
	struct scanning in = cut(weight, column_blocks);
	const double count =
	    (double)weight->value.n * (double)weight->value.blocks;
	quire_status status;

	in.sum = (struct weight_scan){ .zero_default = true,
				       .reordered = column_blocks != NULL };
	status = run(&in, crew, error);
	if (status != QUIRE_OK)
		return status;
	in.sum.scales.mean /= count;
	in.sum.offsets.mean /= count;
	*scan = in.sum;
	return QUIRE_OK;
}
