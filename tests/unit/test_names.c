/*
 * test_names.c - what exporters' names become, and that names are different.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "convert/plan/planner.h"
#include "format/value.h"
#include "tests/support/check.h"

static const struct weight_name {
	const char *source;
	const char *node;
	const char *expected;
} weight_names[] = {
	{ "X_Q4", "", "X.weight" },
	{ "X_Q8", "", "X.weight" },
	{ "X_Q4G32", "", "X.weight" },
	{ "X_Q4G128", "", "X.weight" },
	{ "X_DQ_Q4", "", "X.weight" },
	{ "X_quant", "", "X.weight" },
	{ "X.qweight", "", "X.weight" },
	{ "X.weight", "", "X.weight" },
	{ "X", "", "X.weight" },
	{ "encoder.layer.0.output.dense.weight_Q4", "",
	  "encoder.layer.0.output.dense.weight" },
	{ "model.layers.0.attn.q_proj.MatMul.weight_Q4", "",
	  "model.layers.0.attn.q_proj.weight" },
	{ "model.layers.0.attn.q_proj.MatMul.weight_Q4G32", "",
	  "model.layers.0.attn.q_proj.weight" },
	{ "model.layers.0.mlp.up_proj.MatMulNBits.qweight", "",
	  "model.layers.0.mlp.up_proj.weight" },
	{ "lm_head.MatMul.weight_quant", "", "lm_head.weight" },
	{ "/model/layers.3/fc1/MatMul_Q4", "", "model.layers.3.fc1.weight" },
	{ "onnx::MatMul_2251_Q4", "/layer.0/attention/query/MatMul_Q4",
	  "layer.0.attention.query.weight" },
	{ "onnx::MatMul_2251_Q4", "", "onnx::MatMul_2251.weight" },
	{ "my weight\tone_Q4", "", "my_weight_one.weight" },
	{ "_Q4", "", "weight" },
	{ "", "", "weight" },
	{ "///", "", "weight" },
	/* Not suffixes. */
	{ "Q4", "", "Q4.weight" },
	{ "X_Q", "", "X_Q.weight" },
	{ "X_QG32", "", "X_QG32.weight" },
	{ "X_Q4G", "", "X_Q4G.weight" },
	{ "FREQ4", "", "FREQ4.weight" },
	{ "4", "", "4.weight" },
};

static void test_weights(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(weight_names) / sizeof(weight_names[0]);
	     i++) {
		const struct weight_name *row = &weight_names[i];
		char *name = quire_name_of_weight(row->source, row->node);

		assert_string_equal(name, row->expected);
		free(name);
	}
}

static void check_tensor(const char *source, const char *expected)
{
	char *name = quire_name_of_tensor(source);

	assert_string_equal(name, expected);
	free(name);
}

static void test_tensors(void **state)
{
	(void)state;
	check_tensor("bert.encoder.bias", "bert.encoder.bias");
	check_tensor("/a/b_Q4", "/a/b_Q4");
	check_tensor("a\nb", "a_b");
	check_tensor("", "tensor");
}

static void check_claim(struct name_set *set, const char *wanted,
			const char *expected)
{
	const char *name;

	assert_int_equal(
	    quire_name_claim(set, wanted, QUIRE_TENSOR_NAME_MAX, &name, NULL),
	    QUIRE_OK);
	assert_string_equal(name, expected);
}

static void test_unique(void **state)
{
	struct name_set set = { 0 };

	(void)state;
	check_claim(&set, "a.weight", "a.weight");
	check_claim(&set, "a.weight", "a_2.weight");
	check_claim(&set, "a.weight", "a_3.weight");
	check_claim(&set, "a_4.weight", "a_4.weight");
	check_claim(&set, "a.weight", "a_5.weight");
	check_claim(&set, "b.bias", "b.bias");
	check_claim(&set, "b.bias", "b_2.bias");
	check_claim(&set, "c", "c");
	check_claim(&set, "c", "c_2");
	check_claim(&set, "v1.5", "v1.5");
	check_claim(&set, "v1.5", "v1.5_2");
	quire_name_set_free(&set);
}

/* Long names differ by their hash, keep both ends, and are cut between
 * characters. */
static void test_long(void **state)
{
	struct name_set set = { 0 };
	const char *first;
	const char *second;
	const char *again;
	char wanted[256];

	(void)state;
	snprintf(wanted, sizeof(wanted),
		 "a.very.long.path.of.modules.%080d.proj.weight", 1);
	quire_name_claim(&set, wanted, 63, &first, NULL);
	snprintf(wanted, sizeof(wanted),
		 "a.very.long.path.of.modules.%081d.proj.weight", 1);
	quire_name_claim(&set, wanted, 63, &second, NULL);
	quire_name_claim(&set, wanted, 63, &again, NULL);
	assert_int_equal(strlen(first), 63);
	assert_int_equal(strlen(second), 63);
	assert_int_equal(strlen(again), 63);
	assert_string_not_equal(first, second);
	assert_string_not_equal(again, second);
	assert_memory_equal(first, "a.very.long.path.of.modules.", 28);
	assert_string_equal(first + 63 - 12, ".proj.weight");
	quire_name_set_free(&set);
}

static void test_long_utf8(void **state)
{
	struct name_set set = { 0 };

	(void)state;
	for (size_t lead = 0; lead < 4; lead++) {
		char wanted[256] = "";
		const char *name;

		memset(wanted, 'x', lead);
		for (size_t i = 0; i < 40; i++)
			strcat(wanted, i % 2 ? "\xe2\x82\xac" : "\xc3\xa9");
		quire_name_claim(&set, wanted, 63, &name, NULL);
		assert_true(strlen(name) <= 63);
		assert_true(quire_utf8_valid(name, strlen(name)));
	}
	quire_name_set_free(&set);
}

/* A name that is equal to many others does not search through all of them. */
static void test_many_equal(void **state)
{
	struct name_set set = { 0 };
	const char *name = NULL;

	(void)state;
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(
		    quire_name_claim(&set, "w.weight", 63, &name, NULL),
		    QUIRE_OK);
	assert_string_equal(name, "w_100000.weight");
	quire_name_set_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_tensors),
		cmocka_unit_test(test_unique),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_long_utf8),
		cmocka_unit_test(test_many_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
