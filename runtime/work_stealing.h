/*
 * shares.h - items in order, shared among workers. Memory is read fastest in
 * long runs, so each worker has an even share of the items and goes through it
 * from its beginning to its end; and as one may be slower than another, who is
 * done takes over the later half of what another has left.
 */
#ifndef QUIRE_RUNTIME_SHARES_H
#define QUIRE_RUNTIME_SHARES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/sizes.h"

/* In a line of its own, as its worker writes it all the time. */
struct share {
	_Alignas(QUIRE_LINE_SIZE) _Atomic uint64_t left;
};

/* Shares of items 0 to items - 1 among `count` workers; not 0. */
void quire_shares_init(struct share *shares, size_t count, uint32_t items);

/*
 * Takes items *first to *end - 1, at most `most` (not 0) of them, on behalf of
 * share `own`. False if all are taken. Any thread may call this, but one at a
 * time for the same `own`.
 */
bool quire_shares_take(struct share *shares, size_t count, size_t own,
		       size_t most, size_t *first, size_t *end);

#endif
