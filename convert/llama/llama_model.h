/*
 * llama_model.h - what the files of this folder share: the table of
 * architectures, what is known of a model and who said it, and the steps of
 * llama.c. Nothing outside of the folder includes this.
 */
#ifndef QUIRE_CONVERT_LLAMA_LLAMA_MODEL_H
#define QUIRE_CONVERT_LLAMA_LLAMA_MODEL_H

#include "base/arena.h"
#include "convert/llama/json_file.h"
#include "convert/llama/llama.h"
#include "convert/plan/plan.h"

/* ----------------------------------------------------------- architectures */

/* Tensors that llama.cpp knows, all of its architectures together. */
enum llama_target {
	TARGET_TOKEN_EMBD,
	TARGET_POSITION_EMBD,
	TARGET_TOKEN_TYPES,
	TARGET_TOKEN_EMBD_NORM,
	TARGET_OUTPUT_NORM,
	TARGET_OUTPUT,
	TARGET_ATTN_NORM,
	TARGET_ATTN_QKV,
	TARGET_ATTN_Q,
	TARGET_ATTN_K,
	TARGET_ATTN_V,
	TARGET_ATTN_Q_NORM,
	TARGET_ATTN_K_NORM,
	TARGET_ATTN_OUTPUT,
	TARGET_ATTN_OUTPUT_NORM,
	TARGET_POST_ATTENTION_NORM,
	TARGET_FFN_NORM,
	TARGET_FFN_GATE,
	TARGET_FFN_UP,
	TARGET_FFN_GATE_UP, /* both in one matrix, gate first */
	TARGET_FFN_DOWN,
	TARGET_POST_FFW_NORM,
	TARGET_LAYER_OUTPUT_NORM,
	TARGET_ROPE_FREQS,
	TARGET_ROPE_LONG,
	TARGET_ROPE_SHORT,
	TARGET_COUNT,
};

/* Sizes of tensors, in terms of the model. */
enum llama_size {
	SIZE_ONE, /* of a vector: its rows have one element */
	SIZE_HIDDEN,
	SIZE_Q,
	SIZE_KV,
	SIZE_QKV,
	SIZE_HEAD,
	SIZE_PAIRS, /* of rotated elements of a head */
	SIZE_FEED_FORWARD,
	SIZE_TWICE_FEED_FORWARD,
	SIZE_VOCABULARY,
	SIZE_CONTEXT,
	SIZE_TOKEN_TYPES,
};

struct llama_target_row {
	const char *name; /* without .weight and blk.N. */
	bool per_layer;
	enum llama_size rows;
	enum llama_size cols;
};

extern const struct llama_target_row quire_llama_targets[TARGET_COUNT];

/* Room for a name. */
#define QUIRE_LLAMA_NAME_SIZE 64

/* "blk.3.attn_q.weight" */
void quire_llama_name(enum llama_target target, bool bias, size_t layer,
		      char name[QUIRE_LLAMA_NAME_SIZE]);

/* What an architecture wants of a target. Where it takes attn_qkv, that stands
 * for attn_q, attn_k and attn_v. */
enum {
	WEIGHT = 1,
	WEIGHT_OR_NOT = 2,
	BIAS = 4,
	BIAS_OR_NOT = 8,
};

/* A name in ONNX, without its end (.weight, .bias), and its target. % stands
 * for the layer; a name may begin anywhere behind a point. */
struct llama_source_row {
	const char *name;
	enum llama_target target;
};

enum llama_rope {
	ROPE_NONE,
	ROPE_NORM, /* rotates rows (i, i + 1) of a head */
	ROPE_NEOX, /* rows (i, i + half) */
};

enum llama_trait {
	TRAIT_LAYER_NORM = 1,	   /* not by root mean square */
	TRAIT_PARTIAL_ROPE = 2,	   /* a part of each head may rotate */
	TRAIT_LONG_ROPE = 4,	   /* two tables of factors */
	TRAIT_HEAD_SIZE = 8,	   /* key_length and value_length in any case */
	TRAIT_GRANITE_SCALES = 16, /* four multipliers are keys */
	TRAIT_ROOT_EMBEDDING = 32, /* embeddings times sqrt(hidden) */
	TRAIT_SOFTCAPS = 64,
	TRAIT_EVERY_OTHER_WINDOW = 128, /* from layer 0 on */
	TRAIT_NO_WINDOW_KEY = 256,	/* the key must be there, and be 0 */
	TRAIT_ENCODER = 512,
	TRAIT_ONE_NORM = 1024, /* attention and feed-forward take the same */
};

struct llama_architecture {
	const char *type; /* genai_config.json's, config.json's model_type */
	const char *name; /* llama.cpp's */
	enum llama_rope rope;
	unsigned traits;
	const struct llama_source_row *sources;
	const char *activations; /* op_types behind gate or up, in "|...|" */
	unsigned char wants[TARGET_COUNT];
};

/* NULL: unknown. */
const struct llama_architecture *quire_llama_architecture(const char *type);

/* All types, separated by ", ". Static storage. */
const char *quire_llama_types(void);

/* ------------------------------------------------------------------- facts */

enum llama_fact_name {
	FACT_LAYERS,
	FACT_HEADS,
	FACT_KV_HEADS,
	FACT_HEAD_SIZE,
	FACT_HIDDEN,
	FACT_FEED_FORWARD,
	FACT_VOCABULARY,
	FACT_CONTEXT,
	FACT_EPSILON,
	FACT_ROPE_BASE,
	FACT_ROPE_DIMENSIONS,
	FACT_ROPE_LINEAR,    /* all frequencies are divided by it */
	FACT_ROPE_ATTENTION, /* longrope: cosines and sines times it */
	FACT_ROPE_ORIGINAL,  /* longrope: positions of the short factors */
	FACT_ATTENTION_SCALE,
	FACT_ATTENTION_SOFTCAP,
	FACT_FINAL_SOFTCAP,
	FACT_WINDOW,
	FACT_EMBEDDING_SCALE,
	FACT_RESIDUAL_SCALE,
	FACT_LOGIT_SCALE,
	FACT_TOKEN_TYPES,
	FACT_POOLING,
	FACT_COUNT,
};

struct llama_fact {
	bool known;
	double value;
	char from[160]; /* who said it, for messages */
};

/* A tensor of the source that has a place in the architecture. */
struct llama_tensor {
	enum llama_target target;
	bool bias;
	size_t layer;
	struct plan_item *item; /* of the plan before it is made over */
};

/* The graph's nodes that matter. */
struct llama_graph {
	const struct onnx_node **attention; /* by layers */
	size_t attention_count;
	const struct onnx_node *rotary; /* that has the tables, or NULL */
	size_t rotary_input;		/* its cos; sin is the next one */
	bool interleaved;		/* rows (i, i + 1) rotate */
	/* One pair of tables, or two: [0] long, [1] short. */
	const struct onnx_value *cos[2];
	const struct onnx_value *sin[2];
	size_t table_count;
};

struct llama {
	const struct onnx_model *model;
	const struct llama_options *options;
	const struct llama_architecture *architecture;
	struct json_file *genai;  /* or NULL */
	struct json_file *config; /* likewise */
	struct llama_fact facts[FACT_COUNT];
	struct llama_graph graph;
	struct llama_tensor *tensors;
	size_t tensor_count;
	bool tied;
	double
	    *factors[2]; /* of the frequencies, or NULL: as [TARGET_ROPE_...] */
	struct tokenizer *tokenizer;
	quire_dtype most; /* of the matrices' bytes */
	struct arena arena;
	quire_error *error;
};

/* Notes a fact. LAYOUT if another place has said something else; the message
 * names both. */
quire_status quire_llama_learn(struct llama *llama, enum llama_fact_name name,
			       double value, const char *from, ...)
    QUIRE_PRINTF(4, 5);

/* NOT_FOUND, naming where it is looked for, unless the fact is known. */
quire_status quire_llama_need(const struct llama *llama,
			      enum llama_fact_name name);

static inline bool llama_has(const struct llama *llama, unsigned trait)
{
	return (llama->architecture->traits & trait) != 0;
}

static inline bool llama_knows(const struct llama *llama,
			       enum llama_fact_name name)
{
	return llama->facts[name].known;
}

/* 0 where it is not known. */
static inline uint64_t llama_count(const struct llama *llama,
				   enum llama_fact_name name)
{
	return (uint64_t)llama->facts[name].value;
}

static inline uint64_t llama_q_rows(const struct llama *llama)
{
	return llama_count(llama, FACT_HEADS) *
	       llama_count(llama, FACT_HEAD_SIZE);
}

static inline uint64_t llama_kv_rows(const struct llama *llama)
{
	return llama_count(llama, FACT_KV_HEADS) *
	       llama_count(llama, FACT_HEAD_SIZE);
}

/* The tensor of the source for a target; NULL: none. */
const struct llama_tensor *quire_llama_find(const struct llama *llama,
					    enum llama_target target, bool bias,
					    size_t layer);

/* UNSUPPORTED. */
quire_status quire_llama_refuse(const struct llama *llama, const char *format,
				...) QUIRE_PRINTF(2, 3);

/* ------------------------------------------------------------------- steps */

/* Opens the folder's JSON files and finds the architecture. */
quire_status quire_llama_open_config(struct llama *llama);
/* What they say. After the graph, whose facts come first. */
quire_status quire_llama_read_config(struct llama *llama);
/* Attention, norms and multipliers. */
quire_status quire_llama_read_graph(struct llama *llama);
/* Which item is which tensor, and what their shapes say. */
quire_status quire_llama_place(struct llama *llama, struct plan *plan);
/* The rotary frequencies, by the tables. */
quire_status quire_llama_read_rope(struct llama *llama);
/* Whether a node is a norm. */
bool quire_llama_is_norm(const struct onnx_node *node);

/* Where the nodes of tensors stand: what feeds them, activations. */
quire_status quire_llama_check_nodes(struct llama *llama,
				     const struct plan *plan);
/* Makes the plan over. */
quire_status quire_llama_make_over(struct llama *llama, struct plan *plan);
/* Every tensor that the architecture wants is there, in its shape. */
quire_status quire_llama_check_tensors(const struct llama *llama,
				       const struct plan *plan);

/* Sets llama->most. */
void quire_llama_find_most(struct llama *llama, const struct plan *plan);

/* ------------------------------------------------------------- small things */

/* The value of a node's input; NULL: it has none. */
const struct onnx_value *quire_llama_input(const struct llama *llama,
					   const struct onnx_node *node,
					   size_t input);

/* A node that takes the value as any input, from *node on (NULL: the first);
 * NULL: no more. */
const struct onnx_node *quire_llama_taker(const struct llama *llama,
					  const struct onnx_value *value,
					  const struct onnx_node *after);

/* Whether the one element of a constant is a float, and which. */
bool quire_llama_scalar(const struct onnx_value *value, double *number);

/* Whether the constant is a matrix of a MatMul node, whose columns are the
 * outputs. */
bool quire_llama_is_transposed(const struct llama *llama,
			       const struct plan_item *item);

/* The size that a target's row says. */
uint64_t quire_llama_size(const struct llama *llama, enum llama_size size);

#endif
