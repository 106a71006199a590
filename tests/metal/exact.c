/*
 * exact.c - decoding, written again from spec/format.md, and sums in f64.
 */
#include "tests/metal/exact.h"

#include <fp16.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"

#define BLOCK 32

/* Half the distance from 1 to the next f32, and the largest number that a GPU
 * may flush to 0. */
#define UNIT  0x1p-24
#define FLUSH 0x1p-126

/* A weight, and the sum of the magnitudes that it is computed from. */
struct decoded {
	double value, size;
};

size_t exact_row_size(quire_dtype weights, size_t k)
{
	uint32_t count, size;

	assert_true(quire_dtype_block(weights, &count, &size));
	return (k + count - 1) / count * size;
}

float exact_load(const void *numbers, quire_dtype dtype, size_t index)
{
	const unsigned char *bytes = numbers;
	uint16_t half;
	uint32_t bits;
	float value;

	if (dtype == QUIRE_F32) {
		memcpy(&value, bytes + 4 * index, sizeof(value));
		return value;
	}
	memcpy(&half, bytes + 2 * index, sizeof(half));
	if (dtype == QUIRE_F16)
		return fp16_ieee_to_fp32_value(half);
	bits = (uint32_t)half << 16;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

void exact_store(void *numbers, quire_dtype dtype, size_t index, float value)
{
	unsigned char *bytes = numbers;
	uint32_t bits;
	uint16_t half = fp16_ieee_from_fp32_value(value);

	if (dtype == QUIRE_F32) {
		memcpy(bytes + 4 * index, &value, sizeof(value));
		return;
	}
	memcpy(&bits, &value, sizeof(bits));
	if (dtype == QUIRE_BF16)
		half = (uint16_t)(bits >> 16);
	memcpy(bytes + 2 * index, &half, sizeof(half));
}

static int nibble(const unsigned char *codes, size_t col)
{
	return col < BLOCK / 2 ? codes[col] & 15 : codes[col - BLOCK / 2] >> 4;
}

static struct decoded decode(quire_dtype dtype, const unsigned char *row,
			     size_t col)
{
	const unsigned char *block =
	    row + col / BLOCK * exact_row_size(dtype, BLOCK);
	const double scale = exact_load(block, QUIRE_F16, 0);
	double code, least;

	col %= BLOCK;
	switch (dtype) {
	case QUIRE_Q4_0:
		code = nibble(block + 2, col);
		return (struct decoded){ (code - 8) * scale,
					 (code + 8) * fabs(scale) };
	case QUIRE_Q4_1:
		code = nibble(block + 4, col);
		least = exact_load(block, QUIRE_F16, 1);
		return (struct decoded){ code * scale + least,
					 code * fabs(scale) + fabs(least) };
	case QUIRE_Q8_0:
		code = (signed char)block[2 + col];
		break;
	default:
		fail_msg("type %d", (int)dtype);
		return (struct decoded){ 0, 0 };
	}
	return (struct decoded){ code * scale, fabs(code * scale) };
}

static struct decoded *decode_row(const struct exact *product, size_t n)
{
	const size_t k = product->k;
	const unsigned char *row =
	    product->w + n * exact_row_size(product->weights, k);
	struct decoded *weights = malloc((k + 1) * sizeof(*weights));

	assert_non_null(weights);
	for (size_t i = 0; i < k; i++) {
		if (product->weights == QUIRE_F32 ||
		    product->weights == QUIRE_F16) {
			const double w = exact_load(row, product->weights, i);

			weights[i] = (struct decoded){ w, fabs(w) };
		} else {
			weights[i] = decode(product->weights, row, i);
		}
	}
	return weights;
}

static double *decode_x(const struct exact *product)
{
	double *x = malloc((product->m * product->k + 1) * sizeof(*x));

	assert_non_null(x);
	for (size_t m = 0; m < product->m; m++)
		for (size_t i = 0; i < product->k; i++)
			x[m * product->k + i] =
			    exact_load(product->x, product->x_dtype,
				       m * product->x_stride + i);
	return x;
}

/* The sum with the bias, and the sum of magnitudes without it. */
static struct decoded sum(const struct exact *product,
			  const struct decoded *weights, const double *x,
			  size_t n)
{
	struct decoded total = { 0, 0 };

	for (size_t i = 0; i < product->k; i++) {
		total.value += x[i] * weights[i].value;
		total.size += fabs(x[i]) * weights[i].size;
	}
	if (product->bias)
		total.value +=
		    exact_load(product->bias, product->bias_dtype, n);
	return total;
}

/* The most roundings between one product and the sum that includes it. */
static double roundings(enum exact_kernel kernel, size_t k)
{
	const double steps = ceil((double)k / BLOCK / 16);

	switch (kernel) {
	case EXACT_GEMV:
		return steps + 32;
	case EXACT_SMALL:
		return 16 * steps + 8;
	case EXACT_PACKED:
	case EXACT_ANY:
		break;
	}
	return (double)k + 40;
}

/* How far y may be from the sum after so many roundings. */
static double bound_of(double d, size_t k, const struct decoded *want,
		       quire_dtype y_dtype)
{
	double bound = d / (1 - d) * want->size + (double)k * FLUSH;

	bound += UNIT * (fabs(want->value) + bound);
	if (y_dtype == QUIRE_F16)
		bound += 0x1p-11 * (fabs(want->value) + bound) + 0x1p-25;
	return bound;
}

static void check_one(const struct exact *product, enum exact_kernel kernel,
		      const struct decoded *want, size_t m, size_t n,
		      double got, quire_dtype y_dtype, const char *what)
{
	const size_t k = product->k;
	double goal = want->value;
	double bound = bound_of(roundings(kernel, k) * UNIT, k, want, y_dtype);

	for (int i = 0; i < 2; i++) {
		if (!(fabs(got - goal) <= bound))
			fail_msg("%s: type %d, m %zu of %zu, n %zu of %zu, "
				 "k %zu: %g, not %s %g +- %g",
				 what, (int)product->weights, m, product->m, n,
				 product->n, k, got, i ? "the CPU's" : "", goal,
				 bound);
		if (!product->cpu)
			return;
		/* How far y may be from another computed sum, which has the
		 * same error. */
		goal = product->cpu[m * product->n + n];
		bound += bound_of(roundings(EXACT_ANY, k) * UNIT, k, want,
				  QUIRE_F32);
	}
}

void exact_check(const struct exact *product, enum exact_kernel kernel,
		 const void *y, quire_dtype y_dtype, size_t y_stride,
		 const char *what)
{
	double *x = decode_x(product);

	for (size_t n = 0; n < product->n; n++) {
		struct decoded *weights = decode_row(product, n);

		for (size_t m = 0; m < product->m; m++) {
			const struct decoded want =
			    sum(product, weights, x + m * product->k, n);

			check_one(product, kernel, &want, m, n,
				  exact_load(y, y_dtype, m * y_stride + n),
				  y_dtype, what);
		}
		free(weights);
	}
	free(x);
}
