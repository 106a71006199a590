/*
 * one_form.c - copies the lists of a set, with its bases', as those of a set
 * that has one form alone.
 */
#include <string.h>

#include "base/cpu.h"
#include "runtime/prepack.h"
#include "runtime/runtime.h"
#include "tests/support/check.h"
#include "tests/unit/one_form.h"

const struct way one_form_ways[ONE_FORM_WAYS] = {
	{ .form = FORM_GEMV },
	{ .form = FORM_SMALL, .prepacked = true },
	{ .form = FORM_SMALL, .row = 0 },
	{ .form = FORM_SMALL, .row = 1 },
	{ .form = FORM_SMALL, .row = 2 },
	{ .form = FORM_SMALL, .row = 3 },
	{ .form = FORM_PACKED },
};

bool one_form_has(const struct kernel_op *op, struct way way)
{
	switch (way.form) {
	case FORM_PACKED:
		return op->tile != NULL;
	case FORM_SMALL:
		return way.row < op->small_count &&
		       (!way.prepacked || op->small[way.row].prepacked.pack);
	default:
		return true;
	}
}

bool one_form_same(const struct kernel_op *a, const struct kernel_op *b,
		   struct way way)
{
	if (!one_form_has(a, way) || !one_form_has(b, way))
		return false;
	switch (way.form) {
	case FORM_PACKED:
		return a->pack->pack == b->pack->pack &&
		       a->tile->multiply == b->tile->multiply;
	case FORM_SMALL: {
		const struct small_form *p = &a->small[way.row];
		const struct small_form *q = &b->small[way.row];

		return way.prepacked
			   ? p->prepacked.pack == q->prepacked.pack &&
				 p->prepacked.multiply == q->prepacked.multiply
			   : p->multiply == q->multiply;
	}
	default:
		return a->gemv->multiply == b->gemv->multiply;
	}
}

/* Copies of the rows of a type as row `i` of the lists. */
static void add_op(struct one_form *one, const struct kernel_op *op, size_t i)
{
	assert_in_range(i, 0, ONE_FORM_TYPES - 2);
	one->gemv[op->compute][i] = *op->gemv;
	if (!one_form_has(op, one->way))
		return;
	if (one->way.form == FORM_SMALL) {
		one->small[op->compute][i] = op->small[one->way.row];
		one->small[op->compute][i].from = 1;
		one->small[op->compute][i].to = UINT32_MAX;
		one->small[op->compute][i].padding = UINT32_MAX;
	}
	if (one->way.form == FORM_PACKED) {
		one->tile[op->compute][i] = *op->tile;
		one->tile[op->compute][i].from = 0;
	}
}

/* A list ends at the first row without a function, so the types that have the
 * form come first. */
static void add_ops(struct one_form *one, const struct kernel_set *set,
		    enum compute compute)
{
	size_t count = 0;

	for (int pass = 0; pass < 2; pass++)
		for (int type = 0; type < QUIRE_DTYPE_LIMIT; type++) {
			struct kernel_op op;

			if (quire_kernel_set_op(set, (quire_dtype)type, compute,
						&op) &&
			    op.compute == compute &&
			    one_form_has(&op, one->way) == (pass == 0))
				add_op(one, &op, count++);
		}
}

bool one_form_create(struct one_form *one, const struct kernel_set *set,
		     struct way way)
{
	const quire_runtime_options options = { .device = QUIRE_DEVICE_CPU,
						.threads = 1 };
	struct kernel_table table;

	if (set->needs & ~quire_cpu_features())
		return false;
	memset(one, 0, sizeof(*one));
	quire_kernel_table_fill(&table, set);
	one->way = way;
	one->set = (struct kernel_set){ .name = set->name,
					.needs = set->needs,
					.from_f16 = table.from_f16,
					.to_f16 = table.to_f16 };
	for (int c = 0; c < COMPUTE_COUNT; c++) {
		add_ops(one, set, (enum compute)c);
		one->set.gemv[c] = one->gemv[c];
		one->set.small[c] = one->small[c];
		one->set.tile[c] = one->tile[c];
	}
	assert_int_equal(
	    quire_runtime_create_with(&one->set, &options, &one->runtime, NULL),
	    QUIRE_OK);
	return true;
}

void one_form_free(struct one_form *one)
{
	quire_runtime_free(one->runtime);
}

void one_form_run(struct one_form *one, struct product *product)
{
	if (one->way.prepacked)
		assert_int_equal(quire_prepack_tensor(one->runtime, NULL,
						      &product->weight, NULL),
				 QUIRE_OK);
	product_run(product, one->runtime);
	quire_prepacked_remove(&one->runtime->prepacked, NULL);
}

/* Whether a set before set `end` that runs here has the kernel of `op`. */
static bool is_repeated(size_t end, const struct kernel_op *op, struct way way)
{
	for (size_t i = 0; i < end; i++) {
		const struct kernel_set *set = quire_kernel_set(i);
		struct kernel_op other;

		if (!(set->needs & ~quire_cpu_features()) &&
		    quire_kernel_set_op(set, op->weights, op->compute,
					&other) &&
		    one_form_same(&other, op, way))
			return true;
	}
	return false;
}

static void visit_set(size_t index, struct one_form *one,
		      void (*visit)(struct one_form *one, struct rng *rng,
				    const struct kernel_op *op))
{
	const struct kernel_set *set = quire_kernel_set(index);
	struct rng rng = { .state = index + 1 };

	for (int c = 0; c < COMPUTE_COUNT; c++)
		for (int type = 0; type < QUIRE_DTYPE_LIMIT; type++) {
			struct kernel_op op;

			if (quire_kernel_set_op(set, (quire_dtype)type,
						(enum compute)c, &op) &&
			    op.compute == (enum compute)c &&
			    one_form_has(&op, one->way) &&
			    !is_repeated(index, &op, one->way))
				visit(one, &rng, &op);
		}
}

void one_form_each(void (*visit)(struct one_form *one, struct rng *rng,
				 const struct kernel_op *op))
{
	for (size_t i = 0; quire_kernel_set(i); i++)
		for (size_t w = 0; w < ONE_FORM_WAYS; w++) {
			struct one_form one;

			if (!one_form_create(&one, quire_kernel_set(i),
					     one_form_ways[w]))
				continue;
			visit_set(i, &one, visit);
			one_form_free(&one);
		}
}
