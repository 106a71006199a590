/*
 * product.c - what each operator that multiplies by a matrix computes. Only
 * y = x W^T + bias is a linear. Of all else the container has the weight alone,
 * and the report says why.
 */
#include <string.h>

#include "base/bytes.h"
#include "convert/operators/node_check.h"
#include "convert/operators/product.h"

static bool is_microsoft(const struct onnx_node *node, const char *op_type)
{
	return strcmp(node->op_type, op_type) == 0 &&
	       strcmp(node->domain, "com.microsoft") == 0;
}

static bool is_one(const struct onnx_node *node, const char *name)
{
	const struct onnx_attribute *found = quire_onnx_attribute(node, name);

	return !found || (found->is_float && found->f == 1);
}

static bool is_set(const struct onnx_node *node, const char *name)
{
	return quire_onnx_integer(node, name, 0) != 0;
}

/* ------------------------------------------------------------ MatMul, Gemm */

static struct product read_matmul(const struct onnx_model *model,
				  const struct onnx_node *node)
{
	(void)model;
	(void)node;
	return (struct product){ .by_rows = false };
}

static struct product read_fused_matmul(const struct onnx_model *model,
					const struct onnx_node *node)
{
	struct product product = { .by_rows = is_set(node, "transB") };

	(void)model;
	if (!is_one(node, "alpha"))
		product.note =
		    "alpha of the FusedMatMul is not 1, so there is no linear";
	else if (is_set(node, "transA") || is_set(node, "transBatchA") ||
		 is_set(node, "transBatchB"))
		product.note = "the FusedMatMul transposes more than B, so "
			       "there is no linear";
	return product;
}

static const struct onnx_value *input_of(const struct onnx_model *model,
					 const struct onnx_node *node,
					 size_t input)
{
	return input < node->input_count && node->inputs[input][0]
		   ? quire_onnx_find(model, node->scope, node->inputs[input])
		   : NULL;
}

/* Whether all elements of a constant are 0. */
static bool is_zero(const struct onnx_value *value)
{
	unsigned char bytes[8] = { 0 };
	bool zero = true;

	if (value->origin != ONNX_CONSTANT || value->sparse ||
	    quire_onnx_file_acquire(value->file, NULL) != QUIRE_OK)
		return false;
	for (uint64_t at = 0; at < value->size && zero; at += sizeof(bytes)) {
		const uint64_t left = value->size - at;
		const size_t size = left < 8 ? (size_t)left : 8;

		zero =
		    quire_onnx_read(value, at, bytes, size, NULL) == QUIRE_OK &&
		    load_u64(bytes) == 0;
	}
	quire_onnx_file_release(value->file);
	return zero;
}

static const char *const bad_bias =
    "C of the Gemm is not a bias, so there is no linear";

/* The integers of a bias that a DequantizeLinear gives, if `node` is one; NULL:
 * it is not. Its zero point can only be 0. */
static const struct onnx_value *find_integers(const struct onnx_model *model,
					      const struct onnx_node *node,
					      struct product *product)
{
	const struct node_check in = { model, node, NULL };
	const struct input_row row = { "x_scale", 1, true };
	const struct onnx_value *x;
	const struct onnx_value *zero;
	bool has_zero;
	struct node_operand found;

	if (!node || !quire_onnx_is(node, "DequantizeLinear") ||
	    quire_onnx_integer(node, "block_size", 0) != 0 ||
	    quire_node_operand(&in, &row, &found) != QUIRE_OK)
		return NULL;
	x = quire_unwrap(model, input_of(model, node, 0));
	zero = input_of(model, node, 2);
	has_zero = node->input_count > 2 && node->inputs[2][0];
	if (!x || x->origin != ONNX_CONSTANT || x->type != ONNX_INT32 ||
	    (has_zero && !(zero && is_zero(zero))))
		return NULL;
	product->bias_scale = (struct bias_scale){ found.value, found.casts };
	product->bias_scale_use = found.use;
	return x;
}

/* Whether a Reshape is among the wrappers of a value: it may have stood a
 * vector on its end. */
static bool is_reshaped(const struct onnx_model *model,
			const struct onnx_value *value)
{
	for (int i = 0; i < QUIRE_WRAPPERS_MAX; i++) {
		const struct onnx_node *node = quire_wrapper_of(model, value);

		if (!node)
			return false;
		if (quire_onnx_is(node, "Reshape"))
			return true;
		value = input_of(model, node, 0);
	}
	return false;
}

/* Sets the constant that C is, itself or behind wrappers, a DequantizeLinear
 * among them. */
static void find_bias(const struct onnx_model *model,
		      const struct onnx_node *node, struct product *product)
{
	const struct onnx_value *c = input_of(model, node, 2);
	const struct onnx_value *from = quire_unwrap(model, c);

	if (is_reshaped(model, c)) {
		product->note = bad_bias;
		return;
	}
	product->bias =
	    find_integers(model, quire_onnx_producer(model, from), product);
	if (!product->bias)
		product->bias =
		    from && from->origin == ONNX_CONSTANT && from->rank == 1
			? from
			: c;
}

static struct product read_gemm(const struct onnx_model *model,
				const struct onnx_node *node)
{
	struct product product = { .by_rows = is_set(node, "transB") };

	if (!is_one(node, "alpha"))
		product.note =
		    "alpha of the Gemm is not 1, so there is no linear";
	else if (is_set(node, "transA"))
		product.note =
		    "transA of the Gemm is not 0, so there is no linear";
	if (product.note || node->input_count < 3 || node->inputs[2][0] == '\0')
		return product;
	find_bias(model, node, &product);
	if (!is_one(node, "beta") || !product.bias)
		product.note = bad_bias;
	return product;
}

/* Whether there is one scale, or one for each of n integers. */
static bool is_scale(const struct onnx_value *scale, uint64_t n)
{
	return scale && scale->origin == ONNX_CONSTANT && !scale->sparse &&
	       quire_onnx_is_float(scale->type) &&
	       (scale->count == 1 || scale->count == n);
}

void quire_product_check_bias(uint64_t n, struct product *product)
{
	const struct onnx_value *c = product->bias;

	if (c && !product->note &&
	    (c->origin != ONNX_CONSTANT || c->sparse || c->rank != 1 ||
	     c->count != n ||
	     !(quire_onnx_is_float(c->type) ||
	       is_scale(product->bias_scale.value, n))))
		product->note = bad_bias;
	if (product->note)
		product->bias = NULL;
}

static struct product read_fused_gemm(const struct onnx_model *model,
				      const struct onnx_node *node)
{
	const struct onnx_attribute *activation =
	    quire_onnx_attribute(node, "activation");
	struct product product = read_gemm(model, node);

	if (!product.note && activation &&
	    (!activation->is_string || activation->string_size > 0))
		product.note = "the FusedGemm has an activation, so there is "
			       "no linear";
	return product;
}

/* --------------------------------------------------------------------- Add */

/* Whether a constant has n numbers along the last dimension, and no other
 * dimension, ones aside: only then do all rows get the same. */
static bool is_row(const struct onnx_value *c, uint64_t n)
{
	return c && c->origin == ONNX_CONSTANT && !c->sparse &&
	       quire_onnx_is_float(c->type) && c->rank > 0 && c->count == n &&
	       (uint64_t)c->dims[c->rank - 1] == n;
}

/* The value before Identity and Cast. A Reshape could turn a row around. */
static const struct onnx_value *before_casts(const struct onnx_model *model,
					     const struct onnx_value *value)
{
	for (int i = 0; i < QUIRE_WRAPPERS_MAX; i++) {
		const struct onnx_node *node = quire_wrapper_of(model, value);

		if (!node || quire_onnx_is(node, "Reshape"))
			break;
		value = quire_onnx_find(model, node->scope, node->inputs[0]);
	}
	return value;
}

const struct onnx_value *quire_product_added(const struct onnx_model *model,
					     const struct onnx_node *add,
					     const struct onnx_value *y,
					     uint64_t n)
{
	if (!quire_onnx_is(add, "Add") || add->scope != y->scope ||
	    add->input_count != 2 || add->output_count != 1 ||
	    !add->outputs[0][0])
		return NULL;
	for (int i = 0; i < 2; i++) {
		const struct onnx_value *c =
		    before_casts(model, quire_onnx_find(model, add->scope,
							add->inputs[1 - i]));

		if (quire_onnx_find(model, add->scope, add->inputs[i]) == y &&
		    is_row(c, n))
			return c;
	}
	return NULL;
}

/* ------------------------------------------------------------------ Einsum */

#define TERM_MAX 32

/* The letters of one operand or of the result; "..." is a letter, '.'. */
struct term {
	char letters[TERM_MAX];
	size_t count;
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool has_letter(const struct term *term, char letter)
{
	return memchr(term->letters, letter, term->count) != NULL;
}

/* Reads a term, and moves *at behind it. No letter may repeat. */
static bool read_term(const char **at, const char *end, struct term *term)
{
	const char *c = *at;

	term->count = 0;
	for (; c < end && *c != ',' && *c != '-'; c++) {
		if (*c == ' ')
			continue;
		if (*c == '.' && (end - c < 3 || c[1] != '.' || c[2] != '.'))
			return false;
		if ((*c != '.' && !is_letter(*c)) || has_letter(term, *c) ||
		    term->count == TERM_MAX)
			return false;
		term->letters[term->count++] = *c;
		c += *c == '.' ? 2 : 0;
	}
	*at = c;
	return true;
}

/* Without ->, the result has the letters that occur once, in the order of the
 * alphabet, after the dots. Readers differ about the place of capitals. */
static void imply_result(const struct term *x, const struct term *b,
			 struct term *result)
{
	result->count = 0;
	for (int c = '.'; c <= 'z'; c++)
		if ((c == '.' || c >= 'a') &&
		    has_letter(x, (char)c) != has_letter(b, (char)c) &&
		    result->count < TERM_MAX)
			result->letters[result->count++] = (char)c;
}

static bool read_equation(const struct onnx_attribute *equation, struct term *x,
			  struct term *b, struct term *result)
{
	const char *at = (const char *)equation->string;
	const char *end = at + equation->string_size;

	if (!read_term(&at, end, x) || at == end || *at++ != ',' ||
	    !read_term(&at, end, b))
		return false;
	if (at == end) {
		imply_result(x, b, result);
		return true;
	}
	if (end - at < 2 || at[0] != '-' || at[1] != '>')
		return false;
	at += 2;
	return read_term(&at, end, result) && at == end;
}

/* Whether x's last letter is B's letter `inner`, and gives way to the other one
 * in the result. */
static bool is_matrix_product(const struct term *x, const struct term *b,
			      const struct term *result, size_t inner)
{
	const size_t rest = x->count - 1;

	return x->letters[rest] == b->letters[inner] &&
	       !has_letter(x, b->letters[1 - inner]) &&
	       result->count == x->count &&
	       memcmp(result->letters, x->letters, rest) == 0 &&
	       result->letters[rest] == b->letters[1 - inner];
}

static struct product read_einsum(const struct onnx_model *model,
				  const struct onnx_node *node)
{
	const struct onnx_attribute *equation =
	    quire_onnx_attribute(node, "equation");
	struct product product = { .by_rows = false };
	struct term x;
	struct term b;
	struct term result;

	(void)model;
	if (node->input_count == 2 && equation && equation->is_string &&
	    read_equation(equation, &x, &b, &result) && x.count > 0 &&
	    b.count == 2 && !has_letter(&b, '.')) {
		product.by_rows = is_matrix_product(&x, &b, &result, 1);
		if (product.by_rows || is_matrix_product(&x, &b, &result, 0))
			return product;
	}
	product.is_other = true;
	product.note = "the equation of the Einsum is not y = x W^T, so there "
		       "is no linear";
	return product;
}

/* --------------------------------------------------------------- operators */

static const struct {
	const char *op_type;
	bool microsoft; /* of its domain, not the default one */
	struct product (*read)(const struct onnx_model *model,
			       const struct onnx_node *node);
} operators[] = {
	{ "MatMul", false, read_matmul },
	{ "Gemm", false, read_gemm },
	{ "Einsum", false, read_einsum },
	{ "FusedMatMul", true, read_fused_matmul },
	{ "FusedGemm", true, read_fused_gemm },
};

#define OPERATOR_COUNT (sizeof(operators) / sizeof(operators[0]))

static size_t find(const struct onnx_node *node)
{
	size_t i = 0;

	while (i < OPERATOR_COUNT &&
	       !(operators[i].microsoft
		     ? is_microsoft(node, operators[i].op_type)
		     : quire_onnx_is(node, operators[i].op_type)))
		i++;
	return i;
}

bool quire_product_is(const struct onnx_node *node)
{
	return find(node) < OPERATOR_COUNT;
}

struct product quire_product_read(const struct onnx_model *model,
				  const struct onnx_node *node)
{
	return operators[find(node)].read(model, node);
}
