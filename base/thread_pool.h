/*
 * thread_pool.h - threads that wait for work, and a caller that gives them some
 * and works too. It never waits for a thread that has not begun: on a machine
 * that runs other programs as well, a thread that is ready may not get a CPU
 * for milliseconds.
 */
#ifndef QUIRE_BASE_THREAD_POOL_H
#define QUIRE_BASE_THREAD_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thread_pool;

/* A brief run (see below) within so many seconds of another one is followed by
 * more, most likely. */
#define QUIRE_RUNS_FOLLOW 500e-6

typedef void (*thread_pool_fn)(void *context, size_t worker);

/* More than any machine can use. */
#define QUIRE_THREAD_POOL_MAX 1023

/* A pool of at most `threads` (1 to QUIRE_THREAD_POOL_MAX) threads besides the
 * callers': it has fewer if the system does not start them. `cpus` is how many
 * CPUs the process may use. NULL: out of memory. The caller owns it. */
struct thread_pool *quire_thread_pool_create(uint32_t threads, uint32_t cpus);

/* Waits until its threads have ended. No run may be under way. */
void quire_thread_pool_destroy(struct thread_pool *pool);

/* How many threads it has. */
uint32_t quire_thread_pool_size(const struct thread_pool *pool);

/* How many of them work or spin now. */
uint32_t quire_thread_pool_awake(const struct thread_pool *pool);

/*
 * Runs work(context, 0) in the calling thread and, at the same time,
 * work(context, w) in those threads of the pool that get a CPU before the
 * caller has finished; w is from 1 to `workers`, each at most once. So `work`
 * must take its items from a place that all share, and the caller's must not
 * return before no item is left. What they write is visible when this returns.
 *
 * `workers` is at most the pool's size. A run is `brief` if one thread does it
 * in less than a quarter of a millisecond: after a pause it is not worth while
 * to wake others for one. Any threads may call it; a second caller waits until
 * the first one's run has ended. In a process that was forked after the pool
 * was made no threads of it exist, and the caller works alone.
 */
void quire_thread_pool_run(struct thread_pool *pool, uint32_t workers,
			   bool brief, thread_pool_fn work, void *context);

#endif
