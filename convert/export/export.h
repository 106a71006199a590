/*
 * export.h - `quire export`: writes an ONNX model again, with the weights of a
 * container in it. export.c takes the steps that the files beside it implement:
 * match tensors with constants, list the bytes of the new model, make the bytes
 * of each constant.
 */
#ifndef QUIRE_CONVERT_EXPORT_EXPORT_H
#define QUIRE_CONVERT_EXPORT_EXPORT_H

#include "convert/onnx/splice.h"
#include "convert/plan/plan.h"

/* ------------------------------------------------------- export_contents.c */

/* What a constant of the new model holds. */
enum content_kind {
	CONTENT_SOURCE, /* what it holds in the old one */
	CONTENT_PLAIN,	/* the elements of a dense tensor */
	CONTENT_CODES,	/* the codes of a quantized weight */
	CONTENT_SCALES, /* its scales */
	CONTENT_KEPT,	/* its scales as they are: those of the tensor, but not
			   rounded to f16 */
};

/* What one use of a constant wants it to hold. */
struct content {
	size_t value; /* the constant's number in the model */
	enum content_kind kind;
	const struct plan_item *item;
	const quire_tensor *tensor;
};

struct contents {
	struct content *items; /* in the order of the constants */
	size_t count;
	size_t capacity;
	size_t weights; /* that come from the container */
	size_t plain;	/* dense constants that do */
	size_t kept; /* weights that stay: the container holds the same numbers
			in another form */
};

/*
 * Pairs the constants that the converter would take with the tensors of a
 * container, by the names of their sources. Free *contents in any case. Fails
 * with NOT_FOUND for a weight that the container lacks, or a tensor that the
 * model lacks; LAYOUT for another shape or type; UNSUPPORTED for a tensor that
 * the model's node cannot hold; IO, MEMORY.
 */
quire_status quire_contents_match(const struct onnx_model *model,
				  const struct plan *plan,
				  const quire_model *file,
				  struct contents *contents,
				  quire_error *error);
void quire_contents_free(struct contents *contents);

/* The contents that a value is wanted to hold; NULL and 0: none. */
const struct content *quire_contents_find(const struct contents *contents,
					  size_t value, size_t *count);

/* ----------------------------------------------------------- export_same.c */

/* Whether a tensor of a weight's shape decodes to the dequantized weight of
 * the node, bit for bit. */
quire_status quire_export_same(const struct weight *weight,
			       const quire_tensor *tensor, bool *same,
			       quire_error *error);

/* --------------------------------------------------------- export_weight.c */

/* Whether a node can get codes and scales back from a tensor of this type. */
bool quire_export_is_block_type(quire_dtype dtype);

/*
 * Writes the value->size bytes that a constant must have for `content`. Fails
 * with LAYOUT if the tensor does not fit the node, because it was changed or
 * made from another model: a code needs more bits, columns of one block have
 * two scales, an offset does not belong to its zero point; UNSUPPORTED for an
 * element that the constant's type cannot hold; IO, MEMORY.
 */
quire_status quire_export_make(const struct onnx_model *model,
			       const struct content *content,
			       unsigned char *bytes, quire_error *error);

#endif
