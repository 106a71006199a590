/*
 * test_scalar_first.c - a weight type that scalar alone computes is computed by
 * every set, for any number of rows of x. The type is Q5_0, which no set has;
 * its kernel is below.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fp16.h>

#include "base/bytes.h"
#include "base/cpu.h"
#include "runtime/kernels/scalar/geometry_scalar.h"
#include "runtime/runtime.h"
#include "runtime/sets.h"
#include "tests/support/check.h"
#include "tests/support/guard.h"
#include "tests/support/random.h"

#define Q5_0 ((quire_dtype)6)

/* A block of GGUF's Q5_0: an f16 scale d, the fifth bits of 32 codes, and their
 * lower four bits as in Q4_0. A column is (code - 16) d. */
enum {
	Q5_0_HIGH = 2,
	Q5_0_CODES = 6,
	Q5_0_SIZE = 22,
};

static float q5_0_value(const unsigned char *block, size_t i)
{
	const unsigned char byte = block[Q5_0_CODES + i % 16];
	const unsigned low = i < 16 ? byte & 15U : byte >> 4U;
	const unsigned high = load_u32(block + Q5_0_HIGH) >> i & 1U;

	return (float)((int)(low | high << 4U) - 16) *
	       fp16_ieee_to_fp32_value(load_u16(block));
}

/* Element i of a row of W. */
static float q5_0_element(const unsigned char *row, size_t i)
{
	return q5_0_value(row + i / QUIRE_BLOCK_COLS * Q5_0_SIZE,
			  i % QUIRE_BLOCK_COLS);
}

static quire_gemv_function gemv_q5_0;

static void gemv_q5_0(const void *weights, size_t row_size, size_t rows,
		      size_t k, const void *x, float *y)
{
	const unsigned char *row = weights;
	const float *columns = x;

	for (size_t i = 0; i < rows; i++, row += row_size) {
		y[i] = 0.0F;
		for (size_t j = 0; j < k; j++)
			y[i] += columns[j] * q5_0_element(row, j);
	}
}

/* A set and its bases. The last base has one more row. */
enum {
	MAX_SETS = 8,
	MAX_ROWS = 32
};

struct chain {
	struct kernel_set sets[MAX_SETS];
	struct gemv_form rows[MAX_ROWS];
};

static void chain_make(struct chain *chain, const struct kernel_set *set)
{
	static const struct gemv_form row = { .weights = Q5_0,
					      .x = QUIRE_X_F32_ROW,
					      .multiply = gemv_q5_0 };
	const struct gemv_form *own = quire_set_scalar.gemv[COMPUTE_F32];
	size_t rows = 0, count = 0;

	memset(chain, 0, sizeof(*chain));
	for (; own->multiply; own++) {
		assert_in_range(rows, 0, MAX_ROWS - 3);
		chain->rows[rows++] = *own;
	}
	chain->rows[rows] = row;
	for (; set; set = set->base) {
		assert_in_range(count, 0, MAX_SETS - 1);
		chain->sets[count++] = *set;
		if (set->base)
			chain->sets[count - 1].base = &chain->sets[count];
	}
	chain->sets[count - 1].gemv[COMPUTE_F32] = chain->rows;
}

enum {
	N = 70,
	K = 96,
	M_MAX = 70,
	ROW_SIZE = K / QUIRE_BLOCK_COLS * Q5_0_SIZE
};

static void fill(unsigned char *w, float *x, struct rng *rng)
{
	for (size_t i = 0; i < (size_t)N * ROW_SIZE; i++)
		w[i] = (unsigned char)random_below(rng, 256);
	for (size_t i = 0; i < (size_t)N * ROW_SIZE; i += Q5_0_SIZE) {
		const uint16_t d =
		    fp16_ieee_from_fp32_value(random_f32(rng) / 16);

		w[i] = (unsigned char)d;
		w[i + 1] = (unsigned char)(d >> 8);
	}
	for (size_t i = 0; i < (size_t)M_MAX * K; i++)
		x[i] = random_f32(rng);
}

/* A code times d is exact. A product is rounded once and summed at most k
 * times, each time by 2^-24 of what it adds up to: less than 2 k 2^-24 of the
 * sum of the magnitudes. */
static void check(const unsigned char *w, const float *x, const float *y,
		  size_t m)
{
	for (size_t i = 0; i < m * N; i++) {
		const float *row = x + i / N * K;
		double exact = 0, magnitude = 0;

		for (size_t j = 0; j < K; j++) {
			const double product =
			    (double)row[j] *
			    (double)q5_0_element(w + i % N * ROW_SIZE, j);

			exact += product;
			magnitude += fabs(product);
		}
		assert_true(fabs((double)y[i] - exact) <=
			    2 * K * 0x1p-24 * magnitude);
	}
}

static void check_set(const struct kernel_set *set, uint32_t level)
{
	static const size_t ms[] = { 1, 2, 3, 4, 5, 8, 9, 16, 17, 33, M_MAX };
	const quire_runtime_options options = { .device = QUIRE_DEVICE_CPU,
						.threads = 2 };
	const quire_matmul_options how = { .accuracy_level = level };
	struct guarded w = guarded_create((size_t)N * ROW_SIZE);
	struct guarded x = guarded_create(M_MAX * K * sizeof(float));
	struct guarded y = guarded_create(M_MAX * N * sizeof(float));
	const quire_tensor tensor = { .dtype = Q5_0,
				      .rank = 2,
				      .shape = { K, N },
				      .data = w.data,
				      .size = (uint64_t)N * ROW_SIZE };
	struct rng rng = { .state = 3 };
	quire_runtime *runtime = NULL;
	struct chain chain;

	chain_make(&chain, set);
	fill(w.data, (float *)(void *)x.data, &rng);
	assert_int_equal(
	    quire_runtime_create_with(&chain.sets[0], &options, &runtime, NULL),
	    QUIRE_OK);
	for (size_t i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
		memset(y.data, 0xA5, y.size);
		assert_int_equal(quire_matmul(runtime, &tensor, x.data, ms[i],
					      y.data, &how, NULL),
				 QUIRE_OK);
		check(w.data, (const float *)(void *)x.data,
		      (const float *)(void *)y.data, ms[i]);
	}
	quire_runtime_free(runtime);
	guarded_free(&w);
	guarded_free(&x);
	guarded_free(&y);
}

/* At level 4 too: a type without an int8 kernel is computed in f32. */
static void test_every_set_computes_it(void **state)
{
	const struct kernel_set *set;

	(void)state;
	for (size_t i = 0; (set = quire_kernel_set(i)); i++) {
		if (set->needs & ~quire_cpu_features())
			continue;
		check_set(set, 1);
		check_set(set, 4);
	}
}

/* No set has it without the row, and the other types are as they were. */
static void test_row_adds_one_type(void **state)
{
	const struct kernel_set *set;

	(void)state;
	for (size_t i = 0; (set = quire_kernel_set(i)); i++) {
		struct chain chain;

		chain_make(&chain, set);
		for (int c = 0; c < COMPUTE_COUNT; c++)
			for (int type = 0; type < QUIRE_DTYPE_LIMIT; type++) {
				struct kernel_op before, after;
				const bool had = quire_kernel_set_op(
				    set, (quire_dtype)type, (enum compute)c,
				    &before);
				const bool has = quire_kernel_set_op(
				    &chain.sets[0], (quire_dtype)type,
				    (enum compute)c, &after);

				assert_int_equal(has, had || type == Q5_0);
				if (!had)
					continue;
				assert_ptr_equal(before.gemv->multiply,
						 after.gemv->multiply);
				assert_ptr_equal(before.small, after.small);
				assert_ptr_equal(before.tile, after.tile);
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_set_computes_it),
		cmocka_unit_test(test_row_adds_one_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
