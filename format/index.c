/*
 * index.c - the index of names. Knows nothing of the file's layout.
 */
#include "format/index.h"

#include <stdlib.h>

#include "format/value.h"

quire_status quire_names_build(struct item_index *names, const void *items,
			       size_t item_size, size_t count, uint64_t seed,
			       size_t *duplicate, quire_error *error)
{
	quire_status status;

	*names = (struct item_index){ .items = items,
				      .item_size = item_size,
				      .seed = seed };
	*duplicate = QUIRE_NO_ITEM;
	status = quire_item_index_reserve(names, count, error);
	for (size_t item = 0; item < count && status == QUIRE_OK; item++)
		if (quire_item_index_add(names) != item) {
			*duplicate = item;
			break;
		}
	return status;
}

size_t quire_names_find(const struct item_index *names, quire_string name)
{
	return quire_item_index_find(names, name, 0);
}

void quire_index_free(struct quire_index *index)
{
	quire_item_index_free(&index->value_names);
	quire_item_index_free(&index->tensor_names);
	quire_item_index_free(&index->linear_names);
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
