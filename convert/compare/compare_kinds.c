/*
 * compare_kinds.c - the operators' documentation, a few lines for each. A node
 * of which the converter refuses to take the weight is no matter of this file.
 */
#include "convert/compare/compare_kinds.h"

#include <string.h>

#include "base/bytes.h"

#define NONE COMPARE_NO_INPUT

static uint64_t attribute(const struct onnx_node *node, const char *name,
			  int64_t absent)
{
	const int64_t value = quire_onnx_integer(node, name, absent);

	return value < 0 ? 0 : (uint64_t)value;
}

static uint64_t div_up(uint64_t value, uint64_t by)
{
	return value / by + (value % by != 0);
}

static const char *input_name(const struct onnx_node *node, size_t input)
{
	return input < node->input_count ? node->inputs[input] : "";
}

static bool is_named(struct compare_source *source, const char *name)
{
	source->holder = source->node;
	return strcmp(source->node->op_type, name) == 0;
}

/* ------------------------------------------------------------ MatMulNBits */

static bool is_matmulnbits(struct compare_source *source)
{
	source->has_linear = true;
	source->bias = input_name(source->node, 5);
	return is_named(source, "MatMulNBits");
}

static quire_status set_blocks(struct compare_source *source,
			       uint64_t block_size)
{
	if (source->bits == 0 || source->bits > 8 || block_size == 0)
		return quire_compare_malformed(source,
					       "attributes that the operator "
					       "does not have");
	source->block_size = block_size;
	source->blocks = div_up(source->k, block_size);
	return QUIRE_OK;
}

static quire_status measure_matmulnbits(struct compare_source *source)
{
	const struct onnx_node *node = source->node;

	source->k = attribute(node, "K", 0);
	source->n = attribute(node, "N", 0);
	source->rank = 2;
	source->dims[0] = source->n;
	source->dims[1] = source->k;
	source->bits = attribute(node, "bits", 4);
	return set_blocks(source, attribute(node, "block_size", 0));
}

/* Rows of whole blocks, whose zero points fill bytes up. */
static void place_in_blocks(const struct compare_source *source, uint64_t row,
			    uint64_t col, struct compare_place *place)
{
	const uint64_t each = 8 / source->bits;
	const uint64_t block = col / source->block_size;

	place->code = row * source->blocks * source->block_size + col;
	place->scale = row * source->blocks + block;
	place->zero = row * div_up(source->blocks, each) * each + block;
}

/* --------------------------------------------------- GatherBlockQuantized */

static bool is_gather(struct compare_source *source)
{
	return is_named(source, "GatherBlockQuantized");
}

/* Rows are those of the last dimension. */
static quire_status measure_rows(struct compare_source *source, uint64_t each)
{
	uint64_t *last;

	if (source->rank == 0)
		return quire_compare_malformed(source, "codes without a "
						       "dimension");
	last = &source->dims[source->rank - 1];
	if (!checked_mul(*last, each, last))
		return quire_compare_malformed(source, "rows are too wide");
	source->k = *last;
	source->n = 1;
	for (size_t i = 0; i + 1 < source->rank; i++)
		if (!checked_mul(source->n, source->dims[i], &source->n))
			return quire_compare_malformed(source, "too many rows");
	return QUIRE_OK;
}

static quire_status measure_gather(struct compare_source *source)
{
	const int32_t type = source->arrays[COMPARE_CODES].value->type;
	quire_status status;

	source->bits = attribute(source->node, "bits", 4);
	if (source->bits == 0 || source->bits > 8)
		return quire_compare_malformed(source, "bits are out of range");
	status =
	    measure_rows(source, type == ONNX_UINT8 ? 8 / source->bits : 1);
	source->is_signed = type == ONNX_INT4;
	source->around_0 = type != ONNX_UINT8;
	return status == QUIRE_OK
		   ? set_blocks(source,
				attribute(source->node, "block_size", 128))
		   : status;
}

static void place_gather(const struct compare_source *source, uint64_t row,
			 uint64_t col, struct compare_place *place)
{
	const uint64_t each = 8 / source->bits;
	const uint64_t block = col / source->block_size;

	place->code = row * source->k + col;
	place->scale = row * source->blocks + block;
	/* Of 4-bit types it is a flat tensor as the codes are. */
	place->zero = source->around_0
			  ? place->scale
			  : row * div_up(source->blocks, each) * each + block;
}

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
	quire_status status;
	uint64_t block_size;

	source->bits = attribute(node, widths[source->index], 0);
	if (source->bits == 0)
		source->bits = attribute(node, "expert_weight_bits", 4);
	if (source->bits == 0 || source->bits > 8)
		return quire_compare_malformed(source, "bits are out of range");
	if (source->rank != 3)
		return quire_compare_malformed(source,
					       "weights are not [experts, n, "
					       "k]");
	status = measure_rows(source, 8 / source->bits);
	if (status != QUIRE_OK)
		return status;
	block_size = attribute(node, "block_size", 0);
	return set_blocks(source, block_size ? block_size : source->k);
}

/* Without blocks the zero points of an expert are one packed row. */
static void place_qmoe(const struct compare_source *source, uint64_t row,
		       uint64_t col, struct compare_place *place)
{
	const uint64_t each = 8 / source->bits;
	const uint64_t rows = source->dims[1];

	place_gather(source, row, col, place);
	if (attribute(source->node, "block_size", 0) == 0)
		place->zero =
		    row / rows * div_up(rows, each) * each + row % rows;
}

/* ------------------------------------------------------------ MatMulBnb4 */

/* FP4: sign, two bits of exponent and one of mantissa, over the greatest; the
 * smallest is 1/16 of 1 and all are f32. */
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
	const struct onnx_node *node = source->node;

	source->k = attribute(node, "K", 0);
	source->n = attribute(node, "N", 0);
	source->rank = 2;
	source->dims[0] = source->n;
	source->dims[1] = source->k;
	source->bits = 4;
	source->codebook =
	    attribute(node, "quant_type", 0) == 0 ? fp4_codebook : nf4_codebook;
	return set_blocks(source, attribute(node, "block_size", 0));
}

/* Blocks of all elements in one line; the first is in the high half. */
static void place_bnb4(const struct compare_source *source, uint64_t row,
		       uint64_t col, struct compare_place *place)
{
	const uint64_t at = row * source->k + col;

	*place = (struct compare_place){ at % 2 == 0 ? at + 1 : at - 1,
					 at / source->block_size, 0 };
}

/* ------------------------------------------------------ DequantizeLinear */

static bool is_integer(const struct onnx_value *value)
{
	return value->type == ONNX_INT8 || value->type == ONNX_UINT8 ||
	       value->type == ONNX_INT4 || value->type == ONNX_UINT4 ||
	       value->type == ONNX_INT2 || value->type == ONNX_UINT2;
}

/* Whether the node dequantizes a constant, or rows of one that are gathered. */
static bool dequantizes(const struct compare_source *source,
			const struct onnx_node *node, bool gathered)
{
	const struct onnx_value *value = NULL;
	const struct onnx_node *before;

	if (!node || strcmp(node->op_type, "DequantizeLinear") != 0)
		return false;
	value =
	    quire_onnx_find(source->model, node->scope, input_name(node, 0));
	before = quire_onnx_producer(source->model, value);
	if (before && quire_onnx_is(before, gathered ? "Gather" : "Reshape"))
		value = quire_onnx_find(source->model, before->scope,
					input_name(before, 0));
	else if (gathered)
		return false;
	return value && value->origin == ONNX_CONSTANT && is_integer(value);
}

/* Whether a node swaps two dimensions; without `perm` it turns them round. */
static bool transposes(const struct onnx_node *node)
{
	const struct onnx_attribute *perm = quire_onnx_attribute(node, "perm");

	if (!quire_onnx_is(node, "Transpose"))
		return false;
	return !perm || (perm->is_ints && perm->int_count == 2 &&
			 perm->ints[0] == 1 && perm->ints[1] == 0);
}

/* What the second input of the node is, through transpositions. */
static bool is_product(struct compare_source *source)
{
	const struct onnx_node *node = source->node;
	const struct onnx_node *at = node;
	size_t input = 1;

	if (!quire_onnx_is(node, "MatMul") && !quire_onnx_is(node, "Gemm"))
		return false;
	source->transposed =
	    quire_onnx_is(node, "MatMul") || attribute(node, "transB", 0) == 0;
	for (int step = 0; at && step < 8; step++) {
		at = quire_onnx_producer(
		    source->model, quire_onnx_find(source->model, at->scope,
						   input_name(at, input)));
		if (!at || !transposes(at))
			break;
		source->transposed = !source->transposed;
		input = 0;
	}
	source->holder = at;
	return dequantizes(source, at, false);
}

static bool is_one(const struct onnx_node *node, const char *name)
{
	const struct onnx_attribute *found = quire_onnx_attribute(node, name);

	return !found || (found->is_float && found->f == 1);
}

/* Whether C of a Gemm is one number for each column of the product. */
static bool is_bias(const struct compare_source *source, const char *name)
{
	const struct onnx_value *bias =
	    quire_onnx_find(source->model, source->node->scope, name);
	const struct onnx_value *codes =
	    quire_onnx_find(source->model, source->holder->scope,
			    input_name(source->holder, 0));

	return bias && bias->origin == ONNX_CONSTANT && !bias->sparse &&
	       (bias->type == ONNX_FLOAT || bias->type == ONNX_FLOAT16 ||
		bias->type == ONNX_BFLOAT16) &&
	       bias->rank == 1 &&
	       (codes->rank != 2 ||
		bias->dims[0] == codes->dims[source->transposed]);
}

static bool is_dequantized_product(struct compare_source *source)
{
	const struct onnx_node *node = source->node;

	if (!is_product(source))
		return false;
	source->has_linear = true;
	if (!quire_onnx_is(node, "Gemm"))
		return true;
	source->bias = input_name(node, 2);
	source->has_linear =
	    is_one(node, "alpha") && attribute(node, "transA", 0) == 0 &&
	    (!source->bias[0] ||
	     (is_one(node, "beta") && is_bias(source, source->bias)));
	return true;
}

static bool is_dequantized_rows(struct compare_source *source)
{
	source->holder = source->node;
	return dequantizes(source, source->node, true);
}

static bool is_dequantized(struct compare_source *source)
{
	source->holder = source->node;
	return dequantizes(source, source->node, false);
}

static quire_status measure_dequantize(struct compare_source *source)
{
	const struct onnx_value *codes = source->arrays[COMPARE_CODES].value;
	const int64_t rank = (int64_t)source->rank;
	int64_t axis = quire_onnx_integer(source->holder, "axis", 1);
	quire_status status = measure_rows(source, 1);
	uint64_t swap;

	if (status != QUIRE_OK)
		return status;
	/* Counted after a Gather of rows it is the last one. */
	if (quire_onnx_is(source->arrays[COMPARE_CODES].user, "Gather"))
		axis = -1;
	axis += axis < 0 ? rank : 0;
	if (source->transposed) {
		if (rank != 2)
			return quire_compare_malformed(source,
						       "B is no matrix");
		swap = source->k;
		source->k = source->n;
		source->n = swap;
	}
	source->bits = codes->type == ONNX_INT8 || codes->type == ONNX_UINT8 ? 8
		       : codes->type == ONNX_INT4 || codes->type == ONNX_UINT4
			   ? 4
			   : 2;
	source->is_signed = codes->type == ONNX_INT8 ||
			    codes->type == ONNX_INT4 ||
			    codes->type == ONNX_INT2;
	source->around_0 = true;
	source->block_size = attribute(source->holder, "block_size", 0);
	source->axis = (size_t)axis;
	if (axis < 0 || axis >= rank)
		source->axis = source->rank; /* of no matter to one scale */
	return QUIRE_OK;
}

/* Scales have the codes' dimensions, with blocks along the axis; or are one
 * for each index along it; or one. */
static void place_dequantize(const struct compare_source *source, uint64_t row,
			     uint64_t col, struct compare_place *place)
{
	const uint64_t at =
	    source->transposed ? col * source->n + row : row * source->k + col;
	uint64_t inner = 1;
	uint64_t along;
	uint64_t size;

	*place = (struct compare_place){ at, 0, 0 };
	if (source->axis >= source->rank ||
	    (source->block_size == 0 &&
	     source->arrays[COMPARE_SCALES].value->count == 1))
		return;
	for (size_t i = source->axis + 1; i < source->rank; i++)
		inner *= source->dims[i];
	size = source->dims[source->axis];
	along = at / inner % size;
	place->scale = along;
	if (source->block_size != 0)
		place->scale =
		    (at / inner / size * div_up(size, source->block_size) +
		     along / source->block_size) *
			inner +
		    at % inner;
	place->zero = place->scale;
}

static const struct compare_kind kinds[] = {
	{ is_matmulnbits,
	  1,
	  { { 1, 2, 3, 4 } },
	  measure_matmulnbits,
	  place_in_blocks,
	  false },
	{ is_gather,
	  1,
	  { { 0, 2, 3, NONE } },
	  measure_gather,
	  place_gather,
	  false },
	{ is_bnb4,
	  1,
	  { { 1, 2, NONE, NONE } },
	  measure_bnb4,
	  place_bnb4,
	  false },
	{ is_qmoe,
	  3,
	  { { 2, 3, 11, NONE }, { 5, 6, 12, NONE }, { 8, 9, 13, NONE } },
	  measure_qmoe,
	  place_qmoe,
	  false },
	{ is_dequantized_product,
	  1,
	  { { 0, 1, 2, NONE } },
	  measure_dequantize,
	  place_dequantize,
	  false },
	{ is_dequantized_rows,
	  1,
	  { { 0, 1, 2, NONE } },
	  measure_dequantize,
	  place_dequantize,
	  false },
	{ is_dequantized,
	  1,
	  { { 0, 1, 2, NONE } },
	  measure_dequantize,
	  place_dequantize,
	  true },
};

const struct compare_kind *quire_compare_kind(struct compare_source *source)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		source->has_linear = false;
		source->transposed = false;
		source->bias = "";
		if (kinds[i].is(source))
			return &kinds[i];
	}
	return NULL;
}
