/*
 * gemm.h - the framework of every product on the CPU: it chooses a form, lays
 * out scratch memory, and multiplies one chunk of rows of x after the other.
 */
#ifndef QUIRE_RUNTIME_GEMM_H
#define QUIRE_RUNTIME_GEMM_H

#include "runtime/request.h"
#include "runtime/runtime.h"
#include "runtime/sizes.h"

/* The last rows of x, too few for a tile of the product's form: each is a tile
 * of its own for another form. */
struct gemm_rest {
	size_t rows;			/* 0: there are none */
	const struct small_form *small; /* NULL: GEMV */
	const struct x_form *x_form;
	size_t tile_size;
	size_t offset; /* in scratch, of the prepared rows */
};

/* A product. Its user sets `scratch` to `size` bytes of memory. */
struct gemm {
	const struct request *request;
	const struct kernel_table *kernels;
	const struct kernel_op *op;
	enum form form;			/* of `op` */
	const struct small_form *small; /* for FORM_SMALL */
	const unsigned char *strips;	/* NULL: W is read in place */
	size_t strip_size;
	const struct x_form *x_form;
	size_t step;		 /* rows of W that are multiplied at a time */
	size_t c_stride;	 /* rows of W whose sums lie together */
	size_t tile_size;	 /* bytes of a tile of prepared x */
	size_t chunk;		 /* rows of x, whole tiles */
	struct gemm_rest rest;	 /* multiplied with the last chunk */
	size_t threads;		 /* that may work on it */
	size_t workers;		 /* of them, on the product */
	bool brief;		 /* base/thread_pool.h */
	struct cpu_share *share; /* that said how many threads, or NULL */
	/* In scratch: prepared x and its rest, then a slot of memory for each
	 * worker, then the ranges of rows of W that they work through. */
	size_t slots_offset, slot_size;
	size_t panel_size, bias_size; /* a slot begins with these */
	size_t ranges_offset;
	size_t size; /* of scratch */

	/* The current chunk. */
	unsigned char *scratch;
	size_t first, rows; /* of x */
	size_t whole;	    /* of these rows, the ones that are in tiles */
	size_t tiles;
	size_t tile_rows, longer; /* the first `longer` tiles have a row more */
};

/* *gemm = the product of `request` by `op`, both of which must outlive it.
 * MEMORY: its scratch is more than can be addressed. */
quire_status quire_gemm_init(struct gemm *gemm, quire_runtime *runtime,
			     const struct request *request,
			     const struct kernel_op *op, quire_error *error);

/* Makes the rows of x from `first` on the current chunk. */
void quire_gemm_take_chunk(struct gemm *gemm, size_t first);

/* The first row of a tile in the current chunk; of the tile after the last, the
 * number of rows in tiles. */
static inline size_t quire_gemm_tile_row(const struct gemm *gemm, size_t tile)
{
	return min_size(tile * gemm->tile_rows + min_size(tile, gemm->longer),
			gemm->whole);
}

/* Writes the prepared chunk of x into scratch. */
void quire_gemm_prepare(struct crew *crew, struct gemm *gemm);

/* Multiplies the chunk and writes its rows of y. The chunk may have been
 * prepared by another product whose x has the same layout. */
void quire_gemm_multiply(struct crew *crew, struct gemm *gemm);

#endif
