/*
 * prefetch.h - asks for weights before their turn. For x86 kernels only.
 */
#ifndef QUIRE_KERNELS_PREFETCH_H
#define QUIRE_KERNELS_PREFETCH_H

#include <stddef.h>
#include <stdint.h>
#include <xmmintrin.h>

#include "runtime/kernels/unroll.h"

/* Along one row, as the vec form reads: what memory delivers while a core
 * waits for it, 200 ns at 40 GB/s; a sixth of the first-level cache. */
#define QUIRE_AHEAD_ALONG 8192

/* To ask for memory that is not there does no harm; the address is reckoned
 * as a number, as it may be no place within the weights. Always inlined: gcc
 * takes a function that only prefetches for one without effects. */
QUIRE_INLINE void prefetch_ahead(const unsigned char *weights, size_t ahead)
{
	_mm_prefetch((const char *)((uintptr_t)weights + ahead), _MM_HINT_T0);
}

/* The lines of `size` bytes along a row. Those that no step asks for are
 * waited for, and cost more than asking for some twice. */
QUIRE_INLINE void prefetch_along(const unsigned char *weights, size_t size)
{
	for (size_t line = 0; line < size; line += 64)
		prefetch_ahead(weights, QUIRE_AHEAD_ALONG + line);
}

#endif
