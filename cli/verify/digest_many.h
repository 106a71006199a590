/*
 * digest_many.h - computes digests of a model on several threads: of tensors,
 * and of all other bytes of its files. Prints nothing.
 *
 * A header, the padding and the tensors of a file are all its bytes, each once.
 * The header says where each tensor begins and ends, so digests of the three
 * together hold for the whole file.
 */
#ifndef QUIRE_CLI_VERIFY_DIGEST_MANY_H
#define QUIRE_CLI_VERIFY_DIGEST_MANY_H

#include "cli/verify/digest.h"

enum digest_what {
	DIGEST_TENSOR,	/* one tensor's bytes */
	DIGEST_TENSORS, /* all tensors', one after the other */
	DIGEST_HEADER,	/* a file's bytes before its data section */
	DIGEST_PADDING, /* its bytes after that which belong to no tensor */
	DIGEST_FILE,	/* all its bytes */
};

struct digest_job {
	enum digest_kind kind;
	enum digest_what what;
	const quire_tensor *tensor; /* for TENSOR */
	size_t part;		    /* for HEADER, PADDING and FILE */
	char text[DIGEST_CAPACITY]; /* the result */
};

/* `progress` may be NULL. Only one thread calls it at a time; its result is
 * ignored. */
struct digest_how {
	uint32_t threads; /* 0: quire_cpu_count */
	quire_progress_fn progress;
	void *context;
};

/* Does all jobs. Fails with MEMORY; UNSUPPORTED if libcrypto has no SHA-256;
 * and as quire_model_check_files where a file has changed meanwhile. */
quire_status digest_many(const quire_model *model, struct digest_job *jobs,
			 size_t count, const struct digest_how *how,
			 quire_error *error);

/* Where the first byte of a file's padding is that is not zero (F-23), or
 * QUIRE_NO_OFFSET. */
uint64_t digest_padding_dirt(const quire_model *model, size_t part);

#endif
