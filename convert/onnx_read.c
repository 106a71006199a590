/*
 * onnx_read.c - unpacks the protobuf and walks its graphs, outermost first;
 * the only file that sees the generated code. What the nodes mean is not
 * known here.
 */
#include "convert/onnx_read.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "convert/arena.h"
#include "convert/grow.h"
#include "convert/load_file.h"
#include "convert/onnx_tensor.h"
#include "format/error.h"
#include "onnx_subset.pb-c.h"

/* Protobuf's own limit on a message. */
#define MAX_FILE_SIZE INT32_MAX

/* Bodies within bodies; real models stay below ten. */
#define MAX_DEPTH 64

/* What unpacking may allocate for each byte of the file: two bytes of file
 * make an empty message, the largest of which takes 208 bytes in memory; real
 * models need less than 8 a byte, most of them 1. */
#define MEMORY_FACTOR 64
#define MEMORY_BASE   (UINT64_C(1) << 20)

struct onnx_messages {
	struct arena arena;
	ProtobufCAllocator allocator;
	QuireOnnx__Model *root;
	QuireOnnx__Graph **bodies;
	size_t body_count;
	size_t body_capacity;
};

struct reader {
	const char *path;
	struct onnx_model *model;
	quire_error *error;
};

static quire_status fail_memory(const struct reader *in)
{
	return quire_fail(in->error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
			  "%s: out of memory", in->path);
}

static quire_status fail_unpack(const struct reader *in, const char *what)
{
	const struct arena *arena = &in->model->messages->arena;

	if (arena->out_of_memory)
		return fail_memory(in);
	if (arena->over_ceiling)
		return quire_fail(
		    in->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
		    "%s: unpacks to far more than its size", in->path);
	return quire_fail(in->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "%s: malformed %s", in->path, what);
}

static quire_status find_range(const struct reader *in,
			       const QuireOnnx__Tensor *tensor,
			       struct onnx_fields *fields)
{
	for (size_t i = 0; i < tensor->n_external_data; i++) {
		const QuireOnnx__Pair *pair = tensor->external_data[i];
		const char *key = pair->key ? pair->key : "";
		const char **field = NULL;

		if (strcmp(key, "location") == 0)
			field = &fields->location;
		else if (strcmp(key, "offset") == 0)
			field = &fields->offset;
		else if (strcmp(key, "length") == 0)
			field = &fields->length;
		if (!field)
			continue;
		if (*field)
			return quire_fail(
			    in->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			    "%s: external data with two %ss", in->path, key);
		*field = pair->value ? pair->value : "";
	}
	return QUIRE_OK;
}

static quire_status read_tensor(const struct reader *in,
				const QuireOnnx__Tensor *tensor,
				struct onnx_value *value)
{
	struct onnx_fields fields = {
		.type = tensor->data_type,
		.rank = tensor->n_dims,
		.dims = tensor->dims,
		.segmented = tensor->has_segment,
		.has_raw = tensor->has_raw_data,
		.raw = tensor->raw_data.data,
		.raw_size = tensor->raw_data.len,
		.f32 = { tensor->float_data, tensor->n_float_data },
		.i32 = { tensor->int32_data, tensor->n_int32_data },
		.i64 = { tensor->int64_data, tensor->n_int64_data },
		.u64 = { tensor->uint64_data, tensor->n_uint64_data },
		.f64 = { tensor->double_data, tensor->n_double_data },
		.external = tensor->data_location == 1, /* EXTERNAL */
	};
	quire_status status = find_range(in, tensor, &fields);

	if (status == QUIRE_OK)
		status = quire_onnx_tensor(&in->model->files, &fields, value,
					   in->error);
	return status;
}

static quire_status read_initializer(const struct reader *in, size_t scope,
				     const QuireOnnx__Tensor *tensor)
{
	struct onnx_value value = { .scope = scope,
				    .origin = ONNX_CONSTANT,
				    .initializer = true };
	quire_status status =
	    quire_onnx_text(tensor->name, &value.name, in->error);

	if (status == QUIRE_OK)
		status = read_tensor(in, tensor, &value);
	if (status == QUIRE_OK)
		status = quire_onnx_add_value(in->model, &value, in->error);
	return status;
}

/* Of a sparse one only name, type and shape. */
static quire_status read_sparse(const struct reader *in, size_t scope,
				const QuireOnnx__SparseTensor *sparse)
{
	QuireOnnx__Tensor empty = QUIRE_ONNX__TENSOR__INIT;
	const QuireOnnx__Tensor *tensor =
	    sparse->values ? sparse->values : &empty;
	const struct onnx_fields fields = { .type = tensor->data_type,
					    .rank = sparse->n_dims,
					    .dims = sparse->dims };
	struct onnx_value value = { .scope = scope,
				    .origin = ONNX_CONSTANT,
				    .initializer = true,
				    .sparse = true };
	quire_status status =
	    quire_onnx_text(tensor->name, &value.name, in->error);

	if (status == QUIRE_OK)
		status = quire_onnx_tensor(&in->model->files, &fields, &value,
					   in->error);
	if (status == QUIRE_OK)
		status = quire_onnx_add_value(in->model, &value, in->error);
	return status;
}

static quire_status read_input(const struct reader *in, size_t scope,
			       const QuireOnnx__ValueInfo *info)
{
	const QuireOnnx__TensorType *type =
	    info->type ? info->type->tensor_type : NULL;
	const QuireOnnx__Shape *shape = type ? type->shape : NULL;
	struct onnx_value value = { .scope = scope, .origin = ONNX_INPUT };
	quire_status status =
	    quire_onnx_text(info->name, &value.name, in->error);
	int64_t *dims;

	if (status != QUIRE_OK)
		return status;
	value.type = type ? type->elem_type : 0;
	value.has_shape = shape != NULL;
	value.rank = shape ? shape->n_dim : 0;
	dims = quire_arena_own(&in->model->messages->arena, value.rank,
			       sizeof(*dims));
	if (!dims)
		return fail_memory(in);
	for (size_t i = 0; i < value.rank; i++)
		dims[i] = shape->dim[i]->has_dim_value
			      ? shape->dim[i]->dim_value
			      : -1;
	value.dims = dims;
	return quire_onnx_add_value(in->model, &value, in->error);
}

/* The tensor of a Constant node; NULL for its other spellings, which hold
 * numbers and strings of the graph rather than weights. */
static const QuireOnnx__Tensor *constant_of(const QuireOnnx__Node *node)
{
	if (!node->op_type || strcmp(node->op_type, "Constant") != 0 ||
	    (node->domain && node->domain[0]))
		return NULL;
	for (size_t i = 0; i < node->n_attribute; i++) {
		const QuireOnnx__Attribute *attribute = node->attribute[i];

		if (attribute->name && strcmp(attribute->name, "value") == 0)
			return attribute->t;
	}
	return NULL;
}

static quire_status read_outputs(const struct reader *in, size_t scope,
				 const QuireOnnx__Node *node)
{
	const QuireOnnx__Tensor *tensor = constant_of(node);

	for (size_t i = 0; i < node->n_output; i++) {
		struct onnx_value value = { .scope = scope,
					    .origin = ONNX_COMPUTED };
		quire_status status =
		    quire_onnx_text(node->output[i], &value.name, in->error);

		if (status == QUIRE_OK && value.name[0] == '\0')
			continue; /* an output that is left out */
		if (status == QUIRE_OK && tensor && i == 0) {
			value.origin = ONNX_CONSTANT;
			status = read_tensor(in, tensor, &value);
		}
		if (status == QUIRE_OK)
			status =
			    quire_onnx_add_value(in->model, &value, in->error);
		if (status != QUIRE_OK)
			return status;
	}
	return QUIRE_OK;
}

static quire_status read_attributes(const struct reader *in,
				    const QuireOnnx__Node *from,
				    struct onnx_node *node)
{
	node->attributes =
	    quire_arena_own(&in->model->messages->arena, from->n_attribute,
			    sizeof(*node->attributes));
	if (!node->attributes)
		return fail_memory(in);
	node->attribute_count = from->n_attribute;
	for (size_t i = 0; i < from->n_attribute; i++) {
		const QuireOnnx__Attribute *attribute = from->attribute[i];
		struct onnx_attribute *to = &node->attributes[i];
		quire_status status =
		    quire_onnx_text(attribute->name, &to->name, in->error);

		if (status != QUIRE_OK)
			return status;
		to->is_int = attribute->has_i &&
			     (!attribute->has_type || attribute->type == 2);
		to->i = attribute->i;
	}
	return QUIRE_OK;
}

static quire_status read_node(const struct reader *in, size_t scope,
			      const QuireOnnx__Node *from)
{
	struct onnx_node node = { .scope = scope,
				  .input_count = from->n_input,
				  .inputs = from->input,
				  .output_count = from->n_output,
				  .outputs = from->output };
	const char *input;
	quire_status status =
	    quire_onnx_text(from->op_type, &node.op_type, in->error);

	if (status == QUIRE_OK)
		status = quire_onnx_text(from->domain, &node.domain, in->error);
	if (status == QUIRE_OK)
		status = quire_onnx_text(from->name, &node.name, in->error);
	for (size_t i = 0; i < from->n_input && status == QUIRE_OK; i++)
		status = quire_onnx_text(from->input[i], &input, in->error);
	if (status == QUIRE_OK)
		status = read_attributes(in, from, &node);
	if (status != QUIRE_OK)
		return status;
	status = quire_onnx_add_node(in->model, &node, in->error);
	if (status != QUIRE_OK)
		return status;
	return read_outputs(in, scope, from);
}

static quire_status read_graph(const struct reader *in, size_t parent,
			       const QuireOnnx__Graph *graph, int depth);

/* Unpacks a body and frees its packed form at once: else a body in a body in
 * a body would be held once for each level. */
static quire_status read_body(const struct reader *in, size_t scope,
			      ProtobufCBinaryData *packed, int depth)
{
	struct onnx_messages *messages = in->model->messages;
	QuireOnnx__Graph **bodies =
	    quire_grow(messages->bodies, &messages->body_capacity,
		       messages->body_count, sizeof(*bodies));
	QuireOnnx__Graph *body;

	if (!bodies)
		return fail_memory(in);
	messages->bodies = bodies;
	if (depth >= MAX_DEPTH)
		return quire_fail(
		    in->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
		    "%s: graphs nest deeper than %d", in->path, MAX_DEPTH);
	body = quire_onnx__graph__unpack(&messages->allocator, packed->len,
					 packed->data);
	if (!body)
		return fail_unpack(in, "graph in an attribute");
	bodies[messages->body_count++] = body;
	free(packed->data);
	*packed = (ProtobufCBinaryData){ 0, NULL };
	return read_graph(in, scope, body, depth + 1);
}

static quire_status read_bodies(const struct reader *in, size_t scope,
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

static quire_status read_nodes(const struct reader *in, size_t scope,
			       QuireOnnx__Node *const *nodes, size_t count,
			       int depth)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		status = read_node(in, scope, nodes[i]);
		if (status == QUIRE_OK)
			status = read_bodies(in, scope, nodes[i], depth);
	}
	return status;
}

static quire_status read_graph(const struct reader *in, size_t parent,
			       const QuireOnnx__Graph *graph, int depth)
{
	size_t scope;
	quire_status status =
	    quire_onnx_add_scope(in->model, parent, &scope, in->error);

	for (size_t i = 0; i < graph->n_initializer && status == QUIRE_OK; i++)
		status = read_initializer(in, scope, graph->initializer[i]);
	for (size_t i = 0;
	     i < graph->n_sparse_initializer && status == QUIRE_OK; i++)
		status = read_sparse(in, scope, graph->sparse_initializer[i]);
	for (size_t i = 0; i < graph->n_input && status == QUIRE_OK; i++)
		status = read_input(in, scope, graph->input[i]);
	if (status == QUIRE_OK)
		status =
		    read_nodes(in, scope, graph->node, graph->n_node, depth);
	return status;
}

static quire_status read_function(const struct reader *in,
				  const QuireOnnx__Function *function)
{
	size_t scope;
	quire_status status =
	    quire_onnx_add_scope(in->model, ONNX_NO_SCOPE, &scope, in->error);

	for (size_t i = 0; i < function->n_input && status == QUIRE_OK; i++) {
		QuireOnnx__ValueInfo info = QUIRE_ONNX__VALUE_INFO__INIT;

		info.name = function->input[i];
		status = read_input(in, scope, &info);
	}
	if (status == QUIRE_OK)
		status =
		    read_nodes(in, scope, function->node, function->n_node, 0);
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

static quire_status read_model(const struct reader *in)
{
	struct onnx_model *model = in->model;
	const QuireOnnx__Model *root = model->messages->root;
	quire_status status;

	if (!root->graph)
		return quire_fail(
		    in->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
		    "%s: not an ONNX model, it has no graph", in->path);
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
	for (size_t i = 0; i < root->n_functions && status == QUIRE_OK; i++)
		status = read_function(in, root->functions[i]);
	return status;
}

static quire_status unpack(const struct reader *in)
{
	struct onnx_messages *messages = in->model->messages;
	unsigned char *bytes;
	size_t size;
	quire_status status =
	    quire_load_file(in->path, MAX_FILE_SIZE, &bytes, &size, in->error);

	if (status != QUIRE_OK)
		return status;
	in->model->xxh3 = XXH3_64bits(bytes, size);
	messages->arena.left = MEMORY_BASE + MEMORY_FACTOR * (uint64_t)size;
	messages->root =
	    quire_onnx__model__unpack(&messages->allocator, size, bytes);
	free(bytes);
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

quire_status quire_onnx_open(const char *path, struct onnx_model **model,
			     quire_error *error)
{
	struct onnx_model *read = calloc(1, sizeof(*read));
	const struct reader in = { path, read, error };
	quire_status status;

	if (!read)
		return fail_memory(&in);
	read->messages = messages_create();
	status = read->messages ? unpack(&in) : fail_memory(&in);
	if (status == QUIRE_OK)
		status = quire_onnx_files_init(&read->files, path, error);
	if (status == QUIRE_OK)
		status = read_model(&in);
	if (status == QUIRE_OK)
		*model = read;
	else
		quire_onnx_close(read);
	return status;
}

void quire_onnx_close(struct onnx_model *model)
{
	if (!model)
		return;
	quire_table_free(&model->names);
	quire_onnx_files_free(&model->files);
	messages_free(model->messages);
	free(model->parents);
	free(model->values);
	free(model->nodes);
	free(model);
}
