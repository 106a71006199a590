/*
 * lazy.c - hashes a tensor once, when any thread first uses it. After that a
 * check is one atomic load.
 */
#include "loader/lazy.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/thread.h"
#include "format/parse.h"

enum {
	UNKNOWN,
	BUSY, /* a thread hashes it */
	GOOD,
	BAD
};

struct quire_lazy_check {
	atomic_int state;
	uint64_t actual; /* if BAD: its hash */
	/* The model's own: the caller's may be a view of a few rows. */
	const quire_tensor *tensor;
	struct lazy *lazy;
};

struct lazy {
	struct mutex lock;	/* of changes of state */
	struct condition ended; /* a tensor is no longer BUSY */
	uint32_t features;
	const struct model_part *parts;
	struct quire_lazy_check checks[]; /* by tensor */
};

static quire_status create(const quire_model *model, struct lazy **lazy,
			   quire_error *error)
{
	const struct quire_index *index = &model->index;
	const size_t count = index->tensor_count;
	struct lazy *made =
	    malloc(sizeof(*made) + count * sizeof(*made->checks));

	if (!made)
		return quire_fail_memory(error, count * sizeof(*made->checks));
	if (!quire_mutex_init(&made->lock)) {
		free(made);
		return quire_fail_memory(error, sizeof(made->lock));
	}
	if (!quire_condition_init(&made->ended)) {
		quire_mutex_destroy(&made->lock);
		free(made);
		return quire_fail_memory(error, sizeof(made->ended));
	}
	made->features = quire_cpu_features();
	made->parts = model->parts;
	for (size_t i = 0; i < count; i++) {
		atomic_init(&made->checks[i].state, UNKNOWN);
		made->checks[i].tensor = &index->tensors[i];
		made->checks[i].lazy = made;
	}
	*lazy = made;
	return QUIRE_OK;
}

quire_status quire_lazy_create(quire_model *model, quire_error *error)
{
	struct quire_index *index = &model->index;
	quire_status status;

	if (index->info.quire_version == 0)
		return quire_fail(error, QUIRE_ERROR_NOT_FOUND, QUIRE_NO_OFFSET,
				  "a GGUF file without Quire's checksums: "
				  "nothing to verify it by");
	status = create(model, &model->lazy, error);
	for (size_t i = 0; i < index->tensor_count && status == QUIRE_OK; i++)
		index->tensors[i].check = &model->lazy->checks[i];
	return status;
}

void quire_lazy_free(struct lazy *lazy)
{
	if (!lazy)
		return;
	quire_condition_destroy(&lazy->ended);
	quire_mutex_destroy(&lazy->lock);
	free(lazy);
}

/* Whether the caller must hash. If not, the state is GOOD or BAD when this
 * returns. */
static bool claim(struct quire_lazy_check *check)
{
	struct lazy *lazy = check->lazy;
	bool mine;

	quire_mutex_lock(&lazy->lock);
	while (atomic_load(&check->state) == BUSY)
		quire_condition_wait(&lazy->ended, &lazy->lock);
	mine = atomic_load(&check->state) == UNKNOWN;
	if (mine)
		atomic_store(&check->state, BUSY);
	quire_mutex_unlock(&lazy->lock);
	return mine;
}

static void release(struct quire_lazy_check *check, int state)
{
	struct lazy *lazy = check->lazy;

	quire_mutex_lock(&lazy->lock);
	atomic_store(&check->state, state);
	quire_condition_wake_all(&lazy->ended);
	quire_mutex_unlock(&lazy->lock);
}

/* If there is no memory for a hash, the next caller tries again. */
static quire_status hash(struct quire_lazy_check *check, quire_error *error)
{
	const quire_tensor *tensor = check->tensor;
	struct quire_hash *its = quire_hash_create(check->lazy->features);

	if (!its) {
		release(check, UNKNOWN);
		return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				  "out of memory for a hash's state");
	}
	quire_hash_update(its, tensor->data, (size_t)tensor->size);
	check->actual = quire_hash_digest(its);
	quire_hash_free(its);
	release(check, check->actual == tensor->xxh3 ? GOOD : BAD);
	return QUIRE_OK;
}

quire_status quire_lazy_check(const quire_tensor *tensor, quire_error *error)
{
	struct quire_lazy_check *check = tensor->check;
	quire_status status;

	if (atomic_load_explicit(&check->state, memory_order_acquire) == GOOD)
		return QUIRE_OK;
	if (claim(check)) {
		status = hash(check, error);
		if (status != QUIRE_OK)
			return status;
	}
	if (atomic_load(&check->state) == GOOD)
		return QUIRE_OK;
	return quire_fail_file(error, QUIRE_ERROR_CHECKSUM,
			       check->lazy->parts[check->tensor->part].path,
			       check->tensor->offset,
			       "tensor '%.*s' is damaged: XXH3 %016" PRIx64
			       " instead of %016" PRIx64 " [F-33]",
			       QUIRE_PRINT(check->tensor->name), check->actual,
			       check->tensor->xxh3);
}
