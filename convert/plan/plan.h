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

/* What becomes of a weight or a constant of the model. */
enum plan_kind {
	PLAN_LEFT_OUT, /* the container does not hold it; `reason` says why */
	PLAN_WEIGHT,   /* a quantized weight, encoded row by row */
	PLAN_COPY,     /* a dense tensor, copied byte for byte */
	PLAN_CAST,     /* a dense tensor, cast to another float type */
	PLAN_BIAS,     /* a bias of INT32, dequantized to F32 */
	PLAN_ROWS, /* a dense tensor, row by row, and cast if `cast` is set */
};

/* How the rows of a tensor come from those of its constant, in this order. All
 * zero: as they are. Of PLAN_WEIGHT and PLAN_ROWS; a vector's rows are its
 * elements. */
struct plan_rows {
	bool transpose; /* of PLAN_ROWS */
	uint64_t first;
	uint64_t count; /* 0: all */
	/* In each of so many heads, row 2 i + j of the tensor is row i + j R /
	 * 2 of the R rows. 0: none. */
	uint64_t heads;
};

struct plan_item {
	enum plan_kind kind;
	/* Of PLAN_WEIGHT. */
	const struct weight *weight;
	const struct encoding *encoding;
	/* Of PLAN_CAST, and of PLAN_ROWS or NULL. */
	const struct cast *cast;
	/* Of PLAN_BIAS. */
	struct weight_bias bias;
	struct plan_rows rows;
	/* The rows follow those of the item before, in the same tensor, which
	 * is declared once. */
	bool continues;
	bool made; /* `value` is the converter's, and none of the model's */
	/* In the model. */
	const struct onnx_value
	    *value;	  /* the constant; of a weight: its codes */
	const char *node; /* that has the weight; NULL: dense */
	uint64_t source_size;
	/* In the container, unless left out. */
	const char *name;
	size_t index; /* or QUIRE_NO_TENSOR */
	quire_dtype dtype;
	uint32_t rank;
	uint64_t shape[4];
	uint64_t size;
	/* For the report. */
	quire_outcome outcome;
	char reason[QUIRE_REASON_SIZE]; /* may be empty */
	double scale_error_max;
	double scale_error_mean;
};

struct plan_linear {
	const char *name;
	const struct weight *weight;
	size_t tensor; /* in the container */
	size_t bias;   /* likewise, or QUIRE_NO_TENSOR */
};

/* Names that are all different. Zero is empty; may not be moved in use. */
struct name_set {
	struct table taken; /* name to the next number to try */
	char **names;
	size_t count;
	size_t capacity;
};

struct plan {
	struct plan_item *items;
	size_t item_count;
	struct plan_linear *linears;
	size_t linear_count;
	size_t tensor_count;	/* items that are not left out */
	size_t left_count;	/* nodes that cannot be converted, and are left
				   out; the last items */
	uint64_t size;		/* of all tensors */
	struct weight *weights; /* of each node that has some */
	size_t *tensors; /* of each: in the container, or QUIRE_NO_TENSOR */
	size_t weight_count;
	struct name_set tensor_names;
	struct name_set linear_names;
};

/*
 * Plans a conversion by a recipe, on `threads` threads (0: quire_cpu_count),
 * whose number changes nothing in the plan. The plan points into the model, and
 * is to be freed with quire_plan_free. Reads scales, zero points and g_idx, and
 * dense tensors that are to be cast. Fails with UNSUPPORTED for a model that
 * cannot be converted whole, or has nothing to convert; ARGUMENT where the
 * recipe contradicts the model, and for too many threads; LAYOUT for a
 * malformed model; IO, MEMORY.
 */
quire_status quire_plan_create(const struct onnx_model *model,
			       const struct recipe *recipe, uint32_t threads,
			       struct plan **plan, quire_error *error);

/* NULL is fine. */
void quire_plan_free(struct plan *plan);

/* The rows that an item gives to its tensor. */
uint64_t quire_plan_rows(const struct plan_item *item);

/* The tensor's operation (F-49 of spec/format.md), to be freed; empty: none.
 * `next` is the item behind it, or NULL. NULL: out of memory. */
char *quire_plan_operation(const struct plan_item *item,
			   const struct plan_item *next);

/* --------------------------------------------------------- plan_sources.c */

/* The tensors of a container by the names of their sources. A recipe may have
 * renamed a tensor; its source has the name that it has in the model. Several
 * tensors of one source come in the order of the container. Those with an
 * operation are not among them: they are no constant of the model. */
struct sources {
	const quire_model *file;
	size_t *next;	    /* of each tensor: the next one with its source */
	bool *used;	    /* of each tensor: it was taken */
	struct table first; /* name to the first tensor that was not taken */
};

/* Free *sources in any case. Fails with MEMORY, and with UNSUPPORTED for a
 * tensor with an operation (F-49). */
quire_status quire_sources_index(const quire_model *file,
				 struct sources *sources, quire_error *error);
void quire_sources_free(struct sources *sources);

/* Takes the next tensor of a source; NULL: none. */
const quire_tensor *quire_sources_take(struct sources *sources,
				       const char *name);

/* Fails with NOT_FOUND, naming a tensor that was not taken but has a source. */
quire_status quire_sources_check(const struct sources *sources,
				 quire_error *error);

#endif
