/*
 * cast.c - every cast goes through f32, which holds all of f16 and bf16. So
 * does a bias of INT32.
 */
#include <fp16.h>
#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "convert/encode/encode.h"

/* Elements that are read together. */
#define PIECE_COUNT ((size_t)1 << 16)

static float from_bf16(uint16_t bits)
{
	unsigned char bytes[4] = { 0 };

	store_u16(bytes + 2, bits);
	return load_f32(bytes);
}

/* The upper half of an f32, rounded to nearest, ties to even. A NaN stays a
 * NaN. */
static uint16_t to_bf16(float value)
{
	unsigned char bytes[4];
	uint32_t bits;

	store_f32(bytes, value);
	bits = load_u32(bytes);
	if (isnan(value))
		return (uint16_t)(bits >> 16 | 0x40);
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void f32_to_f16(const unsigned char *in, size_t count,
		       unsigned char *out)
{
	for (size_t i = 0; i < count; i++)
		store_u16(out + 2 * i,
			  fp16_ieee_from_fp32_value(load_f32(in + 4 * i)));
}

static void f32_to_bf16(const unsigned char *in, size_t count,
			unsigned char *out)
{
	for (size_t i = 0; i < count; i++)
		store_u16(out + 2 * i, to_bf16(load_f32(in + 4 * i)));
}

static void f16_to_f32(const unsigned char *in, size_t count,
		       unsigned char *out)
{
	for (size_t i = 0; i < count; i++)
		store_f32(out + 4 * i,
			  fp16_ieee_to_fp32_value(load_u16(in + 2 * i)));
}

static void f16_to_bf16(const unsigned char *in, size_t count,
			unsigned char *out)
{
	for (size_t i = 0; i < count; i++)
		store_u16(out + 2 * i, to_bf16(fp16_ieee_to_fp32_value(
					   load_u16(in + 2 * i))));
}

static void bf16_to_f32(const unsigned char *in, size_t count,
			unsigned char *out)
{
	for (size_t i = 0; i < count; i++)
		store_f32(out + 4 * i, from_bf16(load_u16(in + 2 * i)));
}

static void bf16_to_f16(const unsigned char *in, size_t count,
			unsigned char *out)
{
	for (size_t i = 0; i < count; i++)
		store_u16(out + 2 * i, fp16_ieee_from_fp32_value(
					   from_bf16(load_u16(in + 2 * i))));
}

static const struct cast casts[] = {
	{ QUIRE_F32, QUIRE_F16, 4, 2, f32_to_f16 },
	{ QUIRE_F32, QUIRE_BF16, 4, 2, f32_to_bf16 },
	{ QUIRE_F16, QUIRE_F32, 2, 4, f16_to_f32 },
	{ QUIRE_F16, QUIRE_BF16, 2, 2, f16_to_bf16 },
	{ QUIRE_BF16, QUIRE_F32, 2, 4, bf16_to_f32 },
	{ QUIRE_BF16, QUIRE_F16, 2, 2, bf16_to_f16 },
};

const struct cast *quire_cast_find(quire_dtype from, quire_dtype to)
{
	for (size_t i = 0; i < sizeof(casts) / sizeof(casts[0]); i++)
		if (casts[i].from == from && casts[i].to == to)
			return &casts[i];
	return NULL;
}

static float load(quire_dtype dtype, const unsigned char *bytes)
{
	if (dtype == QUIRE_F32)
		return load_f32(bytes);
	return dtype == QUIRE_F16 ? fp16_ieee_to_fp32_value(load_u16(bytes))
				  : from_bf16(load_u16(bytes));
}

static void look_at(double before, double after, struct cast_scan *scan)
{
	double error;

	if (before == after || (isnan(before) && isnan(after)))
		return;
	scan->exact = false;
	if (!isfinite(after)) {
		scan->lost = true;
		scan->lost_value = before;
		return;
	}
	error = fabs(after - before) / fabs(before);
	scan->error_max = fmax(scan->error_max, error);
	scan->error_mean += error;
}

static quire_status scan_pieces(const struct cast *cast,
				const struct onnx_value *value,
				unsigned char *in, unsigned char *out,
				struct cast_scan *scan, quire_error *error)
{
	quire_status status = QUIRE_OK;
	uint64_t first = 0;

	while (first < value->count && status == QUIRE_OK) {
		const uint64_t left = value->count - first;
		const size_t count =
		    left < PIECE_COUNT ? (size_t)left : PIECE_COUNT;

		status = quire_onnx_read(value, first * cast->from_width, in,
					 count * cast->from_width, error);
		if (status != QUIRE_OK)
			break;
		cast->convert(in, count, out);
		for (size_t i = 0; i < count; i++)
			look_at(
			    (double)load(cast->from, in + i * cast->from_width),
			    (double)load(cast->to, out + i * cast->to_width),
			    scan);
		first += count;
	}
	return status;
}

quire_status quire_cast_scan(const struct cast *cast,
			     const struct onnx_value *value,
			     struct cast_scan *scan, quire_error *error)
{
	unsigned char *in = malloc(PIECE_COUNT * cast->from_width);
	unsigned char *out = malloc(PIECE_COUNT * cast->to_width);
	struct cast_scan seen = { .exact = true };
	quire_status status;

	if (!in || !out) {
		status = quire_fail_memory(error, PIECE_COUNT * 4);
		goto out;
	}
	status = quire_onnx_file_acquire(value->file, error);
	if (status != QUIRE_OK)
		goto out;
	status = scan_pieces(cast, value, in, out, &seen, error);
	quire_onnx_file_release(value->file);
	if (status == QUIRE_OK) {
		seen.error_mean /= (double)value->count;
		*scan = seen;
	}
out:
	free(in);
	free(out);
	return status;
}

/* ------------------------------------------------------------------ biases */

/* Multiplies `count` factors by a scale. */
static quire_status multiply(const struct bias_scale *scale, uint64_t count,
			     float *factors, quire_error *error)
{
	const struct onnx_value *value = scale->value;
	float *numbers;
	unsigned char *bytes;
	quire_status status;

	if (!value)
		return QUIRE_OK;
	numbers = malloc((size_t)value->count * sizeof(*numbers) + 1);
	bytes = malloc((size_t)value->size + 1);
	status = numbers && bytes ? quire_onnx_read_all(value, bytes, error)
				  : quire_fail_memory(error, value->size);
	if (status == QUIRE_OK) {
		quire_onnx_floats(value->type, bytes, 0, (size_t)value->count,
				  numbers);
		quire_casts_round(scale->casts, numbers, (size_t)value->count);
		for (uint64_t i = 0; i < count; i++)
			factors[i] *= numbers[value->count == 1 ? 0 : i];
	}
	free(numbers);
	free(bytes);
	return status;
}

quire_status quire_bias_dequantize(const struct weight_bias *bias,
				   unsigned char *out, quire_error *error)
{
	const uint64_t count = bias->value->count;
	float *factors = malloc((size_t)count * sizeof(*factors) + 1);
	quire_status status = factors
				  ? quire_onnx_read_all(bias->value, out, error)
				  : quire_fail_memory(error, bias->value->size);

	for (uint64_t i = 0; i < count && status == QUIRE_OK; i++)
		factors[i] = 1;
	for (size_t i = 0; i < 2 && status == QUIRE_OK; i++)
		status = multiply(&bias->scales[i], count, factors, error);
	for (uint64_t i = 0; i < count && status == QUIRE_OK; i++)
		store_f32(out + 4 * i,
			  (float)(int32_t)load_u32(out + 4 * i) * factors[i]);
	free(factors);
	return status;
}
