/*
 * bench_print.c - the table for people, the JSON for programs such as
 * bench/plot.py. Both have the same rows in the same order.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/cpu_limits.h"
#include "cli/bench/bench_device.h"
#include "cli/bench/bench_print.h"
#include "cli/bench/bench_sweep.h"
#include "cli/ui/cpu_text.h"
#include "cli/ui/json_out.h"
#include "cli/ui/text_table.h"

/* "123.4 / 567.8 = 0.22" */
static void table_ratio(struct text_table *table, double value, double limit)
{
	char text[96];

	if (limit > 0)
		snprintf(text, sizeof(text), "%.1f / %.1f = %.2f", value, limit,
			 value / limit);
	else
		snprintf(text, sizeof(text), "%.1f", value);
	text_table_text(table, text);
}

static void table_titles(struct text_table *table)
{
	static const char *const titles[] = {
		"K x N", "M",  "threads",     "weights",
		"level", "ms", "GB/s / read", "GOP/s / peak",
	};

	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		text_table_text(table, titles[i]);
}

/* "Q4_0", or "Q4_0 prepacked" */
static void table_weights(struct text_table *table,
			  const struct bench_case *row)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%s", quire_dtype_name(row->weights),
		 row->prepacked ? " prepacked" : "");
	text_table_text(table, text);
}

static void table_case(struct text_table *table, const struct bench_case *row)
{
	char text[64];

	snprintf(text, sizeof(text), "%" PRIu64 " x %" PRIu64, row->k, row->n);
	text_table_text(table, text);
	text_table_number(table, row->m);
	text_table_number(table, row->threads);
	table_weights(table, row);
	text_table_number(table, row->level);
	snprintf(text, sizeof(text), "%.4f", row->ms);
	text_table_text(table, text);
	table_ratio(table, bench_gbps(row), row->peaks.read_gbps);
	table_ratio(table, bench_gops(row),
		    bench_is_int8(row) ? row->peaks.int8_gops
				       : row->peaks.f32_gflops);
}

/* Whether a speed of the model is known for the row, the first one with its
 * threads, level and weights. */
static bool has_speed(const struct bench_results *results, size_t index,
		      const struct bench_model *model, double *tokens)
{
	const struct bench_case *row = &results->cases[index];

	return row->k == model->linears[0].k && row->n == model->linears[0].n &&
	       bench_model_speed(model, results, row, tokens);
}

static const char *phase_of(uint32_t m)
{
	return m == 1 ? "decode" : "prompt";
}

static bool print_speeds(const struct bench_results *results,
			 const struct bench_model *model)
{
	struct text_table table = text_table_start("lrrlrr");
	static const char *const titles[] = { "phase",	 "tokens", "threads",
					      "weights", "level",  "tokens/s" };
	char text[32];
	double tokens;

	printf("\n%s, its linears alone:\n", model->name);
	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		text_table_text(&table, titles[i]);
	for (size_t i = 0; i < results->count; i++) {
		const struct bench_case *row = &results->cases[i];

		if (!has_speed(results, i, model, &tokens))
			continue;
		text_table_text(&table, phase_of(row->m));
		text_table_number(&table, row->m);
		text_table_number(&table, row->threads);
		table_weights(&table, row);
		text_table_number(&table, row->level);
		snprintf(text, sizeof(text), "%.1f", tokens);
		text_table_text(&table, text);
	}
	return text_table_print(&table);
}

static const char *kernels_of(const struct bench_results *results)
{
	return results->count ? results->cases[0].kernels : "-";
}

static void print_cpus(void)
{
	const struct cpu_limits limits = quire_cpu_limits();
	char text[CPU_TEXT_CAPACITY];

	printf("default threads: %s\n", cpu_text(text, &limits));
}

bool bench_print_table(const struct bench_results *results,
		       const struct bench_model *model)
{
	struct text_table table;

	if (results->count && results->cases->device[0] != '\0')
		return bench_device_print(results) &&
		       (!model || print_speeds(results, model));
	table = text_table_start("lrrlrrrr");
	print_cpus();
	printf("kernels %s; limits by %s: reading; level 4 on weights in "
	       "blocks: int8; else f32\n",
	       kernels_of(results), peak_loops_name(kernels_of(results)));
	table_titles(&table);
	for (size_t i = 0; i < results->count; i++)
		table_case(&table, &results->cases[i]);
	return text_table_print(&table) &&
	       (!model || print_speeds(results, model));
}

static void json_case(struct json_out *out, const struct bench_case *row)
{
	const bool on_device = row->device[0] != '\0';

	json_out_begin(out, NULL, '{');
	json_out_u64(out, "k", row->k);
	json_out_u64(out, "n", row->n);
	json_out_u64(out, "m", row->m);
	json_out_u64(out, "threads", row->threads);
	json_out_text(out, "weights", quire_dtype_name(row->weights));
	json_out_u64(out, "level", row->level);
	if (row->prepacked)
		json_out_text(out, "layout", "prepacked");
	json_out_text(out, "kernels", on_device ? "metal" : row->kernels);
	json_out_f64(out, "ms", row->ms);
	json_out_f64(out, "gbps", bench_gbps(row));
	json_out_f64(out, "gops", bench_gops(row));
	if (on_device) {
		bench_device_json(out, row);
	} else {
		json_out_f64(out, "read_gbps", row->peaks.read_gbps);
		json_out_f64(out, "int8_gops", row->peaks.int8_gops);
		json_out_f64(out, "f32_gflops", row->peaks.f32_gflops);
	}
	if (row->form)
		bench_sweep_json(out, row);
	json_out_end(out, '}');
}

static void json_speeds(struct json_out *out,
			const struct bench_results *results,
			const struct bench_model *model)
{
	double tokens;

	json_out_text(out, "model", model->name);
	json_out_begin(out, "speeds", '[');
	for (size_t i = 0; i < results->count; i++) {
		const struct bench_case *row = &results->cases[i];

		if (!has_speed(results, i, model, &tokens))
			continue;
		json_out_begin(out, NULL, '{');
		json_out_text(out, "phase", phase_of(row->m));
		json_out_u64(out, "m", row->m);
		json_out_u64(out, "threads", row->threads);
		json_out_text(out, "weights", quire_dtype_name(row->weights));
		json_out_u64(out, "level", row->level);
		if (row->prepacked)
			json_out_text(out, "layout", "prepacked");
		json_out_f64(out, "tokens_per_second", tokens);
		json_out_end(out, '}');
	}
	json_out_end(out, ']');
}

/* Limits that there are not: null. */
static void json_cpus(struct json_out *out)
{
	const struct cpu_limits limits = quire_cpu_limits();

	json_out_begin(out, "cpus", '{');
	json_out_u64(out, "count", limits.count);
	json_out_u64(out, "online", limits.online);
	if (limits.allowed > 0)
		json_out_u64(out, "affinity_mask", limits.allowed);
	else
		json_out_null(out, "affinity_mask");
	if (limits.quota > 0)
		json_out_f64(out, "cgroup_quota",
			     (double)limits.quota / QUIRE_CPU_QUOTA_UNIT);
	else
		json_out_null(out, "cgroup_quota");
	json_out_end(out, '}');
}

bool bench_print_json(const struct bench_results *results,
		      const struct bench_model *model)
{
	struct json_out out = json_out_start(stdout);

	json_out_begin(&out, NULL, '{');
	if (results->count == 0 || results->cases->device[0] == '\0') {
		json_cpus(&out);
		json_out_text(&out, "limits_by",
			      peak_loops_name(kernels_of(results)));
	}
	json_out_begin(&out, "results", '[');
	for (size_t i = 0; i < results->count; i++)
		json_case(&out, &results->cases[i]);
	json_out_end(&out, ']');
	if (model)
		json_speeds(&out, results, model);
	json_out_end(&out, '}');
	return json_out_finish(&out);
}
