/*
 * test_runtime.c - creating a runtime: devices, kernel sets by name and by the
 * CPU's features, threads; and the tables of kernels, and scratch memory.
 */
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "runtime/kernel_set.h"
#include "runtime/runtime.h"
#include "runtime/sets.h"
#include "runtime/sizes.h"
#include "tests/support/check.h"
#include "tests/unit/one_form.h"

static void test_defaults(void **state)
{
	quire_runtime_info info;
	quire_runtime *runtime;
	bool runs;

	(void)state;
	assert_int_equal(quire_runtime_create(NULL, &runtime, NULL), QUIRE_OK);
	quire_runtime_describe(runtime, &info);
	assert_int_equal(info.device, QUIRE_DEVICE_CPU);
	assert_int_equal(info.threads, quire_cpu_count());
	for (size_t i = 0; quire_kernels_name(i, &runs); i++)
		if (runs) {
			assert_string_equal(info.kernels,
					    quire_kernels_name(i, NULL));
			break;
		}
	quire_runtime_free(runtime);
	quire_runtime_free(NULL);
}

static void test_each_set_by_name(void **state)
{
	const char *name;
	size_t count = 0;
	bool runs;

	(void)state;
	for (; (name = quire_kernels_name(count, &runs)); count++) {
		const quire_runtime_options options = { .threads = 1,
							.kernels = name };
		quire_runtime *runtime = NULL;
		quire_runtime_info info;
		quire_error error;
		const quire_status status =
		    quire_runtime_create(&options, &runtime, &error);

		if (!runs) {
			assert_int_equal(status, QUIRE_ERROR_UNSUPPORTED);
			assert_non_null(strstr(error.message, name));
			assert_null(runtime);
			continue;
		}
		assert_int_equal(status, QUIRE_OK);
		quire_runtime_describe(runtime, &info);
		assert_string_equal(info.kernels, name);
		assert_int_equal(info.threads, 1);
		quire_runtime_free(runtime);
	}
	assert_true(count >= 1);
	assert_string_equal(quire_kernels_name(count - 1, NULL), "scalar");
	assert_null(quire_kernels_name(count + 1, NULL));
}

static void test_unknown_name(void **state)
{
	const quire_runtime_options options = { .kernels = "mmx" };
	quire_runtime *runtime = NULL;
	quire_error error;

	(void)state;
	assert_int_equal(quire_runtime_create(&options, &runtime, &error),
			 QUIRE_ERROR_NOT_FOUND);
	assert_int_equal(error.status, QUIRE_ERROR_NOT_FOUND);
	assert_non_null(strstr(error.message, "'mmx'"));
	for (size_t i = 0; quire_kernels_name(i, NULL); i++)
		assert_non_null(
		    strstr(error.message, quire_kernels_name(i, NULL)));
	assert_null(runtime);
}

/* With just the features that a set needs, it is chosen. Without any one of
 * them a later set is. */
static void test_choice_by_features(void **state)
{
	const struct kernel_set *wanted, *set;

	(void)state;
	for (size_t i = 0; (wanted = quire_kernel_set(i)); i++) {
		assert_int_equal(
		    quire_kernel_set_choose(NULL, wanted->needs, &set, NULL),
		    QUIRE_OK);
		assert_ptr_equal(set, wanted);
		for (uint32_t bit = 1; bit != 0; bit <<= 1) {
			if (!(wanted->needs & bit))
				continue;
			assert_int_equal(
			    quire_kernel_set_choose(NULL, wanted->needs & ~bit,
						    &set, NULL),
			    QUIRE_OK);
			assert_ptr_not_equal(set, wanted);
			assert_int_equal(
			    quire_kernel_set_choose(
				wanted->name, wanted->needs & ~bit, &set, NULL),
			    QUIRE_ERROR_UNSUPPORTED);
		}
	}
}

/* A rest is for forms with tiles of one row, which take all of it at once. */
static void check_rest(const struct kernel_op *op,
		       const struct small_form *small)
{
	assert_true(small->rest == 0 || !small->prepacked.pack);
	for (size_t m = 1; m <= small->rest; m++) {
		const struct small_form *form;

		assert_int_not_equal(quire_kernel_op_form(op, m, &form),
				     FORM_PACKED);
		assert_true(!form || (form->x.rows == 1 && m <= form->most));
	}
}

/* By rising rows of x, and one prepacked layout at most. */
static void check_small(const struct kernel_op *op)
{
	uint32_t before = 1, layouts = 0; /* `to` of the row before */

	assert_in_range(op->small_count, 0, ONE_FORM_ROWS);
	for (size_t i = 0; i < op->small_count; i++) {
		const struct small_form *small = &op->small[i];
		const struct prepacked_form *prepacked = &small->prepacked;

		assert_true(small->from > before && small->to >= small->from);
		assert_int_equal(QUIRE_SEGMENT_COLS % small->x.group, 0);
		assert_int_equal(small->most % small->x.rows, 0);
		assert_true(small->alone == 0 || small->alone > small->most);
		assert_true(small->nr <= 64 && small->x.rows <= 16);
		assert_true(small->rest < small->x.rows);
		check_rest(op, small);
		before = small->to;
		if (!prepacked->pack)
			continue;
		layouts++;
		assert_non_null(prepacked->multiply);
		assert_int_equal(small->nr % prepacked->rows, 0);
		assert_int_equal(prepacked->cols % QUIRE_BLOCK_COLS, 0);
	}
	assert_in_range(layouts, 0, 1);
}

static void check_packed(const struct kernel_op *op)
{
	const struct tile_form *tile = op->tile;
	const struct pack_form *pack = op->pack;

	if (!tile)
		return;
	assert_int_equal(pack->weights, op->weights);
	assert_int_equal(QUIRE_SEGMENT_COLS % tile->x.group, 0);
	assert_int_equal(pack->kc % tile->x.group, 0);
	assert_int_equal(pack->kc % QUIRE_BLOCK_COLS, 0);
	assert_int_equal(pack->size % QUIRE_LINE_SIZE, 0);
	assert_true(pack->size <= 32768);
	assert_true(pack->nr <= 48 && tile->x.rows <= 8);
}

/* A set runs wherever its base's functions do, and scalar is the last base. */
static void check_bases(const struct kernel_set *set)
{
	for (; set->base; set = set->base)
		assert_int_equal(set->base->needs & ~set->needs, 0);
	assert_string_equal(set->name, "scalar");
}

/* One row of x is for GEMV. Where packing pays, no GEMV is used. */
static void check_forms(const struct kernel_op *op)
{
	const struct small_form *small;

	assert_int_equal(quire_kernel_op_form(op, 1, &small), FORM_GEMV);
	for (size_t m = 1; m <= 129; m++) {
		const enum form form = quire_kernel_op_form(op, m, &small);

		assert_true((form == FORM_SMALL) == (small != NULL));
		assert_true(form != FORM_GEMV || !op->tile ||
			    m < op->tile->from);
		assert_true(!small ||
			    (m >= small->from && m <= small->to + small->rest));
	}
	if (op->tile)
		assert_int_equal(quire_kernel_op_form(op, 129, &small),
				 FORM_PACKED);
}

/* What the framework relies on. */
static void check_op(const struct kernel_set *set, quire_dtype type,
		     enum compute compute)
{
	struct kernel_op op, in_scalar;

	if (!quire_kernel_set_op(set, type, compute, &op)) {
		assert_false(quire_kernel_set_op(&quire_set_scalar, type,
						 compute, &in_scalar));
		return;
	}
	assert_true(
	    quire_kernel_set_op(&quire_set_scalar, type, compute, &in_scalar));
	assert_int_equal(op.compute, in_scalar.compute);
	assert_int_equal(op.gemv->x.rows, 1);
	assert_int_equal(QUIRE_SEGMENT_COLS % op.gemv->x.group, 0);
	check_small(&op);
	check_packed(&op);
	check_forms(&op);
}

static void test_tables_are_sound(void **state)
{
	const struct kernel_set *set;

	(void)state;
	for (size_t i = 0; (set = quire_kernel_set(i)); i++) {
		check_bases(set);
		for (int c = 0; c < COMPUTE_COUNT; c++)
			for (int type = 0; type < QUIRE_DTYPE_LIMIT; type++)
				check_op(set, (quire_dtype)type,
					 (enum compute)c);
	}
}

static void test_names_of_forms(void **state)
{
	const quire_runtime_options options = { .threads = 1,
						.kernels = "scalar" };
	quire_runtime *runtime;

	(void)state;
	assert_int_equal(quire_runtime_create(&options, &runtime, NULL),
			 QUIRE_OK);
	assert_string_equal(quire_matmul_form(runtime, QUIRE_Q4_0, 64, 4),
			    "GEMV");
	assert_null(quire_matmul_form(runtime, (quire_dtype)6, 1, 0));
	assert_null(quire_matmul_form(runtime, (quire_dtype)-1, 1, 0));
	quire_runtime_free(runtime);
#if defined(__x86_64__)
	if (quire_kernel_set_choose("avx2", quire_cpu_features(),
				    &(const struct kernel_set *){ NULL },
				    NULL) != QUIRE_OK)
		return;
	assert_int_equal(
	    quire_runtime_create(
		&(quire_runtime_options){ .threads = 1, .kernels = "avx2" },
		&runtime, NULL),
	    QUIRE_OK);
	assert_string_equal(quire_matmul_form(runtime, QUIRE_Q4_0, 1, 4),
			    "GEMV");
	assert_string_equal(quire_matmul_form(runtime, QUIRE_Q4_0, 2, 1),
			    "small-batch GEMM");
	assert_string_equal(quire_matmul_form(runtime, QUIRE_Q4_0, 64, 4),
			    "packed GEMM");
	quire_runtime_free(runtime);
#endif
}

static void test_devices(void **state)
{
	quire_runtime_options options = { .device = QUIRE_DEVICE_CPU };
	quire_runtime *runtime = NULL;
	quire_error error;

	(void)state;
	assert_int_equal(quire_runtime_create(&options, &runtime, NULL),
			 QUIRE_OK);
	quire_runtime_free(runtime);
	runtime = NULL;
	options.device = (quire_device)9;
	assert_int_equal(quire_runtime_create(&options, &runtime, &error),
			 QUIRE_ERROR_ARGUMENT);
	assert_null(runtime);
#if !defined(__APPLE__)
	options.device = QUIRE_DEVICE_METAL;
	assert_int_equal(quire_runtime_create(&options, &runtime, &error),
			 QUIRE_ERROR_UNSUPPORTED);
	assert_non_null(strstr(error.message, "no Metal device"));
	assert_null(runtime);
#endif
}

static void test_threads(void **state)
{
	quire_runtime_options options = { .threads = 3 };
	quire_runtime_info info;
	quire_runtime *runtime = NULL;

	(void)state;
	assert_int_equal(quire_runtime_create(&options, &runtime, NULL),
			 QUIRE_OK);
	quire_runtime_describe(runtime, &info);
	assert_int_equal(info.threads, 3);
	quire_runtime_free(runtime);
	runtime = NULL;
	options.threads = UINT32_MAX;
	assert_int_equal(quire_runtime_create(&options, &runtime, NULL),
			 QUIRE_ERROR_ARGUMENT);
	assert_null(runtime);
}

/* Pieces are reused, grow when they must, and belong to one caller. */
static void test_scratch(void **state)
{
	struct scratch *a, *b;
	struct scratch_list list;
	unsigned char *bytes;

	(void)state;
	assert_int_equal(quire_scratch_init(&list, NULL), QUIRE_OK);
	assert_int_equal(quire_scratch_take(&list, 1000, &a, NULL), QUIRE_OK);
	assert_int_equal(quire_scratch_take(&list, 1, &b, NULL), QUIRE_OK);
	assert_ptr_not_equal(a, b);
	assert_ptr_not_equal(a->bytes, b->bytes);
	assert_int_equal((uintptr_t)a->bytes % QUIRE_SCRATCH_ALIGNMENT, 0);
	bytes = a->bytes;
	memset(a->bytes, 1, 1000);
	quire_scratch_give(&list, b);
	quire_scratch_give(&list, a);
	assert_int_equal(quire_scratch_take(&list, 1000, &a, NULL), QUIRE_OK);
	assert_ptr_equal(a->bytes, bytes);
	quire_scratch_give(&list, a);
	assert_int_equal(quire_scratch_take(&list, 5000, &a, NULL), QUIRE_OK);
	assert_true(a->size >= 5000);
	memset(a->bytes, 1, 5000);
	quire_scratch_give(&list, a);
	assert_int_equal(quire_scratch_take(&list, SIZE_MAX, &a, NULL),
			 QUIRE_ERROR_MEMORY);
	assert_int_equal(quire_scratch_take(&list, 10, &a, NULL), QUIRE_OK);
	quire_scratch_give(&list, a);
	quire_scratch_destroy(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_each_set_by_name),
		cmocka_unit_test(test_unknown_name),
		cmocka_unit_test(test_choice_by_features),
		cmocka_unit_test(test_tables_are_sound),
		cmocka_unit_test(test_names_of_forms),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_scratch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
