/*
 * known_sets.h - which split sets a command has seen, for commands that take
 * several files: each part names the whole set, and the set is read once. Files
 * are compared by the system's numbers and not by their names.
 *
 *	struct known_sets known = { 0 };
 *	for (each path) {
 *		if (known_sets_have(&known, path))
 *			continue;
 *		... open the model ...
 *		if (!known_sets_add(&known, model)) ... out of memory ...
 *	}
 *	known_sets_free(&known);
 */
#ifndef QUIRE_CLI_FILES_KNOWN_SETS_H
#define QUIRE_CLI_FILES_KNOWN_SETS_H

#include "base/file.h"
#include "quire.h"

struct known_sets {
	struct file_facts *files; /* of all sets, sorted */
	size_t count, capacity;
	quire_error *errors; /* that were reported */
	size_t error_count, error_capacity;
};

/* Whether the path is a part of a set that was added. */
bool known_sets_have(const struct known_sets *known, const char *path);

/* Adds all parts of a set. Of a model that is one file it does nothing. False:
 * out of memory. */
bool known_sets_add(struct known_sets *known, const quire_model *model);

/* Whether the same error was added before: the parts of a set that cannot be
 * opened all fail with it. Adds it if not. */
bool known_sets_failed(struct known_sets *known, const quire_error *error);

void known_sets_free(struct known_sets *known);

#endif
