/*
 * peak_plain.c - the loops in C, for a CPU without loops of its own. What the
 * compiler makes of them is near its limit, but not the limit.
 */
#include <string.h>

#include "cli/bench/peak_loops.h"

static bool runs(void)
{
	return true;
}

static uint64_t read_all(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	uint64_t sum[8] = { 0 };
	uint64_t total = 0;

	for (size_t i = 0; i + sizeof(sum) <= size; i += sizeof(sum)) {
		uint64_t word[8];

		memcpy(word, bytes + i, sizeof(word));
		for (size_t j = 0; j < 8; j++)
			sum[j] += word[j];
	}
	for (size_t j = 0; j < 8; j++)
		total += sum[j];
	return total;
}

#define LANES 64

static uint64_t multiply_int8(size_t rounds)
{
	volatile int8_t start = 3;
	int8_t x[LANES];
	int32_t sum[LANES] = { 0 };
	uint64_t total = 0;

	memset(x, start, sizeof(x));
	for (size_t i = 0; i < rounds; i++) {
		for (size_t j = 0; j < LANES; j++)
			sum[j] = (int32_t)((uint32_t)sum[j] +
					   (uint32_t)(x[j] * (int8_t)(i + j)));
	}
	for (size_t j = 0; j < LANES; j++)
		total += (uint64_t)sum[j];
	return total;
}

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

const struct peak_loops quire_peak_plain = {
	.name = "plain",
	.runs = runs,
	.read = read_all,
	.int8 = multiply_int8,
	.f32 = multiply_f32,
	.int8_ops = 2 * LANES,
	.f32_ops = 2 * LANES,
};
