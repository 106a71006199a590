/*
 * matmul.c - the framework of every product: cuts it into items of work,
 * lays out scratch memory, and runs a kernel set's functions over the items.
 * Knows no instruction set, and no weight type but by its table.
 *
 * x is taken in chunks of rows. A chunk is prepared whole (each kernel says
 * how it wants x) and then multiplied: threads share the rows of W, and take
 * them in steps by all rows of the chunk, so that each byte of W is read once a
 * chunk. Each y is summed in an order that depends on nothing but the columns;
 * so neither threads nor cuts can change a result.
 */
#include "runtime/gemm.h"

#include <assert.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/parse.h"
#include "runtime/activations.h"
#include "runtime/gemm_packed.h"
#include "runtime/outputs.h"
#include "runtime/sizes.h"
#include "runtime/work_stealing.h"

/*
 * Scratch of a call is at most
 *
 *	max(X_SIZE, one tile) + threads * (one panel + CHUNK_ROWS * 4 * step)
 *
 * and a little for the bias, each thread's in pages of its own. One tile of x
 * is a kernel's `rows` (at most 16) rows of 4 bytes a column; a panel is at
 * most 32 KiB; a step is at most MAX_PANEL_STEP rows in the panel form, the
 * `nr` (at most 64) of the few form, or MAX_GEMV_STEP: 6 MiB and 180 KiB a
 * thread.
 */
#define X_SIZE	   ((size_t)6 << 20)
#define CHUNK_ROWS 256

/* Rows of W that one step of the vec form takes: about as many as the
 * first-level cache holds, for they are read again for each row of x. */
#define GEMV_STEP_SIZE 32768
#define MAX_GEMV_STEP  64

/* Rows of W that one step of the panel form takes at most, steps that each
 * thread should find, and bytes of x that a second-level cache of 1 MiB holds
 * whole, whatever passes through it beside them. */
#define MAX_PANEL_STEP 144
#define PANEL_STEPS    4
#define X_CACHED       131072.0

/* Products that pay for one more thread's being woken, about 5 us of them,
 * and the same for elements of x to prepare. */
#define WORKER_PRODUCTS 131072.0
#define WORKER_ELEMENTS 16384.0

/* Threads that `work` keeps busy, when one more is worth `unit` of it. */
static size_t count_workers(double work, double unit, size_t threads)
{
	const double workers = work / unit;

	if (workers >= (double)threads)
		return threads;
	return workers < 1.0 ? 1 : (size_t)workers;
}

/* Rows of x with those that fill the last tile. */
static size_t pad_rows(const struct x_form *form, size_t m)
{
	return divide_up(m, form->rows) * form->rows;
}

/* The small-batch form for m rows of x, or NULL. Where packing pays too, it is
 * taken if it multiplies all rows at once and pads them to no more. */
static const struct small_form *find_small(const struct kernel_op *op, size_t m)
{
	const struct small_form *small = NULL;

	for (size_t i = 0; i < op->small_count; i++)
		if (m >= op->small[i].from)
			small = &op->small[i];
	if (!small || !op->tile || m < op->tile->from)
		return small;
	return m <= small->most &&
		       pad_rows(&small->x, m) <= pad_rows(&op->tile->x, m)
		   ? small
		   : NULL;
}

static enum form choose_form(const struct kernel_op *op, size_t m,
			     const struct small_form *small)
{
	if (small)
		return FORM_SMALL;
	return op->tile && m >= op->tile->from ? FORM_PACKED : FORM_GEMV;
}

/* Bytes of all prepared x. */
static double x_size(const struct matmul *mm)
{
	const struct x_form *form = &mm->op->tile->x;

	return (double)quire_x_groups(form, mm->request) * form->size /
	       form->rows * (double)mm->request->m;
}

/* Panels that a step takes, one after the other for each chunk of columns:
 * where the second-level cache does not hold all x, it holds these columns, and
 * all panels but the first find them there. No more than leave every thread a
 * few steps. */
static size_t count_panels(const struct matmul *mm)
{
	const size_t panels = divide_up(mm->request->n, mm->op->pack->nr);
	const size_t even = panels / (mm->workers * PANEL_STEPS);
	const size_t most = MAX_PANEL_STEP / mm->op->pack->nr;

	if (even == 0 || x_size(mm) <= X_CACHED)
		return 1;
	return min_size(even, most);
}

static size_t gemv_step(const struct gemv_form *form, size_t row_size)
{
	const size_t rows = min_size(GEMV_STEP_SIZE / row_size, MAX_GEMV_STEP);
	const size_t nr = form->nr == 0 ? 1 : form->nr;

	return rows < nr ? nr : divide_up(rows, nr) * nr;
}

static void plan_form(struct matmul *mm, struct prepacked *prepacked)
{
	const struct kernel_op *op = mm->op;
	const struct request *request = mm->request;

	mm->small = find_small(op, request->m);
	if (mm->small && mm->small->prepacked.pack) {
		mm->strips = quire_prepacked_find(prepacked, request);
		mm->strip_size =
		    quire_strip_size(&mm->small->prepacked, request->cols);
	}
	mm->form = choose_form(op, request->m, mm->small);
	switch (mm->form) {
	case FORM_PACKED:
		mm->x_form = &op->tile->x;
		mm->step = op->pack->nr * count_panels(mm);
		break;
	case FORM_SMALL:
		mm->x_form = &mm->small->x;
		mm->step = mm->small->nr;
		break;
	case FORM_GEMV:
		mm->x_form = &op->gemv->x;
		mm->step = gemv_step(op->gemv, request->row_size);
	}
	mm->c_stride = mm->form == FORM_PACKED ? op->pack->nr : mm->step;
}

/* Tiles in a chunk: chunks are as few as there can be, and as even, as for each
 * all weights are packed. */
static size_t chunk_tiles(const struct matmul *mm)
{
	const size_t all = divide_up(mm->request->m, mm->x_form->rows);
	const size_t most =
	    min_size(X_SIZE / mm->tile_size, CHUNK_ROWS / mm->x_form->rows);

	const size_t chunks = most == 0 ? all : divide_up(all, most);

	return chunks == 0 ? 1 : divide_up(all, chunks);
}

/* Sets the chunk and the places of everything in scratch. */
static bool plan_scratch(struct matmul *mm)
{
	const size_t page = QUIRE_SCRATCH_ALIGNMENT;
	uint64_t tile, tiles, slots, size;

	if (!checked_mul(quire_x_groups(mm->x_form, mm->request),
			 mm->x_form->size, &tile) ||
	    !checked_pad(tile, QUIRE_LINE_SIZE, &tile) || tile > SIZE_MAX)
		return false;
	mm->tile_size = (size_t)tile;
	tiles = chunk_tiles(mm);
	mm->chunk = (size_t)tiles * mm->x_form->rows;

	mm->panel_size = mm->form == FORM_PACKED ? mm->op->pack->size : 0;
	mm->bias_size = mm->step * sizeof(float);
	mm->slot_size = mm->panel_size + mm->bias_size +
			mm->chunk * mm->step * sizeof(float);
	mm->slot_size = divide_up(mm->slot_size, page) * page;
	if (!checked_mul(tiles, tile, &size) ||
	    !checked_pad(size, page, &size) ||
	    !checked_mul(mm->workers, mm->slot_size, &slots))
		return false;
	mm->slots_offset = (size_t)size;
	if (!checked_add(size, slots, &size) || size > SIZE_MAX)
		return false;
	mm->shares_offset = (size_t)size;
	if (!checked_add(size, mm->workers * sizeof(struct share), &size) ||
	    size > SIZE_MAX)
		return false;
	mm->size = (size_t)size;
	return true;
}

static void prepare_item(void *context, size_t worker, size_t item)
{
	const struct matmul *mm = context;

	(void)worker;
	quire_prepare_tile(mm->kernels, mm->x_form, mm->request,
			   mm->first + item * mm->x_form->rows,
			   mm->scratch + item * mm->tile_size);
}

static void multiply_gemv(const struct matmul *mm, const unsigned char *weights,
			  size_t rows, float *c)
{
	const struct request *request = mm->request;

	for (size_t m = 0; m < mm->rows; m++)
		mm->op->gemv->multiply(
		    weights, request->row_size, rows, request->cols,
		    mm->scratch + m * mm->tile_size, c + m * mm->step);
}

/* The small-batch form, over rows of W or over strips of them. */
static void multiply_small(const struct matmul *mm,
			   quire_small_function *multiply,
			   const unsigned char *weights, size_t row_size,
			   size_t rows, float *c)
{
	const size_t most = mm->small->most;

	assert(most % mm->x_form->rows == 0);
	for (size_t m = 0; m < mm->rows; m += most)
		multiply(weights, row_size, rows, mm->request->cols,
			 mm->scratch + m / mm->x_form->rows * mm->tile_size,
			 mm->tile_size, min_size(mm->rows - m, most),
			 c + m * mm->step, mm->step);
}

static void multiply_strips(const struct matmul *mm, size_t first, size_t rows,
			    float *c)
{
	const struct prepacked_form *form = &mm->small->prepacked;

	multiply_small(mm, form->multiply,
		       mm->strips + first / form->rows * mm->strip_size,
		       mm->strip_size, rows, c);
}

/* Rows `first` to first + rows - 1 of W, at most a step. */
static void multiply_step(const struct matmul *mm, size_t worker, size_t first,
			  size_t rows)
{
	const struct request *request = mm->request;
	const unsigned char *weights =
	    request->weights + first * request->row_size;
	unsigned char *slot =
	    mm->scratch + mm->slots_offset + worker * mm->slot_size;
	float *bias = (float *)(void *)(slot + mm->panel_size);
	float *c = bias + mm->step;

	switch (mm->form) {
	case FORM_PACKED:
		quire_multiply_panels(mm, first, rows, c, slot);
		break;
	case FORM_SMALL:
		if (mm->strips)
			multiply_strips(mm, first, rows, c);
		else
			multiply_small(mm, mm->small->multiply, weights,
				       request->row_size, rows, c);
		break;
	case FORM_GEMV:
		multiply_gemv(mm, weights, rows, c);
	}
	for (size_t n = 0; n < rows; n += mm->c_stride)
		quire_write_outputs(mm->kernels, request, mm->first, mm->rows,
				    first + n, min_size(rows - n, mm->c_stride),
				    c + n * mm->chunk, mm->c_stride, bias);
}

/* An item of work: as many rows of W as have their sums together, or a multiple
 * of that where there would be more of them than shares can count. */
static size_t item_rows(const struct matmul *mm)
{
	const size_t units = divide_up(mm->request->n, mm->c_stride);

	return mm->c_stride * divide_up(units, UINT32_MAX);
}

static struct share *find_shares(const struct matmul *mm)
{
	return (struct share *)(void *)(mm->scratch + mm->shares_offset);
}

static void multiply_share(void *context, size_t worker, size_t share)
{
	const struct matmul *mm = context;
	const size_t unit = item_rows(mm), most = divide_up(mm->step, unit);
	size_t first, end;

	while (quire_shares_take(find_shares(mm), mm->workers, share, most,
				 &first, &end)) {
		first *= unit;
		end = min_size(end * unit, mm->request->n);
		for (; first < end; first += mm->step)
			multiply_step(mm, worker, first,
				      min_size(end - first, mm->step));
	}
}

size_t quire_matmul_tiles(const struct matmul *mm)
{
	return divide_up(mm->rows, mm->x_form->rows);
}

void quire_matmul_prepare(struct crew *crew, struct matmul *mm)
{
	const double elements = (double)mm->rows * (double)mm->request->k;

	quire_crew_run(crew,
		       count_workers(elements, WORKER_ELEMENTS, crew->threads),
		       quire_matmul_tiles(mm), prepare_item, mm);
}

void quire_matmul_multiply(struct crew *crew, struct matmul *mm)
{
	const size_t items = divide_up(mm->request->n, item_rows(mm));

	quire_shares_init(find_shares(mm), mm->workers, (uint32_t)items);
	quire_crew_run(crew, mm->workers, mm->workers, multiply_share, mm);
}

quire_status quire_matmul_plan(struct matmul *mm, quire_runtime *runtime,
			       const struct request *request,
			       const struct kernel_op *op, quire_error *error)
{
	const double products =
	    (double)request->m * (double)request->n * (double)request->k;

	*mm = (struct matmul){
		.request = request,
		.kernels = &runtime->kernels,
		.op = op,
		.workers = count_workers(products, WORKER_PRODUCTS,
					 runtime->crew.threads),
	};
	plan_form(mm, &runtime->prepacked);
	return plan_scratch(mm) ? QUIRE_OK
				: quire_fail_memory(error, UINT64_MAX);
}
