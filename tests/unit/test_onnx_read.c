/*
 * test_onnx_read.c - what the reader reads from a model: nodes and their order,
 * scopes, constants and where their bytes are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert/onnx/onnx.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

static struct onnx_model *open_model(const char *name)
{
	struct onnx_model *model;
	quire_error error = { 0 };
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.onnx", QUIRE_TEST_ONNX, name);
	if (quire_onnx_open(path, 0, &model, &error) != QUIRE_OK)
		fail_msg("%s: %s", name, error.message);
	return model;
}

static void test_header(void **state)
{
	struct onnx_model *model = open_model("good/plain");

	(void)state;
	assert_string_equal(model->graph_name, "tiny");
	assert_string_equal(model->producer_name, "make.py");
	assert_string_equal(model->producer_version, "1");
	assert_true(model->has_opset);
	assert_int_equal(model->opset, 21);
	quire_onnx_close(model);
}

static void test_node(void **state)
{
	struct onnx_model *model = open_model("good/plain");
	const struct onnx_node *node = &model->nodes[0];

	(void)state;
	assert_int_equal(model->node_count, 1);
	assert_string_equal(node->op_type, "MatMulNBits");
	assert_string_equal(node->domain, "com.microsoft");
	assert_string_equal(quire_onnx_label(node), "/fc/MatMul_Q4");
	assert_int_equal(node->input_count, 6);
	assert_string_equal(node->inputs[1], "w_Q4");
	assert_string_equal(node->inputs[3], "");
	assert_true(quire_onnx_attribute(node, "K")->is_int);
	assert_int_equal(quire_onnx_attribute(node, "K")->i, 64);
	assert_null(quire_onnx_attribute(node, "weight_prepacked"));
	quire_onnx_close(model);
}

static void test_values(void **state)
{
	struct onnx_model *model = open_model("good/plain");
	const struct onnx_value *codes = quire_onnx_find(model, 0, "w_Q4");
	const struct onnx_value *x = quire_onnx_find(model, 0, "x");
	const struct onnx_value *y = quire_onnx_find(model, 0, "y");

	(void)state;
	assert_int_equal(codes->origin, ONNX_CONSTANT);
	assert_int_equal(codes->type, ONNX_UINT8);
	assert_int_equal(codes->rank, 3);
	assert_int_equal(codes->dims[2], 16);
	assert_int_equal(codes->count, 128);
	assert_int_equal(codes->size, 128);
	assert_null(codes->bytes);
	assert_ptr_equal(codes->file, model->file);
	assert_false(quire_onnx_is_external(model, codes));
	assert_int_equal(x->origin, ONNX_INPUT);
	assert_int_equal(x->type, ONNX_FLOAT);
	assert_int_equal(x->rank, 2);
	assert_int_equal(x->dims[0], -1);
	assert_int_equal(y->origin, ONNX_COMPUTED);
	assert_null(quire_onnx_find(model, 0, "z"));
	quire_onnx_close(model);
}

/* A body sees the names around it; nodes outside do not see names of a body. */
static void test_scopes(void **state)
{
	struct onnx_model *model = open_model("good/body");
	const struct onnx_node *inside = NULL;

	(void)state;
	for (size_t i = 0; i < model->node_count; i++)
		if (strcmp(model->nodes[i].name, "in_else") == 0)
			inside = &model->nodes[i];
	assert_int_equal(model->scope_count, 3);
	assert_int_equal(model->node_count, 3);
	assert_non_null(inside);
	assert_int_not_equal(inside->scope, 0);
	assert_non_null(quire_onnx_find(model, inside->scope, "inner_w_Q4"));
	assert_null(quire_onnx_find(model, 0, "inner_w_Q4"));
	assert_ptr_equal(quire_onnx_find(model, inside->scope, "w_Q4"),
			 quire_onnx_find(model, 0, "w_Q4"));
	quire_onnx_close(model);
}

static void test_external(void **state)
{
	struct onnx_model *model = open_model("places/external");
	const struct onnx_value *codes = quire_onnx_find(model, 0, "w_Q4");
	const struct onnx_value *bias = quire_onnx_find(model, 0, "b");
	float one = 0;

	(void)state;
	assert_non_null(codes->file);
	assert_int_equal(codes->offset, 3);
	assert_int_equal(codes->size, 240);
	assert_int_equal(codes->file->size, 248);
	assert_int_equal(quire_onnx_file_acquire(bias->file, NULL), QUIRE_OK);
	assert_int_equal(quire_onnx_file_acquire(bias->file, NULL), QUIRE_OK);
	quire_onnx_file_release(bias->file);
	assert_int_equal(quire_onnx_read(bias, 16, &one, 4, NULL), QUIRE_OK);
	quire_onnx_file_release(bias->file);
	assert_true(one == 1);
	assert_int_equal(bias->file->users, 0);
	quire_onnx_close(model);
}

static void test_constant_nodes(void **state)
{
	struct onnx_model *model = open_model("good/constant_nodes");
	const struct onnx_value *scales = quire_onnx_find(model, 0, "w_scales");

	(void)state;
	assert_int_equal(scales->origin, ONNX_CONSTANT);
	assert_false(scales->initializer);
	assert_int_equal(scales->size, 16);
	quire_onnx_close(model);
}

/* An initializer that is an input too is the input's default value. */
static void test_overridable(void **state)
{
	struct onnx_model *model = open_model("good/overridable");

	(void)state;
	assert_int_equal(quire_onnx_find(model, 0, "w_scales")->origin,
			 ONNX_CONSTANT);
	quire_onnx_close(model);
}

static void test_sparse(void **state)
{
	struct onnx_model *model = open_model("good/dense");
	const struct onnx_value *value = quire_onnx_find(model, 0, "sparse");

	(void)state;
	assert_true(value->sparse);
	assert_int_equal(value->type, ONNX_FLOAT);
	assert_int_equal(value->count, 4);
	assert_null(value->bytes);
	quire_onnx_close(model);
}

/* protobuf-c would end the name there: in the model, and in the body of a node,
 * which is unpacked on its own. */
static void test_nul(void **state)
{
	static const char model[] = "\x3A\x05\x12\x03"
				    "a\0b";
	static const char body[] = "\x3A\x15\x0A\x13\x22\x02If\x2A\x0D"
				   "\x0A\x01g\x32\x05\x12\x03"
				   "a\0b\xA0\x01\x05";
	static const struct {
		const char *bytes;
		size_t size;
	} cases[] = { { model, sizeof(model) - 1 },
		      { body, sizeof(body) - 1 } };
	char *folder = scratch_make();
	char *path = scratch_path(folder, "a.onnx");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct onnx_model *read;
		quire_error error;

		scratch_write(path, cases[i].bytes, cases[i].size);
		assert_int_equal(quire_onnx_open(path, 0, &read, &error),
				 QUIRE_ERROR_LAYOUT);
		assert_non_null(strstr(error.message, "NUL"));
	}
	free(path);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_node),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_constant_nodes),
		cmocka_unit_test(test_overridable),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
