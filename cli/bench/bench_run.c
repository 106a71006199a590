/*
 * bench_run.c - measures in rounds of short bursts: first the limits of the
 * machine, then each case. A result is the median of all calls.
 *
 * After a call, the threads of a runtime's pool spin for a while; so there is a
 * pause before those of the peak meter run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/bench/bench_run.h"
#include "cli/bench/bench_sweep.h"
#include "cli/ui/trouble.h"

#define ROUNDS 7

/* A burst of one case lasts this long, with at most this many calls. */
#define BURST_SECONDS 0.02
#define BURST_CALLS   64

/* A call that takes longer than this is made in every third round only. */
#define SLOW_SECONDS 0.1
#define SLOW_ROUNDS  3

/* Calls that are submitted to a device together: those of one or two layers. */
#define BATCH_CALLS 16

/* Many times as long as the threads of a runtime spin (base/thread_pool.c). */
#define PAUSE_SECONDS 0.002

struct timing {
	double expected; /* seconds for a call, from the warm-up */
	size_t count;
	double seconds[ROUNDS * BURST_CALLS];
};

struct bench {
	quire_runtime *runtime;
	quire_runtime *prepacked; /* the same, with prepacked weights */
	struct peak_meter *meter; /* NULL: a device computes */
	struct bench_weights *weights;
	quire_batch *batch; /* that was begun, or NULL */
	bool sweep;
	float *x, *y; /* for the most rows */
	struct timing *timings;
};

static bool call(struct bench *bench, const struct bench_case *what,
		 double *time)
{
	const quire_tensor *tensor =
	    bench_weights_next(&bench->weights[what->source]);
	const quire_matmul_options how = {
		.accuracy_level = what->level,
		.batch = bench->batch,
		.k = what->k,
	};
	quire_runtime *runtime =
	    what->prepacked ? bench->prepacked : bench->runtime;
	const double start = quire_clock_seconds();
	quire_error error;

	if (quire_matmul(runtime, tensor, bench->x, what->m, bench->y, &how,
			 &error) != QUIRE_OK) {
		trouble("bench: %s", error.message);
		return false;
	}
	*time = quire_clock_seconds() - start;
	return true;
}

/* *time = seconds for each call, with this many calls in one batch. */
static bool call_together(struct bench *bench, const struct bench_case *what,
			  size_t calls, double *time)
{
	const double start = quire_clock_seconds();
	quire_status status;
	quire_error error;
	bool done = true;

	if (quire_runtime_begin(bench->runtime, &bench->batch, &error) !=
	    QUIRE_OK) {
		trouble("bench: %s", error.message);
		return false;
	}
	for (size_t i = 0; done && i < calls; i++)
		done = call(bench, what, time);
	status = quire_runtime_end(bench->batch, &error);
	bench->batch = NULL;
	if (done && status != QUIRE_OK)
		trouble("bench: %s", error.message);
	*time = (quire_clock_seconds() - start) / (double)calls;
	return done && status == QUIRE_OK;
}

static bool burst(struct bench *bench, const struct bench_case *what,
		  struct timing *timing, size_t round)
{
	const double wanted = BURST_SECONDS / timing->expected;
	size_t calls = 1;

	if (timing->expected > SLOW_SECONDS && round % SLOW_ROUNDS != 0)
		return true;
	if (wanted > 1)
		calls = wanted < BURST_CALLS ? (size_t)wanted : BURST_CALLS;
	if (!bench->meter)
		return call_together(bench, what,
				     calls < BATCH_CALLS ? calls : BATCH_CALLS,
				     &timing->seconds[timing->count++]);
	for (; calls > 0; calls--)
		if (!call(bench, what, &timing->seconds[timing->count++]))
			return false;
	return true;
}

static void pause_for_threads(const struct bench_case *what)
{
	if (what->threads > 1)
		quire_clock_sleep(PAUSE_SECONDS);
}

/* The first call of a case allocates its scratch memory. */
static bool warm_up(struct bench *bench, const struct bench_case *cases,
		    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		double *expected = &bench->timings[i].expected;

		if (!call(bench, &cases[i], expected))
			return false;
		if (*expected < SLOW_SECONDS &&
		    !call(bench, &cases[i], expected))
			return false;
	}
	return true;
}

static bool run_rounds(struct bench *bench, const struct bench_case *cases,
		       size_t count)
{
	const struct bench_weights *weights = bench->weights;

	for (size_t round = 0; round < ROUNDS; round++) {
		pause_for_threads(cases);
		if (bench->meter)
			peak_meter_sample(bench->meter, weights->memory,
					  weights->size);
		for (size_t turn = 0; turn < count; turn++) {
			const size_t i =
			    bench->sweep ? bench_sweep_turn(count, round, turn)
					 : turn;

			if (i > 0 && cases[i].prepacked &&
			    !cases[i - 1].prepacked)
				pause_for_threads(cases);
			if (!burst(bench, &cases[i], &bench->timings[i], round))
				return false;
		}
	}
	return true;
}

static int compare_times(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void conclude(struct bench *bench, struct bench_case *cases,
		     size_t count)
{
	quire_runtime_info info;

	quire_runtime_describe(bench->runtime, &info);
	for (size_t i = 0; i < count; i++) {
		struct timing *timing = &bench->timings[i];

		qsort(timing->seconds, timing->count,
		      sizeof(timing->seconds[0]), compare_times);
		cases[i].ms = timing->seconds[timing->count / 2] * 1e3;
		cases[i].kernels = info.kernels;
		if (bench->sweep)
			cases[i].form =
			    quire_matmul_form(bench->runtime, cases[i].weights,
					      cases[i].m, cases[i].level);
		if (bench->meter)
			cases[i].peaks = peak_meter_result(bench->meter);
		if (info.device_name)
			snprintf(cases[i].device, sizeof(cases[i].device), "%s",
				 info.device_name);
	}
}

/* Attaches the weights of the cases, if a device computes. */
static quire_status attach(const struct bench *bench,
			   const struct bench_plan *plan,
			   const struct bench_case *cases, size_t count,
			   quire_error *error)
{
	quire_status status = QUIRE_OK;

	if (plan->device == QUIRE_DEVICE_CPU)
		return QUIRE_OK;
	if (plan->model)
		status =
		    quire_runtime_attach(bench->runtime, plan->model, error);
	for (size_t i = 0; status == QUIRE_OK && i < count; i++)
		status = quire_runtime_attach(
		    bench->runtime, bench->weights[cases[i].source].made,
		    error);
	return status;
}

/* A second runtime, so that the first one uses the weights in place. */
static quire_status prepack(struct bench *bench, const struct bench_plan *plan,
			    const quire_runtime_options *how,
			    const struct bench_case *cases, size_t count,
			    quire_error *error)
{
	quire_status status;

	if (!plan->prepack)
		return QUIRE_OK;
	status = quire_runtime_create(how, &bench->prepacked, error);
	if (status == QUIRE_OK && plan->model)
		status =
		    quire_runtime_prepack(bench->prepacked, plan->model, error);
	for (size_t i = 0; status == QUIRE_OK && i < count; i++)
		status = quire_runtime_prepack(
		    bench->prepacked, bench->weights[cases[i].source].made,
		    error);
	return status;
}

static bool prepare(struct bench *bench, const struct bench_plan *plan,
		    const struct bench_case *cases, size_t count)
{
	const quire_runtime_options how = {
		.device = plan->device,
		.threads = cases->threads,
		.kernels = plan->kernels,
	};
	const size_t k = (size_t)cases->k;
	const size_t n = (size_t)cases->n;
	size_t rows = 0;
	quire_error error;

	for (size_t i = 0; i < count; i++)
		if (cases[i].m > rows)
			rows = cases[i].m;
	if (plan->device == QUIRE_DEVICE_CPU)
		bench->meter = peak_meter_create(cases->threads, plan->kernels);
	bench->timings = calloc(count, sizeof(*bench->timings));
	bench->x = malloc(rows * k * sizeof(float));
	bench->y = malloc(rows * n * sizeof(float));
	if ((plan->device == QUIRE_DEVICE_CPU && !bench->meter) ||
	    !bench->timings || !bench->x || !bench->y) {
		trouble_memory();
		return false;
	}
	/* Values from -1 to 1: multiples of 2^32 over the golden ratio. */
	for (size_t i = 0; i < rows * k; i++) {
		const uint32_t spread = (uint32_t)i * 2654435761U >> 16;

		bench->x[i] = (float)spread / 32768.0F - 1.0F;
	}
	if (quire_runtime_create(&how, &bench->runtime, &error) != QUIRE_OK ||
	    attach(bench, plan, cases, count, &error) != QUIRE_OK ||
	    prepack(bench, plan, &how, cases, count, &error) != QUIRE_OK) {
		trouble("bench: %s", error.message);
		return false;
	}
	return true;
}

bool bench_run(const struct bench_plan *plan, struct bench_weights *weights,
	       struct bench_case *cases, size_t count)
{
	struct bench bench = { .weights = weights, .sweep = plan->sweep };
	const bool done = prepare(&bench, plan, cases, count) &&
			  warm_up(&bench, cases, count) &&
			  run_rounds(&bench, cases, count);

	if (done)
		conclude(&bench, cases, count);
	quire_runtime_free(bench.prepacked);
	quire_runtime_free(bench.runtime);
	peak_meter_free(bench.meter);
	free(bench.timings);
	free(bench.x);
	free(bench.y);
	return done;
}
