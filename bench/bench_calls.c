/*
 * bench_calls.c - how long a product takes that a C program calls: the other
 * side of bench_python.py.
 *
 *	bench_calls FILE LINEAR SECONDS
 *
 * Multiplies one row of ones by the linear with one thread, in turns of a
 * thousand calls, and prints the mean of the fastest turn in nanoseconds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "quire.h"

#define CALLS 1000

static int fail(const quire_error *error)
{
	fprintf(stderr, "bench_calls: %s %s\n", error->path, error->message);
	return 2;
}

/* Seconds of the fastest turn; negative: a product has failed. */
static double measure(quire_runtime *runtime, const quire_linear *linear,
		      const float *x, float *y, double seconds)
{
	const double end = quire_clock_seconds() + seconds;
	double best = seconds, start, now;

	do {
		start = quire_clock_seconds();
		for (int i = 0; i < CALLS; i++)
			if (quire_linear_run(runtime, linear, x, 1, y, NULL,
					     NULL) != QUIRE_OK)
				return -1;
		now = quire_clock_seconds();
		best = now - start < best ? now - start : best;
	} while (now < end);
	return best;
}

int main(int argc, char **argv)
{
	const quire_runtime_options options = { .threads = 1 };
	const quire_linear *linear;
	quire_runtime *runtime;
	quire_model *model;
	quire_error error;
	double best = -1;
	float *x, *y;

	if (argc != 4) {
		fprintf(stderr, "usage: bench_calls FILE LINEAR SECONDS\n");
		return 2;
	}
	if (quire_model_open(argv[1], NULL, &model, &error) != QUIRE_OK ||
	    quire_runtime_create(&options, &runtime, &error) != QUIRE_OK)
		return fail(&error);
	linear = quire_model_find_linear(model, argv[2]);
	if (!linear) {
		fprintf(stderr, "bench_calls: no linear '%s'\n", argv[2]);
		return 2;
	}
	x = malloc(linear->k * sizeof(*x));
	y = malloc(linear->n * sizeof(*y));
	for (uint64_t i = 0; x && i < linear->k; i++)
		x[i] = 1;
	if (x && y)
		best = measure(runtime, linear, x, y, atof(argv[3]));
	if (best >= 0)
		printf("%.0f\n", best / CALLS * 1e9);
	free(x);
	free(y);
	quire_runtime_free(runtime);
	quire_model_close(model);
	return best < 0;
}
