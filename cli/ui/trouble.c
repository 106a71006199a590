/*
 * trouble.c - prints errors. What can be done about one depends on its status
 * alone, so that advice lives here and not in every command.
 */
#include "cli/ui/trouble.h"
#include "cli/ui/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int trouble(const char *format, ...)
{
	/* A path of PATH_MAX (4096) and a message beside it. */
	char line[4096 + 1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fflush(stdout);
	fputs("quire: ", stderr);
	text_print(stderr, line, strlen(line));
	fputc('\n', stderr);
	return EXIT_TROUBLE;
}

static const char *way_out(quire_status status)
{
	switch (status) {
	case QUIRE_ERROR_MAGIC:
		return "; 'quire convert' makes a container of an ONNX model";
	case QUIRE_ERROR_TRUNCATED:
		return "; copy or download it again";
	case QUIRE_ERROR_CHECKSUM:
		return "; 'quire verify' tells whether its tensors are intact";
	default:
		return "";
	}
}

/* How much of `message` is the path: all of it or 0. The library puts '?' for
 * control characters. */
static size_t path_at(const char *message, const char *path)
{
	size_t i;

	for (i = 0; path[i]; i++)
		if (message[i] != path[i] && message[i] != '?')
			return 0;
	return i;
}

/* The library's message without the path that some begin with. */
static const char *without_path(const char *message, const char *path)
{
	const size_t size = path_at(message, path);

	if (size > 0 && strncmp(message + size, ": ", 2) == 0)
		return message + size + 2;
	return message;
}

int trouble_with_file(const char *path, const quire_error *error)
{
	const bool truncated = error->status == QUIRE_ERROR_TRUNCATED;
	char offset[48] = "";

	if (error->offset != QUIRE_NO_OFFSET)
		snprintf(offset, sizeof(offset), " (at byte %" PRIu64 ")",
			 error->offset);
	return trouble("%s: %s%s%s%s", path, truncated ? "truncated: " : "",
		       without_path(error->message, path), offset,
		       way_out(error->status));
}

int trouble_memory(void)
{
	return trouble("out of memory");
}

int worse(int a, int b)
{
	return a > b ? a : b;
}
