/*
 * export_contents.h - which tensor of a container goes into which constants of
 * the model that it was made of.
 */
#ifndef QUIRE_CONVERT_EXPORT_EXPORT_CONTENTS_H
#define QUIRE_CONVERT_EXPORT_EXPORT_CONTENTS_H

#include "convert/plan/plan.h"

enum content_kind {
	CONTENT_SOURCE, /* what the constant has already */
	CONTENT_PLAIN,	/* the elements of a tensor */
	CONTENT_CODES,	/* those of a quantized weight */
	CONTENT_SCALES,
};

/* What a constant must hold, for one of those that use it. */
struct content {
	size_t value; /* the constant's number in the model */
	enum content_kind kind;
	const struct plan_item *item;
	const quire_tensor *tensor;
};

struct contents {
	struct content *items; /* by value */
	size_t count;
	size_t capacity;
	/* Weights and plain constants that come from the container, and
	 * weights that are left as they are, since the container holds them
	 * to the last bit in another form. */
	size_t weights;
	size_t plain;
	size_t kept;
};

/*
 * Pairs the constants that the converter would take with the tensors of a
 * container, by the names of their sources. Free *contents whatever comes
 * back. Fails with NOT_FOUND for a weight that the container lacks, or a
 * tensor that the model does; LAYOUT for one of another shape or type;
 * UNSUPPORTED for what the model's node cannot hold; IO, MEMORY.
 */
quire_status quire_contents_match(const struct onnx_model *model,
				  const struct plan *plan,
				  const quire_model *file,
				  struct contents *contents,
				  quire_error *error);
void quire_contents_free(struct contents *contents);

/* The contents of a value; NULL and 0 for none. */
const struct content *quire_contents_find(const struct contents *contents,
					  size_t value, size_t *count);

#endif
