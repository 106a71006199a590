/*
 * test_convert_refused.c - each bad model of tests/onnx is refused for its own
 * reason, and no file is left behind.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "quire_convert.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

#define LAYOUT	    QUIRE_ERROR_LAYOUT
#define UNSUPPORTED QUIRE_ERROR_UNSUPPORTED

static const struct bad {
	const char *name;
	quire_status status;
	const char *message; /* a substring of it */
} bads[] = {
	{ "no_k", LAYOUT, "no attribute K" },
	{ "k_zero", LAYOUT, "K is 0, not in 1 to" },
	{ "k_negative", LAYOUT, "K is -64, not in 1 to" },
	{ "k_other", LAYOUT,
	  "B has the shape [3, 2, 16]; K, N, bits and "
	  "block_size make [3, 3, 16]" },
	{ "k_huge", LAYOUT, "K of 9223372036854775807 is out of range" },
	{ "n_other", LAYOUT, "make [4, 2, 16]" },
	{ "k_float", LAYOUT, "attribute K is not an integer" },
	{ "bits_3", UNSUPPORTED, "bits is 3; 2, 4 and 8 are supported" },
	{ "bits_16", LAYOUT, "bits is 16, not in 2 to 8" },
	{ "bits_other", LAYOUT, "make [3, 2, 32]" },
	{ "block_8", LAYOUT, "block_size is 8, not in 16 to" },
	{ "block_48", LAYOUT, "block_size 48 is not a power of two" },
	{ "block_other", LAYOUT, "make [3, 1, 32]" },
	{ "level_5", LAYOUT, "accuracy_level is 5, not in 0 to 4" },
	{ "prepacked", UNSUPPORTED, "weight_prepacked is 1" },
	{ "unknown_attribute", UNSUPPORTED, "attribute 'layout' is not known" },
	{ "domain", UNSUPPORTED, "its domain is '', not com.microsoft" },
	{ "b_type", LAYOUT, "B is INT8, not UINT8" },
	{ "b_untyped", LAYOUT, "B is of an unknown type, not UINT8" },
	{ "b_shape", LAYOUT, "B has the shape [3, 1, 32]" },
	{ "b_short", LAYOUT,
	  "'w_Q4': 96 bytes of data, its type and dims "
	  "make 90" },
	{ "scales_type", LAYOUT, "scales is INT32, not a float type" },
	{ "scales_shape", LAYOUT, "scales has the shape [2, 3]" },
	{ "raw_size", LAYOUT, "'w_scales': 24 bytes of data" },
	{ "negative_dim", LAYOUT, "dimension 0 is -3" },
	{ "huge_dims", LAYOUT, "'w_Q4': dims overflow" },
	{ "huge_bits", LAYOUT, "'w_scales': dims overflow" },
	{ "undefined", LAYOUT, "input B, 'nowhere', is defined nowhere" },
	{ "undefined_a", LAYOUT, "input A, 'nowhere', is defined nowhere" },
	{ "absent_b", LAYOUT, "input B is absent" },
	{ "absent_scales", LAYOUT, "input scales is absent" },
	{ "computed_b", UNSUPPORTED, "B, 'z', is computed by another node" },
	{ "cycle_of_one", LAYOUT,
	  "(MatMulNBits): its input 'y' depends on its own output" },
	{ "cycle_of_two", LAYOUT, "its input 'z' depends on its own output" },
	{ "input_scales", UNSUPPORTED, "scales, 'x', is a graph input" },
	{ "seven_inputs", LAYOUT, "7 inputs; the most is 6" },
	{ "unsupported", UNSUPPORTED,
	  "node 'conv' (ConvInteger): its quantized weight 'c_Q4', UINT8, "
	  "cannot be converted" },
	{ "wrap_too_long", UNSUPPORTED,
	  "is computed by another node; a weight must be a constant" },
	{ "zero_points_shape", LAYOUT, "zero_points has the shape [3, 2]" },
	{ "g_idx_shape", LAYOUT, "g_idx is not a vector of 64 elements" },
	{ "g_idx_range", LAYOUT, "g_idx of column 63 is 2, of 2 blocks" },
	{ "g_idx_negative", LAYOUT, "g_idx of column 63 is -1, of 2 blocks" },
	{ "bias_shape", LAYOUT, "bias is not a vector of 3 elements" },
	{ "number_range", LAYOUT, "a number is out of range for UINT8" },
	{ "number_count", LAYOUT, "5 numbers for 6 elements of FLOAT" },
	{ "escape_parent", LAYOUT, "'../make.py' leaves the model's folder" },
	{ "escape_inner", LAYOUT, "leaves the model's folder" },
	{ "escape_absolute", LAYOUT, "'/etc/passwd' is absolute" },
	{ "location_empty", LAYOUT, "location '' is empty" },
	{ "location_none", LAYOUT, "external data without a location" },
	{ "location_folder", LAYOUT, "'sub' is not a regular file" },
	{ "location_missing", QUIRE_ERROR_IO,
	  "cannot open the model's external data" },
	{ "external_short", LAYOUT,
	  "96 bytes at 200 reach past the end of "
	  "'external.first.bin', which has 248" },
	{ "external_offset", LAYOUT, "reach past the end of" },
	{ "external_length", LAYOUT, "97 external bytes" },
	{ "offset_sign", LAYOUT, "'-1' is not a decimal number" },
	{ "offset_hex", LAYOUT, "'0x10' is not a decimal number" },
	{ "offset_blank", LAYOUT, "' 4' is not a decimal number" },
	{ "offset_overflow", LAYOUT,
	  "'18446744073709551616' is not a decimal number" },
	{ "offset_nothing", LAYOUT, "'' is not a decimal number" },
	{ "offset_twice", LAYOUT, "external data has two offsets" },
	{ "empty", LAYOUT, "not an ONNX model: it has no graph" },
	{ "text", LAYOUT, "malformed protobuf" },
	{ "cut", LAYOUT, "malformed protobuf" },
	{ "duplicate_name", LAYOUT, "two values are named 'w_scales'" },
	{ "duplicate_output", LAYOUT, "two values are named 'w_scales'" },
	{ "deep", LAYOUT, "graphs nest deeper than 64" },
	{ "utf8", LAYOUT, "a name that is not UTF-8" },
	{ "bloat", LAYOUT, "unpacks to far more than its size" },
	{ "nothing", UNSUPPORTED, "nothing to convert" },
	{ "dequantize", UNSUPPORTED,
	  "node 'dq' (DequantizeLinear): its quantized weight 'q', INT16, "
	  "cannot be converted" },
	{ "gather_scales", LAYOUT,
	  "node 'embed' (GatherBlockQuantized): scales has the shape [5, 1]" },
	{ "gather_computed", UNSUPPORTED,
	  "data, 'w_Q4', is computed by another node" },
	{ "gather_input", UNSUPPORTED, "data, 'w_Q4', is a graph input" },
	{ "gather_reshaped", LAYOUT,
	  "data, 'flat', is reshaped from 160 elements" },
	{ "gather_cube", UNSUPPORTED,
	  "quantize_axis is 1; only the last dimension is supported" },
	{ "gather_axis", UNSUPPORTED, "quantize_axis is 0" },
	{ "gather_bits", UNSUPPORTED, "bits is 3; 2, 4 and 8 are supported" },
	{ "gather_block", LAYOUT, "block_size 48 is not a power of two" },
	{ "gather_attribute", UNSUPPORTED,
	  "attribute 'transposed' is not known" },
	{ "gather_type", LAYOUT, "data is INT8, not UINT8, or of 4 bits" },
	{ "gather_domain", UNSUPPORTED, "its domain is '', not com.microsoft" },
	{ "gather_zero_points", LAYOUT, "zero_points has the shape [5, 2]" },
	{ "bnb4_block", LAYOUT, "block_size 24 is not a power of two" },
	{ "bnb4_block_other", LAYOUT,
	  "absmax has the shape [10]; K, N, bits and block_size make "
	  "[5, 1, 1]" },
	{ "bnb4_computed", LAYOUT,
	  "(MatMulBnb4): its input 'y' depends on its own output" },
	{ "bnb4_input", UNSUPPORTED,
	  "absmax, 'w_absmax', is a graph input; a weight must be a "
	  "constant" },
	{ "bnb4_k_huge", LAYOUT, "K or N is out of range" },
	{ "bnb4_k_other", LAYOUT,
	  "B has the shape [160]; K, N, bits and block_size make "
	  "[163, 1, 1]" },
	{ "bnb4_n_zero", LAYOUT, "N is 0, not in 1 to 9223372036854775807" },
	{ "bnb4_no_quant_type", LAYOUT, "no attribute quant_type" },
	{ "bnb4_quant_type", LAYOUT, "quant_type is 2, not in 0 to 1" },
	{ "bnb4_trans_b", UNSUPPORTED,
	  "transB is 0, as in training; only 1 is supported" },
	{ "dq_attribute", UNSUPPORTED, "attribute 'layout' is not known" },
	{ "dq_axis", LAYOUT, "axis is 2; x has 2 dimensions" },
	{ "dq_axis_huge", LAYOUT,
	  "axis is -9223372036854775808, not in -8 to 7" },
	{ "dq_axis_negative", LAYOUT, "axis is -3; x has 2 dimensions" },
	{ "dq_axis_other", LAYOUT,
	  "x_scale does not have the shape that x, axis and "
	  "block_size make: 1 along axis 1" },
	{ "dq_block_huge", LAYOUT,
	  "block_size is 9223372036854775807, not in 0 to 2147483648" },
	{ "dq_block_negative", LAYOUT,
	  "block_size is -32, not in 0 to 2147483648" },
	{ "dq_block_none", LAYOUT,
	  "x_scale does not have the shape that x, axis and "
	  "block_size make: 64 along axis 0" },
	{ "dq_block_other", LAYOUT,
	  "x_scale does not have the shape that x, axis and "
	  "block_size make: 4 along axis 0" },
	{ "dq_circle", LAYOUT,
	  "(Transpose): its input 'wt' depends on its own output" },
	{ "dq_computed", UNSUPPORTED,
	  "x, 'w_DQ_Q4', is computed by another node; a weight must "
	  "be a constant" },
	{ "dq_dims", LAYOUT, "tensor 'w_DQ_Q4': dims overflow" },
	{ "dq_dims_negative", LAYOUT, "tensor 'w_DQ_Q4': dimension 0 is -64" },
	{ "dq_empty", UNSUPPORTED, "x, 'w_DQ_Q4', has no elements" },
	{ "dq_input", UNSUPPORTED,
	  "x, 'w_DQ_Q4', is a graph input; a weight must be a "
	  "constant" },
	{ "dq_int16", UNSUPPORTED,
	  "its quantized weight 'w_DQ_Q4', INT16, cannot be converted" },
	{ "dq_no_scales", LAYOUT, "input x_scale is absent" },
	{ "dq_reshaped", LAYOUT,
	  "x, 'flat', is reshaped from 192 elements to another "
	  "number of them" },
	{ "dq_scales_shape", LAYOUT,
	  "x_scale does not have the shape that x, axis and "
	  "block_size make: 2 along axis 0" },
	{ "dq_scales_type", LAYOUT, "x_scale is INT32, not a float type" },
	{ "dq_short", LAYOUT,
	  "tensor 'w_DQ_Q4': 96 bytes of data, its type and dims "
	  "make 128" },
	{ "dq_undefined", LAYOUT,
	  "input x_scale, 'nowhere', is defined nowhere" },
	{ "dq_zero_points_shape", LAYOUT,
	  "x_zero_point does not have the shape of x_scale" },
	{ "dq_zero_points_type", LAYOUT,
	  "x_zero_point is UINT4, not of the type of x" },
	{ "moe_attribute", UNSUPPORTED, "attribute 'layout' is not known" },
	{ "moe_bits", UNSUPPORTED, "bits is 3; 2, 4 and 8 are supported" },
	{ "moe_bits_other", LAYOUT,
	  "fc1_scales has the shape [3, 6, 2]; K, N, bits and "
	  "block_size make [3, 6, 1]" },
	{ "moe_block", LAYOUT, "block_size 48 is not a power of two" },
	{ "moe_block_other", LAYOUT,
	  "fc1_experts_weights has 64 columns, no multiple of "
	  "block_size" },
	{ "moe_block_small", LAYOUT, "block_size is 8, less than 16" },
	{ "moe_computed", UNSUPPORTED,
	  "fc1_scales, 'fc1_scales', is computed by another node; a "
	  "weight must be a constant" },
	{ "moe_domain", UNSUPPORTED, "its domain is '', not com.microsoft" },
	{ "moe_flat", LAYOUT, "fc1_experts_weights is not [experts, n, k]" },
	{ "moe_fp4", UNSUPPORTED,
	  "quant_type is not 'int'; only 'int' is supported" },
	{ "moe_huge", LAYOUT, "tensor 'fc1_weights': dims overflow" },
	{ "moe_input", UNSUPPORTED,
	  "fc1_experts_weights, 'fc1_weights', is a graph input; a "
	  "weight must be a constant" },
	{ "moe_prepacked", UNSUPPORTED,
	  "weights_prepacked is 1: the layout of one device, from "
	  "which the weight cannot be read; 0 is raw" },
	{ "moe_prepacked_absent", UNSUPPORTED,
	  "weights_prepacked is -1 where it is absent: the layout of "
	  "one device, from which the weight cannot be read; 0 " },
	{ "moe_scales", LAYOUT,
	  "fc1_scales has the shape [3, 4, 3]; K, N, bits and "
	  "block_size make [3, 6, 2]" },
	{ "function_inputs", LAYOUT, "two inputs of a function are named 'b'" },
	{ "function_of_itself", UNSUPPORTED,
	  "calls of functions make too many nodes" },
	{ "q_attribute", UNSUPPORTED, "attribute 'layout' is not known" },
	{ "q_computed", UNSUPPORTED,
	  "b_scale, 'w_DQ_scales', is computed by another node; a weight must "
	  "be a constant" },
	{ "q_scaled_other", UNSUPPORTED,
	  "node 'mm_quant' (MatMulInteger): its quantized weight 'w_DQ_Q4', "
	  "INT8, cannot be converted" },
	{ "q_unscaled", UNSUPPORTED,
	  "node 'mm_quant' (MatMulInteger): its quantized weight 'w_DQ_Q4', "
	  "INT8, cannot be converted" },
	{ "q_scales_shape", LAYOUT,
	  "b_scale does not have the shape that B, axis and block_size make: "
	  "5 along axis 1" },
	{ "q_x_scale", LAYOUT, "input a_scale is absent" },
	{ "q_zero_points_shape", LAYOUT,
	  "b_zero_point does not have the shape of b_scale" },
	{ "moe_zero_points", LAYOUT,
	  "fc1_zero_points has the shape [9, 2]; K, N, bits and "
	  "block_size make [3, 6, 1]" },
};

#define BAD_COUNT (sizeof(bads) / sizeof(bads[0]))

static void check_bad(const struct bad *bad)
{
	char *folder = scratch_make();
	char *output = scratch_path(folder, "out.gguf");
	quire_convert_report *report = NULL;
	quire_error error = { 0 };
	char path[512];

	snprintf(path, sizeof(path), "%s/bad/%s.onnx", QUIRE_TEST_ONNX,
		 bad->name);
	if (quire_convert_onnx(path, output, NULL, &report, &error) !=
		bad->status ||
	    error.status != bad->status || !strstr(error.message, bad->message))
		fail_msg("%s: %s: %s", bad->name,
			 quire_status_name(error.status), error.message);
	/* Its data is what cannot be opened. */
	if (bad->status != QUIRE_ERROR_IO)
		assert_true(quire_error_is_about(&error, path));
	assert_null(report);
	assert_int_equal(scratch_count(folder), 0);
	free(output);
	scratch_remove(folder);
}

static void test_bads(void **state)
{
	(void)state;
	for (size_t i = 0; i < BAD_COUNT; i++)
		check_bad(&bads[i]);
}

/* Each bad file has a row above. */
static void test_all_listed(void **state)
{
	DIR *folder = opendir(QUIRE_TEST_ONNX "/bad");
	const struct dirent *entry;
	size_t count = 0;

	(void)state;
	assert_non_null(folder);
	while ((entry = readdir(folder)))
		count += strstr(entry->d_name, ".onnx") != NULL;
	closedir(folder);
	assert_int_equal(count, BAD_COUNT);
}

/* Each beginning of a good file is refused, or converted if only a later field
 * is cut off. Nothing crashes, and a refusal leaves no file behind. */
static void test_every_cut(void **state)
{
	char *folder = scratch_make();
	char *source = scratch_path(folder, "cut.onnx");
	char *output = scratch_path(folder, "out.gguf");
	const quire_convert_options options = { .overwrite = true,
						.threads = 1 };
	unsigned char *bytes;
	char path[512];
	size_t size;

	(void)state;
	snprintf(path, sizeof(path), "%s/good/body.onnx", QUIRE_TEST_ONNX);
	bytes = scratch_read(path, &size);
	for (size_t cut = 0; cut < size; cut++) {
		quire_error error = { 0 };

		scratch_write(source, bytes, cut);
		if (quire_convert_onnx(source, output, &options, NULL,
				       &error) == QUIRE_OK)
			remove(output);
		else
			assert_int_equal(error.status, QUIRE_ERROR_LAYOUT);
		assert_int_equal(scratch_count(folder), 1);
	}
	free(bytes);
	free(source);
	free(output);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bads),
		cmocka_unit_test(test_all_listed),
		cmocka_unit_test(test_every_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
