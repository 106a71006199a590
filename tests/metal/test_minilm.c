/*
 * test_minilm.c - all linears of MiniLM on the Metal device, compared with
 * exact products and with the CPU: test_minilm MODEL.onnx. On Linux the device
 * is the fake one, on macOS the machine's.
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
	const struct attached *on = *state;

	assert_int_equal(quire_model_linear_count(on->model), LINEARS);
	run_model(on->runtime, on->model);
}

/* All linears in one batch. */
static void test_one_batch(void **state)
{
	const struct attached *on = *state;
	struct run runs[LINEARS];
	quire_batch *batch = NULL;

	assert_int_equal(quire_runtime_begin(on->runtime, &batch, NULL),
			 QUIRE_OK);
	for (size_t i = 0; i < LINEARS; i++) {
		runs[i] =
		    (struct run){ .linear = quire_model_linear(on->model, i),
				  .m = 5 };
		run_create(&runs[i], i);
		runs[i].options.batch = batch;
		run_do(&runs[i], on->runtime);
	}
	assert_int_equal(quire_runtime_end(batch, NULL), QUIRE_OK);
	for (size_t i = 0; i < LINEARS; i++) {
		run_check(&runs[i]);
		run_free(&runs[i]);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		ATTACHED_TEST(test_every_linear),
		ATTACHED_TEST(test_one_batch),
	};

	if (argc != 2) {
		fputs("usage: test_minilm MODEL.onnx\n", stderr);
		return 2;
	}
	onnx = argv[1];
	return cmocka_run_group_tests(tests, setup, teardown);
}
