/*
 * multiply.c - the calls that multiply: checks what they were given, finds
 * the kernels, and runs the product; several linears over one x prepare it
 * once. How a product is run is matmul.c's.
 */
#include <assert.h>
#include <inttypes.h>

#include "base/error.h"
#include "format/parse.h"
#include "loader/lazy.h"
#include "runtime/gemm.h"
#include "runtime/request.h"
#include "runtime/runtime.h"
#include "runtime/sizes.h"

/* Checks all that the caller gave. */
static quire_status read_request(struct request *request,
				 const quire_tensor *tensor, const void *x,
				 size_t m, void *y,
				 const quire_matmul_options *options,
				 quire_error *error)
{
	quire_status status =
	    quire_request_read(request, tensor, x, m, y, options, error);

	if (status == QUIRE_OK)
		status = quire_tensor_check(tensor, error);
	if (status == QUIRE_OK && options->bias)
		status = quire_tensor_check(options->bias, error);
	return status;
}

static quire_status find_op(const quire_runtime *runtime,
			    const struct request *request,
			    const struct kernel_op **op, quire_error *error)
{
	*op = quire_kernel_table_op(&runtime->kernels, request->dtype,
				    request->compute);
	if (*op)
		return QUIRE_OK;
	return quire_fail(error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
			  "weights of type %s cannot be multiplied; Q4_0, "
			  "Q4_1, Q8_0, F32, F16 and BF16 can",
			  quire_dtype_name(request->dtype));
}

static quire_status run(quire_runtime *runtime, const struct request *request,
			const struct kernel_op *op, quire_error *error)
{
	struct matmul mm;
	struct scratch *scratch;
	quire_status status =
	    quire_matmul_plan(&mm, runtime, request, op, error);

	if (status != QUIRE_OK)
		return status;
	status =
	    quire_scratch_take(&runtime->scratch, mm.size, &scratch, error);
	if (status != QUIRE_OK)
		return status;
	mm.scratch = scratch->bytes;
	for (mm.first = 0; mm.first < request->m; mm.first += mm.rows) {
		mm.rows = min_size(request->m - mm.first, mm.chunk);
		quire_matmul_prepare(&runtime->crew, &mm);
		quire_matmul_multiply(&runtime->crew, &mm);
	}
	quire_scratch_give(&runtime->scratch, scratch);
	return QUIRE_OK;
}

quire_status quire_matmul(quire_runtime *runtime, const quire_tensor *tensor,
			  const void *x, size_t m, void *y,
			  const quire_matmul_options *options,
			  quire_error *error)
{
	static const quire_matmul_options defaults;
	const struct kernel_op *op;
	struct request request;
	quire_status status;

	if (!options)
		options = &defaults;
	status = read_request(&request, tensor, x, m, y, options, error);
	if (status != QUIRE_OK)
		return status;
	if (m > 0 && request.n > 0 &&
	    quire_device_multiply(runtime, options->batch, &request, &status,
				  error))
		return status;
	status = find_op(runtime, &request, &op, error);
	if (status != QUIRE_OK || m == 0 || request.n == 0)
		return status;
	return run(runtime, &request, op, error);
}

/* The options of a product by `linear`, if the caller gave `options`. */
static quire_status read_linear(const quire_linear *linear,
				const quire_matmul_options *options,
				quire_matmul_options *own, quire_error *error)
{
	if (linear->n != linear->weight->shape[1])
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "linear '%.*s': n = %" PRIu64
				  ", but its weight has %" PRIu64 " rows",
				  QUIRE_PRINT(linear->name), linear->n,
				  linear->weight->shape[1]);
	*own = (quire_matmul_options){ .accuracy_level = 0 };
	if (options)
		*own = *options;
	if (own->accuracy_level == 0)
		own->accuracy_level = linear->accuracy_level;
	own->k = linear->k;
	own->bias = linear->bias;
	return QUIRE_OK;
}

quire_status quire_linear_run(quire_runtime *runtime,
			      const quire_linear *linear, const void *x,
			      size_t m, void *y,
			      const quire_matmul_options *options,
			      quire_error *error)
{
	quire_matmul_options own;
	const quire_status status = read_linear(linear, options, &own, error);

	if (status != QUIRE_OK)
		return status;
	return quire_matmul(runtime, linear->weight, x, m, y, &own, error);
}

/* The arguments of quire_linear_run_many. */
struct many {
	quire_runtime *runtime;
	const quire_linear *const *linears;
	size_t count;
	const void *x;
	size_t m;
	void *const *y;
	const quire_matmul_options *options;
};

static quire_status plan_one(const struct many *many, size_t i,
			     struct request *request, struct matmul *mm,
			     quire_error *error)
{
	const quire_linear *linear = many->linears[i];
	const struct kernel_op *op;
	quire_matmul_options own;
	quire_status status;

	status = read_linear(linear, many->options, &own, error);
	if (status == QUIRE_OK)
		status = read_request(request, linear->weight, many->x, many->m,
				      many->y[i], &own, error);
	if (status == QUIRE_OK)
		status = find_op(many->runtime, request, &op, error);
	if (status == QUIRE_OK)
		status =
		    quire_matmul_plan(mm, many->runtime, request, op, error);
	return status;
}

/* Whether what is prepared of x for `a` is what `b` takes. */
static bool shares(const struct matmul *a, const struct matmul *b)
{
	const struct x_form *p = a->x_form, *q = b->x_form;

	return p->rows == q->rows && p->group == q->group &&
	       p->size == q->size && p->factor == q->factor &&
	       p->begin == q->begin && p->sums_f32 == q->sums_f32 &&
	       p->prepare == q->prepare &&
	       a->request->cols == b->request->cols &&
	       a->request->k == b->request->k;
}

/* Linears first to end - 1 share what `lead` prepares. Their plans were made
 * before without failure; they are made again, as memory for them all would
 * have to be asked for. */
static void run_shared(const struct many *many, size_t first, size_t end,
		       struct matmul *lead)
{
	struct crew *crew = &many->runtime->crew;

	for (lead->first = 0; lead->first < many->m;
	     lead->first += lead->rows) {
		lead->rows = min_size(many->m - lead->first, lead->chunk);
		quire_matmul_prepare(crew, lead);
		for (size_t i = first; i < end; i++) {
			struct request request;
			struct matmul mm;

			if (plan_one(many, i, &request, &mm, NULL) != QUIRE_OK)
				return;
			assert(mm.chunk == lead->chunk);
			mm.scratch = lead->scratch;
			mm.first = lead->first;
			mm.rows = lead->rows;
			quire_matmul_multiply(crew, &mm);
		}
	}
}

/* Runs linear `first` and those after it that share its x; *end is the first
 * that does not. */
static quire_status run_group(const struct many *many, size_t first,
			      size_t *end, quire_error *error)
{
	struct scratch_list *list = &many->runtime->scratch;
	struct request request, other_request;
	struct matmul lead, other;
	struct scratch *scratch;
	quire_status status = plan_one(many, first, &request, &lead, error);
	size_t size;

	if (status != QUIRE_OK)
		return status;
	size = lead.size;
	for (*end = first + 1; status == QUIRE_OK && *end < many->count;
	     ++*end) {
		status = plan_one(many, *end, &other_request, &other, error);
		if (status != QUIRE_OK || !shares(&lead, &other))
			break;
		if (other.size > size)
			size = other.size;
	}
	if (status == QUIRE_OK)
		status = quire_scratch_take(list, size, &scratch, error);
	if (status != QUIRE_OK)
		return status;
	lead.scratch = scratch->bytes;
	run_shared(many, first, *end, &lead);
	quire_scratch_give(list, scratch);
	return QUIRE_OK;
}

/* One by one, in a batch of their own if the caller has none. */
static quire_status run_on_device(const struct many *many, quire_error *error)
{
	quire_matmul_options how = { .batch = NULL };
	quire_batch *own = NULL;
	quire_status status = QUIRE_OK, ended;

	if (many->options)
		how = *many->options;
	if (!how.batch) {
		status = quire_runtime_begin(many->runtime, &own, error);
		how.batch = own;
	}
	for (size_t i = 0; i < many->count && status == QUIRE_OK; i++)
		status =
		    quire_linear_run(many->runtime, many->linears[i], many->x,
				     many->m, many->y[i], &how, error);
	ended = quire_runtime_end(own, status == QUIRE_OK ? error : NULL);
	return status == QUIRE_OK ? ended : status;
}

quire_status quire_linear_run_many(quire_runtime *runtime,
				   const quire_linear *const *linears,
				   size_t count, const void *x, size_t m,
				   void *const *y,
				   const quire_matmul_options *options,
				   quire_error *error)
{
	const struct many many = { runtime, linears, count, x, m, y, options };
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		struct request request;
		struct matmul mm;

		status = plan_one(&many, i, &request, &mm, error);
	}
	if (runtime->device != QUIRE_DEVICE_CPU)
		return status == QUIRE_OK ? run_on_device(&many, error)
					  : status;
	for (size_t i = 0; i < count && m > 0 && status == QUIRE_OK;)
		status = run_group(&many, i, &i, error);
	return status;
}
