/*
 * llama_graph.c - what the nodes say: attention's heads, windows and scales,
 * the tables of the rotary embedding, the norms' epsilon, and the multipliers
 * behind the embedding and the head. The graph is what ONNX Runtime computes,
 * so its facts come first, and the JSON files are compared with them.
 */
#include <math.h>
#include <string.h>

#include "convert/llama/llama_model.h"

static bool is_attention(const struct onnx_node *node)
{
	return strcmp(node->op_type, "GroupQueryAttention") == 0 ||
	       strcmp(node->op_type, "MultiHeadAttention") == 0 ||
	       (strcmp(node->op_type, "Attention") == 0 &&
		strcmp(node->domain, "com.microsoft") == 0);
}

/* An attribute that is a float; false: it is not there. */
static bool float_attribute(const struct onnx_node *node, const char *name,
			    double *value)
{
	const struct onnx_attribute *found = quire_onnx_attribute(node, name);

	if (!found || !found->is_float || !isfinite(found->f))
		return false;
	*value = (double)found->f;
	return true;
}

/* --------------------------------------------------------------- attention */

static quire_status list_attention(struct llama *llama)
{
	const struct onnx_model *model = llama->model;
	struct llama_graph *graph = &llama->graph;
	size_t count = 0;

	for (size_t i = 0; i < model->node_count; i++)
		count += is_attention(&model->nodes[i]);
	graph->attention = quire_arena_own(&llama->arena, count + 1,
					   sizeof(*graph->attention));
	if (!graph->attention)
		return quire_fail_memory(llama->error, count);
	for (size_t i = 0; i < model->node_count; i++)
		if (is_attention(&model->nodes[i]))
			graph->attention[graph->attention_count++] =
			    &model->nodes[i];
	return QUIRE_OK;
}

/* A whole number that all nodes have alike. */
static quire_status learn_count(struct llama *llama,
				const struct onnx_node *node, const char *name,
				enum llama_fact_name fact)
{
	const int64_t value = quire_onnx_integer(node, name, 0);

	if (value <= 0)
		return QUIRE_OK;
	return quire_llama_learn(llama, fact, (double)value,
				 "%s of node '%.60s'", name,
				 quire_onnx_label(node));
}

static quire_status read_attention(struct llama *llama,
				   const struct onnx_node *node)
{
	const bool grouped = strcmp(node->op_type, "GroupQueryAttention") == 0;
	double value;
	quire_status status = learn_count(llama, node, "num_heads", FACT_HEADS);

	if (status == QUIRE_OK)
		status = learn_count(llama, node,
				     grouped ? "kv_num_heads" : "num_heads",
				     FACT_KV_HEADS);
	if (status == QUIRE_OK && float_attribute(node, "scale", &value) &&
	    value != 0)
		status = quire_llama_learn(llama, FACT_ATTENTION_SCALE, value,
					   "scale of node '%.60s'",
					   quire_onnx_label(node));
	if (status == QUIRE_OK && float_attribute(node, "softcap", &value) &&
	    value != 0)
		status = quire_llama_learn(llama, FACT_ATTENTION_SOFTCAP, value,
					   "softcap of node '%.60s'",
					   quire_onnx_label(node));
	return status;
}

/* Whether llama.cpp has a window in that layer. */
static bool wants_window(const struct llama *llama, size_t layer)
{
	return llama_has(llama, TRAIT_EVERY_OTHER_WINDOW) && layer % 2 == 0;
}

static quire_status read_window(struct llama *llama, size_t layer)
{
	const struct onnx_node *node = llama->graph.attention[layer];
	const int64_t window =
	    quire_onnx_integer(node, "local_window_size", -1);

	if (wants_window(llama, layer) && window > 0)
		return quire_llama_learn(llama, FACT_WINDOW, (double)window,
					 "local_window_size of node '%.60s'",
					 quire_onnx_label(node));
	if (wants_window(llama, layer))
		return quire_llama_refuse(
		    llama,
		    "node '%.60s' has no window, and llama.cpp's %s has one in "
		    "layer %zu",
		    quire_onnx_label(node), llama->architecture->name, layer);
	if (window <= 0)
		return QUIRE_OK;
	/* Within the window both compute the same. */
	if (llama_has(llama, TRAIT_NO_WINDOW_KEY))
		return quire_llama_learn(llama, FACT_WINDOW, (double)window,
					 "local_window_size of node '%.60s'",
					 quire_onnx_label(node));
	return quire_llama_refuse(
	    llama,
	    "node '%.60s' looks back %lld tokens, and llama.cpp's %s at all of "
	    "them",
	    quire_onnx_label(node), (long long)window,
	    llama->architecture->name);
}

/* ------------------------------------------------------------ rotary tables */

/* A table of the If node that chooses between two: a constant of one of its
 * branches. */
static const struct onnx_value *branch_table(const struct llama *llama,
					     const char *name)
{
	const struct onnx_model *model = llama->model;

	for (size_t i = 0; i < model->value_count; i++)
		if (model->values[i].origin == ONNX_CONSTANT &&
		    strcmp(model->values[i].name, name) == 0)
			return &model->values[i];
	return NULL;
}

static bool is_table(const struct onnx_value *value)
{
	return value && value->origin == ONNX_CONSTANT && !value->sparse &&
	       value->rank == 2 && value->count > 0 &&
	       quire_onnx_is_float(value->type);
}

/* cos and sin are inputs `first` and `first` + 1. */
static quire_status read_tables(struct llama *llama,
				const struct onnx_node *node, size_t first)
{
	struct llama_graph *graph = &llama->graph;
	const struct onnx_value *cos = quire_llama_input(llama, node, first);
	const struct onnx_value *sin =
	    quire_llama_input(llama, node, first + 1);
	const struct onnx_node *chooser =
	    quire_onnx_producer(llama->model, cos);

	if (is_table(cos) && is_table(sin)) {
		graph->table_count = 1;
		graph->cos[0] = cos;
		graph->sin[0] = sin;
		return QUIRE_OK;
	}
	if (chooser && strcmp(chooser->op_type, "If") == 0) {
		graph->table_count = 2;
		graph->cos[0] = branch_table(llama, "cos_cache_large");
		graph->sin[0] = branch_table(llama, "sin_cache_large");
		graph->cos[1] = branch_table(llama, "cos_cache_small");
		graph->sin[1] = branch_table(llama, "sin_cache_small");
		if (is_table(graph->cos[0]) && is_table(graph->sin[0]) &&
		    is_table(graph->cos[1]) && is_table(graph->sin[1]))
			return QUIRE_OK;
	}
	return quire_llama_refuse(llama,
				  "node '%.60s' (%s): its cos and sin are no "
				  "constant tables",
				  quire_onnx_label(node), node->op_type);
}

static quire_status read_rotary(struct llama *llama,
				const struct onnx_node *node, size_t first,
				bool interleaved)
{
	struct llama_graph *graph = &llama->graph;

	if (!graph->rotary) {
		graph->rotary = node;
		graph->rotary_input = first;
		graph->interleaved = interleaved;
		return read_tables(llama, node, first);
	}
	if (strcmp(node->inputs[first],
		   graph->rotary->inputs[graph->rotary_input]) == 0 &&
	    interleaved == graph->interleaved)
		return QUIRE_OK;
	return quire_llama_refuse(
	    llama,
	    "nodes '%.60s' and '%.60s' rotate differently, and llama.cpp's %s "
	    "rotates all layers alike",
	    quire_onnx_label(graph->rotary), quire_onnx_label(node),
	    llama->architecture->name);
}

/* Rotation is a node's own, or inside GroupQueryAttention. */
static quire_status find_rotary(struct llama *llama)
{
	const struct onnx_model *model = llama->model;
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < model->node_count && status == QUIRE_OK; i++) {
		const struct onnx_node *node = &model->nodes[i];

		if (strcmp(node->op_type, "RotaryEmbedding") == 0 &&
		    strcmp(node->domain, "com.microsoft") == 0 &&
		    node->input_count > 3)
			status = read_rotary(
			    llama, node, 2,
			    quire_onnx_integer(node, "interleaved", 0) != 0);
		if (strcmp(node->op_type, "GroupQueryAttention") == 0 &&
		    quire_onnx_integer(node, "do_rotary", 0) != 0 &&
		    node->input_count > 8)
			status = read_rotary(
			    llama, node, 7,
			    quire_onnx_integer(node, "rotary_interleaved", 0) !=
				0);
	}
	return status;
}

static quire_status check_rotation(const struct llama *llama)
{
	const struct llama_architecture *architecture = llama->architecture;

	if (architecture->rope == ROPE_NONE && llama->graph.rotary)
		return quire_llama_refuse(
		    llama, "node '%.60s' rotates, and llama.cpp's %s does not",
		    quire_onnx_label(llama->graph.rotary), architecture->name);
	if (architecture->rope != ROPE_NONE && !llama->graph.rotary)
		return quire_llama_refuse(
		    llama,
		    "no node GroupQueryAttention or RotaryEmbedding has the "
		    "tables of the rotary embedding, which llama.cpp's %s "
		    "needs",
		    architecture->name);
	if (architecture->rope == ROPE_NEOX && llama->graph.interleaved)
		return quire_llama_refuse(
		    llama,
		    "node '%.60s' rotates neighbouring rows, and llama.cpp's "
		    "%s rows half a head apart",
		    quire_onnx_label(llama->graph.rotary), architecture->name);
	return QUIRE_OK;
}

/* ------------------------------------------------------------------- norms */

static bool is_rms_norm(const struct onnx_node *node)
{
	return strcmp(node->op_type, "SimplifiedLayerNormalization") == 0 ||
	       strcmp(node->op_type, "SkipSimplifiedLayerNormalization") == 0 ||
	       strcmp(node->op_type, "RMSNormalization") == 0;
}

static bool is_layer_norm(const struct onnx_node *node)
{
	return strcmp(node->op_type, "LayerNormalization") == 0 ||
	       strcmp(node->op_type, "SkipLayerNormalization") == 0;
}

bool quire_llama_is_norm(const struct onnx_node *node)
{
	return node && (is_rms_norm(node) || is_layer_norm(node));
}

static quire_status read_norm(struct llama *llama, const struct onnx_node *node)
{
	const bool skip = strncmp(node->op_type, "Skip", 4) == 0;
	double epsilon = skip ? 1e-12 : 1e-5; /* the operators' defaults */

	if (is_layer_norm(node) != llama_has(llama, TRAIT_LAYER_NORM))
		return quire_llama_refuse(
		    llama, "node '%.60s' is %s, which llama.cpp's %s has not",
		    quire_onnx_label(node), node->op_type,
		    llama->architecture->name);
	float_attribute(node, "epsilon", &epsilon);
	return quire_llama_learn(llama, FACT_EPSILON, epsilon,
				 "epsilon of node '%.60s'",
				 quire_onnx_label(node));
}

/* -------------------------------------------------------------------- whole */

quire_status quire_llama_read_graph(struct llama *llama)
{
	const struct onnx_model *model = llama->model;
	const bool encoder = llama_has(llama, TRAIT_ENCODER);
	quire_status status = list_attention(llama);

	for (size_t i = 0; i < llama->graph.attention_count; i++) {
		if (status == QUIRE_OK)
			status =
			    read_attention(llama, llama->graph.attention[i]);
		if (status == QUIRE_OK)
			status = read_window(llama, i);
	}
	for (size_t i = 0; i < model->node_count && status == QUIRE_OK; i++)
		if (quire_llama_is_norm(&model->nodes[i]))
			status = read_norm(llama, &model->nodes[i]);
	if (status == QUIRE_OK && llama->graph.attention_count > 0)
		status = quire_llama_learn(llama, FACT_LAYERS,
					   (double)llama->graph.attention_count,
					   "the number of attention nodes");
	if (status == QUIRE_OK && !encoder)
		status = find_rotary(llama);
	return status == QUIRE_OK ? check_rotation(llama) : status;
}
