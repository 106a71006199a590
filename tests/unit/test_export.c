/*
 * test_export.c - exports with changed containers, with models that are cut,
 * have flipped bits, unknown fields or messages in pieces, and with files in
 * the way. tests/oracle tests that ONNX Runtime computes the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "quire_convert.h"
#include "tests/support/check.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/unit/changed.h"

static quire_status export(const struct place *place, quire_error *error)
{
	return quire_export_onnx(place->container, place->source, place->made,
				 NULL, NULL, error);
}

/* The last code of the first block of Q4_0: the high half of a byte. */
static void change_code(struct change *change)
{
	change->bytes[17] ^= 0xF0;
}

static void code_0(struct change *change)
{
	change->bytes[2] &= 0xF0;
}

static void change_scale(struct change *change)
{
	store_u16(change->bytes, 0x3555); /* 0.3333 */
}

static void change_offset(struct change *change)
{
	store_u16(change->bytes + 2,
		  (uint16_t)(load_u16(change->bytes + 2) + 64));
}

static void to_q8_0(struct change *change)
{
	change->tensor.dtype = QUIRE_Q8_0;
	change->tensor.size =
	    change->tensor.shape[0] / 32 * 34 * change->tensor.shape[1];
}

static void no_source(struct change *change)
{
	change->tensor.source = (quire_string){ "", 0 };
}

/* The three blocks of the first row of Q8_0, 75 columns. */
static void change_row(struct change *change)
{
	for (size_t i = 0; i < 3; i++)
		store_u16(change->bytes + 34 * i, 0x3555);
}

#define LAYOUT	    QUIRE_ERROR_LAYOUT
#define UNSUPPORTED QUIRE_ERROR_UNSUPPORTED
#define NOT_FOUND   QUIRE_ERROR_NOT_FOUND

static const struct changed {
	const char *model;
	change_fn change;
	quire_status status;
	const char *message; /* it contains this */
} changeds[] = {
	{ "plain", change_nothing, QUIRE_OK, NULL },
	{ "plain", change_code, QUIRE_OK, NULL },
	{ "plain", change_scale, QUIRE_OK, NULL },
	{ "block_64", change_scale, LAYOUT, "would need two scales" },
	{ "block_16_pairs", change_scale, QUIRE_OK, NULL },
	{ "zero_points_float32", change_scale, LAYOUT,
	  "row 0, column 0 of its tensor: the offset is not that of" },
	{ "zero_points", change_offset, LAYOUT, "the offset is not that of" },
	{ "bits_2", code_0, LAYOUT,
	  "row 0, column 0 of its tensor: the node's bits do not hold" },
	{ "scales_bf16", change_scale, LAYOUT,
	  "the type of the node's scales does not hold the scale" },
	{ "plain", change_to_f32, UNSUPPORTED, "other numbers than the node" },
	{ "plain", to_q8_0, UNSUPPORTED, "other numbers than the node" },
	{ "plain", change_rows, LAYOUT, "another shape" },
	{ "plain", change_source, NOT_FOUND, "the container lacks its weight" },
	{ "plain", no_source, NOT_FOUND, "the container lacks its weight" },
	{ "plain", change_leave_out, NOT_FOUND,
	  "the container lacks its weight" },
	{ "dense", change_source, NOT_FOUND,
	  "of 'elsewhere', which is not a weight of the model" },
	{ "dense", change_leave_out, QUIRE_OK, NULL },
	{ "dense", change_to_integers, LAYOUT, "not of a float type" },
	{ "dense", change_to_bf16, QUIRE_OK, NULL },
	/* One scale for all rows: the others still have the old one. */
	{ "q_matmul_one", change_code, QUIRE_OK, NULL },
	{ "q_matmul_one", change_scale, LAYOUT, "would need two scales" },
	{ "q_matmul", change_leave_out, NOT_FOUND,
	  "the container lacks its weight" },
	{ "q_matmul", change_row, QUIRE_OK, NULL },
	{ "q_gemm_bias", change_row, LAYOUT,
	  "its bias is in integers that this scale multiplies" },
};

static void check_changed(const struct place *place, const struct changed *row)
{
	quire_error error = { 0 };
	quire_status status;

	place_convert(place, row->model);
	changed_rewrite(place->container, row->change);
	status = export(place, &error);
	if (status != row->status ||
	    (row->message && !strstr(error.message, row->message)))
		fail_msg("%s, %zu: %s", row->model, (size_t)(row - changeds),
			 error.message);
	assert_int_equal(scratch_count(place->folder),
			 status == QUIRE_OK ? 3 : 2);
	remove(place->made);
}

static void test_changed(void **state)
{
	for (size_t i = 0; i < sizeof(changeds) / sizeof(changeds[0]); i++)
		check_changed(*state, &changeds[i]);
}

/* The export converts to the tensors of the container. */
static void test_follows_container(void **state)
{
	const struct place *place = *state;
	char *again = scratch_path(place->folder, "again.gguf");
	quire_model *models[2];
	quire_error error;

	place_convert(place, "plain");
	changed_rewrite(place->container, change_code);
	changed_rewrite(place->container, change_scale);
	if (export(place, &error) != QUIRE_OK)
		fail_msg("%s", error.message);
	assert_int_equal(
	    quire_convert_onnx(place->made, again, NULL, NULL, NULL), QUIRE_OK);
	assert_int_equal(
	    quire_model_open(place->container, NULL, &models[0], NULL),
	    QUIRE_OK);
	assert_int_equal(quire_model_open(again, NULL, &models[1], NULL),
			 QUIRE_OK);
	for (size_t i = 0; i < quire_model_tensor_count(models[0]); i++)
		assert_true(quire_model_tensor(models[0], i)->xxh3 ==
			    quire_model_tensor(models[1], i)->xxh3);
	quire_model_close(models[0]);
	quire_model_close(models[1]);
	free(again);
}

/* Models whose constants are behind Casts, Identities and Reshapes, or before a
 * fused product, convert to the same tensors again. */
static void test_wrapped(void **state)
{
	static const char *const names[] = {
		"wrap_orders",	  "wrap_nbits",	     "wrap_long",
		"cast_half",	  "cast_wider",	     "fused_gemm_bias",
		"einsum_rows",	  "reshaped_runs",   "reshaped_first",
		"reshaped_apart", "stray_added",     "dq_cube",
		"q_matmul",	  "q_matmul_cube",   "q_matmul_wrapped",
		"q_gemm_bias",	  "q_gemm_shared",   "q_gemm_rows",
		"q_to_float",	  "q_dynamic",	     "q_matmul_large",
		"dq_bias",	  "dq_bias_cast",    "dq_bias_zero",
		"function_calls", "function_nested", "q_scaled",
	};
	const struct place *place = *state;
	char *again = scratch_path(place->folder, "again.gguf");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		quire_model *models[2];
		quire_error error;

		place_convert(place, names[i]);
		if (export(place, &error) != QUIRE_OK)
			fail_msg("%s: %s", names[i], error.message);
		assert_int_equal(
		    quire_convert_onnx(place->made, again, NULL, NULL, NULL),
		    QUIRE_OK);
		assert_int_equal(
		    quire_model_open(place->container, NULL, &models[0], NULL),
		    QUIRE_OK);
		assert_int_equal(
		    quire_model_open(again, NULL, &models[1], NULL), QUIRE_OK);
		assert_int_equal(quire_model_tensor_count(models[0]),
				 quire_model_tensor_count(models[1]));
		for (size_t at = 0; at < quire_model_tensor_count(models[0]);
		     at++)
			assert_true(quire_model_tensor(models[0], at)->xxh3 ==
				    quire_model_tensor(models[1], at)->xxh3);
		quire_model_close(models[0]);
		quire_model_close(models[1]);
		remove(again);
		remove(place->made);
	}
	free(again);
}

/* Puts a field of a model before the others of the source, or behind them. */
static void add_field(const struct place *place, const void *field, size_t size,
		      bool before)
{
	size_t model_size;
	unsigned char *model = scratch_read(place->source, &model_size);
	unsigned char *both = malloc(model_size + size);

	memcpy(both + (before ? 0 : model_size), field, size);
	memcpy(both + (before ? size : 0), model, model_size);
	scratch_write(place->source, both, model_size + size);
	free(model);
	free(both);
}

/* If f16 holds all scales and all data is raw, the export is the source, byte
 * for byte, also where fields are unknown or not in their usual order. */
static void test_verbatim(void **state)
{
	static const unsigned char unknown[] = { 0xFA, 0x7F, 3, 'a', 'b', 'c' };
	/* A function without nodes. */
	static const unsigned char function[] = { 0xCA, 1, 3, 0x0A, 1, 'f' };
	const struct place *place = *state;
	unsigned char *expected;
	unsigned char *bytes;
	size_t expected_size;
	size_t size;

	place_convert(place, "scales_f16");
	add_field(place, unknown, sizeof(unknown), false);
	add_field(place, function, sizeof(function), true);
	expected = scratch_read(place->source, &expected_size);
	assert_int_equal(export(place, NULL), QUIRE_OK);
	bytes = scratch_read(place->made, &size);
	assert_int_equal(size, expected_size);
	assert_memory_equal(bytes, expected, size);
	free(bytes);
	free(expected);
}

/* A reader of protobufs joins two fields of one message; the export would put
 * new data behind the old. */
static void test_pieces(void **state)
{
	static const unsigned char graph[] = { 0x3A, 0 };
	const struct place *place = *state;
	quire_error error = { 0 };

	place_convert(place, "plain");
	add_field(place, graph, sizeof(graph), true);
	assert_int_equal(export(place, &error), QUIRE_ERROR_LAYOUT);
	assert_non_null(strstr(error.message, "in several pieces"));
	assert_int_equal(scratch_count(place->folder), 2);
}

static bool stop(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	assert_true(done <= total);
	return false;
}

static void test_cancelled(void **state)
{
	const quire_export_options options = { .progress = stop };
	const struct place *place = *state;

	place_convert(place, "plain");
	assert_int_equal(quire_export_onnx(place->container, place->source,
					   place->made, &options, NULL, NULL),
			 QUIRE_ERROR_CANCELLED);
	assert_int_equal(scratch_count(place->folder), 2);
}

static void test_files_in_the_way(void **state)
{
	const quire_export_options over = { .overwrite = true,
					    .external_data = true };
	const struct place *place = *state;
	char *data = scratch_path(place->folder, "made.onnx.data");
	quire_export_summary summary;

	place_convert(place, "block_256");
	scratch_write(place->made, "old", 3);
	assert_int_equal(export(place, NULL), QUIRE_ERROR_EXISTS);
	assert_int_equal(scratch_count(place->folder), 3);
	scratch_write(data, "old", 3);
	assert_int_equal(quire_export_onnx(place->container, place->source,
					   place->made, &over, &summary, NULL),
			 QUIRE_OK);
	assert_int_equal(scratch_count(place->folder), 4);
	assert_int_equal(summary.weights, 1);
	assert_true(summary.data_size >= 1024);
	assert_int_equal(quire_export_onnx(place->container, place->source,
					   place->source, &over, NULL, NULL),
			 QUIRE_ERROR_ARGUMENT);
	assert_int_equal(quire_export_onnx(place->container, place->source,
					   place->container, &over, NULL, NULL),
			 QUIRE_ERROR_ARGUMENT);
	free(data);
}

/* Exports a damaged model with the container of the good one. */
static void try_damaged(const struct place *place, const void *bytes,
			size_t size)
{
	quire_error error = { 0 };

	scratch_write(place->source, bytes, size);
	if (export(place, &error) == QUIRE_OK)
		remove(place->made);
	else
		assert_true(error.status != QUIRE_OK);
	assert_int_equal(scratch_count(place->folder), 2);
}

static void test_damaged_models(void **state)
{
	const struct place *place = *state;
	struct rng rng = { UINT64_C(0x6578706F) };
	unsigned char *bytes;
	size_t size;

	place_convert(place, "body");
	bytes = scratch_read(place->source, &size);
	for (size_t cut = 0; cut < size; cut++)
		try_damaged(place, bytes, cut);
	for (size_t i = 0; i < 500; i++) {
		const size_t at = (size_t)random_below(&rng, size);
		const unsigned char flip =
		    (unsigned char)(1u << random_below(&rng, 8));

		bytes[at] ^= flip;
		try_damaged(place, bytes, size);
		bytes[at] ^= flip;
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_changed, place_set_up,
						place_tear_down),
		cmocka_unit_test_setup_teardown(test_follows_container,
						place_set_up, place_tear_down),
		cmocka_unit_test_setup_teardown(test_wrapped, place_set_up,
						place_tear_down),
		cmocka_unit_test_setup_teardown(test_verbatim, place_set_up,
						place_tear_down),
		cmocka_unit_test_setup_teardown(test_pieces, place_set_up,
						place_tear_down),
		cmocka_unit_test_setup_teardown(test_cancelled, place_set_up,
						place_tear_down),
		cmocka_unit_test_setup_teardown(test_files_in_the_way,
						place_set_up, place_tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_models,
						place_set_up, place_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
