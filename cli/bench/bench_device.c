/*
 * bench_device.c - what bench does differently on a device. The limits of its
 * memory and arithmetic are not known, so results are compared with the product
 * by F32 weights of the same shape, which takes turns with it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench/bench_device.h"
#include "cli/bench/bench_run.h"
#include "cli/bench/bench_weights.h"
#include "cli/ui/json_out.h"
#include "cli/ui/options.h"
#include "cli/ui/trouble.h"

bool bench_device_find(const char *name, quire_device *device)
{
	quire_runtime_options how = { .threads = 1 };
	quire_runtime *runtime = NULL;
	quire_runtime_info info;
	quire_error error;

	if (!option_device("bench", name, &how.device))
		return false;
	*device = QUIRE_DEVICE_CPU;
	if (how.device == QUIRE_DEVICE_CPU)
		return true;
	if (quire_runtime_create(&how, &runtime, &error) != QUIRE_OK) {
		trouble("bench: %s", error.message);
		return false;
	}
	quire_runtime_describe(runtime, &info);
	*device = info.device;
	quire_runtime_free(runtime);
	return true;
}

/* The cases of the group, then the same cases in F32. */
static struct bench_case *make_cases(const struct bench_plan *plan,
				     const struct bench_group *group,
				     size_t *count)
{
	struct bench_case *cases = bench_cases_make(plan, group, 1, count);
	struct bench_group f32 = *group;
	struct bench_case *more, *all;
	size_t more_count;

	f32.weights = QUIRE_F32;
	more = bench_cases_make(plan, &f32, 1, &more_count);
	all =
	    cases && more ? malloc((*count + more_count) * sizeof(*all)) : NULL;
	if (all) {
		memcpy(all, cases, *count * sizeof(*all));
		memcpy(all + *count, more, more_count * sizeof(*all));
		for (size_t i = 0; i < more_count; i++)
			all[*count + i].source = 1;
	}
	free(cases);
	free(more);
	return all;
}

static bool measure(const struct bench_plan *plan,
		    const struct bench_group *group,
		    struct bench_weights *weights,
		    struct bench_results *results)
{
	size_t count;
	struct bench_case *cases = make_cases(plan, group, &count);
	bool done = cases && bench_run(plan, weights, cases, 2 * count);

	for (size_t i = 0; done && i < count; i++)
		cases[i].f32_ms = cases[count + i].ms;
	if (!cases || (done && !bench_results_add(results, cases, count))) {
		trouble_memory();
		done = false;
	}
	free(cases);
	return done;
}

bool bench_device_run(const struct bench_plan *plan,
		      const struct bench_group *group,
		      struct bench_results *results)
{
	struct bench_group f32 = *group;
	struct bench_weights weights[2];
	bool done = false;

	f32.weights = QUIRE_F32;
	if (!bench_weights_make(&weights[0], plan, group)) {
		trouble_memory();
		return false;
	}
	if (bench_weights_make(&weights[1], plan, &f32)) {
		done = measure(plan, group, weights, results);
		bench_weights_free(&weights[1]);
	} else {
		trouble_memory();
	}
	bench_weights_free(&weights[0]);
	return done;
}

double bench_device_over_f32(const struct bench_case *row)
{
	return row->f32_ms / row->ms;
}

static void table_figure(struct text_table *table, int digits, double value,
			 const char *unit)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*f%s", digits, value, unit);
	text_table_text(table, text);
}

bool bench_device_print(const struct bench_results *results)
{
	static const char *const titles[] = { "K x N",	 "M",	    "weights",
					      "ms",	 "GB/s",    "GFLOP/s",
					      "F32: ms", "over F32" };
	struct text_table table = text_table_start("lrlrrrrr");
	char text[64];

	printf("device %s; computed in f32, beside the same product by F32 "
	       "weights\n",
	       results->cases->device);
	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		text_table_text(&table, titles[i]);
	for (size_t i = 0; i < results->count; i++) {
		const struct bench_case *row = &results->cases[i];

		snprintf(text, sizeof(text), "%" PRIu64 " x %" PRIu64, row->k,
			 row->n);
		text_table_text(&table, text);
		text_table_number(&table, row->m);
		text_table_text(&table, quire_dtype_name(row->weights));
		table_figure(&table, 4, row->ms, "");
		table_figure(&table, 1, bench_gbps(row), "");
		table_figure(&table, 1, bench_gops(row), "");
		table_figure(&table, 4, row->f32_ms, "");
		table_figure(&table, 2, bench_device_over_f32(row), "x");
	}
	return text_table_print(&table);
}

void bench_device_json(struct json_out *out, const struct bench_case *row)
{
	json_out_text(out, "device", row->device);
	json_out_f64(out, "f32_ms", row->f32_ms);
	json_out_f64(out, "over_f32", bench_device_over_f32(row));
}
