/*
 * check_manifest.h - compares files with a list of checksums.
 */
#ifndef QUIRE_CLI_VERIFY_CHECK_MANIFEST_H
#define QUIRE_CLI_VERIFY_CHECK_MANIFEST_H

#include "cli/verify/manifest.h"
#include "cli/verify/verdict.h"

/* Compares one file with the entries about it. If one of its tensors is listed,
 * all must be, and each entry must have its tensor. `threads` may be 0:
 * quire_cpu_count. Returns an exit code. */
int check_manifest_file(struct verdict_printer *printer,
			struct manifest *manifest, const char *path,
			uint32_t threads);

/* Reports the entries about files that were not given. Returns an exit code. */
int check_manifest_rest(struct verdict_printer *printer,
			const struct manifest *manifest);

#endif
