/*
 * check_manifest.h - holds files against a list of checksums.
 */
#ifndef QUIRE_CLI_VERIFY_CHECK_MANIFEST_H
#define QUIRE_CLI_VERIFY_CHECK_MANIFEST_H

#include "cli/verify/manifest.h"
#include "cli/verify/verdict.h"

/* One file against the entries about it. Each of its tensors must be listed if
 * any is, and each entry must have its tensor. `threads` may be 0: one for each
 * CPU. Returns an exit code. */
int check_manifest_file(struct verdict_printer *printer,
			struct manifest *manifest, const char *path,
			uint32_t threads);

/* What is listed, but of a file that was not given. Returns an exit code. */
int check_manifest_rest(struct verdict_printer *printer,
			const struct manifest *manifest);

#endif
