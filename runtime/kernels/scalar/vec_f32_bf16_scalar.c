/*
 * vec_f32_bf16_scalar.c - one row of x by rows of BF16, in f32: blocks of 32
 * columns are summed, and then the sums of the blocks.
 */
#include "base/bytes.h"
#include "runtime/kernels/scalar/kernels_scalar.h"
#include "runtime/kernels/widen.h"

static float dot_block(const unsigned char *row, const float *x, size_t count)
{
	float sum = 0.0F;

	for (size_t i = 0; i < count; i++)
		sum += x[i] * widen_bf16(load_u16(row + 2 * i));
	return sum;
}

void quire_vec_f32_bf16_scalar(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x, float *y)
{
	const size_t item_size = 2;
	const unsigned char *row = weights;
	const float *columns = x;

	for (size_t i = 0; i < rows; i++, row += row_size) {
		float sum = 0.0F;

		for (size_t j = 0; j < k; j += QUIRE_BLOCK_COLS) {
			const size_t rest = k - j;

			sum += dot_block(
			    row + j * item_size, columns + j,
			    rest < QUIRE_BLOCK_COLS ? rest : QUIRE_BLOCK_COLS);
		}
		y[i] = sum;
	}
}
