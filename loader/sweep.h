/*
 * sweep.h - reads every tensor of a model, and the padding after it, once, on
 * several threads. Computes the hashes; verify.c compares them.
 */
#ifndef QUIRE_LOADER_SWEEP_H
#define QUIRE_LOADER_SWEEP_H

#include "loader/model.h"

struct quire_sweep_result {
	uint64_t *hashes; /* XXH3 by place in the model; the caller's memory */
	/* The first tensor with padding that is not zero, and the offset of
	 * that byte; or the number of tensors. */
	size_t dirty;
	uint64_t dirty_offset;
};

/* Uses the threads and the progress of `options`. Fails with TRUNCATED and IO,
 * with the offset, and with CANCELLED and MEMORY. */
quire_status quire_sweep(const quire_model *model,
			 const quire_verify_options *options,
			 struct quire_sweep_result *result, quire_error *error);

/* Reads the padding only. */
quire_status quire_sweep_padding(const quire_model *model,
				 struct quire_sweep_result *result,
				 quire_error *error);

#endif
