/*
 * progress.h - a progress bar on stderr, on a terminal only, for calls of the
 * library that take a quire_progress_fn:
 *
 *	struct progress progress = progress_start(path);
 *	... .progress = progress_report, .context = &progress ...
 *	progress_clear(&progress);
 */
#ifndef QUIRE_CLI_UI_PROGRESS_H
#define QUIRE_CLI_UI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *label; /* not owned; printed escaped */
	bool visible;
	double started; /* by quire_clock_seconds */
	double drawn;	/* when the bar was last drawn; 0: not yet */
};

struct progress progress_start(const char *label);

/* Draws the bar, at most ten times a second. */
void progress_show(struct progress *progress, uint64_t done, uint64_t total);

/* A quire_progress_fn over a struct progress: draws the bar. False, which
 * cancels the call, when a signal is held back (signals.h). */
bool progress_report(void *progress, uint64_t done, uint64_t total);

/* Removes the bar from the screen; may be called again. */
void progress_clear(struct progress *progress);

#endif
