/*
 * bench_sweep.c - the rows of a sweep, their order, the steps of a curve, and
 * the table. bench_run.c measures, bench_plot.c draws.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench/bench_plot.h"
#include "cli/bench/bench_sweep.h"
#include "cli/ui/json_out.h"
#include "cli/ui/text_table.h"

const struct bench_numbers bench_sweep_rows = {
	33,
	{ 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
	  18, 19, 20, 24, 25, 28, 32, 33, 36, 40, 41, 48, 49, 56, 57, 64 }
};

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void bench_sweep_sort(struct bench_numbers *numbers)
{
	size_t count = 0;

	qsort(numbers->number, numbers->count, sizeof(numbers->number[0]),
	      compare_numbers);
	for (size_t i = 0; i < numbers->count; i++)
		if (count == 0 ||
		    numbers->number[i] != numbers->number[count - 1])
			numbers->number[count++] = numbers->number[i];
	numbers->count = count;
}

static size_t common_divisor(size_t a, size_t b)
{
	while (b > 0) {
		const size_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* Steps of about 0.38 of the way spread the turns evenly (the golden section);
 * one without a common divisor visits every case. */
size_t bench_sweep_turn(size_t count, size_t round, size_t turn)
{
	size_t step = count * 38 / 100 + 1;

	while (common_divisor(count, step) != 1)
		step++;
	return (round * 5 + turn * step) % count;
}

static bool same_series(const struct bench_case *a, const struct bench_case *b)
{
	return a->k == b->k && a->n == b->n && a->threads == b->threads &&
	       a->weights == b->weights && a->level == b->level &&
	       strcmp(a->kernels, b->kernels) == 0;
}

size_t bench_sweep_end(const struct bench_results *results, size_t first)
{
	const struct bench_case *cases = results->cases;
	size_t end = first + 1;

	while (end < results->count &&
	       same_series(&cases[first], &cases[end]) &&
	       cases[end].m > cases[end - 1].m)
		end++;
	return end;
}

/* The time at case `i` of the straight line between its neighbours. */
static double expect(const struct bench_case *cases, size_t i)
{
	const struct bench_case *before = &cases[i - 1], *after = &cases[i + 1];

	return before->ms + (after->ms - before->ms) *
				(cases[i].m - before->m) /
				(after->m - before->m);
}

void bench_sweep_find_steps(struct bench_results *results)
{
	size_t end;

	for (size_t first = 0; first < results->count; first = end) {
		struct bench_case *cases = results->cases + first;

		end = bench_sweep_end(results, first);
		for (size_t i = 1; i + 1 < end - first; i++)
			cases[i].step = cases[i].ms / expect(cases, i);
	}
}

double bench_sweep_share(const struct bench_case *what)
{
	const double peak = bench_is_int8(what) ? what->peaks.int8_gops
						: what->peaks.f32_gflops;
	const double read = what->peaks.read_gbps;
	const double of_peak = peak > 0 ? bench_gops(what) / peak : 0;
	const double of_read = read > 0 ? bench_gbps(what) / read : 0;

	return of_peak > of_read ? of_peak : of_read;
}

static void table_figure(struct text_table *table, int digits, double value)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*f", digits, value);
	text_table_text(table, text);
}

static bool print_table(const struct bench_case *cases, size_t count)
{
	const char *const titles[] = {
		"M",	    "ms",
		"ms a row", bench_is_int8(cases) ? "GOP/s" : "GFLOP/s",
		"share",    "step",
		"form",
	};
	struct text_table table = text_table_start("rrrrrrl");

	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		text_table_text(&table, titles[i]);
	for (size_t i = 0; i < count; i++) {
		const struct bench_case *row = &cases[i];

		text_table_number(&table, row->m);
		table_figure(&table, 4, row->ms);
		table_figure(&table, 4, row->ms / row->m);
		table_figure(&table, 1, bench_gops(row));
		table_figure(&table, 2, bench_sweep_share(row));
		if (row->step > BENCH_STEP)
			table_figure(&table, 2, row->step);
		else
			text_table_text(&table, "");
		text_table_text(&table, row->form);
	}
	return text_table_print(&table);
}

static bool print_series(const struct bench_case *cases, size_t count)
{
	printf("%" PRIu64 " x %" PRIu64 ", %s, level %" PRIu32 ", %" PRIu32
	       " thread%s, kernels %s\n"
	       "limits by %s: reading %.1f GB/s, %s %.1f\n",
	       cases->k, cases->n, quire_dtype_name(cases->weights),
	       cases->level, cases->threads, cases->threads == 1 ? "" : "s",
	       cases->kernels, peak_loops_name(cases->kernels),
	       cases->peaks.read_gbps,
	       bench_is_int8(cases) ? "int8 GOP/s" : "f32 GFLOP/s",
	       bench_is_int8(cases) ? cases->peaks.int8_gops
				    : cases->peaks.f32_gflops);
	if (!print_table(cases, count))
		return false;
	if (count > 1)
		bench_plot(cases, count);
	return true;
}

bool bench_sweep_print(const struct bench_results *results)
{
	size_t end;

	for (size_t first = 0; first < results->count; first = end) {
		end = bench_sweep_end(results, first);
		if (first > 0)
			putchar('\n');
		if (!print_series(results->cases + first, end - first))
			return false;
	}
	return true;
}

void bench_sweep_json(struct json_out *out, const struct bench_case *row)
{
	json_out_f64(out, "ms_per_row", row->ms / row->m);
	json_out_f64(out, "share", bench_sweep_share(row));
	json_out_text(out, "form", row->form);
	if (row->step > 0)
		json_out_f64(out, "step", row->step);
	else
		json_out_null(out, "step");
}
