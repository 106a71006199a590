/*
 * matrix_check.c - tries mul_packed on a device whose family does not promise
 * matrices of simdgroups, as a virtual machine names an older family than that
 * of its GPU. The kernel is compiled and run once, on whole numbers: their sums
 * are exact in any order.
 */
#include <stdlib.h>
#include <string.h>

#include "metal/commands.h"
#include "metal/gpu.h"
#include "metal/params.h"

/* A little more than a tile, and than a step, in each direction. */
#define ROWS   (QUIRE_GPU_TILE_ROWS + 1)
#define X_ROWS (QUIRE_GPU_TILE_X + 1)
#define COLS   (QUIRE_GPU_STEP_COLS + 8)

/* Both are from -4 to 4, and neighbours differ. */
static int weight_at(size_t row, size_t col)
{
	return (int)((row * 7 + col * 3) % 9) - 4;
}

static int x_at(size_t row, size_t col)
{
	return (int)((row * 5 + col * 2) % 9) - 4;
}

static void put(unsigned char *out, quire_dtype dtype, size_t index, int value)
{
	static const uint16_t halves[] = { 0, 0x3C00, 0x4000, 0x4200, 0x4400 };
	const float f32 = (float)value;
	const uint16_t f16 =
	    (uint16_t)(halves[abs(value)] | (value < 0 ? 0x8000 : 0));

	if (dtype == QUIRE_F32)
		memcpy(out + index * sizeof(f32), &f32, sizeof(f32));
	else
		memcpy(out + index * sizeof(f16), &f16, sizeof(f16));
}

static bool is_right(const float *y)
{
	for (size_t m = 0; m < X_ROWS; m++)
		for (size_t n = 0; n < ROWS; n++) {
			int sum = 0;

			for (size_t k = 0; k < COLS; k++)
				sum += x_at(m, k) * weight_at(n, k);
			if (y[m * ROWS + n] != (float)sum)
				return false;
		}
	return true;
}

static quire_status multiply(struct gpu *gpu, const struct request *request)
{
	struct commands *commands;
	quire_status status = quire_commands_take(gpu, &commands, NULL);

	if (status != QUIRE_OK)
		return status;
	status = quire_commands_multiply(commands, request, NULL);
	if (status == QUIRE_OK)
		status = quire_commands_flush(commands, NULL);
	quire_commands_give(commands);
	return status;
}

/* With x and weights of this type. */
static bool check(struct gpu *gpu, quire_dtype dtype)
{
	const size_t size = quire_plain_size(dtype);
	unsigned char x[X_ROWS * COLS * sizeof(float)];
	float y[X_ROWS * ROWS] = { 0 };
	struct request request = {
		.dtype = dtype,
		.row_size = COLS * size,
		.cols = COLS,
		.n = ROWS,
		.k = COLS,
		.m = X_ROWS,
		.x = x,
		.x_dtype = dtype,
		.x_row_size = COLS * size,
		.y = (unsigned char *)y,
		.y_dtype = QUIRE_F32,
		.y_row_size = ROWS * sizeof(float),
	};
	unsigned char *weights;
	bool right;

	if (quire_gpu_own(gpu, ROWS * COLS * size, &weights, NULL) != QUIRE_OK)
		return false;
	for (size_t i = 0; i < ROWS * COLS; i++)
		put(weights, dtype, i, weight_at(i / COLS, i % COLS));
	for (size_t i = 0; i < X_ROWS * COLS; i++)
		put(x, dtype, i, x_at(i / COLS, i % COLS));
	request.weights = weights;
	right = multiply(gpu, &request) == QUIRE_OK && is_right(y);
	quire_gpu_detach(gpu, NULL);
	return right;
}

bool quire_gpu_check_matrices(struct gpu *gpu)
{
	/* With operands in f32 and in f16. */
	return check(gpu, QUIRE_F32) && check(gpu, QUIRE_F16);
}
