/*
 * thread.h - threads, and locks that keep them from each other's data. Work
 * that can be cut into items goes to a crew (base/crew.h) instead.
 *
 * Each struct holds an object of the system's: initialize it before use,
 * destroy it after, and do not copy or move it in between.
 */
#ifndef QUIRE_BASE_THREAD_H
#define QUIRE_BASE_THREAD_H

#include <stdbool.h>
#include <stdint.h>

/* As large as on any system; thread_posix.c checks. */
struct mutex {
	uint64_t storage[8];
};

struct condition {
	uint64_t storage[8];
};

struct rwlock {
	uint64_t storage[25];
};

/* False: out of memory. */
bool quire_mutex_init(struct mutex *mutex);
void quire_mutex_destroy(struct mutex *mutex);
void quire_mutex_lock(struct mutex *mutex);
void quire_mutex_unlock(struct mutex *mutex);

/* False: out of memory. */
bool quire_condition_init(struct condition *condition);
void quire_condition_destroy(struct condition *condition);
/* Unlocks the mutex while it waits. May return early: check what it waits for
 * again. */
void quire_condition_wait(struct condition *condition, struct mutex *mutex);
void quire_condition_wake_one(struct condition *condition);
void quire_condition_wake_all(struct condition *condition);

/* For one thread that writes or many that read. False: out of memory. */
bool quire_rwlock_init(struct rwlock *lock);
void quire_rwlock_destroy(struct rwlock *lock);
void quire_rwlock_lock_read(struct rwlock *lock);
void quire_rwlock_lock_write(struct rwlock *lock);
void quire_rwlock_unlock(struct rwlock *lock);

/* A thread. The struct must not be moved before the thread was joined. */
struct thread {
	void (*run)(void *context);
	void *context;
	uint64_t storage;
};

/* Runs run(context) on another thread. False: none can be started. The
 * program's own threads handle its signals: this one blocks them, but for those
 * that its own faults raise, such as SIGBUS. */
bool quire_thread_start(struct thread *thread, void (*run)(void *context),
			void *context);
/* Waits for its end. */
void quire_thread_join(struct thread *thread);

/* How many of the forks that made this process came after the first call of
 * this, in this process or the one that it was forked from. */
uint32_t quire_thread_forks(void);

/* The CPU that the calling thread runs on, which may be another one at once;
 * below 0: not known. */
int quire_thread_cpu(void);

/* The CPUs that a thread may use, if the system says. */
struct thread_cpus {
	uint64_t storage[16];
	bool known;
};

void quire_thread_get_cpus(const struct thread *thread,
			   struct thread_cpus *cpus);

/* Of these CPUs the thread may use all but `cpu`; or all, if that is below 0.
 * Changes nothing if they are not known, or none would be left. */
void quire_thread_set_cpus(const struct thread *thread,
			   const struct thread_cpus *cpus, int cpu);

#endif
