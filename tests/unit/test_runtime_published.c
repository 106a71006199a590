/*
 * test_runtime_published.c - the shapes of other projects' MatMulNBits tests,
 * multiplied by every kernel set of this CPU. Weights are of every type that
 * 4-bit and 8-bit weights become, levels are 1 and 4, activations f32 and f16,
 * with and without bias. Each y must be within the published tolerance of the
 * f64 product. tests/oracle/test_tables.py converts the same tables, and varies
 * blocks and zero points, which the runtime does not know.
 *
 * The tolerances are for numbers of about that size: x and weights with a
 * standard deviation of a quarter. Only some rows and columns of large products
 * are checked. MLAS's benchmark has 1 and 4096 rows; the latter take minutes,
 * and are multiplied with the argument "all".
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/product.h"

/* The most products of two numbers in a reference; larger ones are sampled. */
#define REFERENCE_MAX 500000.0

/* uniform(-1, 1) has a deviation of 1 / sqrt(3); this makes it 1 / 4. */
#define X_SCALE 0.433F

struct shape {
	size_t m, n, k;
};

/* |y - exact| <= absolute + relative * |exact|. */
struct tolerance {
	double absolute, relative;
};

static const struct tolerance f32_tolerance = { 1e-5, 1e-5 };
static const struct tolerance f16_tolerance = { 0.055, 0.02 };
static const struct tolerance level_4_tolerance = { 0.1, 0.02 };

static bool run_all;

/* A runtime of each set that this CPU can run. On one thread: test_matmul.c
 * tests that more give the same bits. */
static quire_runtime *sets[8];
static size_t set_count;

static int create_sets(void **state)
{
	const char *name;
	bool runs;

	(void)state;
	for (size_t i = 0; (name = quire_kernels_name(i, &runs)); i++)
		if (runs) {
			assert_true(set_count < sizeof(sets) / sizeof(sets[0]));
			sets[set_count++] = product_runtime(name, 1);
		}
	return 0;
}

static int free_sets(void **state)
{
	(void)state;
	while (set_count > 0)
		quire_runtime_free(sets[--set_count]);
	return 0;
}

/* Indices below a count: all, or every `step`th. */
struct sample {
	size_t rows, cols; /* steps */
};

static struct sample sample_of(const struct product *product)
{
	const double all =
	    (double)product->m * (double)product->n * (double)product->k;
	struct sample sample = { 1, 1 };
	double excess = ceil(all / REFERENCE_MAX);

	if (excess > 1 && product->m > 3) {
		sample.rows =
		    excess < (double)product->m ? (size_t)excess : product->m;
		excess = ceil(excess / (double)sample.rows);
	}
	/* An odd step, so that every place in a tile occurs. */
	if (excess > 1)
		sample.cols = (size_t)excess | 1;
	return sample;
}

/* The f64 product at the sampled places, one after the other. The caller frees
 * it. */
static double *reference(const struct product *product,
			 const struct sample *sample)
{
	const size_t k = product->k;
	const size_t rows = (product->m - 1) / sample->rows + 1;
	const size_t cols = (product->n - 1) / sample->cols + 1;
	float *w = malloc(k * sizeof(*w));
	double *x = malloc(rows * k * sizeof(*x));
	double *y = malloc(rows * cols * sizeof(*y));

	assert_true(w && x && y);
	for (size_t row = 0; row < rows; row++)
		for (size_t i = 0; i < k; i++)
			x[row * k + i] =
			    (double)product_x(product, row * sample->rows, i);
	for (size_t col = 0; col < cols; col++) {
		assert_int_equal(quire_tensor_decode(&product->weight,
						     col * sample->cols, 1, k,
						     w, NULL),
				 QUIRE_OK);
		for (size_t row = 0; row < rows; row++) {
			double sum = 0;

			for (size_t i = 0; i < k; i++)
				sum += x[row * k + i] * (double)w[i];
			y[row * cols + col] = sum;
		}
	}
	free(w);
	free(x);
	return y;
}

static double bias_at(const struct product *product, size_t col)
{
	quire_tensor bias = product->bias_tensor;
	float all[1];

	if (!product->options.bias)
		return 0;
	bias.shape[0] = 1;
	bias.data = (const unsigned char *)bias.data + col * 4;
	bias.size = 4;
	assert_int_equal(quire_tensor_decode(&bias, 0, 1, 1, all, NULL),
			 QUIRE_OK);
	return (double)all[0];
}

static double y_at(const struct product *product, size_t row, size_t col)
{
	const size_t at = row * product->n + col;
	const bool half = product->y_dtype == QUIRE_F16;
	const quire_tensor one = { .dtype = product->y_dtype,
				   .rank = 1,
				   .shape = { 1, 1, 1, 1 },
				   .size = half ? 2 : 4,
				   .data =
				       product->y.data + at * (half ? 2 : 4) };
	float value;

	assert_int_equal(quire_tensor_decode(&one, 0, 1, 1, &value, NULL),
			 QUIRE_OK);
	return (double)value;
}

/* The errors of one product. */
struct found {
	double errors, squares; /* sums over the sampled y */
};

static struct found check_y(const struct product *product,
			    const struct sample *sample, const double *exact,
			    const struct tolerance *tolerance)
{
	struct found found = { 0, 0 };

	for (size_t row = 0; row < product->m; row += sample->rows)
		for (size_t col = 0; col < product->n; col += sample->cols) {
			const double wanted = *exact++ + bias_at(product, col);
			const double off =
			    fabs(y_at(product, row, col) - wanted);

			if (tolerance &&
			    !(off <= tolerance->absolute +
					 tolerance->relative * fabs(wanted)))
				fail_msg("m %zu n %zu k %zu level %u type %d: "
					 "y[%zu][%zu] is off by %g of %g",
					 product->m, product->n, product->k,
					 product->level, (int)product->weights,
					 row, col, off, wanted);
			found.errors += off * off;
			found.squares += wanted * wanted;
		}
	return found;
}

static void scale_x(struct product *product)
{
	for (size_t row = 0; row < product->m; row++)
		for (size_t col = 0; col < product->k; col++)
			product_set_x(product, row, col,
				      X_SCALE * product_x(product, row, col));
}

static const struct tolerance *tolerance_of(const struct product *product)
{
	if (product->level == 4)
		return &level_4_tolerance;
	return product->x_dtype == QUIRE_F16 ? &f16_tolerance : &f32_tolerance;
}

/* How a product is computed, besides its level. */
struct way {
	quire_dtype activations;
	bool bias;
};

typedef void (*found_fn)(const struct product *product,
			 const struct found *found);

/* Runs one product by each set and at both levels. `judge`, if not NULL, checks
 * the tolerance of its table. */
static void check_product(const struct shape *shape, quire_dtype weights,
			  const struct way *way, found_fn judge)
{
	struct rng rng = { .state = shape->n * 4099 + shape->k };
	struct product product = {
		.weights = weights,
		.m = shape->m,
		.n = shape->n,
		.k = shape->k,
		.x_dtype = way->activations,
		.y_dtype = way->activations,
		.bias_dtype = way->bias ? QUIRE_F32 : PRODUCT_NO_BIAS,
	};
	struct sample sample;
	double *exact;

	product_create(&product, &rng);
	scale_x(&product);
	sample = sample_of(&product);
	exact = reference(&product, &sample);
	for (size_t i = 0; i < set_count; i++) {
		for (uint32_t level = 1; level <= 4; level += 3) {
			struct found found;

			product.level = level;
			product.options.accuracy_level = level;
			product_run(&product, sets[i]);
			found = check_y(&product, &sample, exact,
					judge ? NULL : tolerance_of(&product));
			if (judge)
				judge(&product, &found);
		}
		/* Slow sets take minutes for these. */
		if (shape->m == 4096)
			break;
	}
	free(exact);
	product_free(&product);
}

static const quire_dtype four_bits[] = { QUIRE_Q4_0, QUIRE_Q4_1, QUIRE_F32,
					 QUIRE_F16, QUIRE_BF16 };
static const quire_dtype eight_bits[] = { QUIRE_Q8_0, QUIRE_F32, QUIRE_F16,
					  QUIRE_BF16 };

/* The published tolerance, in every way. */
static void check_ways(const struct shape *shape, const quire_dtype *types,
		       size_t type_count)
{
	for (size_t type = 0; type < type_count; type++)
		for (int way = 0; way < 4; way++)
			check_product(
			    shape, types[type],
			    &(struct way){ way & 1 ? QUIRE_F16 : QUIRE_F32,
					   (way & 2) != 0 },
			    NULL);
}

/* ONNX Runtime's matmul_4bits_test.cc: (N, K), each with 1, 2 and 100 rows, and
 * those of level 4 and of fp16. Block sizes make no difference here. */
static void test_ort_4_bits(void **state)
{
	static const size_t rows[] = { 1, 2, 100 };
	static const size_t shapes[][2] = {
		{ 1, 16 },   { 2, 16 },	    { 32, 16 },	 { 32, 32 },
		{ 288, 16 }, { 288, 1024 }, { 288, 93 }, { 288, 1234 },
	};
	static const struct shape more[] = { { 100, 288, 192 },
					     { 100, 64, 32 },
					     { 100, 128, 128 } };

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		for (size_t m = 0; m < 3; m++)
			check_ways(&(struct shape){ rows[m], shapes[i][0],
						    shapes[i][1] },
				   four_bits, 5);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		check_ways(&more[i], four_bits, 5);
}

/* matmul_8bits_test.cc adds these. */
static void test_ort_8_bits(void **state)
{
	static const struct shape shapes[] = {
		{ 1, 8, 16 },	   { 1, 4, 32 },   { 2, 4, 32 },
		{ 1, 4, 64 },	   { 1, 256, 32 }, { 2, 288, 1024 },
		{ 1, 40, 576 },	   { 2, 40, 576 }, { 32, 64, 260 },
		{ 2, 5120, 3072 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		check_ways(&shapes[i], eight_bits, 4);
}

static void judge_relative(const struct product *product,
			   const struct found *found, double most)
{
	if (!(sqrt(found->errors) < most * sqrt(found->squares)))
		fail_msg("m %zu n %zu k %zu level %u type %d: %g relative",
			 product->m, product->n, product->k, product->level,
			 (int)product->weights,
			 sqrt(found->errors / found->squares));
}

/* MLAS allows f32 compute 0.005; for level 4 the relative tolerance is ONNX
 * Runtime's. */
static void judge_mlas(const struct product *product, const struct found *found)
{
	judge_relative(product, found, product->level == 4 ? 0.02 : 0.005);
}

static void check_mlas(const struct shape *shape)
{
	static const quire_dtype types[] = { QUIRE_Q4_0, QUIRE_Q4_1,
					     QUIRE_Q8_0 };

	for (size_t type = 0; type < 3; type++)
		for (int half = 0; half <= 1; half++)
			check_product(shape, types[type],
				      &(struct way){
					  half ? QUIRE_F16 : QUIRE_F32, false },
				      judge_mlas);
}

static void test_mlas(void **state)
{
	static const size_t cubes[] = { 1,  2,	3,  4,	5,   6,	  7,
					8,  9,	10, 11, 12,  13,  14,
					15, 16, 32, 64, 128, 256, 288 };
	static const struct shape shapes[] = { { 43, 500, 401 },
					       { 1, 1027, 1031 },
					       { 11, 1027, 1031 },
					       { 1, 527, 2131 },
					       { 11, 527, 2131 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cubes) / sizeof(cubes[0]); i++)
		check_mlas(&(struct shape){ cubes[i], cubes[i], cubes[i] });
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		check_mlas(&shapes[i]);
}

static void test_mlas_bench(void **state)
{
	static const size_t wide[] = { 4096, 11008 };
	static const struct shape blocks_64[] = { { 128, 1024, 384 },
						  { 128, 192, 1024 },
						  { 128, 384, 1024 },
						  { 128, 4096, 1024 },
						  { 128, 1024, 4096 } };
	const struct way way = { QUIRE_F32, false };

	(void)state;
	for (size_t i = 0; i < 5; i++)
		check_product(&blocks_64[i], QUIRE_Q4_0, &way, judge_mlas);
	for (size_t m = 1; m <= (run_all ? 4096 : 1); m += 4095)
		for (size_t i = 0; i < 4; i++)
			check_product(
			    &(struct shape){ m, wide[i / 2], wide[i % 2] },
			    QUIRE_Q4_0, &way, judge_mlas);
}

/* tract's w4a8 GEMV, relative by norm. Small shapes are taken together, as the
 * norm of a few y says little. */
static struct found small_shapes;

static void gather_small(const struct product *product,
			 const struct found *found)
{
	if (product->level != 4)
		return;
	small_shapes.errors += found->errors;
	small_shapes.squares += found->squares;
}

static void test_tract(void **state)
{
	const struct way way = { QUIRE_F32, false };
	const struct product all = { .level = 4, .weights = QUIRE_Q4_0 };

	(void)state;
	for (size_t k = 1; k <= 127; k++) {
		small_shapes = (struct found){ 0, 0 };
		for (size_t m = 1; m <= 9; m += run_all ? 1 : 4)
			for (size_t n = 1; n <= 9; n++)
				check_product(&(struct shape){ m, n, k },
					      QUIRE_Q4_0, &way, gather_small);
		judge_relative(&all, &small_shapes, 0.02);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ort_4_bits),
		cmocka_unit_test(test_ort_8_bits),
		cmocka_unit_test(test_mlas),
		cmocka_unit_test(test_mlas_bench),
		cmocka_unit_test(test_tract),
	};

	run_all = argc > 1 && strcmp(argv[1], "all") == 0;
	return cmocka_run_group_tests(tests, create_sets, free_sets);
}
