/*
 * pipeline.h - streams the planned tensors into a writer. Several threads
 * encode pieces of 256 KiB while one thread writes the pieces before them, in
 * order. Memory depends on the number of threads, not on the model.
 */
#ifndef QUIRE_CONVERT_PIPELINE_H
#define QUIRE_CONVERT_PIPELINE_H

#include "convert/plan/plan.h"

struct pipeline_options {
	uint32_t threads;	    /* 0: quire_cpu_count */
	quire_progress_fn progress; /* may be NULL */
	void *context;
};

/*
 * Writes the bytes of all tensors of a plan to a writer that has them declared.
 * Fails with IO, MEMORY, LAYOUT, ARGUMENT, and CANCELLED if `progress` returns
 * false. Does not finish the writer.
 */
quire_status quire_pipeline_run(const struct plan *plan, quire_writer *writer,
				const struct pipeline_options *options,
				quire_error *error);

#endif
