/*
 * compare.c - quire_compare_onnx: pairs the linears of a container with the
 * nodes of a model, and tensors with constants, and reports what has no
 * partner. compare_weight.c compares a quantized weight, compare_plain.c a
 * dense tensor, compare_operation.c what has an operation. Must not include
 * plan/: it pairs by the names in both files.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/grow.h"
#include "convert/compare/compare.h"

static quire_status fail_memory(const struct comparison *in)
{
	return quire_fail(in->error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
			  "out of memory");
}

const char *quire_compare_keep(struct comparison *in, const char *text,
			       size_t size)
{
	char *copy = quire_arena_own(&in->report->strings, size + 1, 1);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

quire_status quire_compare_add_row(struct comparison *in, quire_compare_row row,
				   const quire_tensor *tensor)
{
	struct compare_report *report = in->report;
	const bool has_node = row.node != NULL;
	const bool has_source = row.source != NULL;
	quire_compare_row *rows =
	    quire_grow(report->rows, &report->capacity, report->public.count,
		       sizeof(*report->rows));

	if (!rows)
		return fail_memory(in);
	report->rows = rows;
	report->public.rows = rows;
	if (has_node)
		row.node = quire_compare_keep(in, row.node, strlen(row.node));
	if (has_source)
		row.source =
		    quire_compare_keep(in, row.source, strlen(row.source));
	if (tensor) {
		row.tensor = quire_compare_keep(in, tensor->name.data,
						tensor->name.size);
		row.dtype = tensor->dtype;
	}
	if ((has_node && !row.node) || (has_source && !row.source) ||
	    (tensor && !row.tensor))
		return fail_memory(in);
	report->rows[report->public.count++] = row;
	report->public.different += row.verdict != QUIRE_VERDICT_SAME;
	return QUIRE_OK;
}

static size_t tensor_number(const struct comparison *in,
			    const quire_tensor *tensor)
{
	return (size_t)(tensor - quire_model_tensor(in->file, 0));
}

static bool same_text(quire_string text, const char *other)
{
	return text.size == strlen(other) &&
	       memcmp(text.data, other, text.size) == 0;
}

/* Compares a weight with the linear in its place. One of the two may be NULL.
 */
static quire_status compare_pair(struct comparison *in,
				 struct compare_source *source,
				 const quire_linear *linear)
{
	const struct onnx_value *codes =
	    source ? source->arrays[COMPARE_CODES].value : NULL;
	quire_compare_row row = { .source = codes ? codes->name : NULL };
	const char *reason = NULL;
	quire_status status = QUIRE_OK;

	if (source)
		row.node = quire_onnx_label(source->node);
	if (!linear) {
		row.verdict = QUIRE_VERDICT_ONLY_SOURCE;
	} else if (!source) {
		row.verdict = QUIRE_VERDICT_ONLY_FILE;
	} else if (!codes || !same_text(linear->weight->source, codes->name)) {
		row.verdict = QUIRE_VERDICT_DIFFERS;
		reason = "the linear in its place has another weight";
	} else {
		status = quire_compare_weight(source, linear->weight, linear,
					      NULL, &row, &reason);
		/* No constant has the numbers of such a bias. */
		if (source->integers.value && linear->bias)
			in->weight[tensor_number(in, linear->bias)] = true;
	}
	if (status != QUIRE_OK)
		return status;
	row.reason = reason;
	return quire_compare_add_row(in, row, linear ? linear->weight : NULL);
}

const quire_tensor *quire_compare_next_tensor(const struct comparison *in,
					      const char *source,
					      const quire_tensor *after)
{
	const size_t count = quire_model_tensor_count(in->file);

	for (size_t i = after ? tensor_number(in, after) + 1 : 0; i < count;
	     i++) {
		const quire_tensor *tensor = quire_model_tensor(in->file, i);

		if (tensor->operation.size == 0 &&
		    same_text(tensor->source, source))
			return tensor;
	}
	return NULL;
}

/* Compares a weight with a whole tensor, which may also be that of a linear. If
 * several tensors come from its source, the one that is the same counts, or
 * else the first. */
static quire_status compare_whole(struct comparison *in,
				  const struct compare_source *source)
{
	const struct onnx_value *codes = source->arrays[COMPARE_CODES].value;
	const char *name = codes ? codes->name : "";
	quire_compare_row row = { .node = quire_onnx_label(source->node),
				  .source = name,
				  .verdict = QUIRE_VERDICT_ONLY_SOURCE };
	const quire_tensor *best = quire_compare_next_tensor(in, name, NULL);
	const quire_tensor *tensor = best;

	while (tensor) {
		struct compare_source copy = *source;
		quire_compare_row try = { .node = row.node,
					  .source = row.source };
		const quire_status status = quire_compare_weight(
		    &copy, tensor, NULL, NULL, &try, &try.reason);

		if (status != QUIRE_OK)
			return status;
		if (tensor == best || try.verdict == QUIRE_VERDICT_SAME) {
			row = try;
			best = tensor;
		}
		if (row.verdict == QUIRE_VERDICT_SAME)
			break;
		tensor = quire_compare_next_tensor(in, name, tensor);
	}
	if (best)
		in->weight[tensor_number(in, best)] = true;
	return quire_compare_add_row(in, row, best);
}

/* Compares a weight that has no linear. */
static quire_status compare_lookup(struct comparison *in,
				   const struct compare_source *source)
{
	const struct onnx_value *codes = source->arrays[COMPARE_CODES].value;
	struct compare_part *parts =
	    codes ? quire_compare_parts_of(in, codes->name) : NULL;
	const bool whole =
	    codes && quire_compare_next_tensor(in, codes->name, NULL);
	quire_status status = QUIRE_OK;

	if (whole || !parts)
		status = compare_whole(in, source);
	if (parts && status == QUIRE_OK)
		status = quire_compare_weight_parts(in, source, parts, whole);
	return status;
}

/* Whether a linear belongs to the node of a weight: it has the node's name, or
 * the weight. */
static bool belongs(const quire_linear *linear,
		    const struct compare_source *source)
{
	const struct onnx_value *codes = source->arrays[COMPARE_CODES].value;

	return same_text(linear->name, source->node->name) ||
	       (codes && same_text(linear->weight->source, codes->name));
}

/* The first linear from `index` on to which no node refers. */
static size_t next_linear(const struct comparison *in, size_t index)
{
	while (index < quire_model_linear_count(in->file) &&
	       in->linear_referred[index])
		index++;
	return index;
}

/* Compares the weights that have linears, or those that have none. Linears are
 * in the order of the nodes; a recipe may have left some out. */
static quire_status compare_weights(struct comparison *in, bool linears)
{
	const size_t count = quire_model_linear_count(in->file);
	quire_status status = QUIRE_OK;
	size_t index = next_linear(in, 0);

	for (size_t i = 0; i < in->found.count && status == QUIRE_OK; i++) {
		struct compare_source *source = &in->found.weights[i];
		const quire_linear *linear =
		    quire_model_linear(in->file, index);

		if (source->has_linear != linears)
			continue;
		if (linear && !belongs(linear, source))
			linear = NULL;
		if (linears && linear)
			index = next_linear(in, index + 1);
		status = linears && (linear ||
				     !quire_compare_may_lack_linear(in, source))
			     ? compare_pair(in, source, linear)
			     : compare_lookup(in, source);
	}
	for (; linears && index < count && status == QUIRE_OK;
	     index = next_linear(in, index + 1))
		status =
		    compare_pair(in, NULL, quire_model_linear(in->file, index));
	return status;
}

/* The container lacks the weights of nodes that cannot be converted. */
static quire_status report_left(struct comparison *in)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < in->found.left_count && status == QUIRE_OK;
	     i++) {
		const struct compare_left *left = &in->found.left[i];
		const quire_compare_row row = {
			.node = quire_onnx_label(left->node),
			.source = left->value ? left->value->name : NULL,
			.reason = "its quantized weight cannot be converted, "
				  "and was left out",
			.verdict = QUIRE_VERDICT_ONLY_SOURCE,
		};

		status = quire_compare_add_row(in, row, NULL);
	}
	in->report->public.left = in->found.left_count;
	return status;
}

/* Reports one linear or tensor to which a node refers. */
static quire_status compare_reference(struct comparison *in,
				      struct compare_references *all)
{
	const struct compare_container container = { in->source, in->file };
	quire_compare_row row = { .node = quire_onnx_label(all->node) };
	struct compare_reference found;
	const quire_status status =
	    quire_compare_take_reference(&container, all, &found, in->error);

	if (status != QUIRE_OK)
		return status;
	row.reason = found.reason;
	row.verdict = found.reason ? QUIRE_VERDICT_DIFFERS : QUIRE_VERDICT_SAME;
	in->report->public.referred += !found.reason;
	if (found.tensor)
		in->referred[tensor_number(in, found.tensor)] = true;
	if (found.linear)
		in->linear_referred[found.linear -
				    quire_model_linear(in->file, 0)] = true;
	if (found.linear && found.linear->bias)
		in->referred[tensor_number(in, found.linear->bias)] = true;
	return quire_compare_add_row(in, row, found.tensor);
}

/* The nodes of a thin model. Their weights have no other copy to be compared
 * with. */
static quire_status compare_references(struct comparison *in)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < in->source->node_count; i++) {
		struct compare_references all =
		    quire_compare_references_of(&in->source->nodes[i]);

		while (all.taken < all.count && status == QUIRE_OK)
			status = compare_reference(in, &all);
	}
	return status;
}

/* Whether a container should have a dense tensor for the constant. */
static bool expected(const struct comparison *in, size_t number)
{
	const struct onnx_value *value = &in->source->values[number];
	quire_dtype dtype;

	return value->origin == ONNX_CONSTANT && !value->sparse &&
	       value->count > 0 &&
	       quire_compare_dense_type(value->type, &dtype) &&
	       (in->found.used_otherwise[number] ||
		!in->found.used_by_weight[number]) &&
	       (value->initializer || value->rank > 0);
}

/* Indexes the constants by name: the first one of a name, and from each the
 * next one. Goes from the last to the first. */
static quire_status index_names(struct comparison *in)
{
	for (size_t i = in->source->value_count; i-- > 0;) {
		const char *name = in->source->values[i].name;
		const size_t size = strlen(name);

		in->next[i] = SIZE_MAX;
		if (!expected(in, i))
			continue;

		size_t *head = quire_table_find(&in->names, 0, name, size);

		if (head) {
			in->next[i] = *head;
			*head = i;
			continue;
		}

		const quire_status status =
		    quire_table_add(&in->names, 0, name, size, i, in->error);

		if (status != QUIRE_OK)
			return status;
	}
	return QUIRE_OK;
}

/* Takes the first constant of a name that no tensor has taken yet. SIZE_MAX:
 * none. */
static size_t take_constant(struct comparison *in, quire_string name)
{
	size_t *head = quire_table_find(&in->names, 0, name.data, name.size);

	if (!head || *head == SIZE_MAX)
		return SIZE_MAX;

	const size_t found = *head;

	*head = in->next[found];
	in->compared[found] = true;
	return found;
}

static quire_status compare_constant(struct comparison *in,
				     const quire_tensor *tensor)
{
	const struct compare_container container = { in->source, in->file };
	const size_t number = take_constant(in, tensor->source);
	quire_compare_row row = { .verdict = QUIRE_VERDICT_ONLY_FILE };
	quire_status status = QUIRE_OK;

	if (number == SIZE_MAX)
		return in->referred[tensor_number(in, tensor)]
			   ? QUIRE_OK
			   : quire_compare_add_row(in, row, tensor);

	const struct onnx_value *value = &in->source->values[number];

	row.source = value->name;
	row.verdict = QUIRE_VERDICT_SAME;
	row.reason = quire_compare_place(&container, value, tensor);
	in->report->public.referred += row.reason == NULL;
	if (row.reason && !row.reason[0]) {
		row.reason = NULL;
		status = quire_compare_plain(value, tensor, &in->watch, &row,
					     in->error);
	}

	if (row.reason || row.different)
		row.verdict = QUIRE_VERDICT_DIFFERS;
	return status == QUIRE_OK ? quire_compare_add_row(in, row, tensor)
				  : status;
}

/* Whether the container may lack a dense tensor for the constant: of a thin
 * model it may have been an array of a weight, and now only be an output. */
static bool is_optional(const struct comparison *in, size_t number)
{
	return in->report->public.referred > 0 &&
	       in->source->values[number].output &&
	       !in->found.used_otherwise[number];
}

/* Compares the tensors that are no weights with constants, and reports the
 * constants that are left. */
static quire_status compare_rest(struct comparison *in)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < quire_model_linear_count(in->file); i++) {
		const quire_linear *linear = quire_model_linear(in->file, i);

		in->weight[tensor_number(in, linear->weight)] = true;
	}
	status = quire_compare_constant_parts(in);
	for (size_t i = 0;
	     i < quire_model_tensor_count(in->file) && status == QUIRE_OK;
	     i++) {
		const quire_tensor *tensor = quire_model_tensor(in->file, i);

		if (!in->weight[i] && tensor->operation.size == 0)
			status = compare_constant(in, tensor);
	}
	for (size_t i = 0; i < in->source->value_count && status == QUIRE_OK;
	     i++) {
		const quire_compare_row row = {
			.source = in->source->values[i].name,
			.verdict = QUIRE_VERDICT_ONLY_SOURCE,
		};

		if (expected(in, i) && !in->compared[i] && !is_optional(in, i))
			status = quire_compare_add_row(in, row, NULL);
	}
	return status;
}

static quire_status allocate(struct comparison *in)
{
	const size_t values = in->source->value_count + 1;
	const size_t tensors = quire_model_tensor_count(in->file) + 1;
	const size_t linears = quire_model_linear_count(in->file) + 1;

	in->referred = calloc(tensors, sizeof(*in->referred));
	in->linear_referred = calloc(linears, sizeof(*in->linear_referred));
	in->compared = calloc(values, sizeof(*in->compared));
	in->next = calloc(values, sizeof(*in->next));
	in->weight = calloc(tensors, sizeof(*in->weight));
	in->report = calloc(1, sizeof(*in->report));
	if (!in->compared || !in->next || !in->weight || !in->report ||
	    !in->referred || !in->linear_referred)
		return fail_memory(in);
	in->report->strings.left = UINT64_MAX;
	return quire_compare_parts_find(in->file, &in->parts, in->error);
}

quire_status quire_compare_onnx(const char *onnx_path, const char *gguf_path,
				const quire_compare_options *options,
				quire_compare_report **report,
				quire_error *error)
{
	static const quire_compare_options defaults;
	struct comparison in = { .error = error };
	quire_status status = quire_onnx_open(onnx_path, 0, &in.source, error);

	if (status == QUIRE_OK)
		status = quire_model_open(gguf_path, NULL, &in.file, error);
	if (status == QUIRE_OK)
		status = quire_compare_find_all(in.source, &in.found, error);
	if (status == QUIRE_OK)
		status = allocate(&in);
	if (status == QUIRE_OK)
		status = index_names(&in);
	if (status == QUIRE_OK)
		quire_compare_watch_start(&in, options ? options : &defaults);
	if (status == QUIRE_OK)
		status = compare_references(&in);
	if (status == QUIRE_OK)
		status = compare_weights(&in, true);
	if (status == QUIRE_OK)
		status = compare_weights(&in, false);
	if (status == QUIRE_OK)
		status = report_left(&in);
	if (status == QUIRE_OK)
		status = compare_rest(&in);
	if (status == QUIRE_OK)
		status = quire_compare_watch_end(&in.watch, error);
	if (status == QUIRE_OK)
		status = quire_onnx_check_files(in.source, error);
	if (status != QUIRE_OK)
		quire_error_name_file(error, onnx_path);
	quire_table_free(&in.names);
	quire_compare_parts_free(&in.parts);
	quire_compare_found_free(&in.found);
	free(in.compared);
	free(in.next);
	free(in.weight);
	free(in.referred);
	free(in.linear_referred);
	quire_model_close(in.file);
	quire_onnx_close(in.source);
	if (status == QUIRE_OK)
		*report = &in.report->public;
	else if (in.report)
		quire_compare_report_free(&in.report->public);
	return status;
}
