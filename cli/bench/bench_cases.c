/*
 * bench_cases.c - makes the combinations of the lists. Measures nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/bench/bench_cases.h"

double bench_gbps(const struct bench_case *what)
{
	return (double)what->weight_size / what->ms * 1e-6;
}

double bench_gops(const struct bench_case *what)
{
	return 2.0 * (double)what->m * (double)what->k * (double)what->n /
	       what->ms * 1e-6;
}

bool bench_is_int8(const struct bench_case *what)
{
	uint32_t count, size;

	return what->level == 4 &&
	       quire_dtype_block(what->weights, &count, &size) && count > 1;
}

static uint64_t weight_size(const struct bench_group *group)
{
	uint32_t count, size;

	if (!quire_dtype_block(group->weights, &count, &size))
		return 0;
	return (group->shape.k + count - 1) / count * size * group->shape.n;
}

static void add_level(const struct bench_plan *plan,
		      const struct bench_case *like, struct bench_case *cases,
		      size_t *count, bool one_row)
{
	static const struct bench_numbers one = { 1, { 1 } };
	const struct bench_numbers *m = one_row ? &one : &plan->m;

	for (size_t i = 0; i < m->count; i++) {
		cases[*count] = *like;
		cases[*count].m = m->number[i];
		++*count;
	}
}

struct bench_case *bench_cases_make(const struct bench_plan *plan,
				    const struct bench_group *group,
				    uint32_t threads, size_t *count)
{
	struct bench_case like = {
		.k = group->shape.k,
		.n = group->shape.n,
		.threads = threads,
		.weights = group->weights,
		.weight_size = weight_size(group),
	};
	struct bench_case *cases =
	    malloc(plan->level.count * 2 * BENCH_LIST_MAX * sizeof(*cases));

	if (!cases)
		return NULL;
	*count = 0;
	for (size_t i = 0; i < plan->level.count; i++) {
		like.level = plan->level.number[i];
		add_level(plan, &like, cases, count, group->shape.one_row);
	}
	like.level = 4;
	like.prepacked = true;
	if (plan->prepack && bench_is_int8(&like))
		add_level(plan, &like, cases, count, group->shape.one_row);
	return cases;
}

bool bench_results_add(struct bench_results *results,
		       const struct bench_case *cases, size_t count)
{
	struct bench_case *more =
	    realloc(results->cases, (results->count + count) * sizeof(*more));

	if (!more)
		return false;
	memcpy(more + results->count, cases, count * sizeof(*cases));
	results->cases = more;
	results->count += count;
	return true;
}

void bench_results_free(struct bench_results *results)
{
	free(results->cases);
	*results = (struct bench_results){ .cases = NULL };
}
