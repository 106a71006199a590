/*
 * widen.h - one BF16 as f32. For kernels only.
 */
#ifndef QUIRE_RUNTIME_KERNELS_WIDEN_H
#define QUIRE_RUNTIME_KERNELS_WIDEN_H

#include <stdint.h>
#include <string.h>

/* A BF16 is the upper half of an f32. */
static inline float widen_bf16(uint16_t item)
{
	const uint32_t bits = (uint32_t)item << 16;
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

#endif
