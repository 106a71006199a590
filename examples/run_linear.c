/*
 * run_linear.c - a whole program on libquire: opens a container, finds a linear
 * layer, runs it on one row of ones, prints the first outputs.
 *
 *	run_linear MODEL.gguf LINEAR
 */
#include "quire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static quire_status run(quire_runtime *runtime, const quire_linear *linear,
			quire_error *error)
{
	const size_t shown = linear->n < 4 ? (size_t)linear->n : 4;
	float *x = calloc((size_t)linear->k, sizeof(*x));
	float *y = calloc((size_t)linear->n, sizeof(*y));
	quire_status status = QUIRE_ERROR_MEMORY;

	if (x && y) {
		for (uint64_t i = 0; i < linear->k; i++)
			x[i] = 1;
		status =
		    quire_linear_run(runtime, linear, x, 1, y, NULL, error);
	}
	if (status == QUIRE_OK) {
		printf("%.*s: %" PRIu64 " columns in, %" PRIu64 " out:",
		       (int)linear->name.size, linear->name.data, linear->k,
		       linear->n);
		for (size_t i = 0; i < shown; i++)
			printf(" %g", (double)y[i]);
		printf("%s\n", shown < linear->n ? " ..." : "");
	}
	free(y);
	free(x);
	return status;
}

int main(int argc, char **argv)
{
	quire_error error = { .message = "out of memory" };
	quire_runtime *runtime = NULL;
	quire_model *model = NULL;
	const quire_linear *linear;
	int code = 1;

	if (argc != 3) {
		fprintf(stderr, "usage: run_linear MODEL.gguf LINEAR\n");
		return code;
	}
	if (quire_model_open(argv[1], NULL, &model, &error) != QUIRE_OK)
		goto out;
	if (quire_runtime_create(NULL, &runtime, &error) != QUIRE_OK)
		goto out;
	linear = quire_model_find_linear(model, argv[2]);
	if (!linear)
		snprintf(error.message, sizeof(error.message),
			 "no linear layer '%s'", argv[2]);
	else if (run(runtime, linear, &error) == QUIRE_OK)
		code = 0;
out:
	if (code != 0)
		fprintf(stderr, "run_linear: %s%s%s\n", error.path,
			error.path[0] ? ": " : "", error.message);
	quire_runtime_free(runtime);
	quire_model_close(model);
	return code;
}
