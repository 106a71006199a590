/*
 * container_list.c - the containers that the process has open, and its one
 * runtime. Sessions of all threads share them. What is opened is found again by
 * the identity of its file, so that however many sessions and nodes name it,
 * there is one mapping; the last release closes it.
 *
 * A runtime has no threads of its own here, so it is never freed. The library
 * stays in memory for the same time (-z nodelete).
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/thread.h"
#include "onnxruntime/plugin.h"

/* Bytes at the start of a file in memory that tell it from another one: they
 * have the checksum of its header, unless much metadata is before it. */
#define MARK_SIZE ((size_t)64 << 10)

struct container {
	struct container *next;
	size_t users;
	quire_model *model;
	/* A file on disk, or NULL. */
	char *path;
	struct file_facts facts;
	quire_open_options options;
	/* A file in memory, or NULL; the hash of its first bytes, because
	 * another file may be mapped at the same address later. */
	const void *data;
	size_t size;
	uint64_t mark;
};

/* ---------------------------------------------------------------- the lock */

enum {
	LOCK_NONE,
	LOCK_BEING_MADE,
	LOCK_READY
};

static atomic_int lock_state;
static struct mutex mutex;
static struct container *containers;
static quire_runtime *runtime;

/* The first caller makes the mutex; others wait, for less than a microsecond.
 */
bool quire_ort_lock(void)
{
	int state = atomic_load(&lock_state);

	while (state != LOCK_READY) {
		state = LOCK_NONE;
		if (atomic_compare_exchange_strong(&lock_state, &state,
						   LOCK_BEING_MADE)) {
			const bool made = quire_mutex_init(&mutex);

			atomic_store(&lock_state,
				     made ? LOCK_READY : LOCK_NONE);
			if (!made)
				return false;
			state = LOCK_READY;
		}
	}
	quire_mutex_lock(&mutex);
	return true;
}

void quire_ort_unlock(void)
{
	quire_mutex_unlock(&mutex);
}

static quire_status fail_lock(quire_error *error)
{
	return quire_fail_memory(error, sizeof(mutex));
}

/* ----------------------------------------------------------------- opening */

static bool same_options(const quire_open_options *a,
			 const quire_open_options *b)
{
	return a->verify == b->verify && a->prefetch == b->prefetch;
}

/* Whether an open container is what a new one would be. */
static bool same(const struct container *a, const struct container *b)
{
	if (b->path)
		return a->path && file_same(&a->facts, &b->facts) &&
		       a->facts.size == b->facts.size &&
		       file_time_same(a->facts.written, b->facts.written) &&
		       same_options(&a->options, &b->options);
	return a->data == b->data && a->size == b->size && a->mark == b->mark;
}

static quire_status open_new(struct container *made, quire_error *error)
{
	quire_status status =
	    made->path
		? quire_model_open(made->path, &made->options, &made->model,
				   error)
		: quire_model_open_memory(made->data, made->size,
					  &made->options, &made->model, error);

	if (status == QUIRE_OK) {
		made->next = containers;
		containers = made;
	}
	return status;
}

/* Finds or opens what `wanted` describes. Takes over its path. */
static quire_status find_or_open(const struct container *wanted,
				 struct container **container,
				 quire_error *error)
{
	struct container *found;
	quire_status status = QUIRE_OK;

	if (!quire_ort_lock()) {
		free(wanted->path);
		return fail_lock(error);
	}
	for (found = containers; found; found = found->next)
		if (same(found, wanted))
			break;
	if (found) {
		free(wanted->path);
	} else {
		found = malloc(sizeof(*found));
		if (found) {
			*found = *wanted;
			status = open_new(found, error);
		} else {
			status = quire_fail_memory(error, sizeof(*found));
		}
		if (status != QUIRE_OK) {
			free(wanted->path);
			free(found);
			found = NULL;
		}
	}
	if (found) {
		found->users++;
		*container = found;
	}
	quire_ort_unlock();
	return status;
}

quire_status quire_ort_container_open(const char *path,
				      const quire_open_options *options,
				      struct container **container,
				      quire_error *error)
{
	struct container wanted = { .options = *options };

	if (!quire_path_facts(path, &wanted.facts))
		return quire_fail_errno(error, path,
					"the container cannot be opened");
	wanted.path = strdup(path);
	if (!wanted.path)
		return quire_fail_memory(error, strlen(path));
	return find_or_open(&wanted, container, error);
}

quire_status quire_ort_container_open_memory(const void *data, size_t size,
					     struct container **container,
					     quire_error *error)
{
	const struct container wanted = {
		.data = data,
		.size = size,
		.mark =
		    quire_hash_bytes(data, size < MARK_SIZE ? size : MARK_SIZE),
	};

	return find_or_open(&wanted, container, error);
}

void quire_ort_container_release(struct container *container)
{
	struct container **at = &containers;

	/* There is a container, so the lock has been made. */
	if (!container || !quire_ort_lock())
		return;
	if (--container->users > 0) {
		quire_ort_unlock();
		return;
	}
	while (*at != container)
		at = &(*at)->next;
	*at = container->next;
	quire_ort_unlock();
	quire_model_close(container->model);
	free(container->path);
	free(container);
}

const quire_model *quire_ort_container_model(const struct container *container)
{
	return container->model;
}

const char *quire_ort_container_path(const struct container *container)
{
	return container->path ? container->path : "the container (input)";
}

quire_status quire_ort_container_check(const struct container *container,
				       const char *header_xxh3,
				       quire_error *error)
{
	const char *path = quire_ort_container_path(container);
	const quire_value *value =
	    quire_model_find_value(container->model, "quire.header.xxh3");
	char actual[17] = "none";

	if (value && value->type == QUIRE_VALUE_U64)
		snprintf(actual, sizeof(actual), "%016" PRIx64, value->as.u);
	if (strcmp(actual, header_xxh3) == 0)
		return QUIRE_OK;
	return quire_fail_file(error, QUIRE_ERROR_CHECKSUM, path,
			       QUIRE_NO_OFFSET,
			       "the model was made for another container: its "
			       "header's checksum is %s, the model asks for "
			       "%.20s",
			       actual, header_xxh3);
}

/* ----------------------------------------------------------------- runtime */

quire_status quire_ort_runtime(quire_parallel_for_fn parallel_for,
			       quire_runtime **shared, quire_error *error)
{
	const quire_runtime_options options = {
		.device = QUIRE_DEVICE_CPU,
		.parallel_for = parallel_for,
	};
	quire_status status = QUIRE_OK;

	if (!quire_ort_lock())
		return fail_lock(error);
	if (!runtime)
		status = quire_runtime_create(&options, &runtime, error);
	if (status == QUIRE_OK)
		*shared = runtime;
	quire_ort_unlock();
	return status;
}
