/*
 * integers_avx2.h - how kernels with 256-bit vectors multiply codes: 4 products
 * a step in each of 8 lanes, added up over a block. GEMV and tiles take them
 * from here, whatever the instructions are.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_INTEGERS_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_INTEGERS_AVX2_H

#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__)
#error "compile with -mavx2 -mfma -mf16c"
#endif

#include <immintrin.h>
#include <stdbool.h>

/* sum = start(offset); sum = add(sum, w, x) at most 8 times; then
 * finish(sum, offset) is offset plus all products, s32. With has_offset, offset
 * is the sum of x that struct x_form describes; without, it is not used. A
 * constant, so that its functions are inlined. */
struct integers {
	bool has_offset;
	__m256i (*start)(__m256i offset);
	__m256i (*add)(__m256i sum, __m256i w, __m256i x);
	__m256i (*finish)(__m256i sum, __m256i offset);
};

#endif
