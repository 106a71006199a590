/*
 * index.c - the hashed index of names. Knows nothing of the file's layout.
 */
#include "format/index.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/error.h"
#include "format/value.h"

static quire_string name_of(const struct quire_names *names, size_t item)
{
	const char *items = names->items;

	return *(const quire_string *)(const void *)(items +
						     item * names->item_size);
}

/* The slot that holds `name`, or the free one where it belongs. */
static size_t probe(const struct quire_names *names, quire_string name)
{
	size_t slot =
	    (size_t)XXH3_64bits_withSeed(name.data, name.size, names->seed) &
	    names->mask;

	while (
	    names->slots[slot] != 0 &&
	    !quire_string_equal(name, name_of(names, names->slots[slot] - 1)))
		slot = (slot + 1) & names->mask;
	return slot;
}

quire_status quire_names_build(struct quire_names *names, const void *items,
			       size_t item_size, size_t count, uint64_t seed,
			       size_t *duplicate, quire_error *error)
{
	size_t slots = 2;

	*duplicate = QUIRE_NO_ITEM;
	while (slots < 2 * count)
		slots *= 2;
	names->items = items;
	names->item_size = item_size;
	names->seed = seed;
	names->mask = slots - 1;
	names->slots = calloc(slots, sizeof(*names->slots));
	if (!names->slots)
		return quire_fail_memory(error, slots * sizeof(*names->slots));
	for (size_t item = 0; item < count; item++) {
		const size_t slot = probe(names, name_of(names, item));

		if (names->slots[slot] != 0) {
			*duplicate = item;
			return QUIRE_OK;
		}
		names->slots[slot] = (uint32_t)item + 1;
	}
	return QUIRE_OK;
}

void quire_names_free(struct quire_names *names)
{
	free(names->slots);
}

size_t quire_names_find(const struct quire_names *names, quire_string name)
{
	size_t slot;

	if (!names->slots)
		return QUIRE_NO_ITEM;
	slot = probe(names, name);
	return names->slots[slot] == 0 ? QUIRE_NO_ITEM
				       : names->slots[slot] - (size_t)1;
}

void quire_index_free(struct quire_index *index)
{
	quire_names_free(&index->value_names);
	quire_names_free(&index->tensor_names);
	quire_names_free(&index->linear_names);
	free(index->values);
	free(index->tensors);
	free(index->linears);
}

const quire_value *quire_index_value(const struct quire_index *index,
				     const char *key)
{
	const size_t item =
	    quire_names_find(&index->value_names, quire_string_of(key));

	return item == QUIRE_NO_ITEM ? NULL : &index->values[item].value;
}
