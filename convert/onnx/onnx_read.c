/*
 * onnx_read.c - unpacks the protobuf and walks its graphs, outermost first.
 * onnx_message.c reads each message. Does not know what nodes mean.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/grow.h"
#include "convert/onnx/onnx_message.h"
#include "convert/onnx/onnx_private.h"
#include "convert/onnx/wire.h"

/* Protobuf's own limit on a message. */
#define MAX_FILE_SIZE INT32_MAX

/* Bodies within bodies; real models stay below ten. */
#define MAX_DEPTH 64

/* Bytes that unpacking may allocate for each byte of the skeleton, in which the
 * data of weights does not count. Two bytes make an empty message, and the
 * largest message takes 208 bytes in memory; graphs of small nodes need 10. */
#define MEMORY_FACTOR  24
#define MEMORY_BASE    (UINT64_C(1) << 20)
#define MEMORY_DEFAULT (UINT64_C(1) << 30) /* at most */

struct onnx_messages {
	struct arena arena;
	bool is_capped; /* memory_max is less than its size would allow */
	ProtobufCAllocator allocator;
	QuireOnnx__Model *root;
	QuireOnnx__Graph **bodies;
	size_t body_count;
	size_t body_capacity;
};

static quire_status fail_unpack(const struct onnx_reader *in, const char *what)
{
	const struct arena *arena = &in->model->messages->arena;

	if (arena->out_of_memory)
		return quire_message_no_memory(in);
	if (arena->over_ceiling && in->model->messages->is_capped)
		return quire_fail(in->error, QUIRE_ERROR_MEMORY,
				  QUIRE_NO_OFFSET,
				  "its graph takes more than %" PRIu64
				  " bytes of memory; allow more (max_memory, "
				  "--max-memory)",
				  in->memory_max);
	if (arena->over_ceiling)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT,
				  QUIRE_NO_OFFSET,
				  "it unpacks to far more than its size");
	return quire_fail(in->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "malformed %s", what);
}

static quire_status read_graph(const struct onnx_reader *in, size_t parent,
			       const QuireOnnx__Graph *graph, int depth);

/* Whether a string field of a packed message, or of one within it, has a NUL:
 * protobuf-c would end the string there. Bodies are bytes, so the messages do
 * not recur. */
static bool has_nul(const ProtobufCMessageDescriptor *message,
		    struct wire fields)
{
	struct wire_field field;

	while (quire_wire_next(&fields, &field)) {
		const ProtobufCFieldDescriptor *known =
		    field.type == WIRE_BYTES && field.number <= UINT32_MAX
			? protobuf_c_message_descriptor_get_field(
			      message, (unsigned)field.number)
			: NULL;

		if (!known || field.size == 0)
			continue;
		if (known->type == PROTOBUF_C_TYPE_STRING &&
		    memchr(fields.window->bytes + field.at, 0,
			   (size_t)field.size))
			return true;
		if (known->type == PROTOBUF_C_TYPE_MESSAGE &&
		    has_nul(known->descriptor,
			    quire_wire_within(fields.window, &field)))
			return true;
	}
	return false;
}

static quire_status check_strings(const struct onnx_reader *in,
				  const ProtobufCMessageDescriptor *message,
				  const void *packed, size_t size)
{
	struct window *window = malloc(sizeof(*window));
	bool found;

	if (!window)
		return quire_message_no_memory(in);
	quire_window_of(window, packed, size);
	found = has_nul(message, quire_wire_all(window));
	free(window);
	if (!found)
		return QUIRE_OK;
	return quire_fail(in->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "a name or another text has a NUL");
}

/* Unpacks a body and frees its packed form at once. Otherwise a body within
 * bodies would be in memory once for each level. */
static quire_status read_body(const struct onnx_reader *in, size_t scope,
			      ProtobufCBinaryData *packed, int depth)
{
	struct onnx_messages *messages = in->model->messages;
	QuireOnnx__Graph **bodies =
	    quire_grow(messages->bodies, &messages->body_capacity,
		       messages->body_count, sizeof(*bodies));
	QuireOnnx__Graph *body;
	quire_status status;

	if (!bodies)
		return quire_message_no_memory(in);
	messages->bodies = bodies;
	if (depth >= MAX_DEPTH)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT,
				  QUIRE_NO_OFFSET, "graphs nest deeper than %d",
				  MAX_DEPTH);
	status = check_strings(in, &quire_onnx__graph__descriptor, packed->data,
			       packed->len);
	if (status != QUIRE_OK)
		return status;
	body = quire_onnx__graph__unpack(&messages->allocator, packed->len,
					 packed->data);
	if (!body)
		return fail_unpack(in, "graph in an attribute");
	bodies[messages->body_count++] = body;
	free(packed->data);
	*packed = (ProtobufCBinaryData){ 0, NULL };
	return read_graph(in, scope, body, depth + 1);
}

static quire_status read_bodies(const struct onnx_reader *in, size_t scope,
				const QuireOnnx__Node *node, int depth)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < node->n_attribute && status == QUIRE_OK; i++) {
		QuireOnnx__Attribute *attribute = node->attribute[i];

		if (attribute->has_g)
			status = read_body(in, scope, &attribute->g, depth);
		for (size_t j = 0;
		     j < attribute->n_graphs && status == QUIRE_OK; j++)
			status =
			    read_body(in, scope, &attribute->graphs[j], depth);
	}
	return status;
}

static quire_status read_nodes(const struct onnx_reader *in, size_t scope,
			       QuireOnnx__Node *const *nodes, size_t count,
			       int depth)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		status = quire_message_node(in, scope, nodes[i]);
		if (status == QUIRE_OK)
			status = read_bodies(in, scope, nodes[i], depth);
	}
	return status;
}

static quire_status read_graph(const struct onnx_reader *in, size_t parent,
			       const QuireOnnx__Graph *graph, int depth)
{
	const struct onnx_scope added = {
		.parent = parent,
		.message_offset = graph->message_offset,
	};
	size_t scope;
	quire_status status =
	    quire_onnx_add_scope(in->model, &added, &scope, in->error);

	for (size_t i = 0; i < graph->n_initializer && status == QUIRE_OK; i++)
		status =
		    quire_message_initializer(in, scope, graph->initializer[i]);
	for (size_t i = 0;
	     i < graph->n_sparse_initializer && status == QUIRE_OK; i++)
		status = quire_message_sparse(in, scope,
					      graph->sparse_initializer[i]);
	for (size_t i = 0; i < graph->n_input && status == QUIRE_OK; i++)
		status = quire_message_input(in, scope, graph->input[i]);
	if (status == QUIRE_OK)
		status =
		    read_nodes(in, scope, graph->node, graph->n_node, depth);
	for (size_t i = 0; i < graph->n_output && status == QUIRE_OK; i++)
		quire_onnx_note_output(in->model, scope,
				       graph->output[i]->name);
	return status;
}

static quire_status read_function(const struct onnx_reader *in,
				  const QuireOnnx__Function *function)
{
	const struct onnx_scope added = { .parent = ONNX_NO_SCOPE,
					  .is_function = true };
	size_t scope;
	quire_status status =
	    quire_onnx_add_scope(in->model, &added, &scope, in->error);

	for (size_t i = 0; i < function->n_input && status == QUIRE_OK; i++) {
		QuireOnnx__ValueInfo info = QUIRE_ONNX__VALUE_INFO__INIT;

		info.name = function->input[i];
		status = quire_message_input(in, scope, &info);
	}
	if (status == QUIRE_OK)
		status =
		    read_nodes(in, scope, function->node, function->n_node, 0);
	for (size_t i = 0; i < function->n_output && status == QUIRE_OK; i++)
		quire_onnx_note_output(in->model, scope, function->output[i]);
	return status;
}

static void read_opset(struct onnx_model *model, const QuireOnnx__Model *root)
{
	for (size_t i = 0; i < root->n_opset_import; i++) {
		const QuireOnnx__OperatorSet *set = root->opset_import[i];

		if (model->has_opset || (set->domain && set->domain[0] &&
					 strcmp(set->domain, "ai.onnx") != 0))
			continue;
		model->has_opset = set->has_version && set->version >= 0;
		model->opset = model->has_opset ? (uint64_t)set->version : 0;
	}
}

static quire_status read_model(const struct onnx_reader *in)
{
	struct onnx_model *model = in->model;
	const QuireOnnx__Model *root = model->messages->root;
	quire_status status;

	if (!root->graph)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT,
				  QUIRE_NO_OFFSET,
				  "not an ONNX model: it has no graph");
	read_opset(model, root);
	status =
	    quire_onnx_text(root->graph->name, &model->graph_name, in->error);
	if (status == QUIRE_OK)
		status = quire_onnx_text(root->producer_name,
					 &model->producer_name, in->error);
	if (status == QUIRE_OK)
		status = quire_onnx_text(root->producer_version,
					 &model->producer_version, in->error);
	if (status == QUIRE_OK)
		status = read_graph(in, ONNX_NO_SCOPE, root->graph, 0);
	return status == QUIRE_OK
		   ? quire_functions_read(in, root, read_function)
		   : status;
}

static quire_status open_file(const struct onnx_reader *in)
{
	const quire_status status =
	    quire_onnx_file_open(in->path, &in->model->file, in->error);

	if (status != QUIRE_OK || in->model->file->size <= MAX_FILE_SIZE)
		return status;
	return quire_fail(in->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "more than %d bytes, the limit of protobuf; keep "
			  "the weights in external data",
			  MAX_FILE_SIZE);
}

/* Weights stay where they are in the file. */
static quire_status unpack(const struct onnx_reader *in)
{
	const struct onnx_file *file = in->model->file;
	struct onnx_messages *messages = in->model->messages;
	unsigned char *skeleton;
	uint64_t limit;
	size_t size;
	quire_status status =
	    quire_skeleton_make(file, &skeleton, &size, in->error);

	if (status != QUIRE_OK)
		return status;
	/* A file has less than 2^31 bytes: no overflow. */
	limit = MEMORY_BASE + MEMORY_FACTOR * (uint64_t)size;
	messages->is_capped = limit > in->memory_max;
	messages->arena.left = messages->is_capped ? in->memory_max : limit;
	status =
	    check_strings(in, &quire_onnx__model__descriptor, skeleton, size);
	if (status == QUIRE_OK)
		messages->root = quire_onnx__model__unpack(&messages->allocator,
							   size, skeleton);
	free(skeleton);
	if (status != QUIRE_OK)
		return status;
	return messages->root ? QUIRE_OK : fail_unpack(in, "protobuf");
}

static struct onnx_messages *messages_create(void)
{
	struct onnx_messages *messages = calloc(1, sizeof(*messages));

	if (messages)
		messages->allocator =
		    (ProtobufCAllocator){ quire_arena_allocate,
					  quire_arena_release,
					  &messages->arena };
	return messages;
}

static void messages_free(struct onnx_messages *messages)
{
	if (!messages)
		return;
	for (size_t i = 0; i < messages->body_count; i++)
		quire_onnx__graph__free_unpacked(messages->bodies[i],
						 &messages->allocator);
	quire_onnx__model__free_unpacked(messages->root, &messages->allocator);
	quire_arena_free(&messages->arena);
	free(messages->bodies);
	free(messages);
}

quire_status quire_onnx_open(const char *path, uint64_t max_memory,
			     struct onnx_model **model, quire_error *error)
{
	struct onnx_model *read = calloc(1, sizeof(*read));
	struct onnx_reader in = {
		.path = path,
		.model = read,
		.memory_max = max_memory > 0 ? max_memory : MEMORY_DEFAULT,
		.error = error,
	};
	quire_status status;

	if (!read)
		return quire_message_no_memory(&in);
	read->messages = messages_create();
	if (read->messages)
		in.arena = &read->messages->arena;
	status = read->messages ? open_file(&in) : quire_message_no_memory(&in);
	if (status == QUIRE_OK)
		status = unpack(&in);
	if (status == QUIRE_OK)
		status = quire_onnx_files_init(&read->files, path, error);
	if (status == QUIRE_OK)
		status = read_model(&in);
	if (status == QUIRE_OK)
		status = quire_onnx_measure_source(read, error);
	if (status == QUIRE_OK)
		status = quire_onnx_check_cycles(read, error);
	if (status == QUIRE_OK) {
		*model = read;
		return QUIRE_OK;
	}
	quire_error_name_file(error, path);
	quire_onnx_close(read);
	return status;
}

void quire_onnx_close(struct onnx_model *model)
{
	if (!model)
		return;
	quire_table_free(&model->names);
	quire_onnx_files_free(&model->files);
	quire_onnx_file_close(model->file);
	messages_free(model->messages);
	free(model->scopes);
	free(model->values);
	free(model->nodes);
	free(model);
}
