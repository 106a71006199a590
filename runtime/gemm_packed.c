/*
 * gemm_packed.c - one step of the packed form: it packs a panel, multiplies it
 * by all tiles of x, and prefetches what comes next.
 */
#include <assert.h>

#include "runtime/gemm_packed.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/outputs.h"
#include "runtime/sizes.h"

/* The most bytes of the next tile of x that are prefetched. */
#define TILE_BEGIN 512

/* The offset of column k, the first of a block, in a row of weights. */
static size_t column_offset(quire_dtype dtype, size_t k)
{
	uint32_t count, size;

	quire_dtype_block(dtype, &count, &size);
	assert(k % count == 0);
	return k / count * size;
}

/*
 * What to prefetch after each tile. Packing reads many rows at once, which no
 * hardware prefetcher follows, and memory is idle while a panel is multiplied.
 * The second-level cache gets lines of the next step's rows, from their first
 * byte to their last. The first level gets the columns of the next panel, a few
 * rows at a time, and the beginning of the next tile of x. A prefetch does no
 * harm where no memory is, so addresses may lie outside the weights and tiles.
 */
struct ahead {
	size_t tile_size, tile_begin; /* bytes of x */

	uintptr_t line; /* the next one of the next step's rows */
	size_t lines;	/* after each tile */

	uintptr_t row; /* the next one of the next panel: its first column */
	size_t row_size, panel_cols_size;
	size_t rows; /* after each tile */
};

static void prefetch_ahead(struct ahead *ahead, const unsigned char *tile)
{
	const uintptr_t next = (uintptr_t)tile + ahead->tile_size;

	for (size_t i = 0; i < ahead->tile_begin; i += QUIRE_LINE_SIZE)
		__builtin_prefetch((const void *)(next + i), 0, 3);
	prefetch_far((const void *)ahead->line, QUIRE_FAR_SHIFT,
		     ahead->lines * QUIRE_LINE_SIZE);
	ahead->line += ahead->lines * QUIRE_LINE_SIZE;
	for (size_t i = 0; i < ahead->rows;
	     i++, ahead->row += ahead->row_size) {
		const uintptr_t end = ahead->row + ahead->panel_cols_size;

		for (uintptr_t at =
			 ahead->row / QUIRE_LINE_SIZE * QUIRE_LINE_SIZE;
		     at < end; at += QUIRE_LINE_SIZE)
			__builtin_prefetch((const void *)at, 0, 3);
	}
}

/* A panel of a step: its first row and column, and their byte offset from the
 * step's weights. */
struct panel {
	size_t n, k, offset;
};

static struct panel find_panel(const struct gemm *gemm, size_t beside, size_t i)
{
	const struct pack_form *pack = gemm->op->pack;
	struct panel panel = { .n = i % beside * pack->nr,
			       .k = i / beside * pack->kc };

	panel.offset = panel.n * gemm->request->row_size +
		       column_offset(gemm->request->dtype, panel.k);
	return panel;
}

/* A panel of the last columns completes each tile of y, which is written when
 * all are complete. */
static void prefetch_outputs(const struct gemm *gemm, size_t tile, size_t first,
			     size_t cols)
{
	const size_t row = quire_gemm_tile_row(gemm, tile);

	quire_prefetch_outputs(gemm->request, gemm->first + row,
			       quire_gemm_tile_row(gemm, tile + 1) - row, first,
			       cols);
}

/* `weights` are those of the step, `rows` of them; it has `panels` panels. */
static struct ahead init_ahead(const struct gemm *gemm,
			       const unsigned char *weights, size_t rows,
			       size_t panels)
{
	const struct pack_form *pack = gemm->op->pack;
	const struct request *request = gemm->request;
	const size_t size = rows * request->row_size;
	const size_t lines = divide_up(size, QUIRE_LINE_SIZE);

	return (struct ahead){
		.tile_size = gemm->tile_size,
		.tile_begin = min_size(gemm->op->tile->x.size, TILE_BEGIN),
		.line = (uintptr_t)weights + size,
		.lines = divide_up(lines, panels * gemm->tiles),
		.row_size = request->row_size,
		.panel_cols_size = column_offset(
		    request->dtype, min_size(request->cols, pack->kc)),
		.rows = divide_up(pack->nr, gemm->tiles),
	};
}

void quire_gemm_packed_step(const struct gemm *gemm, size_t first, size_t rows,
			    float *c, void *packed)
{
	const struct pack_form *pack = gemm->op->pack;
	const struct tile_form *tile = gemm->op->tile;
	const size_t row_size = gemm->request->row_size;
	const unsigned char *weights =
	    gemm->request->weights + first * row_size;
	const size_t all = gemm->request->cols;
	/* Side by side for the same columns, and all of them. */
	const size_t beside = divide_up(rows, pack->nr);
	const size_t panels = divide_up(all, pack->kc) * beside;
	struct ahead ahead = init_ahead(gemm, weights, rows, panels);
	struct panel next = find_panel(gemm, beside, 0);

	for (size_t i = 0; i < panels; i++) {
		const struct panel panel = next;
		const size_t cols = min_size(all - panel.k, pack->kc);
		const size_t left = min_size(rows - panel.n, pack->nr);
		const unsigned char *x =
		    gemm->scratch + panel.k / tile->x.group * tile->x.size;
		float *sums = c + panel.n * gemm->chunk;

		pack->pack(weights + panel.offset, row_size, left, cols,
			   packed);
		next = find_panel(gemm, beside, i + 1);
		ahead.row = (uintptr_t)weights +
			    (i + 1 < panels ? next.offset : rows * row_size);
		for (size_t t = 0; t < gemm->tiles; t++, x += gemm->tile_size) {
			const size_t row = quire_gemm_tile_row(gemm, t);

			tile->multiply(
			    x, packed, quire_gemm_tile_row(gemm, t + 1) - row,
			    cols, sums + row * pack->nr, panel.k > 0);
			prefetch_ahead(&ahead, x);
			if (panel.k + cols == all)
				prefetch_outputs(gemm, t, first + panel.n,
						 left);
		}
	}
}
