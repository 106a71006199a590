/*
 * test_together.c - many threads at once open, look up, verify, multiply and
 * close, with models of their own and with shared ones. It is for
 * ThreadSanitizer, which finds what no assertion here can.
 */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/product.h"
#include "tests/support/sample.h"
#include "tests/support/scratch.h"
#include "tests/support/writing.h"

#define THREADS 8
#define ROUNDS	10

struct shared {
	char *path;
	quire_model *plain;
	quire_model *lazy;
	quire_runtime *runtime;
	float expected[SAMPLE_N];
};

struct one {
	pthread_t thread;
	const struct shared *shared;
	size_t failures;
};

static quire_status multiply(const struct shared *shared,
			     const quire_model *model, float *y)
{
	const quire_linear *linear = quire_model_find_linear(model, "fc");
	float x[SAMPLE_K];

	for (int i = 0; i < SAMPLE_K; i++)
		x[i] = (float)i / 8;
	return quire_linear_run(shared->runtime, linear, x, 1, y, NULL, NULL);
}

/* Whether the product is the one that a single thread computed. */
static bool multiplies(const struct shared *shared, const quire_model *model)
{
	float y[SAMPLE_N];

	return multiply(shared, model, y) == QUIRE_OK &&
	       memcmp(y, shared->expected, sizeof(y)) == 0;
}

/* A product with prepacked weights sums one row in another order. */
static bool is_near(float a, float b)
{
	return (isnan(a) && isnan(b)) || fabsf(a - b) <= 1e-6F * fabsf(b);
}

/* While other threads multiply by other models, on the same runtime. */
static bool prepacks(const struct shared *shared, const quire_model *model)
{
	float y[SAMPLE_N];
	bool right =
	    quire_runtime_prepack(shared->runtime, model, NULL) == QUIRE_OK &&
	    multiply(shared, model, y) == QUIRE_OK;

	for (int i = 0; i < SAMPLE_N; i++)
		right = right && is_near(y[i], shared->expected[i]);
	quire_runtime_detach(shared->runtime, model);
	return right;
}

static bool uses(const struct shared *shared, const quire_model *model)
{
	const quire_verify_options how = { .threads = 2 };

	return quire_model_find_tensor(model, "e") &&
	       quire_model_find_value(model, "test.a") &&
	       quire_model_verify(model, &how, NULL) == QUIRE_OK &&
	       quire_model_check_files(model, NULL) == QUIRE_OK &&
	       multiplies(shared, model);
}

static bool opens_own(const struct shared *shared, int round)
{
	const quire_open_options options = {
		.verify = (quire_verify_mode)(round % 3),
		.load = (quire_load_mode)(round % 2),
		.prefetch = (quire_prefetch)(round / 2 % 3),
	};
	quire_model *model;
	bool right;

	if (quire_model_open(shared->path, &options, &model, NULL) != QUIRE_OK)
		return false;
	right = uses(shared, model) && prepacks(shared, model);
	quire_model_close(model);
	return right;
}

static void *run(void *context)
{
	struct one *one = context;
	const struct shared *shared = one->shared;

	/* All threads at once, for the first time. */
	one->failures += multiplies(shared, shared->lazy) ? 0 : 1;
	for (int round = 0; round < ROUNDS; round++) {
		one->failures += uses(shared, shared->plain) ? 0 : 1;
		one->failures += uses(shared, shared->lazy) ? 0 : 1;
		one->failures += opens_own(shared, round) ? 0 : 1;
	}
	return NULL;
}

static void test_many_threads(void **state)
{
	const quire_open_options lazy = { .verify = QUIRE_VERIFY_LAZY };
	const quire_runtime_options two = { .threads = 2 };
	char *folder = scratch_make();
	struct shared shared = { .path = scratch_path(folder, "m.gguf") };
	struct one ones[THREADS] = { { .failures = 0 } };

	(void)state;
	sample_write(shared.path);
	assert_int_equal(quire_runtime_create(&two, &shared.runtime, NULL),
			 QUIRE_OK);
	product_use_all_threads(shared.runtime);
	shared.plain = writing_open(shared.path);
	assert_int_equal(
	    quire_model_open(shared.path, &lazy, &shared.lazy, NULL), QUIRE_OK);
	assert_int_equal(multiply(&shared, shared.plain, shared.expected),
			 QUIRE_OK);
	for (int i = 0; i < THREADS; i++) {
		ones[i].shared = &shared;
		assert_int_equal(
		    pthread_create(&ones[i].thread, NULL, run, &ones[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(ones[i].thread, NULL), 0);
		assert_int_equal(ones[i].failures, 0);
	}
	quire_model_close(shared.plain);
	quire_model_close(shared.lazy);
	quire_runtime_free(shared.runtime);
	free(shared.path);
	scratch_remove(folder);
}

#define BIG_SIZE ((uint64_t)6 << 20)

static quire_tensor big_tensor(const char *name)
{
	return (quire_tensor){ .name = { name, strlen(name) },
			       .dtype = QUIRE_F32,
			       .rank = 1,
			       .shape = { BIG_SIZE / 4 } };
}

static bool always(void *context, uint64_t done, uint64_t total)
{
	uint64_t *last = context;
	const bool right = done > *last && done <= total;

	*last = done;
	return right;
}

/* Large enough that verification starts threads. */
static void test_verify_in_parallel(void **state)
{
	char *folder = scratch_make();
	char *path = scratch_path(folder, "big.gguf");
	static const char *const names[] = { "a", "b", "c" };
	unsigned char *bytes = calloc(1, BIG_SIZE);
	uint64_t last = 0;
	const quire_verify_options how = { .threads = 4,
					   .progress = always,
					   .context = &last };
	quire_writer *writer;
	quire_model *model;

	(void)state;
	assert_non_null(bytes);
	writer = writing_begin(path, NULL);
	for (size_t i = 0; i < 3; i++) {
		const quire_tensor tensor = big_tensor(names[i]);

		writing_declare(writer, &tensor);
	}
	for (size_t i = 0; i < 3; i++) {
		bytes[i]++;
		writing_put(writer, i, bytes, (size_t)BIG_SIZE);
	}
	writing_finish(writer);
	model = writing_open(path);
	assert_int_equal(quire_model_verify(model, &how, NULL), QUIRE_OK);
	assert_true(last == 3 * BIG_SIZE);
	quire_model_close(model);
	free(bytes);
	free(path);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_threads),
		cmocka_unit_test(test_verify_in_parallel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
