/*
 * recipe_option.h - the value of --recipe: a file, or the name of a recipe that
 * comes with the command.
 */
#ifndef QUIRE_CLI_FILES_RECIPE_OPTION_H
#define QUIRE_CLI_FILES_RECIPE_OPTION_H

#include "quire_convert.h"

/* Sets the recipe in the options; if `given` is NULL, none. A word without .
 * and / is a name. If there is no recipe of that name, prints the error and
 * returns false. */
bool recipe_option_set(const char *given, quire_convert_options *options);

#endif
