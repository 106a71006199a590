/*
 * other_files.h - what earlier conversions to the same name have left: a file
 * where there are parts now, parts where there is a file, or other parts.
 */
#ifndef QUIRE_CLI_FILES_OTHER_FILES_H
#define QUIRE_CLI_FILES_OTHER_FILES_H

#include "quire_convert.h"

/* NAME_MAX and a NUL. */
#define OTHER_FILES_NAME_SIZE 256

/* How many files there are beside those of the report that belong to `output`,
 * NAME.gguf, too: itself, and NAME-00001-of-00003.gguf and the like. `name` is
 * the first of them by the alphabet, if there is one. */
size_t other_files(const quire_convert_report *report, const char *output,
		   char name[OTHER_FILES_NAME_SIZE]);

#endif
