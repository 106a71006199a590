/*
 * test_cast.c - dense tensors in another type: rounding is to nearest, ties to
 * even, and the scan finds what a type cannot hold.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "convert/encode/encode.h"
#include "quire_convert.h"
#include "tests/support/check.h"

static const struct number {
	float value;
	uint16_t f16;
	uint16_t bf16;
} numbers[] = {
	{ 0.0f, 0x0000, 0x0000 },
	{ -0.0f, 0x8000, 0x8000 },
	{ 1.0f, 0x3c00, 0x3f80 },
	{ -2.5f, 0xc100, 0xc020 },
	{ 0x1.004p0f, 0x3c01, 0x3f80 },	   /* one step of f16 above 1 */
	{ 0x1.002p0f, 0x3c00, 0x3f80 },	   /* a tie of f16, to even */
	{ 0x1.006p0f, 0x3c02, 0x3f80 },	   /* likewise, up */
	{ 0x1.01p0f, 0x3c04, 0x3f80 },	   /* a tie of bf16, to even */
	{ 0x1.03p0f, 0x3c0c, 0x3f82 },	   /* likewise, up */
	{ 0x1.010002p0f, 0x3c04, 0x3f81 }, /* more than a tie */
	{ 65504.0f, 0x7bff, 0x4780 },
	{ 0x1p-24f, 0x0001, 0x3380 },  /* the smallest f16 */
	{ 0x1p-133f, 0x0000, 0x0001 }, /* the smallest bf16 */
	{ INFINITY, 0x7c00, 0x7f80 },
	{ -INFINITY, 0xfc00, 0xff80 },
};

#define NUMBER_COUNT (sizeof(numbers) / sizeof(numbers[0]))

static uint16_t narrow(float value, quire_dtype to)
{
	unsigned char in[4], out[2];

	store_f32(in, value);
	quire_cast_find(QUIRE_F32, to)->convert(in, 1, out);
	return load_u16(out);
}

static float widen(uint16_t bits, quire_dtype from)
{
	unsigned char in[2], out[4];

	store_u16(in, bits);
	quire_cast_find(from, QUIRE_F32)->convert(in, 1, out);
	return load_f32(out);
}

static void test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < NUMBER_COUNT; i++) {
		const float value = numbers[i].value;

		assert_int_equal(narrow(value, QUIRE_F16), numbers[i].f16);
		assert_int_equal(narrow(value, QUIRE_BF16), numbers[i].bf16);
	}
	assert_true(isnan(widen(narrow(NAN, QUIRE_F16), QUIRE_F16)));
	assert_true(isnan(widen(narrow(NAN, QUIRE_BF16), QUIRE_BF16)));
}

/* All 65536 numbers of each type, cast to f32 and back, are unchanged. */
static void test_there_and_back(void **state)
{
	static const quire_dtype types[] = { QUIRE_F16, QUIRE_BF16 };

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (uint32_t bits = 0; bits <= UINT16_MAX; bits++) {
			const float wide = widen((uint16_t)bits, types[i]);

			if (isnan(wide))
				continue;
			assert_int_equal(narrow(wide, types[i]), bits);
		}
}

static void test_pairs(void **state)
{
	static const quire_dtype types[] = { QUIRE_F32, QUIRE_F16, QUIRE_BF16 };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(quire_cast_find(types[i], types[k]) ==
					     NULL,
					 i == k);
	assert_null(quire_cast_find(QUIRE_Q4_0, QUIRE_F32));
}

static struct cast_scan scan(const float *floats, size_t count, quire_dtype to)
{
	unsigned char *bytes = malloc(4 * count);
	const struct onnx_value value = { .count = count,
					  .size = 4 * count,
					  .bytes = bytes };
	struct cast_scan seen;

	for (size_t i = 0; i < count; i++)
		store_f32(bytes + 4 * i, floats[i]);
	assert_int_equal(quire_cast_scan(quire_cast_find(QUIRE_F32, to), &value,
					 &seen, NULL),
			 QUIRE_OK);
	free(bytes);
	return seen;
}

static void test_scan(void **state)
{
	static const float exact[] = { 0.5f, -2, INFINITY, NAN, 0 };
	static const float rounded[] = { 1, 0x1.002p0f };
	static const float lost[] = { 1, -65520, 70000 };
	struct cast_scan seen = scan(exact, 5, QUIRE_F16);

	(void)state;
	assert_true(seen.exact && !seen.lost);
	assert_true(seen.error_max == 0);
	seen = scan(rounded, 2, QUIRE_F16);
	assert_true(!seen.exact && !seen.lost);
	assert_true(seen.error_max == 0x1p-11 / 0x1.002p0);
	assert_true(seen.error_mean == seen.error_max / 2);
	seen = scan(lost, 3, QUIRE_F16);
	assert_true(seen.lost);
	seen = scan(lost, 3, QUIRE_BF16);
	assert_false(seen.lost);
}

static const struct size_text {
	const char *text;
	uint64_t size; /* UINT64_MAX: none */
} sizes[] = {
	{ "0", 0 },
	{ "1", 1 },
	{ "16384", 16384 },
	{ "4G", 4000000000 },
	{ "4GB", 4000000000 },
	{ "4Gi", UINT64_C(4) << 30 },
	{ "2GiB", UINT64_C(2) << 30 },
	{ "500M", 500000000 },
	{ "64k", 64000 },
	{ "64Ki", 65536 },
	{ "1T", 1000000000000 },
	{ "9223372036854775807", INT64_MAX },
	{ "9223372036854775808", UINT64_MAX },
	{ "99999999999999999999", UINT64_MAX },
	{ "9223373T", UINT64_MAX },
	{ "", UINT64_MAX },
	{ "G", UINT64_MAX },
	{ "-1", UINT64_MAX },
	{ " 1", UINT64_MAX },
	{ "1 ", UINT64_MAX },
	{ "1 G", UINT64_MAX },
	{ "4g", 4000000000 },
	{ "4gib", UINT64_C(4) << 30 },
	{ "4GB", 4000000000 },
	{ "500mb", 500000000 },
	{ "1.5G", 1500000000 },
	{ "0.5g", 500000000 },
	{ "1.5GiB", UINT64_C(3) << 29 },
	{ "0.1Ki", 102 }, /* rounded down */
	{ "8388607.999999Ti", INT64_MAX - 1099511 },
	{ "8388608.0Ti", UINT64_MAX },
	{ "0.1234567G", UINT64_MAX },
	{ "0.5", UINT64_MAX },
	{ "1.5B", UINT64_MAX },
	{ "1.G", UINT64_MAX },
	{ ".5G", UINT64_MAX },
	{ "1.5.5G", UINT64_MAX },
	{ "1,5G", UINT64_MAX },
	{ "4gx", UINT64_MAX },
	{ "4GG", UINT64_MAX },
	{ "4i", UINT64_MAX },
	{ "0x10", UINT64_MAX },
};

static void test_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t size = 7;
		const bool good = quire_size_parse(sizes[i].text, &size);

		if (good != (sizes[i].size != UINT64_MAX) ||
		    size != (good ? sizes[i].size : 7))
			fail_msg("'%s'", sizes[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
