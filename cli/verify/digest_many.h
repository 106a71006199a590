/*
 * digest_many.h - computes digests of many tensors, and of all tensors
 * together, on several threads.
 */
#ifndef QUIRE_CLI_VERIFY_DIGEST_MANY_H
#define QUIRE_CLI_VERIFY_DIGEST_MANY_H

#include "cli/verify/digest.h"

struct digest_job {
	enum digest_kind kind;
	const quire_tensor *tensor; /* NULL: all tensors, one after the other */
	void *user;		    /* the caller's own */
	char text[DIGEST_CAPACITY]; /* the result */
};

/* `progress` may be NULL. Only one thread calls it at a time; its result is
 * ignored. */
struct digest_how {
	uint32_t threads; /* 0: quire_cpu_count */
	quire_progress_fn progress;
	void *context;
};

/* Does all jobs. False: out of memory. */
bool digest_many(const quire_model *model, struct digest_job *jobs,
		 size_t count, const struct digest_how *how);

#endif
