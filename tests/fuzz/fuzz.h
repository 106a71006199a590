/*
 * fuzz.h - what every fuzz target defines, for libFuzzer or for replay.c.
 */
#ifndef QUIRE_TESTS_FUZZ_H
#define QUIRE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Runs one input. Returns 0; a finding ends the program. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* assert, in every type of build. */
#define FUZZ_CHECK(condition)                                                  \
	do {                                                                   \
		if (!(condition))                                              \
			abort();                                               \
	} while (0)

/* Bytes of an input that decide what happens; behind its end all are zero. */
struct fuzz_bytes {
	const uint8_t *data;
	size_t size;
};

static inline uint8_t fuzz_u8(struct fuzz_bytes *in)
{
	if (in->size == 0)
		return 0;
	in->size--;
	return *in->data++;
}

/* From one to eight bytes, so that small numbers are likely. */
static inline uint64_t fuzz_u64(struct fuzz_bytes *in)
{
	const unsigned count = fuzz_u8(in) % 9;
	uint64_t value = 0;

	for (unsigned i = 0; i < count; i++)
		value = value << 8 | fuzz_u8(in);
	return value;
}

#endif
