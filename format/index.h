/*
 * index.h - what a parsed header becomes: values, tensors, linears, and a
 * hashed index over the names of each. All strings and data point into the
 * parsed bytes.
 */
#ifndef QUIRE_FORMAT_INDEX_H
#define QUIRE_FORMAT_INDEX_H

#include "quire.h"

/* Items in an array, found by the quire_string that each begins with. */
struct quire_names {
	const void *items;
	size_t item_size;
	uint32_t *slots; /* item number + 1, or 0; open addressing */
	size_t mask;	 /* slots - 1, a power of two less one */
	uint64_t seed;
};

#define QUIRE_NO_ITEM SIZE_MAX

/* Indexes `count` items. If two have the same name, writes the later one's
 * number to *duplicate, else QUIRE_NO_ITEM. Fails with MEMORY only. A secret
 * `seed` keeps a hostile file from choosing names that collide. */
quire_status quire_names_build(struct quire_names *names, const void *items,
			       size_t item_size, size_t count, uint64_t seed,
			       size_t *duplicate, quire_error *error);
void quire_names_free(struct quire_names *names);

/* The number of the item of that name, or QUIRE_NO_ITEM. */
size_t quire_names_find(const struct quire_names *names, quire_string name);

struct quire_entry {
	quire_string key;
	quire_value value;
};

/* What a file says of the split set that it is a part of. */
struct quire_split {
	uint32_t no;
	uint32_t count; /* 0: of none */
	uint64_t tensor_count;
};

struct quire_index {
	quire_model_info info;
	struct quire_split split;
	uint64_t infos_end;	     /* where the tensor infos end */
	uint64_t header_hash_offset; /* of F-31's 8 bytes, in a container */
	struct quire_entry *values;
	size_t value_count;
	quire_tensor *tensors;
	size_t tensor_count;
	quire_linear *linears;
	size_t linear_count;
	struct quire_names value_names;
	struct quire_names tensor_names;
	struct quire_names linear_names;
};

void quire_index_free(struct quire_index *index);

/* The value of a key, or NULL. */
const quire_value *quire_index_value(const struct quire_index *index,
				     const char *key);

#endif
