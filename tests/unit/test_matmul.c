/*
 * test_matmul.c - the framework of products: types and strides of x and y,
 * biases, threads, callers' pools, many callers at once, and the promised
 * accuracy. test_kernels.c tests the kernels, test_request.c what is refused.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/product.h"

/* Calls `visit` with a runtime of each set that this CPU can run. */
static void for_each_set(void (*visit)(quire_runtime *runtime))
{
	bool runs;

	for (size_t i = 0; quire_kernels_name(i, &runs); i++)
		if (runs) {
			quire_runtime *runtime =
			    product_runtime(quire_kernels_name(i, NULL), 2);

			visit(runtime);
			quire_runtime_free(runtime);
		}
}

static void check_product(quire_runtime *runtime, struct product product)
{
	struct rng rng = { .state = product.m * 1000 + product.k };

	product_create(&product, &rng);
	product_run(&product, runtime);
	product_check(&product);
	product_free(&product);
}

static const quire_dtype weight_types[] = { QUIRE_Q4_0, QUIRE_Q4_1, QUIRE_Q8_0,
					    QUIRE_F16,	QUIRE_BF16, QUIRE_F32 };
static const size_t row_counts[] = { 1, 5, 17 };

/* Every type of x, y and bias, dense and strided, at both levels. */
static void visit_types(quire_runtime *runtime)
{
	static const int biases[] = { PRODUCT_NO_BIAS, QUIRE_F32, QUIRE_F16,
				      QUIRE_BF16 };
	static const quire_dtype plain[] = { QUIRE_F32, QUIRE_F16 };

	for (size_t w = 0; w < 6; w++)
		for (size_t m = 0; m < 3; m++)
			for (size_t i = 0; i < 2 * 2 * 2 * 2 * 4; i++)
				check_product(runtime,
					      (struct product){
						  .weights = weight_types[w],
						  .m = row_counts[m],
						  .n = 37,
						  .k = 77,
						  .level = i & 1 ? 4 : 0,
						  .x_dtype = plain[i >> 1 & 1],
						  .y_dtype = plain[i >> 2 & 1],
						  .x_stride = i & 8 ? 81 : 0,
						  .y_stride = i & 8 ? 40 : 0,
						  .bias_dtype = biases[i >> 4],
					      });
}

static void test_types_and_strides(void **state)
{
	(void)state;
	for_each_set(visit_types);
}

/* More rows than a chunk has, and rows so long that a chunk has few. */
static void visit_chunks(quire_runtime *runtime)
{
	for (uint32_t level = 0; level <= 4; level += 4) {
		struct product product = {
			.weights = QUIRE_Q4_0,
			.m = 517,
			.n = 33,
			.k = 70,
			.level = level,
			.bias_dtype = PRODUCT_NO_BIAS,
		};

		check_product(runtime, product);
		product.m = 19;
		product.n = 3;
		product.k = 150000;
		product.x_dtype = QUIRE_F16;
		check_product(runtime, product);
	}
}

static void test_chunks(void **state)
{
	(void)state;
	for_each_set(visit_chunks);
}

/* The promised accuracy, for layers of sentence encoders: in norm, level 1 is
 * within 1e-6 of the f64 product, and level 4 within 0.02. */
static void visit_accuracy(quire_runtime *runtime)
{
	static const size_t shapes[][2] = { { 384, 384 },
					    { 384, 1536 },
					    { 1536, 384 } };
	static const size_t ms[] = { 1, 7, 64 };

	for (size_t i = 0; i < 9; i++)
		for (uint32_t level = 1; level <= 4; level += 3) {
			struct rng rng = { .state = i };
			struct product product = {
				.weights = QUIRE_Q4_0,
				.m = ms[i % 3],
				.k = shapes[i / 3][0],
				.n = shapes[i / 3][1] / 8,
				.level = level,
				.bias_dtype = PRODUCT_NO_BIAS,
			};
			double error, norm;

			product_create(&product, &rng);
			product_run(&product, runtime);
			product_norms(&product, &error, &norm);
			product_free(&product);
			assert_true(error <= (level == 4 ? 0.02 : 1e-6) * norm);
		}
}

static void test_accuracy(void **state)
{
	(void)state;
	for_each_set(visit_accuracy);
}

/* Runs tasks in reverse on the calling thread, and counts them. */
static void run_backwards(void *pool, quire_task_fn task, void *context,
			  size_t count)
{
	size_t *calls = pool;

	for (size_t i = count; i-- > 0; ++*calls)
		task(context, i);
}

struct worker {
	pthread_t thread;
	quire_task_fn task;
	void *context;
	size_t index;
};

static void *run_worker(void *argument)
{
	const struct worker *worker = argument;

	worker->task(worker->context, worker->index);
	return NULL;
}

/* One new thread for each task. */
static void run_in_threads(void *pool, quire_task_fn task, void *context,
			   size_t count)
{
	struct worker workers[8];

	(void)pool;
	assert_true(count <= 8);
	for (size_t i = 0; i < count; i++) {
		workers[i] = (struct worker){ .task = task,
					      .context = context,
					      .index = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL,
						run_worker, &workers[i]),
				 0);
	}
	for (size_t i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
}

/* Large enough for 5 threads, with a ragged edge on each side. */
static struct product threaded_product(size_t m, uint32_t level)
{
	return (struct product){
		.weights = QUIRE_Q4_0,
		.m = m,
		.n = 1031,
		.k = 1055,
		.level = level,
		.bias_dtype = QUIRE_F32,
	};
}

static void run_again(struct product *product, quire_runtime *runtime,
		      const unsigned char *expected)
{
	memset(product->y.data, 0, product->y.size);
	product_run(product, runtime);
	assert_memory_equal(product->y.data, expected, product->y.size);
}

/* However the work is divided, the bits are those of one thread. */
static void check_threads(const char *kernels, size_t m, uint32_t level)
{
	struct product product = threaded_product(m, level);
	struct rng rng = { .state = m };
	quire_runtime *runtime = product_runtime(kernels, 1);
	quire_runtime_options options = { .kernels = kernels, .threads = 4 };
	unsigned char *expected;
	size_t calls = 0;

	product_create(&product, &rng);
	product_run(&product, runtime);
	product_check(&product);
	quire_runtime_free(runtime);
	expected = malloc(product.y.size);
	memcpy(expected, product.y.data, product.y.size);
	for (uint32_t threads = 2; threads <= 5; threads++) {
		runtime = product_runtime(kernels, threads);
		for (int round = 0; round < 3; round++)
			run_again(&product, runtime, expected);
		quire_runtime_free(runtime);
	}
	options.parallel_for = run_backwards;
	options.pool = &calls;
	assert_int_equal(quire_runtime_create(&options, &runtime, NULL),
			 QUIRE_OK);
	run_again(&product, runtime, expected);
	quire_runtime_free(runtime);
	assert_true(calls >= 4);
	options.parallel_for = run_in_threads;
	options.pool = NULL;
	assert_int_equal(quire_runtime_create(&options, &runtime, NULL),
			 QUIRE_OK);
	run_again(&product, runtime, expected);
	quire_runtime_free(runtime);
	free(expected);
	product_free(&product);
}

static void test_threads_give_same_bits(void **state)
{
	bool runs;

	(void)state;
	for (size_t i = 0; quire_kernels_name(i, &runs); i++)
		for (size_t m = 1; runs && m <= 37; m += 18)
			for (uint32_t level = 1; level <= 4; level += 3)
				check_threads(quire_kernels_name(i, NULL), m,
					      level);
}

static bool set_runs(const char *name)
{
	const char *found;
	bool runs;

	for (size_t i = 0; (found = quire_kernels_name(i, &runs)); i++)
		if (strcmp(found, name) == 0)
			return runs;
	return false;
}

/* avxvnni gives the bits of avx2, for whole groups of blocks and rests, in
 * every form. */
static void test_sets_give_same_bits(void **state)
{
	static const size_t columns[] = { 32, 77, 544, 1055 };

	(void)state;
	if (!set_runs("avxvnni"))
		skip();
	for (size_t i = 0; i < 3 * 3 * 4 * 2; i++) {
		quire_runtime *one = product_runtime("avx2", 1);
		quire_runtime *other = product_runtime("avxvnni", 1);
		struct rng rng = { .state = i };
		struct product product = {
			.weights = weight_types[i % 3],
			.m = row_counts[i / 3 % 3],
			.n = 37,
			.k = columns[i / 9 % 4],
			.level = i < 36 ? 1 : 4,
			.bias_dtype = PRODUCT_NO_BIAS,
		};
		unsigned char *expected;

		product_create(&product, &rng);
		product_run(&product, one);
		expected = malloc(product.y.size);
		memcpy(expected, product.y.data, product.y.size);
		run_again(&product, other, expected);
		free(expected);
		product_free(&product);
		quire_runtime_free(one);
		quire_runtime_free(other);
	}
}

/* A row of W gives the same bits alone and among others. So does a row of x, if
 * the form is the same. */
static void visit_parts(quire_runtime *runtime)
{
	struct product product = { .weights = QUIRE_Q4_0,
				   .m = 20,
				   .n = 100,
				   .k = 300,
				   .bias_dtype = PRODUCT_NO_BIAS };
	struct rng rng = { .state = 5 };
	float whole[100], part[100];

	for (product.level = 1; product.level <= 4; product.level += 3) {
		quire_tensor rows;

		product_create(&product, &rng);
		product_run(&product, runtime);
		memcpy(whole, product.y.data, sizeof(whole));
		rows = product.weight;
		rows.shape[1] = 41;
		rows.size = product.weight.size / 100 * 41;
		rows.data = (const unsigned char *)product.weight.data +
			    product.weight.size / 100 * 13;
		product.options.y_stride = 0;
		assert_int_equal(quire_matmul(runtime, &rows, product.x.data,
					      20, product.y.data,
					      &product.options, NULL),
				 QUIRE_OK);
		memcpy(part, product.y.data, sizeof(part));
		assert_memory_equal(whole + 13, part, 41 * sizeof(float));
		product_free(&product);
	}
}

static void test_parts_of_n(void **state)
{
	(void)state;
	for_each_set(visit_parts);
}

struct caller {
	pthread_t thread;
	quire_runtime *runtime;
	struct product product;
	unsigned char *expected;
	bool fine;
};

static void *call_often(void *argument)
{
	struct caller *caller = argument;
	const struct product *product = &caller->product;

	caller->fine = true;
	for (int i = 0; i < 10; i++) {
		memset(product->y.data, 0, product->y.size);
		if (quire_matmul(caller->runtime, &product->weight,
				 product->x.data, product->m, product->y.data,
				 &product->options, NULL) != QUIRE_OK ||
		    memcmp(product->y.data, caller->expected,
			   product->y.size) != 0)
			caller->fine = false;
	}
	return NULL;
}

static void test_callers_at_once(void **state)
{
	quire_runtime *runtime = product_runtime(NULL, 3);
	struct caller callers[5];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct caller *caller = &callers[i];
		struct rng rng = { .state = i };

		caller->runtime = runtime;
		caller->product = threaded_product(1 + i * 3, i % 2 ? 4 : 1);
		product_create(&caller->product, &rng);
		product_run(&caller->product, runtime);
		caller->expected = malloc(caller->product.y.size);
		memcpy(caller->expected, caller->product.y.data,
		       caller->product.y.size);
	}
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(pthread_create(&callers[i].thread, NULL,
						call_often, &callers[i]),
				 0);
	for (size_t i = 0; i < 5; i++)
		pthread_join(callers[i].thread, NULL);
	for (size_t i = 0; i < 5; i++) {
		assert_true(callers[i].fine);
		free(callers[i].expected);
		product_free(&callers[i].product);
	}
	quire_runtime_free(runtime);
}

/* A linear has its own k, bias and level. A level of the caller replaces its.
 */
static void test_linear_run(void **state)
{
	struct product product = { .weights = QUIRE_Q4_0,
				   .m = 2,
				   .n = 3,
				   .k = 40,
				   .bias_dtype = QUIRE_F32 };
	struct rng rng = { .state = 3 };
	quire_runtime *runtime = product_runtime(NULL, 1);
	quire_linear linear;
	quire_matmul_options options = { .accuracy_level = 1, .k = 7 };

	(void)state;
	product_create(&product, &rng);
	linear = (quire_linear){
		.name = { "layer", 5 },
		.weight = &product.weight,
		.bias = &product.bias_tensor,
		.k = product.k,
		.n = product.n,
		.accuracy_level = 4,
	};
	assert_int_equal(quire_linear_run(runtime, &linear, product.x.data,
					  product.m, product.y.data, NULL,
					  NULL),
			 QUIRE_OK);
	product.level = 4;
	product_check(&product);
	assert_int_equal(quire_linear_run(runtime, &linear, product.x.data,
					  product.m, product.y.data, &options,
					  NULL),
			 QUIRE_OK);
	product.level = 1;
	product_check(&product);
	linear.n = 4;
	assert_int_equal(quire_linear_run(runtime, &linear, product.x.data,
					  product.m, product.y.data, NULL,
					  NULL),
			 QUIRE_ERROR_ARGUMENT);
	product_free(&product);
	quire_runtime_free(runtime);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types_and_strides),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_accuracy),
		cmocka_unit_test(test_threads_give_same_bits),
		cmocka_unit_test(test_sets_give_same_bits),
		cmocka_unit_test(test_parts_of_n),
		cmocka_unit_test(test_callers_at_once),
		cmocka_unit_test(test_linear_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
