/*
 * bytes.h - little-endian fields at any address, and arithmetic that checks for
 * overflow. Bytes of a file become numbers through these functions only.
 */
#ifndef QUIRE_BASE_BYTES_H
#define QUIRE_BASE_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t load_u16(const void *bytes)
{
	const unsigned char *b = bytes;

	return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t load_u32(const void *bytes)
{
	const unsigned char *b = bytes;

	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
	       (uint32_t)b[3] << 24;
}

static inline uint64_t load_u64(const void *bytes)
{
	const unsigned char *b = bytes;

	return (uint64_t)load_u32(b) | (uint64_t)load_u32(b + 4) << 32;
}

static inline float load_f32(const void *bytes)
{
	const uint32_t bits = load_u32(bytes);
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static inline double load_f64(const void *bytes)
{
	const uint64_t bits = load_u64(bytes);
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static inline void store_u16(void *bytes, uint16_t value)
{
	unsigned char *b = bytes;

	b[0] = (unsigned char)value;
	b[1] = (unsigned char)(value >> 8);
}

static inline void store_u32(void *bytes, uint32_t value)
{
	unsigned char *b = bytes;

	store_u16(b, (uint16_t)value);
	store_u16(b + 2, (uint16_t)(value >> 16));
}

/* Compilers do not merge eight stores of a byte into one. Where memory is
 * little-endian, copying the value is one store. */
static inline void store_u64(void *bytes, uint64_t value)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(bytes, &value, sizeof(value));
#else
	unsigned char *b = bytes;

	store_u32(b, (uint32_t)value);
	store_u32(b + 4, (uint32_t)(value >> 32));
#endif
}

static inline void store_f32(void *bytes, float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	store_u32(bytes, bits);
}

/* *sum = a + b, or false and *sum untouched if that overflows. */
static inline bool checked_add(uint64_t a, uint64_t b, uint64_t *sum)
{
	if (a > UINT64_MAX - b)
		return false;
	*sum = a + b;
	return true;
}

/* *product = a * b, or false and *product untouched if that overflows. */
static inline bool checked_mul(uint64_t a, uint64_t b, uint64_t *product)
{
	if (b != 0 && a > UINT64_MAX / b)
		return false;
	*product = a * b;
	return true;
}

/* *padded = value rounded up to a multiple of `alignment`, a power of two. */
static inline bool checked_pad(uint64_t value, uint64_t alignment,
			       uint64_t *padded)
{
	if (!checked_add(value, alignment - 1, padded))
		return false;
	*padded &= ~(alignment - 1);
	return true;
}

#endif
