/*
 * prepack.c - copies the weights of a model: those of its linears, or all
 * matrices of a file that names none. The copies are in prepacked_list.c.
 */
#include "runtime/prepack.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"
#include "loader/lazy.h"
#include "runtime/sizes.h"

/* A copy is read from front to back, so it begins on a page, and a large one on
 * a huge page. */
#define PAGE_SIZE ((size_t)4096)

size_t quire_strip_size(const struct prepacked_form *form, size_t cols)
{
	return divide_up(cols, form->cols) * form->size;
}

/* The copy under way. */
struct copy {
	const struct prepacked_form *form;
	const unsigned char *weights;
	size_t row_size, n, cols, strip_size;
	unsigned char *strips;
};

static void pack_strip(void *context, size_t worker, size_t strip)
{
	const struct copy *copy = context;
	const size_t most = copy->form->rows;
	const size_t first = strip * most;

	(void)worker;
	copy->form->pack(copy->weights + first * copy->row_size, copy->row_size,
			 min_size(copy->n - first, most), copy->cols,
			 copy->strips + strip * copy->strip_size);
}

static unsigned char *allocate(uint64_t size)
{
	const size_t alignment =
	    size < QUIRE_HUGE_PAGE_SIZE ? PAGE_SIZE : QUIRE_HUGE_PAGE_SIZE;
	unsigned char *memory;

	if (size > SIZE_MAX)
		return NULL;
	memory = quire_aligned_alloc(alignment, (size_t)size);
	if (memory && alignment == QUIRE_HUGE_PAGE_SIZE)
		quire_memory_use_huge_pages(
		    memory, divide_up((size_t)size, alignment) * alignment);
	return memory;
}

/* Sets the strips of the entry, and their size. */
static quire_status copy_weights(struct prepacked_entry *entry,
				 const struct prepacked_form *form,
				 struct crew *crew, const quire_tensor *tensor,
				 quire_error *error)
{
	const size_t strips = divide_up(entry->n, form->rows);
	struct copy copy = {
		.form = form,
		.weights = tensor->data,
		.row_size = (size_t)(tensor->size / entry->n),
		.n = entry->n,
		.cols = entry->cols,
		.strip_size = quire_strip_size(form, entry->cols),
	};
	uint64_t size;

	if (!checked_mul(strips, copy.strip_size, &size))
		return quire_fail_memory(error, UINT64_MAX);
	copy.strips = allocate(size);
	if (!copy.strips)
		return quire_fail_memory(error, size);
	quire_crew_run(crew, crew->threads, strips, pack_strip, &copy);
	entry->strips = copy.strips;
	entry->size = (size_t)size;
	return QUIRE_OK;
}

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

quire_status quire_prepack_tensor(quire_runtime *runtime,
				  const quire_model *model,
				  const quire_tensor *tensor,
				  quire_error *error)
{
	const struct prepacked_form *form =
	    find_form(&runtime->kernels, tensor);
	struct prepacked_entry entry = {
		.model = model,
		.weights = tensor->data,
		.dtype = tensor->dtype,
		.n = (size_t)tensor->shape[1],
		.cols = (size_t)tensor->shape[0],
	};
	quire_status status;

	if (!form || quire_prepacked_has(&runtime->prepacked, tensor->data))
		return QUIRE_OK;
	status = copy_weights(&entry, form, &runtime->crew, tensor, error);
	return status == QUIRE_OK
		   ? quire_prepacked_insert(&runtime->prepacked, &entry, error)
		   : status;
}

static quire_status check_and_prepack(quire_runtime *runtime,
				      const quire_model *model,
				      const quire_tensor *tensor,
				      quire_error *error)
{
	const quire_status status = quire_tensor_check(tensor, error);

	return status == QUIRE_OK
		   ? quire_prepack_tensor(runtime, model, tensor, error)
		   : status;
}

quire_status quire_runtime_prepack(quire_runtime *runtime,
				   const quire_model *model, quire_error *error)
{
	const size_t linears = quire_model_linear_count(model);
	const size_t count =
	    linears ? linears : quire_model_tensor_count(model);
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < count && status == QUIRE_OK; i++)
		status = check_and_prepack(
		    runtime, model,
		    linears ? quire_model_linear(model, i)->weight
			    : quire_model_tensor(model, i),
		    error);
	if (status != QUIRE_OK)
		quire_prepacked_remove(&runtime->prepacked, model);
	return status;
}
