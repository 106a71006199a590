/*
 * ahead.c - asks the system for one piece of a file after the other. A thread
 * that multiplies waits only for pages that have not arrived yet.
 *
 * Asking waits where the disk's queue is full, so this needs a thread; and the
 * queue bounds what is read at once. The bytes are neither copied nor touched:
 * it costs little where they are in memory already, and a file that shrinks
 * raises no SIGBUS.
 */
#include "loader/ahead.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/thread.h"

/* How often the thread looks whether it is to stop: a disk reads this in a few
 * milliseconds. */
#define PIECE_SIZE ((size_t)1 << 20)

struct ahead {
	struct thread thread;
	uint64_t process; /* the thread is in this one */
	atomic_bool stop;
	const quire_model *model;
};

static void read_part(struct ahead *ahead, const struct quire_map *map)
{
	const unsigned char *bytes = map->data;
	size_t size;

	for (size_t at = 0; at < map->size && !atomic_load(&ahead->stop);
	     at += size) {
		size =
		    map->size - at < PIECE_SIZE ? map->size - at : PIECE_SIZE;
		quire_memory_read_ahead(bytes + at, size);
	}
}

static void run(void *context)
{
	struct ahead *ahead = context;

	for (size_t i = 0; i < ahead->model->part_count; i++)
		read_part(ahead, &ahead->model->parts[i].map);
}

void quire_ahead_start(quire_model *model)
{
	struct ahead *ahead = calloc(1, sizeof(*ahead));

	if (!ahead)
		return;
	ahead->process = quire_process_number();
	ahead->model = model;
	atomic_init(&ahead->stop, false);
	if (quire_thread_start(&ahead->thread, run, ahead))
		model->ahead = ahead;
	else
		free(ahead);
}

void quire_ahead_stop(quire_model *model)
{
	struct ahead *ahead = model->ahead;

	if (!ahead)
		return;
	atomic_store(&ahead->stop, true);
	/* fork copies the model, but not the thread. */
	if (ahead->process == quire_process_number())
		quire_thread_join(&ahead->thread);
	free(ahead);
}
