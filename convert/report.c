/*
 * report.c - copies what a user wants to know from a plan. A report is one
 * allocation: itself, its rows, the files, and the text they point to.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/report.h"

struct report {
	quire_convert_report public; /* first: the user has its address */
	quire_convert_row rows[];
};

/* The strings of a row, in the plan; NULL: none. */
struct row_text {
	const char *node;
	const char *source;
	const char *tensor;
	const char *reason;
};

static struct row_text text_of(const struct plan_item *item)
{
	return (struct row_text){
		item->node,
		item->value->name,
		item->name,
		item->reason[0] ? item->reason : NULL,
	};
}

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Copies a text to *room, and moves *room behind it. */
static const char *copy(const char *text, char **room)
{
	char *at = *room;

	if (!text)
		return NULL;
	memcpy(at, text, size_of(text));
	*room += size_of(text);
	return at;
}

/* ------------------------------------------------------------------- roles */

/* What is known of the values and tensors of a model. */
struct uses {
	bool *gathered; /* of each value: a Gather takes rows of it */
	bool *bias;	/* of each tensor: of a linear; not owned */
};

static void mark_biases(const struct plan *plan, const struct uses *uses)
{
	for (size_t i = 0; i < plan->linear_count; i++)
		if (plan->linears[i].bias != QUIRE_NO_TENSOR)
			uses->bias[plan->linears[i].bias] = true;
}

static void mark_gathered(const struct onnx_model *model,
			  const struct uses *uses)
{
	for (size_t i = 0; i < model->node_count; i++) {
		const struct onnx_node *node = &model->nodes[i];
		const struct onnx_value *data;

		if (!quire_onnx_is(node, "Gather") || node->input_count == 0 ||
		    quire_onnx_integer(node, "axis", 0) != 0)
			continue;
		data = quire_onnx_find(model, node->scope, node->inputs[0]);
		if (data)
			uses->gathered[data - model->values] = true;
	}
}

/* Integers that may be weights of a kind that is not read have 8 bits or less;
 * shapes and indices have 32 or 64, and a zero point is a single one. */
static bool is_constant(const struct onnx_value *value)
{
	const uint32_t bits = quire_onnx_type_bits(value->type);

	return !quire_onnx_is_float(value->type) &&
	       (bits == 0 || bits > 8 || value->count <= 1);
}

static quire_role role_of(const struct plan_item *item,
			  const struct onnx_model *model,
			  const struct uses *uses)
{
	if (item->node)
		return QUIRE_ROLE_WEIGHT;
	if (item->kind == PLAN_BIAS)
		return QUIRE_ROLE_BIAS;
	if (is_constant(item->value))
		return QUIRE_ROLE_CONSTANT;
	if (item->kind != PLAN_LEFT_OUT && uses->bias[item->index])
		return QUIRE_ROLE_BIAS;
	if (!item->made && uses->gathered[item->value - model->values] &&
	    item->value->rank == 2)
		return QUIRE_ROLE_EMBEDDING;
	return QUIRE_ROLE_TENSOR;
}

/* -------------------------------------------------------------------- rows */

static void fill_row(const struct plan_item *item, quire_role role, char **room,
		     quire_convert_row *row)
{
	const struct row_text text = text_of(item);

	*row = (quire_convert_row){
		.node = copy(text.node, room),
		.source = copy(text.source, room),
		.tensor = copy(text.tensor, room),
		.reason = copy(text.reason, room),
		.outcome = item->outcome,
		.role = role,
		.dtype = item->dtype,
		.source_size = item->source_size,
		.tensor_size = item->size,
		.scale_error_max = item->scale_error_max,
		.scale_error_mean = item->scale_error_mean,
	};
}

/* Bytes of the allocation. */
static size_t total_size(const struct plan *plan, const quire_writer *writer)
{
	size_t size = sizeof(struct report) +
		      plan->item_count * sizeof(quire_convert_row);
	quire_part part;

	for (size_t i = 0; i < plan->item_count; i++) {
		const struct row_text text = text_of(&plan->items[i]);

		size += size_of(text.node) + size_of(text.source) +
			size_of(text.tensor) + size_of(text.reason);
	}
	for (size_t i = 0; writer && quire_writer_part(writer, i, &part); i++)
		size += sizeof(part) + size_of(part.path);
	return size;
}

/* The files, after the rows. Returns where text may go. */
static char *fill_parts(const quire_writer *writer, struct report *made)
{
	const size_t count = writer ? quire_writer_part_count(writer) : 0;
	quire_part *parts = (quire_part *)(made->rows + made->public.count);
	char *room = (char *)(parts + count);

	made->public.parts = parts;
	made->public.part_count = count;
	for (size_t i = 0; i < count; i++) {
		quire_writer_part(writer, i, &parts[i]);
		parts[i].path = copy(parts[i].path, &room);
		made->public.file_size += parts[i].file_size;
	}
	return room;
}

quire_status quire_report_create(const struct onnx_model *model,
				 const struct plan *plan,
				 const quire_writer *writer,
				 quire_convert_report **report,
				 quire_error *error)
{
	const size_t size = total_size(plan, writer);
	struct report *made = malloc(size);
	struct uses uses = {
		.gathered = calloc(model->value_count + plan->tensor_count + 1,
				   sizeof(bool)),
	};
	char *room;

	if (!made || !uses.gathered) {
		free(made);
		free(uses.gathered);
		return quire_fail_memory(error, size);
	}
	uses.bias = uses.gathered + model->value_count;
	made->public = (quire_convert_report){ .count = plan->item_count,
					       .left = plan->left_count,
					       .rows = made->rows };
	mark_biases(plan, &uses);
	mark_gathered(model, &uses);
	room = fill_parts(writer, made);
	for (size_t i = 0; i < plan->item_count; i++) {
		const struct plan_item *item = &plan->items[i];

		fill_row(item, role_of(item, model, &uses), &room,
			 &made->rows[i]);
		made->public.source_size += item->source_size;
		made->public.tensor_size += item->size;
	}
	free(uses.gathered);
	*report = &made->public;
	return QUIRE_OK;
}

void quire_convert_report_free(quire_convert_report *report)
{
	free(report);
}

const char *quire_outcome_name(quire_outcome outcome)
{
	switch (outcome) {
	case QUIRE_OUTCOME_EXACT:
		return "exact";
	case QUIRE_OUTCOME_FALLBACK:
		return "fallback";
	case QUIRE_OUTCOME_SKIPPED:
		return "skipped";
	case QUIRE_OUTCOME_ROUNDED:
		return "rounded";
	}
	return "unknown";
}

const char *quire_role_name(quire_role role)
{
	static const char *const names[] = {
		[QUIRE_ROLE_WEIGHT] = "weight",
		[QUIRE_ROLE_BIAS] = "bias",
		[QUIRE_ROLE_EMBEDDING] = "embedding",
		[QUIRE_ROLE_TENSOR] = "tensor",
		[QUIRE_ROLE_CONSTANT] = "constant",
	};

	return (size_t)role < sizeof(names) / sizeof(names[0]) ? names[role]
							       : "unknown";
}
