/*
 * kernel_set.h - what a set of kernels is: for each weight type and each way
 * to compute, functions over one tile and, beside them, the tile's geometry.
 * The framework (matmul.c) owns blocking, threads, scratch and ragged edges
 * and reads all it must know of an instruction set from these tables.
 *
 * Four forms. The vec form multiplies one row of x by rows of W as they lie.
 * The few form does so for some rows of x at once, unpacking each block of W
 * once for all of them. The panel form first packs `nr` rows of W, `kc` columns
 * at a time, and multiplies `mr` rows of x by the packed panel; it is for many.
 * The strip form is the few form over weights that were laid out beforehand
 * (prepacked.c). All take x prepared, as each kernel lays it out. What they
 * compute is defined in spec/kernels.md.
 *
 * Kernels know no threads, allocate nothing, cannot fail, and read no byte
 * beyond what they are given: of W exactly `rows` rows of `k` columns.
 */
#ifndef QUIRE_RUNTIME_KERNEL_SET_H
#define QUIRE_RUNTIME_KERNEL_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/blocks.h"
#include "quire.h"

/* The most columns that one prepare takes from the framework at a time; a
 * multiple of the `group` of every form. */
#define QUIRE_SEGMENT_COLS 512

enum compute {
	COMPUTE_F32,
	COMPUTE_INT8,
};

struct x_form;

/* Lays `groups` groups of columns of one row of x, as f32, into row `row` of
 * a tile: group g goes to out + g * form->size. */
typedef void quire_prepare_function(const struct x_form *form, const float *x,
				    size_t groups, size_t row, void *out);

/* How a kernel wants x: in tiles of `rows` rows, each tile a run of groups. */
struct x_form {
	uint32_t rows;	/* of x, in one tile */
	uint32_t group; /* columns; divides QUIRE_SEGMENT_COLS */
	uint32_t size;	/* bytes of one group of the whole tile */
	/* Quantized x is laid out with sums of its codes, times this: what
	 * takes the zero point off unsigned codes of the weights, or goes
	 * with their minimum. */
	int32_t factor;
	/* Added to each of these sums; 0 but for kernels that begin their
	 * integers elsewhere. */
	int32_t begin;
	bool sums_f32; /* the sums are laid out as f32, which holds them */
	quire_prepare_function *prepare;
};

/* y[i] = x . row i of W for i < rows, over k columns. Rows of W are row_size
 * bytes apart and not aligned. */
typedef void quire_gemv_function(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 float *y);

struct vec_form {
	struct x_form x; /* of one row */
	uint32_t nr;	 /* rows of W that are best taken at a time; 0: any */
	quire_gemv_function *multiply;
};

/* The most rows of x that the few form in int8 and the strip form take at a
 * time. */
#define QUIRE_FEW_ROWS 16

/* The same for x_rows rows of x, from 1 to as many as the form takes at most,
 * in tiles that lie x_size bytes apart:
 * y[m * y_stride + i] = row m of x . row i of W. */
typedef void quire_small_function(const void *weights, size_t row_size,
				  size_t rows, size_t k, const void *x,
				  size_t x_size, size_t x_rows, float *y,
				  size_t y_stride);

struct few_form {
	struct x_form x;
	uint32_t from; /* rows of x that it pays for */
	uint32_t most; /* rows of x at a time; a multiple of x.rows */
	uint32_t nr;   /* rows of W that are best taken at a time */
	quire_small_function *multiply;
};

/* Packs k <= kc columns of `rows` <= nr rows of W. What the panel holds for
 * the rows that are not there is of no account. */
typedef void quire_pack_function(const void *weights, size_t row_size,
				 size_t rows, size_t k, void *panel);

/* c[m][n] = x row m . panel row n over k columns, m < mr, n < nr; rows of c
 * lie nr apart. With `add`, adds to c instead. */
typedef void quire_tile_function(const void *x, const void *panel, size_t k,
				 float *c, bool add);

struct panel_form {
	struct x_form x; /* of mr rows; its group divides kc */
	uint32_t nr;	 /* rows of W in a panel */
	uint32_t kc;	 /* columns in a panel */
	uint32_t size;	 /* bytes of a panel */
	quire_pack_function *pack;
	quire_tile_function *multiply;
};

/* The few form over strips: some rows of W as one piece, `cols` columns of all
 * of them after the other. row_size is then the size of a strip. It stands in
 * the place of the one few form of its op, and takes x and steps as that does.
 */
struct strip_form {
	uint32_t rows; /* of W in a strip; divides nr of the few form */
	uint32_t cols; /* a multiple of QUIRE_BLOCK_COLS */
	uint32_t size; /* bytes of that many columns of a strip */
	quire_pack_function *pack; /* `rows` rows or fewer, all their columns */
	quire_small_function *multiply;
};

/* Forms for a few rows that an op can have. */
#define QUIRE_MAX_FEW 4

/* One weight type, one way to compute. k is a multiple of QUIRE_BLOCK_COLS
 * for weights in blocks, and any number for others. */
struct kernel_op {
	quire_dtype weights;
	enum compute compute;
	uint32_t panel_from; /* rows of x from which the panel form is used */
	struct vec_form vec;
	/* By rising `from`; multiply is NULL after the last. */
	struct few_form few[QUIRE_MAX_FEW];
	struct strip_form strip; /* pack is NULL: there is none */
	struct panel_form panel; /* pack is NULL: there is none */
};

/* Bulk conversion between f32 and f16 in host byte order, to nearest even. */
typedef void quire_from_f16_function(const uint16_t *x, size_t count, float *y);
typedef void quire_to_f16_function(const float *x, size_t count, uint16_t *y);

#define QUIRE_MAX_OPS 9

struct kernel_set {
	const char *name;
	uint32_t needs; /* cpu_feature bits */
	quire_from_f16_function *from_f16;
	quire_to_f16_function *to_f16;
	struct kernel_op ops[QUIRE_MAX_OPS];
};

/* The sets that were built in, fastest first; NULL past the last one. */
const struct kernel_set *quire_kernel_set(size_t index);

/* *set = the set called `name`, or, if that is NULL, the first one that
 * `features` allow. NOT_FOUND if there is no such name, UNSUPPORTED if
 * `features` do not allow it. */
quire_status quire_kernel_set_choose(const char *name, uint32_t features,
				     const struct kernel_set **set,
				     quire_error *error);

/* The kernels for a weight type. Weights that have none for int8 compute are
 * computed in f32. NULL: the type is not one that we compute with. */
const struct kernel_op *quire_kernel_set_op(const struct kernel_set *set,
					    quire_dtype weights,
					    enum compute compute);

#endif
