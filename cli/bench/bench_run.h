/*
 * bench_run.h - measures. Everything that is measured together takes turns, so
 * that a machine that slows down or is shared does so for all alike.
 */
#ifndef QUIRE_CLI_BENCH_BENCH_RUN_H
#define QUIRE_CLI_BENCH_BENCH_RUN_H

#include "cli/bench/bench_cases.h"
#include "cli/bench/bench_weights.h"

/*
 * Fills in what the cases took, all of one shape and as many threads; each
 * names its weights among `weights`. On a device, calls go there together.
 * What went wrong has been told on stderr when it returns false.
 */
bool bench_run(const struct bench_plan *plan, struct bench_weights *weights,
	       struct bench_case *cases, size_t count);

#endif
