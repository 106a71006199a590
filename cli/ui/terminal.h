/*
 * terminal.h - what stdout and stderr are, and colour on stdout if it is a
 * terminal. NO_COLOR (no-color.org) and TERM=dumb are respected.
 */
#ifndef QUIRE_CLI_UI_TERMINAL_H
#define QUIRE_CLI_UI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the file (FILE_STDOUT and so on, base/file.h) is a terminal that can
 * be drawn on. */
bool terminal_is(int file);

/* The characters in a line of stdout: what the environment variable COLUMNS
 * says, or else the terminal; 80 if neither does. At most 1000. */
size_t terminal_columns(void);

/* The start and the end of green or red text on stdout; "" if stdout is not
 * to be coloured. Static storage. */
const char *terminal_green(void);
const char *terminal_red(void);
const char *terminal_plain(void);

#endif
