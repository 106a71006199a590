/*
 * edit_text.h - the text of a value: from the command line or from a file.
 */
#ifndef QUIRE_CLI_REWRITE_EDIT_TEXT_H
#define QUIRE_CLI_REWRITE_EDIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct edit_text {
	const char *data; /* `size` bytes and a NUL */
	size_t size;
	bool from_file;
	void *storage; /* to be freed; NULL: `data` is the caller's */
};

/* Reads "@FILE" as the bytes of the file, "@@..." as "@...", and all else as it
 * is. `key` is for messages. False: the error is printed. */
bool edit_text_read(const char *key, const char *word, struct edit_text *text);

#endif
