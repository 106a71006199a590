/*
 * bench_print.h - results as a table or as JSON, on stdout.
 */
#ifndef QUIRE_CLI_BENCH_BENCH_PRINT_H
#define QUIRE_CLI_BENCH_BENCH_PRINT_H

#include "cli/bench/bench_cases.h"
#include "cli/bench/bench_models.h"

/* `model` may be NULL. False: out of memory. */
bool bench_print_table(const struct bench_results *results,
		       const struct bench_model *model);
bool bench_print_json(const struct bench_results *results,
		      const struct bench_model *model);

#endif
