/*
 * encode_sample.c - makes samples bit by bit, as the operator's documentation
 * says, and with none of the converter's code.
 */
#include <fp16.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tests/unit/encode_sample.h"

static size_t float_size(int32_t type)
{
	return type == ONNX_FLOAT ? 4 : 2;
}

/* Stores a random float that the type holds; returns its value. */
static float put_float(struct rng *rng, int32_t type, unsigned char *bytes)
{
	float value = random_f32(rng);
	uint32_t bits;

	if (type == ONNX_FLOAT) {
		store_f32(bytes, value);
	} else if (type == ONNX_FLOAT16) {
		store_u16(bytes, fp16_ieee_from_fp32_value(value));
		value = fp16_ieee_to_fp32_value(load_u16(bytes));
	} else {
		memcpy(&bits, &value, 4);
		bits &= 0xFFFF0000;
		store_u16(bytes, (uint16_t)(bits >> 16));
		memcpy(&value, &bits, 4);
	}
	return value;
}

static void set_constant(struct onnx_value *value, int32_t type,
			 const struct guarded *bytes)
{
	*value = (struct onnx_value){ .name = "",
				      .origin = ONNX_CONSTANT,
				      .type = type,
				      .size = bytes->size,
				      .bytes = bytes->data };
}

uint32_t sample_code(const unsigned char *row, uint32_t bits, uint64_t at)
{
	uint32_t code = 0;

	for (uint32_t bit = 0; bit < bits; bit++) {
		const uint64_t from = at * bits + bit;

		code |= (row[from / 8] >> (from % 8) & 1u) << bit;
	}
	return code;
}

/* Stores zero points as the kind says; returns the number of each block. */
static float *make_zeros(struct rng *rng, const struct sample_kind *kind,
			 struct sample *sample)
{
	struct weight_constant *stored = &sample->weight.storage.zero_points;
	const uint64_t blocks = sample->weight.value.blocks;
	const uint64_t count = kind->n * blocks;
	float *zeros = calloc(count, sizeof(*zeros));
	const int32_t type = kind->zero_kind == ZERO_PACKED  ? ONNX_UINT8
			     : kind->zero_kind == ZERO_FLOAT ? ONNX_FLOAT
							     : ONNX_FLOAT16;

	for (uint64_t i = 0; i < count; i++)
		zeros[i] = (float)(1u << (kind->bits - 1));
	if (kind->zero_kind == ZERO_NONE)
		return zeros;
	stored->row_size = type == ONNX_UINT8 ? (blocks * kind->bits + 7) / 8
					      : blocks * float_size(type);
	sample->zero_bytes = guarded_create(kind->n * stored->row_size);
	random_bytes(rng, sample->zero_bytes.data, sample->zero_bytes.size);
	for (uint64_t i = 0; i < count; i++) {
		unsigned char *row =
		    sample->zero_bytes.data + i / blocks * stored->row_size;
		const uint64_t block = i % blocks;

		zeros[i] =
		    type == ONNX_UINT8
			? (float)sample_code(row, kind->bits, block)
			: put_float(rng, type, row + block * float_size(type));
	}
	set_constant(&sample->zero_points, type, &sample->zero_bytes);
	stored->value = &sample->zero_points;
	return zeros;
}

static float *make_scales(struct rng *rng, const struct sample_kind *kind,
			  struct sample *sample)
{
	struct weight *weight = &sample->weight;
	const uint64_t count = kind->n * weight->value.blocks;
	const size_t size = float_size(kind->scale_type);
	float *scales = calloc(count, sizeof(*scales));

	weight->storage.scales.row_size = weight->value.blocks * size;
	sample->scale_bytes = guarded_create(count * size);
	for (uint64_t i = 0; i < count; i++)
		scales[i] = put_float(rng, kind->scale_type,
				      sample->scale_bytes.data + i * size);
	set_constant(&sample->scales, kind->scale_type, &sample->scale_bytes);
	weight->storage.scales.value = &sample->scales;
	return scales;
}

static void compute(const struct sample_kind *kind, struct sample *sample,
		    const float *scales, const float *zeros)
{
	const struct weight *weight = &sample->weight;

	sample->expected = calloc(kind->n * kind->k, sizeof(float));
	for (uint64_t row = 0; row < kind->n; row++)
		for (uint64_t col = 0; col < kind->k; col++) {
			const uint64_t block = sample->column_blocks
						   ? sample->column_blocks[col]
						   : col / kind->block_size;
			const uint64_t at = row * weight->value.blocks + block;
			const uint32_t code = sample_code(
			    sample->code_bytes.data +
				row * weight->storage.codes.row_size,
			    kind->bits, col);

			sample->expected[row * kind->k + col] =
			    ((float)code - zeros[at]) * scales[at];
		}
}

void sample_make(struct rng *rng, const struct sample_kind *kind,
		 struct sample *sample)
{
	struct weight *weight = &sample->weight;
	float *scales;
	float *zeros;

	*sample = (struct sample){ 0 };
	weight->value = (struct weight_value){
		.k = kind->k,
		.n = kind->n,
		.block_size = kind->block_size,
		.blocks = (kind->k - 1) / kind->block_size + 1,
		.bits = kind->bits,
		.zero_point = (size_t)1 << (kind->bits - 1),
	};
	weight->storage.codes.row_size =
	    weight->value.blocks * kind->block_size * kind->bits / 8;
	sample->code_bytes =
	    guarded_create(kind->n * weight->storage.codes.row_size);
	random_bytes(rng, sample->code_bytes.data, sample->code_bytes.size);
	set_constant(&sample->codes, ONNX_UINT8, &sample->code_bytes);
	weight->storage.codes.value = &sample->codes;
	scales = make_scales(rng, kind, sample);
	zeros = make_zeros(rng, kind, sample);
	if (kind->reordered) {
		sample->column_blocks =
		    calloc(kind->k, sizeof(*sample->column_blocks));
		for (uint64_t col = 0; col < kind->k; col++)
			sample->column_blocks[col] =
			    (uint32_t)random_below(rng, weight->value.blocks);
	}
	compute(kind, sample, scales, zeros);
	free(scales);
	free(zeros);
}

void sample_discard(struct sample *sample)
{
	guarded_free(&sample->code_bytes);
	guarded_free(&sample->scale_bytes);
	if (sample->weight.storage.zero_points.value)
		guarded_free(&sample->zero_bytes);
	free(sample->column_blocks);
	free(sample->expected);
}
