/*
 * test_compare_refused.c - compares bad models with the container of a good
 * model whose weight has the same name: the result is a report or an error, and
 * nothing reads past the end of either file. test_convert_kinds.c tests changed
 * containers. And the progress of comparing.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tests/unit/converted.h"

/* Found by the beginning of the name; the last row is for all others. */
static const struct partner {
	const char *bad;
	const char *good;
} partners[] = {
	{ "dq_", "good/dq_int4_zero_points" },
	{ "gather_", "good/gather_uint8" },
	{ "moe_", "good/moe_zero_points" },
	{ "bnb4_", "good/bnb4_nf4" },
	{ "g_idx", "good/g_idx" },
	{ "", "good/plain" },
};

#define PARTNER_COUNT (sizeof(partners) / sizeof(partners[0]))

static size_t partner_of(const char *name)
{
	size_t i = 0;

	while (i < PARTNER_COUNT &&
	       strncmp(name, partners[i].bad, strlen(partners[i].bad)) != 0)
		i++;
	return i;
}

static void check_pair(const char *name, const char *container)
{
	quire_compare_report *report = NULL;
	quire_error error = { 0 };
	char path[512];

	snprintf(path, sizeof(path), "%s/bad/%s", QUIRE_TEST_ONNX, name);
	if (quire_compare_onnx(path, container, NULL, &report, &error) !=
	    QUIRE_OK) {
		assert_null(report);
		assert_int_not_equal(error.status, QUIRE_OK);
		assert_true(error.message[0] != '\0');
		return;
	}
	assert_non_null(report);
	assert_true(report->count > 0);
	for (size_t i = 0; i < report->count; i++)
		assert_true(report->rows[i].source || report->rows[i].tensor);
	quire_compare_report_free(report);
}

static void test_bad_models(void **state)
{
	struct converted good[PARTNER_COUNT];
	char *containers[PARTNER_COUNT];
	DIR *folder = opendir(QUIRE_TEST_ONNX "/bad");
	const struct dirent *entry;
	size_t count = 0;

	(void)state;
	assert_non_null(folder);
	for (size_t i = 0; i < PARTNER_COUNT; i++) {
		good[i] = converted_make(partners[i].good);
		containers[i] = scratch_path(good[i].folder, "out.gguf");
	}
	while ((entry = readdir(folder))) {
		if (!strstr(entry->d_name, ".onnx"))
			continue;
		check_pair(entry->d_name,
			   containers[partner_of(entry->d_name)]);
		count++;
	}
	closedir(folder);
	assert_true(count > 100);
	for (size_t i = 0; i < PARTNER_COUNT; i++) {
		free(containers[i]);
		converted_discard(&good[i]);
	}
}

/* Contradictions that reading the weight finds. */
static void test_reported(void **state)
{
	static const struct report_row {
		const char *bad;
		const char *good;
		const char *message;
	} rows[] = {
		{ "moe_flat", "good/moe_zero_points",
		  "node 'moe' (QMoE): weights are not [experts, n, k]" },
		{ "moe_bits", "good/moe_zero_points",
		  "attributes that the operator does not have" },
		{ "dq_input", "good/dq_int4_zero_points", NULL },
		{ "bnb4_input", "good/bnb4_nf4", "an input is not a constant" },
		{ "g_idx_range", "good/g_idx",
		  "g_idx names a block that does not exist" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct converted good = converted_make(rows[i].good);
		char *container = scratch_path(good.folder, "out.gguf");
		quire_compare_report *report = NULL;
		quire_error error = { 0 };
		char path[512];
		quire_status status;

		snprintf(path, sizeof(path), "%s/bad/%s.onnx", QUIRE_TEST_ONNX,
			 rows[i].bad);
		status =
		    quire_compare_onnx(path, container, NULL, &report, &error);
		if (rows[i].message) {
			if (status != QUIRE_ERROR_LAYOUT ||
			    !strstr(error.message, rows[i].message))
				fail_msg("%s: %s", rows[i].bad, error.message);
		} else {
			assert_int_equal(status, QUIRE_OK);
			assert_true(report->different > 0);
		}
		quire_compare_report_free(report);
		free(container);
		converted_discard(&good);
	}
}

#define LAYER "../../examples/minilm-layer0-int4"

struct watch {
	uint64_t done, total;
	unsigned calls, stop_at; /* the call that cancels; 0: none */
};

static bool note(void *context, uint64_t done, uint64_t total)
{
	struct watch *watch = context;

	assert_true(done >= watch->done && done <= total);
	watch->done = done;
	watch->total = total;
	return ++watch->calls != watch->stop_at;
}

static quire_status compare_layer(const char *container, struct watch *watch,
				  quire_error *error)
{
	const quire_compare_options options = { .progress = note,
						.context = watch };
	quire_compare_report *report = NULL;
	const quire_status status =
	    quire_compare_onnx(QUIRE_TEST_ONNX "/" LAYER ".onnx", container,
			       &options, &report, error);

	assert_int_equal(status == QUIRE_OK, report != NULL);
	quire_compare_report_free(report);
	return status;
}

/* Progress ends with all bytes of tensors, and any call of it cancels. */
static void test_progress(void **state)
{
	struct converted good = converted_make(LAYER);
	char *container = scratch_path(good.folder, "out.gguf");
	struct watch watch = { 0 };
	uint64_t total = 0;

	(void)state;
	for (size_t i = 0; i < quire_model_tensor_count(good.model); i++)
		total += quire_model_tensor(good.model, i)->size;
	assert_int_equal(compare_layer(container, &watch, NULL), QUIRE_OK);
	assert_true(watch.done == total && watch.total == total);
	assert_true(watch.calls > 10);
	for (unsigned i = 1; i <= watch.calls; i += 4) {
		struct watch stopped = { .stop_at = i };
		quire_error error;

		assert_int_equal(compare_layer(container, &stopped, &error),
				 QUIRE_ERROR_CANCELLED);
		assert_int_equal(stopped.calls, i);
		assert_string_equal(error.message, "cancelled");
	}
	free(container);
	converted_discard(&good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_models),
		cmocka_unit_test(test_reported),
		cmocka_unit_test(test_progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
