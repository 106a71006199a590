/*
 * write.c - quire_writer: takes declarations, then tensors' bytes, then puts
 * the file in place. What the header looks like is in write_header.c.
 */
#include "format/write.h"

#include <stdlib.h>

#include "format/bytes.h"
#include "format/error.h"
#include "format/parse.h"
#include "format/value.h"

#define DEFAULT_ALIGNMENT 16384 /* the largest page of today's platforms */

static char *copy_text(const char *text, size_t size)
{
	char *copy = malloc(size + 1);

	if (copy) {
		if (size > 0)
			memcpy(copy, text, size);
		copy[size] = '\0';
	}
	return copy;
}

/* Room for one more item; NULL if there is no memory. */
static void *grow(void *items, size_t count, size_t *capacity, size_t item_size)
{
	const size_t more = *capacity ? 2 * *capacity : 16;
	void *grown;

	if (count < *capacity)
		return items;
	grown = more <= SIZE_MAX / item_size ? realloc(items, more * item_size)
					     : NULL;
	if (grown)
		*capacity = more;
	return grown;
}

static quire_status fail_late(quire_error *error)
{
	return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			  "the layout is fixed: declare before writing");
}

quire_status quire_writer_create(const char *path,
				 const quire_writer_options *options,
				 quire_writer **writer, quire_error *error)
{
	static const quire_writer_options defaults;
	quire_writer *created;
	quire_status status;
	uint32_t alignment;

	if (!options)
		options = &defaults;
	alignment = options->alignment ? options->alignment : DEFAULT_ALIGNMENT;
	if (alignment < 32 || alignment > 65536 ||
	    (alignment & (alignment - 1)) != 0)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "alignment %u is not a power of two from 32 "
				  "to 65536",
				  alignment);
	created = calloc(1, sizeof(*created));
	if (!created)
		return quire_fail_memory(error, sizeof(*created));
	created->alignment = alignment;
	status = quire_output_open(&created->output, path, options->overwrite,
				   error);
	if (status != QUIRE_OK) {
		free(created);
		return status;
	}
	*writer = created;
	return QUIRE_OK;
}

static bool is_derived(const char *key)
{
	if (strcmp(key, "general.alignment") == 0)
		return true;
	return strncmp(key, "quire.", 6) == 0 &&
	       strncmp(key, "quire.source.", 13) != 0 &&
	       strcmp(key, "quire.converter") != 0;
}

/* Whether an array's bytes hold just its elements. */
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

/* A deep copy: *storage holds the bytes, or NULL where there are none. */
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
		*storage = copy_text(value->as.s.data, value->as.s.size);
		copy->as.s.data = *storage;
	} else if (is_array) {
		*storage = copy_text(value->as.a.data, value->as.a.size);
		copy->as.a.data = *storage;
	}
	if ((is_string || is_array) && !*storage)
		return quire_fail_memory(error, 1);
	return QUIRE_OK;
}

static struct quire_out_value *find_or_add(quire_writer *writer,
					   const char *key)
{
	struct quire_out_value *grown;

	for (size_t i = 0; i < writer->value_count; i++)
		if (strcmp(writer->values[i].key, key) == 0)
			return &writer->values[i];
	grown = grow(writer->values, writer->value_count,
		     &writer->value_capacity, sizeof(*grown));
	if (!grown)
		return NULL;
	writer->values = grown;
	grown += writer->value_count;
	memset(grown, 0, sizeof(*grown));
	grown->key = copy_text(key, strlen(key));
	if (!grown->key)
		return NULL;
	writer->value_count++;
	return grown;
}

quire_status quire_writer_set_value(quire_writer *writer, const char *key,
				    const quire_value *value,
				    quire_error *error)
{
	struct quire_out_value *slot;
	quire_value copy;
	void *storage;
	quire_status status;

	if (writer->header)
		return fail_late(error);
	if (is_derived(key))
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "key '%s' is set by the writer itself", key);
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

/* The size of a tensor's bytes; the parser checks the rest of its rules. */
static bool find_size(const quire_tensor *tensor, uint64_t *size)
{
	uint32_t block_count, block_size;

	if (tensor->rank < 1 || tensor->rank > 4 ||
	    !quire_dtype_block(tensor->dtype, &block_count, &block_size) ||
	    tensor->shape[0] % block_count != 0)
		return false;
	*size = block_size;
	if (!checked_mul(*size, tensor->shape[0] / block_count, size))
		return false;
	for (uint32_t i = 1; i < tensor->rank; i++)
		if (!checked_mul(*size, tensor->shape[i], size))
			return false;
	return *size > 0;
}

quire_status quire_writer_add_tensor(quire_writer *writer,
				     const quire_tensor *tensor,
				     quire_error *error)
{
	struct quire_out_tensor added = { .view = *tensor };
	struct quire_out_tensor *grown;

	if (writer->header)
		return fail_late(error);
	if (!find_size(tensor, &added.view.size))
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "tensor '%.*s': its type and shape make no "
				  "whole, non-empty blocks",
				  QUIRE_PRINT(tensor->name));
	if (tensor->name.size > QUIRE_NAME_MAX_SIZE ||
	    memchr(tensor->name.data, 0, tensor->name.size))
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "tensor '%.*s': a name of more than %d "
				  "bytes, or with a NUL [F-12]",
				  QUIRE_PRINT(tensor->name),
				  QUIRE_NAME_MAX_SIZE);
	added.view.xxh3 = 0;
	grown = grow(writer->tensors, writer->tensor_count,
		     &writer->tensor_capacity, sizeof(*grown));
	if (!grown)
		return quire_fail_memory(error, sizeof(*grown));
	writer->tensors = grown;
	added.name = copy_text(tensor->name.data, tensor->name.size);
	added.source = copy_text(tensor->source.data, tensor->source.size);
	if (!added.name || !added.source) {
		free(added.name);
		free(added.source);
		return quire_fail_memory(error, tensor->name.size);
	}
	grown[writer->tensor_count++] = added;
	return QUIRE_OK;
}

quire_status quire_writer_add_linear(quire_writer *writer,
				     const quire_linear_entry *linear,
				     quire_error *error)
{
	struct quire_out_linear added = { .entry = *linear };
	struct quire_out_linear *grown;

	if (writer->header)
		return fail_late(error);
	if (linear->weight >= writer->tensor_count ||
	    (linear->bias != QUIRE_NO_TENSOR &&
	     linear->bias >= writer->tensor_count) ||
	    linear->accuracy_level > 4)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "linear '%s': a tensor that was not "
				  "declared, or an accuracy level over 4",
				  linear->name);
	grown = grow(writer->linears, writer->linear_count,
		     &writer->linear_capacity, sizeof(*grown));
	if (!grown)
		return quire_fail_memory(error, sizeof(*grown));
	writer->linears = grown;
	added.name = copy_text(linear->name, strlen(linear->name));
	if (!added.name)
		return quire_fail_memory(error, strlen(linear->name));
	grown[writer->linear_count++] = added;
	return QUIRE_OK;
}

static quire_status start_hash(struct quire_out_tensor *tensor,
			       quire_error *error)
{
	tensor->hash = XXH3_createState();
	if (!tensor->hash)
		return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				  "out of memory for a hash's state");
	XXH3_64bits_reset(tensor->hash);
	return QUIRE_OK;
}

static void end_hash(struct quire_out_tensor *tensor)
{
	tensor->view.xxh3 = XXH3_64bits_digest(tensor->hash);
	XXH3_freeState(tensor->hash);
	tensor->hash = NULL;
}

quire_status quire_writer_write(quire_writer *writer, size_t index,
				const void *data, size_t size,
				quire_error *error)
{
	struct quire_out_tensor *tensor;
	quire_status status = QUIRE_OK;

	if (!writer->header)
		status = quire_writer_lay_out(writer, error);
	if (status != QUIRE_OK || size == 0)
		return status;
	if (index >= writer->tensor_count ||
	    size > writer->tensors[index].view.size -
		       writer->tensors[index].written)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "%zu bytes too many for tensor %zu", size,
				  index);
	tensor = &writer->tensors[index];
	if (tensor->written == 0)
		status = start_hash(tensor, error);
	if (status == QUIRE_OK)
		status = quire_output_write(
		    &writer->output,
		    writer->header_size + tensor->view.offset + tensor->written,
		    data, size, error);
	if (status != QUIRE_OK)
		return status;
	XXH3_64bits_update(tensor->hash, data, size);
	tensor->written += size;
	if (tensor->written == tensor->view.size)
		end_hash(tensor);
	return QUIRE_OK;
}

quire_status quire_writer_finish(quire_writer *writer, quire_error *error)
{
	quire_status status = quire_writer_write(writer, 0, NULL, 0, error);

	if (status != QUIRE_OK)
		return status;
	for (size_t i = 0; i < writer->tensor_count; i++)
		if (writer->tensors[i].written < writer->tensors[i].view.size)
			return quire_fail(error, QUIRE_ERROR_ARGUMENT,
					  QUIRE_NO_OFFSET,
					  "tensor '%s' has not all its bytes",
					  writer->tensors[i].name);
	quire_writer_seal(writer);
	status = quire_output_write(&writer->output, 0, writer->header,
				    writer->header_size, error);
	if (status != QUIRE_OK)
		return status;
	return quire_output_commit(&writer->output, error);
}

void quire_writer_free(quire_writer *writer)
{
	if (!writer)
		return;
	for (size_t i = 0; i < writer->value_count; i++) {
		free(writer->values[i].key);
		free(writer->values[i].storage);
	}
	for (size_t i = 0; i < writer->tensor_count; i++) {
		free(writer->tensors[i].name);
		free(writer->tensors[i].source);
		XXH3_freeState(writer->tensors[i].hash);
	}
	for (size_t i = 0; i < writer->linear_count; i++)
		free(writer->linears[i].name);
	free(writer->values);
	free(writer->tensors);
	free(writer->linears);
	free(writer->header);
	quire_output_discard(&writer->output);
	free(writer);
}
