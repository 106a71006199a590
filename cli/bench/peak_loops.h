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

/*
 * The limits are those of the fastest mix of instructions that a kernel for
 * 4-bit codes could use, from registers, at nothing but the least number of
 * them that products need: no kernel of the set can be faster, and one that
 * loads and scales is slower. Each file derives its own.
 *
 * A loop uses all of its work, so that a compiler cannot leave out a part of
 * it; the result has no meaning.
 */
struct peak_loops {
	const char *name;   /* the kernel set's */
	bool (*runs)(void); /* on this CPU */
	/* Read every cache line of `size` bytes once, in order: with prefetches
	 * as the kernels make them, and without. Which one is faster depends on
	 * the CPU. */
	uint64_t (*read_ahead)(const void *data, size_t size);
	uint64_t (*read)(const void *data, size_t size);
	/* Products of int8, summed in int32 for each 32 columns. */
	uint64_t (*int8)(size_t rounds);
	uint64_t (*f32)(size_t rounds);
	/* Operations of one round; a multiplication and an addition are two. */
	size_t int8_ops, f32_ops;
};

/* Chains of operations that do not wait for each other. In practice this is
 * enough for the product of latency (at most 5) and units (at most 4) of any
 * CPU, and not more than there are registers. */
#define PEAK_CHAINS 12

/* Lines of 64 bytes, pages of 4096. */
enum {
	PEAK_LINE = 64,
	PEAK_PAGE = 4096,
	PEAK_STEP = 4 * PEAK_LINE,
	PEAK_WINDOW = 4 * PEAK_PAGE,
};

/* Called for each PEAK_STEP bytes at `at`: prefetches a line of each of four
 * pages 24 KiB ahead into the second-level cache, and what is 6 KiB ahead into
 * the first, as runtime/kernels/prefetch.h does. A core prefetches by itself
 * within a page only, so it reads more from four pages at once. */
static inline void peak_prefetch(const void *at)
{
	const uintptr_t near = (uintptr_t)at + 6144;
	const uintptr_t far = (uintptr_t)at + 24576;
	const uintptr_t window = far / PEAK_WINDOW * PEAK_WINDOW;
	const uintptr_t in_page = far % PEAK_WINDOW / PEAK_STEP * PEAK_LINE;

	for (uintptr_t j = 0; j < 4; j++) {
		__builtin_prefetch(
		    (const void *)(window + j * PEAK_PAGE + in_page), 0, 2);
		__builtin_prefetch((const void *)(near + j * PEAK_LINE), 0, 3);
	}
}

/* Keeps the vector `v` of a loop in its register, as if its value were not
 * known from here on. In an unrolled loop compilers otherwise move sums between
 * registers, which takes more time than the products. */
#if defined(__aarch64__)
#define PEAK_HOLD(v) __asm__("" : "+w"(v))
#else
#define PEAK_HOLD(v) __asm__("" : "+v"(v))
#endif

/* Uses `v`, so that the work for it is not left out. */
#if defined(__aarch64__)
#define PEAK_USE(v) __asm__ volatile("" : : "w"(v))
#else
#define PEAK_USE(v) __asm__ volatile("" : : "v"(v))
#endif

/* As if the array `a` had been written to. */
#define PEAK_HOLD_MEMORY(a) __asm__("" : "+m"(a))

extern const struct peak_loops quire_peak_avx512vnni;
extern const struct peak_loops quire_peak_avxvnni;
extern const struct peak_loops quire_peak_avx2;
extern const struct peak_loops quire_peak_i8mm;
extern const struct peak_loops quire_peak_dotprod;
extern const struct peak_loops quire_peak_neon;
extern const struct peak_loops quire_peak_scalar;

#endif
