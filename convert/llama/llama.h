/*
 * llama.h - makes a plan over into that of a file that llama.cpp runs: its
 * tensors' names, rows in the order that it wants, and its metadata. It reads
 * the graph, and what the graph does not say from the JSON files of the model's
 * folder. Where two of them disagree, where something is missing that llama.cpp
 * would replace by a default, and where llama.cpp would compute something else,
 * it fails.
 */
#ifndef QUIRE_CONVERT_LLAMA_LLAMA_H
#define QUIRE_CONVERT_LLAMA_LLAMA_H

#include "convert/plan/plan.h"

struct llama;

struct llama_options {
	const char *folder;	   /* of the JSON files */
	const char *tokenizer_pre; /* NULL: by tokenizer.json */
	bool no_tokenizer;
	bool keep_fused_qkv;
};

/*
 * Changes the plan's items and linears. `options`, the model and the plan must
 * outlive *llama, to be freed with quire_llama_free. LAYOUT: two sources
 * disagree, or a tensor has another shape than it must; NOT_FOUND: something is
 * said nowhere; UNSUPPORTED: llama.cpp has no such architecture, or computes
 * something else; ARGUMENT, IO, MEMORY. After a failure the plan is only good
 * to be freed.
 */
quire_status quire_llama_create(const struct onnx_model *model,
				const struct llama_options *options,
				struct plan *plan, struct llama **llama,
				quire_error *error);

/* Sets llama.cpp's keys. */
quire_status quire_llama_write(const struct llama *llama, quire_writer *writer,
			       quire_error *error);

/* NULL is fine. The plan must be freed first. */
void quire_llama_free(struct llama *llama);

/* The path of the model in a folder: what genai_config.json names, or
 * model.onnx. To be freed. */
quire_status quire_llama_model_path(const char *folder, char **path,
				    quire_error *error);

#endif
