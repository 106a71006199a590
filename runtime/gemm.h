/*
 * matmul.h - the framework of every product on the CPU: a plan, which lays out
 * scratch memory, and its steps, chunk by chunk of rows of x.
 */
#ifndef QUIRE_RUNTIME_MATMUL_H
#define QUIRE_RUNTIME_MATMUL_H

#include "runtime/request.h"
#include "runtime/runtime.h"

enum form {
	FORM_GEMV,
	FORM_SMALL,
	FORM_PACKED,
};

/* A product under way. Its user gives it `scratch`, of `size` bytes, and says
 * which chunk is next by `first` and `rows`, at most `chunk`. */
struct matmul {
	const struct request *request;
	const struct kernel_table *kernels;
	const struct kernel_op *op;
	enum form form;			/* of `op` */
	const struct small_form *small; /* for FORM_SMALL */
	const unsigned char *strips;	/* NULL: weights are read in place */
	size_t strip_size;
	const struct x_form *x_form;
	size_t step;	  /* rows of W that are multiplied at a time */
	size_t c_stride;  /* rows of W whose sums lie together */
	size_t tile_size; /* bytes of a tile of prepared x */
	size_t chunk;	  /* rows of x, whole tiles */
	size_t workers;
	size_t slots_offset, slot_size; /* what workers own, in scratch */
	size_t panel_size, bias_size;	/* which begins a slot */
	size_t shares_offset;		/* of W, one for each worker */
	size_t size;			/* of scratch */

	/* The chunk under way. */
	unsigned char *scratch;
	size_t first, rows;
};

/* *mm = the product of `request` by `op`, which must outlive it. MEMORY: its
 * scratch is more than can be addressed. */
quire_status quire_matmul_plan(struct matmul *mm, quire_runtime *runtime,
			       const struct request *request,
			       const struct kernel_op *op, quire_error *error);

/* Tiles of x in the chunk under way. */
size_t quire_matmul_tiles(const struct matmul *mm);

/* Lays the chunk of x out in scratch. */
void quire_matmul_prepare(struct crew *crew, struct matmul *mm);

/* Multiplies the chunk, which was prepared by this plan or by another that
 * takes x alike, and writes its rows of y. */
void quire_matmul_multiply(struct crew *crew, struct matmul *mm);

#endif
