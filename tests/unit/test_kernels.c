/*
 * test_kernels.c - every kernel of every set that this CPU can run. Each form
 * by itself is compared with the f64 reference, by the bounds of
 * spec/kernels.md, over sizes up to two tiles and one more. Where sets or forms
 * must give the same bits, the bits are compared.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "runtime/kernel_set.h"
#include "tests/support/check.h"
#include "tests/support/product.h"
#include "tests/unit/one_form.h"

static struct product product_of(const struct kernel_op *op, size_t m, size_t n,
				 size_t k)
{
	return (struct product){
		.weights = op->weights,
		.level = op->compute == COMPUTE_INT8 ? 4 : 1,
		.m = m,
		.n = n,
		.k = k,
		.bias_dtype = PRODUCT_NO_BIAS,
		.odd_size = (m + n + k) % 2,
	};
}

static void check_size(struct one_form *one, struct rng *rng,
		       const struct kernel_op *op, size_t m, size_t n, size_t k)
{
	struct product product = product_of(op, m, n, k);

	product_create(&product, rng);
	one_form_run(one, &product);
	product_check(&product);
	product_free(&product);
}

/* The largest tiles of any set are 8 by 48. The small-batch form takes 24 rows
 * of x at a time, and in f32 up to 64, by 16. */
#define M_MAX (2 * QUIRE_SMALL_ROWS + 1)
#define N_MAX (2 * 48 + 1)

static void visit_rows(struct one_form *one, struct rng *rng,
		       const struct kernel_op *op)
{
	static const size_t ns[] = { 1,	 7,  8,	 9,  15, 16, 17, 31, 32, 33,
				     47, 48, 49, 63, 64, 65, 95, 96, 97 };
	static const size_t ms[] = { 47, 48, 49, 63, 64, 65, 129 };

	for (size_t m = 1; m <= M_MAX; m++)
		for (size_t i = 0; i < sizeof(ns) / sizeof(ns[0]); i++)
			check_size(one, rng, op, m, ns[i], 65);
	for (size_t i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
		check_size(one, rng, op, ms[i], 17, 65);
		check_size(one, rng, op, ms[i], 97, 160);
	}
	for (size_t n = 1; n <= N_MAX; n++) {
		check_size(one, rng, op, 1, n, 160);
		check_size(one, rng, op, 9, n, 32);
	}
}

static void visit_columns(struct one_form *one, struct rng *rng,
			  const struct kernel_op *op)
{
	/* Near the columns of one panel and of two. */
	static const size_t ks[] = { 511, 512,	513,  544,  767, 768,
				     769, 1023, 1024, 1025, 1057 };

	for (size_t k = 1; k <= 2 * 128 + 33; k++) {
		check_size(one, rng, op, 1, 3, k);
		check_size(one, rng, op, 2, 17, k);
		check_size(one, rng, op, 3, 33, k);
	}
	for (size_t i = 0; i < sizeof(ks) / sizeof(ks[0]); i++) {
		check_size(one, rng, op, 1, 33, ks[i]);
		check_size(one, rng, op, 13, 17, ks[i]);
	}
}

static void test_rows(void **state)
{
	(void)state;
	one_form_each(visit_rows);
}

static void test_columns(void **state)
{
	(void)state;
	one_form_each(visit_columns);
}

/* Of every magnitude that f32 has, subnormals included. */
static float wild_f32(struct rng *rng)
{
	const int exponent = (int)random_below(rng, 240) - 149;

	return ldexpf(random_f32(rng), exponent);
}

static void visit_wild(struct one_form *one, struct rng *rng,
		       const struct kernel_op *op)
{
	for (int round = 0; round < 20; round++) {
		struct product product = product_of(op, 9, 33, 161);

		product_create(&product, rng);
		for (size_t i = 0; i < product.m; i++)
			for (size_t j = 0; j < product.k; j++)
				product_set_x(&product, i, j, wild_f32(rng));
		one_form_run(one, &product);
		product_check(&product);
		product_free(&product);
	}
}

static void test_wild_ranges(void **state)
{
	(void)state;
	one_form_each(visit_wild);
}

/* Numbers so large that their product with a code of W overflows f32, while
 * that with the weight does not: in the columns whose codes are in 4 bytes of a
 * block. */
static void visit_large(struct one_form *one, struct rng *rng,
			const struct kernel_op *op)
{
	struct product product = product_of(op, 10, 33, 161);

	product_create(&product, rng);
	for (size_t i = 0; i < product.m; i++)
		for (size_t j = 0; j < product.k; j++)
			product_set_x(&product, i, j,
				      j / 32 == i / 2 && j % 16 < 4
					  ? random_f32(rng) * 0x1p125F
					  : 0.0F);
	product_run(&product, one->runtime);
	product_check(&product);
	product_free(&product);
}

static void test_large(void **state)
{
	(void)state;
	one_form_each(visit_large);
}

/* The second half of a row of x is the first half with the other sign, and the
 * halves of a row of W are equal: the sum is nothing but its error. */
static void visit_cancelling(struct one_form *one, struct rng *rng,
			     const struct kernel_op *op)
{
	struct product product = product_of(op, 9, 33, 256);
	unsigned char *w;
	size_t row_size;

	product_create(&product, rng);
	w = product.w.data + product.odd_size;
	row_size = (size_t)product.weight.size / product.n;
	for (size_t n = 0; n < product.n; n++)
		memcpy(w + n * row_size + row_size / 2, w + n * row_size,
		       row_size / 2);
	for (size_t i = 0; i < product.m; i++)
		for (size_t j = 0; j < product.k / 2; j++)
			product_set_x(&product, i, product.k / 2 + j,
				      -product_x(&product, i, j));
	one_form_run(one, &product);
	product_check(&product);
	product_free(&product);
}

static void test_cancelling(void **state)
{
	(void)state;
	one_form_each(visit_cancelling);
}

/* f32 follows IEEE 754. In int8 a block that holds a NaN or an infinity is NaN.
 * Rows without one are not affected. */
static void visit_not_finite(struct one_form *one, struct rng *rng,
			     const struct kernel_op *op)
{
	static const float specials[] = { NAN, INFINITY, -INFINITY };

	for (size_t s = 0; s < 3; s++)
		for (size_t k = 0; k < 161; k += 7) {
			struct product product = product_of(op, 9, 33, 161);

			product_create(&product, rng);
			product_set_x(&product, 4, k, specials[s]);
			if (k > 32)
				product_set_x(&product, 8, 32, -specials[s]);
			one_form_run(one, &product);
			product_check(&product);
			product_free(&product);
		}
}

static void test_not_finite(void **state)
{
	(void)state;
	one_form_each(visit_not_finite);
}

/* The largest magnitude of a block that counts as zero in int8: 127 / 2^128. */
#define TINY 0x1.fcp-122F

/* Near the magnitude below which a block counts as zero in int8. */
static void visit_tiny(struct one_form *one, struct rng *rng,
		       const struct kernel_op *op)
{
	const float sizes[] = { 0x1p-149F, nextafterf(TINY, 0), TINY,
				nextafterf(TINY, 1) };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct product product = product_of(op, 9, 33, 96);

		product_create(&product, rng);
		/* Every block of even rows, one block of the others. */
		for (size_t m = 0; m < product.m; m++)
			for (size_t k = m % 2 ? 64 : 0; k < 96; k++)
				product_set_x(&product, m, k,
					      k % 3 ? sizes[i] : -sizes[i] / 2);
		one_form_run(one, &product);
		product_check(&product);
		product_free(&product);
	}
}

static void test_tiny_blocks(void **state)
{
	(void)state;
	one_form_each(visit_tiny);
}

/* x is integers up to 127, and scales are 1: every partial sum is an integer
 * below 2^24, so every set must give the same bits. With both signs of x and
 * codes from 0 to 15 the sums are the largest that the 16-bit steps of a kernel
 * must hold. */
static void fill_integers(struct product *product, struct rng *rng)
{
	/* The greatest and the least byte of codes: in Q8_0 127 and -128.
	 * Minima are -1. */
	const unsigned char most = product->weights == QUIRE_Q8_0 ? 0x7F : 0xFF;
	const unsigned char least = product->weights == QUIRE_Q8_0 ? 0x80 : 0;
	const size_t codes = product->weights == QUIRE_Q4_1 ? 4 : 2;
	unsigned char *w = product->w.data + product->odd_size;
	uint32_t block_count, size;

	quire_dtype_block(product->weights, &block_count, &size);
	for (size_t i = 0; i < product->weight.size; i += size) {
		memcpy(w + i, (unsigned char[]){ 0x00, 0x3C }, 2); /* 1.0 */
		if (codes == 4)
			memcpy(w + i + 2, (unsigned char[]){ 0x00, 0xBC }, 2);
		if (random_below(rng, 2))
			memset(w + i + codes,
			       random_below(rng, 2) ? most : least,
			       size - codes);
	}
	for (size_t m = 0; m < product->m; m++)
		for (size_t k = 0; k < product->k; k++) {
			const int value = (int)random_below(rng, 255) - 127;
			const int sign = m % 2 ? 1 : -1;

			product_set_x(product, m, k,
				      k % 32 <= m ? (float)(127 * sign)
						  : (float)value);
		}
}

static void check_integers(quire_dtype weights)
{
	struct product product = {
		.weights = weights,
		.level = 4,
		.m = 33,
		.n = 33,
		.k = 512,
		.bias_dtype = PRODUCT_NO_BIAS,
	};
	struct rng rng = { .state = 7 };
	unsigned char *first = NULL;

	product_create(&product, &rng);
	fill_integers(&product, &rng);
	for (size_t i = 0; quire_kernel_set(i); i++)
		for (size_t w = 0; w < ONE_FORM_WAYS; w++) {
			struct one_form one;

			if (!one_form_create(&one, quire_kernel_set(i),
					     one_form_ways[w]))
				continue;
			one_form_run(&one, &product);
			one_form_free(&one);
			product_check(&product);
			if (!first) {
				first = malloc(product.y.size);
				memcpy(first, product.y.data, product.y.size);
			}
			assert_memory_equal(first, product.y.data,
					    product.y.size);
		}
	free(first);
	product_free(&product);
}

static void test_integers_are_equal(void **state)
{
	(void)state;
	check_integers(QUIRE_Q4_0);
	check_integers(QUIRE_Q4_1);
	check_integers(QUIRE_Q8_0);
}

/* Two blocks: of one magnitude, of all magnitudes, of the least that does not
 * count as zero, and with a NaN or an infinity. */
static void fill_blocks(float *x, int round, struct rng *rng)
{
	static const float specials[] = { NAN, INFINITY, -INFINITY, 0.0F };

	for (int i = 0; i < 64; i++)
		x[i] = round % 4 == 1 ? wild_f32(rng) : random_f32(rng);
	if (round % 4 == 2)
		for (int i = 0; i < 64; i++)
			x[i] = ldexpf(x[i], -121 - round / 4 % 4);
	if (round % 8 == 2)
		for (int i = 0; i < 64; i++)
			x[i] = i % 5 ? TINY / 3 : TINY;
	if (round % 4 == 3)
		x[random_below(rng, 64)] = specials[round / 4 % 4];
}

/* Prepared x must hold the same numbers in every set. */
static void check_quantization(quire_dtype weights)
{
	struct rng rng = { .state = 11 };
	float x[64];

	for (int round = 0; round < 2000; round++) {
		unsigned char first[2 * 40], other[2 * 40];
		bool have = false;

		fill_blocks(x, round, &rng);
		for (size_t i = 0; quire_kernel_set(i); i++) {
			const struct kernel_set *set = quire_kernel_set(i);
			struct kernel_op op;
			struct x_form form;

			if (set->needs & ~quire_cpu_features())
				continue;
			assert_true(quire_kernel_set_op(set, weights,
							COMPUTE_INT8, &op));
			form = op.tile ? op.tile->x : op.gemv->x;
			form.rows = 1;
			form.size = 40;
			form.begin = 0;
			form.sums_f32 = false;
			form.prepare(&form, x, 2, 0, have ? other : first);
			if (have)
				assert_memory_equal(first, other,
						    sizeof(first));
			have = true;
		}
	}
}

static void test_quantization_is_equal(void **state)
{
	(void)state;
	check_quantization(QUIRE_Q4_0);
	check_quantization(QUIRE_Q4_1);
	check_quantization(QUIRE_Q8_0);
}

/* Multiplies by `set` in one way. */
static void run_way(const struct kernel_set *set, struct way way,
		    struct product *product)
{
	struct one_form one;

	assert_true(one_form_create(&one, set, way));
	one_form_run(&one, product);
	one_form_free(&one);
}

/* The row of the small-batch form in f32 that has rows of x as lanes. */
static size_t row_of_lanes(const struct kernel_op *op)
{
	size_t row = op->small_count - 1;

	while (op->small[row].x.rows == 1) {
		assert_true(row > 0);
		row--;
	}
	return row;
}

/* It adds up in the order of the packed form. */
static void check_order(const struct kernel_set *set,
			const struct kernel_op *op, size_t m)
{
	const struct way lanes = { .form = FORM_SMALL,
				   .row = row_of_lanes(op) };
	struct product product = product_of(op, m, 61, 417);
	struct rng rng = { .state = 13 };
	unsigned char *small;

	product_create(&product, &rng);
	small = malloc(product.y.size);
	run_way(set, lanes, &product);
	memcpy(small, product.y.data, product.y.size);
	run_way(set, (struct way){ .form = FORM_PACKED }, &product);
	assert_memory_equal(small, product.y.data, product.y.size);
	free(small);
	product_free(&product);
}

static void test_order_of_small_batches(void **state)
{
	(void)state;
	for (size_t i = 0; quire_kernel_set(i); i++) {
		const struct kernel_set *set = quire_kernel_set(i);

		if (set->needs & ~quire_cpu_features())
			continue;
		for (int type = 0; type < QUIRE_DTYPE_LIMIT; type++) {
			struct kernel_op op;
			uint32_t most;

			if (!quire_kernel_set_op(set, (quire_dtype)type,
						 COMPUTE_F32, &op) ||
			    op.small_count == 0)
				continue;
			most = op.small[row_of_lanes(&op)].most;
			for (size_t m = 1; m <= most; m += 7)
				check_order(set, &op, m);
		}
	}
}

/* A row of y does not depend on the other rows of its tile, nor on their
 * number: a tile that is not full is multiplied by code of its own. */
static void check_parts_of_tiles(const struct kernel_set *set,
				 const struct kernel_op *op)
{
	const struct way packed = { .form = FORM_PACKED };
	struct product product = product_of(op, 2 * op->tile->x.rows, 61, 417);
	struct rng rng = { .state = 17 };
	const size_t all = product.m;
	unsigned char *y;

	product_create(&product, &rng);
	run_way(set, packed, &product);
	y = malloc(product.y.size);
	memcpy(y, product.y.data, product.y.size);
	for (product.m = 1; product.m < all; product.m++) {
		run_way(set, packed, &product);
		assert_memory_equal(y, product.y.data,
				    product.m * product.n * sizeof(float));
	}
	product.m = all;
	free(y);
	product_free(&product);
}

static void test_parts_of_tiles(void **state)
{
	(void)state;
	for (size_t i = 0; quire_kernel_set(i); i++) {
		const struct kernel_set *set = quire_kernel_set(i);

		if (set->needs & ~quire_cpu_features())
			continue;
		for (int c = 0; c < COMPUTE_COUNT; c++)
			for (int type = 0; type < QUIRE_DTYPE_LIMIT; type++) {
				struct kernel_op op;

				if (quire_kernel_set_op(set, (quire_dtype)type,
							(enum compute)c, &op) &&
				    op.tile)
					check_parts_of_tiles(set, &op);
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_parts_of_tiles),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_wild_ranges),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_cancelling),
		cmocka_unit_test(test_not_finite),
		cmocka_unit_test(test_tiny_blocks),
		cmocka_unit_test(test_integers_are_equal),
		cmocka_unit_test(test_quantization_is_equal),
		cmocka_unit_test(test_order_of_small_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
