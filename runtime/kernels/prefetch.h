/*
 * prefetch.h - prefetches weights and x for kernels that go along rows.
 */
#ifndef QUIRE_RUNTIME_KERNELS_PREFETCH_H
#define QUIRE_RUNTIME_KERNELS_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/kernels/unroll.h"
#include "runtime/sizes.h"

/* How many bytes ahead of use a kernel prefetches: from memory into the
 * second-level cache, and from there into the first. A core can have about
 * three times as many requests to memory open from the second level as from the
 * first.
 */
#define QUIRE_AHEAD_FAR	 24576
#define QUIRE_AHEAD_NEAR 6144

/*
 * Most of those requests come from the core's own prefetcher, which runs ahead
 * within a page and starts again in the next. So far prefetches go to four
 * pages at once: the prefetcher is then always well ahead in one of them.
 * Memory is divided into windows of four pages, and each 256 bytes on the way
 * through a window prefetch the next line of each of its pages. So a line is
 * prefetched up to three pages earlier, or later, than by QUIRE_AHEAD_FAR.
 */
#define QUIRE_FAR_PAGES 4
#define QUIRE_FAR_PAGE	4096
#define QUIRE_FAR_SHIFT ((size_t)(QUIRE_FAR_PAGES - 1) * QUIRE_FAR_PAGE)

/* A prefetch does no harm where no memory is. Addresses are computed as
 * integers, as they may lie outside the array. Always inlined: gcc removes
 * calls of a function that only prefetches. */
QUIRE_INLINE void prefetch_near(const void *from, size_t ahead)
{
	__builtin_prefetch((const void *)((uintptr_t)from + ahead), 0, 3);
}

/* The bytes for which four lines are prefetched, one of each page of a window.
 */
#define QUIRE_FAR_TURN ((size_t)QUIRE_FAR_PAGES * QUIRE_LINE_SIZE)

/* Prefetches the line of page `i` for the bytes at `turn`, a multiple of
 * QUIRE_FAR_TURN. */
QUIRE_INLINE void prefetch_page(uintptr_t turn, size_t i)
{
	const uintptr_t in_window = turn % (QUIRE_FAR_PAGES * QUIRE_FAR_PAGE);
	const uintptr_t in_page = in_window / QUIRE_FAR_PAGES;

	__builtin_prefetch(
	    (const void *)(turn - (in_window - in_page) + i * QUIRE_FAR_PAGE),
	    0, 2);
}

/* Prefetches what belongs to the `size` bytes at from + ahead, of the window's
 * pages `begin` to end - 1. Many requests at once delay the loads behind them,
 * so a long step spreads them. Calls for adjacent bytes prefetch each line
 * once.
 */
QUIRE_INLINE void prefetch_far_pages(const void *from, size_t ahead,
				     size_t size, size_t begin, size_t end)
{
	const uintptr_t at = (uintptr_t)from + ahead;
	const uintptr_t turn =
	    (at + QUIRE_FAR_TURN - 1) / QUIRE_FAR_TURN * QUIRE_FAR_TURN;
	const size_t whole = size / QUIRE_FAR_TURN * QUIRE_FAR_TURN;

	for (size_t i = 0; i < whole; i += QUIRE_FAR_TURN) {
		QUIRE_UNROLL
		for (size_t page = begin; page < end; page++)
			prefetch_page(turn + i, page);
	}
	/* Of all pages one more or none: one comparison decides. */
	if (end < QUIRE_FAR_PAGES || turn + whole >= at + size)
		return;
	QUIRE_UNROLL
	for (size_t page = 0; page < QUIRE_FAR_PAGES; page++)
		prefetch_page(turn + whole, page);
}

QUIRE_INLINE void prefetch_far(const void *from, size_t ahead, size_t size)
{
	prefetch_far_pages(from, ahead, size, 0, QUIRE_FAR_PAGES);
}

/* From the second level into the first alone, for a step of `size` bytes along
 * a row. For steps of less than a line the first stage costs more than it
 * gains. A line that no step prefetches costs more than some that are
 * prefetched twice. */
QUIRE_INLINE void prefetch_near_along(const unsigned char *weights, size_t size)
{
	for (size_t line = 0; line < size; line += QUIRE_LINE_SIZE)
		prefetch_near(weights, QUIRE_AHEAD_NEAR + line);
}

/* Both stages, for one of QUIRE_FAR_PAGES pieces of a step. */
QUIRE_INLINE void prefetch_part(const unsigned char *weights, size_t size,
				size_t part)
{
	prefetch_far_pages(weights, QUIRE_AHEAD_FAR, size, part, part + 1);
	for (size_t line = part * QUIRE_LINE_SIZE; line < size;
	     line += QUIRE_FAR_TURN)
		prefetch_near(weights, QUIRE_AHEAD_NEAR + line);
}

/* Both stages. If steps leave out bytes of a row, lines of all four pages are
 * missed. */
QUIRE_INLINE void prefetch_along(const unsigned char *weights, size_t size)
{
	prefetch_far(weights, QUIRE_AHEAD_FAR, size);
	prefetch_near_along(weights, size);
}

#endif
