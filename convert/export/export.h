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

/* ----------------------------------------------------------- export_undo.c */

struct undo_part; /* rows of a tensor that come from one constant */

/* A tensor as it would be without operations: its rows are those of the
 * constant, from all tensors that have some. */
struct undone {
	quire_tensor tensor; /* its data: NULL, or of quire_undo_fill */
	size_t first;	     /* of its parts */
	struct undo *undo;
	unsigned char *bytes;
};

/* The parts of all tensors with operations. Zero has none; may not be moved in
 * use. */
struct undo {
	struct undo_part *parts;
	size_t part_count;
	struct table first; /* name of a constant to its first part */
	struct undone **items;
	size_t count;
	size_t capacity;
};

/* Free *undo in any case. Fails with MEMORY only. */
quire_status quire_undo_index(const quire_model *file, struct undo *undo,
			      quire_error *error);
void quire_undo_free(struct undo *undo);

/*
 * Finds the parts of an item's constant; *undone is NULL if there are none, and
 * is the undo's. Fails with NOT_FOUND, naming the rows, if some are in no
 * tensor; LAYOUT if an operation does not fit the constant, or the parts are of
 * different types; MEMORY.
 */
quire_status quire_undo_take(struct undo *undo, const struct plan_item *item,
			     struct undone **undone, quire_error *error);

/* Makes the data of the tensor, until it is released. NULL is fine. */
quire_status quire_undo_fill(struct undone *undone, quire_error *error);
void quire_undo_release(struct undone *undone);

/* Fails with NOT_FOUND, naming a tensor with rows of a constant that the model
 * lacks. */
quire_status quire_undo_check(const struct undo *undo, quire_error *error);

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
	struct undone *undone; /* that has the tensor, or NULL */
};

struct contents {
	struct undo undo;
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
