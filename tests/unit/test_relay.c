/*
 * test_relay.c - encodings against the operator's formula, over random weights
 * of every kind, in rows fetched by pieces, with guard pages behind the source
 * and the result.
 */
#include <fp16.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "convert/relay.h"
#include "format/bytes.h"
#include "tests/support/check.h"
#include "tests/support/guard.h"
#include "tests/support/random.h"

enum zero_kind {
	ZERO_NONE,
	ZERO_PACKED,
	ZERO_FLOAT,
	ZERO_FLOAT16
};

struct kind {
	uint32_t bits;
	uint64_t block_size;
	uint64_t k;
	uint64_t n;
	int32_t scale_type;
	enum zero_kind zero_kind;
	bool mapped;
};

/* A weight over guarded memory, and the same as plain numbers. */
struct sample {
	struct matmulnbits weight;
	struct onnx_value codes;
	struct onnx_value scales;
	struct onnx_value zero_points;
	struct guarded code_bytes;
	struct guarded scale_bytes;
	struct guarded zero_bytes;
	uint32_t *map;	 /* NULL: none */
	float *expected; /* [n][k], (code - zero) * scale */
};

static size_t float_size(int32_t type)
{
	return type == ONNX_FLOAT ? 4 : 2;
}

/* A random float that the type holds, stored; its value. */
static float put_float(struct rng *rng, int32_t type, unsigned char *bytes)
{
	float value = random_f32(rng);
	uint32_t bits;

	if (type == ONNX_FLOAT) {
		store_f32(bytes, value);
	} else if (type == ONNX_FLOAT16) {
		store_u16(bytes, fp16_ieee_from_fp32_value(value));
		value = fp16_ieee_to_fp32_value(load_u16(bytes));
	} else {
		memcpy(&bits, &value, 4);
		bits &= 0xFFFF0000;
		store_u16(bytes, (uint16_t)(bits >> 16));
		memcpy(&value, &bits, 4);
	}
	return value;
}

static void set_constant(struct onnx_value *value, int32_t type,
			 const struct guarded *bytes)
{
	*value = (struct onnx_value){ .name = "",
				      .origin = ONNX_CONSTANT,
				      .type = type,
				      .size = bytes->size,
				      .bytes = bytes->data };
}

static uint32_t code_at(const unsigned char *row, uint32_t bits, uint64_t at)
{
	uint32_t code = 0;

	for (uint32_t bit = 0; bit < bits; bit++) {
		const uint64_t from = at * bits + bit;

		code |= (row[from / 8] >> (from % 8) & 1u) << bit;
	}
	return code;
}

/* Zero points of every block, as numbers, stored as the kind has them. */
static float *make_zeros(struct rng *rng, const struct kind *kind,
			 struct sample *sample)
{
	struct matmulnbits *weight = &sample->weight;
	const uint64_t count = kind->n * weight->blocks;
	float *zeros = calloc(count, sizeof(*zeros));
	const int32_t type = kind->zero_kind == ZERO_PACKED  ? ONNX_UINT8
			     : kind->zero_kind == ZERO_FLOAT ? ONNX_FLOAT
							     : ONNX_FLOAT16;

	for (uint64_t i = 0; i < count; i++)
		zeros[i] = (float)(1u << (kind->bits - 1));
	if (kind->zero_kind == ZERO_NONE)
		return zeros;
	weight->zero_row_size = type == ONNX_UINT8
				    ? (weight->blocks * kind->bits + 7) / 8
				    : weight->blocks * float_size(type);
	sample->zero_bytes = guarded_create(kind->n * weight->zero_row_size);
	random_bytes(rng, sample->zero_bytes.data, sample->zero_bytes.size);
	for (uint64_t i = 0; i < count; i++) {
		unsigned char *row = sample->zero_bytes.data +
				     i / weight->blocks * weight->zero_row_size;
		const uint64_t block = i % weight->blocks;

		zeros[i] =
		    type == ONNX_UINT8
			? (float)code_at(row, kind->bits, block)
			: put_float(rng, type, row + block * float_size(type));
	}
	set_constant(&sample->zero_points, type, &sample->zero_bytes);
	weight->zero_points = &sample->zero_points;
	return zeros;
}

static float *make_scales(struct rng *rng, const struct kind *kind,
			  struct sample *sample)
{
	struct matmulnbits *weight = &sample->weight;
	const uint64_t count = kind->n * weight->blocks;
	const size_t size = float_size(kind->scale_type);
	float *scales = calloc(count, sizeof(*scales));

	weight->scale_row_size = weight->blocks * size;
	sample->scale_bytes = guarded_create(count * size);
	for (uint64_t i = 0; i < count; i++)
		scales[i] = put_float(rng, kind->scale_type,
				      sample->scale_bytes.data + i * size);
	set_constant(&sample->scales, kind->scale_type, &sample->scale_bytes);
	weight->scales = &sample->scales;
	return scales;
}

static void compute(const struct kind *kind, struct sample *sample,
		    const float *scales, const float *zeros)
{
	const struct matmulnbits *weight = &sample->weight;

	sample->expected = calloc(kind->n * kind->k, sizeof(float));
	for (uint64_t row = 0; row < kind->n; row++)
		for (uint64_t col = 0; col < kind->k; col++) {
			const uint64_t block = sample->map
						   ? sample->map[col]
						   : col / kind->block_size;
			const uint64_t at = row * weight->blocks + block;
			const uint32_t code =
			    code_at(sample->code_bytes.data +
					row * weight->code_row_size,
				    kind->bits, col);

			sample->expected[row * kind->k + col] =
			    ((float)code - zeros[at]) * scales[at];
		}
}

static void make(struct rng *rng, const struct kind *kind,
		 struct sample *sample)
{
	struct matmulnbits *weight = &sample->weight;
	float *scales;
	float *zeros;

	*sample = (struct sample){ 0 };
	*weight = (struct matmulnbits){ .k = kind->k,
					.n = kind->n,
					.block_size = kind->block_size,
					.bits = kind->bits };
	weight->blocks = (kind->k - 1) / kind->block_size + 1;
	weight->code_row_size =
	    weight->blocks * kind->block_size * kind->bits / 8;
	sample->code_bytes = guarded_create(kind->n * weight->code_row_size);
	random_bytes(rng, sample->code_bytes.data, sample->code_bytes.size);
	set_constant(&sample->codes, ONNX_UINT8, &sample->code_bytes);
	weight->codes = &sample->codes;
	scales = make_scales(rng, kind, sample);
	zeros = make_zeros(rng, kind, sample);
	if (kind->mapped) {
		sample->map = calloc(kind->k, sizeof(*sample->map));
		for (uint64_t col = 0; col < kind->k; col++)
			sample->map[col] =
			    (uint32_t)random_below(rng, weight->blocks);
	}
	compute(kind, sample, scales, zeros);
	free(scales);
	free(zeros);
}

static void discard(struct sample *sample)
{
	guarded_free(&sample->code_bytes);
	guarded_free(&sample->scale_bytes);
	if (sample->weight.zero_points)
		guarded_free(&sample->zero_bytes);
	free(sample->map);
	free(sample->expected);
}

/* Encodes rows [first, first + count) into guarded memory. */
static struct guarded encode(const struct sample *sample,
			     const struct encoding *encoding,
			     size_t out_row_size, uint64_t first,
			     uint64_t count)
{
	struct guarded out = guarded_create(count * out_row_size);
	struct matmulnbits_rows rows = { .weight = &sample->weight,
					 .map = sample->map,
					 .first = first,
					 .count = count };

	assert_int_equal(quire_matmulnbits_scratch(&sample->weight, count), 0);
	assert_int_equal(quire_matmulnbits_fetch(&rows, NULL, NULL), QUIRE_OK);
	encoding->encode(&rows, out.data);
	return out;
}

static void check_dense(const struct sample *sample)
{
	const uint64_t k = sample->weight.k;
	const uint64_t n = sample->weight.n;

	for (uint64_t first = 0; first < n; first++) {
		const uint64_t count = n - first;
		struct guarded out = encode(sample, &quire_relay_dense,
					    k * sizeof(float), first, count);

		for (uint64_t i = 0; i < count * k; i++) {
			const float value = load_f32(out.data + 4 * i);
			const float wanted = sample->expected[first * k + i];

			assert_memory_equal(&value, &wanted, sizeof(value));
		}
		guarded_free(&out);
	}
}

static void test_dense(void **state)
{
	static const uint32_t bits[] = { 2, 4, 8 };
	static const int32_t types[] = { ONNX_FLOAT, ONNX_FLOAT16,
					 ONNX_BFLOAT16 };
	static const uint64_t ks[] = { 1, 15, 16, 17, 31, 32, 33, 64, 100 };
	struct rng rng = { 1 };

	(void)state;
	for (size_t i = 0; i < 3 * 3 * 4 * 9 * 2; i++) {
		struct kind kind = {
			.bits = bits[i % 3],
			.scale_type = types[i / 3 % 3],
			.zero_kind = (enum zero_kind)(i / 9 % 4),
			.k = ks[i / 36 % 9],
			.mapped = i / 324,
			.block_size = UINT64_C(16) << random_below(&rng, 3),
			.n = 1 + random_below(&rng, 3),
		};
		struct sample sample;

		make(&rng, &kind, &sample);
		check_dense(&sample);
		discard(&sample);
	}
}

/* Codes as in the source, scales rounded once, columns past k zero. */
static void check_block(const struct sample *sample, uint64_t row,
			uint64_t block, const unsigned char *out)
{
	const struct matmulnbits *weight = &sample->weight;
	const unsigned char *codes =
	    sample->code_bytes.data + row * weight->code_row_size;
	const float scale =
	    quire_onnx_float(weight->scales->type, sample->scale_bytes.data,
			     row * weight->blocks + block);

	assert_int_equal(load_u16(out), fp16_ieee_from_fp32_value(scale));
	for (uint64_t i = 0; i < 32; i++) {
		const uint64_t col = block * 32 + i;
		const unsigned code =
		    i < 16 ? out[2 + i] & 15u : out[2 + i - 16] >> 4;

		assert_int_equal(code,
				 col < weight->k ? code_at(codes, 4, col) : 8);
	}
}

static void test_q4_0(void **state)
{
	static const int32_t types[] = { ONNX_FLOAT, ONNX_FLOAT16,
					 ONNX_BFLOAT16 };
	struct rng rng = { 2 };

	(void)state;
	for (uint64_t k = 1; k <= 130; k++) {
		const struct kind kind = { .bits = 4,
					   .block_size = 32,
					   .k = k,
					   .n = 3,
					   .scale_type = types[k % 3] };
		struct sample sample;
		struct guarded out;
		size_t row_size;

		make(&rng, &kind, &sample);
		row_size = sample.weight.blocks * 18;
		out = encode(&sample, &quire_relay_q4_0, row_size, 1, 2);
		for (uint64_t row = 0; row < 2; row++)
			for (uint64_t block = 0; block < sample.weight.blocks;
			     block++)
				check_block(&sample, row + 1, block,
					    out.data + row * row_size +
						block * 18);
		guarded_free(&out);
		discard(&sample);
	}
}

/* One weight of three rows of two blocks, whose scales are given. */
static struct survey survey_scales(int32_t type, const float scales[6])
{
	const struct kind kind = {
		.bits = 4, .block_size = 32, .k = 64, .n = 3, .scale_type = type
	};
	struct rng rng = { 3 };
	struct sample sample;
	struct survey survey;

	make(&rng, &kind, &sample);
	for (size_t i = 0; i < 6; i++)
		if (type == ONNX_FLOAT)
			store_f32(sample.scale_bytes.data + 4 * i, scales[i]);
		else
			store_u16(sample.scale_bytes.data + 2 * i,
				  fp16_ieee_from_fp32_value(scales[i]));
	assert_int_equal(quire_survey(&sample.weight, NULL, &survey, NULL),
			 QUIRE_OK);
	discard(&sample);
	return survey;
}

static void test_survey_held(void **state)
{
	/* 1 + 2^-11 is half way between two f16: the error is just allowed. */
	const float scales[6] = {
		1, -0.0f, 0, 65519, 1 + 0x1p-11f, 0x1.004p-14f
	};
	const struct survey survey = survey_scales(ONNX_FLOAT, scales);
	const double expected = 0x1p-11 / (1 + 0x1p-11);

	(void)state;
	assert_true(survey.scales_held);
	assert_true(survey.zero_default);
	assert_false(survey.reordered);
	assert_true(fabs(survey.error_max - expected) < 1e-12);
	assert_true(survey.error_mean > expected / 6);
	assert_true(survey.error_mean <= survey.error_max);
}

static void check_lost(int32_t type, float scale)
{
	const float scales[6] = { 1, 1, 1, scale, 1, INFINITY };
	const struct survey survey = survey_scales(type, scales);

	assert_false(survey.scales_held);
	assert_int_equal(survey.lost_row, 1);
	assert_int_equal(survey.lost_block, 1);
}

static void test_survey_lost(void **state)
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

static void test_survey_f16_subnormal(void **state)
{
	const float scales[6] = { 0x1p-24f, -0x3p-24f, 0, 1, 1, 1 };
	const struct survey survey = survey_scales(ONNX_FLOAT16, scales);

	(void)state;
	assert_true(survey.scales_held);
	assert_true(survey.error_max == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dense),
		cmocka_unit_test(test_q4_0),
		cmocka_unit_test(test_survey_held),
		cmocka_unit_test(test_survey_lost),
		cmocka_unit_test(test_survey_f16_subnormal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
