/*
 * size.c - sizes as people write them.
 */
#include "base/bytes.h"
#include "quire_convert.h"

/* Takes the letter of a unit, if there is one. What it multiplies by. */
static uint64_t take_unit(const char **text)
{
	static const char letters[] = "KMGT";
	const char found = (char)(**text == 'k' ? 'K' : **text);
	const char *letter = found ? strchr(letters, found) : NULL;
	const uint64_t thousand = letter && (*text)[1] == 'i' ? 1024 : 1000;
	uint64_t unit = 1;

	if (!letter)
		return 1;
	for (const char *l = letters; l <= letter; l++)
		unit *= thousand;
	*text += thousand == 1024 ? 2 : 1;
	return unit;
}

bool quire_size_parse(const char *text, uint64_t *size)
{
	uint64_t number = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		if (!checked_mul(number, 10, &number) ||
		    !checked_add(number, (uint64_t)(*text - '0'), &number))
			return false;
	if (!checked_mul(number, take_unit(&text), &number))
		return false;
	text += *text == 'B';
	if (*text || number > INT64_MAX)
		return false;
	*size = number;
	return true;
}
