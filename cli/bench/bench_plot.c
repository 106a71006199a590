/*
 * bench_plot.c - draws on a grid of characters, then prints it from the top.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/bench/bench_plot.h"
#include "cli/bench/bench_sweep.h"
#include "cli/ui/terminal.h"

enum {
	HEIGHT = 16,
	/* Columns of the plot itself: no more are easily read, and fewer hold
	 * no curve. */
	WIDTH_MIN = 30,
	WIDTH_MAX = 130,
	LABEL = 11,	/* the characters before it, and the margin after it */
	TICKS = 8,	/* of the x axis, at most */
	LAST_LABEL = 6, /* columns that it needs */
};

struct plot {
	const struct bench_case *cases;
	size_t count, width;
	double most; /* ms */
	char grid[HEIGHT][WIDTH_MAX];
};

static size_t find_width(void)
{
	const size_t columns = terminal_columns();

	if (columns < LABEL + WIDTH_MIN)
		return WIDTH_MIN;
	return columns - LABEL < WIDTH_MAX ? columns - LABEL : WIDTH_MAX;
}

/* The column of a number of rows of x. */
static size_t column_of(const struct plot *plot, uint32_t m)
{
	const uint32_t first = plot->cases[0].m;
	const uint32_t last = plot->cases[plot->count - 1].m;

	return (size_t)((double)(m - first) / (last - first) *
			    (double)(plot->width - 1) +
			0.5);
}

static char letter_of(const struct bench_case *row)
{
	return row->step > BENCH_STEP ? '!' : row->form[0];
}

static void draw(struct plot *plot)
{
	memset(plot->grid, ' ', sizeof(plot->grid));
	for (size_t i = 0; i < plot->count; i++) {
		const struct bench_case *row = &plot->cases[i];
		const double part = row->ms / plot->most;
		const size_t y = (size_t)(part * (HEIGHT - 1) + 0.5);
		char *at = &plot->grid[y][column_of(plot, row->m)];

		/* A step is not covered by its neighbour. */
		if (*at != '!')
			*at = letter_of(row);
	}
}

static void print_line(const struct plot *plot, size_t y)
{
	size_t width = plot->width;

	while (width > 0 && plot->grid[y][width - 1] == ' ')
		width--;
	if (y % 5 == 0)
		printf("%9.4f", plot->most * (double)y / (HEIGHT - 1));
	else
		printf("%9s", "");
	printf("%s", width > 0 ? " |" : " |\n");
	for (size_t x = 0; x < width; x++) {
		const char c = plot->grid[y][x];

		if (c == '!')
			printf("%s!%s", terminal_red(), terminal_plain());
		else
			putchar(c);
	}
	if (width > 0)
		putchar('\n');
}

/* Whether there is room for the number of a column, at which no number before
 * `from` may stand. The last one always has its place. */
static bool has_room(const struct plot *plot, size_t x, size_t from)
{
	return x >= from && x + LAST_LABEL < plot->width;
}

/* The x axis: numbers of rows below their columns. */
static void print_axis(const struct plot *plot)
{
	size_t at = 0, from = 0;

	printf("%9s +", "");
	for (size_t x = 0; x < plot->width; x++)
		putchar('-');
	printf("\n%9s  ", "M");
	for (size_t i = 0; i < plot->count; i++) {
		const size_t x = column_of(plot, plot->cases[i].m);

		if (i + 1 < plot->count && !has_room(plot, x, from))
			continue;
		printf("%*s", (int)(x - at), "");
		at = x + (size_t)printf("%" PRIu32, plot->cases[i].m);
		from = x + plot->width / TICKS;
	}
	putchar('\n');
}

void bench_plot(const struct bench_case *cases, size_t count)
{
	struct plot plot = {
		.cases = cases,
		.count = count,
		.width = find_width(),
	};

	for (size_t i = 0; i < count; i++)
		if (cases[i].ms > plot.most)
			plot.most = cases[i].ms;
	draw(&plot);
	printf("\n  ms; G: GEMV, s: small-batch GEMM, p: packed GEMM, "
	       "!: a step\n");
	for (size_t y = HEIGHT; y > 0; y--)
		print_line(&plot, y - 1);
	print_axis(&plot);
}
