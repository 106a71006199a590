/*
 * test_f16.c - every set's conversion between f16 and f32, for all f16 numbers
 * and those half way between two of them.
 */
#include <math.h>

#include "base/cpu.h"
#include "runtime/kernel_set.h"
#include "tests/support/check.h"

/* The value of an f16, by its definition. */
static float f16_value(uint16_t bits)
{
	const int exponent = bits >> 10 & 31;
	const float fraction = (float)(bits & 1023);
	const float sign = bits >> 15 ? -1.0F : 1.0F;

	if (exponent == 31)
		return fraction > 0 ? NAN : sign * INFINITY;
	if (exponent == 0)
		return sign * ldexpf(fraction, -24);
	return sign * ldexpf(1024 + fraction, exponent - 25);
}

static bool is_f16_nan(uint16_t bits)
{
	return (bits & 0x7FFF) > 0x7C00;
}

/* Converts one number as the last of `count`, so that it is in a whole vector
 * or in the rest after one. Nothing after it may be written. */
static uint16_t round_to_f16(const struct kernel_table *table, float x,
			     size_t count)
{
	float in[33] = { 0 };
	uint16_t out[33];

	in[count - 1] = x;
	out[count] = 1;
	table->to_f16(in, count, out);
	assert_int_equal(out[count], 1);
	return out[count - 1];
}

static float widen_f16(const struct kernel_table *table, uint16_t bits,
		       size_t count)
{
	uint16_t in[33] = { 0 };
	float out[33];

	in[count - 1] = bits;
	out[count] = 1.0F;
	table->from_f16(in, count, out);
	assert_true(out[count] == 1.0F);
	return out[count - 1];
}

/* An f16, and the f32 numbers near the middle between it and the next. */
static void check_f16(const struct kernel_table *table, uint16_t bits,
		      size_t count)
{
	const float value = f16_value(bits),
		    widened = widen_f16(table, bits, count);
	float next, middle;

	if (is_f16_nan(bits)) {
		assert_true(isnan(widened));
		assert_true(is_f16_nan(round_to_f16(table, value, count)));
		return;
	}
	assert_true(widened == value);
	assert_int_equal(round_to_f16(table, value, count), bits);
	if ((bits & 0x7FFF) >= 0x7BFF)
		return;
	next = f16_value((uint16_t)(bits + 1));
	middle = value + (next - value) / 2;
	assert_int_equal(round_to_f16(table, nextafterf(middle, value), count),
			 bits);
	assert_int_equal(round_to_f16(table, middle, count), bits + (bits & 1));
	assert_int_equal(round_to_f16(table, nextafterf(middle, next), count),
			 bits + 1);
}

static void test_f16_conversion(void **state)
{
	(void)state;
	for (size_t i = 0; quire_kernel_set(i); i++) {
		const struct kernel_set *set = quire_kernel_set(i);
		struct kernel_table table;

		if (set->needs & ~quire_cpu_features())
			continue;
		quire_kernel_table_fill(&table, set);
		for (uint32_t bits = 0; bits < 65536; bits++)
			check_f16(&table, (uint16_t)bits, 1 + bits % 32);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_f16_conversion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
