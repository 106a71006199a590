/*
 * unroll.h - QUIRE_UNROLL before a loop of constant length, QUIRE_INLINE before
 * a function with parameters that are constant: accumulators are in registers
 * only if all of it is unrolled and inlined. QUIRE_HOLD(v) has the vector v
 * be in an x86 register where it stands: what comes later is not begun before
 * it, for which there would be no registers. QUIRE_SPILL(a) has the array a be
 * in memory where it stands. QUIRE_APART before a function that is not to be
 * inlined, as it needs all registers.
 */
#ifndef QUIRE_KERNELS_UNROLL_H
#define QUIRE_KERNELS_UNROLL_H

#if defined(__clang__)
#define QUIRE_UNROLL	_Pragma("unroll")
#define QUIRE_NO_UNROLL _Pragma("nounroll")
#elif defined(__GNUC__)
#define QUIRE_UNROLL _Pragma("GCC unroll 16")
#define QUIRE_NO_UNROLL
#else
#define QUIRE_UNROLL
#define QUIRE_NO_UNROLL
#endif

#if defined(__GNUC__)
#define QUIRE_INLINE   static inline __attribute__((always_inline))
#define QUIRE_HOLD(v)  __asm__("" : "+v"(v))
#define QUIRE_SPILL(a) __asm__("" : "+m"(a))
#define QUIRE_APART    static __attribute__((noinline))
#else
#define QUIRE_INLINE   static inline
#define QUIRE_HOLD(v)  ((void)(v))
#define QUIRE_SPILL(a) ((void)(a))
#define QUIRE_APART    static
#endif

#endif
