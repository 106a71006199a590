/*
 * recipe.c - looks up a tensor's name in a recipe, and loads the recipe that
 * the options of a conversion name. recipe_read.c and recipe_write.c know the
 * text of a recipe.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "base/utf8.h"
#include "convert/recipe/recipe_private.h"

static bool any_matches(const struct recipe_pattern *patterns, size_t count,
			const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (quire_pattern_matches(&patterns[i].pattern, name))
			return true;
	return false;
}

bool quire_recipe_leaves(const struct recipe *recipe, const char *name)
{
	return any_matches(recipe->leave, recipe->leave_count, name);
}

bool quire_recipe_takes(const struct recipe *recipe, const char *name)
{
	if (recipe->take_count > 0 &&
	    !any_matches(recipe->take, recipe->take_count, name))
		return false;
	return !quire_recipe_leaves(recipe, name);
}

const struct recipe_rename *quire_recipe_find_rename(
    const struct recipe *recipe, const char *name)
{
	for (size_t i = 0; i < recipe->rename_count; i++)
		if (quire_pattern_matches(&recipe->renames[i].from.pattern,
					  name))
			return &recipe->renames[i];
	return NULL;
}

/* Parts of a pattern times words of 64 bytes of a name: a nanosecond each, and
 * twice that for the first look at a name. */
#define WORK_MAX (UINT64_C(1) << 33)

quire_status quire_recipe_check_work(const struct recipe *recipe,
				     uint64_t names_size, uint64_t names,
				     quire_error *error)
{
	uint64_t parts = 0, work = 0;

	for (size_t i = 0; i < recipe->take_count; i++)
		parts += recipe->take[i].pattern.count;
	for (size_t i = 0; i < recipe->leave_count; i++)
		parts += recipe->leave[i].pattern.count;
	for (size_t i = 0; i < recipe->rename_count; i++)
		parts += recipe->renames[i].from.pattern.count;
	for (size_t i = 0; i < recipe->dense_count; i++)
		parts += recipe->dense[i].names.pattern.count;
	/* Both are in memory, so far below 2^60. */
	if (checked_mul(parts, names_size / 64 + names, &work) &&
	    work <= WORK_MAX)
		return QUIRE_OK;
	return quire_fail_file(error, QUIRE_ERROR_ARGUMENT, recipe->name,
			       QUIRE_NO_OFFSET,
			       "patterns of %" PRIu64 " characters in all take "
			       "too long for the %" PRIu64 " names of the "
			       "model; use fewer patterns",
			       parts, names);
}

enum recipe_dense quire_recipe_dense(const struct recipe *recipe,
				     const char *name)
{
	for (size_t i = 0; i < recipe->dense_count; i++)
		if (quire_pattern_matches(&recipe->dense[i].names.pattern,
					  name))
			return recipe->dense[i].type;
	return RECIPE_DENSE_KEEP;
}

const char *quire_recipe_dense_name(enum recipe_dense dense)
{
	static const char *const names[] = {
		[RECIPE_DENSE_KEEP] = "keep",
		[RECIPE_DENSE_F32] = "f32",
		[RECIPE_DENSE_F16] = "f16",
		[RECIPE_DENSE_BF16] = "bf16",
	};

	return (size_t)dense < sizeof(names) / sizeof(names[0]) ? names[dense]
								: NULL;
}

const char *quire_recipe_fallback_name(quire_fallback fallback)
{
	switch (fallback) {
	case QUIRE_FALLBACK_DEFAULT:
	case QUIRE_FALLBACK_F32:
		return "f32";
	case QUIRE_FALLBACK_F16:
		return "f16";
	case QUIRE_FALLBACK_ERROR:
		return "error";
	}
	return NULL;
}

quire_status quire_recipe_fail_rule(const struct recipe *recipe,
				    const struct recipe_pattern *rule,
				    quire_error *error, const char *format, ...)
{
	const struct recipe_node place = { .line = rule->line,
					   .column = rule->column };
	char text[200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return quire_recipe_fail(recipe->name, &place, error, "%s", text);
}

static quire_status check_options(const quire_convert_options *options,
				  quire_error *error)
{
	if (!quire_recipe_fallback_name(options->fallback))
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "fallback %d does not exist",
				  (int)options->fallback);
	if (options->recipe && options->recipe_path)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "both a recipe's text and its path are "
				  "given; give one");
	return QUIRE_OK;
}

/* Reads a regular file into *bytes, to be freed. Does not map it: a mapped file
 * that becomes shorter would end the process. */
static quire_status load_text(int file, const char *path, unsigned char **bytes,
			      size_t *size, quire_error *error)
{
	struct file_facts facts;
	size_t got;

	if (!quire_file_facts(file, &facts))
		return quire_fail_errno(error, path, "cannot stat");
	if (facts.kind != FILE_REGULAR)
		return quire_fail_file(error, QUIRE_ERROR_IO, path,
				       QUIRE_NO_OFFSET, "not a regular file");
	if (facts.size > QUIRE_RECIPE_MAX_SIZE)
		return quire_fail_file(
		    error, QUIRE_ERROR_ARGUMENT, path, QUIRE_NO_OFFSET,
		    "more than %" PRIu64 " bytes", QUIRE_RECIPE_MAX_SIZE);

	unsigned char *all = malloc((size_t)facts.size + 1);
	quire_status status = QUIRE_OK;

	if (!all)
		return quire_fail_memory(error, facts.size + 1);
	if (!quire_file_read(file, 0, all, (size_t)facts.size, &got))
		status = quire_fail_errno(error, path, "cannot read");
	else if (got < facts.size)
		status = quire_fail_file(error, QUIRE_ERROR_IO, path, got,
					 "the file changed while it was read");
	if (status != QUIRE_OK) {
		free(all);
		return status;
	}
	*bytes = all;
	*size = got;
	return QUIRE_OK;
}

static quire_status load_file(const char *path, struct recipe *recipe,
			      quire_error *error)
{
	const int file = quire_file_open(path);
	unsigned char *text = NULL;
	size_t size = 0;

	if (file < 0)
		return quire_fail_errno(error, path, "cannot open");

	quire_status status = load_text(file, path, &text, &size, error);

	quire_file_close(file);
	if (status != QUIRE_OK)
		return status;
	status = quire_recipe_parse(path, text, size, recipe, error);
	free(text);
	return status;
}

static quire_status read_options(const quire_convert_options *options,
				 struct recipe *recipe, quire_error *error)
{
	if (options->recipe)
		return quire_recipe_parse(
		    options->recipe_name ? options->recipe_name : "recipe",
		    options->recipe, options->recipe_size, recipe, error);
	if (options->recipe_path)
		return load_file(options->recipe_path, recipe, error);
	*recipe = (struct recipe){ .take = NULL };
	return QUIRE_OK;
}

/* Sets a key to a text, which it copies; NULL changes nothing. Bytes that are
 * not UTF-8 become ?. */
static quire_status set_string(struct recipe *recipe, const char *key,
			       const char *text, quire_error *error)
{
	if (!text)
		return QUIRE_OK;

	const size_t count = recipe->value_count;
	const size_t size = strlen(text);
	struct recipe_value *values =
	    quire_arena_own(&recipe->arena, count + 1, sizeof(*values));
	char *copy = quire_arena_own(&recipe->arena, size + 1, 1);

	if (!values || !copy)
		return quire_fail_memory(error, size + 1);
	memcpy(copy, text, size);
	if (!quire_utf8_valid(copy, size))
		for (char *c = copy; *c; c++)
			if ((unsigned char)*c >= 0x80)
				*c = '?';
	if (count > 0)
		memcpy(values, recipe->values, count * sizeof(*values));

	size_t at = 0;

	while (at < count && strcmp(values[at].key, key) != 0)
		at++;
	values[at] = (struct recipe_value){
		.key = key,
		.value = { .type = QUIRE_VALUE_STRING, .as.s = { copy, size } },
	};
	recipe->values = values;
	recipe->value_count += at == count;
	return QUIRE_OK;
}

/* Adds the patterns of the options to those of the recipe. */
static quire_status add_leave(const quire_convert_options *options,
			      struct recipe *recipe, quire_error *error)
{
	const size_t count = recipe->leave_count;
	struct recipe_pattern *leave;

	if (options->leave_count == 0)
		return QUIRE_OK;
	leave = quire_arena_own(&recipe->arena, count + options->leave_count,
				sizeof(*leave));
	if (!leave)
		return quire_fail_memory(error, sizeof(*leave));
	if (count > 0)
		memcpy(leave, recipe->leave, count * sizeof(*leave));
	for (size_t i = 0; i < options->leave_count; i++) {
		struct recipe_pattern *pattern = &leave[count + i];
		const char *problem;

		pattern->text = options->leave[i];
		if (quire_pattern_parse(&pattern->pattern, pattern->text,
					strlen(pattern->text), &recipe->arena,
					&problem))
			continue;
		return problem
			   ? quire_fail(error, QUIRE_ERROR_ARGUMENT,
					QUIRE_NO_OFFSET, "leave '%.60s': %s",
					pattern->text, problem)
			   : quire_fail_memory(error, sizeof(*leave));
	}
	recipe->leave = leave;
	recipe->leave_count += options->leave_count;
	return QUIRE_OK;
}

quire_status quire_recipe_load(const quire_convert_options *options,
			       struct recipe *recipe, quire_error *error)
{
	struct recipe read;
	quire_status status = check_options(options, error);

	if (status == QUIRE_OK)
		status = read_options(options, &read, error);
	if (status != QUIRE_OK)
		return status;
	if (options->fallback != QUIRE_FALLBACK_DEFAULT)
		read.fallback = options->fallback;
	if (options->alignment > 0)
		read.alignment = options->alignment;
	if (options->split_size > 0)
		read.split_size = options->split_size;
	if (options->leave_unsupported)
		read.leave_unsupported = true;
	status = add_leave(options, &read, error);
	if (status == QUIRE_OK)
		status = set_string(&read, "general.architecture",
				    options->architecture, error);
	if (status == QUIRE_OK)
		status =
		    set_string(&read, "general.name", options->name, error);
	if (status == QUIRE_OK)
		*recipe = read;
	else
		quire_recipe_free(&read);
	return status;
}

void quire_recipe_free(struct recipe *recipe)
{
	quire_arena_free(&recipe->arena);
	*recipe = (struct recipe){ .take = NULL };
}
