/*
 * test_request.c - every argument that a product refuses, with its status, a
 * message that names the cause, and y untouched.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/product.h"

/* A valid product, in which each test makes one thing wrong. */
struct refusal {
	struct product product;
	quire_runtime *runtime;
};

static int set_up_refusal(void **state)
{
	struct refusal *refusal = calloc(1, sizeof(*refusal));
	struct rng rng = { .state = 3 };

	assert_non_null(refusal);
	assert_int_equal(
	    quire_runtime_create(&(quire_runtime_options){ .threads = 1 },
				 &refusal->runtime, NULL),
	    QUIRE_OK);
	refusal->product = (struct product){ .weights = QUIRE_Q4_0,
					     .m = 2,
					     .n = 3,
					     .k = 40,
					     .bias_dtype = QUIRE_F32 };
	product_create(&refusal->product, &rng);
	*state = refusal;
	return 0;
}

static int tear_down_refusal(void **state)
{
	struct refusal *refusal = *state;

	product_free(&refusal->product);
	quire_runtime_free(refusal->runtime);
	free(refusal);
	return 0;
}

static void refuse(const struct refusal *refusal, quire_status status,
		   const char *word)
{
	const struct product *product = &refusal->product;
	quire_error error = { .status = QUIRE_OK };

	assert_int_equal(quire_matmul(refusal->runtime, &product->weight,
				      product->x.data, product->m,
				      product->y.data, &product->options,
				      &error),
			 status);
	assert_int_equal(error.status, status);
	if (!strstr(error.message, word))
		fail_msg("'%s' is not in: %s", word, error.message);
	for (size_t i = 0; i < product->y.size; i++)
		assert_int_equal(product->y.data[i], 0xA5);
}

static void test_refuses_tensors(void **state)
{
	struct refusal *refusal = *state;
	quire_tensor *weight = &refusal->product.weight;
	const quire_tensor fine = *weight;

	weight->rank = 1;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "dimensions");
	weight->rank = 3;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "dimensions");
	*weight = fine;
	weight->dtype = (quire_dtype)1000;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "1000");
	*weight = fine;
	weight->shape[0] = 63;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "block");
	weight->shape[0] = 0;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "block");
	*weight = fine;
	weight->size++;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "bytes");
	*weight = fine;
	weight->shape[1] = UINT64_MAX / 2;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "bytes");
	*weight = fine;
	weight->data = NULL;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "bytes");
	*weight = fine;
	weight->dtype =
	    (quire_dtype)7; /* a type of GGUF that is not multiplied */
	weight->size = 2 * 24 * 3;
	refuse(refusal, QUIRE_ERROR_UNSUPPORTED, "Q5_1");
}

static void test_refuses_options(void **state)
{
	struct refusal *refusal = *state;
	quire_matmul_options *options = &refusal->product.options;
	const quire_matmul_options fine = *options;

	options->accuracy_level = 5;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "level 5");
	*options = fine;
	options->k = 65;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "k = 65");
	options->k = 32;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "k = 32");
	*options = fine;
	options->x_stride = 39;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "stride 39");
	options->x_stride = SIZE_MAX / 2;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "more than memory");
	*options = fine;
	options->y_stride = 2;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "stride 2");
	*options = fine;
	options->x_dtype = QUIRE_BF16;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "x is of type");
	*options = fine;
	options->y_dtype = QUIRE_Q4_0;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "y is of type");
}

static void test_refuses_biases(void **state)
{
	struct refusal *refusal = *state;
	quire_tensor *bias = &refusal->product.bias_tensor;
	const quire_tensor fine = *bias;

	bias->dtype = QUIRE_Q4_0;
	refuse(refusal, QUIRE_ERROR_UNSUPPORTED, "bias");
	*bias = fine;
	bias->rank = 2;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "[3]");
	*bias = fine;
	bias->shape[0] = 4;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "[3]");
	*bias = fine;
	bias->size--;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "bytes");
	*bias = fine;
	bias->data = NULL;
	refuse(refusal, QUIRE_ERROR_ARGUMENT, "bytes");
}

static void test_null_x_and_no_rows(void **state)
{
	const struct refusal *refusal = *state;
	const struct product *product = &refusal->product;

	assert_int_equal(quire_matmul(refusal->runtime, &product->weight, NULL,
				      2, product->y.data, &product->options,
				      NULL),
			 QUIRE_ERROR_ARGUMENT);
	assert_int_equal(quire_matmul(refusal->runtime, &product->weight,
				      product->x.data, 2, NULL,
				      &product->options, NULL),
			 QUIRE_ERROR_ARGUMENT);
	assert_int_equal(quire_matmul(refusal->runtime, &product->weight, NULL,
				      0, NULL, &product->options, NULL),
			 QUIRE_OK);
	assert_int_equal(quire_matmul(refusal->runtime, &product->weight,
				      product->x.data, SIZE_MAX,
				      product->y.data, &product->options, NULL),
			 QUIRE_ERROR_ARGUMENT);
}

#define REFUSAL_TEST(function)                                                 \
	cmocka_unit_test_setup_teardown(function, set_up_refusal,              \
					tear_down_refusal)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REFUSAL_TEST(test_refuses_tensors),
		REFUSAL_TEST(test_refuses_options),
		REFUSAL_TEST(test_refuses_biases),
		REFUSAL_TEST(test_null_x_and_no_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
