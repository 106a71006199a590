/*
 * peak_loops.h - loops that only read memory, or only multiply and add, as fast
 * as one thread of this CPU can: one table for each instruction set. peak.c
 * times them.
 */
#ifndef QUIRE_CLI_BENCH_PEAK_LOOPS_H
#define QUIRE_CLI_BENCH_PEAK_LOOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The result of a loop depends on all of its work, so that a compiler cannot
 * leave out a part of it; it has no meaning. */
struct peak_loops {
	const char *name;
	bool (*runs)(void); /* on this CPU */
	/* Reads every cache line of `size` bytes once, in order. Prefetches
	 * them where that is faster. */
	uint64_t (*read)(const void *data, size_t size);
	/* Products of int8, summed in int32, as in a matmul. */
	uint64_t (*int8)(size_t rounds);
	uint64_t (*f32)(size_t rounds);
	/* Operations of one round; a multiplication and an addition are two. */
	size_t int8_ops, f32_ops;
};

/* Chains of operations that do not wait for each other. In practice this is
 * enough for the product of latency (at most 5) and units (at most 4) of any
 * CPU, and not more than there are registers. */
#define PEAK_CHAINS 12

/* Called for each 256 bytes from 256 i on: prefetches a line of each of the
 * four pages in the next 16 KiB. A core prefetches by itself within a page
 * only, so it reads more from four pages at once. */
static inline void peak_ask_ahead(const void *data, size_t i)
{
	const uintptr_t page = 4096, line = 64;
	const uintptr_t next = (uintptr_t)data + (i / 64 + 1) * 4 * page;

	for (uintptr_t j = 0; j < 4; j++)
		__builtin_prefetch(
		    (const void *)(next + j * page + i % 64 * line), 0, 2);
}

/* Keeps the vector `v` of an x86 loop in its register. In an unrolled loop
 * compilers otherwise move sums between registers, which takes more time than
 * the products. */
#define PEAK_HOLD(v) __asm__("" : "+v"(v))

extern const struct peak_loops quire_peak_avx512vnni;
extern const struct peak_loops quire_peak_avxvnni;
extern const struct peak_loops quire_peak_avx2;
extern const struct peak_loops quire_peak_i8mm;
extern const struct peak_loops quire_peak_dotprod;
extern const struct peak_loops quire_peak_plain;

#endif
