/*
 * unroll.h - QUIRE_UNROLL before a loop of constant length: its accumulators
 * are in registers only if it is unrolled whole.
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

#endif
