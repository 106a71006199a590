/*
 * test_kernels.c - every kernel of every set that this CPU can run, each form
 * by itself, against the f64 reference and the bounds of spec/kernels.md, over
 * sizes up to two tiles and one; and where results must be equal, equal.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "runtime/kernel_set.h"
#include "runtime/matmul.h"
#include "runtime/runtime.h"
#include "tests/support/check.h"
#include "tests/support/product.h"

/* A form, and which of an op's few forms. */
struct way {
	enum form form;
	size_t few;
};

static const struct way ways[] = {
	{ FORM_VEC, 0 }, { FORM_STRIP, 0 }, { FORM_FEW, 0 },   { FORM_FEW, 1 },
	{ FORM_FEW, 2 }, { FORM_FEW, 3 },   { FORM_PANEL, 0 },
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

_Static_assert(QUIRE_MAX_FEW == 4, "a way for each few form");

/* A runtime on one thread whose ops all multiply in one way. */
struct bench {
	quire_runtime *runtime;
	struct kernel_set set; /* a copy, of that way alone */
	struct way way;
};

static bool bench_create(struct bench *bench, const struct kernel_set *set,
			 struct way way)
{
	const quire_runtime_options options = { .threads = 1,
						.kernels = set->name };

	if (set->needs & ~quire_cpu_features())
		return false;
	assert_int_equal(quire_runtime_create(&options, &bench->runtime, NULL),
			 QUIRE_OK);
	bench->way = way;
	bench->set = *set;
	for (size_t i = 0; i < QUIRE_MAX_OPS; i++) {
		struct kernel_op *op = &bench->set.ops[i];
		const struct few_form few = op->few[way.few];

		op->panel_from = way.form == FORM_PANEL ? 0 : UINT32_MAX;
		memset(op->few, 0, sizeof(op->few));
		if (way.form != FORM_FEW && way.form != FORM_STRIP)
			continue;
		op->few[0] = few;
		op->few[0].from = 1;
	}
	bench->runtime->set = &bench->set;
	return true;
}

static bool has_way(const struct kernel_op *op, struct way way)
{
	switch (way.form) {
	case FORM_PANEL:
		return op->panel.pack != NULL;
	case FORM_FEW:
		return op->few[way.few].multiply != NULL;
	case FORM_STRIP:
		return op->strip.pack != NULL;
	default:
		return op->vec.multiply != NULL;
	}
}

static bool same_kernel(const struct kernel_op *a, const struct kernel_op *b,
			struct way way)
{
	switch (way.form) {
	case FORM_PANEL:
		return a->panel.pack == b->panel.pack &&
		       a->panel.multiply == b->panel.multiply;
	case FORM_FEW:
		return a->few[way.few].multiply == b->few[way.few].multiply;
	case FORM_STRIP:
		return a->strip.pack == b->strip.pack &&
		       a->strip.multiply == b->strip.multiply;
	default:
		return a->vec.multiply == b->vec.multiply;
	}
}

/* Whether a set before set `end` that runs here has the kernel of `op`. */
static bool is_repeated(size_t end, const struct kernel_op *op, struct way way)
{
	for (size_t i = 0; i < end; i++) {
		const struct kernel_set *set = quire_kernel_set(i);

		if (!(set->needs & ~quire_cpu_features()) &&
		    same_kernel(
			quire_kernel_set_op(set, op->weights, op->compute), op,
			way))
			return true;
	}
	return false;
}

/* Calls `visit` for each kernel that can run here: for each op of each set and
 * way, but for kernels that several sets have once. */
static void for_each_op(void (*visit)(struct bench *bench, struct rng *rng,
				      const struct kernel_op *op))
{
	for (size_t i = 0; quire_kernel_set(i); i++)
		for (size_t w = 0; w < WAYS; w++) {
			struct rng rng = { .state = i + 1 };
			struct bench bench;

			if (!bench_create(&bench, quire_kernel_set(i), ways[w]))
				continue;
			for (size_t j = 0; j < QUIRE_MAX_OPS; j++) {
				const struct kernel_op *op = &bench.set.ops[j];

				if (!has_way(op, ways[w]) ||
				    is_repeated(i, &quire_kernel_set(i)->ops[j],
						ways[w]))
					continue;
				visit(&bench, &rng, op);
			}
			quire_runtime_free(bench.runtime);
		}
}

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

/* The strip form is that of weights which were laid out before. */
static void run(struct bench *bench, struct product *product)
{
	struct prepacked *list = &bench->runtime->prepacked;

	if (bench->way.form == FORM_STRIP)
		assert_int_equal(quire_prepacked_add(
				     list, &bench->set, &bench->runtime->crew,
				     NULL, &product->weight, NULL),
				 QUIRE_OK);
	product_run(product, bench->runtime);
	quire_prepacked_remove(list, NULL);
}

static void check_size(struct bench *bench, struct rng *rng,
		       const struct kernel_op *op, size_t m, size_t n, size_t k)
{
	struct product product = product_of(op, m, n, k);

	product_create(&product, rng);
	run(bench, &product);
	product_check(&product);
	product_free(&product);
}

/* The largest tiles of any set are 8 by 48; the few form takes 16 rows of x
 * at a time, from 1 on in the last, and in f32 up to 64, by 16. */
#define M_MAX (2 * QUIRE_FEW_ROWS + 1)
#define N_MAX (2 * 48 + 1)

static void visit_rows(struct bench *bench, struct rng *rng,
		       const struct kernel_op *op)
{
	static const size_t ns[] = { 1,	 7,  8,	 9,  15, 16, 17, 31, 32, 33,
				     47, 48, 49, 63, 64, 65, 95, 96, 97 };
	static const size_t ms[] = { 47, 48, 49, 63, 64, 65, 129 };

	for (size_t m = 1; m <= M_MAX; m++)
		for (size_t i = 0; i < sizeof(ns) / sizeof(ns[0]); i++)
			check_size(bench, rng, op, m, ns[i], 65);
	for (size_t i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
		check_size(bench, rng, op, ms[i], 17, 65);
		check_size(bench, rng, op, ms[i], 97, 160);
	}
	for (size_t n = 1; n <= N_MAX; n++) {
		check_size(bench, rng, op, 1, n, 160);
		check_size(bench, rng, op, 9, n, 32);
	}
}

static void visit_columns(struct bench *bench, struct rng *rng,
			  const struct kernel_op *op)
{
	/* About the columns of one panel and of two. */
	static const size_t ks[] = { 511, 512,	513,  544,  767, 768,
				     769, 1023, 1024, 1025, 1057 };

	for (size_t k = 1; k <= 2 * 128 + 33; k++) {
		check_size(bench, rng, op, 1, 3, k);
		check_size(bench, rng, op, 2, 17, k);
		check_size(bench, rng, op, 3, 33, k);
	}
	for (size_t i = 0; i < sizeof(ks) / sizeof(ks[0]); i++) {
		check_size(bench, rng, op, 1, 33, ks[i]);
		check_size(bench, rng, op, 13, 17, ks[i]);
	}
}

static void test_rows(void **state)
{
	(void)state;
	for_each_op(visit_rows);
}

static void test_columns(void **state)
{
	(void)state;
	for_each_op(visit_columns);
}

/* Numbers of all magnitudes that f32 has, the subnormals too. */
static float wild_f32(struct rng *rng)
{
	const int exponent = (int)random_below(rng, 240) - 149;

	return ldexpf(random_f32(rng), exponent);
}

static void visit_wild(struct bench *bench, struct rng *rng,
		       const struct kernel_op *op)
{
	for (int round = 0; round < 20; round++) {
		struct product product = product_of(op, 9, 33, 161);

		product_create(&product, rng);
		for (size_t i = 0; i < product.m; i++)
			for (size_t j = 0; j < product.k; j++)
				product_set_x(&product, i, j, wild_f32(rng));
		run(bench, &product);
		product_check(&product);
		product_free(&product);
	}
}

static void test_wild_ranges(void **state)
{
	(void)state;
	for_each_op(visit_wild);
}

/* Numbers so large that times a code of W they are no f32, while times its
 * weight they are: in the columns whose codes are in 4 bytes of a block. */
static void visit_large(struct bench *bench, struct rng *rng,
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
	product_run(&product, bench->runtime);
	product_check(&product);
	product_free(&product);
}

static void test_large(void **state)
{
	(void)state;
	for_each_op(visit_large);
}

/* Rows in which each number comes again with the other sign, against columns
 * of W that are alike: all that is left of the sum is its error. */
static void visit_cancelling(struct bench *bench, struct rng *rng,
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
	run(bench, &product);
	product_check(&product);
	product_free(&product);
}

static void test_cancelling(void **state)
{
	(void)state;
	for_each_op(visit_cancelling);
}

/* f32 follows IEEE; in int8 a block that holds a NaN or an infinity is NaN.
 * Rows without one are as they would be alone. */
static void visit_not_finite(struct bench *bench, struct rng *rng,
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
			run(bench, &product);
			product_check(&product);
			product_free(&product);
		}
}

static void test_not_finite(void **state)
{
	(void)state;
	for_each_op(visit_not_finite);
}

/* The largest magnitude of a block that counts as zero in int8: 127 / 2^128. */
#define TINY 0x1.fcp-122F

/* About the magnitude below which a block counts as zero in int8. */
static void visit_tiny(struct bench *bench, struct rng *rng,
		       const struct kernel_op *op)
{
	const float sizes[] = { 0x1p-149F, nextafterf(TINY, 0), TINY,
				nextafterf(TINY, 1) };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct product product = product_of(op, 9, 33, 96);

		product_create(&product, rng);
		/* Of even rows every block, of the others one. */
		for (size_t m = 0; m < product.m; m++)
			for (size_t k = m % 2 ? 64 : 0; k < 96; k++)
				product_set_x(&product, m, k,
					      k % 3 ? sizes[i] : -sizes[i] / 2);
		run(bench, &product);
		product_check(&product);
		product_free(&product);
	}
}

static void test_tiny_blocks(void **state)
{
	(void)state;
	for_each_op(visit_tiny);
}

/* Activations that are integers, of which 127 is the largest, and scales of 1:
 * every number on the way is an integer below 2^24, and every set must give
 * the same. With x of all signs and codes 0 to 15 this reaches the largest
 * sums that the 16-bit steps of a kernel must hold. */
static void fill_integers(struct product *product, struct rng *rng)
{
	/* The most and the least that a code, or two, can be: of Q8_0 127 and
	 * -128. Minima are -1. */
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
		for (size_t w = 0; w < WAYS; w++) {
			struct bench bench;

			if (!bench_create(&bench, quire_kernel_set(i), ways[w]))
				continue;
			run(&bench, &product);
			quire_runtime_free(bench.runtime);
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

/* Two blocks: of one magnitude, of all, about the least that counts, and with
 * what is no number. */
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

/* All that a kernel lays out of x must be the same numbers in every set. */
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
			const struct kernel_op *op =
			    quire_kernel_set_op(set, weights, COMPUTE_INT8);
			struct x_form form =
			    op->panel.pack ? op->panel.x : op->vec.x;

			if (set->needs & ~quire_cpu_features())
				continue;
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

/* What `set` makes of a product in one way. */
static void run_way(const struct kernel_set *set, struct way way,
		    struct product *product)
{
	struct bench bench;

	assert_true(bench_create(&bench, set, way));
	run(&bench, product);
	quire_runtime_free(bench.runtime);
}

/* The few form in f32 whose lanes are 16 rows of x, the last one, adds up in
 * the order of the panel form. */
static void check_order(const struct kernel_set *set,
			const struct kernel_op *op, size_t last, size_t m)
{
	struct product product = product_of(op, m, 61, 417);
	struct rng rng = { .state = 13 };
	unsigned char *few;

	product_create(&product, &rng);
	few = malloc(product.y.size);
	run_way(set, (struct way){ FORM_FEW, last }, &product);
	memcpy(few, product.y.data, product.y.size);
	run_way(set, (struct way){ FORM_PANEL, 0 }, &product);
	assert_memory_equal(few, product.y.data, product.y.size);
	free(few);
	product_free(&product);
}

static void test_order_of_few(void **state)
{
	(void)state;
	for (size_t i = 0; quire_kernel_set(i); i++) {
		const struct kernel_set *set = quire_kernel_set(i);

		if (set->needs & ~quire_cpu_features())
			continue;
		for (size_t j = 0; j < QUIRE_MAX_OPS; j++) {
			const struct kernel_op *op = &set->ops[j];
			size_t count = 0;

			while (count < QUIRE_MAX_FEW && op->few[count].multiply)
				count++;
			if (op->compute != COMPUTE_F32 || count == 0)
				continue;
			for (size_t m = 1; m <= op->few[count - 1].most; m += 7)
				check_order(set, op, count - 1, m);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_wild_ranges),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_cancelling),
		cmocka_unit_test(test_not_finite),
		cmocka_unit_test(test_tiny_blocks),
		cmocka_unit_test(test_integers_are_equal),
		cmocka_unit_test(test_quantization_is_equal),
		cmocka_unit_test(test_order_of_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
