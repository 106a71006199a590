/*
 * compare_thin.c - the nodes of a thin model, which refer to a container
 * instead of having weights: whether what they say of it is so. Reads the
 * attributes by their documentation (docs/onnx.md) and must not include thin/,
 * whose mistakes it must find.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "convert/compare/compare.h"

static bool is_named(const struct onnx_node *node, const char *op_type)
{
	return strcmp(node->op_type, op_type) == 0;
}

static quire_string text_of(const struct onnx_node *node, const char *name)
{
	const struct onnx_attribute *found = quire_onnx_attribute(node, name);

	return found && found->is_string
		   ? (quire_string){ (const char *)found->string,
				     found->string_size }
		   : (quire_string){ "", 0 };
}

/* Takes the first line of a text that is not empty; *rest becomes the others.
 */
static quire_string take_line(quire_string *rest)
{
	const char *end = memchr(rest->data, '\n', rest->size);
	const size_t size = end ? (size_t)(end - rest->data) : rest->size;
	const quire_string line = { rest->data, size };

	rest->data += end ? size + 1 : size;
	rest->size -= end ? size + 1 : size;
	return line;
}

struct compare_references quire_compare_references_of(
    const struct onnx_node *node)
{
	struct compare_references all = { .node = node };

	if (strcmp(node->domain, "quire") != 0)
		return all;
	all.count = 1;
	all.names = text_of(node, is_named(node, "Embedding")	 ? "tensor"
				  : is_named(node, "LinearMany") ? "linears"
								 : "linear");
	for (size_t i = 0; is_named(node, "LinearMany") && i < all.names.size;
	     i++)
		all.count += all.names.data[i] == '\n';
	return all;
}

/* ------------------------------------------------------------ the container */

static bool has_checksum(const struct compare_container *in,
			 const struct onnx_node *node)
{
	const quire_string text = text_of(node, "header_xxh3");
	const quire_value *xxh3 =
	    quire_model_find_value(in->file, "quire.header.xxh3");
	char digits[17];

	if (!xxh3)
		return false;
	snprintf(digits, sizeof(digits), "%016" PRIx64, xxh3->as.u);
	return text.size == 16 && memcmp(text.data, digits, 16) == 0;
}

/* Whether a path, seen from the folder of the model, is the container's. */
static bool is_container(const struct compare_container *in, quire_string path)
{
	const char *folder = in->model->files.folders[0];
	const size_t size = strlen(folder) + path.size + 2;
	char *joined = malloc(size);
	quire_part part = { .path = NULL };
	bool same = false;

	if (joined && quire_model_part(in->file, 0, &part) && part.path) {
		snprintf(
		    joined, size, "%s%s%.*s", path.data[0] == '/' ? "" : folder,
		    path.data[0] == '/' ? "" : "/", (int)path.size, path.data);
		same = quire_path_same(joined, part.path);
	}
	free(joined);
	return same;
}

/* Whether a constant is the whole file of the container. */
static bool is_whole(const struct compare_container *in,
		     const struct onnx_value *value)
{
	quire_part part = { .path = NULL };

	return value && value->origin == ONNX_CONSTANT &&
	       value->type == ONNX_UINT8 &&
	       quire_onnx_is_external(in->model, value) &&
	       quire_model_part(in->file, 0, &part) && part.path &&
	       value->offset == 0 && value->size == part.file_size &&
	       quire_path_same(value->file->path, part.path);
}

/* What is wrong with a node's reference to its container, or NULL. */
static const char *check_container(const struct compare_container *in,
				   const struct onnx_node *node)
{
	const char *input = compare_input(node, 1);
	const quire_string path = text_of(node, "container");

	if (!has_checksum(in, node))
		return "it refers to a container with another header";
	if (input[0])
		return is_whole(in,
				quire_onnx_find(in->model, node->scope, input))
			   ? NULL
			   : "its container is another file";
	if (path.size == 0 || path.size > INT32_MAX)
		return "it names no container";
	return is_container(in, path) ? NULL : "its container is another file";
}

/* ---------------------------------------------------------- what is referred
 */

static bool has_number(const struct onnx_node *node, const char *name,
		       uint64_t wanted)
{
	const int64_t number = quire_onnx_integer(node, name, -1);

	return number >= 0 && (uint64_t)number == wanted;
}

/* Whether N is right for the linear of an index. */
static bool has_width(const struct compare_references *all, uint64_t n)
{
	const struct onnx_node *node = all->node;
	const struct onnx_attribute *widths = quire_onnx_attribute(node, "N");

	if (!is_named(node, "LinearMany"))
		return has_number(node, "N", n);
	return widths && widths->is_ints && widths->int_count == all->count &&
	       node->output_count == all->count &&
	       widths->ints[all->taken] >= 0 &&
	       (uint64_t)widths->ints[all->taken] == n;
}

static const char *check_linear(const struct compare_references *all,
				const quire_linear *linear)
{
	if (!linear)
		return "the container lacks its linear";
	if (!has_number(all->node, "K", linear->k) ||
	    !has_width(all, linear->n))
		return "K or N differs";
	return NULL;
}

static const char *check_embedding(const struct onnx_node *node,
				   const quire_tensor *tensor)
{
	const int64_t type = quire_onnx_integer(node, "dtype", 0);
	const uint64_t k = compare_attribute(node, "K", 0);
	uint32_t block = 1;
	uint32_t size;
	uint64_t padded;

	if (!tensor)
		return "the container lacks its tensor";
	quire_dtype_block(tensor->dtype, &block, &size);
	if (k == 0 || !checked_pad(k, block, &padded) ||
	    padded != tensor->shape[0] || tensor->rank != 2 ||
	    !has_number(node, "rows", tensor->shape[1]))
		return "K or rows differs";
	if (type != ONNX_FLOAT && type != ONNX_FLOAT16)
		return "dtype is neither FLOAT nor FLOAT16";
	return NULL;
}

quire_status quire_compare_take_reference(const struct compare_container *in,
					  struct compare_references *all,
					  struct compare_reference *reference,
					  quire_error *error)
{
	const struct onnx_node *node = all->node;
	const quire_string text =
	    is_named(node, "LinearMany") ? take_line(&all->names) : all->names;
	char *name = strndup(text.data, text.size);

	*reference = (struct compare_reference){ .reason = NULL };
	if (!name)
		return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				  "out of memory");
	if (is_named(node, "Embedding")) {
		reference->tensor = quire_model_find_tensor(in->file, name);
		reference->reason = check_embedding(node, reference->tensor);
	} else if (is_named(node, "Linear") || is_named(node, "LinearMany")) {
		reference->linear = quire_model_find_linear(in->file, name);
		reference->reason = check_linear(all, reference->linear);
		if (reference->linear)
			reference->tensor = reference->linear->weight;
	} else {
		reference->reason = "domain quire has no such operator";
	}
	free(name);
	if (!reference->reason)
		reference->reason = check_container(in, node);
	all->taken++;
	return QUIRE_OK;
}

const char *quire_compare_place(const struct compare_container *in,
				const struct onnx_value *value,
				const quire_tensor *tensor)
{
	quire_part part = { .path = NULL };
	quire_dtype dtype;

	if (!quire_onnx_is_external(in->model, value) ||
	    !quire_model_part(in->file, tensor->part, &part) || !part.path ||
	    !quire_path_same(value->file->path, part.path))
		return "";
	if (value->offset != tensor->offset || value->size != tensor->size)
		return "its external data is another place of the container";
	if (!quire_compare_dense_type(value->type, &dtype) ||
	    dtype != tensor->dtype)
		return "its type differs";
	return NULL;
}
