/*
 * digest_many.h - digests of many tensors, and of all of them together, by
 * several threads.
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

/* How it is done. `progress` may be NULL; it is called by one thread at a
 * time, and what it returns does not matter. */
struct digest_how {
	uint32_t threads; /* 0: one for each CPU */
	quire_progress_fn progress;
	void *context;
};

/* Does the jobs, the largest first. False if there is no memory. */
bool digest_many(const quire_model *model, struct digest_job *jobs,
		 size_t count, const struct digest_how *how);

#endif
