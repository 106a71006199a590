/*
 * bench_cases.h - what quire bench measures, and the results.
 */
#ifndef QUIRE_CLI_BENCH_BENCH_CASES_H
#define QUIRE_CLI_BENCH_BENCH_CASES_H

#include "cli/bench/peak.h"
#include "quire.h"

/* More of each than a readable table can have. */
#define BENCH_LIST_MAX 64

struct bench_numbers {
	size_t count;
	uint32_t number[BENCH_LIST_MAX];
};

/* More than there are, and longer than any of them. */
#define BENCH_KERNELS_MAX  16
#define BENCH_KERNELS_NAME 32

/* Names of kernel sets. */
struct bench_kernels {
	size_t count;
	char name[BENCH_KERNELS_MAX][BENCH_KERNELS_NAME];
};

struct bench_shape {
	uint64_t k, n;
	bool one_row; /* measured with one row of x only */
};

/* What to measure: every combination of the lists. */
struct bench_plan {
	size_t shape_count;
	struct bench_shape shape[BENCH_LIST_MAX];
	struct bench_numbers m;
	struct bench_numbers threads;
	struct bench_numbers level;
	struct bench_numbers weights; /* quire_dtype */
	struct bench_kernels sets;    /* of a sweep; none: the best */
	const char *kernels;	      /* one of them; NULL: the best */
	bool prepack;		      /* also with prepacked weights */
	bool sweep;		      /* cases take turns one by one */
	quire_device device;	      /* QUIRE_DEVICE_CPU or ..._METAL */
	const quire_model *model;     /* whose weights; NULL: random ones */
};

/* One product: y[m][n] = x[m][k] W^T. */
struct bench_case {
	uint64_t k, n;
	uint32_t m, threads, level;
	quire_dtype weights;
	uint64_t weight_size; /* bytes */
	size_t source;	      /* index of its weights in its run */
	bool prepacked;	      /* its weights are prepacked */

	double ms; /* the median of all calls */
	const char *kernels;
	struct peaks peaks; /* of these threads, in the same run; CPU */
	double f32_ms;	    /* with F32 weights, in the same run; device */
	char device[64];    /* its name; empty: the CPU */
	const char *form;   /* that multiplies; NULL but in a sweep */
	double step;	    /* bench_sweep_find_steps */
};

struct bench_results {
	struct bench_case *cases;
	size_t count;
};

/* 10^9 bytes of weights per second; 10^9 multiplications and additions per
 * second. */
double bench_gbps(const struct bench_case *what);
double bench_gops(const struct bench_case *what);

/* Whether the weights are multiplied as int8 at the case's level. */
bool bench_is_int8(const struct bench_case *what);

/* One shape and one weight type: measured together. */
struct bench_group {
	struct bench_shape shape;
	quire_dtype weights;
};

/* The cases of a group with this many threads. The caller frees them. NULL: out
 * of memory. */
struct bench_case *bench_cases_make(const struct bench_plan *plan,
				    const struct bench_group *group,
				    uint32_t threads, size_t *count);

/* Appends the cases. False: out of memory. */
bool bench_results_add(struct bench_results *results,
		       const struct bench_case *cases, size_t count);
void bench_results_free(struct bench_results *results);

#endif
