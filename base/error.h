/*
 * error.h - how a failure is reported: a status, the file and the byte in it, a
 * message. The message never contains the path of that file.
 */
#ifndef QUIRE_BASE_ERROR_H
#define QUIRE_BASE_ERROR_H

#include "quire.h"

#if defined(__GNUC__)
#define QUIRE_PRINTF(format_index, first_index)                                \
	__attribute__((format(printf, format_index, first_index)))
#else
#define QUIRE_PRINTF(format_index, first_index)
#endif

/*
 * Each quire_fail function fills *error, unless `error` is NULL, and returns
 * the status. Control characters in the message and the path become '?',
 * because a hostile file may have them in its names.
 */

/* A failure that is about no file, or whose caller names the file. */
quire_status quire_fail(quire_error *error, quire_status status,
			uint64_t offset, const char *format, ...)
    QUIRE_PRINTF(4, 5);

/* A failure about the file at `path`; NULL: it has no path. */
quire_status quire_fail_file(quire_error *error, quire_status status,
			     const char *path, uint64_t offset,
			     const char *format, ...) QUIRE_PRINTF(5, 6);

/* A system call on the file at `path` (or NULL) failed: adds to the message
 * what errno says. MEMORY for ENOMEM, IO for all else. */
quire_status quire_fail_errno(quire_error *error, const char *path,
			      const char *format, ...) QUIRE_PRINTF(3, 4);

/* A crew (base/crew.h) of so many threads could not be made. */
quire_status quire_fail_threads(quire_error *error, quire_status status,
				uint32_t threads);

/* MEMORY: so many bytes could not be allocated. Names the limit of the process,
 * if it has one. */
quire_status quire_fail_memory(quire_error *error, uint64_t size);

/* Names the file of a failure that an inner function reported, unless that
 * function has named one. Does nothing if `error` or `path` is NULL. */
void quire_error_name_file(quire_error *error, const char *path);

/* Whether the failure is about this file, by its path as it was given. A path
 * that is too long for the error is compared by its end. */
bool quire_error_is_about(const quire_error *error, const char *path);

#endif
