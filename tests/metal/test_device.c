/*
 * test_device.c - the Metal device through the public calls: on Linux the fake
 * one, on macOS the machine's. The tests fail without a device.
 */
#include <string.h>

#include "tests/metal/exact.h"
#include "tests/metal/model_run.h"
#include "tests/support/check.h"

static void test_describes(void **state)
{
	quire_runtime *runtime = runtime_open(QUIRE_DEVICE_METAL);
	quire_model *model = model_open();
	quire_runtime_info info;

	(void)state;
	quire_runtime_describe(runtime, &info);
	assert_int_equal(info.device, QUIRE_DEVICE_METAL);
	assert_true(info.device_name[0] != '\0');
	assert_int_equal(info.mapped_size + info.copied_size, 0);
	runtime_attach(runtime, model);
	quire_runtime_describe(runtime, &info);
	assert_true(info.mapped_size + info.copied_size >= 1000000);
	assert_true(info.unified_memory == (info.copied_size == 0));
	quire_runtime_free(runtime);
	quire_model_close(model);
}

static void test_model(void **state)
{
	const struct attached *on = *state;

	run_model(on->runtime, on->model);
}

static void test_types(void **state)
{
	const struct attached *on = *state;
	const quire_linear *linear = quire_model_linear(on->model, 0);

	for (size_t m = 1; m <= 13; m += 6) {
		run_whole(on->runtime, linear, m, QUIRE_F16, QUIRE_F32);
		run_whole(on->runtime, linear, m, QUIRE_F32, QUIRE_F16);
		run_whole(on->runtime, linear, m, QUIRE_F16, QUIRE_F16);
	}
}

/* Every type of weights, with k less than their columns, and NaN and poison
 * between rows. */
static void test_ragged(void **state)
{
	quire_runtime *runtime = runtime_open(QUIRE_DEVICE_METAL);
	quire_model *model = model_open_ragged();

	(void)state;
	runtime_attach(runtime, model);
	for (size_t i = 0; i < RAGGED_LINEARS; i++)
		for (size_t m = 1; m <= 11; m += 2) {
			struct run run = { .linear =
					       quire_model_linear(model, i),
					   .m = m,
					   .x_gap = m % 4,
					   .y_gap = m % 3 };

			run_create(&run, m);
			run_do(&run, runtime);
			run_check(&run);
			run_free(&run);
		}
	quire_runtime_free(runtime);
	quire_model_close(model);
}

/* A bias of the caller, of each type, at an odd address. */
static void test_bias(void **state)
{
	const struct attached *on = *state;
	static const quire_dtype dtypes[] = { QUIRE_F32, QUIRE_F16,
					      QUIRE_BF16 };
	quire_linear linear = *quire_model_linear(on->model, 0);
	quire_tensor bias = { .rank = 1, .shape = { linear.n, 1, 1, 1 } };

	linear.bias = &bias;
	for (size_t i = 0; i < 3; i++) {
		const size_t size =
		    (size_t)linear.n * (dtypes[i] == QUIRE_F32 ? 4 : 2);
		struct guarded memory = guarded_create_low(size + 1);

		bias.dtype = dtypes[i];
		bias.size = size;
		bias.data = memory.data + 1;
		for (size_t n = 0; n < linear.n; n++)
			exact_store(memory.data + 1, dtypes[i], n,
				    (float)n / 8);
		run_whole(on->runtime, &linear, 1 + 5 * i, QUIRE_F32,
			  QUIRE_F32);
		guarded_free(&memory);
	}
}

static void test_not_attached(void **state)
{
	quire_runtime *metal = runtime_open(QUIRE_DEVICE_METAL);
	quire_runtime *best = runtime_open(QUIRE_DEVICE_BEST);
	quire_model *model = model_open();
	struct run run = { .linear = quire_model_linear(model, 0), .m = 2 };
	quire_runtime_info info;
	quire_error error;

	(void)state;
	run_create(&run, 1);
	assert_int_equal(run_try(&run, metal, &error), QUIRE_ERROR_ARGUMENT);
	assert_non_null(strstr(error.message, "attached"));
	run_check_untouched(&run);
	quire_runtime_describe(best, &info);
	assert_int_equal(info.device, QUIRE_DEVICE_METAL);
	run_do(&run, best);
	run_check(&run);
	run_free(&run);
	quire_runtime_free(metal);
	quire_runtime_free(best);
	quire_model_close(model);
}

static void test_unsupported_type(void **state)
{
	quire_runtime *runtime = runtime_open(QUIRE_DEVICE_METAL);
	const uint16_t data[4] = { 0 };
	const float x[2] = { 0 };
	float y[2];
	const quire_tensor tensor = { .dtype = QUIRE_BF16,
				      .rank = 2,
				      .shape = { 2, 2, 1, 1 },
				      .size = sizeof(data),
				      .data = data };
	quire_error error;

	(void)state;
	assert_int_equal(quire_matmul(runtime, &tensor, x, 1, y, NULL, &error),
			 QUIRE_ERROR_UNSUPPORTED);
	assert_non_null(strstr(error.message, "BF16"));
	quire_runtime_free(runtime);
}

static void test_two_models(void **state)
{
	quire_runtime *runtime = runtime_open(QUIRE_DEVICE_METAL);
	quire_model *a = model_open(), *b = model_open();
	struct run run = { .linear = quire_model_linear(a, 1), .m = 1 };
	quire_runtime_info one, two;

	(void)state;
	runtime_attach(runtime, a);
	quire_runtime_describe(runtime, &one);
	runtime_attach(runtime, a);
	runtime_attach(runtime, b);
	quire_runtime_describe(runtime, &two);
	assert_int_equal(two.mapped_size, 2 * one.mapped_size);
	run_whole(runtime, quire_model_linear(a, 1), 3, QUIRE_F32, QUIRE_F32);
	run_whole(runtime, quire_model_linear(b, 2), 3, QUIRE_F32, QUIRE_F32);
	quire_runtime_detach(runtime, a);
	run_create(&run, 1);
	assert_int_equal(run_try(&run, runtime, NULL), QUIRE_ERROR_ARGUMENT);
	run_free(&run);
	run_whole(runtime, quire_model_linear(b, 1), 3, QUIRE_F32, QUIRE_F32);
	quire_runtime_detach(runtime, b);
	quire_runtime_detach(runtime, b);
	quire_model_close(a);
	quire_model_close(b);
	quire_runtime_free(runtime);
}

static const quire_linear *find(const quire_model *model, const char *part)
{
	for (size_t i = 0; i < quire_model_linear_count(model); i++) {
		const quire_linear *linear = quire_model_linear(model, i);
		char name[256] = "";

		memcpy(name, linear->name.data, linear->name.size);
		if (strstr(name, part))
			return linear;
	}
	fail_msg("no linear '%s'", part);
	return NULL;
}

static const quire_linear *find_k(const quire_model *model, uint64_t k)
{
	for (size_t i = 0; i < quire_model_linear_count(model); i++)
		if (quire_model_linear(model, i)->k == k)
			return quire_model_linear(model, i);
	fail_msg("no linear of %d columns", (int)k);
	return NULL;
}

/* y of the first is x of the second, which is checked against the first's y as
 * the caller gets it. */
static void test_batch(void **state)
{
	const struct attached *on = *state;
	const quire_linear *up = find(on->model, "intermediate");
	quire_batch *batch = NULL;

	for (size_t m = 1; m <= 12; m += 11) {
		struct run query = { .linear = find(on->model, "query"),
				     .m = m };
		struct run first = { .linear = up, .m = m };
		struct run second = { .linear = find_k(on->model, up->n),
				      .m = m };

		run_create(&query, 1);
		run_create(&first, 2);
		run_create(&second, 3);
		second.x = first.y;
		assert_int_equal(quire_runtime_begin(on->runtime, &batch, NULL),
				 QUIRE_OK);
		query.options.batch = batch;
		first.options.batch = batch;
		second.options.batch = batch;
		run_do(&query, on->runtime);
		run_do(&first, on->runtime);
		run_do(&second, on->runtime);
		run_check_untouched(&query);
		assert_int_equal(quire_runtime_end(batch, NULL), QUIRE_OK);
		run_check(&query);
		run_check(&first);
		run_check(&second);
		run_free(&query);
		run_free(&first);
		run_free(&second);
	}
}

/* An x that overlaps a y of the batch, and begins elsewhere. */
static void test_batch_overlap(void **state)
{
	const struct attached *on = *state;
	struct run first = { .linear = find(on->model, "query"), .m = 4 };
	struct run second = { .linear = find(on->model, "key"), .m = 2 };
	quire_batch *batch = NULL;

	run_create(&first, 2);
	run_create(&second, 3);
	second.x = (float *)first.y + first.linear->n;
	assert_int_equal(quire_runtime_begin(on->runtime, &batch, NULL),
			 QUIRE_OK);
	first.options.batch = batch;
	second.options.batch = batch;
	run_do(&first, on->runtime);
	run_do(&second, on->runtime);
	assert_int_equal(quire_runtime_end(batch, NULL), QUIRE_OK);
	run_check(&first);
	run_check(&second);
	run_free(&first);
	run_free(&second);
}

/* BEST, with one model on the device and one not: the device's y is the CPU's
 * x. Also a batch of a runtime without a device. */
static void test_batch_mixed(void **state)
{
	static const quire_device devices[] = { QUIRE_DEVICE_BEST,
						QUIRE_DEVICE_CPU };
	quire_model *a = model_open(), *b = model_open();

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		quire_runtime *runtime = runtime_open(devices[i]);
		struct run first = { .linear = find(a, "query"), .m = 2 };
		struct run second = { .linear = find(b, "key"), .m = 2 };
		quire_batch *batch = NULL;

		runtime_attach(runtime, a);
		run_create(&first, 2);
		run_create(&second, 3);
		second.x = first.y;
		assert_int_equal(quire_runtime_begin(runtime, &batch, NULL),
				 QUIRE_OK);
		first.options.batch = batch;
		second.options.batch = batch;
		run_do(&first, runtime);
		run_do(&second, runtime);
		assert_int_equal(quire_runtime_end(batch, NULL), QUIRE_OK);
		run_check(&first);
		run_check(&second);
		run_free(&first);
		run_free(&second);
		quire_runtime_free(runtime);
	}
	quire_model_close(a);
	quire_model_close(b);
}

static void test_batch_of_another(void **state)
{
	quire_runtime *metal = runtime_open(QUIRE_DEVICE_METAL);
	quire_runtime *cpu = runtime_open(QUIRE_DEVICE_CPU);
	quire_model *model = model_open();
	struct run run = { .linear = quire_model_linear(model, 0), .m = 1 };
	quire_batch *batch = NULL;

	(void)state;
	assert_int_equal(quire_runtime_begin(metal, &batch, NULL), QUIRE_OK);
	run_create(&run, 1);
	run.options.batch = batch;
	assert_int_equal(run_try(&run, cpu, NULL), QUIRE_ERROR_ARGUMENT);
	run_check_untouched(&run);
	assert_int_equal(quire_runtime_end(batch, NULL), QUIRE_OK);
	assert_int_equal(quire_runtime_end(NULL, NULL), QUIRE_OK);
	run_free(&run);
	quire_runtime_free(metal);
	quire_runtime_free(cpu);
	quire_model_close(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_describes),
		ATTACHED_TEST(test_model),
		ATTACHED_TEST(test_types),
		cmocka_unit_test(test_ragged),
		ATTACHED_TEST(test_bias),
		cmocka_unit_test(test_not_attached),
		cmocka_unit_test(test_unsupported_type),
		cmocka_unit_test(test_two_models),
		ATTACHED_TEST(test_batch),
		ATTACHED_TEST(test_batch_overlap),
		cmocka_unit_test(test_batch_mixed),
		cmocka_unit_test(test_batch_of_another),
	};

	return cmocka_run_group_tests(tests, model_set_up, model_tear_down);
}
