/*
 * kernel_set.h - what an instruction set brings to a product: functions over
 * one tile and, beside each, the geometry of that tile. The framework owns
 * blocking, threads, scratch memory and ragged edges. All that it knows of an
 * instruction set stands in these tables.
 *
 * There are three forms. GEMV multiplies one row of x by rows of W in place.
 * Small-batch GEMM multiplies a few rows of x at once and decodes each block of
 * W once for all of them; it may have a second function for weights that were
 * copied into a layout of its own beforehand (prepacked). Packed GEMM copies
 * `nr` rows of W by `kc` columns into a panel and multiplies all rows of x by
 * that panel, `rows` of them at a time. spec/kernels.md defines what they
 * compute.
 *
 * A list has a row for each weight type, and ends with a row whose function is
 * NULL. A set holds lists of its own and names another set as its base: a form
 * that the set has no row for comes from the base. The last base is scalar, so
 * a weight type that scalar computes is computed by every set.
 *
 * Kernels know no threads, allocate nothing and cannot fail. They read no byte
 * beyond their arguments: of W exactly `rows` rows of `k` columns.
 */
#ifndef QUIRE_RUNTIME_KERNEL_SET_H
#define QUIRE_RUNTIME_KERNEL_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/blocks.h"
#include "quire.h"

/* The most columns that the framework passes to one prepare call; a multiple of
 * the `group` of every form. */
#define QUIRE_SEGMENT_COLS 512

enum form {
	FORM_GEMV,
	FORM_SMALL,
	FORM_PACKED,
};

enum compute {
	COMPUTE_F32,
	COMPUTE_INT8,
	COMPUTE_COUNT,
};

/* ----------------------------------------------------------- prepared x */

struct x_form;

/* Writes `groups` groups of columns of one row of x, as f32, into row `row` of
 * a tile: group g goes to out + g * form->size. */
typedef void quire_prepare_function(const struct x_form *form, const float *x,
				    size_t groups, size_t row, void *out);

/* The layout of x that a kernel reads: tiles of `rows` rows, each tile a
 * sequence of groups. */
struct x_form {
	uint32_t rows;	/* of x, in one tile */
	uint32_t group; /* columns; divides QUIRE_SEGMENT_COLS */
	uint32_t size;	/* bytes of one group of the whole tile */
	/* Quantized x carries the sums of its codes times this factor. They
	 * subtract the zero point of unsigned weight codes, or multiply the
	 * weights' minimum. */
	int32_t factor;
	/* Added to each of these sums; 0 but for kernels whose integer sums
	 * do not begin at 0. */
	int32_t begin;
	bool sums_f32; /* the sums are stored as f32, which holds them */
	/* Rows are spread evenly over as few tiles as can be, in place of full
	 * tiles and a rest. For tiles that take the less time the fewer rows
	 * they have: but one row takes as long as several, as each of its sums
	 * waits for itself. */
	bool even;
	quire_prepare_function *prepare;
};

/* ----------------------------------------------------------------- GEMV */

/* y[i] = x . row i of W for i < rows, over k columns. Rows of W are row_size
 * bytes apart and not aligned. k is a multiple of QUIRE_BLOCK_COLS for weights
 * in blocks, and any number for others; so it is for all forms. */
typedef void quire_gemv_function(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 float *y);

struct gemv_form {
	quire_dtype weights;
	struct x_form x; /* of one row */
	uint32_t nr;	 /* rows of W that are best taken at a time; 0: any */
	quire_gemv_function *multiply;
};

/* ----------------------------------------------------- small-batch GEMM */

/* The most rows of x that int8 kernels of this form take at a time. */
#define QUIRE_SMALL_ROWS 24

/* The same for x_rows rows of x, from 1 to the greater of the form's `most` and
 * `alone`, in tiles that lie x_size bytes apart: y[m * y_stride + i] = row m of
 * x . row i of W. */
typedef void quire_small_function(const void *weights, size_t row_size,
				  size_t rows, size_t k, const void *x,
				  size_t x_size, size_t x_rows, float *y,
				  size_t y_stride);

/* Copies k columns of `rows` rows of W into `packed`. Where there are fewer
 * rows than the layout holds, the rest of it may have any content. */
typedef void quire_pack_function(const void *weights, size_t row_size,
				 size_t rows, size_t k, void *packed);

/* Weights copied beforehand: strips of `rows` rows of W, each strip one piece
 * of memory that holds `cols` columns of all its rows, then the next `cols`.
 * `multiply` takes x and steps as the form does that this is a member of; its
 * row_size is the size of a strip. */
struct prepacked_form {
	uint32_t rows;		   /* of W in a strip; divides nr of the form */
	uint32_t cols;		   /* a multiple of QUIRE_BLOCK_COLS */
	uint32_t size;		   /* bytes of that many columns of a strip */
	quire_pack_function *pack; /* a strip; NULL: there is no such layout */
	quire_small_function *multiply;
};

/* A type may have several rows, one after the other, for rising numbers of rows
 * of x. One of them at most has a prepacked layout. */
struct small_form {
	quire_dtype weights;
	struct x_form x;
	uint32_t from, to; /* rows of x for which the form is used... */
	uint32_t padding;  /* ...with at most this much to fill tiles of x... */
	uint32_t rest;	   /* ...or with at most so many rows more than whole
			    * tiles, for the form that these would have alone */
	uint32_t most;	   /* rows of x at a time; a multiple of x.rows */
	uint32_t alone;	   /* so many are taken at once if no more are left; 0:
			    * `most` */
	uint32_t nr;	   /* rows of W that are best taken at a time */
	quire_small_function *multiply;
	struct prepacked_form prepacked;
};

/* ---------------------------------------------------------- packed GEMM */

/* A panel: `pack` fills it with k <= kc columns of at most nr rows of W. */
struct pack_form {
	quire_dtype weights;
	uint32_t nr;   /* rows of W */
	uint32_t kc;   /* columns */
	uint32_t size; /* bytes */
	quire_pack_function *pack;
};

/* c[m][n] = x row m . panel row n over k columns, for m < rows and n < nr; rows
 * of c lie nr apart. With `add`, adds to c instead. `rows` is from 1 to x.rows.
 * Unless x is spread evenly, rows from there on may be computed too: they can
 * be read, and written. */
typedef void quire_tile_function(const void *x, const void *panel, size_t rows,
				 size_t k, float *c, bool add);

struct tile_form {
	quire_dtype weights;
	struct x_form x; /* its group divides kc */
	uint32_t from;	 /* rows of x from which packing pays, if no small-batch
			  * form is used */
	const struct pack_form *packs; /* the list whose panels it reads */
	quire_tile_function *multiply;
};

/* ----------------------------------------------------------------- sets */

/* Bulk conversion between f32 and f16 in host byte order, to nearest even. */
typedef void quire_from_f16_function(const uint16_t *x, size_t count, float *y);
typedef void quire_to_f16_function(const float *x, size_t count, uint16_t *y);

/* NULL for a list or a function: the set has none of its own. */
struct kernel_set {
	const char *name;
	uint32_t needs; /* cpu_feature bits */
	const struct kernel_set *base;
	quire_from_f16_function *from_f16;
	quire_to_f16_function *to_f16;
	const struct gemv_form *gemv[COMPUTE_COUNT];
	const struct small_form *small[COMPUTE_COUNT];
	const struct tile_form *tile[COMPUTE_COUNT];
};

/* What a set and its bases have for one weight type and one way to compute. */
struct kernel_op {
	quire_dtype weights;
	enum compute compute;
	const struct gemv_form *gemv;
	const struct small_form *small; /* the first of small_count rows */
	size_t small_count;
	const struct tile_form *tile; /* NULL: there is no packed form */
	const struct pack_form *pack; /* of the same panels */
};

/* *op = the kernels for a weight type, each form from the first set, of `set`
 * and its bases, that has a row for the type. Weights that have no int8 kernel
 * are computed in f32. False: no set here computes with this type. */
bool quire_kernel_set_op(const struct kernel_set *set, quire_dtype weights,
			 enum compute compute, struct kernel_op *op);

/* The form for m rows of x. *small = the row of its small-batch form, or NULL.
 */
enum form quire_kernel_op_form(const struct kernel_op *op, size_t m,
			       const struct small_form **small);

/* How many of m rows of x, if they are for `small`, are left to another form.
 */
size_t quire_small_rest(const struct small_form *small, size_t m);

/* Greater than the number of every weight type. */
#define QUIRE_DTYPE_LIMIT 64

/* A set with all that its bases give it, looked up once. */
struct kernel_table {
	const struct kernel_set *set;
	quire_from_f16_function *from_f16;
	quire_to_f16_function *to_f16;
	/* `gemv` is NULL for types that are not computed. */
	struct kernel_op ops[COMPUTE_COUNT][QUIRE_DTYPE_LIMIT];
};

void quire_kernel_table_fill(struct kernel_table *table,
			     const struct kernel_set *set);

/* NULL: the type is not one that the set computes with. */
const struct kernel_op *quire_kernel_table_op(const struct kernel_table *table,
					      quire_dtype weights,
					      enum compute compute);

/* The sets that were built in, fastest first; NULL past the last one. */
const struct kernel_set *quire_kernel_set(size_t index);

/* *set = the set called `name`, or, if that is NULL, the first one that
 * `features` allow. NOT_FOUND if there is no such name, UNSUPPORTED if
 * `features` do not allow it. */
quire_status quire_kernel_set_choose(const char *name, uint32_t features,
				     const struct kernel_set **set,
				     quire_error *error);

#endif
