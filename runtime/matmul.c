/*
 * matmul.c - the framework of every product: cuts it into items of work,
 * lays out scratch memory, and runs a kernel set's functions over the items.
 * Knows no instruction set, and no weight type but by its table.
 *
 * x is taken in chunks of rows. A chunk is prepared whole (each kernel says
 * how it wants x) and then multiplied: an item of work is a step of rows of W
 * by all rows of the chunk, so that each byte of W is read once a chunk. An
 * item sums each y in an order that depends on nothing but the columns; so
 * neither threads nor cuts can change a result.
 */
#include <assert.h>
#include <inttypes.h>

#include "format/bytes.h"
#include "format/error.h"
#include "format/parse.h"
#include "loader/lazy.h"
#include "runtime/activations.h"
#include "runtime/outputs.h"
#include "runtime/request.h"
#include "runtime/runtime.h"

/*
 * Scratch of a call is at most
 *
 *	max(X_SIZE, one tile) + threads * (one panel + CHUNK_ROWS * 4 * step)
 *
 * and a little for the bias. One tile of x is a kernel's `rows` (at most 8)
 * rows of 4 bytes a column; a panel is at most 32 KiB; a step is the panel's
 * rows (at most 32), or MAX_VEC_STEP: 4 MiB and 96 KiB a thread.
 */
#define X_SIZE	   ((size_t)4 << 20)
#define CHUNK_ROWS 256

/* Rows of W that one item of the vec form takes: as many as the first-level
 * cache holds, for they are read again for each row of x. */
#define VEC_STEP_SIZE 32768
#define MAX_VEC_STEP  64

/* Products that pay for one more thread's being woken, about 5 us of them,
 * and the same for elements of x to prepare. */
#define STRAND_PRODUCTS 131072.0
#define STRAND_ELEMENTS 16384.0

struct matmul {
	const struct request *request;
	const struct kernel_set *set;
	const struct kernel_op *op;
	const struct x_form *form;
	bool panel;	  /* which form of `op` */
	size_t step;	  /* rows of W in an item */
	size_t tile_size; /* bytes of a tile of prepared x */
	size_t chunk;	  /* rows of x, whole tiles */
	size_t strands;
	size_t slots_offset, slot_size; /* what strands own, in scratch */
	size_t panel_size, bias_size;	/* which begins a slot */
	size_t size;			/* of scratch */

	/* The chunk under way. */
	unsigned char *scratch;
	size_t first, rows;
};

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t divide_up(size_t a, size_t b)
{
	return a / b + (a % b != 0);
}

/* Threads that `work` keeps busy, when one more is worth `unit` of it. */
static size_t count_strands(double work, double unit, size_t threads)
{
	const double strands = work / unit;

	if (strands >= (double)threads)
		return threads;
	return strands < 1.0 ? 1 : (size_t)strands;
}

static size_t count_tiles(const struct matmul *mm)
{
	return divide_up(mm->rows, mm->form->rows);
}

static void plan_form(struct matmul *mm)
{
	const struct request *request = mm->request;
	const struct kernel_op *op = mm->op;

	mm->panel = op->panel.pack && request->m >= op->panel_from;
	mm->form = mm->panel ? &op->panel.x : &op->vec.x;
	mm->step = op->panel.nr;
	if (!mm->panel) {
		mm->step =
		    min_size(VEC_STEP_SIZE / request->row_size, MAX_VEC_STEP);
		if (mm->step == 0)
			mm->step = 1;
	}
}

/* Sets the chunk and the places of everything in scratch. */
static bool plan_scratch(struct matmul *mm)
{
	const size_t line = QUIRE_SCRATCH_ALIGNMENT;
	uint64_t tile, tiles, slots, size;

	if (!checked_mul(quire_x_groups(mm->form, mm->request), mm->form->size,
			 &tile) ||
	    !checked_pad(tile, line, &tile) || tile > SIZE_MAX)
		return false;
	mm->tile_size = (size_t)tile;
	tiles = min_size(X_SIZE / mm->tile_size, CHUNK_ROWS / mm->form->rows);
	if (tiles == 0)
		tiles = 1;
	tiles =
	    min_size((size_t)tiles, divide_up(mm->request->m, mm->form->rows));
	mm->chunk = (size_t)tiles * mm->form->rows;

	mm->panel_size = mm->panel ? mm->op->panel.size : 0;
	mm->bias_size = mm->step * sizeof(float);
	mm->slot_size = mm->panel_size + mm->bias_size +
			mm->chunk * mm->step * sizeof(float);
	mm->slot_size = divide_up(mm->slot_size, line) * line;
	if (!checked_mul(tiles, tile, &size) ||
	    !checked_mul(mm->strands, mm->slot_size, &slots))
		return false;
	mm->slots_offset = (size_t)size;
	if (!checked_add(size, slots, &size) || size > SIZE_MAX)
		return false;
	mm->size = (size_t)size;
	return true;
}

static void prepare_item(void *context, size_t strand, size_t item)
{
	const struct matmul *mm = context;

	(void)strand;
	quire_prepare_tile(mm->set, mm->form, mm->request,
			   mm->first + item * mm->form->rows,
			   mm->scratch + item * mm->tile_size);
}

static void multiply_vec(const struct matmul *mm, const unsigned char *weights,
			 size_t rows, float *c)
{
	const struct request *request = mm->request;
	const struct vec_form *form = &mm->op->vec;
	const size_t few = form->multiply_few ? QUIRE_FEW_ROWS : 1;

	for (size_t m = 0; m < mm->rows; m += few) {
		const unsigned char *x = mm->scratch + m * mm->tile_size;
		const size_t count = min_size(mm->rows - m, few);

		if (count == 1)
			form->multiply(weights, request->row_size, rows,
				       request->cols, x, c + m * mm->step);
		else
			form->multiply_few(weights, request->row_size, rows,
					   request->cols, x, mm->tile_size,
					   count, c + m * mm->step, mm->step);
	}
}

/* Bytes from the first column of a row of weights to column k, which begins
 * a block. */
static size_t column_offset(quire_dtype dtype, size_t k)
{
	uint32_t count, size;

	quire_dtype_block(dtype, &count, &size);
	assert(k % count == 0);
	return k / count * size;
}

static void multiply_panel(const struct matmul *mm,
			   const unsigned char *weights, size_t rows, float *c,
			   void *panel)
{
	const struct request *request = mm->request;
	const struct panel_form *form = &mm->op->panel;
	const size_t tiles = count_tiles(mm);

	for (size_t k = 0; k < request->cols; k += form->kc) {
		const size_t cols = min_size(request->cols - k, form->kc);
		const unsigned char *x =
		    mm->scratch + k / form->x.group * form->x.size;

		form->pack(weights + column_offset(request->dtype, k),
			   request->row_size, rows, cols, panel);
		for (size_t i = 0; i < tiles; i++)
			form->multiply(x + i * mm->tile_size, panel, cols,
				       c + i * form->x.rows * form->nr, k > 0);
	}
}

static void multiply_item(void *context, size_t strand, size_t item)
{
	const struct matmul *mm = context;
	const struct request *request = mm->request;
	const size_t first = item * mm->step;
	const size_t rows = min_size(request->n - first, mm->step);
	const unsigned char *weights =
	    request->weights + first * request->row_size;
	unsigned char *slot =
	    mm->scratch + mm->slots_offset + strand * mm->slot_size;
	float *bias = (float *)(void *)(slot + mm->panel_size);
	float *c = bias + mm->step;

	if (mm->panel)
		multiply_panel(mm, weights, rows, c, slot);
	else
		multiply_vec(mm, weights, rows, c);
	quire_write_outputs(mm->set, request, mm->first, mm->rows, first, rows,
			    c, mm->step, bias);
}

/* Lays the chunk out in scratch. */
static void prepare_chunk(struct crew *crew, struct matmul *mm)
{
	const double elements = (double)mm->rows * (double)mm->request->k;

	quire_crew_run(crew,
		       count_strands(elements, STRAND_ELEMENTS, crew->threads),
		       count_tiles(mm), prepare_item, mm);
}

static void multiply_chunk(struct crew *crew, struct matmul *mm)
{
	quire_crew_run(crew, mm->strands, divide_up(mm->request->n, mm->step),
		       multiply_item, mm);
}

static quire_status plan(struct matmul *mm, const quire_runtime *runtime,
			 const struct request *request,
			 const struct kernel_op *op, quire_error *error)
{
	const double products =
	    (double)request->m * (double)request->n * (double)request->k;

	*mm = (struct matmul){
		.request = request,
		.set = runtime->set,
		.op = op,
		.strands = count_strands(products, STRAND_PRODUCTS,
					 runtime->crew.threads),
	};
	plan_form(mm);
	return plan_scratch(mm) ? QUIRE_OK
				: quire_fail_memory(error, UINT64_MAX);
}

static quire_status run(quire_runtime *runtime, const struct request *request,
			const struct kernel_op *op, quire_error *error)
{
	struct matmul mm;
	struct scratch *scratch;
	quire_status status = plan(&mm, runtime, request, op, error);

	if (status != QUIRE_OK)
		return status;
	status =
	    quire_scratch_take(&runtime->scratch, mm.size, &scratch, error);
	if (status != QUIRE_OK)
		return status;
	mm.scratch = scratch->bytes;
	for (mm.first = 0; mm.first < request->m; mm.first += mm.rows) {
		mm.rows = min_size(request->m - mm.first, mm.chunk);
		prepare_chunk(&runtime->crew, &mm);
		multiply_chunk(&runtime->crew, &mm);
	}
	quire_scratch_give(&runtime->scratch, scratch);
	return QUIRE_OK;
}

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
	*op =
	    quire_kernel_set_op(runtime->set, request->dtype, request->compute);
	if (*op)
		return QUIRE_OK;
	return quire_fail(error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
			  "weights of type %s cannot be multiplied; Q4_0, "
			  "Q4_1, Q8_0, F32, F16 and BF16 can",
			  quire_dtype_name(request->dtype));
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
		status = plan(mm, many->runtime, request, op, error);
	return status;
}

/* Whether what is prepared of x for `a` is what `b` takes. */
static bool shares(const struct matmul *a, const struct matmul *b)
{
	const struct x_form *p = a->form, *q = b->form;

	return p->rows == q->rows && p->group == q->group &&
	       p->size == q->size && p->factor == q->factor &&
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
		prepare_chunk(crew, lead);
		for (size_t i = first; i < end; i++) {
			struct request request;
			struct matmul mm;

			if (plan_one(many, i, &request, &mm, NULL) != QUIRE_OK)
				return;
			assert(mm.chunk == lead->chunk);
			mm.scratch = lead->scratch;
			mm.first = lead->first;
			mm.rows = lead->rows;
			multiply_chunk(crew, &mm);
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
	if (runtime->device != QUIRE_DEVICE_CPU) {
		for (size_t i = 0; i < count && status == QUIRE_OK; i++)
			status = quire_linear_run(runtime, linears[i], x, m,
						  y[i], options, error);
		return status;
	}
	for (size_t i = 0; i < count && m > 0 && status == QUIRE_OK;)
		status = run_group(&many, i, &i, error);
	return status;
}
