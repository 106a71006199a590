/*
 * pattern.h - names as recipes describe them. In a pattern
 *
 *	*	is any run of characters, also an empty one
 *	?	is one character
 *	{n}	is one character or more other than . and /, kept as "n"
 *	\*	is a * itself; so are \?, \{, \} and \\
 *
 * and all else is itself. A template is text with {n} in it, which the
 * characters that a pattern kept are put for.
 */
#ifndef QUIRE_CONVERT_RECIPE_PATTERN_H
#define QUIRE_CONVERT_RECIPE_PATTERN_H

#include "base/arena.h"
#include "quire.h"

/* Parts of one pattern or template: a character each, but for {n}. */
#define QUIRE_PATTERN_PARTS_MAX 256

/* Longer names match nothing but a lone *. */
#define QUIRE_PATTERN_TEXT_MAX 1024

struct pattern_part; /* of pattern.c */

struct pattern {
	struct pattern_part *parts;
	size_t count;
};

/* Reads a pattern of `size` bytes, which must outlive it. *problem: what is
 * wrong with it, static storage; NULL: there is no memory. */
bool quire_pattern_parse(struct pattern *pattern, const char *text, size_t size,
			 struct arena *arena, const char **problem);

/* Likewise a template for the names that `pattern` keeps. */
bool quire_pattern_parse_template(struct pattern *made, const char *text,
				  size_t size, const struct pattern *pattern,
				  struct arena *arena, const char **problem);

/* Whether the whole of `text` is as the pattern says. */
bool quire_pattern_matches(const struct pattern *pattern, const char *text);

/* The template with what the pattern keeps of `text`, which matches it; of all
 * ways to match, the one where each part in turn takes the least. To be freed;
 * NULL: there is no memory. */
char *quire_pattern_fill(const struct pattern *made,
			 const struct pattern *pattern, const char *text);

#endif
