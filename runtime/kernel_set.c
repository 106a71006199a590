/*
 * kernel_set.c - chooses a kernel set, and finds what it and its bases have for
 * a weight type. The sets themselves are in kernels/<set>/set_*.c.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "base/error.h"
#include "runtime/kernel_set.h"
#include "runtime/sets.h"

/* Fastest first: the first one that the CPU can run is taken. */
static const struct kernel_set *const kernel_sets[] = {
#if defined(__x86_64__)
	&quire_set_avx512vnni,
	&quire_set_avxvnni,
	&quire_set_avx2,
#elif defined(__aarch64__)
	&quire_set_neon_i8mm,
	&quire_set_neon_dotprod,
	&quire_set_neon,
#endif
	&quire_set_scalar,
};

#define SET_COUNT (sizeof(kernel_sets) / sizeof(kernel_sets[0]))

static bool runs(const struct kernel_set *set, uint32_t features)
{
	return (set->needs & ~features) == 0;
}

const struct kernel_set *quire_kernel_set(size_t index)
{
	return index < SET_COUNT ? kernel_sets[index] : NULL;
}

static quire_status fail_name(const char *name, quire_error *error)
{
	char known[128] = "";

	for (size_t i = 0; i < SET_COUNT; i++) {
		const size_t size = strlen(known);

		snprintf(known + size, sizeof(known) - size, "%s%s",
			 i ? ", " : "", kernel_sets[i]->name);
	}
	return quire_fail(error, QUIRE_ERROR_NOT_FOUND, QUIRE_NO_OFFSET,
			  "no kernel set '%s'; there are: %s", name, known);
}

quire_status quire_kernel_set_choose(const char *name, uint32_t features,
				     const struct kernel_set **set,
				     quire_error *error)
{
	for (size_t i = 0; i < SET_COUNT; i++) {
		if (name && strcmp(name, kernel_sets[i]->name) != 0)
			continue;
		if (runs(kernel_sets[i], features)) {
			*set = kernel_sets[i];
			return QUIRE_OK;
		}
		if (name)
			return quire_fail(
			    error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
			    "this CPU cannot run the kernel set '%s'", name);
	}
	return fail_name(name ? name : "", error);
}

/* Each of these finds the first row of a list for a weight type. A list that is
 * NULL has no row. */
static const struct gemv_form *find_gemv(const struct gemv_form *list,
					 quire_dtype weights)
{
	for (; list && list->multiply; list++)
		if (list->weights == weights)
			return list;
	return NULL;
}

static const struct small_form *find_small(const struct small_form *list,
					   quire_dtype weights)
{
	for (; list && list->multiply; list++)
		if (list->weights == weights)
			return list;
	return NULL;
}

static const struct tile_form *find_tile(const struct tile_form *list,
					 quire_dtype weights)
{
	for (; list && list->multiply; list++)
		if (list->weights == weights)
			return list;
	return NULL;
}

static const struct pack_form *find_pack(const struct pack_form *list,
					 quire_dtype weights)
{
	for (; list->pack; list++)
		if (list->weights == weights)
			return list;
	return NULL;
}

static size_t count_small(const struct small_form *first)
{
	size_t count = 0;

	while (first && first[count].multiply &&
	       first[count].weights == first->weights)
		count++;
	return count;
}

/* Whether a set of the chain has a GEMV for the type: then it is computed. */
static bool find_op(const struct kernel_set *set, quire_dtype weights,
		    enum compute compute, struct kernel_op *op)
{
	*op = (struct kernel_op){ .weights = weights, .compute = compute };
	for (; set; set = set->base) {
		if (!op->gemv)
			op->gemv = find_gemv(set->gemv[compute], weights);
		if (!op->small)
			op->small = find_small(set->small[compute], weights);
		if (!op->tile)
			op->tile = find_tile(set->tile[compute], weights);
	}
	op->small_count = count_small(op->small);
	if (op->tile)
		op->pack = find_pack(op->tile->packs, weights);
	assert(!op->tile || op->pack);
	return op->gemv != NULL;
}

bool quire_kernel_set_op(const struct kernel_set *set, quire_dtype weights,
			 enum compute compute, struct kernel_op *op)
{
	return find_op(set, weights, compute, op) ||
	       (compute != COMPUTE_F32 &&
		find_op(set, weights, COMPUTE_F32, op));
}

/* Whether a form takes m rows of x, in whole tiles or with padding. */
static bool fits(const struct small_form *form, size_t m)
{
	const size_t tile = form->x.rows;

	return m >= form->from && m <= form->to &&
	       (tile - m % tile) % tile <= form->padding;
}

size_t quire_small_rest(const struct small_form *small, size_t m)
{
	return fits(small, m) ? 0 : m % small->x.rows;
}

/* The same, or but for a rest. */
static bool takes(const struct small_form *form, size_t m)
{
	const size_t rest = quire_small_rest(form, m);

	return rest <= form->rest && fits(form, m - rest);
}

enum form quire_kernel_op_form(const struct kernel_op *op, size_t m,
			       const struct small_form **small)
{
	*small = NULL;
	for (size_t i = 0; i < op->small_count; i++) {
		if (takes(&op->small[i], m)) {
			*small = &op->small[i];
			return FORM_SMALL;
		}
	}
	return op->tile && m >= op->tile->from ? FORM_PACKED : FORM_GEMV;
}

void quire_kernel_table_fill(struct kernel_table *table,
			     const struct kernel_set *set)
{
	*table = (struct kernel_table){ .set = set };
	for (int c = 0; c < COMPUTE_COUNT; c++)
		for (int type = 0; type < QUIRE_DTYPE_LIMIT; type++)
			quire_kernel_set_op(set, (quire_dtype)type,
					    (enum compute)c,
					    &table->ops[c][type]);
	for (; set; set = set->base) {
		if (!table->from_f16)
			table->from_f16 = set->from_f16;
		if (!table->to_f16)
			table->to_f16 = set->to_f16;
	}
}

const struct kernel_op *quire_kernel_table_op(const struct kernel_table *table,
					      quire_dtype weights,
					      enum compute compute)
{
	const struct kernel_op *op;

	if ((size_t)weights >= QUIRE_DTYPE_LIMIT)
		return NULL;
	op = &table->ops[compute][weights];
	return op->gemv ? op : NULL;
}

const char *quire_kernels_name(size_t index, bool *runs_here)
{
	const struct kernel_set *set = quire_kernel_set(index);

	if (!set)
		return NULL;
	if (runs_here)
		*runs_here = runs(set, quire_cpu_features());
	return set->name;
}
