/*
 * bench_weights.h - matrices of one shape and type, so many that a matrix has
 * left every cache before its next turn, as in a program that runs a whole
 * model.
 */
#ifndef QUIRE_CLI_BENCH_BENCH_WEIGHTS_H
#define QUIRE_CLI_BENCH_BENCH_WEIGHTS_H

#include "cli/bench/bench_cases.h"

struct bench_weights {
	quire_tensor *tensors;
	size_t count;
	size_t next;
	unsigned char *memory; /* of the random matrices */
	size_t size;
	quire_model *made; /* the same as a model, or NULL */
};

/* The matrices of the plan's model, if it has one, and as many random ones as
 * are needed, on small pages, as in a mapped file. False: out of memory. */
bool bench_weights_make(struct bench_weights *weights,
			const struct bench_plan *plan,
			const struct bench_group *group);
void bench_weights_free(struct bench_weights *weights);

/* The next matrix; each has its turn. */
const quire_tensor *bench_weights_next(struct bench_weights *weights);

#endif
