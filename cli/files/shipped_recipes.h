/*
 * shipped_recipes.h - the recipes that come with the command, as text in it.
 * cli/CMakeLists.txt makes them from the files in recipes/.
 */
#ifndef QUIRE_CLI_FILES_SHIPPED_RECIPES_H
#define QUIRE_CLI_FILES_SHIPPED_RECIPES_H

#include <stddef.h>

struct shipped_recipe {
	const char *name;
	const char *text;
	size_t size;
};

extern const struct shipped_recipe shipped_recipes[];
extern const size_t shipped_recipe_count;

#endif
