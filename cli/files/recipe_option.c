/*
 * recipe_option.c - finds the recipes in the command. The library opens files.
 */
#include <string.h>

#include "base/nearest.h"
#include "cli/files/recipe_option.h"
#include "cli/files/shipped_recipes.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

static bool unknown(const char *name)
{
	struct nearest near = quire_nearest_to(name);

	for (size_t i = 0; i < shipped_recipe_count; i++)
		quire_nearest_offer(&near, text_of(shipped_recipes[i].name));
	if (near.found)
		trouble("convert: no recipe '%s', did you mean '%s'? For a "
			"file, write './%s'",
			name, near.name.data, name);
	else
		trouble("convert: no recipe '%s'; for a file, write './%s'",
			name, name);
	return false;
}

bool recipe_option_set(const char *given, quire_convert_options *options)
{
	if (given && strpbrk(given, "./")) {
		options->recipe_path = given;
		return true;
	}
	for (size_t i = 0; given && i < shipped_recipe_count; i++) {
		const struct shipped_recipe *recipe = &shipped_recipes[i];

		if (strcmp(recipe->name, given) != 0)
			continue;
		options->recipe = recipe->text;
		options->recipe_size = recipe->size;
		options->recipe_name = recipe->name;
		return true;
	}
	return !given || unknown(given);
}
