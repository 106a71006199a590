/*
 * weight_rows.c - the bytes of a MatMulNBits weight, row by row, and what
 * its scales and zero points are as numbers.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "convert/weight/weight.h"

/* The constants that hold the weight. */
static void list_parts(const struct weight *weight,
		       const struct onnx_value *parts[WEIGHT_PART_COUNT])
{
	parts[0] = weight->codes;
	parts[1] = weight->scales;
	parts[2] = weight->zero_points;
	parts[3] = weight->g_idx;
}

uint64_t quire_weight_size(const struct weight *weight)
{
	const struct onnx_value *parts[WEIGHT_PART_COUNT];
	uint64_t size = 0;

	list_parts(weight, parts);
	for (size_t i = 0; i < WEIGHT_PART_COUNT; i++)
		if (parts[i])
			size += parts[i]->size;
	return size;
}

quire_status quire_weight_acquire(const struct weight *weight,
				  quire_error *error)
{
	const struct onnx_value *parts[WEIGHT_PART_COUNT];

	list_parts(weight, parts);
	for (size_t i = 0; i < WEIGHT_PART_COUNT; i++) {
		quire_status status = QUIRE_OK;

		if (parts[i])
			status = quire_onnx_file_acquire(parts[i]->file, error);
		if (status == QUIRE_OK)
			continue;
		while (i-- > 0)
			if (parts[i])
				quire_onnx_file_release(parts[i]->file);
		return status;
	}
	return QUIRE_OK;
}

void quire_weight_release(const struct weight *weight)
{
	const struct onnx_value *parts[WEIGHT_PART_COUNT];

	list_parts(weight, parts);
	for (size_t i = 0; i < WEIGHT_PART_COUNT; i++)
		if (parts[i])
			quire_onnx_file_release(parts[i]->file);
}

/* Turns k little-endian indices into a map; *trivial if it says nothing. */
static quire_status decode_map(const struct weight *weight, uint32_t *map,
			       bool *trivial, quire_error *error)
{
	*trivial = true;
	for (uint64_t col = 0; col < weight->k; col++) {
		const uint32_t block = load_u32(&map[col]);

		if (block >= weight->blocks)
			return quire_fail(error, QUIRE_ERROR_LAYOUT,
					  QUIRE_NO_OFFSET,
					  "node '%s' (MatMulNBits): g_idx of "
					  "column %" PRIu64 " is %" PRId32
					  ", of %" PRIu64 " blocks",
					  quire_onnx_label(weight->node), col,
					  (int32_t)block, weight->blocks);
		if (block != col / weight->block_size)
			*trivial = false;
		map[col] = block;
	}
	return QUIRE_OK;
}

quire_status quire_weight_map(const struct weight *weight, uint32_t **map,
			      quire_error *error)
{
	uint32_t *all;
	bool trivial;
	size_t size;
	quire_status status;

	if (!weight->g_idx) {
		*map = NULL;
		return QUIRE_OK;
	}
	size = (size_t)weight->k * sizeof(*all);
	all = malloc(size);
	if (!all)
		return quire_fail_memory(error, size);
	status = quire_onnx_read(weight->g_idx, 0, all, size, error);
	if (status == QUIRE_OK)
		status = decode_map(weight, all, &trivial, error);
	if (status == QUIRE_OK && !trivial) {
		*map = all;
		return QUIRE_OK;
	}
	free(all);
	if (status == QUIRE_OK)
		*map = NULL;
	return status;
}

static bool is_packed(const struct weight *weight,
		      const struct onnx_value *value)
{
	return value == weight->codes || !quire_onnx_is_float(value->type);
}

/* The layout of one of the constants. */
static struct rows_shape shape_of(const struct weight *weight,
				  const struct onnx_value *value)
{
	const bool packed = is_packed(weight, value);

	return (struct rows_shape){
		.map = value == weight->codes	 ? weight->code_map
		       : value == weight->scales ? weight->scale_map
						 : weight->zero_map,
		.bits =
		    packed ? weight->bits : quire_onnx_type_bits(value->type),
		.cols = value == weight->codes ? weight->k : weight->blocks,
		.flip = packed && weight->is_signed,
	};
}

/* Whether rows must be put together, or their top bits inverted. */
static bool is_mapped(const struct rows_shape *shape)
{
	return shape->map.share != 0;
}

static size_t scratch_of(const struct weight *weight,
			 const struct onnx_value *value, size_t row_size,
			 uint64_t count)
{
	struct rows_shape shape;

	if (!value)
		return 0;
	shape = shape_of(weight, value);
	if (is_mapped(&shape))
		return quire_rows_scratch(&shape, value, count);
	return value->file ? (size_t)count * row_size : 0;
}

size_t quire_weight_scales_scratch(const struct weight *weight, uint64_t count)
{
	return scratch_of(weight, weight->scales, weight->scale_row_size,
			  count) +
	       scratch_of(weight, weight->zero_points, weight->zero_row_size,
			  count);
}

size_t quire_weight_scratch(const struct weight *weight, uint64_t count)
{
	return scratch_of(weight, weight->codes, weight->code_row_size, count) +
	       quire_weight_scales_scratch(weight, count);
}

/* Points *bytes at rows of a constant; takes from *scratch what it reads. */
static quire_status fetch(const struct weight_rows *rows,
			  const struct onnx_value *value, size_t row_size,
			  unsigned char **scratch, const unsigned char **bytes,
			  quire_error *error)
{
	const uint64_t offset = rows->first * row_size;
	const size_t room =
	    scratch_of(rows->weight, value, row_size, rows->count);
	struct rows_shape shape;

	if (room == 0) {
		*bytes = value ? value->bytes + offset : NULL;
		return QUIRE_OK;
	}
	*bytes = *scratch;
	*scratch += room;
	shape = shape_of(rows->weight, value);
	if (!is_mapped(&shape))
		return quire_onnx_read(value, offset, *scratch - room, room,
				       error);
	return quire_rows_gather(&shape, value, rows->first, rows->count,
				 *scratch - room, error);
}

static quire_status fetch_scales(struct weight_rows *rows,
				 unsigned char **scratch, quire_error *error)
{
	const struct weight *weight = rows->weight;
	quire_status status;

	assert(rows->first + rows->count <= weight->n);
	status = fetch(rows, weight->scales, weight->scale_row_size, scratch,
		       &rows->scales, error);
	if (status == QUIRE_OK)
		status = fetch(rows, weight->zero_points, weight->zero_row_size,
			       scratch, &rows->zero_points, error);
	return status;
}

quire_status quire_weight_fetch_scales(struct weight_rows *rows,
				       unsigned char *scratch,
				       quire_error *error)
{
	return fetch_scales(rows, &scratch, error);
}

quire_status quire_weight_fetch(struct weight_rows *rows,
				unsigned char *scratch, quire_error *error)
{
	const struct weight *weight = rows->weight;
	quire_status status = fetch_scales(rows, &scratch, error);

	if (status == QUIRE_OK)
		status = fetch(rows, weight->codes, weight->code_row_size,
			       &scratch, &rows->codes, error);
	return status;
}

float quire_weight_scale(const struct weight_rows *rows, uint64_t row,
			 uint64_t block)
{
	const struct weight *weight = rows->weight;

	return quire_onnx_float(weight->scales->type, rows->scales,
				row * weight->blocks + block);
}

float quire_weight_zero(const struct weight_rows *rows, uint64_t row,
			uint64_t block)
{
	const struct weight *weight = rows->weight;
	const struct onnx_value *zero_points = weight->zero_points;

	if (!zero_points)
		return weight->zero_is_0 && !weight->is_signed
			   ? 0
			   : (float)(1u << (weight->bits - 1));
	if (!is_packed(weight, zero_points))
		return quire_onnx_float(zero_points->type, rows->zero_points,
					row * weight->blocks + block);
	return (float)weight_code(rows->zero_points +
				      row * weight->zero_row_size,
				  weight->bits, block);
}
