/*
 * planner.h - how plan/ makes a plan: the state that its stages share, and the
 * stages in the order in which plan_create.c calls them. Nothing outside of the
 * folder includes this, tests aside.
 */
#ifndef QUIRE_CONVERT_PLAN_PLANNER_H
#define QUIRE_CONVERT_PLAN_PLANNER_H

#include "base/crew.h"
#include "convert/plan/plan.h"

/* What nodes use a value for. */
enum {
	USED_BY_WEIGHT = 1, /* as an operand of a quantized weight */
	USED_AS_SUCH = 2,
	USED_BY_LEFT = 4, /* as the weight of a node that is left out */
	USED_TWICE = 8,	  /* by more than one input */
	/* By an Add, as the bias of the product before it. */
	USED_AS_BIAS = 16,
	USED_DEQUANTIZED = 32, /* as a bias of INT32: see quire_plan_biases */
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

/* What is known of a weight of plan->weights. */
struct weight_place {
	struct weight_key key;
	size_t first;  /* the number of the first weight with that key */
	size_t tensor; /* of a first weight, or QUIRE_NO_TENSOR */
};

/* A weight that is the first with its key. */
struct distinct {
	size_t codes;  /* the number of its codes among the values */
	size_t number; /* its own among plan->weights */
};

/* A node whose quantized weight cannot be converted, and is left out. */
struct left_node {
	const struct onnx_node *node;
	const struct onnx_value *value; /* the weight, as far as is known */
	char reason[QUIRE_REASON_SIZE];
};

struct planner {
	const struct onnx_model *model;
	const struct recipe *recipe;
	struct plan *plan;
	struct crew *crew; /* for what takes reading */
	quire_error *error;
	unsigned char *uses; /* of each value: USED_... */
	uint32_t *operands;  /* of each node: a bit for an input of a weight */
	bool *is_holder;     /* of each node: a weight has been read from it */
	/* Of each value: the first node that takes it, from 1; 0: none. */
	size_t *taker;
	size_t *tensor_of;   /* of each value, or QUIRE_NO_TENSOR */
	size_t weight_count; /* of plan->weights */
	struct weight_place *places;
	struct distinct *distinct;
	size_t distinct_count;
	struct table shared;	/* key to first weight */
	struct table biases;	/* struct weight_bias to tensor */
	size_t left_out;	/* tensors that the recipe does not take */
	struct left_node *left; /* nodes that cannot be converted */
	size_t left_capacity;
};

/* The number of a value of the model. */
static inline size_t value_number(const struct planner *in,
				  const struct onnx_value *value)
{
	return (size_t)(value - in->model->values);
}

/* ------------------------------------------------------------------- items */

/* MEMORY. */
quire_status quire_plan_no_memory(const struct planner *in);

/* Adds an item for a constant, left out so far. `node` is the name of the node
 * whose quantized weight has these codes; NULL: a dense tensor. */
struct plan_item *quire_plan_add_item(const struct planner *in,
				      const struct onnx_value *value,
				      const char *node);

/* Whether the recipe takes the tensor of an item. If not, the item says so. */
quire_status quire_plan_take(struct planner *in, struct plan_item *item,
			     bool *taken);

/* The name that the tensor of an item has if the recipe gives it none. To be
 * freed; NULL: out of memory. */
char *quire_plan_wanted_name(const struct plan_item *item);

/* ------------------------------------------------------------------ stages */

/* Reads the weights of all nodes, and notes what values are used for. */
quire_status quire_plan_read_nodes(struct planner *in);

/* Writes which node takes the value that a weight is dequantized to, where that
 * is no product. */
void quire_plan_name_taker(const struct planner *in,
			   const struct weight *weight,
			   char reason[QUIRE_REASON_SIZE]);

/* After reading the weight of a node has failed: OK if the recipe leaves such a
 * node out, which is then noted; else `status`. */
quire_status quire_plan_leave_node(struct planner *in, size_t number,
				   quire_status status);

/* Adds an item for each node that is left out. */
void quire_plan_add_left(const struct planner *in);

/* Plans the tensor of a weight that no earlier node has. */
quire_status quire_plan_weight(struct planner *in, size_t number);

/* Whether a constant is a tensor of its own in the container or the report. A
 * scalar of a Constant node is a number of the graph, as an integer is. */
bool quire_plan_is_dense(const struct planner *in,
			 const struct onnx_value *value);

/* Plans the tensor of such a constant, or says why it has none. */
quire_status quire_plan_dense(struct planner *in,
			      const struct onnx_value *value);

/* Plans the tensors of biases of INT32, once all weights are planned. */
quire_status quire_plan_biases(struct planner *in);

/* The bias of INT32 of a weight; its value is NULL if there is none. */
struct weight_bias quire_plan_bias_of(const struct weight *weight);

/* Names of tensors; then the linears, with theirs. */
quire_status quire_plan_name_items(const struct planner *in);
quire_status quire_plan_linears(const struct planner *in);

/* ------------------------------------------------------------------- names */

/* GGUF readers have room for 64 bytes with the NUL. */
#define QUIRE_TENSOR_NAME_MAX 63

/*
 * The name of a linear weight from that of its source: suffixes of exporters
 * (_Q4, _Q4G32, _DQ, _quant, .qweight, .MatMul ...) are removed, a path such as
 * /model/fc becomes model.fc, and .weight is appended, once. A name that an
 * exporter made up (onnx::MatMul_123) is replaced by that of `node`, unless it
 * is empty. Names are valid UTF-8, in and out. To be freed; NULL: out of
 * memory.
 */
char *quire_name_of_weight(const char *source, const char *node);

/* The name of any other tensor: its own, without control characters. */
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
