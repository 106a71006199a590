/*
 * dequantize_map.c - the shape of scales, and which of them belongs to (row,
 * col) of what we call W.
 */
#include <inttypes.h>

#include "convert/operators/dequantize_map.h"

/* Scales for each `size` indices of x along the axis: where they belong, for
 * an x of [rows, cols], or of more dimensions with the first or last axis. */
static void map_axis(struct dequantize *in, uint64_t size, uint64_t count)
{
	struct weight *weight = in->weight;
	const bool first = in->axis == 0 && in->x.rank > 1;
	const bool whole = in->block_size == 0; /* one for each index alone */
	struct element_map *map = &weight->scale_map;

	map->group = weight->n;
	map->share = 1;
	if (first != in->transposed) {
		/* Along rows of W, whose columns then differ, if at all. */
		const uint64_t inner =
		    in->x.rank == 2 ? 1 : weight->n / (uint64_t)in->x.dims[0];

		weight->block_size = whole ? weight->k : 1;
		weight->blocks = whole ? 1 : weight->k;
		map->group = whole ? inner : size;
		map->group_step = whole || in->transposed ? 1 : weight->k;
		map->col_step = whole ? 0 : in->transposed ? count : 1;
		return;
	}
	weight->block_size = size;
	weight->blocks = count;
	map->row_step = whole ? 0 : in->transposed ? 1 : count;
	map->col_step = whole || !in->transposed ? 1 : weight->n;
}

/* One scale for all. */
static void map_whole(struct dequantize *in)
{
	struct weight *weight = in->weight;

	weight->block_size = weight->k;
	weight->blocks = 1;
	weight->scale_map =
	    (struct element_map){ .group = weight->n, .share = 1 };
}

/* The shape of scales in blocks: that of x but along the axis. */
static bool has_block_shape(const struct dequantize *in, uint64_t count)
{
	const struct node_part *scale = &in->scale;

	if (scale->rank != in->x.rank)
		return false;
	for (size_t i = 0; i < scale->rank; i++)
		if ((uint64_t)scale->dims[i] !=
		    (i == (size_t)in->axis ? count : (uint64_t)in->x.dims[i]))
			return false;
	return true;
}

static quire_status fail_scales(const struct dequantize *in, uint64_t count)
{
	return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
			       "x_scale does not have the shape that x, axis "
			       "and block_size make: %" PRIu64
			       " along axis %" PRId64,
			       count, in->axis);
}

quire_status quire_dequantize_map(struct dequantize *in)
{
	const bool blocked = in->block_size != 0;
	const int64_t rank = (int64_t)in->x.rank;
	const uint64_t size = blocked ? in->block_size : 1;
	uint64_t count;

	if (!blocked && in->scale.value->count == 1 && in->scale.rank <= 1) {
		map_whole(in);
		return QUIRE_OK;
	}
	if (in->axis < -rank || in->axis >= rank)
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "axis %" PRId64
				       " is none of the %" PRId64 " of x",
				       in->axis, rank);
	in->axis += in->axis < 0 ? rank : 0;
	count = ((uint64_t)in->x.dims[in->axis] - 1) / size + 1;
	if (blocked ? !has_block_shape(in, count)
		    : in->scale.rank != 1 || in->scale.value->count != count)
		return fail_scales(in, count);
	if (in->axis != rank - 1 && (in->axis != 0 || (blocked && rank != 2)))
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "axis is %" PRId64 " of %" PRId64
				       "; the first or last is taken",
				       in->axis, rank);
	map_axis(in, size, count);
	return QUIRE_OK;
}
