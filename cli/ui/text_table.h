/*
 * text_table.h - columns of text that line up. Cells are given row by row; the
 * widths are known when all are in.
 */
#ifndef QUIRE_CLI_UI_TEXT_TABLE_H
#define QUIRE_CLI_UI_TEXT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "quire.h"

#define TABLE_COLUMNS_MAX 8

struct text_table {
	size_t columns;
	const char *align; /* one letter a column: l or r */
	char **cells;
	size_t count;
	size_t capacity;
	bool failed; /* out of memory; table_print tells */
};

struct text_table text_table_start(const char *align);

/* Appends a cell; text is copied, and the first escapes and shortens it. */
void text_table_name(struct text_table *table, quire_string text);
void text_table_text(struct text_table *table, const char *text);
void text_table_number(struct text_table *table, uint64_t number);

/* Prints with two spaces before each row, and frees. False: no memory. */
bool text_table_print(struct text_table *table);

#endif
