/*
 * onnx_message.c - turns one protobuf message into one entry of the model.
 * onnx_read.c walks the graphs and owns the memory.
 */
#include <string.h>

#include "base/error.h"
#include "convert/onnx/onnx_message.h"
#include "convert/onnx/onnx_private.h"

quire_status quire_message_no_memory(const struct onnx_reader *in)
{
	return quire_fail(in->error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
			  "out of memory");
}

static quire_status find_range(const struct onnx_reader *in,
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
			return quire_fail(in->error, QUIRE_ERROR_LAYOUT,
					  QUIRE_NO_OFFSET,
					  "external data has two %ss", key);
		*field = pair->value ? pair->value : "";
	}
	return QUIRE_OK;
}

static quire_status read_tensor(const struct onnx_reader *in,
				const QuireOnnx__Tensor *tensor,
				struct onnx_value *value)
{
	struct onnx_file *file = in->model->file;
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

	value->message_offset = tensor->message_offset;
	/* As skeleton.c writes it. */
	if (tensor->has_raw_offset && tensor->raw_offset <= file->size &&
	    tensor->raw_size <= file->size - tensor->raw_offset) {
		fields.has_raw = true;
		fields.raw = NULL;
		fields.file = file;
		fields.raw_offset = tensor->raw_offset;
		fields.raw_size = tensor->raw_size;
	}
	if (status == QUIRE_OK)
		status = quire_onnx_tensor(&in->model->files, &fields, value,
					   in->error);
	return status;
}

quire_status quire_message_initializer(const struct onnx_reader *in,
				       size_t scope,
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

/* Only name, type and shape of a sparse tensor are read. */
quire_status quire_message_sparse(const struct onnx_reader *in, size_t scope,
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

quire_status quire_message_input(const struct onnx_reader *in, size_t scope,
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
	dims = quire_arena_own(in->arena, value.rank, sizeof(*dims));
	if (!dims)
		return quire_message_no_memory(in);
	for (size_t i = 0; i < value.rank; i++)
		dims[i] = shape->dim[i]->has_dim_value
			      ? shape->dim[i]->dim_value
			      : -1;
	value.dims = dims;
	return quire_onnx_add_value(in->model, &value, in->error);
}

/* The tensor of a Constant node; NULL for its other attributes, which hold
 * numbers and strings of the graph, not weights. */
const QuireOnnx__Tensor *quire_message_constant(const QuireOnnx__Node *node)
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

static quire_status add_outputs(const struct onnx_reader *in, size_t scope,
				const QuireOnnx__Node *node,
				const QuireOnnx__Tensor *tensor)
{
	for (size_t i = 0; i < node->n_output; i++) {
		struct onnx_value value = {
			.scope = scope,
			.origin = ONNX_COMPUTED,
			.producer = in->model->node_count - 1,
		};
		quire_status status =
		    quire_onnx_text(node->output[i], &value.name, in->error);

		if (status == QUIRE_OK && value.name[0] == '\0')
			continue; /* an output that is not used */
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

quire_status quire_message_outputs(const struct onnx_reader *in, size_t scope,
				   const QuireOnnx__Node *node)
{
	return add_outputs(in, scope, node, NULL);
}

/* Numbers of AttributeProto.AttributeType. */
enum attribute_type {
	TYPE_FLOAT = 1,
	TYPE_INT = 2,
	TYPE_STRING = 3,
	TYPE_INTS = 7
};

/* Models of the first versions of ONNX do not state the type. */
static bool has_type(const QuireOnnx__Attribute *attribute, int32_t type,
		     bool present)
{
	return attribute->has_type ? attribute->type == type : present;
}

static void read_attribute(const QuireOnnx__Attribute *from,
			   struct onnx_attribute *to)
{
	to->is_int = from->has_i && has_type(from, TYPE_INT, true);
	to->is_float =
	    !to->is_int && from->has_f && has_type(from, TYPE_FLOAT, true);
	to->is_string = !to->is_int && !to->is_float && from->has_s &&
			has_type(from, TYPE_STRING, true);
	to->is_ints = !to->is_int && !to->is_float && !to->is_string &&
		      has_type(from, TYPE_INTS, from->n_ints > 0);
	to->i = from->i;
	to->f = from->f;
	to->ints = from->ints;
	to->int_count = from->n_ints;
	to->string = from->s.data;
	to->string_size = from->s.len;
}

quire_status quire_message_attribute(const struct onnx_reader *in,
				     const QuireOnnx__Attribute *from,
				     struct onnx_attribute *to)
{
	quire_status status = quire_onnx_text(from->name, &to->name, in->error);

	to->of_call = NULL;
	if (status == QUIRE_OK && from->ref_attr_name && from->ref_attr_name[0])
		status = quire_onnx_text(from->ref_attr_name, &to->of_call,
					 in->error);
	read_attribute(from, to);
	return status;
}

static quire_status read_attributes(const struct onnx_reader *in,
				    const QuireOnnx__Node *from,
				    struct onnx_node *node)
{
	quire_status status = QUIRE_OK;

	node->attributes = quire_arena_own(in->arena, from->n_attribute,
					   sizeof(*node->attributes));
	if (!node->attributes)
		return quire_message_no_memory(in);
	node->attribute_count = from->n_attribute;
	for (size_t i = 0; i < from->n_attribute && status == QUIRE_OK; i++)
		status = quire_message_attribute(in, from->attribute[i],
						 &node->attributes[i]);
	return status;
}

bool quire_message_has_bodies(const QuireOnnx__Function *function)
{
	for (size_t i = 0; i < function->n_node; i++)
		for (size_t j = 0; j < function->node[i]->n_attribute; j++) {
			const QuireOnnx__Attribute *attribute =
			    function->node[i]->attribute[j];

			if (attribute->has_g || attribute->n_graphs > 0)
				return true;
		}
	return false;
}

quire_status quire_message_node(const struct onnx_reader *in, size_t scope,
				const QuireOnnx__Node *from)
{
	struct onnx_node node = { .scope = scope,
				  .input_count = from->n_input,
				  .inputs = from->input,
				  .output_count = from->n_output,
				  .outputs = from->output,
				  .message_offset = from->message_offset };
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
	return add_outputs(in, scope, from, quire_message_constant(from));
}
