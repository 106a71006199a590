/*
 * output_path.h - whether a command may write to the path that it was given:
 * no file that it reads, and no file of the set of one, is ever overwritten,
 * and no other one without --force. Files are compared, and not names. A call
 * that returns false has printed why.
 */
#ifndef QUIRE_CLI_FILES_OUTPUT_PATH_H
#define QUIRE_CLI_FILES_OUTPUT_PATH_H

#include <stdbool.h>

#include "quire.h"

/* Whether `path` is another file than `input`, now and when it is made, and
 * nothing at `input` is lost when it is. `what` is the input's name and `kind`
 * the path's: "model", "output". */
bool output_path_differs(const char *path, const char *input, const char *what,
			 const char *kind);

/* The same of every file of a model that was opened. */
bool output_path_spares(const char *path, const quire_model *model);

/* Whether the folder of `path` is there. */
bool output_path_has_folder(const char *path);

/* Whether `path` is free and its folder there, or a regular file that `force`
 * lets it replace. */
bool output_path_allowed(const char *path, bool force);

#endif
