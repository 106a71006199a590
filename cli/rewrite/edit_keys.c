/*
 * edit_keys.c - a table of keys. The names and meanings are those of GGUF's
 * specification (ggml, docs/gguf.md, "Standardized key-value pairs"); where it
 * and the programs differ on a type, the table has what gguf-py 0.19 writes and
 * llama.cpp reads.
 */
#include <string.h>

#include "cli/rewrite/edit_keys.h"

struct standard_key {
	/* # is a number; * at its place is anything but nothing; @ in front is
	 * an architecture, a word without a point. */
	const char *pattern;
	quire_value_type type;
	bool array;
};

static const struct standard_key keys[] = {
	{ "general.type", QUIRE_VALUE_STRING, false },
	{ "general.architecture", QUIRE_VALUE_STRING, false },
	{ "general.name", QUIRE_VALUE_STRING, false },
	{ "general.author", QUIRE_VALUE_STRING, false },
	{ "general.version", QUIRE_VALUE_STRING, false },
	{ "general.organization", QUIRE_VALUE_STRING, false },
	{ "general.finetune", QUIRE_VALUE_STRING, false },
	{ "general.basename", QUIRE_VALUE_STRING, false },
	{ "general.description", QUIRE_VALUE_STRING, false },
	{ "general.quantized_by", QUIRE_VALUE_STRING, false },
	{ "general.size_label", QUIRE_VALUE_STRING, false },
	{ "general.license", QUIRE_VALUE_STRING, false },
	{ "general.license.name", QUIRE_VALUE_STRING, false },
	{ "general.license.link", QUIRE_VALUE_STRING, false },
	{ "general.url", QUIRE_VALUE_STRING, false },
	{ "general.doi", QUIRE_VALUE_STRING, false },
	{ "general.uuid", QUIRE_VALUE_STRING, false },
	{ "general.repo_url", QUIRE_VALUE_STRING, false },
	{ "general.source.url", QUIRE_VALUE_STRING, false },
	{ "general.source.doi", QUIRE_VALUE_STRING, false },
	{ "general.source.uuid", QUIRE_VALUE_STRING, false },
	{ "general.source.repo_url", QUIRE_VALUE_STRING, false },
	{ "general.source.huggingface.repository", QUIRE_VALUE_STRING, false },
	{ "general.quantization_version", QUIRE_VALUE_U32, false },
	{ "general.alignment", QUIRE_VALUE_U32, false },
	{ "general.file_type", QUIRE_VALUE_U32, false },
	{ "general.base_model.count", QUIRE_VALUE_U32, false },
	{ "general.dataset.count", QUIRE_VALUE_U32, false },
	{ "general.tags", QUIRE_VALUE_STRING, true },
	{ "general.languages", QUIRE_VALUE_STRING, true },
	{ "general.datasets", QUIRE_VALUE_STRING, true },
	{ "general.base_model.#.name", QUIRE_VALUE_STRING, false },
	{ "general.base_model.#.author", QUIRE_VALUE_STRING, false },
	{ "general.base_model.#.version", QUIRE_VALUE_STRING, false },
	{ "general.base_model.#.organization", QUIRE_VALUE_STRING, false },
	{ "general.base_model.#.description", QUIRE_VALUE_STRING, false },
	{ "general.base_model.#.url", QUIRE_VALUE_STRING, false },
	{ "general.base_model.#.doi", QUIRE_VALUE_STRING, false },
	{ "general.base_model.#.uuid", QUIRE_VALUE_STRING, false },
	{ "general.base_model.#.repo_url", QUIRE_VALUE_STRING, false },
	{ "general.dataset.#.name", QUIRE_VALUE_STRING, false },
	{ "general.dataset.#.author", QUIRE_VALUE_STRING, false },
	{ "general.dataset.#.version", QUIRE_VALUE_STRING, false },
	{ "general.dataset.#.organization", QUIRE_VALUE_STRING, false },
	{ "general.dataset.#.description", QUIRE_VALUE_STRING, false },
	{ "general.dataset.#.url", QUIRE_VALUE_STRING, false },
	{ "general.dataset.#.doi", QUIRE_VALUE_STRING, false },
	{ "general.dataset.#.uuid", QUIRE_VALUE_STRING, false },
	{ "general.dataset.#.repo_url", QUIRE_VALUE_STRING, false },
	{ "general.sampling.sequence", QUIRE_VALUE_STRING, false },
	{ "general.sampling.top_k", QUIRE_VALUE_I32, false },
	{ "general.sampling.penalty_last_n", QUIRE_VALUE_I32, false },
	{ "general.sampling.mirostat", QUIRE_VALUE_I32, false },
	{ "general.sampling.top_p", QUIRE_VALUE_F32, false },
	{ "general.sampling.min_p", QUIRE_VALUE_F32, false },
	{ "general.sampling.xtc_probability", QUIRE_VALUE_F32, false },
	{ "general.sampling.xtc_threshold", QUIRE_VALUE_F32, false },
	{ "general.sampling.temp", QUIRE_VALUE_F32, false },
	{ "general.sampling.penalty_repeat", QUIRE_VALUE_F32, false },
	{ "general.sampling.mirostat_tau", QUIRE_VALUE_F32, false },
	{ "general.sampling.mirostat_eta", QUIRE_VALUE_F32, false },
	{ "tokenizer.ggml.model", QUIRE_VALUE_STRING, false },
	{ "tokenizer.ggml.pre", QUIRE_VALUE_STRING, false },
	{ "tokenizer.chat_template", QUIRE_VALUE_STRING, false },
	{ "tokenizer.chat_template.*", QUIRE_VALUE_STRING, false },
	{ "tokenizer.huggingface.json", QUIRE_VALUE_STRING, false },
	{ "tokenizer.ggml.tokens", QUIRE_VALUE_STRING, true },
	{ "tokenizer.ggml.merges", QUIRE_VALUE_STRING, true },
	{ "tokenizer.ggml.added_tokens", QUIRE_VALUE_STRING, true },
	{ "tokenizer.chat_templates", QUIRE_VALUE_STRING, true },
	{ "tokenizer.ggml.scores", QUIRE_VALUE_F32, true },
	{ "tokenizer.ggml.token_type", QUIRE_VALUE_I32, true },
	{ "tokenizer.ggml.token_type_count", QUIRE_VALUE_U32, false },
	{ "tokenizer.ggml.*_token_id", QUIRE_VALUE_U32, false },
	{ "tokenizer.ggml.add_bos_token", QUIRE_VALUE_BOOL, false },
	{ "tokenizer.ggml.add_eos_token", QUIRE_VALUE_BOOL, false },
	{ "tokenizer.ggml.add_sep_token", QUIRE_VALUE_BOOL, false },
	{ "tokenizer.ggml.add_space_prefix", QUIRE_VALUE_BOOL, false },
	{ "tokenizer.ggml.remove_extra_whitespaces", QUIRE_VALUE_BOOL, false },
	{ "@.context_length", QUIRE_VALUE_U32, false },
	{ "@.embedding_length", QUIRE_VALUE_U32, false },
	{ "@.block_count", QUIRE_VALUE_U32, false },
	{ "@.feed_forward_length", QUIRE_VALUE_U32, false },
	{ "@.vocab_size", QUIRE_VALUE_U32, false },
	{ "@.expert_count", QUIRE_VALUE_U32, false },
	{ "@.expert_used_count", QUIRE_VALUE_U32, false },
	{ "@.expert_shared_count", QUIRE_VALUE_U32, false },
	{ "@.attention.head_count", QUIRE_VALUE_U32, false },
	{ "@.attention.head_count_kv", QUIRE_VALUE_U32, false },
	{ "@.attention.key_length", QUIRE_VALUE_U32, false },
	{ "@.attention.value_length", QUIRE_VALUE_U32, false },
	{ "@.attention.sliding_window", QUIRE_VALUE_U32, false },
	{ "@.rope.dimension_count", QUIRE_VALUE_U32, false },
	{ "@.rope.scaling.original_context_length", QUIRE_VALUE_U32, false },
	{ "@.pooling_type", QUIRE_VALUE_U32, false },
	{ "@.attention.layer_norm_epsilon", QUIRE_VALUE_F32, false },
	{ "@.attention.layer_norm_rms_epsilon", QUIRE_VALUE_F32, false },
	{ "@.attention.clamp_kqv", QUIRE_VALUE_F32, false },
	{ "@.attention.max_alibi_bias", QUIRE_VALUE_F32, false },
	{ "@.attention.scale", QUIRE_VALUE_F32, false },
	{ "@.rope.freq_base", QUIRE_VALUE_F32, false },
	{ "@.rope.scaling.factor", QUIRE_VALUE_F32, false },
	{ "@.rope.scaling.attn_factor", QUIRE_VALUE_F32, false },
	{ "@.logit_scale", QUIRE_VALUE_F32, false },
	{ "@.attn_logit_softcapping", QUIRE_VALUE_F32, false },
	{ "@.final_logit_softcapping", QUIRE_VALUE_F32, false },
	{ "@.expert_weights_scale", QUIRE_VALUE_F32, false },
	{ "@.use_parallel_residual", QUIRE_VALUE_BOOL, false },
	{ "@.attention.causal", QUIRE_VALUE_BOOL, false },
	{ "@.rope.scaling.finetuned", QUIRE_VALUE_BOOL, false },
	{ "@.expert_weights_norm", QUIRE_VALUE_BOOL, false },
	{ "@.rope.scaling.type", QUIRE_VALUE_STRING, false },
	{ "@.tensor_data_layout", QUIRE_VALUE_STRING, false },
};

/* How many bytes at the front of `key` a wildcard takes at least and at most;
 * the rest of the pattern decides. */
static size_t span_of(char wildcard, const char *key)
{
	switch (wildcard) {
	case '#':
		return strspn(key, "0123456789");
	case '@':
		return strcspn(key, ".");
	default:
		return strlen(key);
	}
}

static bool is_wildcard(char c)
{
	return c == '#' || c == '@' || c == '*';
}

/* A pattern has one wildcard at most, so this goes back at most once for each
 * byte of the key. */
static bool matches(const char *pattern, const char *key)
{
	while (*pattern && !is_wildcard(*pattern) && *pattern == *key) {
		pattern++;
		key++;
	}
	if (!is_wildcard(*pattern))
		return *pattern == *key;
	for (size_t size = span_of(*pattern, key); size > 0; size--)
		if (strcmp(pattern + 1, key + size) == 0)
			return true;
	return false;
}

bool edit_key_type(const char *key, const char *text, struct edit_type *type)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const bool number = keys[i].type == QUIRE_VALUE_U32 ||
				    keys[i].type == QUIRE_VALUE_F32;

		if (!matches(keys[i].pattern, key))
			continue;
		/* One number for each layer. */
		*type = (struct edit_type){ keys[i].type,
					    keys[i].array ||
						(number && text[0] == '[') };
		return true;
	}
	return false;
}
