/*
 * test_onnx_tensor.c - how numbers of a tensor message are packed for each
 * element type, and what is refused.
 */
#include <string.h>

#include "convert/onnx/onnx_private.h"
#include "tests/support/check.h"

enum {
	UINT8 = 2,
	INT8 = 3,
	UINT16 = 4,
	INT64 = 7,
	DOUBLE = 11,
	UINT32 = 12,
	UINT64 = 13,
	COMPLEX64 = 14
};

static quire_status read_tensor(struct onnx_fields *fields, int64_t count,
				struct onnx_value *value)
{
	struct onnx_files files = { 0 };

	*value = (struct onnx_value){ .name = "t" };
	fields->rank = 1;
	fields->dims = &count;
	return quire_onnx_tensor(&files, fields, value, NULL);
}

static void check_i32(int32_t type, const int32_t *numbers, size_t count,
		      int64_t elements, const char *bytes, size_t size)
{
	int32_t copy[8];
	struct onnx_fields fields = { .type = type, .i32 = { copy, count } };
	struct onnx_value value;

	memcpy(copy, numbers, count * sizeof(*numbers));
	assert_int_equal(read_tensor(&fields, elements, &value), QUIRE_OK);
	assert_int_equal(value.count, elements);
	assert_int_equal(value.size, size);
	assert_memory_equal(value.bytes, bytes, size);
}

static void test_int32_data(void **state)
{
	(void)state;
	check_i32(UINT8, (int32_t[]){ 0, 255, 7 }, 3, 3, "\x00\xff\x07", 3);
	check_i32(INT8, (int32_t[]){ -128, 127 }, 2, 2, "\x80\x7f", 2);
	check_i32(UINT16, (int32_t[]){ 0xFFFE }, 1, 1, "\xfe\xff", 2);
	check_i32(ONNX_INT32, (int32_t[]){ -2, 1 }, 2, 2,
		  "\xfe\xff\xff\xff\x01\x00\x00\x00", 8);
	check_i32(ONNX_FLOAT16, (int32_t[]){ 0x3C00, 0x8000 }, 2, 2,
		  "\x00\x3c\x00\x80", 4);
	check_i32(ONNX_BFLOAT16, (int32_t[]){ 0x3F80 }, 1, 1, "\x80\x3f", 2);
	/* Two elements in a number, the last one alone. */
	check_i32(ONNX_INT4, (int32_t[]){ 0x21, 0x43, 0x05 }, 3, 5,
		  "\x21\x43\x05", 3);
	check_i32(ONNX_UINT4, (int32_t[]){ 0xFF }, 1, 2, "\xff", 1);
	check_i32(ONNX_UINT2, (int32_t[]){ 0xE4, 1 }, 2, 5, "\xe4\x01", 2);
}

static void test_other_fields(void **state)
{
	float floats[] = { 1, -2 };
	int64_t longs[] = { -1 };
	uint64_t words[] = { 0xFFFFFFFE, 2 };
	double doubles[] = { 1 };
	struct onnx_fields fields = { 0 };
	struct onnx_value value;

	(void)state;
	fields.type = ONNX_FLOAT;
	fields.f32 = (struct onnx_numbers){ floats, 2 };
	assert_int_equal(read_tensor(&fields, 2, &value), QUIRE_OK);
	assert_memory_equal(value.bytes, "\0\0\x80\x3f\0\0\0\xc0", 8);
	fields.type = COMPLEX64;
	assert_int_equal(read_tensor(&fields, 1, &value), QUIRE_OK);
	assert_int_equal(value.size, 8);
	fields.type = INT64;
	fields.i64 = (struct onnx_numbers){ longs, 1 };
	assert_int_equal(read_tensor(&fields, 1, &value), QUIRE_OK);
	assert_memory_equal(value.bytes, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	fields.type = UINT32;
	fields.u64 = (struct onnx_numbers){ words, 2 };
	assert_int_equal(read_tensor(&fields, 2, &value), QUIRE_OK);
	assert_memory_equal(value.bytes, "\xfe\xff\xff\xff\2\0\0\0", 8);
	fields.type = DOUBLE;
	fields.f64 = (struct onnx_numbers){ doubles, 1 };
	assert_int_equal(read_tensor(&fields, 1, &value), QUIRE_OK);
	assert_memory_equal(value.bytes, "\0\0\0\0\0\0\xf0\x3f", 8);
}

static void check_range(int32_t type, int32_t number, quire_status expected)
{
	struct onnx_fields fields = { .type = type, .i32 = { &number, 1 } };
	struct onnx_value value;

	assert_int_equal(read_tensor(&fields, 1, &value), expected);
}

static void test_ranges(void **state)
{
	uint64_t word = UINT64_C(1) << 32;
	struct onnx_fields fields = { .type = UINT32, .u64 = { &word, 1 } };
	struct onnx_value value;

	(void)state;
	check_range(UINT8, 255, QUIRE_OK);
	check_range(UINT8, 256, QUIRE_ERROR_LAYOUT);
	check_range(INT8, -128, QUIRE_OK);
	check_range(INT8, -129, QUIRE_ERROR_LAYOUT);
	check_range(ONNX_FLOAT16, 65535, QUIRE_OK);
	check_range(ONNX_FLOAT16, 65536, QUIRE_ERROR_LAYOUT);
	check_range(ONNX_INT32, INT32_MIN, QUIRE_OK);
	assert_int_equal(read_tensor(&fields, 1, &value), QUIRE_ERROR_LAYOUT);
	fields.type = UINT64;
	assert_int_equal(read_tensor(&fields, 1, &value), QUIRE_OK);
}

static void test_counts(void **state)
{
	float floats[3] = { 0 };
	struct onnx_fields fields = { .type = ONNX_FLOAT,
				      .f32 = { floats, 3 } };
	struct onnx_value value;

	(void)state;
	assert_int_equal(read_tensor(&fields, 3, &value), QUIRE_OK);
	assert_int_equal(read_tensor(&fields, 2, &value), QUIRE_ERROR_LAYOUT);
	assert_int_equal(read_tensor(&fields, 4, &value), QUIRE_ERROR_LAYOUT);
	assert_int_equal(read_tensor(&fields, -1, &value), QUIRE_ERROR_LAYOUT);
	assert_int_equal(read_tensor(&fields, INT64_MAX, &value),
			 QUIRE_ERROR_LAYOUT);
	fields.type = COMPLEX64; /* three floats are one and a half of them */
	assert_int_equal(read_tensor(&fields, 1, &value), QUIRE_ERROR_LAYOUT);
	fields.segmented = true;
	assert_int_equal(read_tensor(&fields, 1, &value),
			 QUIRE_ERROR_UNSUPPORTED);
}

/* Types of an unknown size have a shape and no bytes. */
static void test_opaque_types(void **state)
{
	struct onnx_fields fields = { .type = ONNX_STRING };
	struct onnx_value value;

	(void)state;
	assert_int_equal(read_tensor(&fields, 3, &value), QUIRE_OK);
	assert_int_equal(value.count, 3);
	assert_int_equal(value.size, 0);
	assert_null(value.bytes);
	fields.type = 99;
	assert_int_equal(read_tensor(&fields, 3, &value), QUIRE_OK);
	assert_string_equal(quire_onnx_type_name(99), "of an unknown type");
	assert_string_equal(quire_onnx_type_name(-1), "of an unknown type");
	assert_string_equal(quire_onnx_type_name(ONNX_BFLOAT16), "BFLOAT16");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_int32_data),
		cmocka_unit_test(test_other_fields),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_opaque_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
