/*
 * operation.h - what a tensor's operation says (F-49 of spec/format.md): how
 * its rows came from those of its source. One step at a time, in the order of
 * the text.
 *
 * It is inline so that libquire_convert, which cannot link what is internal to
 * libquire, reads operations by the same code.
 */
#ifndef QUIRE_FORMAT_OPERATION_H
#define QUIRE_FORMAT_OPERATION_H

#include <string.h>

#include "quire.h"

enum quire_step_kind {
	QUIRE_STEP_ROWS,      /* rows first .. first + count - 1 */
	QUIRE_STEP_PERMUTE,   /* within each of `count` heads: row 2 i + j is
				 row i + j R / 2 of the R rows before */
	QUIRE_STEP_TRANSPOSE, /* of a dense matrix */
	QUIRE_STEP_JOIN,      /* `count` rows so far; the constant `name` gives
				 the rows that follow. The last step */
};

struct quire_step {
	enum quire_step_kind kind;
	uint64_t first;
	uint64_t count;
	quire_string name; /* of QUIRE_STEP_JOIN */
};

/* Takes `word` from the start of *text, if it is there. */
static inline bool quire_step_word(quire_string *text, const char *word)
{
	const size_t size = strlen(word);

	if (text->size < size || memcmp(text->data, word, size) != 0)
		return false;
	text->data += size;
	text->size -= size;
	return true;
}

/* Takes a decimal number below 2^63, without sign and leading zeros. */
static inline bool quire_step_number(quire_string *text, uint64_t *number)
{
	uint64_t value = 0;
	size_t size = 0;

	for (; size < text->size && text->data[size] >= '0' &&
	       text->data[size] <= '9';
	     size++) {
		const uint64_t digit = (uint64_t)(text->data[size] - '0');

		if (value > (INT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (size == 0 || (size > 1 && text->data[0] == '0'))
		return false;
	text->data += size;
	text->size -= size;
	*number = value;
	return true;
}

/* Takes the next step from the start of *text, and the "; " behind it. False if
 * that is no step. */
static inline bool quire_step_next(quire_string *text, struct quire_step *step)
{
	*step = (struct quire_step){ .count = 0 };
	if (quire_step_word(text, "rows ")) {
		step->kind = QUIRE_STEP_ROWS;
		if (!quire_step_number(text, &step->first) ||
		    !quire_step_word(text, " ") ||
		    !quire_step_number(text, &step->count))
			return false;
	} else if (quire_step_word(text, "permute ")) {
		step->kind = QUIRE_STEP_PERMUTE;
		if (!quire_step_number(text, &step->count))
			return false;
	} else if (quire_step_word(text, "transpose")) {
		step->kind = QUIRE_STEP_TRANSPOSE;
	} else if (quire_step_word(text, "join ")) {
		step->kind = QUIRE_STEP_JOIN;
		if (!quire_step_number(text, &step->count) ||
		    !quire_step_word(text, " ") ||
		    memchr(text->data, 0, text->size))
			return false;
		step->name = *text;
		*text = (quire_string){ text->data + text->size, 0 };
		return true;
	} else {
		return false;
	}
	return text->size == 0 || (quire_step_word(text, "; ") && text->size);
}

#endif
