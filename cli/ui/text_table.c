/*
 * text_table.c - keeps cells, measures columns, prints. A character counts as
 * one column, which is wrong for wide scripts only.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "cli/ui/text.h"
#include "cli/ui/text_table.h"

/* The name of a tensor, at most 63 bytes, is never cut; other text may be. */
#define CELL_CAPACITY 96

struct text_table text_table_start(const char *align)
{
	assert(strlen(align) <= TABLE_COLUMNS_MAX);
	return (struct text_table){ .columns = strlen(align), .align = align };
}

void text_table_text(struct text_table *table, const char *text)
{
	char **cells;
	char *copy;

	if (table->failed)
		return;
	cells = quire_grow(table->cells, &table->capacity, table->count,
			   sizeof(*cells));
	if (cells)
		table->cells = cells;
	copy = cells ? strdup(text) : NULL;
	if (copy)
		table->cells[table->count++] = copy;
	else
		table->failed = true;
}

void text_table_name(struct text_table *table, quire_string text)
{
	char cell[CELL_CAPACITY];

	text_table_text(table, text_shorten(cell, sizeof(cell), text));
}

void text_table_number(struct text_table *table, uint64_t number)
{
	char cell[24];

	snprintf(cell, sizeof(cell), "%" PRIu64, number);
	text_table_text(table, cell);
}

static void measure(const struct text_table *table, size_t widths[])
{
	for (size_t i = 0; i < table->columns; i++)
		widths[i] = 0;
	for (size_t i = 0; i < table->count; i++) {
		const size_t width = text_columns(table->cells[i]);
		size_t *widest = &widths[i % table->columns];

		if (width > *widest)
			*widest = width;
	}
}

static void print_cell(const struct text_table *table, size_t i, size_t width)
{
	const size_t column = i % table->columns;
	const char *cell = table->cells[i];
	const int fill = (int)(width - text_columns(cell));
	const bool last = column + 1 == table->columns;

	if (table->align[column] == 'r')
		printf("  %*s%s", fill, "", cell);
	else if (!last)
		printf("  %s%*s", cell, fill, "");
	else if (*cell)
		printf("  %s", cell);
	if (last)
		putchar('\n');
}

bool text_table_print(struct text_table *table)
{
	const bool failed = table->failed;
	size_t widths[TABLE_COLUMNS_MAX];

	measure(table, widths);
	for (size_t i = 0; i < table->count; i++) {
		if (!failed)
			print_cell(table, i, widths[i % table->columns]);
		free(table->cells[i]);
	}
	free(table->cells);
	*table = (struct text_table){ .failed = failed };
	return !failed;
}
