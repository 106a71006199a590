/*
 * recipe.h - what a conversion is told beyond "convert": docs/recipe.md. A
 * recipe decides; what is decided about is the planner's.
 */
#ifndef QUIRE_CONVERT_RECIPE_RECIPE_H
#define QUIRE_CONVERT_RECIPE_RECIPE_H

#include "base/arena.h"
#include "base/error.h"
#include "convert/recipe/pattern.h"
#include "quire_convert.h"

/* A pattern as it was written, where, and read. */
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

/* The types of dense tensors: no QUIRE_... means 0, so that all can be said. */
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

/* Zero is the recipe of which nothing is said. */
struct recipe {
	const char *name;	     /* for messages; NULL: it was not read */
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
	quire_fallback fallback; /* QUIRE_FALLBACK_DEFAULT: not said */
	uint32_t alignment;	 /* 0: not said */
	uint64_t split_size;	 /* likewise */
	struct arena arena;
};

/*
 * Reads the recipe that conversion options name, if they do, into *recipe,
 * and then sets in it what the options say themselves: after this the options'
 * fallback, alignment, split_size, architecture and name are of no account.
 * Fails with IO, ARGUMENT and MEMORY; *recipe is to be freed only if it does
 * not.
 */
quire_status quire_recipe_load(const quire_convert_options *options,
			       struct recipe *recipe, quire_error *error);
void quire_recipe_free(struct recipe *recipe);

/* Reads a recipe's text. `name` is what messages call it. As above. */
quire_status quire_recipe_parse(const char *name, const void *text, size_t size,
				struct recipe *recipe, quire_error *error);

/* ARGUMENT, for a rule that makes no sense with a model; the message begins
 * with its place in the recipe. */
quire_status quire_recipe_fail_rule(const struct recipe *recipe,
				    const struct recipe_pattern *rule,
				    quire_error *error, const char *format, ...)
    QUIRE_PRINTF(4, 5);

/* What is said of the tensor that would be called `name`. */
bool quire_recipe_takes(const struct recipe *recipe, const char *name);
/* NULL: it keeps its name. */
const struct recipe_rename *quire_recipe_find_rename(
    const struct recipe *recipe, const char *name);
enum recipe_dense quire_recipe_dense(const struct recipe *recipe,
				     const char *name);

/* "keep", "f32" and so on; NULL past the last. */
const char *quire_recipe_dense_name(enum recipe_dense dense);
/* "f32", "f16", "error"; those that can be asked for. */
const char *quire_recipe_fallback_name(quire_fallback fallback);

#endif
