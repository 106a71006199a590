/*
 * onnx_message.h - from the messages of a graph to the values and nodes of the
 * model. Only onnx_message.c, onnx_functions.c and onnx_read.c see the
 * generated code.
 */
#ifndef QUIRE_CONVERT_ONNX_ONNX_MESSAGE_H
#define QUIRE_CONVERT_ONNX_ONNX_MESSAGE_H

#include "base/arena.h"
#include "convert/onnx/onnx_private.h"
#include "onnx_subset.pb-c.h"

struct onnx_reader {
	const char *path;
	struct onnx_model *model;
	struct arena *arena; /* for what the messages do not hold themselves */
	uint64_t memory_max; /* for the graph, whatever the file's size */
	quire_error *error;
};

/* MEMORY, with the path. */
quire_status quire_message_no_memory(const struct onnx_reader *in);

/* Each adds what the message says to the model, in `scope`. They fail with
 * LAYOUT for a message that contradicts itself, and as quire_onnx_tensor does.
 * A node adds its outputs too; the caller reads its bodies. */
quire_status quire_message_initializer(const struct onnx_reader *in,
				       size_t scope,
				       const QuireOnnx__Tensor *tensor);
quire_status quire_message_sparse(const struct onnx_reader *in, size_t scope,
				  const QuireOnnx__SparseTensor *sparse);
quire_status quire_message_input(const struct onnx_reader *in, size_t scope,
				 const QuireOnnx__ValueInfo *info);
quire_status quire_message_node(const struct onnx_reader *in, size_t scope,
				const QuireOnnx__Node *from);

/* The tensor of a Constant node; NULL for other nodes. */
const QuireOnnx__Tensor *quire_message_constant(const QuireOnnx__Node *node);

/* Adds the outputs of the node that was added last, as values that it
 * computes. */
quire_status quire_message_outputs(const struct onnx_reader *in, size_t scope,
				   const QuireOnnx__Node *node);

/* Whether a node of the function has a body. */
bool quire_message_has_bodies(const QuireOnnx__Function *function);

/* Sets name and value of an attribute. */
quire_status quire_message_attribute(const struct onnx_reader *in,
				     const QuireOnnx__Attribute *from,
				     struct onnx_attribute *to);

/* ------------------------------------------------------- onnx_functions.c */

/* Reads a function as a scope of its own, whose inputs are nobody's. */
typedef quire_status (*function_read_fn)(const struct onnx_reader *in,
					 const QuireOnnx__Function *function);

/*
 * Adds the functions of a model whose graph was read: one that is called with a
 * quantized weight once for each such call, with the call's inputs, and any
 * other once, by `read`. Fails as that does; LAYOUT for a function that
 * contradicts itself, UNSUPPORTED for calls that make too many nodes, MEMORY if
 * memory_max is why these are too many.
 */
quire_status quire_functions_read(const struct onnx_reader *in,
				  const QuireOnnx__Model *root,
				  function_read_fn read);

#endif
