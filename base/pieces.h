/*
 * pieces.h - work that is cut into pieces: several threads work on pieces, and
 * the results are joined in the order of the pieces, by one thread at a time.
 *
 *	quire_pieces_init(&pieces, crew, slots, &error);
 *	quire_pieces_run(&pieces, count, &error);	as often as needed
 *	quire_pieces_end(&pieces, &error);
 *	quire_pieces_destroy(&pieces);
 *
 * does what this loop does, where `count` is that of all runs:
 *
 *	for (number = 0; number < count; number++) {
 *		work(context, worker, number, number % slots, error);
 *		join(context, number, number % slots, error);
 *	}
 *
 * A piece's result lies in its slot from `work` to `join`. The number of slots
 * limits how far the work may be ahead of the joining, and so the memory.
 */
#ifndef QUIRE_BASE_PIECES_H
#define QUIRE_BASE_PIECES_H

#include <stdatomic.h>

#include "base/crew.h"
#include "base/thread.h"

/* Bytes of a piece, unless there is a reason for another size: so many that the
 * cost of a piece does not count, and so few that they stay in a core's cache.
 */
#define QUIRE_PIECE_SIZE ((size_t)256 << 10)

/* Called by several threads at once, each with a `worker` of its own, a number
 * below the crew's threads. */
typedef quire_status (*pieces_work_fn)(void *context, size_t worker,
				       uint64_t number, size_t slot,
				       quire_error *error);

/* Called by one thread at a time, in order; sees what earlier calls wrote. */
typedef quire_status (*pieces_join_fn)(void *context, uint64_t number,
				       size_t slot, quire_error *error);

struct pieces_slot {
	bool ready; /* worked on, and not yet joined */
	quire_status status;
	quire_error error;
};

struct pieces {
	/* Set by the caller before quire_pieces_init. */
	pieces_work_fn work;
	pieces_join_fn join;
	void *context;

	struct crew *crew;
	struct pieces_slot *slots;
	size_t slot_count;
	/* Of the run under way. */
	uint64_t first;	     /* its first piece */
	uint64_t count;	     /* of pieces */
	atomic_size_t taken; /* pieces */
	size_t left;	     /* 1 if pieces of earlier runs are not joined */

	atomic_bool stopped;
	_Atomic uint64_t joined; /* pieces; changes under the lock */
	struct mutex lock;	 /* of all below, and of the slots */
	struct condition moved;	 /* `joined` has, or all is stopped */
	size_t waiting;		 /* threads that wait for a slot */
	bool joining;		 /* a thread joins */
	quire_status status;	 /* of what stopped all */
	quire_error error;
};

/* The slots for a crew: so many that threads rarely wait for each other. */
size_t quire_pieces_slots(const struct crew *crew);

/* Fails with MEMORY, and then there is nothing to destroy. */
quire_status quire_pieces_init(struct pieces *pieces, struct crew *crew,
			       size_t slots, quire_error *error);
void quire_pieces_destroy(struct pieces *pieces);

/* Works on the next `count` pieces, and joins those that are ready. The next
 * run or quire_pieces_end joins the last ones. Fails as the first piece that
 * failed, in order, and then does nothing more. */
quire_status quire_pieces_run(struct pieces *pieces, uint64_t count,
			      quire_error *error);

/* Joins what is left. */
quire_status quire_pieces_end(struct pieces *pieces, quire_error *error);

/* For `work`: whether this piece is the next to be joined. Then no thread joins
 * before `work` returns. */
static inline bool pieces_is_next(const struct pieces *pieces, uint64_t number)
{
	return atomic_load(&pieces->joined) == number;
}

#endif
