/*
 * peak_scalar.c - the loops in C, with the instructions that every CPU of the
 * architecture has. A compiler makes the best of them that it can.
 *
 * int8: compilers widen codes to 16 bits before they multiply. Here they are
 * widened already, so that only the products and their sums are left: in SSE2 a
 * PMADDWD and a PADDD for 8 products, which takes two loads too. A compiler
 * that multiplied in another way could only be slower: there is no instruction
 * in SSE2 that multiplies bytes.
 */
#include <string.h>

#include "cli/bench/peak_loops.h"

static bool runs(void)
{
	return true;
}

static inline uint64_t read_steps(const void *data, size_t size, bool ahead)
{
	const unsigned char *bytes = data;
	uint64_t sum[8] = { 0 };
	uint64_t total = 0;

	for (size_t i = 0; i + PEAK_STEP <= size; i += PEAK_STEP) {
		if (ahead)
			peak_prefetch(bytes + i);
		for (size_t j = 0; j < PEAK_STEP; j += sizeof(sum)) {
			uint64_t word[8];

			memcpy(word, bytes + i + j, sizeof(word));
			for (size_t k = 0; k < 8; k++)
				sum[k] += word[k];
		}
	}
	for (size_t k = 0; k < 8; k++)
		total += sum[k];
	return total;
}

static uint64_t read_all(const void *data, size_t size)
{
	return read_steps(data, size, false);
}

static uint64_t read_ahead(const void *data, size_t size)
{
	return read_steps(data, size, true);
}

/* Products of a round: both factors, 8 KiB, are in the first-level cache. They
 * are summed in four parts, which do not wait for each other. */
#define PRODUCTS 2048
#define PART	 (PRODUCTS / 4)

static uint64_t multiply_int8(size_t rounds)
{
	volatile int16_t start = 3;
	int16_t x[PRODUCTS], w[PRODUCTS];
	uint32_t total = 0;

	for (size_t j = 0; j < PRODUCTS; j++)
		x[j] = w[j] = start;
	for (size_t i = 0; i < rounds; i++) {
		int32_t a = 0, b = 0, c = 0, d = 0;

		PEAK_HOLD_MEMORY(x);
		for (size_t j = 0; j < PART; j++) {
			a += x[j] * w[j];
			b += x[j + PART] * w[j + PART];
			c += x[j + 2 * PART] * w[j + 2 * PART];
			d += x[j + 3 * PART] * w[j + 3 * PART];
		}
		total += (uint32_t)(a + b + c + d);
	}
	return total;
}

#define LANES 64

static uint64_t multiply_f32(size_t rounds)
{
	volatile float factor = 0.5F;
	const float x = factor;
	float sum[LANES];
	uint64_t total = 0;

	for (size_t j = 0; j < LANES; j++)
		sum[j] = (float)j;
	for (size_t i = 0; i < rounds; i++) {
		for (size_t j = 0; j < LANES; j++)
			sum[j] = sum[j] * x + 1.0F;
	}
	for (size_t j = 0; j < LANES; j++)
		total += (uint64_t)sum[j];
	return total;
}

const struct peak_loops quire_peak_scalar = {
	.name = "scalar",
	.runs = runs,
	.read_ahead = read_ahead,
	.read = read_all,
	.int8 = multiply_int8,
	.f32 = multiply_f32,
	.int8_ops = 2 * PRODUCTS,
	.f32_ops = 2 * LANES,
};
