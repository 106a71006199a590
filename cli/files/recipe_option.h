/*
 * recipe_option.h - what --recipe was given: a file, or the name of a recipe
 * that comes with the command.
 */
#ifndef QUIRE_CLI_FILES_RECIPE_OPTION_H
#define QUIRE_CLI_FILES_RECIPE_OPTION_H

#include "quire_convert.h"

/* Sets the recipe in the options; `given` NULL sets none. A word without . and
 * / is a name. Prints the error and returns false if there is none such. */
bool recipe_option_set(const char *given, quire_convert_options *options);

#endif
