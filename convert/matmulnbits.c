/*
 * matmulnbits.c - reads and checks one MatMulNBits node. Rows of its weight
 * are in matmulnbits_rows.c; what they become is not known here.
 */
#include "convert/matmulnbits.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "convert/onnx_tensor.h"
#include "format/bytes.h"
#include "format/error.h"

/* Block sizes are far below this; it keeps k * blocks * bits in range. */
#define MAX_BLOCK_SIZE (UINT64_C(1) << 31)

struct check {
	const struct onnx_model *model;
	struct matmulnbits *weight;
	quire_error *error;
};

/* Fails with "node 'name' (MatMulNBits): " and what is wrong. */
static quire_status fail(const struct check *in, quire_status status,
			 const char *format, ...) QUIRE_PRINTF(3, 4);

static quire_status fail(const struct check *in, quire_status status,
			 const char *format, ...)
{
	char what[sizeof(in->error->message)];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return quire_fail(in->error, status, QUIRE_NO_OFFSET,
			  "node '%s' (MatMulNBits): %s",
			  quire_onnx_label(in->weight->node), what);
}

bool quire_matmulnbits_is(const struct onnx_node *node)
{
	return strcmp(node->op_type, "MatMulNBits") == 0;
}

/* One integer attribute and what it may be. */
struct attribute_row {
	const char *name;
	bool required;
	int64_t absent; /* its value if it is not there */
	int64_t least;
	int64_t most;
};

enum {
	ROW_K,
	ROW_N,
	ROW_BLOCK_SIZE,
	ROW_BITS,
	ROW_LEVEL,
	ROW_PREPACKED
};

static const struct attribute_row attribute_rows[] = {
	[ROW_K] = { "K", true, 0, 1, INT64_MAX },
	[ROW_N] = { "N", true, 0, 1, INT64_MAX },
	[ROW_BLOCK_SIZE] = { "block_size", true, 0, 16, MAX_BLOCK_SIZE },
	[ROW_BITS] = { "bits", false, 4, 2, 8 },
	[ROW_LEVEL] = { "accuracy_level", false, 0, 0, 4 },
	[ROW_PREPACKED] = { "weight_prepacked", false, 0, INT64_MIN,
			    INT64_MAX },
};

#define ATTRIBUTE_COUNT (sizeof(attribute_rows) / sizeof(attribute_rows[0]))

/* An attribute that we do not know may mean another layout. */
static quire_status check_known(const struct check *in)
{
	const struct onnx_node *node = in->weight->node;

	for (size_t i = 0; i < node->attribute_count; i++) {
		size_t row = 0;

		while (row < ATTRIBUTE_COUNT &&
		       strcmp(attribute_rows[row].name,
			      node->attributes[i].name) != 0)
			row++;
		if (row == ATTRIBUTE_COUNT)
			return fail(in, QUIRE_ERROR_UNSUPPORTED,
				    "attribute '%s' is not known",
				    node->attributes[i].name);
	}
	return QUIRE_OK;
}

static quire_status read_integer(const struct check *in,
				 const struct attribute_row *row,
				 int64_t *value)
{
	const struct onnx_attribute *attribute =
	    quire_onnx_attribute(in->weight->node, row->name);

	if (!attribute && row->required)
		return fail(in, QUIRE_ERROR_LAYOUT, "no attribute %s",
			    row->name);
	if (attribute && !attribute->is_int)
		return fail(in, QUIRE_ERROR_LAYOUT,
			    "attribute %s is not an integer", row->name);
	*value = attribute ? attribute->i : row->absent;
	if (*value < row->least || *value > row->most)
		return fail(in, QUIRE_ERROR_LAYOUT,
			    "%s is %" PRId64 ", not in %" PRId64 " to "
			    "%" PRId64,
			    row->name, *value, row->least, row->most);
	return QUIRE_OK;
}

static quire_status read_attributes(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	int64_t values[ATTRIBUTE_COUNT];
	quire_status status = check_known(in);

	for (size_t i = 0; i < ATTRIBUTE_COUNT && status == QUIRE_OK; i++)
		status = read_integer(in, &attribute_rows[i], &values[i]);
	if (status != QUIRE_OK)
		return status;
	weight->k = (uint64_t)values[ROW_K];
	weight->n = (uint64_t)values[ROW_N];
	weight->block_size = (uint64_t)values[ROW_BLOCK_SIZE];
	weight->bits = (uint32_t)values[ROW_BITS];
	weight->accuracy_level = (uint32_t)values[ROW_LEVEL];
	if (weight->block_size & (weight->block_size - 1))
		return fail(in, QUIRE_ERROR_LAYOUT,
			    "block_size %" PRIu64 " is not a power of two",
			    weight->block_size);
	if (weight->bits != 2 && weight->bits != 4 && weight->bits != 8)
		return fail(in, QUIRE_ERROR_UNSUPPORTED,
			    "bits is %" PRIu32 "; 2, 4 and 8 are taken",
			    weight->bits);
	if (values[ROW_PREPACKED] != 0)
		return fail(in, QUIRE_ERROR_UNSUPPORTED,
			    "weight_prepacked is %" PRId64 ": the layout of "
			    "one device, from which the weight cannot be had",
			    values[ROW_PREPACKED]);
	return QUIRE_OK;
}

/* Numbers and bytes of a row, none of which may overflow. */
static quire_status measure(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	uint64_t code_bits;
	uint64_t zero_bits;
	uint64_t padded_k;

	weight->blocks = (weight->k - 1) / weight->block_size + 1;
	if (!checked_mul(weight->blocks, weight->block_size, &padded_k) ||
	    !checked_mul(padded_k, weight->bits, &code_bits) ||
	    !checked_mul(weight->blocks, weight->bits, &zero_bits) ||
	    padded_k > SIZE_MAX / 16 || weight->blocks > UINT32_MAX)
		return fail(in, QUIRE_ERROR_LAYOUT,
			    "K of %" PRIu64 " is out of range", weight->k);
	weight->code_row_size = (size_t)(code_bits / 8);
	weight->zero_row_size = (size_t)(zero_bits / 8 + (zero_bits % 8 != 0));
	return QUIRE_OK;
}

/* An input as the operator's documentation has it. */
struct input_row {
	const char *name;
	size_t index; /* among the node's inputs */
	bool required;
};

static const struct input_row input_b = { "B", 1, true };
static const struct input_row input_scales = { "scales", 2, true };
static const struct input_row input_zero_points = { "zero_points", 3, false };
static const struct input_row input_g_idx = { "g_idx", 4, false };
static const struct input_row input_bias = { "bias", 5, false };

/* *value is NULL for an optional input that is absent. */
static quire_status find_input(const struct check *in,
			       const struct input_row *row,
			       const struct onnx_value **value)
{
	const struct onnx_node *node = in->weight->node;
	const char *name =
	    row->index < node->input_count ? node->inputs[row->index] : "";

	*value = NULL;
	if (name[0] == '\0' && !row->required)
		return QUIRE_OK;
	if (name[0] == '\0')
		return fail(in, QUIRE_ERROR_LAYOUT, "input %s is absent",
			    row->name);
	*value = quire_onnx_find(in->model, node->scope, name);
	if (!*value)
		return fail(in, QUIRE_ERROR_LAYOUT,
			    "input %s, '%s', is defined nowhere", row->name,
			    name);
	return QUIRE_OK;
}

/* What the shape of an input must be: [a, b, c], or with the last ones drawn
 * together, as exporters write it, [a, b * c] or [a * b * c]. */
struct shape {
	uint64_t dims[3];
};

/* Unknown shapes and dims (of graph inputs) pass. */
static bool has_shape(const struct onnx_value *value, const struct shape *shape)
{
	uint64_t wanted[3] = { shape->dims[0], shape->dims[1], shape->dims[2] };

	if (!value->has_shape)
		return true;
	if (value->rank < 1 || value->rank > 3)
		return false;
	for (size_t rank = 3; rank > value->rank; rank--)
		if (!checked_mul(wanted[rank - 2], wanted[rank - 1],
				 &wanted[rank - 2]))
			return false;
	for (size_t i = 0; i < value->rank; i++)
		if (value->dims[i] != -1 &&
		    (uint64_t)value->dims[i] != wanted[i])
			return false;
	return true;
}

static quire_status check_shape(const struct check *in, const char *name,
				const struct onnx_value *value,
				const struct shape *shape)
{
	char dims[64] = "";
	size_t used = 0;

	if (has_shape(value, shape))
		return QUIRE_OK;
	for (size_t i = 0; i < value->rank && used < sizeof(dims); i++)
		used += (size_t)snprintf(dims + used, sizeof(dims) - used,
					 "%s%" PRId64, i ? ", " : "",
					 value->dims[i]);
	return fail(in, QUIRE_ERROR_LAYOUT,
		    "%s has the shape [%s]; K, N, bits and block_size make "
		    "[%" PRIu64 ", %" PRIu64 ", %" PRIu64 "]",
		    name, dims, shape->dims[0], shape->dims[1], shape->dims[2]);
}

static bool is_float(int32_t type)
{
	return type == ONNX_FLOAT || type == ONNX_FLOAT16 ||
	       type == ONNX_BFLOAT16;
}

static quire_status check_type(const struct check *in, const char *name,
			       const struct onnx_value *value, bool right,
			       const char *wanted)
{
	if (right || (value->type == 0 && value->origin != ONNX_CONSTANT))
		return QUIRE_OK;
	return fail(in, QUIRE_ERROR_LAYOUT, "%s is %s, not %s", name,
		    quire_onnx_type_name(value->type), wanted);
}

/* Said last, so that a model that is wrong as well is told so. */
static quire_status check_constant(const struct check *in, const char *name,
				   const struct onnx_value *value)
{
	const char *what = NULL;

	if (!value)
		return QUIRE_OK;
	if (value->origin == ONNX_INPUT)
		what = "a graph input";
	else if (value->origin == ONNX_COMPUTED)
		what = "computed by another node";
	else if (value->sparse)
		what = "sparse";
	if (!what)
		return QUIRE_OK;
	return fail(in, QUIRE_ERROR_UNSUPPORTED,
		    "%s, '%s', is %s; a weight must be a constant", name,
		    value->name, what);
}

static quire_status read_codes(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	const struct shape shape = { { weight->n, weight->blocks,
				       weight->code_row_size /
					   weight->blocks } };
	quire_status status = find_input(in, &input_b, &weight->codes);

	if (status != QUIRE_OK)
		return status;
	status = check_type(in, input_b.name, weight->codes,
			    weight->codes->type == ONNX_UINT8, "UINT8");
	return status == QUIRE_OK
		   ? check_shape(in, input_b.name, weight->codes, &shape)
		   : status;
}

static quire_status read_scales(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	const struct shape shape = { { weight->n, weight->blocks, 1 } };
	quire_status status = find_input(in, &input_scales, &weight->scales);

	if (status != QUIRE_OK)
		return status;
	weight->scale_row_size = (size_t)weight->blocks *
				 quire_onnx_type_bits(weight->scales->type) / 8;
	status = check_type(in, input_scales.name, weight->scales,
			    is_float(weight->scales->type), "a float type");
	return status == QUIRE_OK
		   ? check_shape(in, input_scales.name, weight->scales, &shape)
		   : status;
}

/* Packed as the codes are, or one float for each block. */
static quire_status read_zero_points(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	struct shape shape = { { weight->n, weight->zero_row_size, 1 } };
	const struct onnx_value *value;
	quire_status status =
	    find_input(in, &input_zero_points, &weight->zero_points);

	value = weight->zero_points;
	if (!value)
		weight->zero_row_size = 0;
	if (status != QUIRE_OK || !value)
		return status;
	if (is_float(value->type)) {
		weight->zero_row_size = (size_t)weight->blocks *
					quire_onnx_type_bits(value->type) / 8;
		shape.dims[1] = weight->blocks;
	}
	status = check_type(in, input_zero_points.name, value,
			    value->type == ONNX_UINT8 || is_float(value->type),
			    "UINT8 or a float type");
	return status == QUIRE_OK
		   ? check_shape(in, input_zero_points.name, value, &shape)
		   : status;
}

/* An optional vector of either of two lengths. */
static quire_status check_vector(const struct check *in, const char *name,
				 const struct onnx_value *value, uint64_t size,
				 uint64_t other_size)
{
	if (!value->has_shape ||
	    (value->rank == 1 &&
	     (value->dims[0] == -1 || (uint64_t)value->dims[0] == size ||
	      (uint64_t)value->dims[0] == other_size)))
		return QUIRE_OK;
	return fail(in, QUIRE_ERROR_LAYOUT,
		    "%s is not a vector of %" PRIu64 " elements", name, size);
}

static quire_status read_g_idx(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	quire_status status = find_input(in, &input_g_idx, &weight->g_idx);

	if (status != QUIRE_OK || !weight->g_idx)
		return status;
	status = check_type(in, input_g_idx.name, weight->g_idx,
			    weight->g_idx->type == ONNX_INT32, "INT32");
	return status == QUIRE_OK
		   ? check_vector(in, input_g_idx.name, weight->g_idx,
				  weight->k,
				  weight->blocks * weight->block_size)
		   : status;
}

static quire_status read_bias(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	quire_status status = find_input(in, &input_bias, &weight->bias);

	if (status != QUIRE_OK || !weight->bias)
		return status;
	status = check_type(in, input_bias.name, weight->bias,
			    is_float(weight->bias->type), "a float type");
	return status == QUIRE_OK
		   ? check_vector(in, input_bias.name, weight->bias, weight->n,
				  weight->n)
		   : status;
}

static quire_status check_constants(const struct check *in)
{
	const struct matmulnbits *weight = in->weight;
	quire_status status = check_constant(in, input_b.name, weight->codes);

	if (status == QUIRE_OK)
		status = check_constant(in, input_scales.name, weight->scales);
	if (status == QUIRE_OK)
		status = check_constant(in, input_zero_points.name,
					weight->zero_points);
	if (status == QUIRE_OK)
		status = check_constant(in, input_g_idx.name, weight->g_idx);
	if (status == QUIRE_OK)
		status = check_constant(in, input_bias.name, weight->bias);
	return status;
}

static quire_status check_node(const struct check *in)
{
	const struct onnx_node *node = in->weight->node;

	if (strcmp(node->domain, "com.microsoft") != 0)
		return fail(in, QUIRE_ERROR_UNSUPPORTED,
			    "of the domain '%s', not com.microsoft",
			    node->domain);
	if (node->input_count > 6)
		return fail(in, QUIRE_ERROR_LAYOUT, "%zu inputs; 6 is the most",
			    node->input_count);
	if (node->input_count < 1 || node->inputs[0][0] == '\0')
		return fail(in, QUIRE_ERROR_LAYOUT, "input A is absent");
	if (!quire_onnx_find(in->model, node->scope, node->inputs[0]))
		return fail(in, QUIRE_ERROR_LAYOUT,
			    "input A, '%s', is defined nowhere",
			    node->inputs[0]);
	return QUIRE_OK;
}

quire_status quire_matmulnbits_read(const struct onnx_model *model,
				    const struct onnx_node *node,
				    struct matmulnbits *weight,
				    quire_error *error)
{
	static quire_status (*const steps[])(const struct check *) = {
		check_node, read_attributes, measure,
		read_codes, read_scales,     read_zero_points,
		read_g_idx, read_bias,	     check_constants,
	};
	struct matmulnbits read = { .node = node };
	const struct check in = { model, &read, error };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const quire_status status = steps[i](&in);

		if (status != QUIRE_OK)
			return status;
	}
	*weight = read;
	return QUIRE_OK;
}
