/*
 * parse_values.c - the metadata, F-6 to F-10: keys, values, arrays.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/cursor.h"
#include "format/value.h"

/* F-6 */
static quire_status parse_key(struct quire_cursor *in, quire_string *key)
{
	const uint64_t offset = in->offset;
	const quire_status status = quire_cursor_string(in, key);

	if (status != QUIRE_OK)
		return status;
	if (key->size == 0 || key->size > QUIRE_KEY_MAX_SIZE)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, offset,
				  "a key of %zu bytes; 1 to %d are allowed "
				  "[F-6]",
				  key->size, QUIRE_KEY_MAX_SIZE);
	for (size_t i = 0; i < key->size; i++)
		if (key->data[i] < '!' || key->data[i] > '~')
			return quire_fail(in->error, QUIRE_ERROR_LAYOUT, offset,
					  "key '%.*s' is not printable ASCII "
					  "[F-6]",
					  QUIRE_PRINT(*key));
	return QUIRE_OK;
}

/* F-9 */
static quire_status check_bools(struct quire_cursor *in,
				const unsigned char *bytes, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		if (bytes[i] > 1)
			return quire_fail(
			    in->error, QUIRE_ERROR_LAYOUT,
			    (uint64_t)(bytes - in->bytes) + i,
			    "a bool of %d is neither 0 nor 1 [F-9]", bytes[i]);
	return QUIRE_OK;
}

/* F-8 */
static quire_status take_type(struct quire_cursor *in, quire_value_type *type)
{
	const uint64_t offset = in->offset;
	uint32_t number = 0;
	const quire_status status = quire_cursor_u32(in, &number);

	if (status != QUIRE_OK)
		return status;
	if (number > QUIRE_VALUE_F64)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, offset,
				  "value type %" PRIu32 " is unknown [F-8]",
				  number);
	*type = (quire_value_type)number;
	return QUIRE_OK;
}

/* F-10: the elements of an array whose count field begins at `field`. */
static quire_status take_elements(struct quire_cursor *in, quire_array *array,
				  uint64_t field)
{
	const size_t element_size = quire_value_size(array->type);
	const uint64_t start = in->offset;
	const unsigned char *bytes = in->bytes + start;
	quire_status status = QUIRE_OK;
	quire_string string;
	uint64_t size;

	if (array->type == QUIRE_VALUE_STRING) {
		for (uint64_t i = 0; i < array->count && status == QUIRE_OK;
		     i++)
			status = quire_cursor_string(in, &string);
	} else {
		if (!checked_mul(array->count, element_size, &size))
			size = UINT64_MAX;
		status = quire_cursor_take(in, field, size, &bytes);
	}
	if (status == QUIRE_OK && array->type == QUIRE_VALUE_BOOL)
		status = check_bools(in, bytes, array->count);
	array->data = bytes;
	array->size = (size_t)(in->offset - start);
	return status;
}

static quire_status parse_array(struct quire_cursor *in, quire_array *array)
{
	const uint64_t type_offset = in->offset;
	quire_status status = take_type(in, &array->type);
	const uint64_t count_offset = in->offset;

	if (status != QUIRE_OK)
		return status;
	if (array->type == QUIRE_VALUE_ARRAY)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, type_offset,
				  "an array of arrays [F-10]");
	status = quire_cursor_u64(in, &array->count);
	if (status != QUIRE_OK)
		return status;
	return take_elements(in, array, count_offset);
}

static quire_status parse_value(struct quire_cursor *in,
				struct quire_entry *entry)
{
	quire_value *value = &entry->value;
	const unsigned char *bytes;
	quire_status status;
	size_t size;

	in->item = in->offset;
	status = parse_key(in, &entry->key);
	if (status == QUIRE_OK)
		status = take_type(in, &value->type);
	if (status != QUIRE_OK)
		return status;
	if (value->type == QUIRE_VALUE_STRING)
		return quire_cursor_string(in, &value->as.s);
	if (value->type == QUIRE_VALUE_ARRAY)
		return parse_array(in, &value->as.a);
	size = quire_value_size(value->type);
	status = quire_cursor_take(in, in->offset, size, &bytes);
	if (status == QUIRE_OK && value->type == QUIRE_VALUE_BOOL)
		status = check_bools(in, bytes, 1);
	if (status == QUIRE_OK)
		*value = quire_value_load(value->type, bytes);
	return status;
}

/* F-7 */
static quire_status index_values(const struct quire_cursor *in,
				 const struct quire_parse_options *options,
				 struct quire_index *index)
{
	size_t second;
	const quire_status status = quire_names_build(
	    &index->value_names, index->values, sizeof(*index->values),
	    index->value_count, options->seed, &second, in->error);

	if (status != QUIRE_OK || second == QUIRE_NO_ITEM)
		return status;
	return quire_fail(
	    in->error, QUIRE_ERROR_LAYOUT,
	    quire_string_offset(in->bytes, index->values[second].key),
	    "key '%.*s' occurs twice [F-7]",
	    QUIRE_PRINT(index->values[second].key));
}

quire_status quire_parse_values(struct quire_cursor *in,
				const struct quire_parse_options *options,
				struct quire_index *index, uint64_t count)
{
	quire_status status = QUIRE_OK;

	if (count > 0) {
		index->values = calloc((size_t)count, sizeof(*index->values));
		if (!index->values)
			return quire_fail_memory(
			    in->error, count * sizeof(*index->values));
	}
	index->value_count = (size_t)count;
	for (size_t i = 0; i < count && status == QUIRE_OK; i++)
		status = parse_value(in, &index->values[i]);
	if (status != QUIRE_OK)
		return status;
	return index_values(in, options, index);
}
