/*
 * edit_keys.h - the types of the keys that GGUF standardizes.
 */
#ifndef QUIRE_CLI_REWRITE_EDIT_KEYS_H
#define QUIRE_CLI_REWRITE_EDIT_KEYS_H

#include "cli/rewrite/edit_value.h"

/* The type of a standard key; false: the key is none. `text` is the value:
 * some keys may have a number or a list of numbers, one for each layer. */
bool edit_key_type(const char *key, const char *text, struct edit_type *type);

#endif
