/*
 * prepacked.c - lays weights out as strips, by all threads, and keeps the
 * copies in a list sorted by the address of the weights. Which weights of a
 * model these are is prepack.c's.
 */
#include "runtime/prepacked_list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/parse.h"
#include "runtime/sizes.h"

/* A copy begins on a page, a large one where a huge page may: multiplying
 * reads it from front to back. */
#define PAGE_SIZE      ((size_t)4096)
#define HUGE_PAGE_SIZE ((size_t)2 << 20)

struct prepacked_entry {
	const quire_model *model;
	const void *weights;
	quire_dtype dtype;
	size_t n, cols;
	unsigned char *strips;
	size_t size;
};

quire_status quire_prepacked_init(struct prepacked *list, quire_error *error)
{
	if (pthread_rwlock_init(&list->lock, NULL) != 0)
		return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				  "cannot create a lock");
	atomic_init(&list->count, 0);
	list->capacity = 0;
	list->entries = NULL;
	atomic_init(&list->size, 0);
	return QUIRE_OK;
}

void quire_prepacked_destroy(struct prepacked *list)
{
	for (size_t i = 0; i < atomic_load(&list->count); i++)
		free(list->entries[i].strips);
	free(list->entries);
	pthread_rwlock_destroy(&list->lock);
}

size_t quire_strip_size(const struct prepacked_form *form, size_t cols)
{
	return divide_up(cols, form->cols) * form->size;
}

/* ------------------------------------------------------------- laying out */

/* A tensor that is being laid out. */
struct layout {
	const struct prepacked_form *form;
	const unsigned char *weights;
	size_t row_size, n, cols, strip_size;
	unsigned char *strips;
};

static void lay_out_strip(void *context, size_t worker, size_t strip)
{
	const struct layout *layout = context;
	const size_t most = layout->form->rows;
	const size_t first = strip * most;
	const size_t rows = layout->n - first < most ? layout->n - first : most;

	(void)worker;
	layout->form->pack(layout->weights + first * layout->row_size,
			   layout->row_size, rows, layout->cols,
			   layout->strips + strip * layout->strip_size);
}

static unsigned char *allocate(uint64_t size)
{
	const size_t alignment =
	    size < HUGE_PAGE_SIZE ? PAGE_SIZE : HUGE_PAGE_SIZE;
	uint64_t padded;
	unsigned char *memory;

	if (!checked_pad(size, alignment, &padded) || padded > SIZE_MAX)
		return NULL;
	memory = aligned_alloc(alignment, (size_t)padded);
#ifdef MADV_HUGEPAGE
	/* It is fine if the system does not know huge pages. */
	if (memory && alignment == HUGE_PAGE_SIZE)
		(void)madvise(memory, (size_t)padded, MADV_HUGEPAGE);
#endif
	return memory;
}

/* Sets strips and size. */
static quire_status lay_out(struct prepacked_entry *entry,
			    const struct prepacked_form *form,
			    struct crew *crew, const quire_tensor *tensor,
			    quire_error *error)
{
	const size_t strips = divide_up(entry->n, form->rows);
	struct layout layout = {
		.form = form,
		.weights = tensor->data,
		.row_size = (size_t)(tensor->size / entry->n),
		.n = entry->n,
		.cols = entry->cols,
		.strip_size = quire_strip_size(form, entry->cols),
	};
	uint64_t size;

	if (!checked_mul(strips, layout.strip_size, &size))
		return quire_fail_memory(error, UINT64_MAX);
	layout.strips = allocate(size);
	if (!layout.strips)
		return quire_fail_memory(error, size);
	quire_crew_run(crew, crew->threads, strips, lay_out_strip, &layout);
	entry->strips = layout.strips;
	entry->size = (size_t)size;
	return QUIRE_OK;
}

/* ------------------------------------------- the list, under its lock */

/* Entries before this place are of weights at lower addresses. */
static size_t find_place(const struct prepacked *list, const void *weights)
{
	size_t low = 0, high = atomic_load(&list->count);

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if ((uintptr_t)list->entries[middle].weights <
		    (uintptr_t)weights)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct prepacked_entry *find(const struct prepacked *list,
					  const void *weights)
{
	const size_t place = find_place(list, weights);

	if (place == atomic_load(&list->count) ||
	    list->entries[place].weights != weights)
		return NULL;
	return &list->entries[place];
}

static bool insert(struct prepacked *list, const struct prepacked_entry *entry)
{
	const size_t count = atomic_load(&list->count);
	const size_t place = find_place(list, entry->weights);

	if (count == list->capacity) {
		const size_t capacity = count * 2 + 16;
		struct prepacked_entry *grown =
		    realloc(list->entries, capacity * sizeof(*grown));

		if (!grown)
			return false;
		list->entries = grown;
		list->capacity = capacity;
	}
	memmove(list->entries + place + 1, list->entries + place,
		(count - place) * sizeof(*entry));
	list->entries[place] = *entry;
	list->size += entry->size;
	atomic_store(&list->count, count + 1);
	return true;
}

/* ------------------------------------------------------------------------ */

static const struct prepacked_form *find_form(
    const struct kernel_table *kernels, const quire_tensor *tensor)
{
	const struct kernel_op *op;

	if (tensor->rank != 2 || tensor->shape[1] == 0 || tensor->shape[0] == 0)
		return NULL;
	op = quire_kernel_table_op(kernels, tensor->dtype, COMPUTE_INT8);
	for (size_t i = 0; op && i < op->small_count; i++)
		if (op->small[i].prepacked.pack)
			return &op->small[i].prepacked;
	return NULL;
}

static bool is_there(struct prepacked *list, const void *weights)
{
	bool found;

	pthread_rwlock_rdlock(&list->lock);
	found = find(list, weights) != NULL;
	pthread_rwlock_unlock(&list->lock);
	return found;
}

quire_status quire_prepacked_add(struct prepacked *list,
				 const struct kernel_table *kernels,
				 struct crew *crew, const quire_model *model,
				 const quire_tensor *tensor, quire_error *error)
{
	const struct prepacked_form *form = find_form(kernels, tensor);
	struct prepacked_entry entry = {
		.model = model,
		.weights = tensor->data,
		.dtype = tensor->dtype,
		.n = (size_t)tensor->shape[1],
		.cols = (size_t)tensor->shape[0],
	};
	quire_status status;
	bool needed, added = false;

	if (!form || is_there(list, tensor->data))
		return QUIRE_OK;
	status = lay_out(&entry, form, crew, tensor, error);
	if (status != QUIRE_OK)
		return status;
	pthread_rwlock_wrlock(&list->lock);
	/* Another thread may have been at the same tensor. */
	needed = !find(list, tensor->data);
	if (needed)
		added = insert(list, &entry);
	pthread_rwlock_unlock(&list->lock);
	if (!added)
		free(entry.strips);
	return needed && !added ? quire_fail_memory(error, sizeof(entry))
				: QUIRE_OK;
}

void quire_prepacked_remove(struct prepacked *list, const quire_model *model)
{
	size_t kept = 0;

	if (atomic_load(&list->count) == 0)
		return;
	pthread_rwlock_wrlock(&list->lock);
	for (size_t i = 0; i < atomic_load(&list->count); i++) {
		const struct prepacked_entry entry = list->entries[i];

		if (entry.model == model) {
			list->size -= entry.size;
			free(entry.strips);
		} else {
			list->entries[kept++] = entry;
		}
	}
	atomic_store(&list->count, kept);
	pthread_rwlock_unlock(&list->lock);
}

const unsigned char *quire_prepacked_find(struct prepacked *list,
					  const struct request *request)
{
	const struct prepacked_entry *entry;
	const unsigned char *strips = NULL;

	if (atomic_load(&list->count) == 0)
		return NULL;
	pthread_rwlock_rdlock(&list->lock);
	entry = find(list, request->weights);
	if (entry && entry->dtype == request->dtype && entry->n == request->n &&
	    entry->cols == request->cols)
		strips = entry->strips;
	pthread_rwlock_unlock(&list->lock);
	return strips;
}
