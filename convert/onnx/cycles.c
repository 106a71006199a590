/*
 * cycles.c - removes nodes whose inputs are all present, until there is none
 * left. The nodes that remain are in a cycle or depend on one. The order in the
 * file does not matter: exporters disagree about it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/onnx/onnx_private.h"

/* An input of a node that is the output of another, or of itself. */
struct edge {
	size_t to;
	size_t next; /* from the same node; SIZE_MAX: none */
};

struct sorter {
	const struct onnx_model *model;
	size_t *producer;   /* of each value; SIZE_MAX: no node */
	struct edge *edges; /* one for each input that has a producer */
	size_t *first;	    /* of each node: its first edge, or SIZE_MAX */
	size_t *waiting;    /* of each node: inputs that are not present yet */
	size_t *ready;	    /* nodes that wait for nothing; a stack */
	size_t ready_count;
};

static const struct onnx_value *input_of(const struct sorter *in,
					 const struct onnx_node *node,
					 size_t input)
{
	const char *name = node->inputs[input];

	return name[0] ? quire_onnx_find(in->model, node->scope, name) : NULL;
}

static void find_producers(const struct sorter *in)
{
	const struct onnx_model *model = in->model;

	for (size_t i = 0; i < model->value_count; i++)
		in->producer[i] = SIZE_MAX;
	for (size_t i = 0; i < model->node_count; i++) {
		const struct onnx_node *node = &model->nodes[i];

		for (size_t at = 0; at < node->output_count; at++) {
			const char *name = node->outputs[at];
			const size_t *number =
			    name ? quire_table_find(&model->names, node->scope,
						    name, strlen(name))
				 : NULL;

			if (number)
				in->producer[*number] = i;
		}
	}
}

static void find_edges(const struct sorter *in)
{
	const struct onnx_model *model = in->model;
	size_t count = 0;

	for (size_t i = 0; i < model->node_count; i++)
		in->first[i] = SIZE_MAX;
	for (size_t i = 0; i < model->node_count; i++) {
		const struct onnx_node *node = &model->nodes[i];

		for (size_t at = 0; at < node->input_count; at++) {
			const struct onnx_value *value = input_of(in, node, at);
			const size_t from =
			    value ? in->producer[value - model->values]
				  : SIZE_MAX;

			if (from == SIZE_MAX)
				continue;
			in->edges[count] = (struct edge){ i, in->first[from] };
			in->first[from] = count++;
			in->waiting[i]++;
		}
	}
}

/* Returns how many nodes were removed. */
static size_t take_ready(struct sorter *in)
{
	size_t taken = 0;

	for (size_t i = 0; i < in->model->node_count; i++)
		if (in->waiting[i] == 0)
			in->ready[in->ready_count++] = i;
	for (; in->ready_count > 0; taken++) {
		const size_t node = in->ready[--in->ready_count];

		for (size_t at = in->first[node]; at != SIZE_MAX;
		     at = in->edges[at].next)
			if (--in->waiting[in->edges[at].to] == 0)
				in->ready[in->ready_count++] = in->edges[at].to;
	}
	return taken;
}

/* A node that remains and computes an input of this one; there is one. */
static size_t step_back(const struct sorter *in, size_t node, size_t *input)
{
	const struct onnx_node *from = &in->model->nodes[node];

	for (size_t at = 0; at < from->input_count; at++) {
		const struct onnx_value *value = input_of(in, from, at);
		const size_t producer =
		    value ? in->producer[value - in->model->values] : SIZE_MAX;

		if (producer != SIZE_MAX && in->waiting[producer] > 0) {
			*input = at;
			return producer;
		}
	}
	return node;
}

/* Steps back from any node that remains until it meets a node for the second
 * time: that node is in a cycle. */
static quire_status fail_cycle(const struct sorter *in, quire_error *error)
{
	size_t *const seen = in->ready; /* no longer a stack */
	const struct onnx_node *node;
	size_t at = 0;
	size_t input = 0;

	memset(seen, 0, in->model->node_count * sizeof(*seen));
	while (in->waiting[at] == 0)
		at++;
	while (!seen[at]) {
		seen[at] = 1;
		at = step_back(in, at, &input);
	}
	(void)step_back(in, at, &input);
	node = &in->model->nodes[at];
	return quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "node '%s' (%s): its input '%s' depends on its own "
			  "output",
			  quire_onnx_label(node), node->op_type,
			  node->inputs[input]);
}

static size_t input_count(const struct onnx_model *model)
{
	size_t count = 0;

	for (size_t i = 0; i < model->node_count; i++)
		count += model->nodes[i].input_count;
	return count;
}

quire_status quire_onnx_check_cycles(const struct onnx_model *model,
				     quire_error *error)
{
	struct sorter in = { .model = model };
	const size_t nodes = model->node_count + 1;
	quire_status status = QUIRE_OK;

	in.producer = calloc(model->value_count + 1, sizeof(*in.producer));
	in.edges = calloc(input_count(model) + 1, sizeof(*in.edges));
	in.first = calloc(nodes, sizeof(*in.first));
	in.waiting = calloc(nodes, sizeof(*in.waiting));
	in.ready = calloc(nodes, sizeof(*in.ready));
	if (!in.producer || !in.edges || !in.first || !in.waiting ||
	    !in.ready) {
		status = quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				    "out of memory");
		goto out;
	}
	find_producers(&in);
	find_edges(&in);
	if (take_ready(&in) < model->node_count)
		status = fail_cycle(&in, error);
out:
	free(in.producer);
	free(in.edges);
	free(in.first);
	free(in.waiting);
	free(in.ready);
	return status;
}
