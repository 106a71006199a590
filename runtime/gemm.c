/*
 * gemm.c - the framework of every product: it chooses a form, lays out scratch
 * memory, cuts the product into items of work, and runs a kernel set's
 * functions over them. It knows no instruction set, and a weight type only by
 * its rows of the tables.
 *
 * x is taken in chunks of rows. A chunk is first prepared as a whole, in the
 * layout that the kernel reads. Then each thread takes steps of rows of W and
 * multiplies them by all rows of the chunk, so that each byte of W is read once
 * a chunk. The order in which a y is summed depends on the columns alone, so
 * neither threads nor chunks change a result.
 */
#include <assert.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/parse.h"
#include "runtime/activations.h"
#include "runtime/gemm.h"
#include "runtime/gemm_packed.h"
#include "runtime/outputs.h"
#include "runtime/prepack.h"
#include "runtime/sizes.h"
#include "runtime/work_stealing.h"

/*
 * Scratch of a call is at most
 *
 *	max(X_SIZE, one tile) + threads * (one panel + CHUNK_ROWS * 4 * step)
 *
 * and a little for the bias and for rows of x that are left over, fewer than a
 * tile. Each thread's memory is in pages of its own. One tile of x is at most
 * 16 rows of 4 bytes a column, a panel at most 32 KiB. A step is at most
 * MAX_PACKED_STEP rows in the packed form, `nr` (at most 64) in the small-batch
 * form and MAX_GEMV_STEP in GEMV. Together that is 6 MiB, and 180 KiB a thread.
 */
#define X_SIZE	   ((size_t)6 << 20)
#define CHUNK_ROWS 256

/* Rows of W in a step of GEMV: about as many as the first-level cache holds, as
 * they are read again for each row of x. */
#define GEMV_STEP_SIZE 32768
#define MAX_GEMV_STEP  64

/* In the packed form: the most rows of W in a step, the steps that each thread
 * should have, and the bytes of x that stay in a second-level cache of 1 MiB
 * while weights pass through it. */
#define MAX_PACKED_STEP 144
#define PACKED_STEPS	4
#define X_CACHED	131072.0

/* To wake one more thread costs about 5 us. These are the multiplications, and
 * the elements of x to prepare, that take as long. */
#define WORKER_PRODUCTS 131072.0
#define WORKER_ELEMENTS 16384.0

/* A product of no more multiplications is brief (base/thread_pool.h): with one
 * row of x, where they take longest, these take 0.2 ms. After a pause of 1 or
 * 50 ms, waking a second thread for as many gains nothing
 * (bench/log/2026-12-01-pool.md). */
#define BRIEF_PRODUCTS 8388608.0

/* The number of threads for `work`, if each is to have `unit` of it. */
static size_t count_workers(double work, double unit, size_t threads)
{
	const double workers = work / unit;

	if (workers >= (double)threads)
		return threads;
	return workers < 1.0 ? 1 : (size_t)workers;
}

/* Bytes of all prepared x. */
static double x_size(const struct gemm *gemm)
{
	const struct x_form *form = &gemm->op->tile->x;

	return (double)quire_x_groups(form, gemm->request) * form->size /
	       form->rows * (double)gemm->request->m;
}

/* The panels in a step. A step multiplies x by all its panels for one range of
 * columns before it goes on to the next. If the second-level cache cannot hold
 * all x, it holds these columns of it, and all panels but the first find them
 * there. Each thread is to have a few steps, so a step has no more panels. */
static size_t count_panels(const struct gemm *gemm)
{
	const size_t panels = divide_up(gemm->request->n, gemm->op->pack->nr);
	const size_t even = panels / (gemm->workers * PACKED_STEPS);
	const size_t most = MAX_PACKED_STEP / gemm->op->pack->nr;

	if (even == 0 || x_size(gemm) <= X_CACHED)
		return 1;
	return min_size(even, most);
}

static size_t gemv_step(const struct gemv_form *form, size_t row_size)
{
	const size_t rows = min_size(GEMV_STEP_SIZE / row_size, MAX_GEMV_STEP);
	const size_t nr = form->nr == 0 ? 1 : form->nr;

	return rows < nr ? nr : divide_up(rows, nr) * nr;
}

/* Sets the threads of a product of so many multiplications. One that is too
 * small for two does not ask what else runs. */
static void choose_threads(struct gemm *gemm, quire_runtime *runtime,
			   double products)
{
	const struct crew *crew = &runtime->crew;

	gemm->brief = products <= BRIEF_PRODUCTS;
	gemm->threads = crew->threads;
	if (crew->pool && products >= 2 * WORKER_PRODUCTS) {
		gemm->share = &runtime->share;
		gemm->threads = quire_cpu_share_threads(
		    gemm->share, crew->threads,
		    1 + quire_thread_pool_awake(crew->pool), gemm->brief);
	}
	gemm->workers = count_workers(products, WORKER_PRODUCTS, gemm->threads);
}

/* The rows that are too few for a tile of the small-batch form. The form that
 * takes so few never packs. */
static void choose_rest(struct gemm *gemm)
{
	struct gemm_rest *rest = &gemm->rest;
	enum form form;

	rest->rows = quire_small_rest(gemm->small, gemm->request->m);
	if (rest->rows == 0)
		return;
	form = quire_kernel_op_form(gemm->op, rest->rows, &rest->small);
	assert(form != FORM_PACKED);
	(void)form;
	rest->x_form = rest->small ? &rest->small->x : &gemm->op->gemv->x;
	assert(rest->x_form->rows == 1 && !gemm->small->prepacked.pack);
}

/* Sets the form, and what follows from it of W and x. */
static void choose_form(struct gemm *gemm, struct prepacked_list *prepacked)
{
	const struct kernel_op *op = gemm->op;
	const struct request *request = gemm->request;
	const struct small_form *small;

	gemm->form = quire_kernel_op_form(op, request->m, &small);
	switch (gemm->form) {
	case FORM_SMALL:
		gemm->small = small;
		gemm->x_form = &small->x;
		gemm->step = gemm->c_stride = small->nr;
		choose_rest(gemm);
		break;
	case FORM_PACKED:
		gemm->x_form = &op->tile->x;
		gemm->step = op->pack->nr * count_panels(gemm);
		gemm->c_stride = op->pack->nr;
		break;
	case FORM_GEMV:
		gemm->x_form = &op->gemv->x;
		gemm->step = gemm->c_stride =
		    gemv_step(op->gemv, request->row_size);
	}
	if (small && small->prepacked.pack) {
		gemm->strips = quire_prepacked_find(prepacked, request);
		gemm->strip_size =
		    quire_strip_size(&small->prepacked, request->cols);
	}
}

/* Tiles in a chunk. All weights are read, or packed, once a chunk: so there are
 * as few chunks as can be, and they are even. */
static size_t chunk_tiles(const struct gemm *gemm)
{
	const size_t all =
	    divide_up(gemm->request->m - gemm->rest.rows, gemm->x_form->rows);
	const size_t most =
	    min_size(X_SIZE / gemm->tile_size, CHUNK_ROWS / gemm->x_form->rows);

	const size_t chunks = most == 0 ? all : divide_up(all, most);

	return chunks == 0 ? 1 : divide_up(all, chunks);
}

/* Bytes of a tile in the layout of x_form; false if memory cannot hold it. */
static bool measure_tile(const struct gemm *gemm, const struct x_form *x_form,
			 size_t *size)
{
	uint64_t tile;

	if (!checked_mul(quire_x_groups(x_form, gemm->request), x_form->size,
			 &tile) ||
	    !checked_pad(tile, QUIRE_LINE_SIZE, &tile) || tile > SIZE_MAX)
		return false;
	*size = (size_t)tile;
	return true;
}

/* Sets the chunk. *size = the bytes of prepared x. */
static bool lay_out_x(struct gemm *gemm, uint64_t *size)
{
	struct gemm_rest *rest = &gemm->rest;
	uint64_t rest_size = 0;
	size_t tiles;

	if (!measure_tile(gemm, gemm->x_form, &gemm->tile_size) ||
	    (rest->rows > 0 &&
	     !measure_tile(gemm, rest->x_form, &rest->tile_size)))
		return false;
	tiles = chunk_tiles(gemm);
	gemm->chunk = tiles * gemm->x_form->rows;
	if (!checked_mul(tiles, gemm->tile_size, size) || *size > SIZE_MAX ||
	    !checked_mul(rest->rows, rest->tile_size, &rest_size))
		return false;
	rest->offset = (size_t)*size;
	return checked_add(*size, rest_size, size) &&
	       checked_pad(*size, QUIRE_SCRATCH_ALIGNMENT, size);
}

/* Sets the chunk, and the offset and size of each part of scratch. */
static bool lay_out_scratch(struct gemm *gemm)
{
	const size_t page = QUIRE_SCRATCH_ALIGNMENT;
	uint64_t slots, size;

	if (!lay_out_x(gemm, &size))
		return false;
	gemm->panel_size = gemm->form == FORM_PACKED ? gemm->op->pack->size : 0;
	gemm->bias_size = gemm->step * sizeof(float);
	gemm->slot_size =
	    gemm->panel_size + gemm->bias_size +
	    (gemm->chunk + gemm->rest.rows) * gemm->step * sizeof(float);
	gemm->slot_size = divide_up(gemm->slot_size, page) * page;
	if (!checked_mul(gemm->workers, gemm->slot_size, &slots))
		return false;
	gemm->slots_offset = (size_t)size;
	if (!checked_add(size, slots, &size) || size > SIZE_MAX)
		return false;
	gemm->ranges_offset = (size_t)size;
	if (!checked_add(size, gemm->workers * sizeof(struct work_range),
			 &size) ||
	    size > SIZE_MAX)
		return false;
	gemm->size = (size_t)size;
	return true;
}

/* Where row `row` of the rest is prepared. */
static unsigned char *find_rest(const struct gemm *gemm, size_t row)
{
	return gemm->scratch + gemm->rest.offset + row * gemm->rest.tile_size;
}

/* A tile, or after these a row of the rest. */
static void prepare_item(void *context, size_t worker, size_t item)
{
	const struct gemm *gemm = context;
	const struct x_form *form = gemm->x_form;
	size_t first, end;
	void *tile;

	(void)worker;
	if (item < gemm->tiles) {
		first = quire_gemm_tile_row(gemm, item);
		end = quire_gemm_tile_row(gemm, item + 1);
		tile = gemm->scratch + item * gemm->tile_size;
	} else {
		form = gemm->rest.x_form;
		first = gemm->whole + item - gemm->tiles;
		end = first + 1;
		tile = find_rest(gemm, item - gemm->tiles);
	}
	quire_prepare_tile(gemm->kernels, form, gemm->request,
			   gemm->first + first, gemm->first + end, tile);
}

/* `count` rows of x, prepared as tiles of `size` bytes, by GEMV. */
static void multiply_gemv(const struct gemm *gemm, const unsigned char *weights,
			  size_t rows, const unsigned char *x, size_t size,
			  size_t count, float *c)
{
	const struct request *request = gemm->request;

	for (size_t m = 0; m < count; m++)
		gemm->op->gemv->multiply(weights, request->row_size, rows,
					 request->cols, x + m * size,
					 c + m * gemm->step);
}

/* The small-batch form, over rows of W in place or over strips. */
static void multiply_small(const struct gemm *gemm,
			   quire_small_function *multiply,
			   const unsigned char *weights, size_t row_size,
			   size_t rows, float *c)
{
	const size_t most = gemm->small->most, alone = gemm->small->alone;
	size_t taken;

	assert(most % gemm->x_form->rows == 0);
	for (size_t m = 0; m < gemm->whole; m += taken) {
		const size_t left = gemm->whole - m;

		taken = left <= alone ? left : min_size(left, most);
		multiply(
		    weights, row_size, rows, gemm->request->cols,
		    gemm->scratch + m / gemm->x_form->rows * gemm->tile_size,
		    gemm->tile_size, taken, c + m * gemm->step, gemm->step);
	}
}

static void multiply_strips(const struct gemm *gemm, size_t first, size_t rows,
			    float *c)
{
	const struct prepacked_form *form = &gemm->small->prepacked;

	multiply_small(gemm, form->multiply,
		       gemm->strips + first / form->rows * gemm->strip_size,
		       gemm->strip_size, rows, c);
}

/* The rows of x that are in no tile, by the form that they have. */
static void multiply_rest(const struct gemm *gemm, const unsigned char *weights,
			  size_t rows, float *c)
{
	const struct gemm_rest *rest = &gemm->rest;
	const size_t count = gemm->rows - gemm->whole;

	c += gemm->whole * gemm->step;
	if (count > 0 && rest->small)
		rest->small->multiply(weights, gemm->request->row_size, rows,
				      gemm->request->cols, find_rest(gemm, 0),
				      rest->tile_size, count, c, gemm->step);
	else if (count > 0)
		multiply_gemv(gemm, weights, rows, find_rest(gemm, 0),
			      rest->tile_size, count, c);
}

/* Rows `first` to first + rows - 1 of W, at most a step. */
static void multiply_step(const struct gemm *gemm, size_t worker, size_t first,
			  size_t rows)
{
	const struct request *request = gemm->request;
	const unsigned char *weights =
	    request->weights + first * request->row_size;
	unsigned char *slot =
	    gemm->scratch + gemm->slots_offset + worker * gemm->slot_size;
	float *bias = (float *)(void *)(slot + gemm->panel_size);
	float *c = bias + gemm->step;

	switch (gemm->form) {
	case FORM_PACKED:
		quire_gemm_packed_step(gemm, first, rows, c, slot);
		break;
	case FORM_SMALL:
		if (gemm->strips)
			multiply_strips(gemm, first, rows, c);
		else
			multiply_small(gemm, gemm->small->multiply, weights,
				       request->row_size, rows, c);
		multiply_rest(gemm, weights, rows, c);
		break;
	case FORM_GEMV:
		multiply_gemv(gemm, weights, rows, gemm->scratch,
			      gemm->tile_size, gemm->rows, c);
	}
	for (size_t n = 0; n < rows; n += gemm->c_stride)
		quire_write_outputs(gemm->kernels, request, gemm->first,
				    gemm->rows, first + n,
				    min_size(rows - n, gemm->c_stride),
				    c + n * gemm->chunk, gemm->c_stride, bias);
}

/* Rows of W in an item of work: those whose sums lie together, or a multiple of
 * them, so that 32 bits count the items. */
static size_t item_rows(const struct gemm *gemm)
{
	const size_t units = divide_up(gemm->request->n, gemm->c_stride);

	return gemm->c_stride * divide_up(units, UINT32_MAX);
}

static struct work_range *find_ranges(const struct gemm *gemm)
{
	return (struct work_range *)(void *)(gemm->scratch +
					     gemm->ranges_offset);
}

static void multiply_range(void *context, size_t worker, size_t range)
{
	const struct gemm *gemm = context;
	const size_t unit = item_rows(gemm), most = divide_up(gemm->step, unit);
	size_t first, end;

	while (quire_work_take(find_ranges(gemm), gemm->workers, range, most,
			       &first, &end)) {
		first *= unit;
		end = min_size(end * unit, gemm->request->n);
		for (; first < end; first += gemm->step)
			multiply_step(gemm, worker, first,
				      min_size(end - first, gemm->step));
	}
}

void quire_gemm_take_chunk(struct gemm *gemm, size_t first)
{
	const size_t tile_rows = gemm->x_form->rows;
	const size_t left = gemm->request->m - gemm->rest.rows - first;

	gemm->first = first;
	gemm->whole = min_size(left, gemm->chunk);
	gemm->rows = gemm->whole;
	if (gemm->whole == left)
		gemm->rows += gemm->rest.rows;
	gemm->tiles = divide_up(gemm->whole, tile_rows);
	gemm->tile_rows = tile_rows;
	gemm->longer = 0;
	if (gemm->x_form->even) {
		gemm->tile_rows = gemm->whole / gemm->tiles;
		gemm->longer = gemm->whole % gemm->tiles;
	}
}

void quire_gemm_prepare(struct crew *crew, struct gemm *gemm)
{
	const double elements = (double)gemm->rows * (double)gemm->request->k;

	quire_crew_run_brief(
	    crew, count_workers(elements, WORKER_ELEMENTS, gemm->threads),
	    gemm->tiles + gemm->rows - gemm->whole, gemm->brief, prepare_item,
	    gemm);
}

void quire_gemm_multiply(struct crew *crew, struct gemm *gemm)
{
	const size_t items = divide_up(gemm->request->n, item_rows(gemm));

	quire_work_split(find_ranges(gemm), gemm->workers, (uint32_t)items);
	quire_crew_run_brief(crew, gemm->workers, gemm->workers, gemm->brief,
			     multiply_range, gemm);
	if (gemm->share)
		quire_cpu_share_end(gemm->share);
}

quire_status quire_gemm_init(struct gemm *gemm, quire_runtime *runtime,
			     const struct request *request,
			     const struct kernel_op *op, quire_error *error)
{
	const double products =
	    (double)request->m * (double)request->n * (double)request->k;

	*gemm = (struct gemm){
		.request = request,
		.kernels = &runtime->kernels,
		.op = op,
	};
	choose_threads(gemm, runtime, products);
	choose_form(gemm, &runtime->prepacked);
	return lay_out_scratch(gemm) ? QUIRE_OK
				     : quire_fail_memory(error, UINT64_MAX);
}
