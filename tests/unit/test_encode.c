/*
 * test_encode.c - compares encodings with the operator's formula, over random
 * weights of every kind, in rows fetched by pieces, with guard pages behind the
 * source and the result.
 */
#include <fp16.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "convert/encode/encode.h"
#include "tests/support/check.h"
#include "tests/unit/encode_sample.h"

/* Encodes rows [first, first + count) into guarded memory. */
static struct guarded encode(const struct sample *sample,
			     const struct encoding *encoding,
			     size_t out_row_size, uint64_t first,
			     uint64_t count)
{
	struct guarded out = guarded_create(count * out_row_size);
	struct weight_rows rows = { .weight = &sample->weight,
				    .column_blocks = sample->column_blocks,
				    .first = first,
				    .count = count };

	assert_int_equal(quire_weight_scratch(&sample->weight, count), 0);
	assert_int_equal(quire_weight_fetch(&rows, NULL, NULL), QUIRE_OK);
	encoding->encode(&rows, out.data);
	return out;
}

static void check_dense(const struct sample *sample)
{
	const uint64_t k = sample->weight.value.k;
	const uint64_t n = sample->weight.value.n;

	for (uint64_t first = 0; first < n; first++) {
		const uint64_t count = n - first;
		struct guarded out = encode(sample, &quire_encode_dense,
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
		struct sample_kind kind = {
			.bits = bits[i % 3],
			.scale_type = types[i / 3 % 3],
			.zero_kind = (enum zero_kind)(i / 9 % 4),
			.k = ks[i / 36 % 9],
			.reordered = i / 324,
			.block_size = UINT64_C(16) << random_below(&rng, 3),
			.n = 1 + random_below(&rng, 3),
		};
		struct sample sample;

		sample_make(&rng, &kind, &sample);
		check_dense(&sample);
		sample_discard(&sample);
	}
}

/* The bytes of a block of 32 columns. */
static size_t block_size_of(const struct encoding *encoding)
{
	uint32_t count;
	uint32_t size;

	assert_true(quire_dtype_block(encoding->dtype, &count, &size));
	assert_int_equal(count, 32);
	return size;
}

/* Code i of a block, as the type stores it. */
static int stored_code(const struct encoding *encoding,
		       const unsigned char *block, size_t i)
{
	const unsigned char *codes =
	    block + (encoding->dtype == QUIRE_Q4_1 ? 4 : 2);

	if (encoding->dtype == QUIRE_Q8_0)
		return (signed char)codes[i];
	return i < 16 ? codes[i] & 15 : codes[i - 16] >> 4;
}

/* What the type stores for a code of the source. */
static int expected_code(const struct encoding *encoding,
			 const struct sample_kind *kind, float zero, int code)
{
	switch (encoding->dtype) {
	case QUIRE_Q4_0:
		return code + 8 - (1 << (kind->bits - 1));
	case QUIRE_Q4_1:
		return code;
	default:
		return (int)(signed char)(code - (int)zero);
	}
}

/* Codes are those of the source, scale and offset are rounded once, and columns
 * past k decode to 0, or in Q4_1 to the number nearest to it. */
static void check_block(const struct encoding *encoding,
			const struct sample_kind *kind,
			const struct sample *sample, uint64_t row, uint64_t col,
			const unsigned char *out)
{
	const struct weight *weight = &sample->weight;
	const unsigned char *codes =
	    sample->code_bytes.data + row * weight->storage.codes.row_size;
	struct weight_rows rows = { .weight = weight, .count = kind->n };
	const uint64_t block = col / kind->block_size;
	float scale;
	float zero;

	assert_int_equal(quire_weight_fetch(&rows, NULL, NULL), QUIRE_OK);
	scale = quire_weight_scale(&rows, row, block);
	zero = quire_weight_zero(&rows, row, block);
	assert_int_equal(load_u16(out), fp16_ieee_from_fp32_value(scale));
	if (encoding->dtype == QUIRE_Q4_1) {
		const double offset = -(double)zero * (double)scale;
		const double stored =
		    (double)fp16_ieee_to_fp32_value(load_u16(out + 2));

		/* Half a step of f16, normal or subnormal. */
		assert_true(fabs(stored - offset) <=
			    fmax(0x1p-11 * fabs(offset), 0x1p-25));
	}
	for (uint64_t i = 0; i < 32; i++) {
		int code = encoding->dtype == QUIRE_Q8_0   ? 0
			   : encoding->dtype == QUIRE_Q4_0 ? 8
			   : zero < 0			   ? 0
				      : (int)rintf(fminf(zero, 15));

		if (col + i < kind->k)
			code = expected_code(
			    encoding, kind, zero,
			    (int)sample_code(codes, kind->bits, col + i));
		assert_int_equal(stored_code(encoding, out, i), code);
	}
}

static void check_blocks(struct rng *rng, const struct encoding *encoding,
			 const struct sample_kind *kind)
{
	const size_t size = block_size_of(encoding);
	const uint64_t blocks = (kind->k + 31) / 32;
	struct sample sample;
	struct guarded out;

	sample_make(rng, kind, &sample);
	out = encode(&sample, encoding, blocks * size, 1, kind->n - 1);
	for (uint64_t row = 1; row < kind->n; row++)
		for (uint64_t block = 0; block < blocks; block++)
			check_block(encoding, kind, &sample, row, block * 32,
				    out.data +
					((row - 1) * blocks + block) * size);
	guarded_free(&out);
	sample_discard(&sample);
}

static void test_blocks(void **state)
{
	static const int32_t types[] = { ONNX_FLOAT, ONNX_FLOAT16,
					 ONNX_BFLOAT16 };
	struct rng rng = { 2 };

	(void)state;
	for (uint64_t k = 1; k <= 290; k++)
		for (uint32_t bits = 2; bits <= 8; bits *= 2) {
			struct sample_kind kind = {
				.bits = bits,
				.block_size = UINT64_C(32)
					      << random_below(&rng, 4),
				.k = k,
				.n = 3,
				.scale_type = types[k % 3],
			};

			if (bits == 8) {
				check_blocks(&rng, &quire_encode_q8_0, &kind);
				kind.zero_kind = ZERO_PACKED;
				check_blocks(&rng, &quire_encode_q8_0, &kind);
				continue;
			}
			check_blocks(&rng, &quire_encode_q4_0, &kind);
			kind.zero_kind =
			    k % 2 == 0 ? ZERO_PACKED : ZERO_FLOAT16;
			check_blocks(&rng, &quire_encode_q4_1, &kind);
		}
}

/* Blocks of 16 in rows that end with half a block, before a guard page. */
static void test_half_blocks(void **state)
{
	struct rng rng = { 4 };

	(void)state;
	for (uint64_t k = 1; k <= 16; k++)
		for (uint32_t bits = 2; bits <= 8; bits *= 2) {
			const struct sample_kind kind = { .bits = bits,
							  .block_size = 16,
							  .k = k,
							  .n = 2,
							  .scale_type =
							      ONNX_FLOAT };

			check_blocks(&rng,
				     bits == 8 ? &quire_encode_q8_0
					       : &quire_encode_q4_0,
				     &kind);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dense),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_half_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
