/*
 * recipe.h - what a user asks of a conversion: docs/recipe.md describes the
 * file. This stage reads and writes recipes and answers questions about a
 * tensor's name. The planner (convert/plan) acts on the answers.
 */
#ifndef QUIRE_CONVERT_RECIPE_RECIPE_H
#define QUIRE_CONVERT_RECIPE_RECIPE_H

#include "base/arena.h"
#include "base/error.h"
#include "quire_convert.h"

/* ---------------------------------------------------------------- patterns */

/*
 * A pattern describes names:
 *
 *	*	matches any run of characters, also an empty one
 *	?	matches one character
 *	{n}	matches one or more characters except . and /, kept as "n"
 *	\*	matches *; likewise \?, \{, \} and \\
 *
 * All other characters match themselves. A template is a text with {n} in it:
 * the characters that a pattern kept as "n" take its place.
 */

/* In one pattern or template: each character is one part, and each {n}. */
#define QUIRE_PATTERN_PARTS_MAX 256

/* Bytes. Only a lone * matches a longer name. */
#define QUIRE_PATTERN_TEXT_MAX 1024

struct pattern_part; /* of pattern.c */

struct pattern {
	struct pattern_part *parts;
	size_t count;
};

/* Reads a pattern of `size` bytes, which must outlive it. On failure *problem
 * says what is wrong, in static storage; NULL: out of memory. */
bool quire_pattern_parse(struct pattern *pattern, const char *text, size_t size,
			 struct arena *arena, const char **problem);

/* The same for a template, whose names must be names of `pattern`. */
bool quire_pattern_parse_template(struct pattern *made, const char *text,
				  size_t size, const struct pattern *pattern,
				  struct arena *arena, const char **problem);

/* Whether the pattern matches the whole of `text`. */
bool quire_pattern_matches(const struct pattern *pattern, const char *text);

/* Fills the template with what the pattern, which must match `text`, keeps of
 * it. If there are several ways to match, each part takes as little as it can,
 * from left to right. The result is to be freed; NULL: out of memory. */
char *quire_pattern_fill(const struct pattern *made,
			 const struct pattern *pattern, const char *text);

/* ----------------------------------------------------------------- recipes */

/* A pattern with its text and its place in the recipe. */
struct recipe_pattern {
	const char *text;
	size_t line;
	size_t column;
	struct pattern pattern;
};

struct recipe_rename {
	struct recipe_pattern from;
	const char *to_text;
	struct pattern to;
};

/* What a dense tensor becomes. */
enum recipe_dense {
	RECIPE_DENSE_KEEP,
	RECIPE_DENSE_F32,
	RECIPE_DENSE_F16,
	RECIPE_DENSE_BF16,
};

struct recipe_dense_rule {
	struct recipe_pattern names;
	enum recipe_dense type;
};

struct recipe_value {
	const char *key;
	quire_value value; /* what it points to is in the arena */
};

/* A zeroed struct is the empty recipe: all tensors as they are. */
struct recipe {
	const char *name;	     /* for errors; NULL: no recipe was read */
	struct recipe_pattern *take; /* none: all */
	size_t take_count;
	struct recipe_pattern *leave;
	size_t leave_count;
	struct recipe_rename *renames;
	size_t rename_count;
	struct recipe_dense_rule *dense;
	size_t dense_count;
	struct recipe_value *values;
	size_t value_count;
	bool leave_unsupported;	 /* nodes that cannot be converted */
	quire_fallback fallback; /* QUIRE_FALLBACK_DEFAULT: not given */
	uint32_t alignment;	 /* 0: not given */
	uint64_t split_size;	 /* 0: not given, or one file */
	struct arena arena;
};

/*
 * Reads the recipe that the options name, if any, then sets what the options
 * give themselves: fallback, alignment, split_size, architecture, name. After
 * this the caller reads these from the recipe only. Fails with IO, ARGUMENT and
 * MEMORY. Free *recipe after success only.
 */
quire_status quire_recipe_load(const quire_convert_options *options,
			       struct recipe *recipe, quire_error *error);
void quire_recipe_free(struct recipe *recipe);

/* Reads a recipe's text; messages begin with `name`. Fails with ARGUMENT and
 * MEMORY. Free *recipe after success only. */
quire_status quire_recipe_parse(const char *name, const void *text, size_t size,
				struct recipe *recipe, quire_error *error);

/* Fails with ARGUMENT for a rule that does not fit the model. The message
 * begins with the rule's place in the recipe. */
quire_status quire_recipe_fail_rule(const struct recipe *recipe,
				    const struct recipe_pattern *rule,
				    quire_error *error, const char *format, ...)
    QUIRE_PRINTF(4, 5);

/* Fails with ARGUMENT where comparing all patterns with names of so many bytes
 * in all would take too long: about 10 s. No model that is one comes near. */
quire_status quire_recipe_check_work(const struct recipe *recipe,
				     uint64_t names_size, uint64_t names,
				     quire_error *error);

/* Whether the recipe leaves out what is called `name`, although it may take
 * it. */
bool quire_recipe_leaves(const struct recipe *recipe, const char *name);
/* Whether the recipe takes the tensor that would be called `name`. */
bool quire_recipe_takes(const struct recipe *recipe, const char *name);
/* The rule that renames it; NULL: it keeps its name. */
const struct recipe_rename *quire_recipe_find_rename(
    const struct recipe *recipe, const char *name);
/* What it becomes if it is dense. */
enum recipe_dense quire_recipe_dense(const struct recipe *recipe,
				     const char *name);

#endif
