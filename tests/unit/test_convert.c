/*
 * test_convert.c - good models, converted and opened again: the tensor of the
 * first linear must have the bytes that tests/onnx/make.py computed.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tests/unit/converted.h"

struct good {
	const char *name;
	quire_dtype dtype;
	uint64_t k;
	uint64_t n;
	const char *reason; /* NULL: exact */
};

static const struct good goods[] = {
	{ "good/plain", QUIRE_Q4_0, 64, 4, NULL },
	{ "good/ragged", QUIRE_Q4_0, 40, 3, NULL },
	{ "good/narrow", QUIRE_Q4_0, 7, 5, NULL },
	{ "good/zero_points_default", QUIRE_Q4_0, 96, 3, NULL },
	{ "good/zero_points_float_default", QUIRE_Q4_0, 64, 3, NULL },
	{ "good/scales_f16", QUIRE_Q4_0, 64, 3, NULL },
	{ "good/scales_bf16", QUIRE_Q4_0, 64, 3, NULL },
	{ "good/g_idx_trivial", QUIRE_Q4_0, 40, 3, NULL },
	{ "good/flat", QUIRE_Q4_0, 64, 4, NULL },
	{ "good/typed", QUIRE_Q4_0, 64, 2, NULL },
	{ "good/constant_nodes", QUIRE_Q4_0, 64, 2, NULL },
	{ "good/overridable", QUIRE_Q4_0, 64, 2, NULL },
	{ "places/external", QUIRE_Q4_0, 72, 5, NULL },
	{ "good/shared", QUIRE_Q4_0, 64, 2, NULL },
	{ "good/gather_tied", QUIRE_Q4_0, 64, 5, NULL },
	{ "good/body", QUIRE_Q4_0, 32, 2, NULL },
	{ "good/bits_2", QUIRE_Q4_0, 40, 3, NULL },
	{ "good/bits_2_zero_points", QUIRE_Q4_1, 40, 3, NULL },
	{ "good/bits_8", QUIRE_Q8_0, 40, 3, NULL },
	{ "good/bits_8_zero_points", QUIRE_Q8_0, 40, 3, NULL },
	{ "good/bits_8_out_of_range", QUIRE_F32, 40, 3,
	  "code minus zero point, 128 at row 1, column 35, does not fit int8" },
	{ "good/bits_8_fraction", QUIRE_F32, 40, 3,
	  "code minus zero point, 127.5 at row 0, column 0, does not fit "
	  "int8" },
	{ "good/block_16", QUIRE_F32, 72, 3,
	  "block size 16, and blocks 0 and 1 of row 0 do not share a scale" },
	{ "good/block_16_split", QUIRE_F32, 72, 3,
	  "block size 16, and blocks 2 and 3 of row 1 do not share a zero "
	  "point" },
	{ "good/block_16_narrow", QUIRE_Q4_0, 16, 3, NULL },
	{ "good/block_16_zero_points", QUIRE_Q4_1, 16, 3, NULL },
	{ "good/block_16_pairs", QUIRE_Q4_0, 72, 3, NULL },
	{ "good/block_16_bits_8", QUIRE_Q8_0, 72, 3, NULL },
	{ "good/block_64", QUIRE_Q4_0, 232, 3, NULL },
	{ "good/block_128", QUIRE_Q4_0, 424, 3, NULL },
	{ "good/block_256", QUIRE_Q4_0, 808, 3, NULL },
	{ "good/block_64_zero_points", QUIRE_Q4_1, 72, 3, NULL },
	{ "good/zero_points", QUIRE_Q4_1, 96, 3, NULL },
	{ "good/zero_points_float32", QUIRE_Q4_1, 96, 3, NULL },
	{ "good/zero_points_float16", QUIRE_Q4_1, 96, 3, NULL },
	{ "good/offset_large", QUIRE_F32, 64, 3,
	  "offset -75000 (zero point times scale) at row 2, block 1 does "
	  "not fit f16" },
	{ "good/g_idx", QUIRE_F32, 64, 3, "g_idx reorders columns" },
	{ "good/g_idx_zero_points", QUIRE_F32, 64, 3,
	  "g_idx reorders columns" },
	{ "good/scale_small", QUIRE_F32, 64, 3,
	  "scale 1.2e-09 at row 2, block 1 does not fit f16" },
	{ "good/scale_large", QUIRE_F32, 64, 3,
	  "scale 65520 at row 2, block 1 does not fit f16" },
	{ "good/scale_infinite", QUIRE_F32, 64, 3,
	  "scale inf at row 2, block 1 does not fit f16" },
};

static void check_good(const struct good *good)
{
	struct converted done = converted_make(good->name);
	const quire_linear *linear = quire_model_linear(done.model, 0);
	const quire_tensor *weight = linear->weight;
	const quire_convert_row *row = converted_row(&done, weight);

	assert_int_equal(linear->k, good->k);
	assert_int_equal(linear->n, good->n);
	assert_int_equal(weight->dtype, good->dtype);
	converted_check(good->name, weight);

	assert_int_equal(row->dtype, good->dtype);
	assert_int_equal(row->tensor_size, weight->size);
	assert_true(row->source_size > 0);
	assert_int_equal(row->outcome, good->reason ? QUIRE_OUTCOME_FALLBACK
						    : QUIRE_OUTCOME_EXACT);
	if (good->reason)
		assert_string_equal(row->reason, good->reason);
	else
		assert_null(row->reason);
	assert_true(row->scale_error_max <= 0x1p-11);
	assert_true(row->scale_error_mean <= row->scale_error_max);
	converted_discard(&done);
}

static void test_goods(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++)
		check_good(&goods[i]);
}

/* Embeddings are tensors without linears. */
static const struct good gathers[] = {
	{ "good/gather_uint8", QUIRE_Q4_0, 64, 5, NULL },
	{ "good/gather_int4", QUIRE_Q4_0, 75, 5, NULL },
	{ "good/gather_uint4", QUIRE_Q4_1, 75, 5, NULL },
	{ "good/gather_int4_zero_points", QUIRE_Q4_1, 75, 5, NULL },
	{ "places/gather_external", QUIRE_Q4_1, 75, 5, NULL },
	{ "good/gather_uint4_zero_points", QUIRE_Q4_1, 75, 5, NULL },
};

static void test_gathers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(gathers) / sizeof(gathers[0]); i++) {
		struct converted done = converted_make(gathers[i].name);
		const quire_tensor *weight = quire_model_tensor(done.model, 0);

		assert_int_equal(quire_model_tensor_count(done.model), 1);
		assert_int_equal(quire_model_linear_count(done.model), 0);
		assert_int_equal(weight->dtype, gathers[i].dtype);
		assert_int_equal(weight->shape[1], gathers[i].n);
		converted_check(gathers[i].name, weight);
		assert_string_equal(converted_row(&done, weight)->node,
				    "embed");
		converted_discard(&done);
	}
}

static void test_tied(void **state)
{
	struct converted done = converted_make("good/gather_tied");

	(void)state;
	assert_int_equal(quire_model_tensor_count(done.model), 1);
	assert_int_equal(quire_model_linear_count(done.model), 1);
	assert_ptr_equal(quire_model_linear(done.model, 0)->weight,
			 quire_model_tensor(done.model, 0));
	converted_discard(&done);
}

static void assert_text(quire_string text, const char *expected)
{
	assert_int_equal(text.size, strlen(expected));
	assert_memory_equal(text.data, expected, text.size);
}

static void test_linear_and_metadata(void **state)
{
	struct converted done = converted_make("good/plain");
	const quire_linear *linear =
	    quire_model_find_linear(done.model, "/fc/MatMul_Q4");
	const quire_value *value;
	float bias[4];

	(void)state;
	assert_non_null(linear);
	assert_int_equal(linear->accuracy_level, 4);
	assert_text(linear->weight->name, "w.weight");
	assert_text(linear->weight->source, "w_Q4");
	assert_text(linear->bias->name, "b");
	assert_int_equal(quire_tensor_decode(linear->bias, 0, 1, 4, bias, NULL),
			 QUIRE_OK);
	assert_true(bias[0] == -1.5f && bias[3] == 1.5f);
	value = quire_model_find_value(done.model, "general.architecture");
	assert_text(value->as.s, "onnx");
	value = quire_model_find_value(done.model, "general.name");
	assert_text(value->as.s, "tiny");
	value = quire_model_find_value(done.model, "quire.source.file");
	assert_text(value->as.s, "plain.onnx");
	value = quire_model_find_value(done.model, "quire.source.producer");
	assert_text(value->as.s, "make.py 1");
	value = quire_model_find_value(done.model, "quire.source.opset");
	assert_int_equal(value->as.u, 21);
	value =
	    quire_model_find_value(done.model, "general.quantization_version");
	assert_int_equal(value->as.u, 2);
	converted_discard(&done);
}

/* Nodes with the same weight share its tensor; the same codes with other
 * scales are another weight. */
static void test_shared(void **state)
{
	struct converted done = converted_make("good/shared");
	const quire_linear *first =
	    quire_model_find_linear(done.model, "first");
	const quire_linear *second =
	    quire_model_find_linear(done.model, "second");
	const quire_linear *third =
	    quire_model_find_linear(done.model, "third");

	(void)state;
	assert_ptr_equal(first->weight, second->weight);
	assert_ptr_equal(first->bias, second->bias);
	assert_ptr_not_equal(first->weight, third->weight);
	assert_text(third->weight->name, "w_2.weight");
	assert_null(third->bias);
	assert_int_equal(second->accuracy_level, 1);
	assert_int_equal(quire_model_tensor_count(done.model), 3);
	converted_discard(&done);
}

static void test_body(void **state)
{
	struct converted done = converted_make("good/body");

	(void)state;
	assert_int_equal(quire_model_linear_count(done.model), 2);
	assert_text(
	    quire_model_find_linear(done.model, "in_then")->weight->name,
	    "w.weight");
	assert_text(
	    quire_model_find_linear(done.model, "in_else")->weight->name,
	    "inner_w.weight");
	converted_discard(&done);
}

struct dense_row {
	const char *source;
	quire_outcome outcome;
	quire_dtype dtype;
	uint32_t rank;
	uint64_t shape[4];
	const char *reason;
};

static const char not_shared[] = "not a float type that GGUF readers share";

static const struct dense_row dense_rows[] = {
	{ "scalar", QUIRE_OUTCOME_EXACT, QUIRE_F32, 1, { 1, 1, 1, 1 }, NULL },
	{ "matrix", QUIRE_OUTCOME_EXACT, QUIRE_F16, 2, { 5, 3, 1, 1 }, NULL },
	{ "cube", QUIRE_OUTCOME_EXACT, QUIRE_BF16, 3, { 4, 3, 2, 1 }, NULL },
	{ "five",
	  QUIRE_OUTCOME_EXACT,
	  QUIRE_F32,
	  4,
	  { 2, 2, 1, 6 },
	  "the first 2 dimensions became one" },
	{ "empty", QUIRE_OUTCOME_SKIPPED, 0, 0, { 0 }, "no elements" },
	{ "double", QUIRE_OUTCOME_SKIPPED, 0, 0, { 0 }, not_shared },
	{ "shape", QUIRE_OUTCOME_SKIPPED, 0, 0, { 0 }, not_shared },
	{ "text", QUIRE_OUTCOME_SKIPPED, 0, 0, { 0 }, not_shared },
	{ "sparse", QUIRE_OUTCOME_SKIPPED, 0, 0, { 0 }, "sparse" },
	{ "vector", QUIRE_OUTCOME_EXACT, QUIRE_F32, 1, { 3, 1, 1, 1 }, NULL },
};

static void check_dense(const struct converted *done,
			const struct dense_row *expected,
			const quire_convert_row *row)
{
	const quire_tensor *tensor;

	assert_string_equal(row->source, expected->source);
	assert_int_equal(row->outcome, expected->outcome);
	assert_null(row->node);
	if (expected->reason)
		assert_non_null(strstr(row->reason, expected->reason));
	else
		assert_null(row->reason);
	if (row->outcome == QUIRE_OUTCOME_SKIPPED) {
		assert_null(row->tensor);
		return;
	}
	tensor = quire_model_find_tensor(done->model, row->tensor);
	assert_string_equal(row->tensor, expected->source);
	assert_int_equal(tensor->dtype, expected->dtype);
	assert_int_equal(tensor->rank, expected->rank);
	assert_memory_equal(tensor->shape, expected->shape,
			    sizeof(tensor->shape));
	assert_int_equal(tensor->size, row->source_size);
}

static void test_dense(void **state)
{
	struct converted done = converted_make("good/dense");
	const size_t count = sizeof(dense_rows) / sizeof(dense_rows[0]);

	(void)state;
	assert_int_equal(done.report->count, count);
	for (size_t i = 0; i < count; i++)
		check_dense(&done, &dense_rows[i], &done.report->rows[i]);
	assert_int_equal(quire_model_linear_count(done.model), 0);
	converted_discard(&done);
}

static void test_report_sums(void **state)
{
	struct converted done = converted_make("good/plain");
	const quire_convert_report *report = done.report;
	quire_model_info info;
	uint64_t source_size = 0;
	uint64_t tensor_size = 0;

	(void)state;
	for (size_t i = 0; i < report->count; i++) {
		source_size += report->rows[i].source_size;
		tensor_size += report->rows[i].tensor_size;
	}
	quire_model_describe(done.model, &info);
	assert_int_equal(report->count, 2);
	assert_int_equal(report->source_size, source_size);
	assert_int_equal(report->tensor_size, tensor_size);
	assert_int_equal(report->file_size, info.file_size);
	assert_true(report->rows[0].scale_error_max > 0);
	converted_discard(&done);
}

/* F16: the dequantized weight, rounded; F32 where it does not fit f16. */
static void test_fallback_f16(void **state)
{
	const quire_convert_options options = { .fallback =
						    QUIRE_FALLBACK_F16 };
	struct converted done = converted_with("good/g_idx", &options);
	const quire_tensor *weight = quire_model_linear(done.model, 0)->weight;
	float values[64];
	float exact[64];
	unsigned char *expected;
	size_t size;

	(void)state;
	assert_int_equal(weight->dtype, QUIRE_F16);
	assert_int_equal(converted_row(&done, weight)->outcome,
			 QUIRE_OUTCOME_FALLBACK);
	expected = scratch_read(QUIRE_TEST_ONNX "/good/g_idx.weight", &size);
	assert_int_equal(quire_tensor_decode(weight, 0, 1, 64, values, NULL),
			 QUIRE_OK);
	memcpy(exact, expected, sizeof(exact));
	for (size_t i = 0; i < 64; i++)
		assert_true(fabsf(values[i] - exact[i]) <=
			    0x1p-11f * fabsf(exact[i]));
	free(expected);
	converted_discard(&done);

	done = converted_with("good/offset_large", &options);
	weight = quire_model_linear(done.model, 0)->weight;
	assert_int_equal(weight->dtype, QUIRE_F32);
	assert_non_null(strstr(converted_row(&done, weight)->reason,
			       "; F32 since 75000 does not fit f16"));
	converted_discard(&done);
}

static void test_fallback_refused(void **state)
{
	const quire_convert_options options = { .fallback =
						    QUIRE_FALLBACK_ERROR };
	const quire_convert_options none = { .fallback = (quire_fallback)9 };
	struct converted done = converted_with("good/plain", &options);
	char *output = scratch_path(done.folder, "refused.gguf");
	quire_error error = { 0 };

	(void)state;
	assert_int_equal(quire_convert_onnx(QUIRE_TEST_ONNX "/good/g_idx.onnx",
					    output, &options, NULL, &error),
			 QUIRE_ERROR_UNSUPPORTED);
	assert_string_equal(error.message,
			    "node '/fc/MatMul_Q4' (MatMulNBits): no block type "
			    "holds its weight: g_idx reorders columns");
	assert_int_equal(quire_convert_onnx(QUIRE_TEST_ONNX "/good/plain.onnx",
					    output, &none, NULL, &error),
			 QUIRE_ERROR_ARGUMENT);
	assert_int_equal(scratch_count(done.folder), 1);
	free(output);
	converted_discard(&done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goods),
		cmocka_unit_test(test_gathers),
		cmocka_unit_test(test_tied),
		cmocka_unit_test(test_fallback_f16),
		cmocka_unit_test(test_fallback_refused),
		cmocka_unit_test(test_linear_and_metadata),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_dense),
		cmocka_unit_test(test_report_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
