/*
 * test_run_many.c - quire_linear_run_many: several linears over one input.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/product.h"

/* Linears of one input give the same bits together as one by one. The third has
 * no bias, the fourth another type, the last another level. */
static void check_many(quire_runtime *runtime, size_t m)
{
	static const quire_dtype types[] = {
		QUIRE_Q4_0, QUIRE_Q4_0, QUIRE_Q4_0, QUIRE_Q4_1, QUIRE_F32,
		QUIRE_F16,  QUIRE_F16,	QUIRE_Q4_0, QUIRE_Q4_0
	};
	enum {
		COUNT = sizeof(types) / sizeof(types[0])
	};
	struct product products[COUNT];
	quire_linear linears[COUNT];
	const quire_linear *list[COUNT];
	void *y[COUNT];
	struct rng rng = { .state = m };

	for (size_t i = 0; i < COUNT; i++) {
		struct product *product = &products[i];

		*product = (struct product){
			.weights = types[i],
			.m = m,
			.n = 30 + 17 * i,
			.k = 100,
			.level = i == COUNT - 1 ? 1 : 4,
			.bias_dtype = i == 2 ? PRODUCT_NO_BIAS : QUIRE_F32,
		};
		product_create(product, &rng);
		memcpy(product->x.data, products[0].x.data, product->x.size);
		linears[i] = (quire_linear){
			.weight = &product->weight,
			.bias = i == 2 ? NULL : &product->bias_tensor,
			.k = product->k,
			.n = product->n,
			.accuracy_level = product->level,
		};
		list[i] = &linears[i];
		y[i] = product->y.data;
	}
	assert_int_equal(quire_linear_run_many(runtime, list, COUNT,
					       products[0].x.data, m, y, NULL,
					       NULL),
			 QUIRE_OK);
	for (size_t i = 0; i < COUNT; i++) {
		unsigned char *many = malloc(products[i].y.size);

		product_check(&products[i]);
		assert_non_null(many);
		memcpy(many, products[i].y.data, products[i].y.size);
		memset(products[i].y.data, 0, products[i].y.size);
		product_run(&products[i], runtime);
		assert_memory_equal(products[i].y.data, many,
				    products[i].y.size);
		free(many);
		product_free(&products[i]);
	}
}

static void test_linear_run_many(void **state)
{
	bool runs;

	(void)state;
	for (size_t i = 0; quire_kernels_name(i, &runs); i++) {
		quire_runtime *runtime;

		if (!runs)
			continue;
		runtime = product_runtime(quire_kernels_name(i, NULL), 2);
		check_many(runtime, 1);
		check_many(runtime, 3);
		check_many(runtime, 19);
		check_many(runtime, 40);
		check_many(runtime, 300);
		quire_runtime_free(runtime);
	}
}

/* Nothing is written if any of the linears is refused. */
static void test_linear_run_many_refuses(void **state)
{
	struct product product = { .weights = QUIRE_Q4_0,
				   .m = 2,
				   .n = 3,
				   .k = 40,
				   .bias_dtype = PRODUCT_NO_BIAS };
	struct rng rng = { .state = 3 };
	quire_runtime *runtime = product_runtime(NULL, 1);
	quire_linear fine, wrong;
	const quire_linear *list[2] = { &fine, &wrong };
	unsigned char other[2 * 3 * sizeof(float)];
	void *y[2];

	(void)state;
	product_create(&product, &rng);
	fine = (quire_linear){ .weight = &product.weight,
			       .k = product.k,
			       .n = product.n };
	wrong = fine;
	wrong.k = 70;
	y[0] = product.y.data;
	y[1] = other;
	assert_int_equal(quire_linear_run_many(runtime, list, 2, product.x.data,
					       2, y, NULL, NULL),
			 QUIRE_ERROR_ARGUMENT);
	for (size_t i = 0; i < product.y.size; i++)
		assert_int_equal(product.y.data[i], 0xA5);
	assert_int_equal(quire_linear_run_many(runtime, list, 0, product.x.data,
					       2, y, NULL, NULL),
			 QUIRE_OK);
	assert_int_equal(quire_linear_run_many(runtime, list, 1, product.x.data,
					       0, y, NULL, NULL),
			 QUIRE_OK);
	product_free(&product);
	quire_runtime_free(runtime);
}

/* A caller's pool that makes the linears wrong when it is first used: reading
 * them after that is an error. */
struct spoiler {
	quire_linear *linears;
	size_t count, runs;
};

static void spoil_and_run(void *pool, quire_task_fn task, void *context,
			  size_t count)
{
	struct spoiler *spoiler = pool;

	if (spoiler->runs++ == 0)
		for (size_t i = 0; i < spoiler->count; i++)
			spoiler->linears[i].n++;
	for (size_t i = 0; i < count; i++)
		task(context, i);
}

/* Linears were read again for each chunk of rows. When that failed, y was not
 * written and the call returned OK. Now nothing is read twice. */
static void test_linears_are_read_once(void **state)
{
	enum {
		COUNT = 3
	};
	struct product products[COUNT];
	quire_linear linears[COUNT];
	struct spoiler spoiler = { .linears = linears, .count = COUNT };
	const quire_runtime_options options = { .threads = 2,
						.parallel_for = spoil_and_run,
						.pool = &spoiler };
	const quire_linear *list[COUNT];
	quire_runtime *runtime = NULL;
	struct rng rng = { .state = 9 };
	void *y[COUNT];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		struct product *product = &products[i];

		*product = (struct product){ .weights = QUIRE_Q4_0,
					     .m = 600,
					     .n = 40,
					     .k = 64,
					     .level = i == 2 ? 1 : 4,
					     .bias_dtype = PRODUCT_NO_BIAS };
		product_create(product, &rng);
		memcpy(product->x.data, products[0].x.data, product->x.size);
		linears[i] = (quire_linear){ .weight = &product->weight,
					     .k = product->k,
					     .n = product->n,
					     .accuracy_level = product->level };
		list[i] = &linears[i];
		y[i] = product->y.data;
	}
	assert_int_equal(quire_runtime_create(&options, &runtime, NULL),
			 QUIRE_OK);
	assert_int_equal(quire_linear_run_many(runtime, list, COUNT,
					       products[0].x.data,
					       products[0].m, y, NULL, NULL),
			 QUIRE_OK);
	assert_true(spoiler.runs > COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		product_check(&products[i]);
		product_free(&products[i]);
	}
	assert_int_equal(
	    quire_linear_run_many(runtime, list, 0, NULL, 0, NULL, NULL, NULL),
	    QUIRE_OK);
	quire_runtime_free(runtime);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linear_run_many),
		cmocka_unit_test(test_linear_run_many_refuses),
		cmocka_unit_test(test_linears_are_read_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
