/*
 * prefetch.h - asks for weights, and x, before their turn. For x86 kernels
 * only.
 */
#ifndef QUIRE_KERNELS_PREFETCH_H
#define QUIRE_KERNELS_PREFETCH_H

#include <stddef.h>
#include <stdint.h>
#include <xmmintrin.h>

#include "runtime/kernels/unroll.h"

/* Along one row, as the vec form reads, in two stages: into the second-level
 * cache what memory delivers while a core waits for it, and from there into the
 * first. A core has some three times as many requests to memory under way from
 * the second level as from the first. */
#define QUIRE_AHEAD_FAR	 14336
#define QUIRE_AHEAD_NEAR 6144

/* To ask for memory that is not there does no harm; the address is reckoned
 * as a number, as it may be no place within the array. Always inlined: gcc
 * takes a function that only prefetches for one without effects. */
QUIRE_INLINE void prefetch_near(const void *from, size_t ahead)
{
	_mm_prefetch((const char *)((uintptr_t)from + ahead), _MM_HINT_T0);
}

QUIRE_INLINE void prefetch_far(const void *from, size_t ahead)
{
	_mm_prefetch((const char *)((uintptr_t)from + ahead), _MM_HINT_T2);
}

/* Asks for a line of the page two pages after that which begins within `size`
 * bytes from `ahead` on, if one does: where it is in memory is then known when
 * its lines are asked for, which otherwise wait for that one after the other.
 */
QUIRE_INLINE void prefetch_page(const void *from, size_t ahead, size_t size)
{
	const uintptr_t page = 4096, at = (uintptr_t)from + ahead;

	if (at / page != (at + size) / page)
		prefetch_far(from, ahead + size + 2 * page);
}

/* The lines of `size` bytes along a row; of less than a line, only near ones.
 * Near ones that no step asks for are waited for, and cost more than asking for
 * some twice; of far ones it is the other way round. */
QUIRE_INLINE void prefetch_along(const unsigned char *weights, size_t size)
{
	for (size_t line = 0; line + 64 <= size; line += 64)
		prefetch_far(weights, QUIRE_AHEAD_FAR + line);
	for (size_t line = 0; line < size; line += 64)
		prefetch_near(weights, QUIRE_AHEAD_NEAR + line);
}

/* Lines `first` to `end` - 1, for a step of so many that they are better asked
 * for between its parts. */
QUIRE_INLINE void prefetch_lines(const unsigned char *weights, size_t first,
				 size_t end)
{
	for (size_t i = first; i < end; i++) {
		prefetch_far(weights, QUIRE_AHEAD_FAR + 64 * i);
		prefetch_near(weights, QUIRE_AHEAD_NEAR + 64 * i);
	}
}

#endif
