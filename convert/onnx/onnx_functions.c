/*
 * onnx_functions.c - the functions of a model. Most of them are read once, as
 * they stand. A function that is called with a quantized weight gets its nodes
 * once for each such call instead, as ONNX Runtime inlines them: only there is
 * it known which constants the nodes have. Such nodes are in a scope of the
 * call, where the function's inputs are the values of the caller. The constants
 * of the function itself are those of its first call.
 *
 * Must not know what nodes mean. Leaves a function alone whose nodes have
 * bodies.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/onnx/onnx_message.h"
#include "convert/onnx/onnx_private.h"

/* How many names calls may add: each node, input and output is one. The calls
 * of real models repeat a layer as often as there are layers. */
#define NAMES_MIN    ((size_t)1 << 16)
#define NAMES_FACTOR 64

/* Bytes that one may take: a value, its place in the table of names, and room
 * for twice as many when these grow. */
#define NAME_SIZE 512

/* The most attributes of a call, and of a function: they are searched. */
#define ATTRIBUTES_MAX 256

struct function {
	const QuireOnnx__Function *message;
	bool is_open;	/* to calls: no other one has its name, no bodies */
	bool is_read;	/* once, or at a first call */
	size_t names;	/* that a call adds */
	size_t calls;	/* in functions that have not been read */
	bool is_called; /* it was read at a call */
	size_t scope;	/* of the first call */
	size_t first;	/* node of the first call */
};

struct functions {
	const struct onnx_reader *in;
	function_read_fn read;
	struct function *items;
	size_t count;
	struct table domains; /* to numbers */
	struct table by_name; /* in the scope of a domain's number */
	size_t *ready;	      /* functions that no function calls; a stack */
	size_t ready_count;
	size_t left;	/* names of 32 bytes that calls may still add */
	bool is_capped; /* by memory_max */
};

/* ------------------------------------------------------------------- names */

static const char *text_of(const char *text)
{
	return text ? text : "";
}

/* The function that an operator of this name is, or NULL. */
static struct function *find(const struct functions *all, const char *domain,
			     const char *name)
{
	const size_t *scope =
	    quire_table_find(&all->domains, 0, domain, strlen(domain));
	const size_t *found =
	    scope ? quire_table_find(&all->by_name, *scope, name, strlen(name))
		  : NULL;

	return found ? &all->items[*found] : NULL;
}

/* Adds the calls in the nodes of a function, or takes them off. */
static void count_calls(struct functions *all, const struct function *function,
			bool add)
{
	for (size_t i = 0; i < function->message->n_node; i++) {
		const QuireOnnx__Node *node = function->message->node[i];
		struct function *called =
		    find(all, text_of(node->domain), text_of(node->op_type));

		if (!called)
			continue;
		called->calls += add ? 1 : SIZE_MAX;
		if (!add && called->calls == 0)
			all->ready[all->ready_count++] =
			    (size_t)(called - all->items);
	}
}

/* They are in the file, so their number cannot overflow. */
static size_t count_names(const QuireOnnx__Function *function)
{
	size_t names = 1 + function->n_input + function->n_output;

	for (size_t i = 0; i < function->n_node; i++)
		names += 1 + function->node[i]->n_input +
			 function->node[i]->n_output;
	return names;
}

/* Operators that the converter knows stay operators. */
static bool is_known(const char *domain)
{
	return domain[0] == '\0' || strcmp(domain, "ai.onnx") == 0 ||
	       strcmp(domain, "com.microsoft") == 0;
}

static quire_status index_function(struct functions *all, size_t number)
{
	struct function *function = &all->items[number];
	const char *domain = text_of(function->message->domain);
	const char *name = text_of(function->message->name);
	struct function *other = find(all, domain, name);
	const size_t *scope =
	    quire_table_find(&all->domains, 0, domain, strlen(domain));
	const size_t own = scope ? *scope : number;

	if (other) {
		other->is_open = false;
		return QUIRE_OK;
	}
	function->is_open =
	    !is_known(domain) && !quire_message_has_bodies(function->message) &&
	    function->message->n_attribute_proto <= ATTRIBUTES_MAX;
	if (!scope && quire_table_add(&all->domains, 0, domain, strlen(domain),
				      own, all->in->error) != QUIRE_OK)
		return QUIRE_ERROR_MEMORY;
	return quire_table_add(&all->by_name, own, name, strlen(name), number,
			       all->in->error);
}

static quire_status index_all(struct functions *all,
			      const QuireOnnx__Model *root)
{
	quire_status status = QUIRE_OK;
	size_t names = 0;

	for (size_t i = 0; i < all->in->model->node_count; i++)
		names += 1 + all->in->model->nodes[i].input_count;
	for (size_t i = 0; i < all->count; i++) {
		all->items[i].message = root->functions[i];
		all->items[i].names = count_names(root->functions[i]);
		names += all->items[i].names;
	}
	all->left = NAMES_MIN + NAMES_FACTOR * names;
	all->is_capped = all->left > all->in->memory_max / NAME_SIZE;
	if (all->is_capped)
		all->left = (size_t)(all->in->memory_max / NAME_SIZE);
	for (size_t i = 0; i < all->count && status == QUIRE_OK; i++)
		status = index_function(all, i);
	if (status != QUIRE_OK)
		return status;
	for (size_t i = 0; i < all->count; i++)
		count_calls(all, &all->items[i], true);
	for (size_t i = all->count; i-- > 0;)
		if (all->items[i].calls == 0)
			all->ready[all->ready_count++] = i;
	return QUIRE_OK;
}

/* ------------------------------------------------------------------- calls */

/* A call while its nodes are added. */
struct call {
	const struct onnx_reader *in;
	const struct function *function;
	struct onnx_node node;
	size_t scope;
	struct table absent; /* inputs of the function that it does not give */
};

/* Whether an input has the codes of a quantized weight: small integers in two
 * dimensions or more. */
static bool passes_weight(const struct onnx_model *model,
			  const struct onnx_node *node)
{
	for (size_t i = 0; i < node->input_count; i++) {
		const struct onnx_value *value =
		    quire_onnx_find(model, node->scope, node->inputs[i]);

		if (value && value->origin == ONNX_CONSTANT && !value->sparse &&
		    value->rank >= 2 && !quire_onnx_is_float(value->type) &&
		    (quire_onnx_type_bits(value->type) - 1) < 8)
			return true;
	}
	return false;
}

/* Has the name of an input mean the caller's value. */
static quire_status bind_input(struct call *call, size_t number)
{
	struct onnx_model *model = call->in->model;
	const char *argument =
	    number < call->node.input_count ? call->node.inputs[number] : "";
	const struct onnx_value *value =
	    quire_onnx_find(model, call->node.scope, argument);
	QuireOnnx__ValueInfo info = QUIRE_ONNX__VALUE_INFO__INIT;
	const char *name;
	quire_status status = quire_onnx_text(
	    call->function->message->input[number], &name, call->in->error);

	if (status != QUIRE_OK)
		return status;
	if (quire_table_find(&model->names, call->scope, name, strlen(name)) ||
	    quire_table_find(&call->absent, 0, name, strlen(name)))
		return quire_fail(
		    call->in->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
		    "two inputs of a function are named '%s'", name);
	if (argument[0] == '\0')
		return quire_table_add(&call->absent, 0, name, strlen(name), 0,
				       call->in->error);
	info.name = call->function->message->input[number];
	return value ? quire_table_add(
			   &model->names, call->scope, name, strlen(name),
			   (size_t)(value - model->values), call->in->error)
		     : quire_message_input(call->in, call->scope, &info);
}

/* "call/node", so that nodes of different calls have different names. */
static quire_status bind_name(const struct call *call, struct onnx_node *node)
{
	const size_t size = strlen(call->node.name) + 1;
	char *name;

	if (node->name[0] == '\0' || size == 1)
		return QUIRE_OK;
	name =
	    quire_arena_own(call->in->arena, size + strlen(node->name) + 1, 1);
	if (!name)
		return quire_message_no_memory(call->in);
	memcpy(name, call->node.name, size - 1);
	name[size - 1] = '/';
	memcpy(name + size, node->name, strlen(node->name) + 1);
	node->name = name;
	return QUIRE_OK;
}

/* An input that the call does not give is absent in the node, too. */
static quire_status bind_inputs(const struct call *call, struct onnx_node *node)
{
	char **inputs = NULL;

	for (size_t i = 0; i < node->input_count; i++) {
		const char *name = node->inputs[i];

		if (!quire_table_find(&call->absent, 0, name, strlen(name)))
			continue;
		if (!inputs) {
			inputs =
			    quire_arena_own(call->in->arena, node->input_count,
					    sizeof(*inputs));
			if (!inputs)
				return quire_message_no_memory(call->in);
			memcpy(inputs, node->inputs,
			       node->input_count * sizeof(*inputs));
		}
		inputs[i] += strlen(name); /* "" */
	}
	if (inputs)
		node->inputs = inputs;
	return QUIRE_OK;
}

/* Gives an attribute the value of the call's, or else of the function's. False:
 * there is none, and the node does not have the attribute. */
static bool find_attribute(const struct call *call,
			   struct onnx_attribute *attribute,
			   quire_status *status)
{
	const QuireOnnx__Function *message = call->function->message;
	const struct onnx_attribute *given =
	    quire_onnx_attribute(&call->node, attribute->of_call);
	const char *const name = attribute->name;
	size_t i = 0;

	while (!given && i < message->n_attribute_proto &&
	       strcmp(text_of(message->attribute_proto[i]->name),
		      attribute->of_call) != 0)
		i++;
	if (given)
		*attribute = *given;
	else if (i < message->n_attribute_proto)
		*status = quire_message_attribute(
		    call->in, message->attribute_proto[i], attribute);
	attribute->name = name;
	return given || i < message->n_attribute_proto;
}

/* A node that refers to attributes of the call gets attributes of its own. */
static quire_status bind_attributes(const struct call *call,
				    const QuireOnnx__Node *message,
				    struct onnx_node *node)
{
	quire_status status = QUIRE_OK;
	struct onnx_attribute *own;
	size_t refers = 0;

	for (size_t i = 0; i < message->n_attribute; i++)
		refers += text_of(message->attribute[i]->ref_attr_name)[0] != 0;
	if (refers == 0)
		return QUIRE_OK;
	own = quire_arena_own(call->in->arena, message->n_attribute,
			      sizeof(*own));
	if (!own)
		return quire_message_no_memory(call->in);
	node->attributes = own;
	node->attribute_count = 0;
	for (size_t i = 0; i < message->n_attribute && status == QUIRE_OK;
	     i++) {
		status = quire_message_attribute(call->in,
						 message->attribute[i], own);
		if (status != QUIRE_OK ||
		    (own->of_call && !find_attribute(call, own, &status)))
			continue;
		own++;
		node->attribute_count++;
	}
	return status;
}

/* A constant of the function is that of its first call. */
static quire_status bind_constant(const struct call *call,
				  const QuireOnnx__Node *message)
{
	struct onnx_model *model = call->in->model;
	const char *name = message->n_output ? message->output[0] : "";
	const size_t *value = quire_table_find(
	    &model->names, call->function->scope, name, strlen(name));

	if (name[0] == '\0' || !value)
		return QUIRE_OK;
	return quire_table_add(&model->names, call->scope, name, strlen(name),
			       *value, call->in->error);
}

/* Adds a node of the function: at the first call from its message, then from
 * that of the first call. */
static quire_status add_node(const struct call *call, size_t number)
{
	const QuireOnnx__Node *message = call->function->message->node[number];
	const bool is_first = call->scope == call->function->scope;
	struct onnx_model *model = call->in->model;
	struct onnx_node node;
	quire_status status;

	if (!is_first && quire_message_constant(message))
		return bind_constant(call, message);
	if (is_first) {
		status = quire_message_node(call->in, call->scope, message);
		if (status != QUIRE_OK)
			return status;
		node = model->nodes[model->node_count - 1];
	} else {
		node = model->nodes[call->function->first + number];
		node.scope = call->scope;
		node.expanded = false;
		node.inputs = message->input;
		node.name = text_of(message->name);
	}
	status = bind_name(call, &node);
	if (status == QUIRE_OK)
		status = bind_inputs(call, &node);
	if (status == QUIRE_OK)
		status = bind_attributes(call, message, &node);
	if (status == QUIRE_OK && is_first)
		model->nodes[model->node_count - 1] = node;
	else if (status == QUIRE_OK)
		status = quire_onnx_add_node(model, &node, call->in->error);
	return status == QUIRE_OK && !is_first
		   ? quire_message_outputs(call->in, call->scope, message)
		   : status;
}

static quire_status add_nodes(struct functions *all, struct function *function,
			      struct call *call)
{
	const QuireOnnx__Function *message = function->message;
	struct onnx_model *model = all->in->model;
	const struct onnx_scope scope = { .parent = ONNX_NO_SCOPE,
					  .is_function = true };
	quire_status status =
	    quire_onnx_add_scope(model, &scope, &call->scope, all->in->error);

	if (status == QUIRE_OK && !function->is_called) {
		function->is_called = true;
		function->scope = call->scope;
		function->first = model->node_count;
	}
	for (size_t i = 0; i < message->n_input && status == QUIRE_OK; i++)
		status = bind_input(call, i);
	for (size_t i = 0; i < message->n_node && status == QUIRE_OK; i++)
		status = add_node(call, i);
	for (size_t i = 0; i < message->n_output && status == QUIRE_OK; i++)
		quire_onnx_note_output(model, call->scope, message->output[i]);
	return status;
}

/* Adds the nodes of a call, if the node with that number is one that passes a
 * weight. */
static quire_status take_node(struct functions *all, size_t number)
{
	const struct onnx_node *node = &all->in->model->nodes[number];
	struct function *function = find(all, node->domain, node->op_type);
	struct call call = { .in = all->in,
			     .function = function,
			     .node = *node };
	const size_t length = 1 + strlen(node->name) / 32; /* of a new name */
	quire_status status;

	if (!function || !function->is_open ||
	    (function->is_read && !function->is_called) ||
	    node->attribute_count > ATTRIBUTES_MAX ||
	    !passes_weight(all->in->model, node))
		return QUIRE_OK;
	if (function->names > all->left / length)
		return quire_fail(
		    all->in->error,
		    all->is_capped ? QUIRE_ERROR_MEMORY
				   : QUIRE_ERROR_UNSUPPORTED,
		    QUIRE_NO_OFFSET,
		    "calls of functions make too many nodes%s: node '%s' (%s)",
		    all->is_capped ? "; allow more (max_memory, --max-memory)"
				   : "",
		    quire_onnx_label(node), node->op_type);
	all->left -= function->names * length;
	status = add_nodes(all, function, &call);
	quire_table_free(&call.absent);
	all->in->model->nodes[number].expanded = true;
	if (!function->is_read)
		count_calls(all, function, false);
	function->is_read = true;
	return status;
}

/* --------------------------------------------------------------------- all */

/* A function that has not been read, if possible one that no other calls; NULL:
 * none. */
static struct function *next_unread(struct functions *all, size_t *cursor)
{
	while (all->ready_count > 0 || *cursor < all->count) {
		const size_t number = all->ready_count > 0
					  ? all->ready[--all->ready_count]
					  : (*cursor)++;

		if (!all->items[number].is_read)
			return &all->items[number];
	}
	return NULL;
}

static quire_status read_all(struct functions *all)
{
	quire_status status = QUIRE_OK;
	struct function *function;
	size_t cursor = 0;
	size_t at = 0;

	for (;;) {
		for (; at < all->in->model->node_count && status == QUIRE_OK;
		     at++)
			status = take_node(all, at);
		if (status != QUIRE_OK)
			return status;
		function = next_unread(all, &cursor);
		if (!function)
			return QUIRE_OK;
		count_calls(all, function, false);
		function->is_read = true;
		status = all->read(all->in, function->message);
	}
}

quire_status quire_functions_read(const struct onnx_reader *in,
				  const QuireOnnx__Model *root,
				  function_read_fn read)
{
	struct functions all = { .in = in,
				 .read = read,
				 .count = root->n_functions };
	quire_status status;

	if (all.count == 0)
		return QUIRE_OK;
	all.items = calloc(all.count, sizeof(*all.items));
	/* Each becomes ready once. */
	all.ready = calloc(all.count, sizeof(*all.ready));
	status = all.items && all.ready ? index_all(&all, root)
					: quire_message_no_memory(in);
	if (status == QUIRE_OK)
		status = read_all(&all);
	quire_table_free(&all.domains);
	quire_table_free(&all.by_name);
	free(all.items);
	free(all.ready);
	return status;
}
