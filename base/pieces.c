/*
 * pieces.c - a ring of slots. A thread that has finished a piece checks whether
 * the next one in order is ready. If it is, and no other thread joins, this one
 * joins as long as pieces are ready, while the others go on working.
 */
#include "base/pieces.h"

#include <stdlib.h>

#include "base/error.h"

/* Slots for each thread. */
#define LEAD 4

size_t quire_pieces_slots(const struct crew *crew)
{
	return crew->threads > 1 ? LEAD * (size_t)crew->threads : 1;
}

quire_status quire_pieces_init(struct pieces *pieces, struct crew *crew,
			       size_t slots, quire_error *error)
{
	*pieces = (struct pieces){ .work = pieces->work,
				   .join = pieces->join,
				   .context = pieces->context,
				   .crew = crew,
				   .slot_count = slots };
	pieces->slots = calloc(slots, sizeof(*pieces->slots));
	if (!pieces->slots)
		return quire_fail_memory(error, slots * sizeof(*pieces->slots));
	if (!quire_mutex_init(&pieces->lock)) {
		free(pieces->slots);
		return quire_fail_memory(error, sizeof(pieces->lock));
	}
	if (!quire_condition_init(&pieces->moved)) {
		quire_mutex_destroy(&pieces->lock);
		free(pieces->slots);
		return quire_fail_memory(error, sizeof(pieces->moved));
	}
	return QUIRE_OK;
}

void quire_pieces_destroy(struct pieces *pieces)
{
	quire_condition_destroy(&pieces->moved);
	quire_mutex_destroy(&pieces->lock);
	free(pieces->slots);
}

/* ---------------------------------------------------------- under the lock */

static struct pieces_slot *next_slot(const struct pieces *pieces)
{
	return &pieces
		    ->slots[atomic_load(&pieces->joined) % pieces->slot_count];
}

static bool can_join(const struct pieces *pieces)
{
	return !pieces->joining && !atomic_load(&pieces->stopped) &&
	       next_slot(pieces)->ready;
}

/* Whether this run should join more. When all of its pieces are taken it should
 * not: the rest can be joined while the next run works on its own pieces. */
static bool wants_joining(const struct pieces *pieces)
{
	return pieces->waiting > 0 ||
	       atomic_load(&pieces->joined) < pieces->first ||
	       atomic_load(&pieces->taken) < pieces->count;
}

/* Joins the next piece, which is ready. Releases the lock meanwhile. */
static void join_next(struct pieces *pieces)
{
	const uint64_t number = atomic_load(&pieces->joined);
	struct pieces_slot *slot = next_slot(pieces);

	quire_mutex_unlock(&pieces->lock);
	if (slot->status == QUIRE_OK)
		slot->status =
		    pieces->join(pieces->context, number,
				 (size_t)(slot - pieces->slots), &slot->error);
	quire_mutex_lock(&pieces->lock);
	slot->ready = false;
	if (slot->status == QUIRE_OK) {
		atomic_store(&pieces->joined, number + 1);
	} else {
		pieces->status = slot->status;
		pieces->error = slot->error;
		atomic_store(&pieces->stopped, true);
	}
	if (pieces->waiting > 0)
		quire_condition_wake_all(&pieces->moved);
}

static void join_ready(struct pieces *pieces)
{
	while (can_join(pieces) && wants_joining(pieces)) {
		pieces->joining = true;
		join_next(pieces);
		pieces->joining = false;
	}
}

/* ------------------------------------------------------------------ threads */

/* Waits until the piece's slot is free, or joins pieces until it is. It will be
 * free, as every earlier piece is joined, ready, or being worked on. Returns
 * false if all threads must stop. */
static bool await_slot(struct pieces *pieces, uint64_t number)
{
	if (number - atomic_load(&pieces->joined) < pieces->slot_count)
		return !atomic_load(&pieces->stopped);
	quire_mutex_lock(&pieces->lock);
	pieces->waiting++;
	while (number - atomic_load(&pieces->joined) >= pieces->slot_count &&
	       !atomic_load(&pieces->stopped)) {
		if (can_join(pieces))
			join_ready(pieces);
		else
			quire_condition_wait(&pieces->moved, &pieces->lock);
	}
	pieces->waiting--;
	quire_mutex_unlock(&pieces->lock);
	return !atomic_load(&pieces->stopped);
}

static void work(struct pieces *pieces, size_t worker, uint64_t number)
{
	const size_t at = (size_t)(number % pieces->slot_count);
	struct pieces_slot *slot = &pieces->slots[at];

	if (!await_slot(pieces, number))
		return;
	slot->status =
	    pieces->work(pieces->context, worker, number, at, &slot->error);
	quire_mutex_lock(&pieces->lock);
	slot->ready = true;
	join_ready(pieces);
	quire_mutex_unlock(&pieces->lock);
}

/* If earlier runs have left pieces, item 0 is to join them. */
static void take_item(void *context, size_t worker, size_t item)
{
	struct pieces *pieces = context;

	if (item < pieces->left) {
		quire_mutex_lock(&pieces->lock);
		join_ready(pieces);
		quire_mutex_unlock(&pieces->lock);
		return;
	}
	atomic_fetch_add(&pieces->taken, 1);
	work(pieces, worker, pieces->first + (item - pieces->left));
}

static quire_status outcome(const struct pieces *pieces, quire_error *error)
{
	if (pieces->status != QUIRE_OK && error)
		*error = pieces->error;
	return pieces->status;
}

quire_status quire_pieces_run(struct pieces *pieces, uint64_t count,
			      quire_error *error)
{
	pieces->first += pieces->count;
	pieces->count = count;
	pieces->left = atomic_load(&pieces->joined) < pieces->first ? 1 : 0;
	atomic_store(&pieces->taken, 0);
	quire_crew_run(pieces->crew, pieces->crew->threads,
		       (size_t)count + pieces->left, take_item, pieces);
	return outcome(pieces, error);
}

quire_status quire_pieces_end(struct pieces *pieces, quire_error *error)
{
	return quire_pieces_run(pieces, 0, error);
}
