/*
 * bench_run.h - measures. Cases that are measured together take turns, so that
 * a machine that slows down, or is shared, affects all of them.
 */
#ifndef QUIRE_CLI_BENCH_BENCH_RUN_H
#define QUIRE_CLI_BENCH_BENCH_RUN_H

#include "cli/bench/bench_cases.h"
#include "cli/bench/bench_weights.h"

/*
 * Measures the cases, which all have one shape and one number of threads;
 * `source` is the index of a case's weights. On a device, several calls are
 * submitted together. On failure, prints the error and returns false.
 */
bool bench_run(const struct bench_plan *plan, struct bench_weights *weights,
	       struct bench_case *cases, size_t count);

#endif
