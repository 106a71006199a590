/*
 * trouble.c - prints errors. The way out depends on the status of an error, so
 * it is here and not in each command.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/files/recognize.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

int trouble(const char *format, ...)
{
	/* A path of PATH_MAX (4096) bytes and a message. */
	char line[4096 + 1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fflush(stdout);
	fputs("quire: ", stderr);
	text_print(stderr, line);
	fputc('\n', stderr);
	return EXIT_TROUBLE;
}

static const char *way_out(quire_status status)
{
	switch (status) {
	case QUIRE_ERROR_EXISTS:
		return "; choose another output";
	case QUIRE_ERROR_MAGIC:
		return "; 'quire convert' makes a container of an ONNX model";
	case QUIRE_ERROR_TRUNCATED:
		return "; copy or download it again";
	case QUIRE_ERROR_CHECKSUM:
		return "; 'quire verify' checks its tensors";
	default:
		return "";
	}
}

/* The path to print: in full, if it is one of `paths`. */
static const char *path_of(const quire_error *error, const char *const *paths)
{
	if (error->path[0] == '\0')
		return paths[0];
	for (; *paths; paths++)
		if (quire_error_is_about(error, *paths))
			return *paths;
	return error->path;
}

static int print_error(const char *path, const char *kind,
		       const quire_error *error, const char *way_out)
{
	char offset[48] = "";

	if (error->offset != QUIRE_NO_OFFSET)
		snprintf(offset, sizeof(offset), " (at byte %" PRIu64 ")",
			 error->offset);
	if (recognize_no_gguf(path, error))
		return EXIT_TROUBLE;
	return trouble("%s: %s%s%s%s", path, kind, error->message, offset,
		       way_out);
}

int trouble_with_file(const char *path, const quire_error *error)
{
	const char *const paths[] = { path, NULL };
	const bool truncated = error->status == QUIRE_ERROR_TRUNCATED;

	return print_error(path_of(error, paths),
			   truncated ? "truncated: " : "", error,
			   way_out(error->status));
}

int trouble_with_files(const char *const *paths, const quire_error *error)
{
	return print_error(
	    path_of(error, paths), "", error,
	    error->status == QUIRE_ERROR_EXISTS ? "; --force replaces it" : "");
}

int trouble_memory(void)
{
	return trouble("out of memory");
}

int worse(int a, int b)
{
	return a > b ? a : b;
}
