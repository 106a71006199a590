/*
 * outputs.c - the end of every product, whatever the kernel.
 */
#include "runtime/outputs.h"

#include <string.h>

#include "format/bytes.h"

/* The bias comes from the file: little-endian, at any address. */
static void load_bias(const struct kernel_set *set, const quire_tensor *tensor,
		      size_t first, size_t count, float *bias)
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
			set->from_f16(&half, 1, bias + i);
			break;
		default: /* BF16, the upper half of an f32 */
			bits = (uint32_t)load_u16(bytes + at * sizeof(half))
			       << 16;
			memcpy(bias + i, &bits, sizeof(bits));
		}
	}
}

void quire_write_outputs(const struct kernel_set *set,
			 const struct request *request, size_t first_row,
			 size_t rows, size_t first_col, size_t cols, float *c,
			 size_t stride, float *bias)
{
	const size_t item_size = quire_plain_size(request->y_dtype);

	if (request->bias)
		load_bias(set, request->bias, first_col, cols, bias);
	for (size_t row = 0; row < rows; row++, c += stride) {
		unsigned char *y = request->y +
				   (first_row + row) * request->y_row_size +
				   first_col * item_size;

		if (request->bias)
			for (size_t i = 0; i < cols; i++)
				c[i] += bias[i];
		if (request->y_dtype == QUIRE_F16)
			set->to_f16(c, cols, (uint16_t *)(void *)y);
		else
			memcpy(y, c, cols * sizeof(*c));
	}
}
