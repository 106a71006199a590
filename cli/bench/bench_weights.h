/*
 * bench_weights.h - matrices of one shape and type, so many that by the time
 * the first one's turn comes again it has left every cache. That is how a
 * program that runs a whole model finds them.
 */
#ifndef QUIRE_CLI_BENCH_BENCH_WEIGHTS_H
#define QUIRE_CLI_BENCH_BENCH_WEIGHTS_H

#include "cli/bench/bench_cases.h"

struct bench_weights {
	quire_tensor *tensors;
	size_t count;
	size_t next;
	unsigned char *memory; /* what was made up, filled; for reading */
	size_t size;
	quire_model *made; /* the same as a model, where one is needed */
};

/* Those of the plan's model, if it has one, and as many made-up ones as it
 * takes; on pages of the base size, as a mapped file's are. False: no memory.
 */
bool bench_weights_make(struct bench_weights *weights,
			const struct bench_plan *plan,
			const struct bench_group *group);
void bench_weights_free(struct bench_weights *weights);

/* Each in turn. */
const quire_tensor *bench_weights_next(struct bench_weights *weights);

#endif
