/*
 * test_batches.c - what the host costs the device: commits, dispatches and
 * memory, with batches, large products and many threads.
 */
#include <pthread.h>

#include "tests/metal/fake_metal.h"
#include "tests/metal/model_run.h"
#include "tests/support/check.h"

/* A batch is one commit, and the next one like it allocates nothing. */
static void test_batch_is_one_commit(void **state)
{
	const struct attached *on = *state;
	struct run runs[6];
	quire_batch *batch = NULL;
	long buffers = 0;

	assert_int_equal(quire_model_linear_count(on->model), 6);
	for (int round = 0; round < 8; round++) {
		fake_metal_reset();
		assert_int_equal(quire_runtime_begin(on->runtime, &batch, NULL),
				 QUIRE_OK);
		for (size_t i = 0; i < 6; i++) {
			runs[i] = (struct run){ .linear = quire_model_linear(
						    on->model, i),
						.m = 40 };
			run_create(&runs[i], i);
			runs[i].options.batch = batch;
			run_do(&runs[i], on->runtime);
		}
		assert_int_equal(fake_metal_counts().commits, 0);
		assert_int_equal(quire_runtime_end(batch, NULL), QUIRE_OK);
		assert_int_equal(fake_metal_counts().commits, 1);
		assert_int_equal(fake_metal_counts().dispatches, 6);
		if (round >= 3)
			buffers += fake_metal_counts().buffers;
		for (size_t i = 0; i < 6; i++) {
			if (round == 7)
				run_check(&runs[i]);
			run_free(&runs[i]);
		}
	}
	assert_int_equal(buffers, 0);
}

/* An earlier y as x is not copied, and needs no second commit. */
static void test_chain_is_one_commit(void **state)
{
	const struct attached *on = *state;
	struct run first = { .linear = quire_model_linear(on->model, 0),
			     .m = 2 };
	struct run second = first;
	quire_batch *batch = NULL;

	assert_int_equal(first.linear->k, first.linear->n);
	assert_int_equal(quire_runtime_begin(on->runtime, &batch, NULL),
			 QUIRE_OK);
	run_create(&first, 1);
	run_create(&second, 2);
	second.x = first.y;
	first.options.batch = second.options.batch = batch;
	run_do(&first, on->runtime);
	run_do(&second, on->runtime);
	run_check_untouched(&first);
	assert_int_equal(quire_runtime_end(batch, NULL), QUIRE_OK);
	assert_int_equal(fake_metal_counts().commits, 1);
	run_check(&first);
	run_check(&second);
	run_free(&first);
	run_free(&second);
}

/* Several linears with one x are one commit, and there is no batch to end. */
static void test_many_is_one_commit(void **state)
{
	const struct attached *on = *state;
	const quire_linear *linears[3];
	struct run runs[3];
	void *y[3];

	for (size_t i = 0; i < 3; i++) {
		linears[i] = quire_model_linear(on->model, i);
		assert_int_equal(linears[i]->k, linears[0]->k);
		runs[i] = (struct run){ .linear = linears[i], .m = 3 };
		run_create(&runs[i], 1);
		y[i] = runs[i].y;
	}
	runs[0].options.y_stride = 0;
	assert_int_equal(quire_linear_run_many(on->runtime, linears, 3,
					       runs[0].x, 3, y,
					       &runs[0].options, NULL),
			 QUIRE_OK);
	runs[0].options.y_stride = linears[0]->n;
	assert_int_equal(fake_metal_counts().commits, 1);
	assert_int_equal(fake_metal_counts().dispatches, 3);
	for (size_t i = 0; i < 3; i++)
		run_check(&runs[i]);
	fake_metal.failing_command = 2;
	assert_int_equal(quire_linear_run_many(on->runtime, linears, 3,
					       runs[0].x, 3, y, NULL, NULL),
			 QUIRE_ERROR_IO);
	for (size_t i = 0; i < 3; i++)
		run_free(&runs[i]);
}

/* A batch whose end fails writes nothing and frees everything. */
static void test_batch_fails(void **state)
{
	const struct attached *on = *state;
	struct run run = { .linear = quire_model_linear(on->model, 0), .m = 2 };
	quire_batch *batch = NULL;

	assert_int_equal(quire_runtime_begin(on->runtime, &batch, NULL),
			 QUIRE_OK);
	run_create(&run, 1);
	run.options.batch = batch;
	run_do(&run, on->runtime);
	fake_metal.failing_command = 2;
	assert_int_equal(quire_runtime_end(batch, NULL), QUIRE_ERROR_IO);
	run_check_untouched(&run);
	run_free(&run);
}

/* More rows of x than the largest buffer has room for. */
static void test_many_rows(void **state)
{
	quire_model *model = model_open();
	quire_runtime *runtime;
	struct run run = { .linear = quire_model_linear(model, 0), .m = 300 };

	(void)state;
	fake_metal.max_buffer = 4096 * 100;
	runtime = runtime_open(QUIRE_DEVICE_METAL);
	runtime_attach(runtime, model);
	run_create(&run, 1);
	run_do(&run, runtime);
	assert_int_equal(fake_metal_counts().dispatches, 2);
	run_check(&run);
	run_free(&run);
	quire_runtime_free(runtime);
	quire_model_close(model);
}

struct worker {
	pthread_t thread;
	quire_runtime *runtime;
	const quire_model *model;
	size_t m;
};

static void *work(void *context)
{
	struct worker *worker = context;

	for (size_t i = 0; i < 4; i++)
		run_whole(worker->runtime, quire_model_linear(worker->model, i),
			  worker->m, QUIRE_F32, QUIRE_F32);
	return NULL;
}

static void test_threads(void **state)
{
	const struct attached *on = *state;
	struct worker workers[4];

	for (size_t i = 0; i < 4; i++) {
		workers[i] = (struct worker){ .runtime = on->runtime,
					      .model = on->model,
					      .m = 1 + i };
		assert_int_equal(
		    pthread_create(&workers[i].thread, NULL, work, &workers[i]),
		    0);
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(workers[i].thread, NULL);
}

static int set_up(void **state)
{
	fake_metal_set_up(state);
	return attached_set_up(state);
}

static int tear_down(void **state)
{
	attached_tear_down(state);
	return fake_metal_tear_down(state);
}

#define BATCH_TEST(test)                                                       \
	cmocka_unit_test_setup_teardown((test), &set_up, &tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BATCH_TEST(test_batch_is_one_commit),
		BATCH_TEST(test_chain_is_one_commit),
		BATCH_TEST(test_many_is_one_commit),
		BATCH_TEST(test_batch_fails),
		FAKE_METAL_TEST(test_many_rows),
		BATCH_TEST(test_threads),
	};

	return cmocka_run_group_tests(tests, model_set_up, model_tear_down);
}
