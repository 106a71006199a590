/*
 * test_recipe.c - which recipes are accepted and refused, with the place of the
 * mistake; that a printed recipe reads back as itself; and what recipes do to a
 * conversion.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert/recipe/recipe.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

static const struct bad_recipe {
	const char *text;
	const char *message; /* LINE:COLUMN: and how the text begins */
} bad_recipes[] = {
	{ "take", "1:1: expected a map of keys" },
	{ "- take", "1:1: expected a map of keys" },
	{ "renmae: {}", "1:1: unknown key 'renmae', did you mean 'rename'?" },
	{ "take: a\n\nsplitsize: 4G",
	  "3:1: unknown key 'splitsize', did you mean 'split_size'?" },
	{ "zebra: 1", "1:1: unknown key 'zebra'" },
	{ "? [a]\n: b", "1:3: a key must be text" },
	{ "take: a\ntake: b", "2:1: key 'take' is given twice" },
	{ "rename: {a: b, a: c}", "1:16: key 'a' is given twice" },
	{ "take: &x a", "1:7: anchors are not supported" },
	{ "take: &x [a]", "1:7: anchors are not supported" },
	{ "rename: &x {a: b}", "1:9: anchors are not supported" },
	{ "take: *x", "1:7: aliases are not supported" },
	{ "take: a\n---\ntake: b", "2:1: a second document" },
	{ "take: [[[[[a]]]]]", "1:10: lists or maps are nested too deeply" },
	{ "take: [[a]]", "1:8: expected a pattern of names" },
	{ "take: {a: b}", "1:7: expected a list of patterns" },
	{ "take: []", "1:7: an empty list takes nothing" },
	{ "take: ['']", "1:8: '': an empty text" },
	{ "leave: ['{n']", "1:9: '{n': a { without a }" },
	{ "take: !u32 a", "1:7: expected a list of patterns" },
	{ "take: !!int 3", "1:7: the tag is not a type" },
	{ "rename: [a]", "1:9: expected a map of patterns and new names" },
	{ "rename: {a: [b]}", "1:13: expected a new name" },
	{ "rename: {a: 'b{n}'}", "1:13: 'b{n}': it has a {name} that" },
	{ "dense: f23", "1:8: unknown type of dense tensors 'f23', did you "
			"mean 'f32'?" },
	{ "dense: {a: f64}", "1:12: unknown type of dense tensors 'f64'" },
	{ "dense: [f16]",
	  "1:8: expected a type, or a map of patterns and types" },
	{ "fallback: none", "1:11: unknown fallback 'none'" },
	{ "fallback: eror", "1:11: unknown fallback 'eror', did you mean "
			    "'error'?" },
	{ "fallback: [f16]", "1:11: expected f32, f16 or error" },
	{ "alignment: 100", "1:12: '100' is not a power of two" },
	{ "alignment: 16", "1:12: '16' is not a power of two" },
	{ "alignment: 128Ki", "1:12: '128Ki' is not a power of two" },
	{ "alignment: -32", "1:12: '-32' is not a size" },
	{ "split_size: 4X", "1:13: '4X' is not a size" },
	{ "split_size: 99999999999T", "1:13: '99999999999T' is not a size" },
	{ "metadata: [a]", "1:11: expected a map of keys and values" },
	{ "metadata: {'a b': 1}", "1:12: key 'a b': a key is printable" },
	{ "metadata: {'': 1}", "1:12: key '': a key has 1 to" },
	{ "metadata: {general.alignment: 32}",
	  "1:12: key 'general.alignment': set it by 'alignment'" },
	{ "metadata: {general.quantization_version: 3}", "1:12: key " },
	{ "metadata: {quire.version: 2}", "1:12: key 'quire.version'" },
	{ "metadata: {split.count: 2}", "1:12: key 'split.count'" },
	{ "metadata: {a: {b: 1}}", "1:15: a value is a scalar or a list" },
	{ "metadata: {a: yes}", "1:15: 'yes' may be text or not" },
	{ "metadata: {a: NULL}", "1:15: 'NULL' may be text or not" },
	{ "metadata: {a: ~}", "1:15: '~' may be text or not" },
	{ "metadata: {a: }", "1:15: '' may be text or not" },
	{ "metadata: {a: 0x10}", "1:15: '0x10' may be text or not" },
	{ "metadata: {a: 012}", "1:15: '012' may be text or not" },
	{ "metadata: {a: 1_000}", "1:15: '1_000' may be text or not" },
	{ "metadata: {a: 1:30}", "1:15: '1:30' may be text or not" },
	{ "metadata: {a: 2024-01-01}", "1:15: '2024-01-01' may be text" },
	{ "metadata: {a: 1e300}", "1:15: '1e300' may be text or not" },
	{ "metadata: {a: !u8 256}", "1:15: '256' is not of type u8" },
	{ "metadata: {a: !i8 -129}", "1:15: '-129' is not of type i8" },
	{ "metadata: {a: !u32 -1}", "1:15: '-1' is not of type u32" },
	{ "metadata: {a: !f32 1e39}", "1:15: '1e39' is not of type f32" },
	{ "metadata: {a: !bool yes}", "1:15: 'yes' is not of type bool" },
	{ "metadata: {a: !u33 1}", "1:15: unknown type '!u33'" },
	{ "metadata: {a: []}", "1:15: an empty list" },
	{ "metadata: {a: [[1]]}", "1:16: a list holds scalars only" },
	{ "metadata: {a: [1, {b: 2}]}", "1:19: a list holds scalars only" },
	{ "metadata: {a: [1, x]}", "1:19: 'x' is not of type u32" },
	{ "metadata: {a: [1, !u8 2]}", "1:19: the type of a list" },
	{ "metadata: {a: \"\\0\"}", "1:15: a text cannot hold a NUL" },
	{ "take: [a", "2:1: did not find expected ',' or ']'" },
	{ "take: 'a", "1:9: found unexpected end of stream" },
	{ "take: a\n\tleave: b", "2:1: found a tab" },
	{ "take: \"\\q\"", "1:8: found unknown escape character" },
	{ "take: \xff", "1:7: invalid leading UTF-8 octet" },
	{ "take: a\nleave: \xc3\xa4\x01",
	  "2:9: control characters are not allowed" },
	{ "%TAG ! x\n--- a", "2:5: expected a map of keys" },
};

static quire_status parse(const char *text, struct recipe *recipe,
			  quire_error *error)
{
	return quire_recipe_parse("r", text, strlen(text), recipe, error);
}

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_recipes) / sizeof(bad_recipes[0]);
	     i++) {
		const struct bad_recipe *row = &bad_recipes[i];
		struct recipe recipe;
		unsigned line, column;
		char expected[256];
		int end = 0;
		quire_error error;

		sscanf(row->message, "%u:%u: %n", &line, &column, &end);
		assert_true(end > 0);
		snprintf(expected, sizeof(expected), "line %u, column %u: %s",
			 line, column, row->message + end);
		if (parse(row->text, &recipe, &error) != QUIRE_ERROR_ARGUMENT)
			fail_msg("'%s' is accepted", row->text);
		assert_int_equal(error.status, QUIRE_ERROR_ARGUMENT);
		assert_string_equal(error.path, "r");
		if (strncmp(error.message, expected, strlen(expected)) != 0)
			fail_msg("'%s': '%s', not '%s'", row->text,
				 error.message, expected);
	}
}

/* With aliases, a line of these would be billions of nodes. */
static void test_bombs(void **state)
{
	const size_t size = 3 << 20;
	char *text = malloc(size + 1);
	struct recipe recipe;
	quire_error error;

	(void)state;
	assert_int_equal(parse("a: &a [x,x]\nb: &b [*a,*a]\n", &recipe, NULL),
			 QUIRE_ERROR_ARGUMENT);
	/* Brackets within brackets. */
	memset(text, '[', size);
	text[size] = '\0';
	assert_int_equal(parse(text, &recipe, &error), QUIRE_ERROR_ARGUMENT);
	assert_non_null(strstr(error.message, "nested too deeply"));
	/* A key that does not end, and a text. */
	memset(text, 'a', size);
	assert_int_equal(parse(text, &recipe, NULL), QUIRE_ERROR_ARGUMENT);
	memcpy(text, "take: '", 7);
	text[size - 1] = '\'';
	assert_int_equal(parse(text, &recipe, &error), QUIRE_ERROR_ARGUMENT);
	assert_non_null(strstr(error.message, "more than 256 characters"));
	/* Too many nodes. */
	memcpy(text, "take: [a", 8);
	for (size_t i = 8; i + 1 < size; i += 2)
		memcpy(text + i, ",a", 2);
	text[size - 1] = ']';
	assert_int_equal(parse(text, &recipe, &error), QUIRE_ERROR_ARGUMENT);
	assert_non_null(strstr(error.message, "more than 250000 entries"));
	free(text);
}

static void test_too_large(void **state)
{
	char *folder = scratch_make();
	char *path = scratch_path(folder, "r.yaml");
	const size_t size = (4 << 20) + 1;
	char *text = malloc(size);
	quire_convert_options options = { .recipe_path = path };
	struct recipe recipe;
	char *printed;

	(void)state;
	memset(text, '#', size);
	scratch_write(path, text, size);
	assert_int_equal(quire_recipe_write(&options, &printed, NULL),
			 QUIRE_ERROR_ARGUMENT);
	assert_int_equal(quire_recipe_parse("r", text, size, &recipe, NULL),
			 QUIRE_ERROR_ARGUMENT);
	scratch_write(path, text, size - 1);
	assert_int_equal(quire_recipe_write(&options, &printed, NULL),
			 QUIRE_OK);
	quire_recipe_text_free(printed);
	options.recipe = "take: a";
	options.recipe_size = 7;
	assert_int_equal(quire_recipe_write(&options, &printed, NULL),
			 QUIRE_ERROR_ARGUMENT);
	free(text);
	free(path);
	scratch_remove(folder);
}

static const char everything[] =
    "take: ['a*', \"q\\\"\\\\\\\\\\x01\\u2028\xc3\xa9\"]\n"
    "leave: b\n"
    "rename:\n"
    "  'l.{n}.w': 'blk.{n}.w'\n"
    "  ? \"long\"\n"
    "  : short\n"
    "dense: {'*norm*': f32, '*': bf16}\n"
    "fallback: error\n"
    "metadata:\n"
    "  general.architecture: 'yes'\n"
    "  a.u8: !u8 1\n"
    "  a.i64: !i64 -9223372036854775808\n"
    "  a.f32: 0.1\n"
    "  a.f64: !f64 0.1\n"
    "  a.nan: !f32 .nan\n"
    "  a.inf: -.inf\n"
    "  a.bool: false\n"
    "  a.list: [1, -2, 3000000000]\n"
    "  a.words: !string [1, b, 'c d']\n"
    "  a.block: |\n"
    "    two\n"
    "    lines\n"
    "alignment: 64\n"
    "split_size: 2GiB\n";

static char *print(const char *text)
{
	const quire_convert_options options = { .recipe = text,
						.recipe_size = strlen(text) };
	quire_error error;
	char *printed;

	if (quire_recipe_write(&options, &printed, &error) != QUIRE_OK)
		fail_msg("%s\n%s", error.message, text);
	return printed;
}

static void test_prints_itself(void **state)
{
	static const char *const recipes[] = {
		"",	     "# nothing",  "{}",
		"take: '*'", "dense: f16", "metadata:\nrename:\n",
		everything
	};

	(void)state;
	for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++) {
		char *once = print(recipes[i]);
		char *twice = print(once);

		assert_string_equal(once, twice);
		free(once);
		free(twice);
	}
}

static void test_everything(void **state)
{
	char *printed = print(everything);
	static const char *const texts[] = { everything, NULL };

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *text = texts[i] ? texts[i] : printed;
		struct recipe recipe;

		assert_int_equal(parse(text, &recipe, NULL), QUIRE_OK);
		assert_int_equal(recipe.take_count, 2);
		assert_string_equal(recipe.take[1].text,
				    "q\"\\\\\x01\xe2\x80\xa8\xc3\xa9");
		assert_int_equal(recipe.rename_count, 2);
		assert_int_equal(recipe.dense_count, 2);
		assert_int_equal(recipe.dense[1].type, RECIPE_DENSE_BF16);
		assert_int_equal(recipe.fallback, QUIRE_FALLBACK_ERROR);
		assert_int_equal(recipe.alignment, 64);
		assert_true(recipe.split_size == UINT64_C(1) << 31);
		assert_int_equal(recipe.value_count, 11);
		assert_int_equal(recipe.values[0].value.type,
				 QUIRE_VALUE_STRING);
		assert_true(recipe.values[2].value.as.i == INT64_MIN);
		assert_int_equal(recipe.values[3].value.type, QUIRE_VALUE_F32);
		assert_true(recipe.values[3].value.as.f == (double)0.1f);
		assert_true(recipe.values[4].value.as.f == 0.1);
		assert_int_equal(recipe.values[8].value.as.a.type,
				 QUIRE_VALUE_I64);
		assert_int_equal(recipe.values[9].value.as.a.type,
				 QUIRE_VALUE_STRING);
		assert_string_equal(recipe.values[10].value.as.s.data,
				    "two\nlines\n");
		quire_recipe_free(&recipe);
	}
	free(printed);
}

/* Options override the recipe. */
static void test_options_win(void **state)
{
	const quire_convert_options options = {
		.alignment = 128,
		.split_size = 1000,
		.fallback = QUIRE_FALLBACK_F32,
		.architecture = "a\xff",
		.name = "n",
		.recipe = everything,
		.recipe_size = sizeof(everything) - 1,
	};
	struct recipe recipe;

	(void)state;
	assert_int_equal(quire_recipe_load(&options, &recipe, NULL), QUIRE_OK);
	assert_int_equal(recipe.alignment, 128);
	assert_int_equal(recipe.split_size, 1000);
	assert_int_equal(recipe.fallback, QUIRE_FALLBACK_F32);
	assert_int_equal(recipe.value_count, 12);
	assert_string_equal(recipe.values[0].value.as.s.data, "a?");
	assert_string_equal(recipe.values[11].key, "general.name");
	quire_recipe_free(&recipe);
}

static quire_status convert(const char *model, const char *recipe,
			    const char *path, quire_convert_report **report,
			    quire_error *error)
{
	const quire_convert_options options = { .recipe = recipe,
						.recipe_size = strlen(recipe),
						.overwrite = true };
	char source[512];

	snprintf(source, sizeof(source), "%s/good/%s.onnx", QUIRE_TEST_ONNX,
		 model);
	return quire_convert_onnx(source, path, &options, report, error);
}

static const struct misfit {
	const char *recipe;
	quire_status status;
	const char *message;
} misfits[] = {
	{ "take: none", QUIRE_ERROR_UNSUPPORTED, "that the recipe takes" },
	{ "rename: {'model.{a}.{b}.input_layernorm.weight': same}",
	  QUIRE_ERROR_ARGUMENT, "line 1, column 10: tensor 'model.layers.1." },
	{ "rename: {lm_head.weight: "
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}",
	  QUIRE_ERROR_ARGUMENT,
	  "line 1, column 10: tensor 'lm_head.weight' gets a name of " },
	{ "split_size: 100", QUIRE_ERROR_ARGUMENT, "first part's header" },
};

static void test_misfits(void **state)
{
	char *folder = scratch_make();
	char *path = scratch_path(folder, "m.gguf");

	(void)state;
	for (size_t i = 0; i < sizeof(misfits) / sizeof(misfits[0]); i++) {
		quire_error error;

		assert_int_equal(convert("layout_llama", misfits[i].recipe,
					 path, NULL, &error),
				 misfits[i].status);
		if (!strstr(error.message, misfits[i].message))
			fail_msg("%s", error.message);
		assert_int_equal(scratch_count(folder), 0);
	}
	free(path);
	scratch_remove(folder);
}

/* The report lists what is left out; its linear is left out with it. */
static void test_leave(void **state)
{
	char *folder = scratch_make();
	char *path = scratch_path(folder, "m.gguf");
	quire_convert_report *report;
	quire_model *model;
	size_t left = 0;

	(void)state;
	assert_int_equal(convert("layout_llama",
				 "take: ['model.layers.1.*', lm_head*]\n"
				 "leave: '*q_proj*'\n"
				 "rename: {'lm_head.{x}': 'output.{x}'}",
				 path, &report, NULL),
			 QUIRE_OK);
	for (size_t i = 0; i < report->count; i++)
		if (!report->rows[i].tensor) {
			left++;
			assert_string_equal(report->rows[i].reason,
					    "left out by the recipe");
		}
	assert_int_equal(quire_model_open(path, NULL, &model, NULL), QUIRE_OK);
	assert_int_equal(quire_model_tensor_count(model), 9);
	assert_int_equal(left, report->count - 9);
	assert_int_equal(quire_model_linear_count(model), 7);
	assert_non_null(quire_model_find_linear(model, "/lm_head/MatMul_Q4"));
	assert_null(quire_model_find_linear(
	    model, "/model/layers.1/attn/q_proj/MatMul_Q4"));
	assert_non_null(quire_model_find_tensor(model, "output.weight"));
	assert_int_equal(quire_model_verify(model, NULL, NULL), QUIRE_OK);
	quire_model_close(model);
	quire_convert_report_free(report);
	free(path);
	scratch_remove(folder);
}

/* A tensor that f16 cannot hold keeps its type; the report says so. */
static void test_stays(void **state)
{
	char *folder = scratch_make();
	char *path = scratch_path(folder, "m.gguf");
	quire_convert_report *report;
	size_t rounded = 0, stayed = 0;

	(void)state;
	assert_int_equal(
	    convert("layout_qwen3", "dense: f16", path, &report, NULL),
	    QUIRE_OK);
	for (size_t i = 0; i < report->count; i++) {
		const quire_convert_row *row = &report->rows[i];

		if (row->outcome == QUIRE_OUTCOME_ROUNDED) {
			rounded++;
			assert_int_equal(row->dtype, QUIRE_F16);
			assert_true(row->scale_error_max > 0 &&
				    row->scale_error_max <= 0x1p-11);
		} else if (row->dtype == QUIRE_F32) {
			stayed++;
			assert_non_null(strstr(row->reason, "stays F32: "));
			assert_non_null(
			    strstr(row->reason, " does not fit F16"));
			assert_non_null(strstr(row->source, "_cache"));
		}
	}
	assert_int_equal(rounded, 10);
	assert_int_equal(stayed, 2);
	quire_convert_report_free(report);
	free(path);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_prints_itself),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_options_win),
		cmocka_unit_test(test_misfits),
		cmocka_unit_test(test_leave),
		cmocka_unit_test(test_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
