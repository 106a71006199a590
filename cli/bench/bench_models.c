/*
 * bench_models.c - the table of models. Each row multiplies the shapes of one
 * block by the number of blocks: q and o; k and v; gate and up; down. If the
 * published model has q, k, v or gate, up in one matrix, the row has too.
 */
#include "cli/bench/bench_models.h"
#include "base/nearest.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

static const struct bench_model models[] = {
	{ "Qwen2.5-0.5B",
	  { { 896, 896, 24 * 2 },
	    { 896, 128, 24 * 2 },
	    { 896, 4864, 24 * 2 },
	    { 4864, 896, 24 } },
	  { 896, 151936, 1 } },
	{ "Qwen2.5-1.5B",
	  { { 1536, 1536, 28 * 2 },
	    { 1536, 256, 28 * 2 },
	    { 1536, 8960, 28 * 2 },
	    { 8960, 1536, 28 } },
	  { 1536, 151936, 1 } },
	{ "Qwen2.5-3B",
	  { { 2048, 2048, 36 * 2 },
	    { 2048, 256, 36 * 2 },
	    { 2048, 11008, 36 * 2 },
	    { 11008, 2048, 36 } },
	  { 2048, 151936, 1 } },
	{ "Qwen2.5-7B",
	  { { 3584, 3584, 28 * 2 },
	    { 3584, 512, 28 * 2 },
	    { 3584, 18944, 28 * 2 },
	    { 18944, 3584, 28 } },
	  { 3584, 152064, 1 } },
	{ "Phi-3-mini",
	  { { 3072, 9216, 32 },
	    { 3072, 3072, 32 },
	    { 3072, 16384, 32 },
	    { 8192, 3072, 32 } },
	  { 3072, 32064, 1 } },
	{ "Mistral-7B",
	  { { 4096, 4096, 32 * 2 },
	    { 4096, 1024, 32 * 2 },
	    { 4096, 14336, 32 * 2 },
	    { 14336, 4096, 32 } },
	  { 4096, 32000, 1 } },
	{ "Llama-3-8B",
	  { { 4096, 4096, 32 * 2 },
	    { 4096, 1024, 32 * 2 },
	    { 4096, 14336, 32 * 2 },
	    { 14336, 4096, 32 } },
	  { 4096, 128256, 1 } },
};

#define MODEL_COUNT (sizeof(models) / sizeof(*models))

const struct bench_model *bench_model_find(const char *name)
{
	struct nearest near = quire_nearest_to(name);

	for (size_t i = 0; i < MODEL_COUNT; i++) {
		if (text_equal_any_case(text_of(name), models[i].name))
			return &models[i];
		quire_nearest_offer(&near, text_of(models[i].name));
	}
	if (near.found)
		trouble("bench: no model '%s' in the table, did you mean "
			"'%s'?",
			name, near.name.data);
	else
		trouble("bench: no model '%s' in the table; see 'quire bench "
			"--help'",
			name);
	return NULL;
}

static void add_shape(struct bench_plan *plan,
		      const struct bench_linears *linears, bool one_row)
{
	plan->shape[plan->shape_count++] = (struct bench_shape){
		.k = linears->k,
		.n = linears->n,
		.one_row = one_row,
	};
}

void bench_model_shapes(const struct bench_model *model,
			struct bench_plan *plan)
{
	plan->shape_count = 0;
	for (size_t i = 0; i < BENCH_LINEARS_MAX && model->linears[i].count;
	     i++)
		add_shape(plan, &model->linears[i], false);
	add_shape(plan, &model->head, true);
}

static bool add_time(const struct bench_results *results,
		     const struct bench_case *like, uint32_t m,
		     const struct bench_linears *linears, double *ms)
{
	for (size_t i = 0; i < results->count; i++) {
		const struct bench_case *row = &results->cases[i];

		if (row->k == linears->k && row->n == linears->n &&
		    row->m == m && row->threads == like->threads &&
		    row->level == like->level &&
		    row->prepacked == like->prepacked &&
		    row->weights == like->weights) {
			*ms += row->ms * linears->count;
			return true;
		}
	}
	return false;
}

bool bench_model_speed(const struct bench_model *model,
		       const struct bench_results *results,
		       const struct bench_case *like, double *tokens)
{
	double ms = 0;

	if (!add_time(results, like, 1, &model->head, &ms))
		return false;
	for (size_t i = 0; i < BENCH_LINEARS_MAX && model->linears[i].count;
	     i++)
		if (!add_time(results, like, like->m, &model->linears[i], &ms))
			return false;
	*tokens = like->m / ms * 1e3;
	return true;
}
