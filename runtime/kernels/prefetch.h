/*
 * prefetch.h - asks for weights, and x, before their turn.
 */
#ifndef QUIRE_KERNELS_PREFETCH_H
#define QUIRE_KERNELS_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/kernels/unroll.h"
#include "runtime/sizes.h"

/* How far before its turn memory is asked for as a kernel goes along a row:
 * into the second-level cache what memory delivers while a core waits for it,
 * and from there into the first. A core has some three times as many requests
 * to memory under way from the second level as from the first. */
#define QUIRE_AHEAD_FAR	 24576
#define QUIRE_AHEAD_NEAR 6144

/*
 * Most of those requests are its own: a core reads on ahead of what it is asked
 * for, within a page, and begins anew in the next. So far lines are asked for
 * in four pages at once, of which there is always one where it is well ahead:
 * memory is taken as windows of four pages, and every 256 bytes on the way
 * through one ask for the next line of each of its pages. That is up to three
 * pages before a line's turn, or as much after it.
 */
#define QUIRE_FAR_PAGES 4
#define QUIRE_FAR_PAGE	4096
#define QUIRE_FAR_SHIFT ((size_t)(QUIRE_FAR_PAGES - 1) * QUIRE_FAR_PAGE)

/* To ask for memory that is not there does no harm; addresses are reckoned as
 * numbers, as they may be no place within the array. Always inlined: gcc takes
 * a function that only prefetches for one without effects. */
QUIRE_INLINE void prefetch_near(const void *from, size_t ahead)
{
	__builtin_prefetch((const void *)((uintptr_t)from + ahead), 0, 3);
}

/* Bytes that ask for four lines, one of each page of their window. */
#define QUIRE_FAR_TURN ((size_t)QUIRE_FAR_PAGES * QUIRE_LINE_SIZE)

/* The line of page `i` that `turn`, a multiple of QUIRE_FAR_TURN, asks for. */
QUIRE_INLINE void prefetch_page(uintptr_t turn, size_t i)
{
	const uintptr_t in_window = turn % (QUIRE_FAR_PAGES * QUIRE_FAR_PAGE);
	const uintptr_t in_page = in_window / QUIRE_FAR_PAGES;

	__builtin_prefetch(
	    (const void *)(turn - (in_window - in_page) + i * QUIRE_FAR_PAGE),
	    0, 2);
}

/* What the `size` bytes `ahead` of `from` ask for of pages `begin` to `end`,
 * without `end`: many requests at once hold up the loads behind them, so a step
 * that takes long spreads them. Calls for bytes that follow each other ask for
 * each line once. */
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
	/* One more or none, of all pages: to look once is enough. */
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

/* The second stage alone, for a step of `size` bytes along a row: of steps that
 * are less than a line, both take longer than they gain. Lines that no step
 * asks for are waited for, and cost more than asking for some twice. */
QUIRE_INLINE void prefetch_near_along(const unsigned char *weights, size_t size)
{
	for (size_t line = 0; line < size; line += QUIRE_LINE_SIZE)
		prefetch_near(weights, QUIRE_AHEAD_NEAR + line);
}

/* Both stages, part `part` of QUIRE_FAR_PAGES. */
QUIRE_INLINE void prefetch_part(const unsigned char *weights, size_t size,
				size_t part)
{
	prefetch_far_pages(weights, QUIRE_AHEAD_FAR, size, part, part + 1);
	for (size_t line = part * QUIRE_LINE_SIZE; line < size;
	     line += QUIRE_FAR_TURN)
		prefetch_near(weights, QUIRE_AHEAD_NEAR + line);
}

/* Both stages. Bytes of a row that no step asks for cost lines of all four
 * pages. */
QUIRE_INLINE void prefetch_along(const unsigned char *weights, size_t size)
{
	prefetch_far(weights, QUIRE_AHEAD_FAR, size);
	prefetch_near_along(weights, size);
}

#endif
