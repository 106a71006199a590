/*
 * panels.c - the panel form, a step at a time: packs a panel, multiplies it by
 * all tiles of x, and has memory bring meanwhile what comes next.
 */
#include "runtime/gemm_packed.h"

#include <assert.h>

#include "runtime/kernels/prefetch.h"
#include "runtime/outputs.h"
#include "runtime/sizes.h"

/* Bytes of the next tile of x that are asked for at most. */
#define TILE_BEGIN 512

/* Bytes from the first column of a row of weights to column k, which begins
 * a block. */
static size_t column_offset(quire_dtype dtype, size_t k)
{
	uint32_t count, size;

	quire_dtype_block(dtype, &count, &size);
	assert(k % count == 0);
	return k / count * size;
}

/*
 * Packing reads many rows at once, which no hardware follows; and while a panel
 * is multiplied memory has nothing to do. So after each tile a part of what
 * comes next is asked for: of the next step's rows, from their first byte to
 * their last, into the second-level cache; and into the first, of the columns
 * that the next panel is packed from, and the beginning of the next tile of x.
 * To ask for memory that is not there does no harm, so an address may be no
 * place within the weights or the tiles.
 */
struct ahead {
	size_t tile_size, tile_begin; /* bytes of x */

	uintptr_t line; /* of the next step's rows */
	size_t lines;	/* after each tile */

	uintptr_t row; /* of the next panel: its first column */
	size_t row_size, panel_cols_size;
	size_t rows; /* after each tile */
};

static void ask_ahead(struct ahead *ahead, const unsigned char *tile)
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

/* Panel `i` of a step: some of its rows, some of their columns. */
struct part {
	size_t n, k, offset; /* bytes from the step's weights */
};

static struct part find_part(const struct matmul *mm, size_t panels, size_t i)
{
	const struct pack_form *pack = mm->op->pack;
	struct part part = { .n = i % panels * pack->nr,
			     .k = i / panels * pack->kc };

	part.offset = part.n * mm->request->row_size +
		      column_offset(mm->request->dtype, part.k);
	return part;
}

/* With a panel of the last columns each tile of y is whole; it is written when
 * all are. */
static void ask_outputs(const struct matmul *mm, size_t tile, size_t first,
			size_t cols)
{
	const size_t size = mm->x_form->rows, row = tile * size;

	quire_prefetch_outputs(mm->request, mm->first + row,
			       min_size(mm->rows - row, size), first, cols);
}

void quire_multiply_panels(const struct matmul *mm, size_t first, size_t rows,
			   float *c, void *panel)
{
	const struct pack_form *pack = mm->op->pack;
	const struct tile_form *tile = mm->op->tile;
	const struct request *request = mm->request;
	const size_t row_size = request->row_size, size = rows * row_size;
	const unsigned char *weights = request->weights + first * row_size;
	const size_t all = request->cols, tiles = quire_matmul_tiles(mm);
	const size_t panels = divide_up(rows, pack->nr);
	const size_t parts = divide_up(all, pack->kc) * panels;
	struct ahead ahead = {
		.tile_size = mm->tile_size,
		.tile_begin = min_size(tile->x.size, TILE_BEGIN),
		.line = (uintptr_t)weights + size,
		.lines =
		    divide_up(divide_up(size, QUIRE_LINE_SIZE), parts * tiles),
		.row_size = row_size,
		.panel_cols_size =
		    column_offset(request->dtype, min_size(all, pack->kc)),
		.rows = divide_up(pack->nr, tiles),
	};
	struct part next = find_part(mm, panels, 0);

	for (size_t i = 0; i < parts; i++) {
		const struct part part = next;
		const size_t cols = min_size(all - part.k, pack->kc);
		const size_t left = min_size(rows - part.n, pack->nr);
		const unsigned char *x =
		    mm->scratch + part.k / tile->x.group * tile->x.size;
		float *sums = c + part.n * mm->chunk;

		pack->pack(weights + part.offset, row_size, left, cols, panel);
		next = find_part(mm, panels, i + 1);
		ahead.row =
		    (uintptr_t)weights + (i + 1 < parts ? next.offset : size);
		for (size_t t = 0; t < tiles; t++) {
			const unsigned char *rows_of_x = x + t * mm->tile_size;

			tile->multiply(rows_of_x, panel, cols,
				       sums + t * tile->x.rows * pack->nr,
				       part.k > 0);
			ask_ahead(&ahead, rows_of_x);
			if (part.k + cols == all)
				ask_outputs(mm, t, first + part.n, left);
		}
	}
}
