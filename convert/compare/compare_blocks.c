/*
 * compare_blocks.c - the operators of onnxruntime that hold packed blocks, read
 * from their documentation in a few lines each: MatMulNBits,
 * GatherBlockQuantized, QMoE, MatMulBnb4. Does not check what the converter
 * refuses: such a node has no tensor to compare with. Must not include
 * operators/ or weight/, whose mistakes it must find.
 */
#include <string.h>

#include "base/bytes.h"
#include "convert/compare/compare.h"

#define NONE COMPARE_NO_INPUT

quire_status quire_compare_measure_rows(struct compare_source *source,
					uint64_t each)
{
	if (source->rank == 0)
		return quire_compare_malformed(source, "codes without a "
						       "dimension");

	uint64_t *last = &source->dims[source->rank - 1];

	if (!checked_mul(*last, each, last))
		return quire_compare_malformed(source, "rows are too wide");
	source->k = *last;
	source->n = 1;
	for (size_t i = 0; i + 1 < source->rank; i++)
		if (!checked_mul(source->n, source->dims[i], &source->n))
			return quire_compare_malformed(source, "too many rows");
	return QUIRE_OK;
}

static bool is_named(struct compare_source *source, const char *name)
{
	source->holder = source->node;
	return strcmp(source->node->op_type, name) == 0;
}

static quire_status fail_attributes(const struct compare_source *source)
{
	return quire_compare_malformed(
	    source, "attributes that the operator does not have");
}

static quire_status set_blocks(struct compare_source *source,
			       uint64_t block_size)
{
	if (source->bits == 0 || source->bits > 8 || block_size == 0)
		return fail_attributes(source);
	source->block_size = block_size;
	source->blocks = compare_div_up(source->k, block_size);
	return QUIRE_OK;
}

/* A matrix whose size is given by the attributes K and N. */
static quire_status measure_matrix(struct compare_source *source, uint64_t bits)
{
	const struct onnx_node *node = source->node;

	source->k = compare_attribute(node, "K", 0);
	source->n = compare_attribute(node, "N", 0);
	source->rank = 2;
	source->dims[0] = source->n;
	source->dims[1] = source->k;
	source->bits = bits;
	return set_blocks(source, compare_attribute(node, "block_size", 0));
}

/* Zero points of a row are packed; each row begins with a byte of its own. */
static uint64_t packed_zero(const struct compare_source *source, uint64_t row,
			    uint64_t block)
{
	const uint64_t each = 8 / source->bits;

	return row * compare_div_up(source->blocks, each) * each + block;
}

/* ------------------------------------------------------------ MatMulNBits */

static bool is_matmulnbits(struct compare_source *source)
{
	source->has_linear = true;
	source->bias = quire_compare_bias(source->model, source->node, 5);
	return is_named(source, "MatMulNBits");
}

static quire_status measure_matmulnbits(struct compare_source *source)
{
	return measure_matrix(source,
			      compare_attribute(source->node, "bits", 4));
}

/* The last block of a row of codes is whole. */
static void place_matmulnbits(const struct compare_source *source, uint64_t row,
			      uint64_t col, struct compare_place *place)
{
	const uint64_t block = col / source->block_size;

	place->code = row * source->blocks * source->block_size + col;
	place->scale = row * source->blocks + block;
	place->zero = packed_zero(source, row, block);
}

const struct compare_kind quire_compare_kind_matmulnbits = {
	.is = is_matmulnbits,
	.count = 1,
	.inputs = { { 1, 2, 3, 4 } },
	.measure = measure_matmulnbits,
	.place = place_matmulnbits,
};

/* --------------------------------------------------- GatherBlockQuantized */

static bool is_gather(struct compare_source *source)
{
	return is_named(source, "GatherBlockQuantized");
}

static quire_status measure_gather(struct compare_source *source)
{
	const int32_t type = source->arrays[COMPARE_CODES].value->type;
	quire_status status;

	source->bits = compare_attribute(source->node, "bits", 4);
	if (source->bits == 0 || source->bits > 8)
		return quire_compare_malformed(source, "bits are out of range");
	status = quire_compare_measure_rows(
	    source, type == ONNX_UINT8 ? 8 / source->bits : 1);
	source->is_signed = type == ONNX_INT4;
	source->around_0 = type != ONNX_UINT8;
	return status == QUIRE_OK
		   ? set_blocks(source, compare_attribute(source->node,
							  "block_size", 128))
		   : status;
}

/* Zero points of 4-bit types lie in a row like the codes, two a byte; those of
 * uint8 are packed row by row. */
static void place_gather(const struct compare_source *source, uint64_t row,
			 uint64_t col, struct compare_place *place)
{
	const uint64_t block = col / source->block_size;

	place->code = row * source->k + col;
	place->scale = row * source->blocks + block;
	place->zero =
	    source->around_0 ? place->scale : packed_zero(source, row, block);
}

const struct compare_kind quire_compare_kind_gather_block_quantized = {
	.is = is_gather,
	.count = 1,
	.inputs = { { 0, 2, 3, NONE } },
	.measure = measure_gather,
	.place = place_gather,
};

/* ------------------------------------------------------------------ QMoE */

static bool is_qmoe(struct compare_source *source)
{
	return is_named(source, "QMoE");
}

static quire_status measure_qmoe(struct compare_source *source)
{
	static const char *const widths[] = { "fc1_expert_weight_bits",
					      "fc2_expert_weight_bits",
					      "fc3_expert_weight_bits" };
	const struct onnx_node *node = source->node;

	source->bits = compare_attribute(node, widths[source->index], 0);
	if (source->bits == 0)
		source->bits = compare_attribute(node, "expert_weight_bits", 4);
	if (source->bits == 0 || source->bits > 8)
		return quire_compare_malformed(source, "bits are out of range");
	if (source->rank != 3)
		return quire_compare_malformed(source,
					       "weights are not [experts, n, "
					       "k]");

	const quire_status status =
	    quire_compare_measure_rows(source, 8 / source->bits);
	const uint64_t block_size = compare_attribute(node, "block_size", 0);

	if (status != QUIRE_OK)
		return status;
	return set_blocks(source, block_size ? block_size : source->k);
}

/* Without blocks, all zero points of an expert are one packed row. */
static void place_qmoe(const struct compare_source *source, uint64_t row,
		       uint64_t col, struct compare_place *place)
{
	const uint64_t each = 8 / source->bits;
	const uint64_t rows = source->dims[1];

	place_gather(source, row, col, place);
	if (compare_attribute(source->node, "block_size", 0) == 0)
		place->zero =
		    row / rows * compare_div_up(rows, each) * each + row % rows;
}

const struct compare_kind quire_compare_kind_qmoe = {
	.is = is_qmoe,
	.count = 3,
	.inputs = { { 2, 3, 11, NONE },
		    { 5, 6, 12, NONE },
		    { 8, 9, 13, NONE } },
	.measure = measure_qmoe,
	.place = place_qmoe,
};

/* ------------------------------------------------------------ MatMulBnb4 */

/* FP4: a sign, two bits of exponent and one of mantissa, divided by the largest
 * value, 12. The smallest value is 0.0625 / 12. All are rounded to f32. */
static const double fp4_codebook[16] = {
	0,
	(double)(0.0625f / 12),
	(double)(8.f / 12),
	1,
	(double)(4.f / 12),
	0.5,
	(double)(2.f / 12),
	0.25,
	-0.0,
	(double)(-0.0625f / 12),
	(double)(-8.f / 12),
	-1,
	(double)(-4.f / 12),
	-0.5,
	(double)(-2.f / 12),
	-0.25,
};

/* NF4: as bitsandbytes lists them. */
static const double nf4_codebook[16] = {
	-1,
	-0.6961928009986877,
	-0.5250730514526367,
	-0.39491748809814453,
	-0.28444138169288635,
	-0.18477343022823334,
	-0.09105003625154495,
	0,
	0.07958029955625534,
	0.16093020141124725,
	0.24611230194568634,
	0.33791524171829224,
	0.44070982933044434,
	0.5626170039176941,
	0.7229568362236023,
	1,
};

static bool is_bnb4(struct compare_source *source)
{
	source->has_linear = true;
	source->bias = "";
	return is_named(source, "MatMulBnb4");
}

static quire_status measure_bnb4(struct compare_source *source)
{
	source->codebook = compare_attribute(source->node, "quant_type", 0) == 0
			       ? fp4_codebook
			       : nf4_codebook;
	return measure_matrix(source, 4);
}

/* Blocks run over all elements, row after row. Of the two codes in a byte the
 * first is in the high half. */
static void place_bnb4(const struct compare_source *source, uint64_t row,
		       uint64_t col, struct compare_place *place)
{
	const uint64_t at = row * source->k + col;

	*place = (struct compare_place){ at % 2 == 0 ? at + 1 : at - 1,
					 at / source->block_size, 0 };
}

const struct compare_kind quire_compare_kind_matmul_bnb4 = {
	.is = is_bnb4,
	.count = 1,
	.inputs = { { 1, 2, NONE, NONE } },
	.measure = measure_bnb4,
	.place = place_bnb4,
};
