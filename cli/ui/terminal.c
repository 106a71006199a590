/*
 * terminal.c - looks at the standard files and the environment.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/ui/terminal.h"

#define USUAL_COLUMNS 80
#define MOST_COLUMNS  1000

bool terminal_is(int file)
{
	const char *term = getenv("TERM");

	return quire_file_is_terminal(file) &&
	       !(term && strcmp(term, "dumb") == 0);
}

size_t terminal_columns(void)
{
	const char *text = getenv("COLUMNS");
	char *end = NULL;
	unsigned long columns = text ? strtoul(text, &end, 10) : 0;

	if (columns == 0 || *end != '\0')
		columns = quire_file_terminal_columns(FILE_STDOUT);
	if (columns == 0)
		return USUAL_COLUMNS;
	return columns < MOST_COLUMNS ? columns : MOST_COLUMNS;
}

static const char *colour(const char *sequence)
{
	const char *no_color = getenv("NO_COLOR");

	if ((no_color && *no_color) || !terminal_is(FILE_STDOUT))
		return "";
	return sequence;
}

const char *terminal_green(void)
{
	return colour("\033[32m");
}

const char *terminal_red(void)
{
	return colour("\033[31m");
}

const char *terminal_plain(void)
{
	return colour("\033[0m");
}
