/*
 * check_entries.h - compares one file, or one split set, with the entries of a
 * list that are about it.
 */
#ifndef QUIRE_CLI_VERIFY_CHECK_ENTRIES_H
#define QUIRE_CLI_VERIFY_CHECK_ENTRIES_H

#include "cli/verify/check_manifest.h"
#include "cli/verify/manifest.h"

struct entries {
	struct manifest_entry **entry; /* in the order of compare_entries */
	size_t count;
};

/* The order that check_entries wants, for qsort: by word, then those of a
 * tensor last and by its name, then by what it is of, part and algorithm. */
int compare_entries(const void *a, const void *b);

/*
 * `model` is NULL if the file at `path` cannot be opened as one, and `unopened`
 * says why; then it can be compared with entries about whole files only.
 *
 * The entries must cover the file: each part by an entry of the whole file, or
 * by one of its header, one of its padding, and either one of all tensors or
 * one of each tensor. If one tensor is listed, all must be, and each entry must
 * have its tensor. Returns an exit code.
 */
int check_entries(struct verdict_printer *printer,
		  const struct manifest_options *options, const char *path,
		  const quire_model *model, const quire_error *unopened,
		  struct entries entries);

#endif
