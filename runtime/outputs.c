/*
 * outputs.c - the end of every product, the same for all kernels.
 */
#include <string.h>

#include "base/bytes.h"
#include "runtime/outputs.h"
#include "runtime/sizes.h"

/* The bias is bytes of the file: little-endian, at any address. */
static void load_bias(const struct kernel_table *kernels,
		      const quire_tensor *tensor, size_t first, size_t count,
		      float *bias)
{
	const unsigned char *bytes = tensor->data;

	for (size_t i = 0; i < count; i++) {
		const size_t at = first + i;
		uint32_t bits;
		uint16_t half;

		switch (tensor->dtype) {
		case QUIRE_F32:
			bias[i] = load_f32(bytes + at * sizeof(float));
			break;
		case QUIRE_F16:
			half = load_u16(bytes + at * sizeof(half));
			kernels->from_f16(&half, 1, bias + i);
			break;
		default: /* BF16, the upper half of an f32 */
			bits = (uint32_t)load_u16(bytes + at * sizeof(half))
			       << 16;
			memcpy(bias + i, &bits, sizeof(bits));
		}
	}
}

/* The address of column `col` of a row of y. */
static unsigned char *find_output(const struct request *request, size_t row,
				  size_t col)
{
	return request->y + row * request->y_row_size +
	       col * quire_plain_size(request->y_dtype);
}

void quire_prefetch_outputs(const struct request *request, size_t first_row,
			    size_t rows, size_t first_col, size_t cols)
{
	const size_t size = cols * quire_plain_size(request->y_dtype);

	for (size_t i = 0; i < rows; i++) {
		const uintptr_t y =
		    (uintptr_t)find_output(request, first_row + i, first_col);

		for (uintptr_t at = y / QUIRE_LINE_SIZE * QUIRE_LINE_SIZE;
		     at < y + size; at += QUIRE_LINE_SIZE)
			__builtin_prefetch((const void *)at, 1, 2);
	}
}

void quire_write_outputs(const struct kernel_table *kernels,
			 const struct request *request, size_t first_row,
			 size_t rows, size_t first_col, size_t cols, float *c,
			 size_t stride, float *bias)
{
	if (request->bias)
		load_bias(kernels, request->bias, first_col, cols, bias);
	for (size_t row = 0; row < rows; row++, c += stride) {
		unsigned char *y =
		    find_output(request, first_row + row, first_col);

		if (request->bias)
			for (size_t i = 0; i < cols; i++)
				c[i] += bias[i];
		if (request->y_dtype == QUIRE_F16)
			kernels->to_f16(c, cols, (uint16_t *)(void *)y);
		else
			memcpy(y, c, cols * sizeof(*c));
	}
}
