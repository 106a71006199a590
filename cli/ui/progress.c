/*
 * progress.c - draws the bar over itself with a carriage return and clears it
 * with spaces, which every terminal understands.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/ui/progress.h"
#include "cli/ui/signals.h"
#include "cli/ui/terminal.h"
#include "cli/ui/text.h"

#define BAR_WIDTH   24
#define LABEL_WIDTH 24
/* Label, bar, percentage, rate: " 100%  1023.9 MiB/s" and brackets. */
#define LINE_WIDTH (LABEL_WIDTH + BAR_WIDTH + 26)

/* Between two drawings. */
#define DRAW_SECONDS 0.1

struct progress progress_start(const char *label)
{
	return (struct progress){
		.label = label,
		.visible = terminal_is(FILE_STDERR),
		.started = quire_clock_seconds(),
	};
}

static void draw(const struct progress *progress, uint64_t done, uint64_t total,
		 double seconds)
{
	const double part = total ? (double)done / (double)total : 1;
	const int filled = (int)(part * BAR_WIDTH);
	char label[LABEL_WIDTH + 1];
	char rate[TEXT_SIZE_CAPACITY];
	char bar[BAR_WIDTH + 1];

	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', (size_t)filled);
	bar[BAR_WIDTH] = '\0';
	text_shorten(label, sizeof(label), text_of(progress->label));
	text_human_size(rate,
			seconds > 0 ? (uint64_t)((double)done / seconds) : 0);
	fprintf(stderr, "\r%s [%s] %3d%%  %s/s   ", label, bar,
		(int)(part * 100), rate);
	fflush(stderr);
}

void progress_show(struct progress *progress, uint64_t done, uint64_t total)
{
	double now;

	if (!progress->visible || done > total)
		return;
	now = quire_clock_seconds();
	if (progress->drawn > 0 && now - progress->drawn < DRAW_SECONDS)
		return;
	progress->drawn = now;
	draw(progress, done, total, now - progress->started);
}

bool progress_report(void *progress, uint64_t done, uint64_t total)
{
	progress_show(progress, done, total);
	return !signals_pending();
}

void progress_clear(struct progress *progress)
{
	if (progress->drawn <= 0)
		return;
	fprintf(stderr, "\r%*s\r", LINE_WIDTH, "");
	fflush(stderr);
	progress->drawn = 0;
}
