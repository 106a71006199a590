/*
 * index.h - a parsed header: values, tensors, linears, and a hashed index over
 * the names of each. All strings and data point into the parsed bytes.
 */
#ifndef QUIRE_FORMAT_INDEX_H
#define QUIRE_FORMAT_INDEX_H

#include "base/table.h"
#include "quire.h"

/* Indexes `count` items, each of which begins with its name, a quire_string. If
 * two have the same name, writes the later one's number to *duplicate, else
 * QUIRE_NO_ITEM. Fails with MEMORY only. A secret `seed` keeps a hostile file
 * from choosing names that collide. */
quire_status quire_names_build(struct item_index *names, const void *items,
			       size_t item_size, size_t count, uint64_t seed,
			       size_t *duplicate, quire_error *error);

/* The number of the item of that name, or QUIRE_NO_ITEM. */
size_t quire_names_find(const struct item_index *names, quire_string name);

struct quire_entry {
	quire_string key;
	quire_value value;
};

/* What a file says about the split set that it is a part of. */
struct quire_split {
	uint32_t no;
	uint32_t count; /* 0: it is not a part */
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
	struct item_index value_names;
	struct item_index tensor_names;
	struct item_index linear_names;
};

void quire_index_free(struct quire_index *index);

/* The value of a key, or NULL. */
const quire_value *quire_index_value(const struct quire_index *index,
				     const char *key);

#endif
