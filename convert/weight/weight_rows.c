/*
 * weight_rows.c - the bytes of a weight, row by row, and its scales and zero
 * points as numbers. Rows in another order are put together by rows_layout.c.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "convert/weight/weight.h"

static void list_constants(
    const struct weight *weight,
    const struct onnx_value *constants[WEIGHT_CONSTANT_COUNT])
{
	constants[WEIGHT_CODES] = weight->storage.codes.value;
	constants[WEIGHT_SCALES] = weight->storage.scales.value;
	constants[WEIGHT_ZERO_POINTS] = weight->storage.zero_points.value;
	constants[WEIGHT_G_IDX] = weight->storage.g_idx.value;
}

uint64_t quire_weight_size(const struct weight *weight)
{
	const struct onnx_value *constants[WEIGHT_CONSTANT_COUNT];
	uint64_t size = 0;

	list_constants(weight, constants);
	for (size_t i = 0; i < WEIGHT_CONSTANT_COUNT; i++)
		if (constants[i])
			size += constants[i]->size;
	return size;
}

quire_status quire_weight_acquire(const struct weight *weight,
				  quire_error *error)
{
	const struct onnx_value *constants[WEIGHT_CONSTANT_COUNT];

	list_constants(weight, constants);
	for (size_t i = 0; i < WEIGHT_CONSTANT_COUNT; i++) {
		quire_status status = QUIRE_OK;

		if (constants[i])
			status =
			    quire_onnx_file_acquire(constants[i]->file, error);
		if (status == QUIRE_OK)
			continue;
		while (i-- > 0)
			if (constants[i])
				quire_onnx_file_release(constants[i]->file);
		return status;
	}
	return QUIRE_OK;
}

void quire_weight_release(const struct weight *weight)
{
	const struct onnx_value *constants[WEIGHT_CONSTANT_COUNT];

	list_constants(weight, constants);
	for (size_t i = 0; i < WEIGHT_CONSTANT_COUNT; i++)
		if (constants[i])
			quire_onnx_file_release(constants[i]->file);
}

/* Turns k little-endian indices into numbers. *trivial: each of them is
 * col / block_size. */
static quire_status decode_g_idx(const struct weight *weight, uint32_t *blocks,
				 bool *trivial, quire_error *error)
{
	const struct weight_value *value = &weight->value;

	*trivial = true;
	for (uint64_t col = 0; col < value->k; col++) {
		const uint32_t block = load_u32(&blocks[col]);

		if (block >= value->blocks)
			return quire_fail(error, QUIRE_ERROR_LAYOUT,
					  QUIRE_NO_OFFSET,
					  "node '%s' (MatMulNBits): g_idx of "
					  "column %" PRIu64 " is %" PRId32
					  ", of %" PRIu64 " blocks",
					  quire_onnx_label(weight->node), col,
					  (int32_t)block, value->blocks);
		if (block != col / value->block_size)
			*trivial = false;
		blocks[col] = block;
	}
	return QUIRE_OK;
}

quire_status quire_weight_column_blocks(const struct weight *weight,
					uint32_t **blocks, quire_error *error)
{
	const struct onnx_value *g_idx = weight->storage.g_idx.value;
	uint32_t *all;
	bool trivial;
	size_t size;
	quire_status status;

	if (!g_idx) {
		*blocks = NULL;
		return QUIRE_OK;
	}
	size = (size_t)weight->value.k * sizeof(*all);
	all = malloc(size);
	if (!all)
		return quire_fail_memory(error, size);
	status = quire_onnx_read(g_idx, 0, all, size, error);
	if (status == QUIRE_OK)
		status = decode_g_idx(weight, all, &trivial, error);
	if (status == QUIRE_OK && !trivial) {
		*blocks = all;
		return QUIRE_OK;
	}
	free(all);
	if (status == QUIRE_OK)
		*blocks = NULL;
	return status;
}

/* -------------------------------------------------------------------- rows */

/* Scales are floats; zero points are packed like the codes, or floats. */
static struct rows_layout layout_of(const struct weight *weight,
				    const struct weight_constant *constant)
{
	const bool codes = constant == &weight->storage.codes;
	const int32_t type = constant->value->type;
	const bool packed = codes || !quire_onnx_is_float(type);

	return (struct rows_layout){
		.order = constant->order,
		.bits =
		    packed ? weight->value.bits : quire_onnx_type_bits(type),
		.cols = codes ? weight->value.k : weight->value.blocks,
		.flip = packed && weight->storage.sign_bit != 0,
	};
}

/* Whether rows must be put together, or their top bits inverted. */
static bool is_gathered(const struct weight_constant *constant)
{
	return constant->order.share != 0;
}

static size_t scratch_of(const struct weight *weight,
			 const struct weight_constant *constant, uint64_t count)
{
	struct rows_layout layout;

	if (!constant->value)
		return 0;
	if (!is_gathered(constant))
		return constant->value->file
			   ? (size_t)count * constant->row_size
			   : 0;
	layout = layout_of(weight, constant);
	return quire_rows_scratch(&layout, constant->value, count);
}

size_t quire_weight_scales_scratch(const struct weight *weight, uint64_t count)
{
	return scratch_of(weight, &weight->storage.scales, count) +
	       scratch_of(weight, &weight->storage.zero_points, count);
}

size_t quire_weight_scratch(const struct weight *weight, uint64_t count)
{
	return scratch_of(weight, &weight->storage.codes, count) +
	       quire_weight_scales_scratch(weight, count);
}

/* Points *bytes at rows of a constant; what it must read goes to *scratch. */
static quire_status fetch(const struct weight_rows *rows,
			  const struct weight_constant *constant,
			  unsigned char **scratch, const unsigned char **bytes,
			  quire_error *error)
{
	const struct onnx_value *value = constant->value;
	const uint64_t offset = rows->first * constant->row_size;
	const size_t room = scratch_of(rows->weight, constant, rows->count);
	struct rows_layout layout;

	if (room == 0) {
		*bytes = value ? value->bytes + offset : NULL;
		return QUIRE_OK;
	}
	*bytes = *scratch;
	*scratch += room;
	if (!is_gathered(constant))
		return quire_onnx_read(value, offset, *scratch - room, room,
				       error);
	layout = layout_of(rows->weight, constant);
	return quire_rows_gather(&layout, value, rows->first, rows->count,
				 *scratch - room, error);
}

static quire_status fetch_scales(struct weight_rows *rows,
				 unsigned char **scratch, quire_error *error)
{
	const struct weight *weight = rows->weight;
	quire_status status;

	assert(rows->first + rows->count <= weight->value.n);
	status =
	    fetch(rows, &weight->storage.scales, scratch, &rows->scales, error);
	if (status == QUIRE_OK)
		status = fetch(rows, &weight->storage.zero_points, scratch,
			       &rows->zero_points, error);
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
	quire_status status = fetch_scales(rows, &scratch, error);

	if (status == QUIRE_OK)
		status = fetch(rows, &rows->weight->storage.codes, &scratch,
			       &rows->codes, error);
	return status;
}

/* The float at `index` of fetched rows of a constant. */
static float float_at(const struct weight_constant *constant,
		      const unsigned char *bytes, uint64_t index)
{
	float value = quire_onnx_float(constant->value->type, bytes, index);

	quire_casts_round(constant->casts, &value, 1);
	return value;
}

void quire_weight_scales(const struct weight_rows *rows, uint64_t first,
			 size_t count, float *scales)
{
	const struct weight_constant *stored = &rows->weight->storage.scales;

	quire_onnx_floats(stored->value->type, rows->scales, first, count,
			  scales);
	quire_casts_round(stored->casts, scales, count);
}

float quire_weight_scale(const struct weight_rows *rows, uint64_t row,
			 uint64_t block)
{
	const struct weight *weight = rows->weight;

	return float_at(&weight->storage.scales, rows->scales,
			row * weight->value.blocks + block);
}

float quire_weight_zero(const struct weight_rows *rows, uint64_t row,
			uint64_t block)
{
	const struct weight_constant *zeros =
	    &rows->weight->storage.zero_points;
	const struct weight_value *value = &rows->weight->value;

	if (!zeros->value)
		return (float)value->zero_point;
	if (quire_onnx_is_float(zeros->value->type))
		return float_at(zeros, rows->zero_points,
				row * value->blocks + block);
	return (float)weight_code(rows->zero_points + row * zeros->row_size,
				  value->bits, block);
}
