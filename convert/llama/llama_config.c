/*
 * llama_config.c - the JSON files beside the model: onnxruntime-genai's
 * genai_config.json, and Hugging Face's config.json where there is one. They
 * give the architecture, and facts that the graph may have said before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert/llama/llama_model.h"

/* Reads a file of the folder; NULL where it is not there. */
static quire_status read_optional(const struct llama *llama, const char *name,
				  struct json_file **file)
{
	quire_error error;
	const quire_status status =
	    quire_json_read(llama->options->folder, name, file, &error);

	if (status == QUIRE_ERROR_NOT_FOUND) {
		*file = NULL;
		return QUIRE_OK;
	}
	if (status != QUIRE_OK && llama->error)
		*llama->error = error;
	return status;
}

/* The object "model" of genai_config.json, or the whole of config.json. */
static bool find_model(const struct json_file *genai, struct json_value *root,
		       struct json_value *model)
{
	if (!genai)
		return false;
	*root = quire_json_root(genai);
	return quire_json_find(root, "model", model);
}

/* ------------------------------------------------------------ architecture */

/* The type that a file gives; NULL: none. */
static quire_status type_of(const struct llama *llama,
			    const struct json_value *object, const char *key,
			    const char **type)
{
	quire_string text;
	quire_status status;

	*type = NULL;
	if (!quire_json_find(object, key, NULL))
		return QUIRE_OK;
	status = quire_json_get_string(object, key, &text, llama->error);
	if (status == QUIRE_OK)
		*type = text.data;
	return status;
}

static quire_status choose_type(struct llama *llama, const char *genai,
				const char *config)
{
	const char *type = genai ? genai : config;

	if (!type)
		return quire_fail(
		    llama->error, QUIRE_ERROR_NOT_FOUND, QUIRE_NO_OFFSET,
		    "the folder '%.80s' says no architecture: there is no "
		    "genai_config.json with model.type and no config.json with "
		    "model_type; --config names another folder",
		    llama->options->folder);
	if (genai && config && strcmp(genai, config) != 0)
		return quire_fail(llama->error, QUIRE_ERROR_LAYOUT,
				  QUIRE_NO_OFFSET,
				  "the architecture is '%.40s' by "
				  "genai_config.json, and '%.40s' by "
				  "config.json",
				  genai, config);
	llama->architecture = quire_llama_architecture(type);
	if (llama->architecture)
		return QUIRE_OK;
	return quire_fail(llama->error, QUIRE_ERROR_UNSUPPORTED,
			  QUIRE_NO_OFFSET,
			  "the architecture '%.40s' is not known; known are: "
			  "%s",
			  type, quire_llama_types());
}

quire_status quire_llama_open_config(struct llama *llama)
{
	struct json_value root, model;
	const char *genai = NULL;
	const char *config = NULL;
	quire_status status =
	    read_optional(llama, "genai_config.json", &llama->genai);

	if (status == QUIRE_OK)
		status = read_optional(llama, "config.json", &llama->config);
	if (status == QUIRE_OK && find_model(llama->genai, &root, &model))
		status = type_of(llama, &model, "type", &genai);
	if (status == QUIRE_OK && llama->config) {
		root = quire_json_root(llama->config);
		status = type_of(llama, &root, "model_type", &config);
	}
	return status == QUIRE_OK ? choose_type(llama, genai, config) : status;
}

/* ------------------------------------------------------------------- facts */

/* A key of an object, and the fact that it says. */
struct key_row {
	const char *key;
	enum llama_fact_name fact;
};

static const struct key_row genai_model[] = {
	{ "context_length", FACT_CONTEXT },
};

static const struct key_row genai_decoder[] = {
	{ "num_hidden_layers", FACT_LAYERS },
	{ "num_attention_heads", FACT_HEADS },
	{ "num_key_value_heads", FACT_KV_HEADS },
	{ "head_size", FACT_HEAD_SIZE },
	{ "hidden_size", FACT_HIDDEN },
};

static const struct key_row config_keys[] = {
	{ "num_hidden_layers", FACT_LAYERS },
	{ "num_attention_heads", FACT_HEADS },
	{ "num_key_value_heads", FACT_KV_HEADS },
	{ "head_dim", FACT_HEAD_SIZE },
	{ "hidden_size", FACT_HIDDEN },
	{ "intermediate_size", FACT_FEED_FORWARD },
	{ "rms_norm_eps", FACT_EPSILON },
	{ "layer_norm_eps", FACT_EPSILON },
	{ "norm_eps", FACT_EPSILON },
	{ "rope_theta", FACT_ROPE_BASE },
	{ "type_vocab_size", FACT_TOKEN_TYPES },
};

/* Where an architecture has a key for them. */
static const struct key_row granite_keys[] = {
	{ "attention_multiplier", FACT_ATTENTION_SCALE },
	{ "embedding_multiplier", FACT_EMBEDDING_SCALE },
	{ "residual_multiplier", FACT_RESIDUAL_SCALE },
	{ "logits_scaling", FACT_LOGIT_SCALE },
};

static const struct key_row softcap_keys[] = {
	{ "attn_logit_softcapping", FACT_ATTENTION_SOFTCAP },
	{ "final_logit_softcapping", FACT_FINAL_SOFTCAP },
	{ "sliding_window", FACT_WINDOW },
};

static const struct key_row rope_keys[] = {
	{ "rope_theta", FACT_ROPE_BASE },
	{ "original_max_position_embeddings", FACT_ROPE_ORIGINAL },
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static quire_status learn_keys(struct llama *llama,
			       const struct json_value *object,
			       const char *file, const struct key_row *rows,
			       size_t count)
{
	for (size_t i = 0; i < count; i++) {
		double value;
		quire_status status;

		if (!quire_json_find(object, rows[i].key, NULL))
			continue;
		status = quire_json_get_f64(object, rows[i].key, &value,
					    llama->error);
		if (status == QUIRE_OK)
			status =
			    quire_llama_learn(llama, rows[i].fact, value,
					      "%s in %s", rows[i].key, file);
		if (status != QUIRE_OK)
			return status;
	}
	return QUIRE_OK;
}

static quire_status read_genai(struct llama *llama)
{
	static const char file[] = "genai_config.json";
	struct json_value root, model, decoder;
	quire_status status;

	if (!find_model(llama->genai, &root, &model))
		return QUIRE_OK;
	status =
	    learn_keys(llama, &model, file, genai_model, COUNT(genai_model));
	if (status == QUIRE_OK && quire_json_find(&model, "decoder", &decoder))
		status = learn_keys(llama, &decoder, file, genai_decoder,
				    COUNT(genai_decoder));
	return status;
}

/* transformers 5 puts what concerns the rotary embedding into an object. */
static quire_status read_rope_object(struct llama *llama,
				     const struct json_value *root)
{
	static const char *const names[] = { "rope_parameters",
					     "rope_scaling" };
	struct json_value object;
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < COUNT(names) && status == QUIRE_OK; i++)
		if (quire_json_find(root, names[i], &object))
			status = learn_keys(
			    llama, &object, "config.json", rope_keys,
			    llama_has(llama, TRAIT_LONG_ROPE) ? 2 : 1);
	return status;
}

static quire_status read_hugging_face(struct llama *llama)
{
	static const char file[] = "config.json";
	struct json_value root;
	quire_status status;

	if (!llama->config)
		return QUIRE_OK;
	root = quire_json_root(llama->config);
	status =
	    learn_keys(llama, &root, file, config_keys, COUNT(config_keys));
	if (status == QUIRE_OK && llama_has(llama, TRAIT_GRANITE_SCALES))
		status = learn_keys(llama, &root, file, granite_keys,
				    COUNT(granite_keys));
	if (status == QUIRE_OK && llama_has(llama, TRAIT_SOFTCAPS))
		status = learn_keys(llama, &root, file, softcap_keys,
				    COUNT(softcap_keys));
	if (status == QUIRE_OK && llama_has(llama, TRAIT_LONG_ROPE))
		status = learn_keys(llama, &root, file, &rope_keys[1], 1);
	if (status == QUIRE_OK && (!llama_knows(llama, FACT_CONTEXT) ||
				   llama_has(llama, TRAIT_ENCODER))) {
		static const struct key_row context = {
			"max_position_embeddings", FACT_CONTEXT
		};

		status = learn_keys(llama, &root, file, &context, 1);
	}
	return status == QUIRE_OK ? read_rope_object(llama, &root) : status;
}

/* sentence-transformers: 1_Pooling/config.json. Without it a model gives no
 * embedding of a text, only those of tokens. */
static quire_status read_pooling(struct llama *llama)
{
	static const struct {
		const char *key;
		double type; /* llama.cpp's number */
	} modes[] = {
		{ "pooling_mode_mean_tokens", 1 },
		{ "pooling_mode_cls_token", 2 },
	};
	struct json_file *file;
	struct json_value root;
	quire_status status =
	    read_optional(llama, "1_Pooling/config.json", &file);

	if (status != QUIRE_OK || !file)
		return status;
	root = quire_json_root(file);
	for (size_t i = 0; i < COUNT(modes) && status == QUIRE_OK; i++) {
		bool set = false;

		if (quire_json_find(&root, modes[i].key, NULL))
			status = quire_json_get_bool(&root, modes[i].key, &set,
						     llama->error);
		if (status == QUIRE_OK && set)
			status = quire_llama_learn(llama, FACT_POOLING,
						   modes[i].type,
						   "%s in "
						   "1_Pooling/config.json",
						   modes[i].key);
	}
	quire_json_free(file);
	return status;
}

/* k and v have as many heads as q unless something says otherwise. */
static quire_status learn_kv_heads(struct llama *llama)
{
	if (llama_knows(llama, FACT_KV_HEADS) ||
	    !llama_knows(llama, FACT_HEADS))
		return QUIRE_OK;
	return quire_llama_learn(llama, FACT_KV_HEADS,
				 llama->facts[FACT_HEADS].value,
				 "the number of heads");
}

quire_status quire_llama_read_config(struct llama *llama)
{
	quire_status status = read_genai(llama);

	if (status == QUIRE_OK)
		status = read_hugging_face(llama);
	if (status == QUIRE_OK && llama_has(llama, TRAIT_ENCODER))
		status = read_pooling(llama);
	return status == QUIRE_OK ? learn_kv_heads(llama) : status;
}

/* -------------------------------------------------------------- the model */

static char *join_path(const char *folder, const char *name)
{
	const size_t size = strlen(folder) + strlen(name) + 2;
	char *path = malloc(size);

	if (path)
		snprintf(path, size, "%s/%s", folder, name);
	return path;
}

quire_status quire_llama_model_path(const char *folder, char **path,
				    quire_error *error)
{
	struct json_file *genai = NULL;
	struct json_value root, model, decoder;
	quire_string name = { "model.onnx", strlen("model.onnx") };
	quire_status status =
	    quire_json_read(folder, "genai_config.json", &genai, error);

	if (status != QUIRE_OK && status != QUIRE_ERROR_NOT_FOUND)
		return status;
	status = QUIRE_OK;
	if (find_model(genai, &root, &model) &&
	    quire_json_find(&model, "decoder", &decoder) &&
	    quire_json_find(&decoder, "filename", NULL))
		status =
		    quire_json_get_string(&decoder, "filename", &name, error);
	if (status == QUIRE_OK) {
		*path = join_path(folder, name.data);
		if (!*path)
			status = quire_fail_memory(error, strlen(folder));
	}
	quire_json_free(genai);
	return status;
}
