/*
 * dequantize_order.c - which scale of a DequantizeLinear belongs to which row
 * and column of W. x has one scale; or one for each index along an axis; or
 * scales of its own shape, in blocks along the axis.
 */
#include <inttypes.h>

#include "convert/operators/dequantize.h"

/* One scale for all. */
static void order_whole(struct dequantize *in)
{
	struct weight_value *value = &in->weight->value;

	value->block_size = value->k;
	value->blocks = 1;
	in->weight->storage.scales.order =
	    (struct element_order){ .group = value->n, .share = 1 };
}

static quire_status fail_axis(const struct dequantize *in)
{
	return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
			       "scales along axis %" PRId64 " of %zu "
			       "dimensions are not supported",
			       in->axis, in->x.rank);
}

/* One scale for each row of W, of `rows` that are numbered from 0 again and
 * again: 0 rows is no number. Each is repeated `times` times. */
static void order_by_row(struct dequantize *in, uint64_t rows, uint64_t times)
{
	struct weight_value *value = &in->weight->value;
	struct element_order *order = &in->weight->storage.scales.order;

	value->block_size = value->k;
	value->blocks = 1;
	order->share = 1;
	order->group = times > 1 ? times : rows;
	order->group_step = times > 1 ? 1 : 0;
	order->row_step = times > 1 ? 0 : 1;
}

/* One scale for each column of W. */
static void order_by_column(struct dequantize *in)
{
	struct weight_value *value = &in->weight->value;

	value->block_size = 1;
	value->blocks = value->k;
	in->weight->storage.scales.order = (struct element_order){
		.group = value->n, .col_step = 1, .share = 1
	};
}

/* One scale for each index along the axis. */
static quire_status order_indices(struct dequantize *in)
{
	const size_t rank = in->x.rank;
	const size_t axis = (size_t)in->axis;
	const uint64_t size = (uint64_t)in->x.dims[axis];

	if (axis == rank - 1 && !in->swapped)
		order_by_column(in);
	else if (axis == rank - 1 || (axis + 2 == rank && !in->swapped))
		order_by_row(in, size, 1);
	else if (axis + 2 == rank)
		order_by_column(in);
	else if (axis == 0)
		order_by_row(in, size, in->weight->value.n / size);
	else
		return fail_axis(in);
	return QUIRE_OK;
}

/* `count` scales, of `size` indices each, along the axis. */
static quire_status order_blocks(struct dequantize *in, uint64_t size,
				 uint64_t count)
{
	struct weight_value *value = &in->weight->value;
	struct element_order *order = &in->weight->storage.scales.order;
	const size_t rank = in->x.rank;
	const size_t axis = (size_t)in->axis;
	const bool last = axis == rank - 1;

	order->share = 1;
	if (last != in->swapped && (last || axis + 2 == rank)) {
		/* Along rows of W. */
		const uint64_t rows = in->swapped ? value->outer[0] : value->n;

		value->block_size = size;
		value->blocks = count;
		order->group = rows;
		order->group_step = in->swapped ? rows * count : 0;
		order->row_step = in->swapped ? 1 : count;
		order->col_step = in->swapped ? rows : 1;
		return QUIRE_OK;
	}
	if (rank != 2)
		return fail_axis(in);
	/* Each scale is that of `size` rows, at one column. */
	value->block_size = 1;
	value->blocks = value->k;
	order->group = size;
	order->group_step = in->swapped ? 1 : value->k;
	order->col_step = in->swapped ? count : 1;
	return QUIRE_OK;
}

/* --------------------------------------------------------------- reshaping */

/* Drops dimensions of 1 from the shape of x, until it is that of the matrix, if
 * it can be. */
static bool squeeze(struct dequantize *in)
{
	struct node_operand x = in->x;
	int64_t axis = in->axis;

	for (size_t at = x.rank; at-- > 0 && x.rank > 2;) {
		if (x.dims[at] != 1 || at == (size_t)axis)
			continue;
		for (size_t i = at; i + 1 < x.rank; i++)
			x.dims[i] = x.dims[i + 1];
		axis -= at < (size_t)axis;
		x.rank--;
	}
	if (x.rank != 2 || (uint64_t)x.dims[0] != in->reshaped[0] ||
	    (uint64_t)x.dims[1] != in->reshaped[1])
		return false;
	in->x = x;
	in->axis = axis;
	return true;
}

/* How many elements of x, one after the other, have a scale, if all scales are
 * in the order of these runs; else 0. */
static uint64_t run_length(const struct dequantize *in)
{
	const size_t axis = (size_t)in->axis;
	uint64_t inner = 1;

	for (size_t i = axis + 1; i < in->x.rank; i++)
		inner *= (uint64_t)in->x.dims[i];
	if (in->block_size == 0)
		return axis == 0 ? inner : 0;
	return inner == 1 && (uint64_t)in->x.dims[axis] % in->block_size == 0
		   ? in->block_size
		   : 0;
}

/* Scales of runs of the elements of a matrix [rows, cols]. */
static quire_status order_runs(struct dequantize *in)
{
	const uint64_t run = run_length(in);
	const uint64_t cols = in->reshaped[1];
	struct weight_value *value = &in->weight->value;
	struct element_order *order = &in->weight->storage.scales.order;
	const bool within = run != 0 && cols % run == 0;

	if (run == 0 || (!within && run % cols != 0))
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "a Reshape moves its scales");
	if (within && !in->swapped) {
		value->block_size = run;
		value->blocks = cols / run;
		*order = (struct element_order){ .group = value->n,
						 .row_step = cols / run,
						 .col_step = 1,
						 .share = 1 };
	} else if (within) {
		value->block_size = 1;
		value->blocks = value->k;
		*order = (struct element_order){ .group = run,
						 .group_step = 1,
						 .col_step = cols / run,
						 .share = 1 };
	} else if (!in->swapped) {
		order_by_row(in, value->n, run / cols);
	} else {
		value->block_size = run / cols;
		value->blocks = (value->k - 1) / value->block_size + 1;
		*order = (struct element_order){ .group = value->n,
						 .col_step = 1,
						 .share = 1 };
	}
	return QUIRE_OK;
}

/* ------------------------------------------------------------------ scales */

quire_status quire_dequantize_order(struct dequantize *in)
{
	const uint64_t size = in->block_size ? in->block_size : 1;

	if (in->one_scale) {
		order_whole(in);
		return QUIRE_OK;
	}
	if (in->reshaped && !squeeze(in))
		return order_runs(in);
	return in->block_size == 0
		   ? order_indices(in)
		   : order_blocks(in, size,
				  ((uint64_t)in->x.dims[in->axis] - 1) / size +
				      1);
}
