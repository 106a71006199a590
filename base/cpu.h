/*
 * cpu.h - which instructions this CPU and this operating system let us use.
 */
#ifndef QUIRE_BASE_CPU_H
#define QUIRE_BASE_CPU_H

#include <stddef.h>
#include <stdint.h>

/* One bit for each extension that a kernel may need. A bit is set only if the
 * operating system saves the registers that the extension uses, too. */
enum cpu_feature {
	CPU_AVX2 = 1 << 0,
	CPU_FMA = 1 << 1,
	CPU_F16C = 1 << 2,
	CPU_AVX512F = 1 << 3,
	CPU_AVX512BW = 1 << 4,
	CPU_AVX512VL = 1 << 5,
	CPU_AVX512VNNI = 1 << 6,
	CPU_AVX_VNNI = 1 << 7,
	CPU_NEON = 1 << 8,
	CPU_DOTPROD = 1 << 9,
	CPU_I8MM = 1 << 10,
	CPU_AVX512DQ = 1 << 11,
};

/* The features of the CPU that the caller runs on. Any thread may call it. */
uint32_t quire_cpu_features(void);

/* The CPUs that this process may use, at least 1: the default for a number of
 * threads. base/cpu_limits.h says why it is this many. Any thread may call it;
 * it opens files. */
uint32_t quire_cpu_count(void);

/* Bytes of the third-level cache; 0: the system does not say. */
size_t quire_cpu_cache_size(void);

/* For a loop that waits until another thread has written: takes few of the
 * CPU's resources, for 10 to 50 ns. */
static inline void quire_cpu_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#endif
}

#endif
