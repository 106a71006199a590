/*
 * check_manifest.h - compares files with a list of checksums.
 */
#ifndef QUIRE_CLI_VERIFY_CHECK_MANIFEST_H
#define QUIRE_CLI_VERIFY_CHECK_MANIFEST_H

#include "cli/ui/args.h"
#include "cli/verify/verdict.h"

struct manifest_options {
	const char *list; /* its path; "-" is stdin */
	uint32_t threads; /* 0: quire_cpu_count */
	/* Leave out header and padding, and do not ask for their lines. */
	bool tensors_only;
};

/* Compares the files that were given with the list, and reports each file that
 * it does not cover and each line about another file. Any part of a split set
 * stands for the set. Returns an exit code. */
int check_manifest(struct verdict_printer *printer,
		   const struct manifest_options *options,
		   const struct args_words *words);

#endif
