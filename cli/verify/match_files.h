/*
 * match_files.h - the files that were given, to be matched with the paths of a
 * list (match_entries.h).
 */
#ifndef QUIRE_CLI_VERIFY_MATCH_FILES_H
#define QUIRE_CLI_VERIFY_MATCH_FILES_H

#include "base/table.h"
#include "quire.h"

/* A name of a file. */
struct match_file {
	char *path;	/* owned */
	size_t word;	/* the caller's */
	size_t part;	/* the caller's */
	size_t subject; /* the first name of the same file, by its number */
	size_t next;	/* with the same last name, or QUIRE_NO_ITEM */
};

struct match_files {
	struct match_file *files;
	size_t count, capacity;
	struct table last_names; /* to the number of one that has it */
	size_t longest;		 /* of the last names */
};

/* Adds a file; one whose path was added before is left out. The path is copied.
 * Fails with MEMORY. */
quire_status match_files_add(struct match_files *files, const char *path,
			     size_t word, size_t part, quire_error *error);

/* The first of the names with the last name of `path`, or QUIRE_NO_ITEM. The
 * names of one file follow each other. */
size_t match_files_first(const struct match_files *files, quire_string path);

void match_files_free(struct match_files *files);

#endif
