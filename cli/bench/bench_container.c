/*
 * bench_container.c - writes the header of a GGUF file with one key and equal
 * matrices. It is written in memory, because a file that is larger than a cache
 * would go through a disk.
 */
#include <stdio.h>
#include <string.h>

#include "cli/bench/bench_container.h"

static const char key[] = "general.alignment";

/* Names have eight digits, so that all entries have one size. */
#define NAME_DIGITS 8

/* Magic, version, two counts; the key, its type and value. For each matrix: its
 * name, rank, two dimensions, type and offset. Strings begin with their size.
 */
#define HEAD_SIZE  (4 + 4 + 8 + 8 + 8 + (sizeof(key) - 1) + 4 + 4)
#define ENTRY_SIZE (8 + NAME_DIGITS + 4 + 2 * 8 + 4 + 8)

size_t bench_container_size(size_t count)
{
	const size_t size = HEAD_SIZE + count * ENTRY_SIZE;

	return (size + BENCH_ALIGNMENT - 1) / BENCH_ALIGNMENT * BENCH_ALIGNMENT;
}

/* Little-endian. */
static unsigned char *put(unsigned char *out, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		out[i] = (unsigned char)(value >> 8 * i);
	return out + size;
}

static unsigned char *put_string(unsigned char *out, const char *text)
{
	const size_t size = strlen(text);

	out = put(out, size, sizeof(uint64_t));
	memcpy(out, text, size);
	return out + size;
}

void bench_container_write(unsigned char *out, const quire_tensor *tensor,
			   size_t count, size_t stride)
{
	char name[NAME_DIGITS + 1];

	memcpy(out, "GGUF", 4);
	out = put(out + 4, 3, 4);
	out = put(out, count, 8);
	out = put(out, 1, 8);
	out = put_string(out, key);
	out = put(out, QUIRE_VALUE_U32, 4);
	out = put(out, BENCH_ALIGNMENT, 4);
	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%08x", (unsigned)i);
		out = put_string(out, name);
		out = put(out, tensor->rank, 4);
		out = put(out, tensor->shape[0], 8);
		out = put(out, tensor->shape[1], 8);
		out = put(out, tensor->dtype, 4);
		out = put(out, i * stride, 8);
	}
}
