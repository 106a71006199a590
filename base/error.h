/*
 * error.h - how a failure is told: one status, one offset, one message.
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

/* Fills *error, if there is one, and returns `status`. Control characters in
 * the message (a hostile file may name its tensors so) become '?'. */
quire_status quire_fail(quire_error *error, quire_status status,
			uint64_t offset, const char *format, ...)
    QUIRE_PRINTF(4, 5);

/* The same for a failed system call: adds what errno says. MEMORY where that
 * is ENOMEM, else IO. */
quire_status quire_fail_errno(quire_error *error, const char *format, ...)
    QUIRE_PRINTF(2, 3);

/* For a crew (base/crew.h) that could not be had: ARGUMENT or MEMORY. */
quire_status quire_fail_threads(quire_error *error, quire_status status,
				uint32_t threads);

/* MEMORY, with the number of bytes that could not be had. */
quire_status quire_fail_memory(quire_error *error, uint64_t size);

#endif
