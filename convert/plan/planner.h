/*
 * planner.h - the state that the stages of planning share, one file each:
 * plan_weights.c, plan_plain.c and plan_names.c, in the order that plan.c
 * calls them.
 */
#ifndef QUIRE_CONVERT_PLAN_PLANNER_H
#define QUIRE_CONVERT_PLAN_PLANNER_H

#include "base/crew.h"
#include "convert/plan/plan.h"

/* What nodes use a value for. */
enum {
	USED_BY_WEIGHT = 1, /* as an operand of a quantized weight */
	USED_AS_SUCH = 2,
};

/* What makes weights one tensor of the container. It has no padding, so equal
 * keys are equal bytes. */
struct weight_key {
	struct weight_storage storage;
	struct weight_value value;
	uint64_t no_padding; /* of its intent */
};

_Static_assert(sizeof(struct weight_key) == sizeof(struct weight_storage) +
						sizeof(struct weight_value) +
						sizeof(uint64_t),
	       "no padding");

struct weight_key quire_plan_key(const struct weight *weight);

/* A weight that no earlier node has. */
struct distinct {
	size_t codes;  /* the number of its B among the values */
	size_t number; /* its own among plan->weights */
};

struct planner {
	const struct onnx_model *model;
	const struct recipe *recipe;
	struct plan *plan;
	struct crew *crew; /* for what takes reading */
	quire_error *error;
	unsigned char *uses; /* of each value */
	uint32_t *operands;  /* of each node: a bit for an input of a weight */
	size_t *tensor_of;   /* each value's, or QUIRE_NO_TENSOR */
	size_t weight_count; /* of plan->weights */
	struct weight_key *keys;
	size_t *first;	       /* of each weight: the first of its key */
	size_t *weight_tensor; /* of each first weight */
	struct distinct *distinct;
	size_t distinct_count;
	struct table shared; /* key to first weight */
	size_t left_out;     /* tensors that the recipe does not take */
};

/* MEMORY. */
quire_status quire_plan_no_memory(const struct planner *in);

/* The number of a value; all absent ones share one that is no value's. */
size_t quire_plan_number(const struct planner *in,
			 const struct onnx_value *value);

/* A new item of a constant, copied as it is unless changed. */
struct plan_item *quire_plan_add_item(const struct planner *in,
				      const struct onnx_value *value);

/* Reads the weights of all nodes, and notes what values are used for. */
quire_status quire_plan_read_nodes(struct planner *in);

/* Plans the tensor of a weight that no earlier node has. */
quire_status quire_plan_weight(struct planner *in, size_t number);

/* Whether a constant stands for itself in the container or the report. A
 * scalar of a Constant node is a number of the graph, as an integer is. */
bool quire_plan_stands_alone(const struct planner *in,
			     const struct onnx_value *value);

/* Plans the tensor of such a constant, or tells why it has none. */
quire_status quire_plan_plain(struct planner *in,
			      const struct onnx_value *value);

/* The name of a tensor of which the recipe says nothing: that of a quantized
 * weight with these codes, or of a constant, `weight` being NULL. To be freed;
 * NULL: out of memory. */
char *quire_plan_wanted_name(const struct onnx_value *value,
			     const struct weight *weight);

/* Whether the recipe takes that tensor; if not, and there is no failure, *item
 * becomes one that says so. */
quire_status quire_plan_choose(struct planner *in,
			       const struct onnx_value *value,
			       const struct weight *weight, bool *taken);

/* Names of tensors; then the linears, with theirs. */
quire_status quire_plan_name_items(const struct planner *in);
quire_status quire_plan_linears(const struct planner *in);

/* GGUF readers have room for 64 bytes with the NUL. */
#define QUIRE_TENSOR_NAME_MAX 63

/*
 * The name of a linear weight from that of its source: what exporters append
 * (_Q4, _Q4G32, _DQ, _quant, .qweight, .MatMul ...) is taken off, a path such
 * as /model/fc becomes model.fc, and .weight stands at the end, once. A name
 * that an exporter made up (onnx::MatMul_123) gives way to that of `node`, if
 * it is not empty. The result is to be freed; NULL: out of memory.
 */
char *quire_name_of_weight(const char *source, const char *node);

/* The name of any other tensor: its own, but for control characters. */
char *quire_name_of_tensor(const char *source);

/*
 * Claims `wanted` or, if it is taken, wanted_2, wanted_3 ... (before a final
 * .weight or .bias). Names of more than `limit` bytes, which is at least 63,
 * keep their beginning and end around a hash. *name is the set's. The same
 * claims in the same order give the same names. Fails with MEMORY only.
 */
quire_status quire_name_claim(struct name_set *set, const char *wanted,
			      size_t limit, const char **name,
			      quire_error *error);

void quire_name_set_free(struct name_set *set);

#endif
