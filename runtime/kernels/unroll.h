/*
 * unroll.h - QUIRE_UNROLL before a loop of constant length, QUIRE_INLINE before
 * a function with parameters that are constant: accumulators are in registers
 * only if all of it is unrolled and inlined.
 */
#ifndef QUIRE_KERNELS_UNROLL_H
#define QUIRE_KERNELS_UNROLL_H

#if defined(__clang__)
#define QUIRE_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define QUIRE_UNROLL _Pragma("GCC unroll 16")
#else
#define QUIRE_UNROLL
#endif

#if defined(__GNUC__)
#define QUIRE_INLINE static inline __attribute__((always_inline))
#else
#define QUIRE_INLINE static inline
#endif

#endif
