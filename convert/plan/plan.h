/*
 * plan.h - what the container will hold, decided before a byte is written:
 * one item for each weight of the source, in the order of its constants, and
 * one linear for each node that multiplies by one, in the order of the nodes.
 */
#ifndef QUIRE_CONVERT_PLAN_PLAN_H
#define QUIRE_CONVERT_PLAN_PLAN_H

#include "base/table.h"
#include "convert/encode/encode.h"
#include "convert/recipe/recipe.h"
#include "quire_convert.h"

/* A tensor of the container, or a constant that is left out. */
struct plan_item {
	const struct onnx_value *value;	 /* the constant; of a weight: B */
	const struct weight *weight;	 /* NULL: a dense tensor */
	const struct encoding *encoding; /* of a weight */
	const struct cast *cast; /* of a dense one; NULL: copied as it is */
	const char *name;	 /* NULL: left out */
	size_t index;		 /* in the container, or QUIRE_NO_TENSOR */
	quire_outcome outcome;
	char reason[QUIRE_REASON_SIZE]; /* may be empty */
	quire_dtype dtype;
	uint32_t rank;
	uint64_t shape[4];
	uint64_t source_size;
	uint64_t size;
	double scale_error_max;
	double scale_error_mean;
};

/* Names that are all different. Zero is empty; may not be moved in use. */
struct name_set {
	struct table taken; /* name to the next number to try */
	char **names;
	size_t count;
	size_t capacity;
};

struct plan_linear {
	const char *name;
	const struct weight *weight;
	size_t tensor; /* in the container */
	size_t bias;   /* likewise, or QUIRE_NO_TENSOR */
};

struct plan {
	struct plan_item *items;
	size_t item_count;
	struct plan_linear *linears;
	size_t linear_count;
	size_t tensor_count;	/* items that are not left out */
	uint64_t size;		/* of all tensors */
	struct weight *weights; /* of each node that holds some */
	struct name_set tensor_names;
	struct name_set linear_names;
};

/*
 * Plans a conversion by a recipe, on `threads` threads (0: one for each CPU),
 * whose number changes nothing in the plan. The plan points into the model, and
 * is to be freed with quire_plan_free. Reads scales, zero points and column
 * orders, and dense tensors that are to be rounded. Fails with UNSUPPORTED for
 * a model that cannot be converted whole, or has nothing to convert; ARGUMENT
 * where the recipe makes no sense of it, and for too many threads; LAYOUT for a
 * malformed one; IO, MEMORY.
 */
quire_status quire_plan_create(const struct onnx_model *model,
			       const struct recipe *recipe, uint32_t threads,
			       struct plan **plan, quire_error *error);

/* NULL is fine. */
void quire_plan_free(struct plan *plan);

#endif
