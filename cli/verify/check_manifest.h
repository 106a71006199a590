/*
 * check_manifest.h - compares files with a list of checksums.
 */
#ifndef QUIRE_CLI_VERIFY_CHECK_MANIFEST_H
#define QUIRE_CLI_VERIFY_CHECK_MANIFEST_H

#include "cli/files/known_sets.h"
#include "cli/ui/args.h"
#include "cli/verify/manifest.h"
#include "cli/verify/verdict.h"

struct manifest_check {
	struct verdict_printer *printer;
	struct manifest *manifest;
	const struct args_words *words; /* all files that were given */
	uint32_t threads;		/* 0: quire_cpu_count */
	struct known_sets known;	/* to be freed */
};

/* Compares one file with the entries about it; or, once, a split set with the
 * entries about any of its parts. If one tensor is listed, all must be, and
 * each entry must have its tensor. Returns an exit code. */
int check_manifest_file(struct manifest_check *all, const char *path);

/* Reports the entries about files that were not given. Returns an exit code. */
int check_manifest_rest(struct verdict_printer *printer,
			const struct manifest *manifest);

#endif
