/*
 * quantized_product.c - nodes that multiply integers by a constant matrix of
 * integers, and have its scales themselves: QLinearMatMul, QGemm,
 * MatMulIntegerToFloat and DynamicQuantizeMatMul; and MatMulInteger, behind
 * which a Mul has them. The linear is y = x W^T + bias in floats, of an x and a
 * y that are not quantized. What the node rounds besides, x and y, is not part
 * of the weight and is left out.
 */
#include <string.h>

#include "convert/operators/dequantize.h"

#define NO_INPUT SIZE_MAX

/* Inputs by number. Zero points are optional in all of them. */
static const struct quantized_product {
	const char *op_type;
	const char *domain;
	size_t b;
	size_t b_scale;
	size_t b_zero_point;
	size_t bias;	/* of one number for each column */
	size_t x_scale; /* the bias is INT32, times the scales of x and B;
			   NO_INPUT: it is of a float type */
} products[] = {
	{ "QLinearMatMul", "", 3, 4, 5, NO_INPUT, NO_INPUT },
	{ "QGemm", "com.microsoft", 3, 4, 5, 6, 1 },
	{ "MatMulIntegerToFloat", "com.microsoft", 1, 3, 5, 6, NO_INPUT },
	{ "DynamicQuantizeMatMul", "com.microsoft", 1, 2, 3, 4, NO_INPUT },
};

static const struct quantized_product *find(const struct onnx_node *node)
{
	for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++)
		if (strcmp(node->op_type, products[i].op_type) == 0 &&
		    (strcmp(node->domain, products[i].domain) == 0 ||
		     (!products[i].domain[0] &&
		      quire_onnx_is(node, products[i].op_type))))
			return &products[i];
	return NULL;
}

/* Whether an input is a constant behind wrappers, of a type that a weight has;
 * an activation is none. */
static bool has_weight(const struct onnx_model *model,
		       const struct onnx_node *node, size_t input)
{
	const struct onnx_value *b = NULL;

	if (input < node->input_count)
		b = quire_unwrap(model, quire_onnx_find(model, node->scope,
							node->inputs[input]));
	return b && b->origin == ONNX_CONSTANT && b->rank >= 2 &&
	       quire_dequantize_type(b->type);
}

static bool is_product(const struct onnx_model *model,
		       const struct onnx_node *node)
{
	const struct quantized_product *row = find(node);

	return row && has_weight(model, node, row->b);
}

/* -------------------------------------------------------------- attributes */

enum {
	ROW_ALPHA,
	ROW_TRANS_A,
	ROW_TRANS_B
};

static const struct attribute_row attribute_rows[] = {
	[ROW_ALPHA] = QUIRE_ANY_ATTRIBUTE("alpha"),
	[ROW_TRANS_A] = { "transA", false, 0, 0, 1 },
	[ROW_TRANS_B] = { "transB", false, 0, 0, 1 },
};

#define ATTRIBUTE_COUNT (sizeof(attribute_rows) / sizeof(attribute_rows[0]))

static const char *note_of(const struct onnx_node *node,
			   const int64_t values[ATTRIBUTE_COUNT])
{
	const struct onnx_attribute *alpha =
	    quire_onnx_attribute(node, "alpha");

	if (alpha && !(alpha->is_float && alpha->f == 1))
		return "alpha of the QGemm is not 1, so there is no linear";
	return values[ROW_TRANS_A] != 0
		   ? "transA of the QGemm is not 0, so there is no linear"
		   : NULL;
}

/* Only a QGemm has some. */
static quire_status read_attributes(const struct node_check *in, bool *by_rows,
				    const char **note)
{
	const bool gemm = strcmp(in->node->op_type, "QGemm") == 0;
	int64_t values[ATTRIBUTE_COUNT] = { 0 };
	const quire_status status = quire_node_attributes(
	    in, attribute_rows, gemm ? ATTRIBUTE_COUNT : 0, values);

	if (status != QUIRE_OK)
		return status;
	*by_rows = values[ROW_TRANS_B] != 0;
	*note = gemm ? note_of(in->node, values) : NULL;
	return QUIRE_OK;
}

/* -------------------------------------------------------------------- bias */

static bool is_vector(const struct onnx_value *value, uint64_t n)
{
	return value->count == n && !value->sparse && value->rank >= 1 &&
	       value->rank <= 2 && (uint64_t)value->dims[value->rank - 1] == n;
}

/* Sets the scales of a bias of INT32. Whether they are numbers of the model. */
static quire_status scale_bias(const struct node_check *in, size_t input,
			       struct weight *weight, bool *known)
{
	const struct input_row row = { "a_scale", input, true };
	struct node_operand x;
	const quire_status status = quire_node_operand(in, &row, &x);

	if (status != QUIRE_OK)
		return status;
	*known = x.value->origin == ONNX_CONSTANT && !x.value->sparse &&
		 quire_onnx_is_float(x.value->type) && x.value->count == 1;
	weight->intent.bias_scales[0] = (struct bias_scale){ x.value, x.casts };
	weight->intent.bias_scales[1] =
	    (struct bias_scale){ weight->storage.scales.value,
				 weight->storage.scales.casts };
	return QUIRE_OK;
}

static quire_status read_bias(const struct node_check *in,
			      const struct quantized_product *product,
			      struct weight *weight)
{
	const struct input_row row = { "bias", product->bias, false };
	const bool integers = product->x_scale != NO_INPUT;
	struct node_operand operand = { .value = NULL };
	bool known = true;
	quire_status status = QUIRE_OK;

	if (product->bias == NO_INPUT)
		return QUIRE_OK;
	status = quire_node_bias(in, &row, &operand);
	if (status != QUIRE_OK || !operand.value)
		return status;
	known = operand.value->origin == ONNX_CONSTANT &&
		is_vector(operand.value, weight->value.n) &&
		(integers ? operand.value->type == ONNX_INT32
			  : quire_onnx_is_float(operand.value->type));
	if (known && integers)
		status = scale_bias(in, product->x_scale, weight, &known);
	if (status != QUIRE_OK)
		return status;
	if (known)
		weight->intent.bias = operand.value;
	else
		weight->intent.note = "its bias is not a constant of one "
				      "number for each column, so there is "
				      "no linear";
	return QUIRE_OK;
}

/* ------------------------------------------------------------------ weight */

/* Reads B as the matrix of a product, or a tensor of another shape. */
static quire_status read_b(const struct node_check *in,
			   struct dequantize_inputs *inputs, bool by_rows,
			   struct weight *weight)
{
	enum dequantize_form form = DEQUANTIZE_TRANSPOSED;
	struct node_operand b;
	quire_status status = quire_node_operand(in, &inputs->x, &b);

	if (status != QUIRE_OK)
		return status;
	/* Scales are those of outputs. */
	inputs->axis = -1;
	if (b.rank == 2 && by_rows) {
		inputs->axis = -2;
		form = DEQUANTIZE_MATRIX;
	} else if (b.rank != 2) {
		weight->intent.note =
		    "B is not a matrix, so there is no linear";
		weight->intent.no_padding = true;
		form = DEQUANTIZE_TENSOR;
	}
	return quire_dequantize_inputs_read(in, inputs, form, NULL, weight);
}

static quire_status read_node(const struct onnx_model *model,
			      const struct onnx_node *node, size_t index,
			      struct weight *weight, quire_error *error)
{
	const struct quantized_product *product = find(node);
	const struct node_check in = { model, node, error };
	struct dequantize_inputs inputs = {
		.x = { "B", product->b, true },
		.scale = { "b_scale", product->b_scale, true },
		.zero = { "b_zero_point", product->b_zero_point, false },
	};
	struct weight read = { .node = node, .intent = { .integers = true } };
	const char *note = NULL;
	bool by_rows = false;
	quire_status status = read_attributes(&in, &by_rows, &note);

	(void)index;
	if (status == QUIRE_OK)
		status = read_b(&in, &inputs, by_rows, &read);
	if (status == QUIRE_OK && !read.intent.note)
		read.intent.note = note;
	if (status == QUIRE_OK && !read.intent.note)
		status = read_bias(&in, product, &read);
	if (status != QUIRE_OK)
		return status;
	read.intent.no_linear = read.intent.note != NULL;
	*weight = read;
	return QUIRE_OK;
}

const struct weight_operator quire_operator_quantized_product = {
	.is = is_product,
	.read = read_node,
};

/* ----------------------------------------------------------- MatMulInteger */

/* What DynamicQuantizeLinear and MatMulInteger are between:
 *	Mul(Cast(MatMulInteger(x, B)), Mul(scale of x, scale of B)) */
struct scaled {
	const struct onnx_node *product;
	const struct onnx_node *scaler;
	size_t b_scale; /* the scaler's input */
};

static const struct onnx_node *producer_of(const struct onnx_model *model,
					   const struct onnx_node *node,
					   size_t input)
{
	return input < node->input_count
		   ? quire_onnx_producer(model,
					 quire_onnx_find(model, node->scope,
							 node->inputs[input]))
		   : NULL;
}

/* Whether an input comes from the node that quantizes x. */
static bool is_of_x(const struct onnx_model *model,
		    const struct onnx_node *node, size_t input,
		    const struct onnx_node *quantizer)
{
	return quantizer && producer_of(model, node, input) == quantizer &&
	       quire_onnx_is(quantizer, "DynamicQuantizeLinear");
}

static bool find_scaled(const struct onnx_model *model,
			const struct onnx_node *node, struct scaled *found)
{
	for (size_t i = 0; i < 2 && node->input_count == 2; i++) {
		const struct onnx_node *cast = producer_of(model, node, i);
		const struct onnx_node *x;

		if (!cast || !quire_onnx_is(cast, "Cast") ||
		    quire_wrapper_type(cast, 0) != ONNX_FLOAT)
			continue;
		found->product = producer_of(model, cast, 0);
		found->scaler = producer_of(model, node, 1 - i);
		if (!found->product || !found->scaler ||
		    !quire_onnx_is(found->product, "MatMulInteger") ||
		    !quire_onnx_is(found->scaler, "Mul") ||
		    found->scaler->input_count != 2)
			continue;
		x = producer_of(model, found->product, 0);
		if (!is_of_x(model, found->product, 2, x))
			continue; /* around another zero point */
		for (size_t at = 0; at < 2; at++) {
			found->b_scale = 1 - at;
			if (is_of_x(model, found->scaler, at, x))
				return true;
		}
	}
	return false;
}

static bool is_scaled(const struct onnx_model *model,
		      const struct onnx_node *node)
{
	struct scaled found;

	return quire_onnx_is(node, "Mul") && find_scaled(model, node, &found) &&
	       has_weight(model, found.product, 1);
}

static quire_status read_scaled(const struct onnx_model *model,
				const struct onnx_node *node, size_t index,
				struct weight *weight, quire_error *error)
{
	struct dequantize_inputs inputs = {
		.x = { "B", 1, true },
		.zero = { "b_zero_point", 3, false },
	};
	struct weight read = { .node = node, .intent = { .integers = true } };
	struct node_check in = { model, node, error };
	struct scaled found;
	quire_status status;

	(void)index;
	(void)find_scaled(model, node, &found);
	in.node = found.product;
	inputs.scaler = found.scaler;
	inputs.scale = (struct input_row){ "b_scale", found.b_scale, true };
	status = read_b(&in, &inputs, false, &read);
	if (status != QUIRE_OK)
		return status;
	read.intent.no_linear = read.intent.note != NULL;
	*weight = read;
	return QUIRE_OK;
}

const struct weight_operator quire_operator_scaled_product = {
	.is = is_scaled,
	.read = read_scaled,
};
