/*
 * one_form.h - a runtime on one thread whose kernels all multiply by one form,
 * whatever the number of rows of x.
 */
#ifndef QUIRE_TESTS_UNIT_ONE_FORM_H
#define QUIRE_TESTS_UNIT_ONE_FORM_H

#include "runtime/gemm.h"
#include "runtime/kernel_set.h"
#include "tests/support/product.h"
#include "tests/support/random.h"

/* A form; of the small-batch form, one of a type's rows, over weights in place
 * or prepacked. */
struct way {
	enum form form;
	size_t row;
	bool prepacked;
};

/* Every way that a table can have; no type has more than ONE_FORM_ROWS rows of
 * the small-batch form. */
#define ONE_FORM_ROWS 4
#define ONE_FORM_WAYS (3 + ONE_FORM_ROWS)

extern const struct way one_form_ways[ONE_FORM_WAYS];

/* Rows that a list of the test has room for, with the last one. */
#define ONE_FORM_TYPES 17

struct one_form {
	quire_runtime *runtime;
	struct way way;
	struct kernel_set set; /* without a base; its lists are below */
	struct gemv_form gemv[COMPUTE_COUNT][ONE_FORM_TYPES];
	struct small_form small[COMPUTE_COUNT][ONE_FORM_TYPES];
	struct tile_form tile[COMPUTE_COUNT][ONE_FORM_TYPES];
};

/* False if this CPU cannot run the set. A type that lacks the form multiplies
 * by GEMV. */
bool one_form_create(struct one_form *one, const struct kernel_set *set,
		     struct way way);
void one_form_free(struct one_form *one);

/* Whether the op has the form. */
bool one_form_has(const struct kernel_op *op, struct way way);

/* Whether both ops have the same functions for the form. */
bool one_form_same(const struct kernel_op *a, const struct kernel_op *b,
		   struct way way);

/* Multiplies, after copying the weights if the way is a prepacked one. */
void one_form_run(struct one_form *one, struct product *product);

/* Calls `visit` for each kernel that this CPU can run: for each type of each
 * set and way. A kernel that several sets have is visited once. */
void one_form_each(void (*visit)(struct one_form *one, struct rng *rng,
				 const struct kernel_op *op));

#endif
