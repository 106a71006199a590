/*
 * bench_plot.h - draws a curve of time over rows of x with plain characters.
 */
#ifndef QUIRE_CLI_BENCH_BENCH_PLOT_H
#define QUIRE_CLI_BENCH_BENCH_PLOT_H

#include "cli/bench/bench_cases.h"

/* Draws a series, at least two cases by rising M, on stdout, as wide as the
 * terminal. The letter of a point is its form's; a step is "!", in red where
 * stdout may be coloured. */
void bench_plot(const struct bench_case *cases, size_t count);

#endif
