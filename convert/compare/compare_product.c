/*
 * compare_product.c - which nodes multiply by a matrix that a DequantizeLinear
 * gives, and whether they compute y = x W^T + bias. Reads MatMul, Gemm and
 * Einsum from ONNX's documentation, FusedMatMul and FusedGemm from ONNX
 * Runtime's. Must not include operators/ or weight/, whose mistakes it must
 * find.
 */
#include <string.h>

#include "convert/compare/compare.h"

/* ------------------------------------------------------ from codes to matrix
 */

/* Whether a node reverses dimensions; there must be two. */
static bool turns(const struct onnx_node *node)
{
	const struct onnx_attribute *perm = quire_onnx_attribute(node, "perm");

	if (!quire_onnx_is(node, "Transpose"))
		return false;
	return !perm || (perm->is_ints && perm->int_count == 2 &&
			 perm->ints[0] == 1 && perm->ints[1] == 0);
}

/* What is between the second input and a DequantizeLinear, the last node
 * first. */
struct way {
	const struct onnx_node *steps[COMPARE_STEPS_MAX];
	size_t count;
};

/* Finds the DequantizeLinear; NULL: there is none. */
static const struct onnx_node *find_way(const struct compare_source *source,
					struct way *way)
{
	const struct onnx_node *at = source->node;
	size_t input = 1;

	for (way->count = 0;; input = 0) {
		at = quire_onnx_producer(
		    source->model, quire_onnx_find(source->model, at->scope,
						   compare_input(at, input)));
		if (!at || strcmp(at->op_type, "DequantizeLinear") == 0)
			return at;
		if ((!turns(at) && !quire_compare_passes(at)) ||
		    way->count == COMPARE_STEPS_MAX)
			return NULL;
		way->steps[way->count++] = at;
	}
}

/* Follows the way from x to the matrix. False: what comes out is no matrix, or
 * a Reshape after a Transpose changes its shape. */
static bool follow(struct compare_source *source, const struct way *way,
		   struct compare_dims *dims)
{
	bool turned = false;

	source->turn_count = 0;
	for (size_t i = way->count; i-- > 0;) {
		const struct compare_dims before = *dims;

		if (quire_onnx_is(way->steps[i], "Reshape")) {
			if (!quire_compare_reshape(source->model, way->steps[i],
						   dims) ||
			    (turned && (dims->rank != 2 ||
					dims->sizes[0] != before.sizes[0] ||
					dims->sizes[1] != before.sizes[1])))
				return false;
		} else if (quire_onnx_is(way->steps[i], "Transpose")) {
			if (dims->rank != 2)
				return false;
			turned = !turned;
			dims->sizes[0] = before.sizes[1];
			dims->sizes[1] = before.sizes[0];
			/* The first turn is the last to be undone. */
			memmove(source->turns + 1, source->turns,
				source->turn_count * sizeof(*source->turns));
			source->turns[0] = dims->sizes[1];
			source->turn_count++;
		}
	}
	if (dims->rank != 2)
		return false;
	source->shape[0] = dims->sizes[0];
	source->shape[1] = dims->sizes[1];
	/* Before the turns. */
	if (turned) {
		dims->sizes[0] = source->shape[1];
		dims->sizes[1] = source->shape[0];
	}
	return true;
}

/* Whether dimensions of `x` but for some of 1 are those of a matrix. `axis`
 * must be one of those that stay. */
static bool is_same_but_ones(const struct compare_dims *x, size_t axis,
			     const struct compare_dims *matrix)
{
	struct compare_dims left = { .rank = 0 };
	size_t surplus = x->rank > 2 ? x->rank - 2 : 0;

	for (size_t i = x->rank; i-- > 0;) {
		if (x->sizes[i] == 1 && i != axis && surplus > 0) {
			surplus--;
			continue;
		}
		if (left.rank == 2)
			return false;
		left.sizes[left.rank++] = x->sizes[i];
	}
	return left.rank == 2 && left.sizes[0] == matrix->sizes[1] &&
	       left.sizes[1] == matrix->sizes[0];
}

/* Whether scales of x lie along rows or columns of the matrix, too. */
static bool keeps_scales(const struct compare_source *source,
			 const struct compare_dims *x,
			 const struct compare_dims *matrix)
{
	const struct onnx_node *node = source->holder;
	const struct onnx_value *scale =
	    quire_compare_origin(source->model, node, 1);
	const uint64_t block = compare_attribute(node, "block_size", 0);
	int64_t axis = quire_onnx_integer(node, "axis", 1);
	struct compare_dims dims;
	uint64_t run = 1;

	axis += axis < 0 ? (int64_t)x->rank : 0;
	if (!scale || !quire_compare_dims(source->model, node, 1, &dims) ||
	    (block == 0 && scale->count == 1 && dims.rank <= 1))
		return true;
	if (axis < 0 || (size_t)axis >= x->rank ||
	    is_same_but_ones(x, (size_t)axis, matrix))
		return true;
	/* Else elements in a run have a scale, and runs follow each other. */
	for (size_t i = (size_t)axis + 1; i < x->rank; i++)
		run *= x->sizes[i];
	if (block != 0 ? run != 1 || x->sizes[axis] % block != 0 : axis != 0)
		return false;
	run = block != 0 ? block : run;
	return run != 0 && matrix->sizes[1] != 0 &&
	       (matrix->sizes[1] % run == 0 || run % matrix->sizes[1] == 0);
}

/* ---------------------------------------------------------------- operators */

static bool is_one(const struct onnx_node *node, const char *name)
{
	const struct onnx_attribute *found = quire_onnx_attribute(node, name);

	return !found || (found->is_float && found->f == 1);
}

static bool is_theirs(const struct onnx_node *node, const char *op_type)
{
	return strcmp(node->op_type, op_type) == 0 &&
	       strcmp(node->domain, "com.microsoft") == 0;
}

/* Whether a Reshape gives an input, or what such nodes make the input of. */
static bool is_reshaped(const struct onnx_model *model,
			const struct onnx_node *node, size_t input)
{
	for (size_t i = 0; i < COMPARE_STEPS_MAX; i++, input = 0) {
		node = quire_onnx_producer(
		    model, quire_onnx_find(model, node->scope,
					   compare_input(node, input)));
		if (!node || !quire_compare_passes(node))
			return false;
		if (quire_onnx_is(node, "Reshape"))
			return true;
	}
	return false;
}

/* Whether C has one number for each column of the product, and no Reshape may
 * have stood it on its end; and its name. */
static bool find_bias(struct compare_source *source)
{
	const struct onnx_node *node = source->node;
	const struct onnx_value *c;

	if (!compare_input(node, 2)[0])
		return true;
	if (is_reshaped(source->model, node, 2))
		return false;
	if (quire_compare_dequantizes_bias(source, 2))
		return is_one(node, "beta") &&
		       (!source->is_product ||
			source->integers.value->count ==
			    source->shape[!source->by_rows]);
	c = quire_compare_origin(source->model, node, 2);
	if (!c || c->rank != 1)
		c = quire_onnx_find(source->model, node->scope,
				    compare_input(node, 2));
	if (!c || c->origin != ONNX_CONSTANT || c->sparse || c->rank != 1 ||
	    (c->type != ONNX_FLOAT && c->type != ONNX_FLOAT16 &&
	     c->type != ONNX_BFLOAT16))
		return false;
	source->bias = c->name;
	return is_one(node, "beta") &&
	       (!source->is_product ||
		(uint64_t)c->dims[0] == source->shape[!source->by_rows]);
}

/* The constant behind an input, without a Reshape between them. */
static const struct onnx_value *plain_constant(const struct onnx_model *model,
					       const struct onnx_node *node,
					       size_t input)
{
	for (size_t i = 0; i <= COMPARE_STEPS_MAX; i++, input = 0) {
		const struct onnx_value *value = quire_onnx_find(
		    model, node->scope, compare_input(node, input));

		if (!value || value->origin == ONNX_CONSTANT)
			return value;
		node = quire_onnx_producer(model, value);
		if (!node || !quire_compare_passes(node) ||
		    quire_onnx_is(node, "Reshape"))
			return NULL;
	}
	return NULL;
}

const char *quire_compare_added(const struct onnx_model *model,
				const struct onnx_node *product,
				const struct onnx_node *taker)
{
	if (!quire_onnx_is(taker, "Add") || taker->scope != product->scope)
		return "";
	for (size_t i = 0; i < 2; i++) {
		const struct onnx_value *c = plain_constant(model, taker, i);

		if (!c || c->sparse || c->rank == 0 ||
		    (c->type != ONNX_FLOAT && c->type != ONNX_FLOAT16 &&
		     c->type != ONNX_BFLOAT16) ||
		    (uint64_t)c->dims[c->rank - 1] != c->count ||
		    strcmp(compare_input(taker, 1 - i), product->outputs[0]))
			continue;
		return c->name;
	}
	return "";
}

static bool has_activation(const struct onnx_node *node)
{
	const struct onnx_attribute *found =
	    quire_onnx_attribute(node, "activation");

	return found && (!found->is_string || found->string_size > 0);
}

static bool is_gemm(struct compare_source *source)
{
	return is_one(source->node, "alpha") &&
	       compare_attribute(source->node, "transA", 0) == 0 &&
	       !has_activation(source->node) && find_bias(source);
}

/* ------------------------------------------------------------------- Einsum */

/* The equation without spaces; "" if it is too long. */
static void plain_equation(const struct onnx_node *node, char text[64])
{
	const struct onnx_attribute *equation =
	    quire_onnx_attribute(node, "equation");
	size_t used = 0;

	text[0] = '\0';
	if (!equation || !equation->is_string)
		return;
	for (size_t i = 0; i < equation->string_size; i++) {
		if (equation->string[i] == ' ')
			continue;
		if (used == 63) {
			text[0] = '\0';
			return;
		}
		text[used++] = (char)equation->string[i];
	}
	text[used] = '\0';
}

/* Whether each letter is there once, and no other character but "..." at the
 * beginning. */
static bool is_letters(const char *term, size_t size)
{
	const size_t from = size >= 3 && memcmp(term, "...", 3) == 0 ? 3 : 0;

	for (size_t i = from; i < size; i++) {
		const char c = term[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) ||
		    memchr(term + i + 1, c, size - i - 1))
			return false;
	}
	return true;
}

/* Without a result, letters come in the order of the alphabet. Whether P and
 * the last letter are in order; of small letters, because readers differ about
 * the place of capitals. */
static bool is_in_order(const char *head, size_t size, char last)
{
	for (size_t i = size >= 3 && head[0] == '.' ? 3 : 0; i < size; i++)
		if (head[i] < 'a' ||
		    head[i] >= (i + 1 < size ? head[i + 1] : last))
			return false;
	return last >= 'a';
}

/* Whether the equation is "Pk,kn->Pn" or "Pk,nk->Pn" for any P; sets by_rows.
 */
static bool is_einsum(struct compare_source *source)
{
	char text[64];
	size_t comma;
	size_t head;
	const char *b;
	char k;
	char n;

	plain_equation(source->node, text);
	comma = strcspn(text, ",");
	if (source->node->input_count != 2 || comma == 0 || !text[comma] ||
	    !is_letters(text, comma))
		return false;
	b = text + comma + 1;
	if (strcspn(b, "-,") != 2 || !is_letters(b, 2) ||
	    (b[2] != '\0' && (b[2] != '-' || b[3] != '>')))
		return false;
	source->by_rows =
	    memchr(text, b[1], comma) && !memchr(text, b[0], comma);
	k = b[source->by_rows];
	n = b[!source->by_rows];
	head = comma - 1;
	if (text[head] != k || memchr(text, n, comma))
		return false;
	if (b[2] == '\0')
		return is_in_order(text, head, n);
	return strlen(b + 4) == comma && memcmp(b + 4, text, head) == 0 &&
	       b[4 + head] == n;
}

/* Whether a node multiplies by its second input. Sets by_rows, and has_linear
 * as far as attributes say. */
static bool multiplies(struct compare_source *source)
{
	const struct onnx_node *node = source->node;

	source->has_linear = true;
	source->by_rows = compare_attribute(node, "transB", 0) != 0;
	if (quire_onnx_is(node, "MatMul")) {
		source->by_rows = false;
		return true;
	}
	if (quire_onnx_is(node, "Einsum")) {
		source->by_rows = false;
		source->has_linear = is_einsum(source);
		return true;
	}
	if (is_theirs(node, "FusedMatMul")) {
		source->has_linear =
		    is_one(node, "alpha") &&
		    compare_attribute(node, "transA", 0) == 0 &&
		    compare_attribute(node, "transBatchA", 0) == 0 &&
		    compare_attribute(node, "transBatchB", 0) == 0;
		return true;
	}
	return quire_onnx_is(node, "Gemm") || is_theirs(node, "FusedGemm");
}

bool quire_compare_is_product(struct compare_source *source)
{
	struct compare_dims dims = { .rank = 0 };
	struct compare_dims x;
	struct way way;
	bool known;

	if (!multiplies(source))
		return false;
	source->holder = find_way(source, &way);
	if (!quire_compare_dequantizes(source->model, source->holder, false))
		return false;
	known = quire_compare_dims(source->model, source->holder, 0, &dims);
	x = dims;
	source->is_product =
	    known &&
	    (source->has_linear || !quire_onnx_is(source->node, "Einsum")) &&
	    follow(source, &way, &dims) &&
	    ((x.rank == 2 && x.sizes[0] == dims.sizes[0]) ||
	     keeps_scales(source, &x, &dims));
	if (quire_onnx_is(source->node, "Gemm") ||
	    is_theirs(source->node, "FusedGemm"))
		source->has_linear = is_gemm(source);
	source->has_linear = source->has_linear && source->is_product;
	return true;
}
