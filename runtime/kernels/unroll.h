/*
 * unroll.h - macros that keep a kernel's sums in registers. They stay there
 * only if all loops are unrolled and all functions inlined.
 *
 * QUIRE_UNROLL: before a loop of constant length. Not with sanitizers, whose
 * checks of unrolled loops take a compiler minutes.
 * QUIRE_NO_UNROLL: before a loop that clang unrolls and should not.
 * QUIRE_INLINE: before a function that takes constant arguments.
 * QUIRE_APART: before a function that needs all registers, so is not inlined.
 * QUIRE_HOLD(v): the vector v is in an x86 register at this point. The compiler
 * cannot start later work before it, for which registers would not suffice.
 * QUIRE_SPILL(a): the array a is in memory at this point.
 */
#ifndef QUIRE_RUNTIME_KERNELS_UNROLL_H
#define QUIRE_RUNTIME_KERNELS_UNROLL_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define QUIRE_UNROLL
#define QUIRE_NO_UNROLL
#elif defined(__clang__)
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
