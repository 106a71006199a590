/*
 * recipe_yaml.h - a YAML 1.1 file as a tree of nodes, each with its place in
 * the file. Anchors, aliases and merge keys, which let a small file say a lot,
 * are refused; so are a key that is there twice, more than one document, and
 * lists within lists within lists.
 */
#ifndef QUIRE_CONVERT_RECIPE_RECIPE_YAML_H
#define QUIRE_CONVERT_RECIPE_RECIPE_YAML_H

#include "base/arena.h"
#include "base/error.h"

/* Of the file, and of all that is in it: a vocabulary of 200 000 words fits,
 * and 50 MB hold the nodes. */
#define QUIRE_RECIPE_MAX_SIZE  ((uint64_t)4 << 20)
#define QUIRE_RECIPE_MAX_NODES 250000

enum recipe_kind {
	RECIPE_SCALAR,
	RECIPE_LIST,
	RECIPE_MAP,
};

struct recipe_node {
	enum recipe_kind kind;
	size_t line; /* from 1 */
	size_t column;
	const char *tag;  /* what stands after a lone !; NULL: nothing */
	const char *text; /* of a scalar: UTF-8, without NUL, and one after */
	size_t size;
	bool quoted; /* or a block of text: never anything but text */
	/* Of a list its items; of a map key, value, key, value ... */
	struct recipe_node *first;
	struct recipe_node *next;
};

/*
 * Reads `size` bytes. `name` is what messages call the file. *root, in `arena`,
 * is NULL for a file of nothing but comments. Fails with ARGUMENT and MEMORY.
 */
quire_status quire_recipe_read_yaml(const char *name, const void *text,
				    size_t size, struct arena *arena,
				    struct recipe_node **root,
				    quire_error *error);

/* ARGUMENT, and a message that begins "NAME:LINE:COLUMN: ". */
quire_status quire_recipe_fail(const char *name, const struct recipe_node *node,
			       quire_error *error, const char *format, ...)
    QUIRE_PRINTF(4, 5);

#endif
