/*
 * thread_pool.c - a run opens places for workers. Threads that are free come in
 * and take one each. When the caller has no more work it closes the places that
 * are left, and waits only for the workers that are inside.
 *
 * Who waits first spins, because waking a sleeping thread takes as long as a
 * small product, and then sleeps. A worker does not spin where that would take
 * the CPU from others: if the pool has more threads than there are CPUs, and
 * for a while after it has met its caller on its own CPU. There it does not
 * work either: the caller waits for this CPU and would have to wait for the
 * worker's items as well.
 */
#include "base/thread_pool.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "base/thread.h"

/* Two cache lines: x86 CPUs fetch lines in pairs. */
#define LINE 128

/* Seconds that a worker spins for the next run, and a caller for the end of its
 * own: several times what waking a thread takes. */
#define SPIN_FOR_WORK 100e-6
#define SPIN_FOR_END  50e-6

/* Seconds without spinning after a worker has met its caller on its CPU. If it
 * happens again and again, each time is twice as long as the one before. */
#define CALM_LEAST 1e-3
#define CALM_MOST  32e-3

/* Between two looks at the clock. */
#define SPINS 16

/* The parts of `state`: places that are open, workers inside, and whether the
 * caller sleeps until the last of them leaves. */
#define PLACES	   0x000003FFU
#define INSIDE	   0x00000400U
#define ALL_INSIDE 0x000FFC00U
#define ASLEEP	   0x80000000U

struct pool_worker {
	struct thread_pool *pool;
	struct thread thread;
	/* Its own: when it may spin again, and for how long it may not next
	 * time. */
	double calm_until, calm;
	/* With the pool's mutex: whether it sleeps; whether a caller keeps it
	 * off `off_cpu`, one of the CPUs that it may use. */
	bool asleep, kept_off;
	int off_cpu;
	struct thread_cpus cpus;
};

struct thread_pool {
	struct mutex caller; /* held during a run */
	/* Its: when workers were asleep at the beginning of a run, last. */
	double found_sleepers;
	uint32_t forks; /* before its threads were started */

	/* Of the run; constant while a place is open or a worker inside. */
	thread_pool_fn work;
	void *context;

	_Alignas(LINE) _Atomic uint32_t state;
	_Atomic int caller_cpu; /* where the caller began */
	atomic_bool stop;
	/* Threads that do not look at `state` until they are woken. */
	_Atomic uint32_t sleepers;

	_Alignas(LINE) struct mutex mutex; /* of those who sleep */
	struct condition opened;	   /* places, or `stop` is set */
	struct condition emptied;	   /* no worker is inside */

	uint32_t size;
	bool crowded; /* more threads than CPUs */
	struct pool_worker workers[];
};

static bool has_places(uint32_t state)
{
	return (state & PLACES) > 0;
}

static bool is_called(struct thread_pool *pool)
{
	return has_places(
		   atomic_load_explicit(&pool->state, memory_order_relaxed)) ||
	       atomic_load_explicit(&pool->stop, memory_order_relaxed);
}

/* ----------------------------------------------------------------- workers */

/* Takes a place. 0: none is open. Else the worker's number in the run. */
static uint32_t enter(struct thread_pool *pool)
{
	uint32_t state =
	    atomic_load_explicit(&pool->state, memory_order_relaxed);

	while (has_places(state))
		if (atomic_compare_exchange_weak_explicit(
			&pool->state, &state, state - 1 + INSIDE,
			memory_order_acquire, memory_order_relaxed))
			return state & PLACES;
	return 0;
}

static void leave(struct thread_pool *pool)
{
	const uint32_t before = atomic_fetch_sub_explicit(&pool->state, INSIDE,
							  memory_order_acq_rel);

	if (before - INSIDE != ASLEEP)
		return;
	quire_mutex_lock(&pool->mutex);
	quire_condition_wake_all(&pool->emptied);
	quire_mutex_unlock(&pool->mutex);
}

/* Whether it runs on the CPU on which the caller began its run. If so, one of
 * the two waits for the other's CPU. */
static bool meets_caller(struct pool_worker *worker)
{
	struct thread_pool *pool = worker->pool;
	const int cpu = quire_thread_cpu();
	double now;

	if (cpu < 0 || cpu != atomic_load_explicit(&pool->caller_cpu,
						   memory_order_relaxed))
		return false;
	now = quire_clock_seconds();
	if (now - worker->calm_until > worker->calm)
		worker->calm = CALM_LEAST;
	else if (worker->calm < CALM_MOST)
		worker->calm *= 2;
	worker->calm_until = now + worker->calm;
	return true;
}

static bool spin_for_work(struct pool_worker *worker)
{
	struct thread_pool *pool = worker->pool;
	const double start = quire_clock_seconds();

	if (pool->crowded || start < worker->calm_until)
		return is_called(pool);
	do {
		for (int i = 0; i < SPINS; i++) {
			if (is_called(pool))
				return true;
			quire_cpu_pause();
		}
	} while (quire_clock_seconds() - start < SPIN_FOR_WORK);
	return false;
}

/* Either the caller sees the sleeper, or the sleeper sees the open place: each
 * writes before it reads, in one order for all threads. */
static void sleep_for_work(struct pool_worker *worker)
{
	struct thread_pool *pool = worker->pool;
	bool kept_off;

	quire_mutex_lock(&pool->mutex);
	worker->asleep = true;
	atomic_fetch_add(&pool->sleepers, 1);
	while (!has_places(atomic_load(&pool->state)) &&
	       !atomic_load(&pool->stop))
		quire_condition_wait(&pool->opened, &pool->mutex);
	atomic_fetch_sub(&pool->sleepers, 1);
	worker->asleep = false;
	kept_off = worker->kept_off;
	worker->kept_off = false;
	quire_mutex_unlock(&pool->mutex);
	if (kept_off)
		quire_thread_set_cpus(&worker->thread, &worker->cpus, -1);
}

static void work(void *context)
{
	struct pool_worker *worker = context;
	struct thread_pool *pool = worker->pool;

	while (!atomic_load_explicit(&pool->stop, memory_order_relaxed)) {
		const uint32_t number = enter(pool);

		if (number > 0) {
			if (!meets_caller(worker))
				pool->work(pool->context, number);
			leave(pool);
		} else if (!spin_for_work(worker)) {
			sleep_for_work(worker);
		}
	}
}

/* --------------------------------------------------------------- the caller */

/* Whether it is better to leave sleeping workers alone. */
static bool is_alone(struct thread_pool *pool, bool brief)
{
	const double before = pool->found_sleepers;

	pool->found_sleepers = quire_clock_seconds();
	return brief && pool->found_sleepers - before > QUIRE_RUNS_FOLLOW;
}

/*
 * Keeps `count` workers that sleep off the caller's CPU until they run. In a
 * virtual machine Linux takes a CPU that has halted for one that others use. It
 * would put them behind the caller, who does not wait for them: they would
 * begin milliseconds later.
 */
static void keep_off(struct thread_pool *pool, uint32_t count)
{
	const int cpu =
	    atomic_load_explicit(&pool->caller_cpu, memory_order_relaxed);

	if (cpu < 0 || pool->crowded)
		return;
	for (uint32_t i = 0; i < pool->size && count > 0; i++) {
		struct pool_worker *worker = &pool->workers[i];

		if (!worker->asleep)
			continue;
		count--;
		if (worker->kept_off && worker->off_cpu == cpu)
			continue;
		if (!worker->kept_off)
			quire_thread_get_cpus(&worker->thread, &worker->cpus);
		quire_thread_set_cpus(&worker->thread, &worker->cpus, cpu);
		worker->kept_off = true;
		worker->off_cpu = cpu;
	}
}

static void open_places(struct thread_pool *pool, uint32_t count, bool brief)
{
	uint32_t sleepers;

	atomic_store_explicit(&pool->caller_cpu, quire_thread_cpu(),
			      memory_order_relaxed);
	atomic_store(&pool->state, count);
	sleepers = atomic_load(&pool->sleepers);
	if (sleepers == 0 || is_alone(pool, brief))
		return;
	quire_mutex_lock(&pool->mutex);
	keep_off(pool, count);
	for (uint32_t i = 0; i < sleepers && i < count; i++)
		quire_condition_wake_one(&pool->opened);
	quire_mutex_unlock(&pool->mutex);
}

static bool is_empty(struct thread_pool *pool)
{
	return (atomic_load_explicit(&pool->state, memory_order_acquire) &
		ALL_INSIDE) == 0;
}

static bool spin_for_end(struct thread_pool *pool)
{
	const double start = quire_clock_seconds();

	do {
		for (int i = 0; i < SPINS; i++) {
			if (is_empty(pool))
				return true;
			quire_cpu_pause();
		}
	} while (quire_clock_seconds() - start < SPIN_FOR_END);
	return false;
}

static void close_places(struct thread_pool *pool)
{
	const uint32_t state = atomic_fetch_and_explicit(&pool->state, ~PLACES,
							 memory_order_acq_rel);

	if ((state & ALL_INSIDE) == 0 || spin_for_end(pool))
		return;
	quire_mutex_lock(&pool->mutex);
	atomic_fetch_or_explicit(&pool->state, ASLEEP, memory_order_relaxed);
	while (!is_empty(pool))
		quire_condition_wait(&pool->emptied, &pool->mutex);
	quire_mutex_unlock(&pool->mutex);
}

/* fork copies no threads but the one that calls it, and locks as they are. */
static bool is_copy(const struct thread_pool *pool)
{
	return pool->forks != quire_thread_forks();
}

void quire_thread_pool_run(struct thread_pool *pool, uint32_t workers,
			   bool brief, thread_pool_fn work_of_run,
			   void *context)
{
	if (is_copy(pool)) {
		work_of_run(context, 0);
		return;
	}
	quire_mutex_lock(&pool->caller);
	pool->work = work_of_run;
	pool->context = context;
	open_places(pool, workers, brief);
	work_of_run(context, 0);
	close_places(pool);
	quire_mutex_unlock(&pool->caller);
}

/* ----------------------------------------------------------------- the pool */

static bool make_locks(struct thread_pool *pool)
{
	if (!quire_mutex_init(&pool->caller))
		return false;
	if (!quire_mutex_init(&pool->mutex))
		goto destroy_caller;
	if (!quire_condition_init(&pool->opened))
		goto destroy_mutex;
	if (quire_condition_init(&pool->emptied))
		return true;
	quire_condition_destroy(&pool->opened);
destroy_mutex:
	quire_mutex_destroy(&pool->mutex);
destroy_caller:
	quire_mutex_destroy(&pool->caller);
	return false;
}

struct thread_pool *quire_thread_pool_create(uint32_t threads, uint32_t cpus)
{
	struct thread_pool *pool = quire_aligned_alloc(
	    LINE, sizeof(*pool) + threads * sizeof(*pool->workers));

	if (!pool)
		return NULL;
	if (!make_locks(pool)) {
		quire_aligned_free(pool);
		return NULL;
	}
	atomic_init(&pool->state, 0);
	atomic_init(&pool->caller_cpu, -1);
	atomic_init(&pool->stop, false);
	atomic_init(&pool->sleepers, 0);
	pool->found_sleepers = 0;
	pool->forks = quire_thread_forks();
	pool->crowded = threads >= cpus;
	pool->size = 0;
	while (pool->size < threads) {
		struct pool_worker *worker = &pool->workers[pool->size];

		*worker =
		    (struct pool_worker){ .pool = pool, .calm = CALM_LEAST };
		if (!quire_thread_start(&worker->thread, work, worker))
			break;
		pool->size++;
	}
	return pool;
}

void quire_thread_pool_destroy(struct thread_pool *pool)
{
	if (is_copy(pool)) {
		quire_aligned_free(pool);
		return;
	}
	atomic_store(&pool->stop, true);
	quire_mutex_lock(&pool->mutex);
	quire_condition_wake_all(&pool->opened);
	quire_mutex_unlock(&pool->mutex);
	for (uint32_t i = 0; i < pool->size; i++)
		quire_thread_join(&pool->workers[i].thread);
	quire_condition_destroy(&pool->emptied);
	quire_condition_destroy(&pool->opened);
	quire_mutex_destroy(&pool->mutex);
	quire_mutex_destroy(&pool->caller);
	quire_aligned_free(pool);
}

uint32_t quire_thread_pool_size(const struct thread_pool *pool)
{
	return pool->size;
}

uint32_t quire_thread_pool_awake(const struct thread_pool *pool)
{
	return pool->size -
	       atomic_load_explicit(&pool->sleepers, memory_order_relaxed);
}
