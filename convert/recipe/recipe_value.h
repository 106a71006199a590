/*
 * recipe_value.h - metadata of a recipe: from nodes to values, and back to
 * text.
 */
#ifndef QUIRE_CONVERT_RECIPE_RECIPE_VALUE_H
#define QUIRE_CONVERT_RECIPE_RECIPE_VALUE_H

#include "convert/recipe/recipe_yaml.h"

/* The value of a node, in the arena. Without a tag a plain scalar is what it
 * looks like. Fails with ARGUMENT and MEMORY. */
quire_status quire_recipe_read_value(const char *name,
				     const struct recipe_node *node,
				     struct arena *arena, quire_value *value,
				     quire_error *error);

/* "u32" and so on, which are the tags; NULL for an array. */
const char *quire_recipe_type_name(quire_value_type type);

#endif
