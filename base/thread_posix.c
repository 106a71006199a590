/*
 * thread_posix.c - thread.h over POSIX threads, whose objects lie in the
 * storage of ours.
 */
#ifdef __linux__
#define _GNU_SOURCE /* sched_getcpu, pthread_setaffinity_np */
#endif

#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#define FITS(type, object)                                                     \
	_Static_assert(sizeof(type) <= sizeof(((object *)0)->storage) &&       \
			   _Alignof(type) <= _Alignof(uint64_t),               \
		       "a " #type " does not fit in a " #object)

FITS(pthread_mutex_t, struct mutex);
FITS(pthread_cond_t, struct condition);
FITS(pthread_rwlock_t, struct rwlock);
FITS(pthread_t, struct thread);

static pthread_mutex_t *its_mutex(struct mutex *mutex)
{
	return (pthread_mutex_t *)(void *)mutex->storage;
}

static pthread_cond_t *its_condition(struct condition *condition)
{
	return (pthread_cond_t *)(void *)condition->storage;
}

static pthread_rwlock_t *its_rwlock(struct rwlock *lock)
{
	return (pthread_rwlock_t *)(void *)lock->storage;
}

bool quire_mutex_init(struct mutex *mutex)
{
	return pthread_mutex_init(its_mutex(mutex), NULL) == 0;
}

void quire_mutex_destroy(struct mutex *mutex)
{
	pthread_mutex_destroy(its_mutex(mutex));
}

void quire_mutex_lock(struct mutex *mutex)
{
	pthread_mutex_lock(its_mutex(mutex));
}

void quire_mutex_unlock(struct mutex *mutex)
{
	pthread_mutex_unlock(its_mutex(mutex));
}

bool quire_condition_init(struct condition *condition)
{
	return pthread_cond_init(its_condition(condition), NULL) == 0;
}

void quire_condition_destroy(struct condition *condition)
{
	pthread_cond_destroy(its_condition(condition));
}

void quire_condition_wait(struct condition *condition, struct mutex *mutex)
{
	pthread_cond_wait(its_condition(condition), its_mutex(mutex));
}

void quire_condition_wake_one(struct condition *condition)
{
	pthread_cond_signal(its_condition(condition));
}

void quire_condition_wake_all(struct condition *condition)
{
	pthread_cond_broadcast(its_condition(condition));
}

bool quire_rwlock_init(struct rwlock *lock)
{
	return pthread_rwlock_init(its_rwlock(lock), NULL) == 0;
}

void quire_rwlock_destroy(struct rwlock *lock)
{
	pthread_rwlock_destroy(its_rwlock(lock));
}

void quire_rwlock_lock_read(struct rwlock *lock)
{
	pthread_rwlock_rdlock(its_rwlock(lock));
}

void quire_rwlock_lock_write(struct rwlock *lock)
{
	pthread_rwlock_wrlock(its_rwlock(lock));
}

void quire_rwlock_unlock(struct rwlock *lock)
{
	pthread_rwlock_unlock(its_rwlock(lock));
}

static void *begin(void *context)
{
	const struct thread *thread = context;

	thread->run(thread->context);
	return NULL;
}

/* Signals that a thread's own fault raises. They cannot be blocked. */
static const int faults[] = { SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP };

/* A thread has the mask of the thread that starts it. */
static int start_without_signals(pthread_t *its, struct thread *thread)
{
	sigset_t blocked, before;

	sigfillset(&blocked);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		sigdelset(&blocked, faults[i]);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	const int failed = pthread_create(its, NULL, begin, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

bool quire_thread_start(struct thread *thread, void (*run)(void *context),
			void *context)
{
	pthread_t its;

	thread->run = run;
	thread->context = context;
	if (start_without_signals(&its, thread) != 0)
		return false;
	memcpy(&thread->storage, &its, sizeof(its));
	return true;
}

void quire_thread_join(struct thread *thread)
{
	pthread_t its;

	memcpy(&its, &thread->storage, sizeof(its));
	pthread_join(its, NULL);
}

static atomic_uint forks;

static void count_fork(void)
{
	atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void count_forks(void)
{
	(void)pthread_atfork(NULL, NULL, count_fork);
}

uint32_t quire_thread_forks(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, count_forks);
	return atomic_load_explicit(&forks, memory_order_relaxed);
}

int quire_thread_cpu(void)
{
#ifdef __linux__
	return sched_getcpu();
#else
	return -1;
#endif
}

#ifdef __linux__

FITS(cpu_set_t, struct thread_cpus);

static pthread_t its_thread(const struct thread *thread)
{
	pthread_t its;

	memcpy(&its, &thread->storage, sizeof(its));
	return its;
}

void quire_thread_get_cpus(const struct thread *thread,
			   struct thread_cpus *cpus)
{
	cpu_set_t set;

	cpus->known =
	    pthread_getaffinity_np(its_thread(thread), sizeof(set), &set) == 0;
	if (cpus->known)
		memcpy(cpus->storage, &set, sizeof(set));
}

void quire_thread_set_cpus(const struct thread *thread,
			   const struct thread_cpus *cpus, int cpu)
{
	cpu_set_t set;

	if (!cpus->known)
		return;
	memcpy(&set, cpus->storage, sizeof(set));
	if (cpu >= 0 && cpu < CPU_SETSIZE)
		CPU_CLR((size_t)cpu, &set);
	if (CPU_COUNT(&set) > 0)
		pthread_setaffinity_np(its_thread(thread), sizeof(set), &set);
}

#else

void quire_thread_get_cpus(const struct thread *thread,
			   struct thread_cpus *cpus)
{
	(void)thread;
	cpus->known = false;
}

void quire_thread_set_cpus(const struct thread *thread,
			   const struct thread_cpus *cpus, int cpu)
{
	(void)thread;
	(void)cpus;
	(void)cpu;
}

#endif
