/*
 * failing_malloc.c - the functions that allocate, under the names that the
 * linker's --wrap gives them. Functions that make objects in shared libraries
 * are here too: their own allocations cannot be reached, so they fail as a
 * whole. Sizes are the allocator's own, so that freeing needs no table.
 */
#include "tests/support/failing_malloc.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *bytes, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **bytes, size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__real_realpath(const char *path, char *resolved);
void __real_free(void *bytes);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *bytes, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **bytes, size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_realpath(const char *path, char *resolved);
void __wrap_free(void *bytes);

/* Allocations until one fails. NEVER is far from 0 on both sides. */
#define NEVER (-1 - (1L << 40))

static atomic_long left = NEVER;
static atomic_size_t held, peak;

static bool fails(void)
{
	if (atomic_fetch_sub(&left, 1) != 0)
		return false;
	errno = ENOMEM;
	return true;
}

static void *count(void *bytes)
{
	size_t most = atomic_load(&peak), now;

	if (!bytes)
		return NULL;
	now = malloc_usable_size(bytes);
	now += atomic_fetch_add(&held, now);
	while (now > most && !atomic_compare_exchange_weak(&peak, &most, now))
		;
	return bytes;
}

static void discount(void *bytes)
{
	if (bytes)
		atomic_fetch_sub(&held, malloc_usable_size(bytes));
}

void failing_malloc_arm(long at)
{
	atomic_store(&left, at);
}

bool failing_malloc_disarm(void)
{
	const long rest = atomic_exchange(&left, NEVER);

	return rest < 0 && rest > NEVER / 2;
}

size_t failing_malloc_held(void)
{
	return atomic_load(&held);
}

size_t failing_malloc_peak(void)
{
	return atomic_load(&peak);
}

void failing_malloc_watch(void)
{
	atomic_store(&peak, atomic_load(&held));
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t items, size_t size)
{
	return fails() ? NULL : count(__real_calloc(items, size));
}

void *__wrap_realloc(void *bytes, size_t size)
{
	const size_t before = bytes ? malloc_usable_size(bytes) : 0;
	void *grown;

	if (fails())
		return NULL;
	grown = __real_realloc(bytes, size);
	if (grown)
		atomic_fetch_sub(&held, before);
	return count(grown);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : count(__real_aligned_alloc(alignment, size));
}

int __wrap_posix_memalign(void **bytes, size_t alignment, size_t size)
{
	const int status =
	    fails() ? ENOMEM : __real_posix_memalign(bytes, alignment, size);

	if (status == 0)
		count(*bytes);
	return status;
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : count(__real_strdup(text));
}

char *__wrap_realpath(const char *path, char *resolved)
{
	char *found;

	if (fails())
		return NULL;
	found = __real_realpath(path, resolved);
	return resolved ? found : count(found);
}

/* Memory that the C library allocated itself, as getline does, is freed here
 * too and makes `held` too small. No test counts over such a call. */
void __wrap_free(void *bytes)
{
	discount(bytes);
	__real_free(bytes);
}

/* Declared as the linker sees them, without the headers of those libraries. */
#define WRAP_MAKER(name, failure, result, parameters, arguments)               \
	result __real_##name parameters;                                       \
	result __wrap_##name parameters;                                       \
	result __wrap_##name parameters                                        \
	{                                                                      \
		return fails() ? (failure) : __real_##name arguments;          \
	}

WRAP_MAKER(pthread_create, EAGAIN, int,
	   (pthread_t * thread, const pthread_attr_t *attributes,
	    void *(*run)(void *), void *context),
	   (thread, attributes, run, context))
WRAP_MAKER(pthread_mutex_init, ENOMEM, int,
	   (pthread_mutex_t * mutex, const pthread_mutexattr_t *attributes),
	   (mutex, attributes))
WRAP_MAKER(pthread_cond_init, ENOMEM, int,
	   (pthread_cond_t * condition, const pthread_condattr_t *attributes),
	   (condition, attributes))
