/*
 * pattern.c - matches with a table: for each part of the pattern and each
 * position in the text, whether the parts from there on match the rest of the
 * text. A bit is a position, so that a step decides 64 of them; a match takes
 * about parts x bytes / 64 steps, whatever the pattern.
 */
#include <stdlib.h>
#include <string.h>

#include "convert/recipe/recipe_private.h"

#define PARTS_MAX QUIRE_PATTERN_PARTS_MAX
#define TEXT_MAX  QUIRE_PATTERN_TEXT_MAX

enum part_kind {
	PART_BYTE,
	PART_ONE,
	PART_RUN,
	PART_NAMED,
};

struct pattern_part {
	enum part_kind kind;
	char byte;
	const char *name; /* of PART_NAMED */
	size_t size;
};

/* One bit for each byte of a text, and one for its end. */
#define WORDS_MAX (TEXT_MAX / 64 + 1)

/* Bit j of row i: the parts from i on match the text from j on. */
struct reach {
	uint64_t rows[PARTS_MAX + 1][WORDS_MAX];
};

static bool get(const struct reach *reach, size_t part, size_t at)
{
	return reach->rows[part][at / 64] >> (at % 64) & 1;
}

/* Whether \ may stand before it. */
static bool is_special(char c)
{
	return c != '\0' && strchr("*?{}\\", c) != NULL;
}

static bool is_name(const char *name, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') &&
		    !(name[i] >= 'A' && name[i] <= 'Z') &&
		    !(name[i] >= '0' && name[i] <= '9') && name[i] != '_')
			return false;
	return size > 0;
}

static const struct pattern_part *find_named(const struct pattern *pattern,
					     const struct pattern_part *part)
{
	for (size_t i = 0; i < pattern->count; i++) {
		const struct pattern_part *other = &pattern->parts[i];

		if (other->kind == PART_NAMED && other->size == part->size &&
		    memcmp(other->name, part->name, part->size) == 0)
			return other;
	}
	return NULL;
}

/* Takes one part from the front of the text. Returns what is wrong with it, or
 * NULL. */
static const char *take_part(const char **text, size_t *size,
			     struct pattern_part *part)
{
	const char *at = *text;
	size_t taken = 1;

	*part = (struct pattern_part){ .kind = PART_BYTE, .byte = *at };
	if (*at == '\\') {
		if (*size < 2 || !is_special(at[1]))
			return "a \\ without *, ?, {, } or \\ after it";
		part->byte = at[1];
		taken = 2;
	} else if (*at == '*') {
		part->kind = PART_RUN;
	} else if (*at == '?') {
		part->kind = PART_ONE;
	} else if (*at == '}') {
		return "a } without a { before it";
	} else if (*at == '{') {
		const char *end = memchr(at, '}', *size);

		if (!end)
			return "a { without a } after it";
		*part = (struct pattern_part){ .kind = PART_NAMED,
					       .name = at + 1,
					       .size = (size_t)(end - at) - 1 };
		if (!is_name(part->name, part->size))
			return "between { and } there must be a name of "
			       "letters, digits and _";
		taken = part->size + 2;
	}
	*text += taken;
	*size -= taken;
	return NULL;
}

static bool parse(struct pattern *pattern, const char *text, size_t size,
		  struct arena *arena, const char **problem)
{
	pattern->count = 0;
	pattern->parts =
	    quire_arena_own(arena, size < PARTS_MAX ? size + 1 : PARTS_MAX,
			    sizeof(*pattern->parts));
	*problem = NULL;
	if (!pattern->parts)
		return false;
	while (size > 0) {
		if (pattern->count == PARTS_MAX) {
			*problem = "more than 256 characters";
			return false;
		}
		*problem =
		    take_part(&text, &size, &pattern->parts[pattern->count]);
		if (*problem)
			return false;
		pattern->count++;
	}
	if (pattern->count == 0)
		*problem = "an empty text matches no name";
	return !*problem;
}

bool quire_pattern_parse(struct pattern *pattern, const char *text, size_t size,
			 struct arena *arena, const char **problem)
{
	if (!parse(pattern, text, size, arena, problem))
		return false;
	for (size_t i = 0; i < pattern->count; i++)
		if (pattern->parts[i].kind == PART_NAMED &&
		    find_named(pattern, &pattern->parts[i]) !=
			&pattern->parts[i]) {
			*problem = "it has the same {name} twice";
			return false;
		}
	return true;
}

bool quire_pattern_parse_template(struct pattern *made, const char *text,
				  size_t size, const struct pattern *pattern,
				  struct arena *arena, const char **problem)
{
	if (!parse(made, text, size, arena, problem))
		return false;
	for (size_t i = 0; i < made->count; i++) {
		const struct pattern_part *part = &made->parts[i];

		if (part->kind == PART_ONE || part->kind == PART_RUN) {
			*problem = "a new name has no * and no ?; write "
				   "{name} for what is to stay";
			return false;
		}
		if (part->kind == PART_NAMED && !find_named(pattern, part)) {
			*problem = "it has a {name} that the pattern lacks";
			return false;
		}
	}
	return true;
}

static bool is_kept(char c)
{
	return c != '.' && c != '/';
}

/* What a text is made of: bit j is the byte at j. */
struct text_bits {
	size_t size;
	size_t words; /* of size + 1 bits: one more for its end */
	uint64_t bytes[256][WORDS_MAX];
	uint64_t kept[WORDS_MAX];	   /* what {name} takes */
	uint64_t characters[4][WORDS_MAX]; /* by size: what ? takes */
};

static void put(uint64_t *row, size_t at)
{
	row[at / 64] |= UINT64_C(1) << at % 64;
}

static void describe(struct text_bits *bits, const char *text, size_t size)
{
	bits->size = size;
	bits->words = size / 64 + 1;
	for (size_t c = 0; c < 256; c++)
		memset(bits->bytes[c], 0, bits->words * sizeof(uint64_t));
	memset(bits->kept, 0, sizeof(bits->kept));
	memset(bits->characters, 0, sizeof(bits->characters));
	for (size_t at = 0; at < size; at++) {
		const size_t character =
		    recipe_character_size(text + at, size - at);

		put(bits->bytes[(unsigned char)text[at]], at);
		put(bits->characters[character - 1], at);
		if (is_kept(text[at]))
			put(bits->kept, at);
	}
}

/* Word w of a row, from `shift` bits further on: 1 to 4. */
static uint64_t later(const uint64_t *row, size_t words, size_t w, size_t shift)
{
	const uint64_t above = w + 1 < words ? row[w + 1] : 0;

	return row[w] >> shift | above << (64 - shift);
}

/* The bytes before and up to the last position from which the rest matches. */
static void reach_run(const uint64_t *next, size_t words, uint64_t *row)
{
	uint64_t all = 0;

	for (size_t w = words; w-- > 0;) {
		uint64_t below = next[w];

		for (unsigned shift = 1; shift < 64; shift *= 2)
			below |= below >> shift;
		row[w] = all | below;
		if (row[w])
			all = UINT64_MAX;
	}
}

/* From where a run of kept bytes leads to a position from which the rest
 * matches. In six steps a bit spreads over its word. */
static void reach_named(const struct text_bits *bits, const uint64_t *next,
			uint64_t *row)
{
	uint64_t first = 0; /* the lowest bit of the word above */

	for (size_t w = bits->words; w-- > 0;) {
		uint64_t through = bits->kept[w];
		uint64_t found =
		    through & (later(next, bits->words, w, 1) | first << 63);

		for (unsigned shift = 1; shift < 64; shift *= 2) {
			found |= through & found >> shift;
			through &= through >> shift;
		}
		row[w] = found;
		first = found & 1;
	}
}

static void reach_part(const struct pattern_part *part,
		       const struct text_bits *bits, const uint64_t *next,
		       uint64_t *row)
{
	const uint64_t *own = bits->bytes[(unsigned char)part->byte];

	switch (part->kind) {
	case PART_BYTE:
		for (size_t w = 0; w < bits->words; w++)
			row[w] = own[w] & later(next, bits->words, w, 1);
		break;
	case PART_ONE:
		for (size_t w = 0; w < bits->words; w++) {
			row[w] = 0;
			for (size_t size = 1; size <= 4; size++)
				row[w] |= bits->characters[size - 1][w] &
					  later(next, bits->words, w, size);
		}
		break;
	case PART_RUN:
		reach_run(next, bits->words, row);
		break;
	case PART_NAMED:
		reach_named(bits, next, row);
		break;
	}
}

/* Fills the table. Returns the size of the text, or SIZE_MAX if it does not
 * match. */
static size_t find_reach(struct reach *reach, const struct pattern *pattern,
			 const char *text)
{
	const size_t size = strlen(text);
	struct text_bits bits;

	if (size > TEXT_MAX)
		return SIZE_MAX;
	/* The first bytes rule out most patterns. */
	for (size_t i = 0; i < pattern->count; i++) {
		if (pattern->parts[i].kind != PART_BYTE)
			break;
		if (pattern->parts[i].byte != text[i])
			return SIZE_MAX;
	}
	describe(&bits, text, size);
	memset(reach->rows[pattern->count], 0, sizeof(reach->rows[0]));
	put(reach->rows[pattern->count], size);
	for (size_t i = pattern->count; i-- > 0;)
		reach_part(&pattern->parts[i], &bits, reach->rows[i + 1],
			   reach->rows[i]);
	return get(reach, 0, 0) ? size : SIZE_MAX;
}

bool quire_pattern_matches(const struct pattern *pattern, const char *text)
{
	struct reach reach;

	if (pattern->count == 1 && pattern->parts[0].kind == PART_RUN)
		return true;
	return find_reach(&reach, pattern, text) != SIZE_MAX;
}

/* Finds where in the text each part of the pattern begins, and where the last
 * one ends. */
static void find_starts(const struct reach *reach,
			const struct pattern *pattern, const char *text,
			size_t size, size_t starts[PARTS_MAX + 1])
{
	size_t at = 0;

	for (size_t i = 0; i < pattern->count; i++) {
		const enum part_kind kind = pattern->parts[i].kind;

		starts[i] = at;
		if (kind == PART_ONE)
			at += recipe_character_size(text + at, size - at);
		else if (kind != PART_RUN)
			at++;
		if (kind == PART_RUN || kind == PART_NAMED)
			while (!get(reach, i + 1, at))
				at++;
	}
	starts[pattern->count] = at;
}

/* Writes the filled template to `out`, unless it is NULL. Returns its size. */
static size_t fill(const struct pattern *made, const struct pattern *pattern,
		   const char *text, const size_t starts[PARTS_MAX + 1],
		   char *out)
{
	size_t size = 0;

	for (size_t i = 0; i < made->count; i++) {
		const struct pattern_part *part = &made->parts[i];
		const char *from = &part->byte;
		size_t count = 1;

		if (part->kind == PART_NAMED) {
			const size_t at = (size_t)(find_named(pattern, part) -
						   pattern->parts);

			from = text + starts[at];
			count = starts[at + 1] - starts[at];
		}
		if (out)
			memcpy(out + size, from, count);
		size += count;
	}
	return size;
}

char *quire_pattern_fill(const struct pattern *made,
			 const struct pattern *pattern, const char *text)
{
	size_t starts[PARTS_MAX + 1] = { 0 };
	struct reach reach;
	const size_t size = find_reach(&reach, pattern, text);

	if (size != SIZE_MAX)
		find_starts(&reach, pattern, text, size, starts);
	char *out = malloc(fill(made, pattern, text, starts, NULL) + 1);

	if (out)
		out[fill(made, pattern, text, starts, out)] = '\0';
	return out;
}
