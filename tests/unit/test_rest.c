/*
 * test_rest.c - rows of x that are too few for a tile: those in tiles and the
 * rest have the bits that each have alone.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/kernel_set.h"
#include "runtime/runtime.h"
#include "tests/support/check.h"
#include "tests/support/product.h"

/* Rows `first` to first + m - 1 as a product of their own. */
static void check_rows(quire_runtime *runtime, const struct product *all,
		       size_t first, size_t m)
{
	const size_t x_row = all->k * sizeof(float);
	const size_t y_row = all->n * sizeof(float);
	const quire_matmul_options options = { .k = all->k,
					       .accuracy_level = all->level };
	unsigned char *y = malloc(m * y_row);

	assert_non_null(y);
	assert_int_equal(quire_matmul(runtime, &all->weight,
				      all->x.data + first * x_row, m, y,
				      &options, NULL),
			 QUIRE_OK);
	assert_memory_equal(y, all->y.data + first * y_row, m * y_row);
	free(y);
}

static void check_product(quire_runtime *runtime, struct product product,
			  size_t rest)
{
	struct rng rng = { .state = product.m };

	product_create(&product, &rng);
	product_run(&product, runtime);
	product_check(&product);
	check_rows(runtime, &product, 0, product.m - rest);
	check_rows(runtime, &product, product.m - rest, rest);
	product_free(&product);
}

/* All numbers of rows that leave a rest; how many there are. */
static size_t check_type(quire_runtime *runtime, quire_dtype type,
			 enum compute compute)
{
	const struct kernel_op *op =
	    quire_kernel_table_op(&runtime->kernels, type, compute);
	size_t count = 0;

	for (size_t m = 1; op && m <= 80; m++) {
		const struct small_form *small;
		size_t rest;

		if (quire_kernel_op_form(op, m, &small) != FORM_SMALL)
			continue;
		rest = quire_small_rest(small, m);
		if (rest == 0)
			continue;
		check_product(runtime,
			      (struct product){
				  .weights = type,
				  .m = m,
				  .n = 101,
				  .k = 161,
				  .level = compute == COMPUTE_INT8 ? 4 : 1,
				  .bias_dtype = PRODUCT_NO_BIAS,
			      },
			      rest);
		count++;
	}
	return count;
}

static void test_each_set(void **state)
{
	bool runs;

	(void)state;
	for (size_t i = 0; quire_kernels_name(i, &runs); i++) {
		quire_runtime *runtime;
		size_t count = 0;

		if (!runs)
			continue;
		runtime = product_runtime(quire_kernels_name(i, NULL), 2);
		for (int type = 0; type < QUIRE_DTYPE_LIMIT; type++)
			for (int c = 0; c < COMPUTE_COUNT; c++)
				count += check_type(runtime, (quire_dtype)type,
						    (enum compute)c);
		if (strcmp(quire_kernels_name(i, NULL), "avx512vnni") == 0 ||
		    strcmp(quire_kernels_name(i, NULL), "avx2") == 0)
			assert_true(count > 0);
		quire_runtime_free(runtime);
	}
}

/* A tile of so many columns is a chunk: the rest goes with the last one. */
static void test_last_chunk(void **state)
{
	bool runs;

	(void)state;
	for (size_t i = 0; quire_kernels_name(i, &runs); i++) {
		const struct small_form *small;
		const struct kernel_op *op;
		quire_runtime *runtime;
		struct product product = { .weights = QUIRE_F16,
					   .n = 3,
					   .k = 60000,
					   .level = 1,
					   .bias_dtype = PRODUCT_NO_BIAS };

		if (!runs)
			continue;
		runtime = product_runtime(quire_kernels_name(i, NULL), 1);
		op = quire_kernel_table_op(&runtime->kernels, QUIRE_F16,
					   COMPUTE_F32);
		for (product.m = 17; product.m < 40; product.m += 8)
			if (quire_kernel_op_form(op, product.m, &small) ==
				FORM_SMALL &&
			    quire_small_rest(small, product.m) > 0)
				check_product(
				    runtime, product,
				    quire_small_rest(small, product.m));
		quire_runtime_free(runtime);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_set),
		cmocka_unit_test(test_last_chunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
