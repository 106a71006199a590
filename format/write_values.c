/*
 * write_values.c - the metadata of a writer: copies of the values, found by key
 * through a hashed index, so that setting many keys takes linear time. The
 * parser checks the keys when the layout is fixed.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/entropy.h"
#include "base/error.h"
#include "base/grow.h"
#include "format/value.h"
#include "format/write.h"

/* Keys that the writer derives from other declarations. */
static bool is_derived(const char *key)
{
	static const char *const derived[] = {
		"quire.version",	  "quire.header.xxh3",
		"quire.tensor.xxh3",	  "quire.tensor.source",
		"quire.linear.name",	  "quire.linear.weight",
		"quire.linear.bias",	  "quire.linear.k",
		"quire.padding",	  "quire.linear.accuracy_level",
		"quire.tensor.operation",
	};

	for (size_t i = 0; i < sizeof(derived) / sizeof(derived[0]); i++)
		if (strcmp(key, derived[i]) == 0)
			return true;
	return false;
}

/* Keys that say a part's place in its set. */
bool quire_out_is_split_key(const char *key)
{
	static const char *const keys[] = { "split.no", "split.count",
					    "split.tensors.count" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

/* Those, and F-47's. A caller who chooses the parts may choose the place of
 * the first three. */
static bool is_of_set(const quire_writer *writer, const char *key)
{
	if (strcmp(key, "quire.split.xxh3") == 0)
		return writer->split_size > 0 || writer->parts_wanted > 1;
	return writer->split_size > 0 && quire_out_is_split_key(key);
}

static quire_status check_key(const quire_writer *writer, const char *key,
			      const quire_value *value, quire_error *error)
{
	if (writer->plain && strncmp(key, "quire.", 6) == 0)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "key '%s' would make a container of a plain "
				  "file",
				  key);
	if (is_derived(key) || is_of_set(writer, key))
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "key '%s' is set by the writer itself", key);
	if (strcmp(key, "general.alignment") == 0 &&
	    (value->type != QUIRE_VALUE_U32 ||
	     value->as.u != writer->alignment))
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "general.alignment must be the writer's own "
				  "alignment, a u32 of %u",
				  writer->alignment);
	return QUIRE_OK;
}

/* Whether an array's bytes are exactly its elements. */
static bool is_whole(const quire_array *array)
{
	const unsigned char *bytes = array->data;
	const size_t element_size = quire_value_size(array->type);
	size_t at = 0;
	uint64_t size;

	if (array->type != QUIRE_VALUE_STRING)
		return element_size > 0 &&
		       checked_mul(array->count, element_size, &size) &&
		       size == array->size;
	for (uint64_t i = 0; i < array->count; i++) {
		if (array->size - at < 8)
			return false;
		size = load_u64(bytes + at);
		at += 8;
		if (size > array->size - at)
			return false;
		at += (size_t)size;
	}
	return at == array->size;
}

/* A deep copy. *storage has its bytes, or is NULL where there are none. */
static quire_status copy_value(const char *key, const quire_value *value,
			       quire_value *copy, void **storage,
			       quire_error *error)
{
	const bool is_array = value->type == QUIRE_VALUE_ARRAY;
	const bool is_string = value->type == QUIRE_VALUE_STRING;

	if (!is_array && !is_string && quire_value_size(value->type) == 0)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "key '%s': value type %d is unknown", key,
				  (int)value->type);
	if (is_array && !is_whole(&value->as.a))
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "key '%s': the array's size is not that of "
				  "its elements",
				  key);
	*copy = *value;
	*storage = NULL;
	if (is_string) {
		*storage = quire_out_copy(value->as.s.data, value->as.s.size);
		copy->as.s.data = *storage;
	} else if (is_array) {
		*storage = quire_out_copy(value->as.a.data, value->as.a.size);
		copy->as.a.data = *storage;
	}
	if ((is_string || is_array) && !*storage)
		return quire_fail_memory(error, 1);
	return QUIRE_OK;
}

/* Room for one more value. */
static bool grow(quire_writer *writer)
{
	struct quire_out_value *grown =
	    quire_grow(writer->values, &writer->value_capacity,
		       writer->value_count, sizeof(*grown));

	if (!grown)
		return false;
	writer->values = grown;
	writer->keys.items = grown;
	writer->keys.item_size = sizeof(*grown);
	if (writer->keys.capacity == 0)
		writer->keys.seed = quire_entropy_seed(writer);
	return quire_item_index_reserve(&writer->keys, writer->value_capacity,
					NULL) == QUIRE_OK;
}

static struct quire_out_value *find(const quire_writer *writer, const char *key)
{
	const size_t item =
	    quire_item_index_find(&writer->keys, quire_string_of(key), 0);

	return item == QUIRE_NO_ITEM ? NULL : &writer->values[item];
}

static struct quire_out_value *find_or_add(quire_writer *writer,
					   const char *key)
{
	struct quire_out_value *value = find(writer, key);

	if (value)
		return value;
	if (!grow(writer))
		return NULL;
	value = &writer->values[writer->value_count];
	*value = (struct quire_out_value){
		.key = { quire_out_copy(key, strlen(key)), strlen(key) },
	};
	if (!value->key.data)
		return NULL;
	quire_item_index_add(&writer->keys);
	writer->value_count++;
	return value;
}

const struct quire_out_value *quire_out_find(const quire_writer *writer,
					     const char *key)
{
	return find(writer, key);
}

quire_status quire_writer_set_value(quire_writer *writer, const char *key,
				    const quire_value *value,
				    quire_error *error)
{
	struct quire_out_value *slot;
	quire_value copy;
	void *storage;
	quire_status status;

	if (writer->part_count > 0)
		return quire_out_fail_late(error);
	status = check_key(writer, key, value, error);
	if (status == QUIRE_OK)
		status = copy_value(key, value, &copy, &storage, error);
	if (status != QUIRE_OK)
		return status;
	slot = find_or_add(writer, key);
	if (!slot) {
		free(storage);
		return quire_fail_memory(error, sizeof(*slot));
	}
	free(slot->storage);
	slot->value = copy;
	slot->storage = storage;
	return QUIRE_OK;
}

quire_status quire_writer_set_string(quire_writer *writer, const char *key,
				     const char *value, quire_error *error)
{
	const quire_value string = { .type = QUIRE_VALUE_STRING,
				     .as.s = quire_string_of(value) };

	return quire_writer_set_value(writer, key, &string, error);
}

quire_status quire_writer_set_u32(quire_writer *writer, const char *key,
				  uint32_t value, quire_error *error)
{
	const quire_value number = { .type = QUIRE_VALUE_U32, .as.u = value };

	return quire_writer_set_value(writer, key, &number, error);
}

quire_status quire_writer_set_u64(quire_writer *writer, const char *key,
				  uint64_t value, quire_error *error)
{
	const quire_value number = { .type = QUIRE_VALUE_U64, .as.u = value };

	return quire_writer_set_value(writer, key, &number, error);
}
