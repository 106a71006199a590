/*
 * bench_weights.c - makes random matrices. The speed of a kernel does not
 * depend on the numbers if they are normal: scales and floats are between 2^-7
 * and 2^-5.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "cli/bench/bench_container.h"
#include "cli/bench/bench_weights.h"

/* Eight times the usual last-level cache for one core; or four times the size
 * that the system reports. */
#define LEAST_SIZE ((size_t)256 << 20)

/* The matrices are filled with copies of this pattern. */
#define PATTERN_COUNT 32768 /* blocks, or elements of a plain type */

static size_t wanted_size(void)
{
	const size_t cache = quire_cpu_cache_size();

	return cache > LEAST_SIZE / 4 ? cache * 4 : LEAST_SIZE;
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static void put_u16(unsigned char *out, uint32_t value)
{
	out[0] = (unsigned char)value;
	out[1] = (unsigned char)(value >> 8);
}

/* The random bits of sign and mantissa, and the bits of the exponent. */
#define F16_RANDOM   0x87FFU
#define F16_EXPONENT 0x2000U
#define F32_RANDOM   0x80FFFFFFU
#define F32_EXPONENT 0x3C000000U

static void make_block(unsigned char *out, quire_dtype dtype, uint32_t size,
		       uint32_t *state)
{
	const uint32_t random = next_random(state);
	const uint32_t f32 = (random & F32_RANDOM) | F32_EXPONENT;

	for (uint32_t i = 0; i < size; i++)
		out[i] = (unsigned char)(next_random(state) >> 16);
	switch (dtype) {
	case QUIRE_F32:
		put_u16(out, f32);
		put_u16(out + 2, f32 >> 16);
		return;
	case QUIRE_BF16:
		put_u16(out, f32 >> 16);
		return;
	case QUIRE_Q4_1:
		put_u16(out + 2, (random >> 16 & F16_RANDOM) | F16_EXPONENT);
		break;
	case QUIRE_F16:
	case QUIRE_Q4_0:
	case QUIRE_Q8_0:
		break;
	}
	put_u16(out, (random & F16_RANDOM) | F16_EXPONENT);
}

static void fill(unsigned char *out, size_t size, quire_dtype dtype,
		 uint32_t block_size)
{
	static const size_t most = PATTERN_COUNT;
	const size_t blocks = size / block_size;
	const size_t made = blocks < most ? blocks : most;
	const size_t period = made * block_size;
	uint32_t state = 1;

	for (size_t i = 0; i < made; i++)
		make_block(out + i * block_size, dtype, block_size, &state);
	for (size_t at = period; at < size; at += period)
		memcpy(out + at, out, size - at < period ? size - at : period);
}

static bool allocate(struct bench_weights *weights, size_t size)
{
	weights->memory = quire_memory_take(size);
	if (!weights->memory)
		return false;
	weights->size = size;
	quire_memory_use_small_pages(weights->memory, size);
	return true;
}

/* Takes the matrices of the model that belong to the group. */
static bool take_model(struct bench_weights *weights, const quire_model *model,
		       const struct bench_group *group, size_t more)
{
	const size_t count = model ? quire_model_linear_count(model) : 0;

	weights->tensors = malloc((count + more) * sizeof(quire_tensor));
	if (!weights->tensors)
		return false;
	for (size_t i = 0; i < count; i++) {
		const quire_linear *linear = quire_model_linear(model, i);

		if (linear->k == group->shape.k &&
		    linear->n == group->shape.n &&
		    linear->weight->dtype == group->weights)
			weights->tensors[weights->count++] = *linear->weight;
	}
	return true;
}

static bool needs_model(const struct bench_plan *plan)
{
	return plan->prepack || plan->device != QUIRE_DEVICE_CPU;
}

/* Makes a model of the matrices, if they are attached or prepacked. */
static bool make_model(struct bench_weights *weights,
		       const struct bench_plan *plan,
		       const quire_tensor *tensor, size_t count, size_t stride)
{
	if (!needs_model(plan))
		return true;
	bench_container_write(weights->memory, tensor, count, stride);
	return quire_model_open_memory(weights->memory, weights->size, NULL,
				       &weights->made, NULL) == QUIRE_OK;
}

bool bench_weights_make(struct bench_weights *weights,
			const struct bench_plan *plan,
			const struct bench_group *group)
{
	const size_t wanted = wanted_size();
	uint32_t block_count, block_size;
	quire_tensor tensor = {
		.dtype = group->weights,
		.rank = 2,
		.shape = { 0, group->shape.n, 1, 1 },
	};
	size_t stride, count, header;

	*weights = (struct bench_weights){ .tensors = NULL };
	quire_dtype_block(group->weights, &block_count, &block_size);
	tensor.shape[0] = (group->shape.k + block_count - 1) / block_count;
	tensor.size = tensor.shape[0] * block_size * group->shape.n;
	tensor.shape[0] *= block_count;
	stride = (size_t)(tensor.size + BENCH_ALIGNMENT - 1) / BENCH_ALIGNMENT *
		 BENCH_ALIGNMENT;
	count = (wanted + stride - 1) / stride;
	header = needs_model(plan) ? bench_container_size(count) : 0;
	if (!take_model(weights, plan->model, group, count) ||
	    !allocate(weights, header + count * stride) ||
	    !make_model(weights, plan, &tensor, count, stride)) {
		bench_weights_free(weights);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		unsigned char *data = weights->memory + header + i * stride;

		tensor.data = data;
		fill(data, (size_t)tensor.size, group->weights, block_size);
		if (weights->count * stride < wanted)
			weights->tensors[weights->count++] = tensor;
	}
	return true;
}

void bench_weights_free(struct bench_weights *weights)
{
	quire_model_close(weights->made);
	if (weights->memory)
		quire_memory_give(weights->memory, weights->size);
	free(weights->tensors);
	*weights = (struct bench_weights){ .tensors = NULL };
}

const quire_tensor *bench_weights_next(struct bench_weights *weights)
{
	const quire_tensor *tensor = &weights->tensors[weights->next];

	weights->next = (weights->next + 1) % weights->count;
	return tensor;
}
