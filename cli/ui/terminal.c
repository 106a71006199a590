/*
 * terminal.c - looks at the terminal and draws on it. A bar is drawn over
 * itself with a carriage return and cleared with spaces, which every terminal
 * understands.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/ui/terminal.h"
#include "cli/ui/text.h"

#define BAR_WIDTH   24
#define LABEL_WIDTH 24
/* Label, bar, percentage, rate: " 100%  1023.9 MiB/s" and brackets. */
#define LINE_WIDTH (LABEL_WIDTH + BAR_WIDTH + 26)

static bool is_terminal(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) && !(term && strcmp(term, "dumb") == 0);
}

static const char *colour(const char *sequence)
{
	const char *no_color = getenv("NO_COLOR");

	if ((no_color && *no_color) || !is_terminal(STDOUT_FILENO))
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

double terminal_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

struct progress progress_start(const char *label)
{
	return (struct progress){
		.label = label,
		.visible = is_terminal(STDERR_FILENO),
		.started = terminal_seconds(),
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
	now = terminal_seconds();
	if (progress->drawn > 0 && now - progress->drawn < 0.1)
		return;
	progress->drawn = now;
	draw(progress, done, total, now - progress->started);
}

void progress_clear(struct progress *progress)
{
	if (progress->drawn <= 0)
		return;
	fprintf(stderr, "\r%*s\r", LINE_WIDTH, "");
	fflush(stderr);
	progress->drawn = 0;
}
