/*
 * match_entries.h - which entry of a list of checksums is about which file. The
 * list was often made elsewhere, so its paths need not be those of the files.
 *
 *	struct match_files files = { 0 };
 *	... match_files_add(&files, path, word, part, &error) for each file ...
 *	status = match_entries(&files, &manifest, &error);
 *	match_files_free(&files);
 */
#ifndef QUIRE_CLI_VERIFY_MATCH_ENTRIES_H
#define QUIRE_CLI_VERIFY_MATCH_ENTRIES_H

#include "cli/verify/manifest.h"
#include "cli/verify/match_files.h"

/*
 * Says of each entry whether it is about a file that was added, and about which
 * one. A file and a path of the list belong together if the paths are equal;
 * what is then left over is paired by its last names, most of them in common
 * first, at least one.
 *
 * Fails with ARGUMENT where a path of the list could then be two files, or two
 * paths of the list one file: the message names both. Fails with MEMORY.
 */
quire_status match_entries(const struct match_files *files,
			   struct manifest *manifest, quire_error *error);

#endif
