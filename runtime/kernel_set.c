/*
 * kernel_set.c - the dispatch table and how a row of it is chosen. The sets
 * themselves are in set_*.c.
 */
#include "runtime/kernel_set.h"

#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "base/error.h"
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

const struct kernel_op *quire_kernel_set_op(const struct kernel_set *set,
					    quire_dtype weights,
					    enum compute compute)
{
	const struct kernel_op *in_f32 = NULL;

	for (size_t i = 0; i < QUIRE_MAX_OPS; i++) {
		const struct kernel_op *op = &set->ops[i];

		if (!op->vec.multiply || op->weights != weights)
			continue;
		if (op->compute == compute)
			return op;
		if (op->compute == COMPUTE_F32)
			in_f32 = op;
	}
	return in_f32;
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
