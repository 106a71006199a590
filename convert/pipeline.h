/*
 * pipeline.h - streams the planned tensors into a writer: several threads
 * re-lay pieces of about a megabyte while the pieces before them are written,
 * in order. Memory is bounded by the number of threads, not by the model.
 */
#ifndef QUIRE_CONVERT_PIPELINE_H
#define QUIRE_CONVERT_PIPELINE_H

#include "convert/plan/plan.h"

struct pipeline_options {
	uint32_t threads;	    /* 0: one for each CPU */
	quire_progress_fn progress; /* may be NULL */
	void *context;
};

/*
 * Writes the bytes of all tensors of a plan to a writer to which they were
 * declared. Fails with IO, MEMORY, LAYOUT, ARGUMENT, and CANCELLED when
 * `progress` says so; the writer is not finished either way.
 */
quire_status quire_pipeline_run(const struct plan *plan, quire_writer *writer,
				const struct pipeline_options *options,
				quire_error *error);

#endif
