/*
 * test_prepack.c - quire_runtime_prepack: results stay the same, copies are
 * counted and freed, and weights without a prepacked layout are left in place.
 * test_kernels.c tests the kernels.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/runtime.h"
#include "tests/support/check.h"
#include "tests/support/product.h"
#include "tests/support/scratch.h"

#define N     50
#define K     100
#define M_MAX 40

static const quire_dtype types[] = { QUIRE_Q4_0, QUIRE_Q4_1, QUIRE_Q8_0,
				     QUIRE_F16 };

enum {
	TYPES = sizeof(types) / sizeof(types[0])
};

/* A model on disk: a matrix of each type, with a linear if it is `named`. */
struct place {
	char *folder, *path;
	struct product products[TYPES];
};

static void declare(quire_writer *writer, const struct place *place, bool named)
{
	static const char *const names[TYPES] = { "a", "b", "c", "d" };

	for (size_t i = 0; i < TYPES; i++) {
		quire_tensor tensor = place->products[i].weight;
		const quire_linear_entry linear = { names[i], i,
						    QUIRE_NO_TENSOR, K, 4 };

		tensor.name = tensor.source = (quire_string){ names[i], 1 };
		assert_int_equal(quire_writer_add_tensor(writer, &tensor, NULL),
				 QUIRE_OK);
		if (named)
			assert_int_equal(
			    quire_writer_add_linear(writer, &linear, NULL),
			    QUIRE_OK);
	}
	for (size_t i = 0; i < TYPES; i++) {
		const quire_tensor *weight = &place->products[i].weight;

		assert_int_equal(quire_writer_write(writer, i, weight->data,
						    (size_t)weight->size, NULL),
				 QUIRE_OK);
	}
}

static void place_make(struct place *place, bool named)
{
	const quire_writer_options options = { .alignment = 64 };
	struct rng rng = { .state = 5 };
	quire_writer *writer;

	place->folder = scratch_make();
	place->path = scratch_path(place->folder, "m.gguf");
	for (size_t i = 0; i < TYPES; i++) {
		place->products[i] =
		    (struct product){ .weights = types[i],
				      .m = M_MAX,
				      .n = N,
				      .k = K,
				      .level = 4,
				      .bias_dtype = PRODUCT_NO_BIAS };
		product_create(&place->products[i], &rng);
	}
	assert_int_equal(
	    quire_writer_create(place->path, &options, &writer, NULL),
	    QUIRE_OK);
	declare(writer, place, named);
	assert_int_equal(quire_writer_finish(writer, NULL), QUIRE_OK);
	quire_writer_free(writer);
}

static void place_remove(struct place *place)
{
	for (size_t i = 0; i < TYPES; i++)
		product_free(&place->products[i]);
	free(place->path);
	scratch_remove(place->folder);
}

static quire_model *open_model(const char *path, quire_verify_mode verify)
{
	const quire_open_options options = { .verify = verify };
	quire_model *model = NULL;

	assert_int_equal(quire_model_open(path, &options, &model, NULL),
			 QUIRE_OK);
	return model;
}

static uint64_t prepacked_size(const quire_runtime *runtime)
{
	quire_runtime_info info;

	quire_runtime_describe(runtime, &info);
	return info.prepacked_size;
}

/* Product `i` with m rows, by the model's weights, within the bounds. */
static void multiply(struct place *place, size_t i, size_t m,
		     const quire_model *model, quire_runtime *runtime)
{
	struct product *product = &place->products[i];
	const quire_tensor own = product->weight;

	product->m = m;
	product->weight = *quire_model_tensor(model, i);
	product_run(product, runtime);
	product_check(product);
	product->weight = own;
	product->m = M_MAX;
}

/* Prepacked weights give the same bits. */
static void compare(struct place *place, size_t i, size_t m,
		    const quire_model *model, quire_runtime *plain,
		    quire_runtime *prepacked)
{
	static unsigned char y[M_MAX * N * sizeof(float)];
	const struct product *product = &place->products[i];

	multiply(place, i, m, model, plain);
	memcpy(y, product->y.data, m * N * sizeof(float));
	multiply(place, i, m, model, prepacked);
	assert_memory_equal(product->y.data, y, m * N * sizeof(float));
}

static void check_set(struct place *place, const quire_model *model,
		      const char *kernels)
{
	static const size_t rows[] = { 1, 2, 3, 5, 16, 17, 32, 33, M_MAX };
	quire_runtime *plain = product_runtime(kernels, 2);
	quire_runtime *runtime = product_runtime(kernels, 2);
	uint64_t size;

	assert_int_equal(quire_runtime_prepack(runtime, model, NULL), QUIRE_OK);
	size = prepacked_size(runtime);
	/* A second time there is nothing to do. */
	assert_int_equal(quire_runtime_prepack(runtime, model, NULL), QUIRE_OK);
	assert_int_equal(prepacked_size(runtime), size);
	for (size_t i = 0; i < TYPES; i++)
		for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++)
			compare(place, i, rows[j], model, plain, runtime);
	quire_runtime_detach(runtime, model);
	assert_int_equal(prepacked_size(runtime), 0);
	compare(place, 0, 1, model, plain, runtime);
	quire_runtime_free(runtime);
	quire_runtime_free(plain);
}

static void check_every_set(bool named)
{
	struct place place;
	quire_model *model;
	bool runs;

	place_make(&place, named);
	model = open_model(place.path, QUIRE_VERIFY_HEADER);
	for (size_t i = 0; quire_kernels_name(i, &runs); i++)
		if (runs)
			check_set(&place, model, quire_kernels_name(i, NULL));
	quire_model_close(model);
	place_remove(&place);
}

static void test_weights_of_linears(void **state)
{
	(void)state;
	check_every_set(true);
}

static void test_matrices_without_linears(void **state)
{
	(void)state;
	check_every_set(false);
}

/* Rows are padded from 50 to 64, and blocks to an even number. */
static void test_size_of_copies(void **state)
{
	struct place place;
	quire_runtime *runtime = product_runtime(NULL, 2);
	quire_runtime_info info;
	quire_model *model;

	(void)state;
	quire_runtime_describe(runtime, &info);
	place_make(&place, true);
	model = open_model(place.path, QUIRE_VERIFY_HEADER);
	assert_int_equal(quire_runtime_prepack(runtime, model, NULL), QUIRE_OK);
	if (strncmp(info.kernels, "avx512", 6) == 0)
		assert_int_equal(prepacked_size(runtime),
				 64 * 4 * (18 + 20 + 34));
	else
		assert_int_equal(prepacked_size(runtime), 0);
	quire_runtime_free(runtime);
	quire_model_close(model);
	place_remove(&place);
}

/* Flips a bit of the file at `offset`. */
static void damage(const char *path, uint64_t offset)
{
	FILE *file = fopen(path, "r+b");
	int byte;

	assert_non_null(file);
	assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
	byte = fgetc(file);
	assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
	assert_int_equal(fputc(byte ^ 1, file), byte ^ 1);
	assert_int_equal(fclose(file), 0);
}

/* A damaged tensor is found, and no copy of its model is kept. */
static void test_damage_is_found(void **state)
{
	struct place place;
	quire_runtime *runtime = product_runtime(NULL, 2);
	quire_model *model;

	(void)state;
	place_make(&place, true);
	model = open_model(place.path, QUIRE_VERIFY_HEADER);
	damage(place.path, quire_model_tensor(model, 2)->offset + 7);
	quire_model_close(model);
	model = open_model(place.path, QUIRE_VERIFY_LAZY);
	assert_int_equal(quire_runtime_prepack(runtime, model, NULL),
			 QUIRE_ERROR_CHECKSUM);
	assert_int_equal(prepacked_size(runtime), 0);
	quire_runtime_free(runtime);
	quire_model_close(model);
	place_remove(&place);
}

/* Two models share a runtime, and one is detached. */
static void test_two_models(void **state)
{
	struct place place;
	quire_runtime *runtime = product_runtime(NULL, 2);
	quire_runtime *plain = product_runtime(NULL, 2);
	quire_model *first, *second;
	uint64_t size;

	(void)state;
	place_make(&place, true);
	first = open_model(place.path, QUIRE_VERIFY_HEADER);
	second = open_model(place.path, QUIRE_VERIFY_HEADER);
	assert_int_equal(quire_runtime_prepack(runtime, first, NULL), QUIRE_OK);
	size = prepacked_size(runtime);
	assert_int_equal(quire_runtime_prepack(runtime, second, NULL),
			 QUIRE_OK);
	assert_int_equal(prepacked_size(runtime), 2 * size);
	quire_runtime_detach(runtime, first);
	assert_int_equal(prepacked_size(runtime), size);
	for (size_t i = 0; i < TYPES; i++) {
		compare(&place, i, 3, first, plain, runtime);
		compare(&place, i, 3, second, plain, runtime);
	}
	quire_runtime_free(runtime);
	quire_runtime_free(plain);
	quire_model_close(first);
	quire_model_close(second);
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights_of_linears),
		cmocka_unit_test(test_matrices_without_linears),
		cmocka_unit_test(test_size_of_copies),
		cmocka_unit_test(test_damage_is_found),
		cmocka_unit_test(test_two_models),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
