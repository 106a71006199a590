/*
 * text_table.h - a table with aligned columns. Cells are added row by row and
 * printed at the end, when their widths are known.
 */
#ifndef QUIRE_CLI_UI_TEXT_TABLE_H
#define QUIRE_CLI_UI_TEXT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "quire.h"

#define TABLE_COLUMNS_MAX 8

struct text_table {
	size_t columns;
	const char *align; /* a letter for each column: l or r */
	char **cells;
	size_t count;
	size_t capacity;
	bool failed; /* out of memory */
};

struct text_table text_table_start(const char *align);

/* Appends a cell; the text is copied, and a name escaped and shortened. */
void text_table_name(struct text_table *table, quire_string text);
void text_table_text(struct text_table *table, const char *text);
void text_table_number(struct text_table *table, uint64_t number);

/* Prints the rows, each after two spaces, and frees the table. False: memory
 * ran out in one of the calls. */
bool text_table_print(struct text_table *table);

#endif
