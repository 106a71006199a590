/*
 * test_thin.c - thin models of changed containers, of models that are cut, have
 * flipped bits or messages in pieces, and with files in the way. tests/oracle
 * tests what is in a thin model, tests/onnxruntime that it computes the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quire_convert.h"
#include "tests/support/check.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/unit/changed.h"

static quire_status thin(const struct place *place, quire_thin_report **report,
			 quire_error *error)
{
	return quire_thin_onnx(place->source, place->container, place->made,
			       NULL, report, error);
}

/* The thin model and its container agree. */
static void check_compares(const struct place *place)
{
	quire_compare_report *report;
	quire_error error;

	if (quire_compare_onnx(place->made, place->container, NULL, &report,
			       &error) != QUIRE_OK)
		fail_msg("%s", error.message);
	assert_int_equal(report->different, 0);
	quire_compare_report_free(report);
}

/* ------------------------------------------------------ changed containers */

/* The last byte of the tensor. */
static void change_code(struct change *change)
{
	change->bytes[change->tensor.size - 1] ^= 0x10;
}

static void change_scale(struct change *change)
{
	change->bytes[0] ^= 1;
}

#define LAYOUT	  QUIRE_ERROR_LAYOUT
#define NOT_FOUND QUIRE_ERROR_NOT_FOUND

static const struct changed {
	const char *model;
	change_fn change;
	quire_status status;
	const char *text; /* of the message, or of the first row's reason */
} changeds[] = {
	/* The table of linears is gone, too. */
	{ "plain", change_nothing, QUIRE_OK, "the container lacks its linear" },
	{ "plain", change_leave_out, QUIRE_OK,
	  "the container lacks its weight" },
	{ "gather_int4", change_nothing, QUIRE_OK, NULL },
	{ "plain", change_code, LAYOUT, "is not what converting 'w_Q4'" },
	{ "plain", change_scale, LAYOUT, "is not what converting 'w_Q4'" },
	{ "gather_int4", change_code, LAYOUT, "is not what converting" },
	{ "plain", change_to_f32, LAYOUT, "a tensor of another type" },
	{ "plain", change_rows, LAYOUT, "another shape" },
	{ "plain", change_source, NOT_FOUND, "of 'elsewhere', which is not" },
	{ "dense", change_nothing, QUIRE_OK, NULL },
	{ "dense", change_code, LAYOUT, "is not what converting" },
	{ "dense", change_source, NOT_FOUND, "of 'elsewhere', which is not" },
	{ "dense", change_leave_out, QUIRE_OK, NULL },
	{ "dense", change_to_bf16, LAYOUT, "is not what converting" },
	{ "dense", change_to_integers, LAYOUT, "not of a float type" },
};

static void check_changed(const struct place *place, const struct changed *row)
{
	const char *text = NULL;
	quire_thin_report *report = NULL;
	quire_error error = { 0 };
	quire_status status;

	place_convert(place, row->model);
	changed_rewrite(place->container, row->change);
	status = thin(place, &report, &error);
	if (status != QUIRE_OK)
		text = error.message;
	else if (report->count > 0)
		text = report->rows[0].reason;
	if (status != row->status ||
	    (row->text && (!text || !strstr(text, row->text))))
		fail_msg("%s, %zu: %s", row->model, (size_t)(row - changeds),
			 text ? text : "fine");
	assert_int_equal(scratch_count(place->folder),
			 status == QUIRE_OK ? 3 : 2);
	remove(place->made);
	quire_thin_report_free(report);
}

static void test_changed(void **state)
{
	for (size_t i = 0; i < sizeof(changeds) / sizeof(changeds[0]); i++)
		check_changed(*state, &changeds[i]);
}

/* A model from which nothing can be taken is the source, byte for byte. */
static void test_verbatim(void **state)
{
	static const char *const names[] = {
		"dense",	  "moe",
		"dq_added",	  "dq_conv",
		"dq_gemm_scaled", "fused_gemm_relu",
		"fused_matmul_a", "einsum_first",
		"stray_added",	  "reshaped_turned",
		"dq_cube",	  "q_matmul",
		"q_gemm_bias",	  "q_to_float",
		"q_dynamic",	  "dq_bias_zero",
		"function_calls", "function_dequantized",
		"q_scaled",
	};
	const struct place *place = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unsigned char *expected;
		unsigned char *bytes;
		size_t expected_size;
		size_t size;

		place_convert(place, names[i]);
		assert_int_equal(thin(place, NULL, NULL), QUIRE_OK);
		expected = scratch_read(place->source, &expected_size);
		bytes = scratch_read(place->made, &size);
		assert_int_equal(size, expected_size);
		assert_memory_equal(bytes, expected, size);
		free(bytes);
		free(expected);
		remove(place->made);
	}
}

/* Linears behind Casts, Identities and Reshapes: of the source nothing is left
 * but the node and its bias. */
static void test_wrapped(void **state)
{
	static const char *const names[] = {
		"wrap_cast",	"wrap_identity",     "wrap_orders",
		"wrap_long",	"wrap_nbits",	     "cast_half_brain",
		"einsum_rows",	"fused_matmul",	     "fused_gemm_bias",
		"cast_wider",	"reshaped_squeezed", "dq_bias",
		"dq_bias_cast",
	};
	const struct place *place = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		quire_thin_report *report;

		place_convert(place, names[i]);
		assert_int_equal(thin(place, &report, NULL), QUIRE_OK);
		assert_int_equal(report->linears, 1);
		assert_int_equal(report->kept, 0);
		quire_thin_report_free(report);
		check_compares(place);
		remove(place->made);
	}
}

static void test_report(void **state)
{
	const struct place *place = *state;
	quire_thin_report *report;
	unsigned char *bytes;
	size_t size;

	place_convert(place, "layout_llama");
	assert_int_equal(thin(place, &report, NULL), QUIRE_OK);
	assert_int_equal(report->linears, 15);
	assert_int_equal(report->groups, 1);
	assert_int_equal(report->embeddings, 0);
	assert_int_equal(report->constants, 1);
	assert_int_equal(report->kept, 0);
	assert_int_equal(report->count, 16);
	assert_string_equal(report->rows[15].source,
			    "model.embed_tokens.weight");
	assert_int_equal(report->rows[15].outcome, QUIRE_THIN_EXTERNAL);
	bytes = scratch_read(place->made, &size);
	assert_int_equal(size, report->file_size);
	free(bytes);
	bytes = scratch_read(place->source, &size);
	assert_int_equal(size, report->source_size);
	free(bytes);
	quire_thin_report_free(report);
	check_compares(place);
	assert_string_equal(quire_thin_outcome_name(QUIRE_THIN_KEPT), "kept");
}

/* --------------------------------------------------------- models and files */

/* A reader of protobufs joins two fields of one message; so would the reader of
 * the thin model. */
static void test_pieces(void **state)
{
	static const unsigned char graph[] = { 0x3A, 0 };
	const struct place *place = *state;
	quire_error error = { 0 };
	unsigned char *model;
	unsigned char *both;
	size_t size;

	place_convert(place, "plain");
	model = scratch_read(place->source, &size);
	both = malloc(size + sizeof(graph));
	memcpy(both, graph, sizeof(graph));
	memcpy(both + sizeof(graph), model, size);
	scratch_write(place->source, both, size + sizeof(graph));
	free(model);
	free(both);
	assert_int_equal(thin(place, NULL, &error), LAYOUT);
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
	const quire_thin_options options = { .progress = stop };
	const struct place *place = *state;

	place_convert(place, "plain");
	assert_int_equal(quire_thin_onnx(place->source, place->container,
					 place->made, &options, NULL, NULL),
			 QUIRE_ERROR_CANCELLED);
	assert_int_equal(scratch_count(place->folder), 2);
}

static void test_files_in_the_way(void **state)
{
	const quire_thin_options over = { .overwrite = true };
	const struct place *place = *state;

	place_convert(place, "plain");
	scratch_write(place->made, "old", 3);
	assert_int_equal(thin(place, NULL, NULL), QUIRE_ERROR_EXISTS);
	assert_int_equal(quire_thin_onnx(place->source, place->container,
					 place->made, &over, NULL, NULL),
			 QUIRE_OK);
	check_compares(place);
	assert_int_equal(quire_thin_onnx(place->source, place->container,
					 place->source, &over, NULL, NULL),
			 QUIRE_ERROR_ARGUMENT);
	assert_int_equal(quire_thin_onnx(place->source, place->container,
					 place->container, &over, NULL, NULL),
			 QUIRE_ERROR_ARGUMENT);
	assert_int_equal(quire_thin_onnx(place->made, place->container,
					 place->made, &over, NULL, NULL),
			 QUIRE_ERROR_UNSUPPORTED);
	assert_int_equal(scratch_count(place->folder), 3);
}

/* Thins a damaged model by the container of the good one. */
static void try_damaged(const struct place *place, const void *bytes,
			size_t size)
{
	quire_error error = { 0 };

	scratch_write(place->source, bytes, size);
	if (thin(place, NULL, &error) == QUIRE_OK)
		remove(place->made);
	else
		assert_true(error.status != QUIRE_OK);
	assert_int_equal(scratch_count(place->folder), 2);
}

static void check_damaged(const struct place *place, const char *name)
{
	struct rng rng = { UINT64_C(0x7468696E) };
	unsigned char *bytes;
	size_t size;

	place_convert(place, name);
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

static void test_damaged_models(void **state)
{
	check_damaged(*state, "body");
	check_damaged(*state, "dq_gather");
	check_damaged(*state, "reshaped_runs");
}

/* Compares damaged thin models with their container. */
static void test_damaged_thin_models(void **state)
{
	const struct place *place = *state;
	struct rng rng = { UINT64_C(0x7468696F) };
	quire_compare_report *report;
	unsigned char *bytes;
	size_t size;

	place_convert(place, "layout_phi3_fused");
	assert_int_equal(thin(place, NULL, NULL), QUIRE_OK);
	bytes = scratch_read(place->made, &size);
	for (size_t i = 0; i < 2000; i++) {
		const size_t at = (size_t)random_below(&rng, size);
		const unsigned char flip =
		    (unsigned char)(1u << random_below(&rng, 8));

		bytes[at] ^= flip;
		scratch_write(place->made, bytes, size);
		if (quire_compare_onnx(place->made, place->container, NULL,
				       &report, NULL) == QUIRE_OK)
			quire_compare_report_free(report);
		bytes[at] ^= flip;
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_changed, place_set_up,
						place_tear_down),
		cmocka_unit_test_setup_teardown(test_verbatim, place_set_up,
						place_tear_down),
		cmocka_unit_test_setup_teardown(test_wrapped, place_set_up,
						place_tear_down),
		cmocka_unit_test_setup_teardown(test_report, place_set_up,
						place_tear_down),
		cmocka_unit_test_setup_teardown(test_pieces, place_set_up,
						place_tear_down),
		cmocka_unit_test_setup_teardown(test_cancelled, place_set_up,
						place_tear_down),
		cmocka_unit_test_setup_teardown(test_files_in_the_way,
						place_set_up, place_tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_models,
						place_set_up, place_tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_thin_models,
						place_set_up, place_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
