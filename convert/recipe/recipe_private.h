/*
 * recipe_private.h - what the files of recipe/ share: the keys, YAML nodes,
 * and the names of types.
 */
#ifndef QUIRE_CONVERT_RECIPE_RECIPE_PRIVATE_H
#define QUIRE_CONVERT_RECIPE_RECIPE_PRIVATE_H

#include "convert/recipe/recipe.h"

/*
 * The keys of a recipe, in the order in which they are written. To add one:
 * its name here, a member of struct recipe, read_<name> in recipe_read.c and
 * write_<name> in recipe_write.c.
 */
/* clang-format off */
#define RECIPE_KEYS(X) \
	X(take) \
	X(leave) \
	X(unsupported) \
	X(rename) \
	X(dense) \
	X(fallback) \
	X(metadata) \
	X(alignment) \
	X(split_size)
/* clang-format on */

/* Bytes of a UTF-8 character by its first byte, at most `left`. */
static inline size_t recipe_character_size(const char *text, size_t left)
{
	const unsigned char first = (unsigned char)*text;
	const size_t size = first < 0x80   ? 1
			    : first < 0xe0 ? 2
			    : first < 0xf0 ? 3
					   : 4;

	return size < left ? size : left;
}

/* Limits of a recipe. A vocabulary of 200,000 words fits, and its nodes take
 * 50 MB. */
#define QUIRE_RECIPE_MAX_SIZE  ((uint64_t)4 << 20)
#define QUIRE_RECIPE_MAX_NODES 250000

/* ----------------------------------------------------------- recipe_yaml.c */

enum recipe_kind {
	RECIPE_SCALAR,
	RECIPE_LIST,
	RECIPE_MAP,
};

struct recipe_node {
	enum recipe_kind kind;
	size_t line; /* from 1 */
	size_t column;
	const char *tag;  /* the text after a lone !; NULL: none */
	const char *text; /* of a scalar: UTF-8 without NUL, then a NUL */
	size_t size;
	bool quoted; /* or a block of text: the scalar is always text */
	/* A list's items; a map's key, value, key, value ... */
	struct recipe_node *first;
	struct recipe_node *next;
};

/*
 * Reads `size` bytes of YAML 1.1 into a tree of nodes; `name` is the file of
 * errors. *root, in `arena`, is NULL for a file of comments only. Refuses
 * anchors, aliases and merge keys, because with them a small file can stand
 * for a large one; also a key that is given twice, a second document, and
 * lists nested too deeply. Fails with ARGUMENT and MEMORY.
 */
quire_status quire_recipe_read_yaml(const char *name, const void *text,
				    size_t size, struct arena *arena,
				    struct recipe_node **root,
				    quire_error *error);

quire_status quire_recipe_fail_memory(quire_error *error);

/* Fails with ARGUMENT and a message that begins with the node's place: "line 3,
 * column 1: ". */
quire_status quire_recipe_fail(const char *name, const struct recipe_node *node,
			       quire_error *error, const char *format, ...)
    QUIRE_PRINTF(4, 5);

/* ---------------------------------------------------------- recipe_value.c */

/* Reads a metadata value from a node, into the arena. Fails with ARGUMENT and
 * MEMORY. */
quire_status quire_recipe_read_value(const char *name,
				     const struct recipe_node *node,
				     struct arena *arena, quire_value *value,
				     quire_error *error);

/* The tag of a type: "u32" and so on; NULL for an array. */
const char *quire_recipe_type_name(quire_value_type type);

/* ---------------------------------------------------------------- recipe.c */

/* "keep", "f32" and so on; NULL past the last. */
const char *quire_recipe_dense_name(enum recipe_dense dense);
/* "f32", "f16", "error"; NULL for any other number. */
const char *quire_recipe_fallback_name(quire_fallback fallback);

#endif
