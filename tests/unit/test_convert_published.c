/*
 * test_convert_published.c - the published models of tests/data/onnx: each
 * converts and dequantizes to the weight that was published with it, to the
 * last bit, or is refused for what is wrong with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "quire_convert.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"
#include "tests/support/scratch.h"

#define LAYOUT	    QUIRE_ERROR_LAYOUT
#define UNSUPPORTED QUIRE_ERROR_UNSUPPORTED

/* The first linear's weight, decoded: [n][k], to be freed. */
static float *convert(const struct folder *folder, const char *name,
		      uint64_t *k, uint64_t *n)
{
	const quire_convert_options options = { .overwrite = true };
	const quire_linear *linear;
	quire_error error = { 0 };
	quire_model *model;
	char path[512];
	float *weight;

	snprintf(path, sizeof(path), "%s/onnx/%s.onnx", QUIRE_TEST_DATA, name);
	if (quire_convert_onnx(path, folder->file, &options, NULL, &error) !=
	    QUIRE_OK)
		fail_msg("%s: %s", name, error.message);
	assert_int_equal(quire_model_open(folder->file, NULL, &model, NULL),
			 QUIRE_OK);
	assert_int_equal(quire_model_linear_count(model), 1);
	linear = quire_model_linear(model, 0);
	*k = linear->k;
	*n = linear->n;
	weight = calloc(*k * *n, sizeof(*weight));
	assert_int_equal(
	    quire_tensor_decode(linear->weight, 0, *n, *k, weight, NULL),
	    QUIRE_OK);
	quire_model_close(model);
	return weight;
}

static const char *const ort_js[] = {
	"js_00_K16_N8_bs16_sym",   "js_02_K32_N8_bs16_sym",
	"js_04_K48_N8_bs16_sym",   "js_06_K64_N8_bs16_sym",
	"js_08_K80_N8_bs16_asym",  "js_10_K16_N16_bs16_asym",
	"js_12_K16_N32_bs16_asym", "js_14_K32_N16_bs16_asym",
	"js_16_K32_N32_bs16_asym", "js_17_K32_N32_bs32_sym",
	"js_20_K16_N8_bs16_sym",   "js_22_K16_N8_bs16_sym",
};

static void test_ort_js(void **state)
{
	for (size_t i = 0; i < sizeof(ort_js) / sizeof(ort_js[0]); i++) {
		unsigned char *expected;
		char name[128];
		char path[512];
		float *weight;
		uint64_t k;
		uint64_t n;
		size_t size;

		snprintf(name, sizeof(name), "ort-js/%s", ort_js[i]);
		snprintf(path, sizeof(path), "%s/onnx/%s.W.f32",
			 QUIRE_TEST_DATA, name);
		expected = scratch_read(path, &size);
		weight = convert(*state, name, &k, &n);
		assert_int_equal(size, k * n * sizeof(float));
		for (size_t at = 0; at < k * n; at++)
			assert_true(weight[at] == load_f32(expected + 4 * at));
		free(weight);
		free(expected);
	}
}

/* Negative scales in a flat shape, and no import of com.microsoft. A is 1 to
 * 12, and the product is given in the model's folder. */
static void test_openvino(void **state)
{
	static const float expected[9] = { 31.25f,  28.125f,  24,
					   78.75f,  75.625f,  72,
					   126.25f, 123.125f, 120 };
	uint64_t k;
	uint64_t n;
	float *weight = convert(*state, "openvino/matmulnbits_3x4", &k, &n);

	assert_int_equal(k, 4);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < 9; i++) {
		const size_t row = i / 3;
		float sum = 0;

		for (size_t at = 0; at < 4; at++)
			sum +=
			    (float)(row * 4 + at + 1) * weight[i % 3 * 4 + at];
		assert_true(sum == expected[i]);
	}
	free(weight);
}

/* INT4 2, -1, 1 and 3 by halves of rows, times 0.5, 4, 2 and 0.25. */
static void test_gather(void **state)
{
	static const float expected[4] = { 1, -4, 2, 0.75f };
	const struct folder *folder = *state;
	const quire_tensor *tensor;
	quire_model *model;
	float values[64];

	assert_int_equal(quire_convert_onnx(QUIRE_TEST_DATA
					    "/onnx/openvino/"
					    "gather_block_quantized_int4_"
					    "f16.onnx",
					    folder->file, NULL, NULL, NULL),
			 QUIRE_OK);
	assert_int_equal(quire_model_open(folder->file, NULL, &model, NULL),
			 QUIRE_OK);
	tensor = quire_model_tensor(model, 0);
	assert_int_equal(quire_tensor_decode(tensor, 0, 2, 32, values, NULL),
			 QUIRE_OK);
	for (size_t i = 0; i < 64; i++)
		assert_true(values[i] == expected[i / 16]);
	quire_model_close(model);
}

static void test_ort(void **state)
{
	uint64_t k;
	uint64_t n;
	float *weight = convert(*state, "ort_matmulnbits_add", &k, &n);

	assert_int_equal(k, 2);
	assert_int_equal(n, 3);
	free(weight);
}

static const struct refused {
	const char *name;
	quire_status status;
	const char *message;
} refuseds[] = {
	{ "migraphx/matmulbnb4_nf4_test", UNSUPPORTED,
	  "node 'Y' (MatMulBnb4): its domain is ''" },
	{ "migraphx/matmulnbits_block_size_not_power_of_two_test", LAYOUT,
	  "block_size 20 is not a power of two" },
	{ "migraphx/matmulnbits_block_size_too_small_test", LAYOUT,
	  "block_size is 8" },
	{ "migraphx/matmulnbits_invalid_b_dims_test", LAYOUT,
	  "B has the shape [4, 2, 8]" },
	{ "migraphx/matmulnbits_invalid_bits_value_test", UNSUPPORTED,
	  "bits is 5" },
	{ "migraphx/matmulnbits_invalid_scales_dims_test", LAYOUT,
	  "scales has the shape [3]" },
	{ "migraphx/matmulnbits_invalid_zp_dims_test", LAYOUT,
	  "zero_points has the shape [5]" },
	{ "migraphx/matmulnbits_mm_test", UNSUPPORTED,
	  "B, 'b', is a graph input" },
	{ "onnx-node/test_dequantizelinear_blocked/model", UNSUPPORTED,
	  "(DequantizeLinear): x, 'x', is a graph input" },
	{ "onnx-node/test_dequantizelinear_int4/model", UNSUPPORTED,
	  "(DequantizeLinear): x, 'x', is a graph input" },
	{ "onnx-node/test_dequantizelinear_uint4/model", UNSUPPORTED,
	  "(DequantizeLinear): x, 'x', is a graph input" },
};

static void test_refused(void **state)
{
	const struct folder *folder = *state;

	for (size_t i = 0; i < sizeof(refuseds) / sizeof(refuseds[0]); i++) {
		const struct refused *row = &refuseds[i];
		quire_error error = { 0 };
		char path[512];

		snprintf(path, sizeof(path), "%s/onnx/%s.onnx", QUIRE_TEST_DATA,
			 row->name);
		if (quire_convert_onnx(path, folder->file, NULL, NULL,
				       &error) != row->status ||
		    !strstr(error.message, row->message))
			fail_msg("%s: %s", row->name, error.message);
		assert_int_equal(scratch_count(folder->path), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_ort_js),  FOLDER_TEST(test_openvino),
		FOLDER_TEST(test_gather),  FOLDER_TEST(test_ort),
		FOLDER_TEST(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
