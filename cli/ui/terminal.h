/*
 * terminal.h - colour on stdout and a progress bar on stderr, both on a
 * terminal only. NO_COLOR (no-color.org) and TERM=dumb are respected.
 */
#ifndef QUIRE_CLI_UI_TERMINAL_H
#define QUIRE_CLI_UI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

/* The start and the end of green or red text on stdout; "" if stdout is not
 * to be coloured. Static storage. */
const char *terminal_green(void);
const char *terminal_red(void);
const char *terminal_plain(void);

/* Seconds from an arbitrary start that never run backwards. */
double terminal_seconds(void);

struct progress {
	const char *label; /* not owned; printed escaped */
	bool visible;
	double started;
	double drawn; /* when the bar was last drawn; 0: not yet */
};

struct progress progress_start(const char *label);

/* Draws the bar, ten times a second at most. */
void progress_show(struct progress *progress, uint64_t done, uint64_t total);

/* Takes the bar off the screen; may be called again. */
void progress_clear(struct progress *progress);

#endif
