/*
 * custom_op.h - what the custom ops of domain "quire" share: registering them,
 * the container of a node, and output shapes. docs/onnxruntime.md says what the
 * ops compute.
 *
 * ONNX Runtime has one OrtCustomOp for each combination of types, all of one
 * name. It asks the first one of a name for output shapes.
 */
#ifndef QUIRE_ONNXRUNTIME_CUSTOM_OP_H
#define QUIRE_ONNXRUNTIME_CUSTOM_OP_H

#include "onnxruntime/plugin.h"

struct custom_op {
	OrtCustomOp base; /* first, so that one is the other */
	const OrtApi *api;
	const char *folder; /* where containers named by attribute are, or "" */
	ONNXTensorElementDataType input;
	ONNXTensorElementDataType output;
};

/* The input that a container may be. */
#define QUIRE_OP_CONTAINER_INPUT 1

/* Fill in a base that has what all ops have. */
void quire_op_linear(OrtCustomOp *base);
void quire_op_linear_many(OrtCustomOp *base);
void quire_op_embedding(OrtCustomOp *base);

/* What the kernel of each op begins with. */
struct op_kernel {
	const OrtApi *api;
	struct container *container; /* NULL until it is open */
	char *node;		     /* its name, for messages */
};

/*
 * Begins a kernel: allocates `size` zeroed bytes that begin with an op_kernel,
 * takes the node's name and opens its container: its input if there
 * is one, else the file of its attribute `container`. Compares the header's
 * checksum with attribute `header_xxh3`, if there is one. On failure *kernel is
 * untouched and nothing is left; else it ends with quire_op_kernel_free.
 */
OrtStatus *quire_op_kernel_make(const struct custom_op *op,
				const OrtKernelInfo *info, size_t size,
				void **kernel);

/* Frees what quire_op_kernel_make made. */
void quire_op_kernel_free(struct op_kernel *kernel);

/* An int attribute, or `absent`. */
int64_t quire_op_int(const OrtApi *api, const OrtKernelInfo *info,
		     const char *name, int64_t absent);

/* ------------------------------------------------------------ output shapes */

/* The dimensions of input 0 while shapes are inferred; -1 with a name for those
 * that are not known. */
struct input_shape {
	ONNXTensorElementDataType type;
	size_t rank;
	int64_t *dims;	    /* room for one more than rank */
	const char **names; /* likewise */
	char (*made_up)[24];
};

/* False: it is not known, or no memory. Free it after true. */
bool quire_op_input_shape(const OrtApi *api,
			  const OrtShapeInferContext *context,
			  struct input_shape *shape);
void quire_op_input_shape_free(struct input_shape *shape);

/* Sets the shape of an output to that of the input, with its last dimension
 * replaced or, if `append`, with one more. */
void quire_op_output_shape(const OrtApi *api, OrtShapeInferContext *context,
			   struct input_shape *shape, size_t output,
			   ONNXTensorElementDataType type, int64_t last,
			   bool append);

#endif
