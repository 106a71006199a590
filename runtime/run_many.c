/*
 * run_many.c - several linears over one x: it is prepared once for those that
 * read it in the same layout.
 */
#include <assert.h>

#include "base/bytes.h"
#include "base/error.h"
#include "runtime/gemm.h"
#include "runtime/matmul.h"
#include "runtime/sizes.h"

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

/* One linear. It is read and checked before anything is multiplied, and not
 * again: so nothing can fail once y is written. */
struct job {
	struct request request;
	struct gemm gemm;
};

static quire_status read_job(const struct many *many, size_t i, struct job *job,
			     quire_error *error)
{
	const quire_linear *linear = many->linears[i];
	const struct kernel_op *op;
	quire_matmul_options own;
	quire_status status;

	status = quire_linear_read(linear, many->options, &own, error);
	if (status == QUIRE_OK)
		status =
		    quire_matmul_read(&job->request, linear->weight, many->x,
				      many->m, many->y[i], &own, error);
	if (status == QUIRE_OK)
		status = quire_matmul_find_op(many->runtime, &job->request, &op,
					      error);
	if (status == QUIRE_OK)
		status = quire_gemm_init(&job->gemm, many->runtime,
					 &job->request, op, error);
	return status;
}

static bool same_layout(const struct x_form *a, const struct x_form *b)
{
	return a->rows == b->rows && a->group == b->group &&
	       a->size == b->size && a->factor == b->factor &&
	       a->begin == b->begin && a->sums_f32 == b->sums_f32 &&
	       a->even == b->even && a->prepare == b->prepare;
}

/* Whether `b` takes what is prepared of x for `a`. */
static bool same_x(const struct gemm *a, const struct gemm *b)
{
	return a->request->cols == b->request->cols &&
	       a->request->k == b->request->k &&
	       same_layout(a->x_form, b->x_form) &&
	       a->rest.rows == b->rest.rows &&
	       (a->rest.rows == 0 ||
		same_layout(a->rest.x_form, b->rest.x_form));
}

/* Jobs first to end - 1 multiply what the first prepares. */
static void run_group(const struct many *many, struct job *jobs, size_t first,
		      size_t end, unsigned char *scratch)
{
	struct crew *crew = &many->runtime->crew;
	struct gemm *lead = &jobs[first].gemm;

	for (size_t row = 0; row < many->m; row += lead->rows) {
		for (size_t i = first; i < end; i++) {
			struct gemm *gemm = &jobs[i].gemm;

			assert(gemm->chunk == lead->chunk);
			gemm->scratch = scratch;
			quire_gemm_take_chunk(gemm, row);
			if (i == first)
				quire_gemm_prepare(crew, gemm);
			quire_gemm_multiply(crew, gemm);
		}
	}
}

/* The first job after `first` that needs x in another layout. */
static size_t find_end(const struct job *jobs, size_t first, size_t count)
{
	size_t end = first + 1;

	while (end < count && same_x(&jobs[first].gemm, &jobs[end].gemm))
		end++;
	return end;
}

/* Takes scratch memory for the largest of all jobs, and runs them. */
static quire_status run_jobs(const struct many *many, struct job *jobs,
			     quire_error *error)
{
	struct scratch_list *list = &many->runtime->scratch;
	struct scratch *scratch;
	size_t size = 0, end;
	quire_status status;

	for (size_t i = 0; i < many->count; i++)
		if (jobs[i].gemm.size > size)
			size = jobs[i].gemm.size;
	status = quire_scratch_take(list, size, &scratch, error);
	if (status != QUIRE_OK)
		return status;
	for (size_t first = 0; first < many->count; first = end) {
		end = find_end(jobs, first, many->count);
		run_group(many, jobs, first, end, scratch->bytes);
	}
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

/* Memory for the jobs is borrowed from the runtime, in a list of its own: their
 * scratch memory is much larger, and a piece of one list grows to the largest
 * size that was asked of it. */
static quire_status take_jobs(const struct many *many, struct scratch **jobs,
			      quire_error *error)
{
	uint64_t size;

	if (!checked_mul(many->count, sizeof(struct job), &size) ||
	    size > SIZE_MAX)
		return quire_fail_memory(error, UINT64_MAX);
	return quire_scratch_take(&many->runtime->jobs, (size_t)size, jobs,
				  error);
}

quire_status quire_linear_run_many(quire_runtime *runtime,
				   const quire_linear *const *linears,
				   size_t count, const void *x, size_t m,
				   void *const *y,
				   const quire_matmul_options *options,
				   quire_error *error)
{
	const struct many many = { runtime, linears, count, x, m, y, options };
	struct scratch *scratch;
	struct job *jobs;
	quire_status status = take_jobs(&many, &scratch, error);

	if (status != QUIRE_OK)
		return status;
	jobs = (struct job *)(void *)scratch->bytes;
	for (size_t i = 0; i < count && status == QUIRE_OK; i++)
		status = read_job(&many, i, &jobs[i], error);
	if (status == QUIRE_OK && runtime->device != QUIRE_DEVICE_CPU)
		status = run_on_device(&many, error);
	else if (status == QUIRE_OK && m > 0 && count > 0)
		status = run_jobs(&many, jobs, error);
	quire_scratch_give(&runtime->jobs, scratch);
	return status;
}
