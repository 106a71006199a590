/*
 * other_files.h - files that an earlier conversion to the same name has left: a
 * file where there are parts now, parts where there is a file now, or parts of
 * another set.
 */
#ifndef QUIRE_CLI_FILES_OTHER_FILES_H
#define QUIRE_CLI_FILES_OTHER_FILES_H

#include "quire_convert.h"

/* NAME_MAX and a NUL. */
#define OTHER_FILES_NAME_SIZE 256

/* Returns how many files belong to `output`, NAME.gguf, but are not in the
 * report: itself, and NAME-00001-of-00003.gguf and so on. `name` is the
 * alphabetically first one, if there is one. */
size_t other_files(const quire_convert_report *report, const char *output,
		   char name[OTHER_FILES_NAME_SIZE]);

#endif
