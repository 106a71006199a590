/*
 * integers_avx2.h - how the kernels in 256 bits multiply codes: in each of 8
 * lanes 4 products a step, added up over a block. The tiles and the vec
 * form have this in common, whatever the instructions are.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_INTEGERS_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_INTEGERS_AVX2_H

#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__)
#error "compile with -mavx2 -mfma -mf16c"
#endif

#include <immintrin.h>
#include <stdbool.h>

/* sum = start(offset); sum = add(sum, w, x) at most 8 times; then
 * finish(sum, offset) is offset and all the products, s32. Offsets are those
 * of struct x_form, if has_offset, and else not looked at. Constant wherever
 * it is used, so that all is inlined. */
struct integers {
	bool has_offset;
	__m256i (*start)(__m256i offset);
	__m256i (*add)(__m256i sum, __m256i w, __m256i x);
	__m256i (*finish)(__m256i sum, __m256i offset);
};

#endif
