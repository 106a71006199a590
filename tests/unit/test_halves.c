/*
 * test_halves.c - compares f32 to f16 of many numbers with FP16's conversion of
 * each.
 */
#include <fp16.h>
#include <math.h>
#include <string.h>

#include "convert/weight/weight.h"
#include "tests/support/check.h"

#define COUNT 37

/* Each number is as FP16 converts it, whatever others are in the run. */
static void check_run(const float values[COUNT])
{
	uint16_t halves[COUNT + 1];
	float rounded[COUNT + 1];

	halves[COUNT] = 1;
	rounded[COUNT] = 1;
	quire_halves_of(values, COUNT, halves);
	quire_halves_round(values, COUNT, rounded);
	for (size_t i = 0; i < COUNT; i++) {
		const uint16_t half = fp16_ieee_from_fp32_value(values[i]);
		const float again = fp16_ieee_to_fp32_value(half);

		assert_int_equal(halves[i], half);
		assert_memory_equal(&rounded[i], &again, sizeof(again));
	}
	assert_int_equal(halves[COUNT], 1);
	assert_true(rounded[COUNT] == 1);
}

/* Each f16, the middle between it and the next, and the f32 beside both. */
static void fill(float value, float next, float values[COUNT])
{
	const float half_way = (value + next) / 2;
	const float some[6] = { value,
				nextafterf(value, next),
				nextafterf(half_way, value),
				half_way,
				nextafterf(half_way, next),
				nextafterf(next, value) };

	for (size_t i = 0; i < COUNT; i++)
		values[i] = i / 6 % 2 ? -some[i % 6] : some[i % 6];
}

static void test_all_halves(void **state)
{
	float values[COUNT];

	(void)state;
	for (uint16_t half = 0; half < 0x7BFF; half++) {
		fill(fp16_ieee_to_fp32_value(half),
		     fp16_ieee_to_fp32_value((uint16_t)(half + 1)), values);
		check_run(values);
	}
}

/* One number that is not a normal f16, at each place among normal ones. */
static void test_one_odd(void **state)
{
	const float odd[] = { 0,      -0.0F,	 0x1p-149F, 0x1p-25F,
			      65504,  65519.99F, 65520,	    0x1p127F,
			      -65520, INFINITY,	 -INFINITY, NAN };
	float values[COUNT];

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		for (size_t at = 0; at < COUNT; at++) {
			fill(0x1.554p-7F, 0x1.558p-7F, values);
			values[at] = odd[i];
			check_run(values);
		}
}

static void test_none(void **state)
{
	uint16_t half = 1;
	float rounded = 1;

	(void)state;
	quire_halves_of(&rounded, 0, &half);
	assert_int_equal(half, 1);
	quire_halves_round(&rounded, 0, &rounded);
	assert_true(rounded == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_halves),
		cmocka_unit_test(test_one_odd),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
