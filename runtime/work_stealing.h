/*
 * work_stealing.h - items of work in order, for several workers. Memory is read
 * fastest in long runs. So each worker begins with an even range of the items
 * and goes through it in order. A worker that is done takes the longest range
 * that another still has: all of it if the other has not begun, as it may lack
 * a CPU for long, else its later half.
 */
#ifndef QUIRE_RUNTIME_WORK_STEALING_H
#define QUIRE_RUNTIME_WORK_STEALING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/sizes.h"

/* What is left of one worker's items. In a cache line of its own, as the worker
 * writes it all the time. */
struct work_range {
	_Alignas(QUIRE_LINE_SIZE) _Atomic uint64_t left;
	uint64_t whole; /* `left` before anybody took items of it */
};

/* Splits items 0 to items - 1 into `count` ranges, at least 1, one a worker. */
void quire_work_split(struct work_range *ranges, size_t count, uint32_t items);

/*
 * Takes items *first to *end - 1, at most `most` (not 0) of them, for the
 * worker of range `own`. False if all are taken. Any thread may call this, but
 * only one at a time for the same `own`.
 */
bool quire_work_take(struct work_range *ranges, size_t count, size_t own,
		     size_t most, size_t *first, size_t *end);

#endif
