/*
 * custom_op.c - the container of a custom op's node, and shapes of outputs.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnxruntime/custom_op.h"

int64_t quire_op_int(const OrtApi *api, const OrtKernelInfo *info,
		     const char *name, int64_t absent)
{
	int64_t value;

	return quire_ort_ignore(
		   api, api->KernelInfoGetAttribute_int64(info, name, &value))
		   ? value
		   : absent;
}

/* ----------------------------------------------------------- the container */

/* The constant input with the container's bytes; NULL: the node has none. */
static quire_status find_input(const OrtApi *api, const OrtKernelInfo *info,
			       const OrtValue **value, quire_error *error)
{
	size_t count = 0;
	size_t size = 0;
	int constant = 0;

	*value = NULL;
	if (!quire_ort_ignore(api,
			      api->KernelInfo_GetInputCount(info, &count)) ||
	    count <= QUIRE_OP_CONTAINER_INPUT)
		return QUIRE_OK;
	/* The size counts the final zero byte: an absent input is "". */
	quire_ort_ignore(api, api->KernelInfo_GetInputName(
				  info, QUIRE_OP_CONTAINER_INPUT, NULL, &size));
	if (size <= 1)
		return QUIRE_OK;
	if (quire_ort_ignore(
		api, api->KernelInfoGetConstantInput_tensor(
			 info, QUIRE_OP_CONTAINER_INPUT, &constant, value)) &&
	    constant && *value)
		return QUIRE_OK;
	return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			  "the input with the container is not a constant of "
			  "the node's own graph; name the file with attribute "
			  "'container' instead");
}

static quire_status open_input(const OrtApi *api, const OrtValue *value,
			       struct container **container, quire_error *error)
{
	OrtTensorTypeAndShapeInfo *info = NULL;
	const void *data = NULL;
	size_t size = 0;
	bool read =
	    quire_ort_ignore(api, api->GetTensorTypeAndShape(value, &info));

	if (read) {
		read = quire_ort_ignore(
		    api, api->GetTensorShapeElementCount(info, &size));
		api->ReleaseTensorTypeAndShapeInfo(info);
	}
	if (!read || !quire_ort_ignore(api, quire_ort_data(api, value, &data)))
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "the input with the container cannot be "
				  "read");
	return quire_ort_container_open_memory(data, size, container, error);
}

static quire_status open_file(const struct custom_op *op, const char *path,
			      struct container **container, quire_error *error)
{
	static const quire_open_options defaults;
	char *joined = NULL;
	quire_status status;

	if (path[0] != '/' && op->folder[0]) {
		joined = quire_ort_text("%s/%s", op->folder, path);
		if (!joined)
			return quire_fail_memory(error, strlen(path));
	}
	status = quire_ort_container_open(joined ? joined : path, &defaults,
					  container, error);
	free(joined);
	return status;
}

static quire_status open_container(const struct custom_op *op,
				   const OrtKernelInfo *info,
				   struct container **container,
				   quire_error *error)
{
	char *path = quire_ort_string(op->api, info, "container");
	char *header = quire_ort_string(op->api, info, "header_xxh3");
	const OrtValue *value;
	struct container *opened = NULL;
	quire_status status = find_input(op->api, info, &value, error);

	if (status != QUIRE_OK)
		goto out;
	if (value)
		status = open_input(op->api, value, &opened, error);
	else if (path)
		status = open_file(op, path, &opened, error);
	else
		status =
		    quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			       "it has neither an input with the "
			       "container nor attribute 'container'");
	if (status == QUIRE_OK && header)
		status = quire_ort_container_check(opened, header, error);
	if (status == QUIRE_OK)
		*container = opened;
	else
		quire_ort_container_release(opened);
out:
	free(header);
	free(path);
	return status;
}

/* --------------------------------------------------------------- the kernel */

void quire_op_kernel_free(struct op_kernel *kernel)
{
	quire_ort_container_release(kernel->container);
	free(kernel->node);
	free(kernel);
}

OrtStatus *quire_op_kernel_make(const struct custom_op *op,
				const OrtKernelInfo *info, size_t size,
				void **kernel)
{
	struct op_kernel *made = calloc(1, size);
	quire_error error = { 0 };
	OrtStatus *failure;

	if (made)
		made->node = quire_ort_node_name(op->api, info);
	if (!made || !made->node) {
		free(made);
		return quire_ort_status(op->api, ORT_FAIL, "out of memory");
	}
	made->api = op->api;
	if (open_container(op, info, &made->container, &error) == QUIRE_OK) {
		*kernel = made;
		return NULL;
	}
	failure = quire_ort_failure(op->api, made->node, &error);
	quire_op_kernel_free(made);
	return failure;
}

/* ------------------------------------------------------------ output shapes */

/* A dimension that is not known needs a name: without one ONNX Runtime would
 * take it for -1. No two may have the same one. */
static void name_unknown(struct input_shape *shape)
{
	static atomic_uint made;

	for (size_t i = 0; i < shape->rank; i++) {
		if (shape->dims[i] >= 0 ||
		    (shape->names[i] && shape->names[i][0]))
			continue;
		snprintf(shape->made_up[i], sizeof(shape->made_up[i]),
			 "quire_unknown_%u", atomic_fetch_add(&made, 1));
		shape->names[i] = shape->made_up[i];
	}
}

bool quire_op_input_shape(const OrtApi *api,
			  const OrtShapeInferContext *context,
			  struct input_shape *shape)
{
	OrtTensorTypeAndShapeInfo *info = NULL;
	size_t count;
	bool known;

	if (!quire_ort_ignore(api, api->ShapeInferContext_GetInputTypeShape(
				       context, 0, &info)) ||
	    !quire_ort_ignore(api,
			      api->GetTensorElementType(info, &shape->type)) ||
	    !quire_ort_ignore(api, api->GetDimensionsCount(info, &count)) ||
	    count == 0) /* a scalar, or no shape: both look the same */
		return false;
	shape->rank = count;
	shape->dims = calloc(count + 1, sizeof(*shape->dims));
	shape->names = calloc(count + 1, sizeof(*shape->names));
	shape->made_up = calloc(count + 1, sizeof(*shape->made_up));
	known = shape->dims && shape->names && shape->made_up &&
		quire_ort_ignore(
		    api, api->GetDimensions(info, shape->dims, count)) &&
		quire_ort_ignore(
		    api, api->GetSymbolicDimensions(info, shape->names, count));
	if (known)
		name_unknown(shape);
	else
		quire_op_input_shape_free(shape);
	return known;
}

void quire_op_input_shape_free(struct input_shape *shape)
{
	free(shape->dims);
	free(shape->names);
	free(shape->made_up);
}

void quire_op_output_shape(const OrtApi *api, OrtShapeInferContext *context,
			   struct input_shape *shape, size_t output,
			   ONNXTensorElementDataType type, int64_t last,
			   bool append)
{
	const size_t rank = shape->rank + append;
	OrtTensorTypeAndShapeInfo *info = NULL;
	const int64_t dim = shape->dims[rank - 1];
	const char *name = shape->names[rank - 1];

	if (!quire_ort_ignore(api, api->CreateTensorTypeAndShapeInfo(&info)))
		return;
	shape->dims[rank - 1] = last;
	shape->names[rank - 1] = "";
	/* Without a shape the op works as well, so that failures are let go. */
	if (quire_ort_ignore(api, api->SetTensorElementType(info, type)) &&
	    quire_ort_ignore(api,
			     api->SetDimensions(info, shape->dims, rank)) &&
	    quire_ort_ignore(
		api, api->SetSymbolicDimensions(info, shape->names, rank)))
		quire_ort_ignore(api, api->ShapeInferContext_SetOutputTypeShape(
					  context, output, info));
	shape->dims[rank - 1] = dim;
	shape->names[rank - 1] = name;
	api->ReleaseTensorTypeAndShapeInfo(info);
}
