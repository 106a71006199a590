/*
 * decode.c - a tensor's rows as f32, and its hash. The simple definition of
 * each type that Quire writes (spec/format.md, 4); decode_foreign.c and
 * decode_iq.c have other types. The fast kernels are in runtime/.
 */
#include <fp16.h>
#include <inttypes.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "format/blocks.h"
#include "format/decode.h"
#include "format/parse.h"

static float load_f16(const unsigned char *bytes)
{
	return fp16_ieee_to_fp32_value(load_u16(bytes));
}

static void decode_f32(const unsigned char *block, float *y)
{
	*y = load_f32(block);
}

static void decode_f16(const unsigned char *block, float *y)
{
	*y = load_f16(block);
}

/* bf16 is the upper half of an f32. */
static void decode_bf16(const unsigned char *block, float *y)
{
	const uint32_t bits = (uint32_t)load_u16(block) << 16;

	memcpy(y, &bits, sizeof(*y));
}

static void decode_q4_0(const unsigned char *block, float *y)
{
	const unsigned char *codes = block + QUIRE_Q4_0_CODES;
	const float d = load_f16(block + QUIRE_BLOCK_SCALE);

	for (int i = 0; i < QUIRE_NIBBLES_SIZE; i++) {
		const int low = (codes[i] & 15) - QUIRE_Q4_0_ZERO;
		const int high = (codes[i] >> 4) - QUIRE_Q4_0_ZERO;

		y[i] = (float)low * d;
		y[i + QUIRE_NIBBLES_SIZE] = (float)high * d;
	}
}

static void decode_q4_1(const unsigned char *block, float *y)
{
	const unsigned char *codes = block + QUIRE_Q4_1_CODES;
	const float d = load_f16(block + QUIRE_BLOCK_SCALE);
	const float m = load_f16(block + QUIRE_Q4_1_MIN);

	for (int i = 0; i < QUIRE_NIBBLES_SIZE; i++) {
		y[i] = (float)(codes[i] & 15) * d + m;
		y[i + QUIRE_NIBBLES_SIZE] = (float)(codes[i] >> 4) * d + m;
	}
}

static void decode_q8_0(const unsigned char *block, float *y)
{
	const unsigned char *codes = block + QUIRE_Q8_0_CODES;
	const float d = load_f16(block + QUIRE_BLOCK_SCALE);

	for (int i = 0; i < QUIRE_BLOCK_COLS; i++)
		y[i] = (float)(int8_t)codes[i] * d;
}

static quire_decode_function *find_decoder(quire_dtype dtype)
{
	switch (dtype) {
	case QUIRE_F32:
		return decode_f32;
	case QUIRE_F16:
		return decode_f16;
	case QUIRE_BF16:
		return decode_bf16;
	case QUIRE_Q4_0:
		return decode_q4_0;
	case QUIRE_Q4_1:
		return decode_q4_1;
	case QUIRE_Q8_0:
		return decode_q8_0;
	}
	return quire_decoder_foreign(dtype);
}

static quire_status not_decoded(const quire_tensor *tensor, quire_error *error)
{
	const char *name = quire_dtype_name(tensor->dtype);

	return quire_fail(error, QUIRE_ERROR_UNSUPPORTED, tensor->offset,
			  "tensor '%.*s': %s%s is not decoded",
			  QUIRE_PRINT(tensor->name),
			  name ? "type " : "its type", name ? name : "");
}

quire_status quire_decode_rows(const quire_tensor *tensor, uint64_t first,
			       uint64_t rows, uint64_t cols, float *y,
			       quire_error *error)
{
	quire_decode_function *const decode = find_decoder(tensor->dtype);
	const uint64_t row_count =
	    tensor->shape[1] * tensor->shape[2] * tensor->shape[3];
	const unsigned char *bytes = tensor->data;
	uint32_t block_count, block_size;
	uint64_t row_size;
	float block[QUIRE_SUPER_COLS]; /* the largest block */

	if (!decode)
		return not_decoded(tensor, error);
	if (first > row_count || rows > row_count - first ||
	    cols > tensor->shape[0])
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, tensor->offset,
				  "tensor '%.*s': rows %" PRIu64 " to %" PRIu64
				  " by %" PRIu64 " of %" PRIu64 " by %" PRIu64,
				  QUIRE_PRINT(tensor->name), first,
				  first + rows, cols, row_count,
				  tensor->shape[0]);
	quire_dtype_block(tensor->dtype, &block_count, &block_size);
	row_size = tensor->shape[0] / block_count * block_size;
	for (uint64_t row = first; row < first + rows; row++)
		for (uint64_t k = 0; k < cols; k += block_count) {
			const uint64_t rest = cols - k;
			const uint64_t count =
			    rest < block_count ? rest : block_count;

			decode(bytes + row * row_size +
				   k / block_count * block_size,
			       block);
			memcpy(y, block, (size_t)count * sizeof(*y));
			y += count;
		}
	return QUIRE_OK;
}

uint64_t quire_tensor_hash(const quire_tensor *tensor)
{
	return quire_hash_bytes(tensor->data, (size_t)tensor->size);
}
