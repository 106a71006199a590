/*
 * test_runtime.c - creating a runtime: devices, kernel sets by name and by
 * what a CPU has, threads, and the scratch memory that calls share.
 */
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "runtime/kernel_set.h"
#include "runtime/runtime.h"
#include "runtime/sizes.h"
#include "tests/support/check.h"

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

/* Without any one feature that a set needs, a later set is taken; with just
 * what it needs, that set or an earlier one that needs no more. */
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

static void check_few(const struct kernel_op *op)
{
	uint32_t before = 1;

	for (size_t i = 0; i < QUIRE_MAX_FEW && op->few[i].multiply; i++) {
		const struct few_form *few = &op->few[i];

		assert_true(few->from > before);
		assert_int_equal(QUIRE_SEGMENT_COLS % few->x.group, 0);
		assert_int_equal(few->most % few->x.rows, 0);
		assert_true(few->nr <= 64 && few->x.rows <= 16);
		before = few->from;
	}
}

/* What matmul.c takes for granted of the tables. */
static void test_tables_are_sound(void **state)
{
	const struct kernel_set *set;

	(void)state;
	for (size_t i = 0; (set = quire_kernel_set(i)); i++)
		for (size_t j = 0; j < QUIRE_MAX_OPS; j++) {
			const struct kernel_op *op = &set->ops[j];
			const struct panel_form *panel = &op->panel;

			if (!op->vec.multiply)
				continue;
			assert_int_equal(op->vec.x.rows, 1);
			assert_int_equal(QUIRE_SEGMENT_COLS % op->vec.x.group,
					 0);
			check_few(op);
			if (!panel->pack)
				continue;
			assert_int_equal(QUIRE_SEGMENT_COLS % panel->x.group,
					 0);
			assert_int_equal(panel->kc % panel->x.group, 0);
			assert_int_equal(panel->kc % QUIRE_BLOCK_COLS, 0);
			assert_int_equal(panel->size % QUIRE_LINE_SIZE, 0);
			assert_true(panel->size <= 32768);
			assert_true(panel->nr <= 48 && panel->x.rows <= 8);
		}
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

/* Pieces are reused, grown when they must be, and not shared. */
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
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_scratch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
