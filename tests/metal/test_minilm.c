/*
 * test_minilm.c - all of MiniLM's linear layers on the Metal device, against
 * exact products and the CPU: test_minilm MODEL.onnx. On Linux the device is
 * the fake one, on macOS the machine's.
 */
#include <stdio.h>

#include "tests/metal/model_run.h"
#include "tests/support/check.h"

/* Six layers: query, key, value, output, up and down. */
#define LINEARS 36

static const char *onnx;

static int setup(void **state)
{
	(void)state;
	model_convert(onnx);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	model_remove();
	return 0;
}

static void test_every_linear(void **state)
{
	quire_runtime *runtime = runtime_open(QUIRE_DEVICE_METAL);
	quire_model *model = model_open();

	(void)state;
	assert_int_equal(quire_model_linear_count(model), LINEARS);
	runtime_attach(runtime, model);
	run_model(runtime, model);
	quire_runtime_free(runtime);
	quire_model_close(model);
}

/* Every linear in one batch: one commit for the whole model. */
static void test_one_batch(void **state)
{
	quire_runtime *runtime = runtime_open(QUIRE_DEVICE_METAL);
	quire_model *model = model_open();
	struct run runs[LINEARS];
	quire_batch *batch = NULL;

	(void)state;
	runtime_attach(runtime, model);
	assert_int_equal(quire_runtime_begin(runtime, &batch, NULL), QUIRE_OK);
	for (size_t i = 0; i < LINEARS; i++) {
		runs[i] = (struct run){ .linear = quire_model_linear(model, i),
					.m = 5 };
		run_create(&runs[i], i);
		runs[i].options.batch = batch;
		run_do(&runs[i], runtime);
	}
	assert_int_equal(quire_runtime_end(batch, NULL), QUIRE_OK);
	for (size_t i = 0; i < LINEARS; i++) {
		run_check(&runs[i]);
		run_free(&runs[i]);
	}
	quire_runtime_free(runtime);
	quire_model_close(model);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_linear),
		cmocka_unit_test(test_one_batch),
	};

	if (argc != 2) {
		fputs("usage: test_minilm MODEL.onnx\n", stderr);
		return 2;
	}
	onnx = argv[1];
	return cmocka_run_group_tests(tests, setup, teardown);
}
