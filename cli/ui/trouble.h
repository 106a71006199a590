/*
 * trouble.h - exit codes, and errors: each is a line on stderr that begins with
 * "quire: ".
 */
#ifndef QUIRE_CLI_UI_TROUBLE_H
#define QUIRE_CLI_UI_TROUBLE_H

#include "quire.h"

enum exit_code {
	EXIT_FINE = 0,
	EXIT_DIFFERS = 1,
	EXIT_TROUBLE = 2,
};

#if defined(__GNUC__)
#define TROUBLE_PRINTF __attribute__((format(printf, 1, 2)))
#else
#define TROUBLE_PRINTF
#endif

/* Prints one line, control characters escaped. Returns EXIT_TROUBLE. */
int trouble(const char *format, ...) TROUBLE_PRINTF;

/* The same for the error of a library call on the GGUF file at `path`: prints
 * the file, what is wrong, the offset and, where there is one, the way out. The
 * file is the one that the error names, such as another part of a split set;
 * else `path`. Returns EXIT_TROUBLE. */
int trouble_with_file(const char *path, const quire_error *error);

/* The same for a call on several files: `paths` are those that the user named,
 * NULL past the last; the first is taken if the error names no file. */
int trouble_with_files(const char *const *paths, const quire_error *error);

/* Out of memory. Returns EXIT_TROUBLE. */
int trouble_memory(void);

/* The worse of two exit codes. */
int worse(int a, int b);

#endif
