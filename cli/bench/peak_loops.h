/*
 * peak_loops.h - loops that do nothing but read memory, or multiply and add,
 * as fast as one thread of this CPU can: one table for each instruction set.
 * peak.c times them.
 */
#ifndef QUIRE_CLI_BENCH_PEAK_LOOPS_H
#define QUIRE_CLI_BENCH_PEAK_LOOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the loops return depends on all that they did, so that a compiler
 * cannot leave a part of it out; it means nothing. */
struct peak_loops {
	const char *name;
	bool (*runs)(void); /* on this CPU */
	/* Reads every cache line of `size` bytes once, in order. Asks for them
	 * before, where that is faster. */
	uint64_t (*read)(const void *data, size_t size);
	/* Products of int8, summed in int32 as exactly as a matmul must. */
	uint64_t (*int8)(size_t rounds);
	uint64_t (*f32)(size_t rounds);
	/* Operations of one round; a multiplication and an addition are two. */
	size_t int8_ops, f32_ops;
};

/* Chains of operations that do not wait for each other: more than the
 * product of any CPU's latency (5 at most) and units (4 at most) needs in
 * practice, and no more than there are registers. */
#define PEAK_CHAINS 12

/* For every 256 bytes that are read, those from 256 i on, asks for a line of
 * each of four pages in the 16 KiB that follow these: a core reads on by itself
 * within a page and begins anew in the next, so it reads more in four at once.
 */
static inline void peak_ask_ahead(const void *data, size_t i)
{
	const uintptr_t page = 4096, line = 64;
	const uintptr_t next = (uintptr_t)data + (i / 64 + 1) * 4 * page;

	for (uintptr_t j = 0; j < 4; j++)
		__builtin_prefetch(
		    (const void *)(next + j * page + i % 64 * line), 0, 2);
}

/* Has the vector `v` of an x86 loop stay in its register: compilers otherwise
 * move sums about in a loop that is unrolled, which takes up more of a core
 * than the products. */
#define PEAK_HOLD(v) __asm__("" : "+v"(v))

extern const struct peak_loops quire_peak_avx512vnni;
extern const struct peak_loops quire_peak_avxvnni;
extern const struct peak_loops quire_peak_avx2;
extern const struct peak_loops quire_peak_i8mm;
extern const struct peak_loops quire_peak_dotprod;
extern const struct peak_loops quire_peak_plain;

#endif
