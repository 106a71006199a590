/*
 * test_convert_kinds.c - quantized weights of other operators than MatMulNBits:
 * which tensor and which linear they become. A comparison finds them equal, and
 * different after a byte was changed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tests/unit/converted.h"

#define LINEAR true
#define TENSOR false

struct kind {
	const char *name;
	quire_dtype dtype;
	uint64_t k;
	uint64_t shape[3]; /* after the first; 0: none */
	bool linear;
	const char *reason; /* NULL: exact */
};

/* Reasons of fallbacks that several rows have. */
static const char by_column[] =
    "each column has a scale of its own, and block types have one for 32 "
    "columns of a row";
static const char in_codebook[] = "a codebook says what codes mean";

static const struct kind kinds[] = {
	{ "good/dq_int4", QUIRE_Q4_0, 75, { 5 }, LINEAR, NULL },
	{ "good/dq_uint4", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/dq_int4_zero_points", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/dq_uint4_zero_points", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/dq_int8", QUIRE_Q8_0, 40, { 3 }, LINEAR, NULL },
	{ "good/dq_uint8", QUIRE_Q8_0, 40, { 3 }, LINEAR, NULL },
	{ "good/dq_uint8_large",
	  QUIRE_F32,
	  40,
	  { 3 },
	  LINEAR,
	  "code minus zero point, 128 at row 2, column 39, does not fit int8" },
	{ "good/dq_int8_zero_points", QUIRE_Q8_0, 40, { 3 }, LINEAR, NULL },
	{ "good/dq_uint8_zero_points", QUIRE_Q8_0, 40, { 3 }, LINEAR, NULL },
	{ "good/dq_int2", QUIRE_Q4_1, 40, { 3 }, LINEAR, NULL },
	{ "good/dq_block_64", QUIRE_Q4_0, 200, { 3 }, LINEAR, NULL },
	{ "good/dq_block_8", QUIRE_Q4_0, 75, { 3 }, LINEAR, NULL },
	{ "good/dq_block_8_bits_8", QUIRE_Q8_0, 75, { 3 }, LINEAR, NULL },
	{ "good/dq_block_48",
	  QUIRE_F32,
	  100,
	  { 3 },
	  LINEAR,
	  "block size 48, and blocks 0 and 1 of row 0 do not share a scale" },
	{ "good/dq_transposed", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/dq_transposed_default", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/dq_gemm", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/dq_gemm_rows", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/dq_rows", QUIRE_Q4_1, 160, { 3 }, LINEAR, NULL },
	{ "good/dq_shared", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/dq_both_ways", QUIRE_Q4_0, 32, { 32 }, LINEAR, NULL },
	{ "good/dq_channels", QUIRE_Q8_0, 40, { 3 }, LINEAR, NULL },
	{ "good/dq_channels_rows", QUIRE_Q8_0, 40, { 3 }, LINEAR, NULL },
	{ "good/dq_tensor", QUIRE_Q4_1, 72, { 3 }, LINEAR, NULL },
	{ "good/dq_by_k", QUIRE_F32, 40, { 3 }, LINEAR, by_column },
	{ "good/dq_by_k_equal", QUIRE_Q4_0, 40, { 3 }, LINEAR, NULL },
	{ "good/dq_along_n", QUIRE_F32, 40, { 70 }, LINEAR, by_column },
	{ "good/dq_along_n_rows", QUIRE_F32, 40, { 70 }, LINEAR, by_column },
	{ "good/dq_constant_nodes", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/dq_typed", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "places/dq_external", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/dq_body", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/dq_reshaped", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/dq_bias", QUIRE_Q8_0, 64, { 3 }, LINEAR, NULL },
	{ "good/dq_bias_cast", QUIRE_Q8_0, 64, { 3 }, LINEAR, NULL },
	{ "good/dq_bias_zero", QUIRE_Q8_0, 64, { 3 }, TENSOR, NULL },
	{ "good/dq_gemm_scaled", QUIRE_Q4_1, 75, { 5 }, TENSOR, NULL },
	{ "good/dq_gather", QUIRE_Q4_1, 75, { 5 }, TENSOR, NULL },
	{ "good/dq_added", QUIRE_Q4_0, 64, { 3 }, TENSOR, NULL },
	{ "good/dq_conv",
	  QUIRE_F32,
	  3,
	  { 2, 2, 2 },
	  TENSOR,
	  "rows of 3 elements are not whole blocks" },
	{ "good/wrap_cast", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/wrap_identity", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/wrap_orders", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/wrap_long", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/wrap_nbits", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/cast_half", QUIRE_F32, 40, { 70 }, LINEAR, by_column },
	{ "good/cast_brain", QUIRE_F32, 40, { 70 }, LINEAR, by_column },
	{ "good/cast_half_brain", QUIRE_F32, 40, { 70 }, LINEAR, by_column },
	{ "good/cast_brain_half", QUIRE_F32, 40, { 70 }, LINEAR, by_column },
	{ "good/cast_wider", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/fused_matmul", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/fused_matmul_rows", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/fused_matmul_alpha", QUIRE_Q4_1, 75, { 5 }, TENSOR, NULL },
	{ "good/fused_matmul_a", QUIRE_Q4_1, 75, { 5 }, TENSOR, NULL },
	{ "good/fused_gemm", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/fused_gemm_bias", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/fused_gemm_column", QUIRE_Q4_1, 75, { 5 }, TENSOR, NULL },
	{ "good/fused_gemm_relu", QUIRE_Q4_1, 75, { 5 }, TENSOR, NULL },
	{ "good/einsum", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/einsum_rows", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/einsum_implied", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/einsum_implied_order", QUIRE_Q4_1, 64, { 5 }, TENSOR, NULL },
	{ "good/einsum_implied_capital", QUIRE_Q4_1, 64, { 5 }, TENSOR, NULL },
	{ "good/einsum_first", QUIRE_Q4_1, 64, { 5 }, TENSOR, NULL },
	{ "good/einsum_sum", QUIRE_Q4_1, 64, { 5 }, TENSOR, NULL },
	{ "good/einsum_outer", QUIRE_Q4_1, 64, { 5 }, TENSOR, NULL },
	{ "good/reshaped_runs", QUIRE_Q4_1, 96, { 5 }, LINEAR, NULL },
	{ "good/reshaped_first", QUIRE_Q4_1, 96, { 5 }, LINEAR, NULL },
	{ "good/reshaped_squeezed", QUIRE_Q4_1, 96, { 5 }, LINEAR, NULL },
	{ "good/reshaped_apart", QUIRE_Q4_1, 32, { 15 }, TENSOR, NULL },
	{ "good/reshaped_turned", QUIRE_Q4_1, 64, { 32 }, TENSOR, NULL },
	{ "good/stray_added", QUIRE_Q4_1, 64, { 5 }, TENSOR, NULL },
	{ "good/stray_channels", QUIRE_Q4_0, 64, { 5 }, TENSOR, NULL },
	{ "good/added_nbits", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/added_matmul", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/added_fused", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/added_deep", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/added_cast", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/added_no_rows", QUIRE_Q4_1, 75, { 3 }, LINEAR, NULL },
	{ "good/added_no_scalar", QUIRE_Q4_1, 75, { 3 }, LINEAR, NULL },
	{ "good/added_no_matrix", QUIRE_Q4_1, 75, { 3 }, LINEAR, NULL },
	{ "good/added_no_turned", QUIRE_Q4_1, 75, { 3 }, LINEAR, NULL },
	{ "good/added_no_shared", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/added_no_output", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/added_no_biased", QUIRE_Q4_1, 75, { 5 }, LINEAR, NULL },
	{ "good/dq_cube", QUIRE_Q4_1, 64, { 7, 3 }, TENSOR, NULL },
	{ "good/dq_cube_rows", QUIRE_Q4_1, 64, { 7, 3 }, TENSOR, NULL },
	{ "good/gather_cube", QUIRE_Q4_0, 64, { 3, 2 }, TENSOR, NULL },
	{ "good/gather_reshaped", QUIRE_Q4_1, 64, { 5 }, LINEAR, NULL },
	{ "good/q_matmul", QUIRE_Q8_0, 75, { 5 }, LINEAR, NULL },
	{ "good/q_matmul_one", QUIRE_Q8_0, 75, { 5 }, LINEAR, NULL },
	{ "good/q_matmul_zero_points", QUIRE_Q8_0, 75, { 5 }, LINEAR, NULL },
	{ "good/q_matmul_seven_bits", QUIRE_Q8_0, 75, { 5 }, LINEAR, NULL },
	{ "good/q_matmul_large",
	  QUIRE_F32,
	  75,
	  { 5 },
	  LINEAR,
	  "code minus zero point, 128 at row 1, column 3, does not fit int8" },
	{ "good/q_matmul_deep", QUIRE_Q8_0, 75, { 5 }, LINEAR, NULL },
	{ "good/q_matmul_wrapped", QUIRE_Q8_0, 75, { 5 }, LINEAR, NULL },
	{ "good/q_matmul_cube", QUIRE_Q8_0, 64, { 3, 2 }, TENSOR, NULL },
	{ "good/q_gemm", QUIRE_Q8_0, 75, { 5 }, LINEAR, NULL },
	{ "good/q_gemm_bias", QUIRE_Q8_0, 75, { 5 }, LINEAR, NULL },
	{ "good/q_gemm_rows", QUIRE_Q8_0, 75, { 5 }, LINEAR, NULL },
	{ "good/q_gemm_alpha", QUIRE_Q8_0, 75, { 5 }, TENSOR, NULL },
	{ "good/q_gemm_shared", QUIRE_Q8_0, 64, { 5 }, LINEAR, NULL },
	{ "good/q_to_float", QUIRE_Q8_0, 75, { 5 }, LINEAR, NULL },
	{ "good/q_scaled", QUIRE_Q8_0, 75, { 5 }, LINEAR, NULL },
	{ "good/q_scaled_swapped", QUIRE_Q8_0, 75, { 5 }, LINEAR, NULL },
	{ "good/q_dynamic", QUIRE_Q8_0, 75, { 5 }, LINEAR, NULL },
	{ "good/q_dynamic_bias", QUIRE_Q8_0, 75, { 5 }, LINEAR, NULL },
	{ "good/function_calls", QUIRE_Q4_1, 64, { 32 }, LINEAR, NULL },
	{ "good/function_nested", QUIRE_Q4_0, 32, { 64 }, LINEAR, NULL },
	{ "good/function_nested_last", QUIRE_Q4_0, 32, { 64 }, LINEAR, NULL },
	{ "good/function_dequantized", QUIRE_Q8_0, 64, { 3 }, LINEAR, NULL },
	{ "good/moe", QUIRE_Q4_0, 64, { 6, 3 }, TENSOR, NULL },
	{ "good/moe_zero_points", QUIRE_Q4_1, 64, { 6, 3 }, TENSOR, NULL },
	{ "good/moe_rows", QUIRE_Q4_0, 40, { 5, 3 }, TENSOR, NULL },
	{ "good/moe_rows_zero_points", QUIRE_Q4_1, 40, { 5, 3 }, TENSOR, NULL },
	{ "places/moe_external", QUIRE_Q8_0, 64, { 5, 3 }, TENSOR, NULL },
	{ "good/bnb4_fp4", QUIRE_F32, 64, { 5 }, LINEAR, in_codebook },
	{ "good/bnb4_nf4", QUIRE_F32, 64, { 5 }, LINEAR, in_codebook },
	{ "good/bnb4_ragged", QUIRE_F32, 41, { 5 }, LINEAR, in_codebook },
};

static void check_shape(const struct kind *kind, const quire_tensor *weight)
{
	uint64_t rank = 1;
	uint32_t count = 1;
	uint32_t size;

	quire_dtype_block(weight->dtype, &count, &size);
	assert_int_equal(weight->shape[0],
			 (kind->k + count - 1) / count * count);
	for (; rank < 4 && kind->shape[rank - 1]; rank++)
		assert_int_equal(weight->shape[rank], kind->shape[rank - 1]);
	assert_int_equal(weight->rank, rank);
}

static void check_row(const struct kind *kind, const quire_convert_row *row)
{
	assert_non_null(row->node);
	assert_true(row->source_size > 0);
	assert_int_equal(row->outcome, kind->reason ? QUIRE_OUTCOME_FALLBACK
						    : QUIRE_OUTCOME_EXACT);
	if (kind->reason)
		assert_string_equal(row->reason, kind->reason);
	assert_true(row->scale_error_max <= 0x1p-11);
}

/* Compares model and container; the number of weights that differ. */
static size_t compare(const struct converted *done, const char *name)
{
	char *output = scratch_path(done->folder, "out.gguf");
	quire_compare_report *report;
	quire_error error = { 0 };
	char source[512];
	size_t different;

	snprintf(source, sizeof(source), "%s/%s.onnx", QUIRE_TEST_ONNX, name);
	if (quire_compare_onnx(source, output, NULL, &report, &error) !=
	    QUIRE_OK)
		fail_msg("%s: %s", name, error.message);
	different = report->different;
	quire_compare_report_free(report);
	free(output);
	return different;
}

/* Changes one bit of a tensor of the container. */
static void spoil(const struct converted *done, const quire_tensor *tensor)
{
	char *path = scratch_path(done->folder, "out.gguf");
	const size_t at = (size_t)tensor->offset + (size_t)tensor->size / 2;

	scratch_flip(path, at, 0x10);
	free(path);
}

static void check_kind(const struct kind *kind)
{
	struct converted done = converted_make(kind->name);
	const quire_linear *linear = quire_model_linear(done.model, 0);
	const quire_tensor *weight =
	    kind->linear ? linear->weight : quire_model_tensor(done.model, 0);

	assert_int_equal(linear != NULL, kind->linear);
	if (linear) {
		assert_int_equal(linear->k, kind->k);
		assert_int_equal(linear->n, kind->shape[0]);
		assert_int_equal(linear->accuracy_level, 0);
	}
	assert_int_equal(weight->dtype, kind->dtype);
	check_shape(kind, weight);
	converted_check(kind->name, weight);
	check_row(kind, converted_row(&done, weight));
	assert_int_equal(compare(&done, kind->name), 0);
	spoil(&done, weight);
	if (compare(&done, kind->name) == 0)
		fail_msg("%s: a changed bit is not found", kind->name);
	converted_discard(&done);
}

static void test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		print_message("%s\n", kinds[i].name);
		check_kind(&kinds[i]);
	}
}

/* The weight is the same wherever its constants are. */
static void check_place(const char *base, const char *place)
{
	struct converted done;
	char name[64];
	char good[64];

	snprintf(name, sizeof(name), "places/%s_in_%s", base, place);
	snprintf(good, sizeof(good), "good/%s", base);
	done = converted_make(name);
	converted_check(good, quire_model_tensor(done.model, 0));
	assert_int_equal(compare(&done, name), 0);
	converted_discard(&done);
}

static void test_places(void **state)
{
	static const char *const bases[] = { "zero_points",
					     "gather_uint4_zero_points",
					     "dq_int8_zero_points",
					     "moe_zero_points", "bnb4_ragged" };
	static const char *const places[] = { "constants", "typed", "files",
					      "loop" };

	(void)state;
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		for (size_t j = 0; j < sizeof(places) / sizeof(places[0]); j++)
			check_place(bases[i], places[j]);
}

static void test_gemm(void **state)
{
	struct converted done = converted_make("good/dq_gemm_rows");
	const quire_linear *linear = quire_model_find_linear(done.model, "mm");

	(void)state;
	assert_int_equal(linear->bias->name.size, 1);
	assert_memory_equal(linear->bias->name.data, "b", 1);
	converted_discard(&done);

	done = converted_make("good/dq_gemm_scaled");
	assert_string_equal(
	    converted_row(&done, quire_model_tensor(done.model, 0))->reason,
	    "alpha of the Gemm is not 1, so there is no linear");
	converted_discard(&done);
	done = converted_make("good/dq_bias_zero");
	assert_string_equal(
	    converted_row(&done, quire_model_tensor(done.model, 0))->reason,
	    "C of the Gemm is not a bias, so there is no linear");
	converted_discard(&done);
}

/* Fails unless a bias has the bytes of tests/onnx/good/NAME.bias. */
static void check_bias(const char *name, const quire_tensor *bias)
{
	char path[512];
	unsigned char *expected;
	size_t size;

	snprintf(path, sizeof(path), "%s/good/%s.bias", QUIRE_TEST_ONNX, name);
	expected = scratch_read(path, &size);
	assert_int_equal(bias->size, size);
	assert_memory_equal(bias->data, expected, size);
	free(expected);
}

/* A bias of INT32 becomes F32: its numbers times the scales of x and of its
 * column. A change of one is found. */
static void test_integer_bias(void **state)
{
	struct converted done = converted_make("good/q_gemm_bias");
	const quire_linear *linear = quire_model_find_linear(done.model, "mm");
	const quire_convert_row *row = converted_row(&done, linear->bias);

	(void)state;
	assert_int_equal(linear->bias->dtype, QUIRE_F32);
	assert_int_equal(linear->bias->rank, 1);
	assert_int_equal(linear->bias->shape[0], 5);
	assert_int_equal(row->role, QUIRE_ROLE_BIAS);
	assert_string_equal(row->reason, "INT32 times its scales");
	check_bias("q_gemm_bias", linear->bias);
	spoil(&done, linear->bias);
	assert_int_equal(compare(&done, "good/q_gemm_bias"), 1);
	converted_discard(&done);

	done = converted_make("good/dq_bias_cast");
	linear = quire_model_find_linear(done.model, "mm");
	check_bias("dq_bias_cast", linear->bias);
	converted_discard(&done);
}

/* Two products in steps of other scales of x have two biases from the same
 * integers; a third one shares the first. */
static void test_shared_integers(void **state)
{
	struct converted done = converted_make("good/q_gemm_shared");
	const quire_linear *first = quire_model_find_linear(done.model, "mm");
	const quire_linear *other =
	    quire_model_find_linear(done.model, "other");
	const quire_linear *again =
	    quire_model_find_linear(done.model, "again");

	(void)state;
	assert_ptr_equal(first->bias, again->bias);
	assert_ptr_not_equal(first->bias, other->bias);
	assert_int_equal(first->bias->source.size, 3);
	assert_memory_equal(other->bias->source.data, "b_q", 3);
	assert_ptr_equal(first->weight, other->weight);
	spoil(&done, other->bias);
	assert_int_equal(compare(&done, "good/q_gemm_shared"), 1);
	converted_discard(&done);
}

/* Each call of a function has linears of its own, by the call's constants and
 * attributes. What the function holds itself is there once. */
static void test_calls(void **state)
{
	static const struct {
		const char *name;
		uint64_t k;
		uint64_t n;
		uint32_t level;
		bool bias;
	} calls[] = { { "one/mm", 64, 32, 0, true },
		      { "two/mm", 32, 64, 0, false },
		      { "three/mm", 64, 32, 4, true } };
	struct converted done = converted_make("good/function_calls");

	(void)state;
	assert_int_equal(quire_model_tensor_count(done.model), 4);
	assert_int_equal(quire_model_linear_count(done.model), 3);
	for (size_t i = 0; i < 3; i++) {
		const quire_linear *linear =
		    quire_model_find_linear(done.model, calls[i].name);

		assert_non_null(linear);
		assert_int_equal(linear->k, calls[i].k);
		assert_int_equal(linear->n, calls[i].n);
		assert_int_equal(linear->accuracy_level, calls[i].level);
		assert_int_equal(linear->bias != NULL, calls[i].bias);
	}
	assert_non_null(quire_model_find_tensor(done.model, "gain"));
	converted_discard(&done);
}

/* A constant that an Add adds to each row of a product is the linear's bias,
 * and a tensor once, of rank 1. */
static void test_added(void **state)
{
	static const char *const names[] = { "nbits", "matmul", "fused", "deep",
					     "cast" };
	static const char *const others[] = { "no_rows",   "no_scalar",
					      "no_matrix", "no_turned",
					      "no_shared", "no_output" };
	char name[64];
	struct converted done;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const quire_linear *linear;

		snprintf(name, sizeof(name), "good/added_%s", names[i]);
		done = converted_make(name);
		linear = quire_model_linear(done.model, 0);
		assert_int_equal(quire_model_tensor_count(done.model), 2);
		assert_ptr_equal(linear->bias,
				 quire_model_find_tensor(done.model, "b"));
		assert_int_equal(linear->bias->rank, 1);
		assert_int_equal(converted_row(&done, linear->bias)->role,
				 QUIRE_ROLE_BIAS);
		converted_discard(&done);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(name, sizeof(name), "good/added_%s", others[i]);
		done = converted_make(name);
		assert_null(quire_model_linear(done.model, 0)->bias);
		assert_non_null(quire_model_find_tensor(done.model, "b"));
		converted_discard(&done);
	}
	done = converted_make("good/added_no_biased");
	assert_memory_equal(quire_model_linear(done.model, 0)->bias->name.data,
			    "own", 3);
	converted_discard(&done);
}

/* Nodes that use the same constants in the same way share a tensor. */
static void test_shared(void **state)
{
	static const char *const names[] = { "good/dq_shared", "good/dq_body",
					     "good/gather_reshaped" };
	struct converted done;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		done = converted_make(names[i]);
		assert_int_equal(quire_model_tensor_count(done.model), 1);
		assert_int_equal(quire_model_linear_count(done.model),
				 i < 2 ? 2 : 1);
		converted_discard(&done);
	}
	done = converted_make("good/dq_both_ways");
	assert_int_equal(quire_model_tensor_count(done.model), 2);
	assert_int_equal(quire_model_linear(done.model, 1)->weight->dtype,
			 QUIRE_F32);
	converted_discard(&done);
}

/* Every projection, and the biases, copied. */
static void test_experts(void **state)
{
	static const char *const names[] = { "fc1_weights.weight",
					     "fc2_weights.weight",
					     "fc3_weights.weight", "fc1_bias" };
	struct converted done = converted_make("good/moe");

	(void)state;
	assert_int_equal(quire_model_tensor_count(done.model), 4);
	for (size_t i = 0; i < 4; i++)
		assert_non_null(quire_model_find_tensor(done.model, names[i]));
	assert_int_equal(done.report->count, 4);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(done.report->rows[i].node, "moe");
	converted_discard(&done);
}

/* A codebook's fallback follows the policy too. */
static void test_fallback(void **state)
{
	quire_convert_options options = { .fallback = QUIRE_FALLBACK_F16 };
	struct converted done = converted_with("good/bnb4_nf4", &options);
	char *output = scratch_path(done.folder, "refused.gguf");
	quire_error error = { 0 };

	(void)state;
	assert_int_equal(quire_model_linear(done.model, 0)->weight->dtype,
			 QUIRE_F16);
	assert_int_equal(compare(&done, "good/bnb4_nf4"), 0);
	options.fallback = QUIRE_FALLBACK_ERROR;
	assert_int_equal(quire_convert_onnx(QUIRE_TEST_ONNX
					    "/good/bnb4_nf4.onnx",
					    output, &options, NULL, &error),
			 QUIRE_ERROR_UNSUPPORTED);
	assert_string_equal(error.message,
			    "node 'mm' (MatMulBnb4): no block type holds its "
			    "weight: a codebook says what codes mean");
	free(output);
	converted_discard(&done);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_gemm),
		cmocka_unit_test(test_added),
		cmocka_unit_test(test_integer_bias),
		cmocka_unit_test(test_shared_integers),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_experts),
		cmocka_unit_test(test_fallback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
