/*
 * pipeline.h - streams the planned tensors into a writer, or to another taker.
 * Several threads encode pieces of 256 KiB while one thread writes the pieces
 * before them, in order. Memory depends on the number of threads, not on the
 * model.
 */
#ifndef QUIRE_CONVERT_PIPELINE_H
#define QUIRE_CONVERT_PIPELINE_H

#include "convert/plan/plan.h"

struct pipeline_options {
	uint32_t threads;	    /* 0: quire_cpu_count */
	quire_progress_fn progress; /* may be NULL */
	void *context;
};

/* Takes the next bytes of a tensor. The tensors come in the order of the items.
 * One thread at a time calls it. */
typedef quire_status (*pipeline_take_fn)(void *context,
					 const struct plan_item *item,
					 const void *data, size_t size,
					 quire_error *error);

/*
 * Passes the bytes of all tensors of a plan to `take`. Fails as it does, and
 * with IO, MEMORY, LAYOUT, ARGUMENT, and CANCELLED if `progress` returns false.
 */
quire_status quire_pipeline_pass(const struct plan *plan, pipeline_take_fn take,
				 void *context,
				 const struct pipeline_options *options,
				 quire_error *error);

/*
 * Writes the bytes of all tensors of a plan to a writer that has them declared.
 * Fails with IO, MEMORY, LAYOUT, ARGUMENT, and CANCELLED if `progress` returns
 * false. Does not finish the writer.
 */
quire_status quire_pipeline_run(const struct plan *plan, quire_writer *writer,
				const struct pipeline_options *options,
				quire_error *error);

#endif
