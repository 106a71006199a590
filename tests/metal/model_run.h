/*
 * model_run.h - models, runtimes and products for tests of the Metal device,
 * the fake one or a real one.
 */
#ifndef QUIRE_TESTS_MODEL_RUN_H
#define QUIRE_TESTS_MODEL_RUN_H

#include <stdbool.h>

#include "quire.h"
#include "tests/support/guard.h"

/* Converts an ONNX model into a temporary file. NULL: the model in examples/,
 * layer 0 of MiniLM. */
void model_convert(const char *onnx);
void model_remove(void);

/* cmocka's set-up and tear-down of a group of tests of the model in
 * examples/. */
int model_set_up(void **state);
int model_tear_down(void **state);

/* Maps it; fails the test if that fails. */
quire_model *model_open(void);

/* Reads it into memory that is aligned to 64 KiB and has guards close to both
 * ends. Free *memory with guarded_free. */
quire_model *model_open_aligned(struct guarded *memory);

/* Five linears of RAGGED_K columns and RAGGED_N rows, each with a bias, of the
 * types Q4_0, Q4_1, Q8_0, F16 and F32. */
#define RAGGED_K       70
#define RAGGED_N       67
#define RAGGED_LINEARS 5
quire_model *model_open_ragged(void);

quire_runtime *runtime_open(quire_device device);
void runtime_attach(quire_runtime *runtime, const quire_model *model);

/* A runtime of the Metal device with the model attached, as the state of a
 * test. The tear-down frees both. */
struct attached {
	quire_runtime *runtime;
	quire_model *model;
};

int attached_set_up(void **state);
int attached_tear_down(void **state);

#define ATTACHED_TEST(test)                                                    \
	cmocka_unit_test_setup_teardown((test), &attached_set_up,              \
					&attached_tear_down)

/* One product by a linear, with all its arguments. */
struct run {
	const quire_linear *linear;
	size_t m;
	quire_dtype x_dtype, y_dtype;
	size_t x_gap, y_gap; /* elements between rows: NaN and poison */
	void *x, *y;	     /* in `memory`, with a guard behind each */
	struct guarded memory[2];
	quire_matmul_options options;
};

/* Random x; y is poison. To be freed. */
void run_create(struct run *run, uint64_t seed);
void run_free(struct run *run);

/* quire_linear_run, in f32. */
quire_status run_try(struct run *run, quire_runtime *runtime,
		     quire_error *error);
/* Fails the test unless it is OK. */
void run_do(struct run *run, quire_runtime *runtime);

/* Fails the test unless each y is within the bound and the poison is
 * unchanged. */
void run_check(const struct run *run);
/* Fails the test unless all of y is poison. */
void run_check_untouched(const struct run *run);
/* Runs all linears of a model with 1, 5 and 64 rows: each y is within the
 * bound, and close to the CPU's. */
void run_model(quire_runtime *metal, const quire_model *model);
/* run_create, _do, _check and _free. */
void run_whole(quire_runtime *runtime, const quire_linear *linear, size_t m,
	       quire_dtype x_dtype, quire_dtype y_dtype);

#endif
