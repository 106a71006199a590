/*
 * error.c - fills in quire_error.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/crew.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/utf8.h"

/* Characters that would control a terminal or that nobody sees become a '?'
 * each. Bytes that are no UTF-8 stay, but those that are C1 in Latin-1. */
static void sanitize(char *text)
{
	const char *from = text;

	while (*from) {
		const size_t length = quire_utf8_size(from, strlen(from));
		const unsigned char first = (unsigned char)*from;

		if (length == 0) {
			*text++ = first < 0xA0 ? '?' : *from;
			from++;
		} else if (quire_utf8_hides(from, length)) {
			*text++ = '?';
			from += length;
		} else {
			memmove(text, from, length);
			text += length;
			from += length;
		}
	}
	*text = '\0';
}

/* Cuts a message that is too long at the end of a UTF-8 character. */
static void trim(char *text, size_t capacity)
{
	size_t end = capacity - 1;

	while (end > 0 && ((unsigned char)text[end - 1] & 0xC0) == 0x80)
		end--;
	if (end > 0 && ((unsigned char)text[end - 1] & 0x80))
		end--;
	text[end] = '\0';
}

/* Copies a path, or "..." and the end of a longer one, from where a UTF-8
 * character begins. */
static void shorten_path(char shown[QUIRE_ERROR_PATH_SIZE], const char *path)
{
	static const char dots[] = "...";
	const size_t room = QUIRE_ERROR_PATH_SIZE - 1;
	const size_t size = strlen(path);
	size_t used = 0;

	if (size > room) {
		used = strlen(dots);
		memcpy(shown, dots, used);
		path += size - (room - used);
		while (((unsigned char)*path & 0xC0) == 0x80)
			path++;
	}
	memcpy(shown + used, path, strlen(path) + 1);
	sanitize(shown);
}

static void fill(quire_error *error, quire_status status, const char *path,
		 uint64_t offset, const char *format, va_list args)
{
	int size;

	error->status = status;
	error->offset = offset;
	error->path[0] = '\0';
	if (path)
		shorten_path(error->path, path);
	size = vsnprintf(error->message, sizeof(error->message), format, args);
	if (size < 0)
		error->message[0] = '\0';
	else if ((size_t)size >= sizeof(error->message))
		trim(error->message, sizeof(error->message));
	sanitize(error->message);
}

quire_status quire_fail(quire_error *error, quire_status status,
			uint64_t offset, const char *format, ...)
{
	va_list args;

	if (error) {
		va_start(args, format);
		fill(error, status, NULL, offset, format, args);
		va_end(args);
	}
	return status;
}

quire_status quire_fail_file(quire_error *error, quire_status status,
			     const char *path, uint64_t offset,
			     const char *format, ...)
{
	va_list args;

	if (error) {
		va_start(args, format);
		fill(error, status, path, offset, format, args);
		va_end(args);
	}
	return status;
}

quire_status quire_fail_errno(quire_error *error, const char *path,
			      const char *format, ...)
{
	const int code = errno;
	const quire_status status =
	    code == ENOMEM ? QUIRE_ERROR_MEMORY : QUIRE_ERROR_IO;
	va_list args;
	size_t size;

	if (error) {
		va_start(args, format);
		fill(error, status, path, QUIRE_NO_OFFSET, format, args);
		va_end(args);
		size = strlen(error->message);
		snprintf(error->message + size, sizeof(error->message) - size,
			 ": %s", strerror(code));
	}
	return status;
}

quire_status quire_fail_memory(quire_error *error, uint64_t size)
{
	uint64_t limit;

	if (!quire_memory_space_limit(&limit))
		return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				  "out of memory: %" PRIu64 " bytes", size);
	return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
			  "out of memory: %" PRIu64
			  " bytes, where the process may have %" PRIu64
			  " in all (RLIMIT_AS, ulimit -v)",
			  size, limit);
}

quire_status quire_fail_threads(quire_error *error, quire_status status,
				uint32_t threads)
{
	if (status == QUIRE_ERROR_ARGUMENT)
		return quire_fail(error, status, QUIRE_NO_OFFSET,
				  "cannot start %" PRIu32
				  " threads: more than %d are not allowed",
				  threads, QUIRE_CREW_MAX_THREADS);
	return quire_fail(error, status, QUIRE_NO_OFFSET,
			  "cannot start %" PRIu32 " threads", threads);
}

void quire_error_name_file(quire_error *error, const char *path)
{
	if (error && path && error->path[0] == '\0')
		shorten_path(error->path, path);
}

bool quire_error_is_about(const quire_error *error, const char *path)
{
	char shown[QUIRE_ERROR_PATH_SIZE];

	if (!path || path[0] == '\0')
		return false;
	shorten_path(shown, path);
	return strcmp(error->path, shown) == 0;
}

const char *quire_status_name(quire_status status)
{
	switch (status) {
	case QUIRE_OK:
		return "ok";
	case QUIRE_ERROR_MEMORY:
		return "memory";
	case QUIRE_ERROR_ARGUMENT:
		return "argument";
	case QUIRE_ERROR_IO:
		return "io";
	case QUIRE_ERROR_CANCELLED:
		return "cancelled";
	case QUIRE_ERROR_EXISTS:
		return "exists";
	case QUIRE_ERROR_MAGIC:
		return "magic";
	case QUIRE_ERROR_VERSION:
		return "version";
	case QUIRE_ERROR_TRUNCATED:
		return "truncated";
	case QUIRE_ERROR_LAYOUT:
		return "layout";
	case QUIRE_ERROR_CHECKSUM:
		return "checksum";
	case QUIRE_ERROR_UNSUPPORTED:
		return "unsupported";
	case QUIRE_ERROR_NOT_FOUND:
		return "not found";
	}
	return "unknown";
}

#define TEXT(number)   #number
#define DIGITS(number) TEXT(number)

const char *quire_version(void)
{
	return DIGITS(QUIRE_VERSION_MAJOR) "." DIGITS(
	    QUIRE_VERSION_MINOR) "." DIGITS(QUIRE_VERSION_PATCH);
}
