/*
 * compare_dequantize.c - DequantizeLinear, read from its documentation: of a
 * matrix that a node multiplies by (compare_product.c finds it), of rows that a
 * Gather takes, or of any other constant; and the products of integers that
 * have its inputs themselves. Must not include operators/ or weight/, whose
 * mistakes it must find.
 */
#include <stdlib.h>
#include <string.h>

#include "convert/compare/compare.h"

#define NONE COMPARE_NO_INPUT

static bool is_integer(const struct onnx_value *value)
{
	return value->type == ONNX_INT8 || value->type == ONNX_UINT8 ||
	       value->type == ONNX_INT4 || value->type == ONNX_UINT4 ||
	       value->type == ONNX_INT2 || value->type == ONNX_UINT2;
}

bool quire_compare_dequantizes(const struct onnx_model *model,
			       const struct onnx_node *node, bool gathered)
{
	const struct onnx_value *value;

	if (!node || strcmp(node->op_type, "DequantizeLinear") != 0)
		return false;
	value = quire_compare_origin(model, node, 0);
	if (gathered) {
		const struct onnx_node *gather =
		    quire_onnx_producer(model, value);

		if (!gather || !quire_onnx_is(gather, "Gather"))
			return false;
		value = quire_compare_origin(model, gather, 0);
	}
	return value && value->origin == ONNX_CONSTANT && is_integer(value);
}

static bool is_dequantized_rows(struct compare_source *source)
{
	source->holder = source->node;
	return quire_compare_dequantizes(source->model, source->node, true);
}

static bool is_dequantized_tensor(struct compare_source *source)
{
	source->holder = source->node;
	return quire_compare_dequantizes(source->model, source->node, false);
}

static uint64_t bits_of(int32_t type)
{
	switch (type) {
	case ONNX_INT8:
	case ONNX_UINT8:
		return 8;
	case ONNX_INT4:
	case ONNX_UINT4:
		return 4;
	default:
		return 2;
	}
}

/* Whether the scales are a vector or a scalar: one of them is one for all. */
static bool has_one_dimension(const struct compare_source *source)
{
	const struct compare_user user =
	    quire_compare_user(source, COMPARE_SCALES);
	struct compare_dims dims;

	return quire_compare_dims(source->model, user.node, user.input,
				  &dims) &&
	       dims.rank <= 1;
}

/* Whether W has the last two dimensions of x swapped: blocks lie along the last
 * but one, or each index of the last one has a scale. */
static bool is_swapped(const struct compare_source *source)
{
	const size_t along = source->block_size != 0 ? 2 : 1;

	return source->rank >= 2 && source->axis + along == source->rank &&
	       (source->block_size != 0 ||
		source->arrays[COMPARE_SCALES].value->count != 1 ||
		!has_one_dimension(source));
}

/* K and N of the matrix that a node multiplies by. */
static void measure_product(struct compare_source *source)
{
	source->k = source->shape[source->by_rows];
	source->n = source->shape[!source->by_rows];
}

/* What the type of the codes says. */
static void measure_codes(struct compare_source *source)
{
	const int32_t type = source->arrays[COMPARE_CODES].value->type;

	source->bits = bits_of(type);
	source->is_signed =
	    type == ONNX_INT8 || type == ONNX_INT4 || type == ONNX_INT2;
	source->around_0 = true;
}

static void swap(struct compare_source *source)
{
	source->k = source->dims[source->rank - 2];
	source->n = 1;
	for (size_t i = 0; i < source->rank; i++)
		source->n *= i + 2 == source->rank ? 1 : source->dims[i];
}

static quire_status measure_dequantize(struct compare_source *source)
{
	const int64_t rank = (int64_t)source->rank;
	int64_t axis = quire_onnx_integer(source->holder, "axis", 1);
	const quire_status status = quire_compare_measure_rows(source, 1);

	if (status != QUIRE_OK)
		return status;
	/* After a Gather of rows the axis counts the dimensions of its output.
	 * It is the last one of these, and the last one of the codes. */
	if (quire_compare_gather(source, 0))
		axis = -1;
	axis += axis < 0 ? rank : 0;
	measure_codes(source);
	source->block_size = compare_attribute(source->holder, "block_size", 0);
	/* Past the last dimension: the axis does not matter to one scale. */
	source->axis = axis < 0 || axis >= rank ? source->rank : (size_t)axis;
	if (source->is_product)
		measure_product(source);
	else if (source->kind == &quire_compare_kind_dequantized_tensor ||
		 source->kind == &quire_compare_kind_dequantized_matmul)
		source->swapped = is_swapped(source);
	if (source->swapped)
		swap(source);
	return QUIRE_OK;
}

/* The number of an element of the weight among the codes. Goes from the product
 * back to the codes: a transposition swaps row and column, and a Reshape moves
 * nothing. */
static uint64_t code_of(const struct compare_source *source, uint64_t row,
			uint64_t col)
{
	const uint64_t last =
	    source->rank > 0 ? source->dims[source->rank - 1] : 1;
	uint64_t at;

	if (source->swapped)
		return (row / last * source->k + col) * last + row % last;
	if (!source->is_product)
		return row * source->k + col;
	at = source->by_rows ? row * source->k + col : col * source->n + row;
	for (size_t i = 0; i < source->turn_count; i++) {
		const uint64_t cols = source->turns[i];

		at = at % cols * (source->k * source->n / cols) + at / cols;
	}
	return at;
}

/* There is one scale; or one for each index along the axis; or the scales have
 * the codes' dimensions with blocks along the axis. */
static void place_dequantize(const struct compare_source *source, uint64_t row,
			     uint64_t col, struct compare_place *place)
{
	const uint64_t at = code_of(source, row, col);

	*place = (struct compare_place){ at, 0, 0 };
	if (source->axis >= source->rank ||
	    (source->block_size == 0 &&
	     source->arrays[COMPARE_SCALES].value->count == 1))
		return;

	uint64_t inner = 1;

	for (size_t i = source->axis + 1; i < source->rank; i++)
		inner *= source->dims[i];

	const uint64_t size = source->dims[source->axis];
	const uint64_t along = at / inner % size;

	place->scale = along;
	if (source->block_size != 0)
		place->scale = (at / inner / size *
				    compare_div_up(size, source->block_size) +
				along / source->block_size) *
				   inner +
			       at % inner;
	place->zero = place->scale;
	/* One zero point may belong to all scales. */
	if (source->arrays[COMPARE_ZEROS].value &&
	    source->arrays[COMPARE_ZEROS].value->count == 1)
		place->zero = 0;
}

const struct compare_kind quire_compare_kind_dequantized_matmul = {
	.is = quire_compare_is_product,
	.count = 1,
	.inputs = { { 0, 1, 2, NONE } },
	.measure = measure_dequantize,
	.place = place_dequantize,
};

const struct compare_kind quire_compare_kind_dequantized_rows = {
	.is = is_dequantized_rows,
	.count = 1,
	.inputs = { { 0, 1, 2, NONE } },
	.measure = measure_dequantize,
	.place = place_dequantize,
};

const struct compare_kind quire_compare_kind_dequantized_tensor = {
	.is = is_dequantized_tensor,
	.late = true,
	.count = 1,
	.inputs = { { 0, 1, 2, NONE } },
	.measure = measure_dequantize,
	.place = place_dequantize,
};

/* -------------------------------------------------------- biases of integers
 */

/* Whether all bytes of a constant are 0. */
static bool is_zero(const struct onnx_value *value)
{
	unsigned char *bytes = NULL;
	bool zero = false;

	if (value && value->origin == ONNX_CONSTANT && !value->sparse)
		bytes = malloc((size_t)value->size + 1);
	if (bytes && quire_onnx_read_all(value, bytes, NULL) == QUIRE_OK) {
		zero = true;
		for (uint64_t i = 0; i < value->size; i++)
			zero = zero && bytes[i] == 0;
	}
	free(bytes);
	return zero;
}

/* Whether an input is one float for all of `count` elements, or one for each.
 */
static bool has_floats(const struct onnx_model *model,
		       const struct onnx_node *node, size_t input,
		       uint64_t count)
{
	const struct onnx_value *value =
	    quire_compare_origin(model, node, input);

	return value && value->origin == ONNX_CONSTANT && !value->sparse &&
	       (value->count == 1 || value->count == count) &&
	       (value->type == ONNX_FLOAT || value->type == ONNX_FLOAT16 ||
		value->type == ONNX_BFLOAT16);
}

bool quire_compare_dequantizes_bias(struct compare_source *source, size_t input)
{
	const struct onnx_model *model = source->model;
	const struct onnx_node *node = quire_onnx_producer(
	    model, quire_compare_origin(model, source->node, input));
	const struct onnx_value *value;

	if (!node || !quire_onnx_is(node, "DequantizeLinear") ||
	    compare_attribute(node, "block_size", 0) != 0)
		return false;
	value = quire_compare_origin(model, node, 0);
	if (!value || value->origin != ONNX_CONSTANT || value->sparse ||
	    value->type != ONNX_INT32 || value->rank != 1 ||
	    !has_floats(model, node, 1, value->count) ||
	    (compare_input(node, 2)[0] &&
	     !is_zero(quire_onnx_find(model, node->scope, node->inputs[2]))))
		return false;
	source->bias = value->name;
	source->integers = (struct compare_integers){ value, { { node, 1 } } };
	return true;
}

/* -------------------------------------------------------- integer products */

/* Whether input `b` of a node is a constant that may be a weight. Sets the
 * fields of a product. */
static bool holds_product(struct compare_source *source,
			  const struct onnx_node *node, size_t b)
{
	const struct onnx_value *value =
	    quire_compare_origin(source->model, node, b);
	struct compare_dims dims;

	if (!value || value->origin != ONNX_CONSTANT || value->rank < 2 ||
	    !is_integer(value))
		return false;
	source->holder = node;
	source->by_rows = strcmp(node->op_type, "QGemm") == 0 &&
			  compare_attribute(node, "transB", 0) != 0;
	source->turn_count = 0;
	source->is_product =
	    quire_compare_dims(source->model, node, b, &dims) && dims.rank == 2;
	if (source->is_product)
		memcpy(source->shape, dims.sizes, sizeof(source->shape));
	source->has_linear = source->is_product;
	return true;
}

/* Whether a node is this operator, and holds such a product. */
static bool multiplies_integers(struct compare_source *source,
				const char *op_type, size_t b)
{
	const struct onnx_node *node = source->node;
	const bool theirs = strcmp(op_type, "QLinearMatMul") != 0;

	if (theirs ? strcmp(node->op_type, op_type) != 0 ||
			 strcmp(node->domain, "com.microsoft") != 0
		   : !quire_onnx_is(node, op_type))
		return false;
	return holds_product(source, node, b);
}

/* Whether an input is absent, or a constant of one number for each column. */
static bool has_bias(struct compare_source *source, size_t input, bool integers)
{
	const char *name =
	    quire_compare_bias(source->model, source->node, input);
	const struct onnx_value *value;

	if (!name[0])
		return true;
	value = quire_compare_origin(source->model, source->node, input);
	if (!value || strcmp(value->name, name) != 0)
		value =
		    quire_onnx_find(source->model, source->node->scope, name);
	if (!value || value->origin != ONNX_CONSTANT || value->sparse ||
	    value->rank < 1 || value->rank > 2 ||
	    value->count != source->shape[!source->by_rows] ||
	    (uint64_t)value->dims[value->rank - 1] != value->count ||
	    (integers
		 ? value->type != ONNX_INT32
		 : value->type != ONNX_FLOAT && value->type != ONNX_FLOAT16 &&
		       value->type != ONNX_BFLOAT16))
		return false;
	source->bias = value->name;
	if (integers)
		source->integers.value = value;
	return true;
}

/* A bias of QGemm counts in steps of the scale of A times the scale of B. */
static bool has_gemm_bias(struct compare_source *source)
{
	if (!has_bias(source, 6, true))
		return false;
	source->integers.scales[0].user = source->node;
	source->integers.scales[0].input = 1;
	source->integers.scales[1].user = source->node;
	source->integers.scales[1].input = 4;
	return !source->integers.value ||
	       has_floats(source->model, source->node, 1, 1);
}

static bool is_quantized_product(struct compare_source *source)
{
	const struct onnx_attribute *alpha =
	    quire_onnx_attribute(source->node, "alpha");

	if (multiplies_integers(source, "QLinearMatMul", 3))
		return true;
	if (!multiplies_integers(source, "QGemm", 3))
		return false;
	source->has_linear =
	    source->has_linear && has_gemm_bias(source) &&
	    compare_attribute(source->node, "transA", 0) == 0 &&
	    (!alpha || (alpha->is_float && alpha->f == 1));
	return true;
}

static bool is_integer_to_float(struct compare_source *source)
{
	if (!multiplies_integers(source, "MatMulIntegerToFloat", 1))
		return false;
	source->has_linear = source->has_linear && has_bias(source, 6, false);
	return true;
}

static bool is_dynamic_product(struct compare_source *source)
{
	if (!multiplies_integers(source, "DynamicQuantizeMatMul", 1))
		return false;
	source->has_linear = source->has_linear && has_bias(source, 4, false);
	return true;
}

/* One scale for all, or one for each column of the product. */
static quire_status measure_integers(struct compare_source *source)
{
	const quire_status status = quire_compare_measure_rows(source, 1);

	if (status != QUIRE_OK)
		return status;
	measure_codes(source);
	source->axis = source->rank - 1;
	if (source->is_product) {
		source->axis = source->by_rows ? 0 : 1;
		measure_product(source);
	} else if (is_swapped(source)) {
		source->swapped = true;
		swap(source);
	}
	return QUIRE_OK;
}

const struct compare_kind quire_compare_kind_quantized_product = {
	.is = is_quantized_product,
	.count = 1,
	.inputs = { { 3, 4, 5, NONE } },
	.measure = measure_integers,
	.place = place_dequantize,
};

const struct compare_kind quire_compare_kind_integer_to_float = {
	.is = is_integer_to_float,
	.count = 1,
	.inputs = { { 1, 3, 5, NONE } },
	.measure = measure_integers,
	.place = place_dequantize,
};

const struct compare_kind quire_compare_kind_dynamic_product = {
	.is = is_dynamic_product,
	.count = 1,
	.inputs = { { 1, 2, 3, NONE } },
	.measure = measure_integers,
	.place = place_dequantize,
};

/* --------------------------------------------------- MatMulInteger and a Mul
 */

static const struct onnx_node *before(const struct compare_source *source,
				      const struct onnx_node *node,
				      size_t input)
{
	return node ? quire_onnx_producer(
			  source->model,
			  quire_onnx_find(source->model, node->scope,
					  compare_input(node, input)))
		    : NULL;
}

static bool is_op(const struct onnx_node *node, const char *op_type)
{
	return node && quire_onnx_is(node, op_type);
}

/* y = Cast(x * B) * (scale of x * scale of B), where one DynamicQuantizeLinear
 * gives x and its scale. */
static bool is_scaled_product(struct compare_source *source)
{
	const struct onnx_node *node = source->node;

	for (size_t i = 0; i < 4 && is_op(node, "Mul"); i++) {
		const struct onnx_node *cast = before(source, node, i / 2);
		const struct onnx_node *scales =
		    before(source, node, 1 - i / 2);
		const struct onnx_node *product =
		    is_op(cast, "Cast") &&
			    quire_onnx_integer(cast, "to", 0) == ONNX_FLOAT
			? before(source, cast, 0)
			: NULL;
		const struct onnx_node *quantize = before(source, product, 0);

		if (!is_op(product, "MatMulInteger") || !is_op(scales, "Mul") ||
		    !is_op(quantize, "DynamicQuantizeLinear") ||
		    before(source, product, 2) != quantize ||
		    before(source, scales, i % 2) != quantize)
			continue;
		source->scaler = scales;
		source->scaler_input = 1 - i % 2;
		return holds_product(source, product, 1);
	}
	return false;
}

const struct compare_kind quire_compare_kind_scaled_product = {
	.is = is_scaled_product,
	.count = 1,
	.inputs = { { 1, 0, 3, NONE } }, /* the scaler has the scales */
	.measure = measure_integers,
	.place = place_dequantize,
};
