/*
 * bench_sweep.h - quire bench --sweep: time over the rows of x, for each kernel
 * set, level and weight type. It shows which form computes how many rows, and
 * where the curve has a step.
 *
 * A series is the cases that differ in M alone. They are next to each other in
 * the results, by rising M.
 */
#ifndef QUIRE_CLI_BENCH_BENCH_SWEEP_H
#define QUIRE_CLI_BENCH_BENCH_SWEEP_H

#include "cli/bench/bench_cases.h"

struct json_out;

/* A step is a time that is more than this many times that of the line. */
#define BENCH_STEP 1.10

/* The rows of x of a sweep: 1 to 20, then up to 64 in steps, with the first row
 * after a multiple of 8. */
extern const struct bench_numbers bench_sweep_rows;

/* Sorts the numbers and leaves each in once. */
void bench_sweep_sort(struct bench_numbers *numbers);

/* The case, out of `count`, that is measured as the given turn of a round. Each
 * round begins with another one. Neighbours in M are far apart in time, so that
 * a disturbance does not look like a step. */
size_t bench_sweep_turn(size_t count, size_t round, size_t turn);

/* The end of the series that begins at `first`. */
size_t bench_sweep_end(const struct bench_results *results, size_t first);

/* Sets `step` of every case: its time divided by that of the straight line
 * between its neighbours in the series. 0 for the first and the last case. */
void bench_sweep_find_steps(struct bench_results *results);

/* The share of the limit: of the read bandwidth or of the peak, whichever is
 * nearer. 0: the limit is not known. */
double bench_sweep_share(const struct bench_case *what);

/* A table and a plot of each series. False: out of memory. */
bool bench_sweep_print(const struct bench_results *results);
/* Writes the members that only results of a sweep have. */
void bench_sweep_json(struct json_out *out, const struct bench_case *row);

#endif
