/*
 * bench_models.h - the linear layers of well-known models, from their published
 * configurations; no weights.
 */
#ifndef QUIRE_CLI_BENCH_BENCH_MODELS_H
#define QUIRE_CLI_BENCH_BENCH_MODELS_H

#include "cli/bench/bench_cases.h"

#define BENCH_LINEARS_MAX 6

/* Layers of the same shape. */
struct bench_linears {
	uint32_t k, n;
	uint32_t count; /* in the whole model */
};

struct bench_model {
	const char *name;
	struct bench_linears linears[BENCH_LINEARS_MAX];
	/* From the last layer to the vocabulary; only the last token of a
	 * prompt goes through it. */
	struct bench_linears head;
};

/* If there is no model of that name, prints the error and returns NULL. */
const struct bench_model *bench_model_find(const char *name);

/* Puts its shapes, each once, into the plan. */
void bench_model_shapes(const struct bench_model *model,
			struct bench_plan *plan);

/*
 * Tokens per second of all linears, for m tokens at once, from the results with
 * the same threads, level and weights as `like`. False if a shape was not
 * measured.
 */
bool bench_model_speed(const struct bench_model *model,
		       const struct bench_results *results,
		       const struct bench_case *like, double *tokens);

#endif
