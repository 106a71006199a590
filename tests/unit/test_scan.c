/*
 * test_scan.c - which scales and offsets f16 holds, and where the scan finds
 * the first that it does not hold.
 */
#include <fp16.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "convert/weight/scan.h"
#include "tests/support/check.h"
#include "tests/unit/encode_sample.h"

/* If the first offset were rounded to f32 before, it would be a tie and give
 * 1. */
static void test_offset_is_rounded_once(void **state)
{
	const float zero = 1 + 0x1p-23f;
	const float scale = -(1 + 0x1p-11f - 0x1p-23f);

	(void)state;
	/* zero * scale = -(1 + 2^-11 + 2^-34 - 2^-46) */
	assert_true(quire_offset(zero, scale) > 1 + 0x1p-11);
	assert_int_equal(quire_offset_bits(zero, scale), 0x3C01);
	assert_int_equal(quire_offset_bits(1, -(1 + 0x1p-11f)), 0x3C00);
	assert_int_equal(quire_offset_bits(8, 1), 0xC800);
	assert_int_equal(quire_offset_bits(0, -1), 0);
}

/* Scans a weight of three rows of two blocks with these scales. */
static struct weight_scan scan_scales(int32_t type, const float scales[6])
{
	const struct sample_kind kind = {
		.bits = 4, .block_size = 32, .k = 64, .n = 3, .scale_type = type
	};
	struct rng rng = { 3 };
	struct sample sample;
	struct crew crew;
	struct weight_scan scan;

	assert_int_equal(quire_crew_init(&crew, 1, NULL, NULL), QUIRE_OK);
	sample_make(&rng, &kind, &sample);
	for (size_t i = 0; i < 6; i++)
		if (type == ONNX_FLOAT)
			store_f32(sample.scale_bytes.data + 4 * i, scales[i]);
		else
			store_u16(sample.scale_bytes.data + 2 * i,
				  fp16_ieee_from_fp32_value(scales[i]));
	assert_int_equal(
	    quire_weight_scan(&sample.weight, NULL, &crew, &scan, NULL),
	    QUIRE_OK);
	sample_discard(&sample);
	quire_crew_destroy(&crew);
	return scan;
}

static void test_scan_held(void **state)
{
	/* 1 + 2^-11 is in the middle of two f16: the greatest error allowed. */
	const float scales[6] = {
		1, -0.0f, 0, 65519, 1 + 0x1p-11f, 0x1.004p-14f
	};
	const struct weight_scan scan = scan_scales(ONNX_FLOAT, scales);
	const double expected = 0x1p-11 / (1 + 0x1p-11);

	(void)state;
	assert_false(scan.lost_scale.found);
	assert_true(scan.zero_default);
	assert_false(scan.reordered);
	assert_true(fabs(scan.scales.max - expected) < 1e-12);
	assert_true(scan.scales.mean > expected / 6);
	assert_true(scan.scales.mean <= scan.scales.max);
}

static void check_lost(int32_t type, float scale)
{
	const float scales[6] = { 1, 1, 1, scale, 1, INFINITY };
	const struct weight_scan scan = scan_scales(type, scales);

	assert_true(scan.lost_scale.found);
	assert_int_equal(scan.lost_scale.row, 1);
	assert_int_equal(scan.lost_scale.at, 1);
}

static void test_scan_lost(void **state)
{
	(void)state;
	check_lost(ONNX_FLOAT, 65520); /* rounds to infinity */
	check_lost(ONNX_FLOAT, -1e30f);
	check_lost(ONNX_FLOAT, 1e-9f);
	check_lost(ONNX_FLOAT, 0x1.004p-16f); /* a step of 2^-8 of itself */
	check_lost(ONNX_FLOAT, INFINITY);
	check_lost(ONNX_FLOAT, NAN);
	check_lost(ONNX_FLOAT16, INFINITY);
	check_lost(ONNX_FLOAT16, NAN);
}

static void test_scan_f16_subnormal(void **state)
{
	const float scales[6] = { 0x1p-24f, -0x3p-24f, 0, 1, 1, 1 };
	const struct weight_scan scan = scan_scales(ONNX_FLOAT16, scales);

	(void)state;
	assert_false(scan.lost_scale.found);
	assert_true(scan.scales.max == 0);
}

#define MANY 50000

/* Many rows, in three pieces: sums are over all rows, and the first scale that
 * f16 does not hold is found in any piece. */
static void check_many(uint64_t block_size, uint32_t bits, size_t lost,
		       uint32_t threads)
{
	const struct sample_kind kind = { .bits = bits,
					  .block_size = block_size,
					  .k = 3 * block_size,
					  .n = MANY,
					  .scale_type = ONNX_FLOAT };
	const size_t count = 3 * (size_t)MANY;
	struct rng rng = { 5 };
	struct sample sample;
	struct crew crew;
	struct weight_scan scan;
	double max = 0;
	double sum = 0;
	double largest = 0;

	assert_int_equal(quire_crew_init(&crew, threads, NULL, NULL), QUIRE_OK);
	sample_make(&rng, &kind, &sample);
	for (size_t i = 0; i < count; i++) {
		const float scale = (float)(i % 4099 + 16) * -0x1.37p-16f;
		const double rounded = (double)fp16_ieee_to_fp32_value(
		    fp16_ieee_from_fp32_value(scale));
		const double error = fabs(1 - rounded / (double)scale);

		store_f32(sample.scale_bytes.data + 4 * i, scale);
		max = fmax(max, error);
		sum += error;
		largest = fmax(largest, -(double)scale);
	}
	if (lost < count)
		store_f32(sample.scale_bytes.data + 4 * lost, 70000);
	if (lost < count && lost + 1000 < count)
		store_f32(sample.scale_bytes.data + 4 * (lost + 1000), NAN);
	assert_int_equal(
	    quire_weight_scan(&sample.weight, NULL, &crew, &scan, NULL),
	    QUIRE_OK);
	assert_int_equal(scan.lost_scale.found, lost < count);
	if (lost < count) {
		assert_int_equal(scan.lost_scale.row, lost / 3);
		assert_int_equal(scan.lost_scale.at, lost % 3);
		assert_true(scan.lost_scale.value == 70000);
		assert_true(isinf(scan.scales.max));
		assert_true(isinf(scan.scales.mean));
		largest = 70000;
	} else {
		assert_true(fabs(scan.scales.max - max) < 1e-12);
		assert_true(fabs(scan.scales.mean - sum / (double)count) <
			    1e-12);
	}
	assert_true(scan.largest == largest * (double)(1u << (bits - 1)));
	sample_discard(&sample);
	quire_crew_destroy(&crew);
}

static void test_scan_many(void **state)
{
	static const size_t lost[] = { SIZE_MAX, 0,	255,	256,
				       7777,	 65536, 131070, 3 * MANY - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
		for (uint32_t threads = 1; threads <= 3; threads += 2) {
			check_many(32, 4, lost[i], threads);
			check_many(16, 2, lost[i], threads);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offset_is_rounded_once),
		cmocka_unit_test(test_scan_held),
		cmocka_unit_test(test_scan_lost),
		cmocka_unit_test(test_scan_f16_subnormal),
		cmocka_unit_test(test_scan_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
