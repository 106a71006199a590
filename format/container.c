/*
 * container.c - what makes a GGUF file a container, F-24 to F-34, and F-49. The
 * table of linear layers is in linears.c. The checksums of tensors are read,
 * and not checked.
 */
#include <inttypes.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "format/operation.h"
#include "format/parse.h"
#include "format/value.h"

struct container {
	const unsigned char *bytes;
	uint64_t size;
	struct quire_index *index;
	quire_error *error;
};

/* The entry of a key that must exist, with a value of that type; else NULL. */
static const struct quire_entry *need(const struct container *file,
				      const char *key, quire_value_type type,
				      const char *rule)
{
	const struct quire_index *index = file->index;
	const size_t item =
	    quire_names_find(&index->value_names, quire_string_of(key));
	const struct quire_entry *entry;

	if (item == QUIRE_NO_ITEM) {
		quire_fail(file->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			   "key '%s' is missing [%s]", key, rule);
		return NULL;
	}
	entry = &index->values[item];
	if (entry->value.type != type) {
		quire_fail(file->error, QUIRE_ERROR_LAYOUT,
			   quire_string_offset(file->bytes, entry->key),
			   "key '%s' is of type %d instead of %d [%s]", key,
			   (int)entry->value.type, (int)type, rule);
		return NULL;
	}
	return entry;
}

/* The same for an array with one element for each tensor. */
static const struct quire_entry *need_column(const struct container *file,
					     const char *key,
					     quire_value_type type,
					     const char *rule)
{
	const struct quire_entry *entry =
	    need(file, key, QUIRE_VALUE_ARRAY, rule);
	const quire_array *array;

	if (!entry)
		return NULL;
	array = &entry->value.as.a;
	if (array->type == type && array->count == file->index->tensor_count)
		return entry;
	quire_fail(file->error, QUIRE_ERROR_LAYOUT,
		   quire_string_offset(file->bytes, entry->key),
		   "key '%s' has %" PRIu64 " elements of type %d for %zu "
		   "tensors [%s]",
		   key, array->count, (int)array->type,
		   file->index->tensor_count, rule);
	return NULL;
}

static quire_status fail_at(const struct container *file,
			    const struct quire_entry *entry, const char *text)
{
	return quire_fail(file->error, QUIRE_ERROR_LAYOUT,
			  quire_string_offset(file->bytes, entry->key), "%s",
			  text);
}

/* F-24, F-25 */
static quire_status check_version(const struct container *file)
{
	const struct quire_entry *entry =
	    need(file, "quire.version", QUIRE_VALUE_U32, "F-24");

	if (!entry)
		return QUIRE_ERROR_LAYOUT;
	if (entry->value.as.u == 0)
		return fail_at(file, entry, "quire.version is 0 [F-24]");
	if (entry->value.as.u > QUIRE_FORMAT_VERSION)
		return quire_fail(
		    file->error, QUIRE_ERROR_VERSION,
		    quire_string_offset(file->bytes, entry->key),
		    "container version %" PRIu64
		    " is newer than %d, the newest that this program reads "
		    "[F-25]",
		    entry->value.as.u, QUIRE_FORMAT_VERSION);
	file->index->info.quire_version = (uint32_t)entry->value.as.u;
	return QUIRE_OK;
}

/* F-30, F-31: the header's own checksum, its 8 bytes taken as zero. */
static quire_status check_header(const struct container *file,
				 bool allow_edited)
{
	static const unsigned char zeros[8];
	const struct quire_entry *entry =
	    need(file, "quire.header.xxh3", QUIRE_VALUE_U64, "F-30");
	/* Without tensors the file may end before its data section. */
	const uint64_t data_offset = file->index->info.data_offset;
	const uint64_t header_size =
	    data_offset < file->size ? data_offset : file->size;
	struct quire_hash *hash;
	uint64_t field, actual;

	if (!entry)
		return QUIRE_ERROR_LAYOUT;
	/* After the key come the type's 4 bytes and the value. */
	field = quire_string_offset(file->bytes, entry->key) + 8 +
		entry->key.size + 4;
	file->index->header_hash_offset = field;
	hash = quire_hash_create(quire_hash_features(header_size));
	if (!hash)
		return quire_fail(file->error, QUIRE_ERROR_MEMORY,
				  QUIRE_NO_OFFSET,
				  "out of memory for a hash's state");
	quire_hash_update(hash, file->bytes, (size_t)field);
	quire_hash_update(hash, zeros, sizeof(zeros));
	quire_hash_update(hash, file->bytes + field + sizeof(zeros),
			  (size_t)(header_size - field - sizeof(zeros)));
	actual = quire_hash_digest(hash);
	quire_hash_free(hash);
	if (actual == entry->value.as.u)
		return QUIRE_OK;
	file->index->info.header_edited = true;
	if (allow_edited)
		return QUIRE_OK;
	return quire_fail(file->error, QUIRE_ERROR_CHECKSUM, field,
			  "the header does not match its checksum: edited by "
			  "another tool, or damaged [F-31]");
}

/* F-26, F-27 */
static quire_status check_identity(const struct container *file)
{
	const struct quire_index *index = file->index;
	const struct quire_entry *entry;
	uint32_t count, size;
	bool quantized = false;

	if (index->info.gguf_version != 3)
		return quire_fail(
		    file->error, QUIRE_ERROR_LAYOUT, 4,
		    "a container is GGUF version 3, and this file "
		    "is version %" PRIu32 " [F-26]",
		    index->info.gguf_version);
	entry = need(file, "general.alignment", QUIRE_VALUE_U32, "F-26");
	if (!entry)
		return QUIRE_ERROR_LAYOUT;
	if (index->info.alignment < 32)
		return fail_at(file, entry, "alignment is below 32 [F-26]");
	if (!need(file, "general.architecture", QUIRE_VALUE_STRING, "F-27"))
		return QUIRE_ERROR_LAYOUT;
	for (size_t i = 0; i < index->tensor_count && !quantized; i++) {
		quire_dtype_block(index->tensors[i].dtype, &count, &size);
		quantized = count > 1;
	}
	if (!quantized)
		return QUIRE_OK;
	entry =
	    need(file, "general.quantization_version", QUIRE_VALUE_U32, "F-27");
	if (!entry)
		return QUIRE_ERROR_LAYOUT;
	if (entry->value.as.u != 2)
		return fail_at(file, entry,
			       "general.quantization_version is not 2 [F-27]");
	return QUIRE_OK;
}

/* F-28 */
static quire_status check_padding(const struct container *file)
{
	const struct quire_index *index = file->index;
	const struct quire_entry *entry =
	    need(file, "quire.padding", QUIRE_VALUE_STRING, "F-28");
	quire_string padding;

	if (!entry)
		return QUIRE_ERROR_LAYOUT;
	padding = entry->value.as.s;
	if (entry != index->values + index->value_count - 1)
		return fail_at(file, entry,
			       "quire.padding is not the last key [F-28]");
	for (size_t i = 0; i < padding.size; i++)
		if (padding.data[i] != ' ')
			return fail_at(file, entry,
				       "quire.padding is not spaces [F-28]");
	if (padding.size >= index->info.alignment ||
	    index->infos_end != index->info.data_offset)
		return fail_at(file, entry,
			       "quire.padding does not end the tensor infos "
			       "on the alignment [F-28]");
	return QUIRE_OK;
}

/* F-29 */
static quire_status check_tail(const struct container *file)
{
	const struct quire_index *index = file->index;

	if (index->tensor_count == 0 || file->size % index->info.alignment == 0)
		return QUIRE_OK;
	return quire_fail(
	    file->error, QUIRE_ERROR_TRUNCATED, file->size,
	    "the padding of the last tensor '%.*s' is missing "
	    "[F-29]",
	    QUIRE_PRINT(index->tensors[index->tensor_count - 1].name));
}

/* F-32, F-34 */
static quire_status read_columns(const struct container *file)
{
	struct quire_index *index = file->index;
	const struct quire_entry *hashes =
	    need_column(file, "quire.tensor.xxh3", QUIRE_VALUE_U64, "F-32");
	const struct quire_entry *sources;
	quire_array hash_rest, source_rest;
	quire_value value;

	if (!hashes)
		return QUIRE_ERROR_LAYOUT;
	sources = need_column(file, "quire.tensor.source", QUIRE_VALUE_STRING,
			      "F-34");
	if (!sources)
		return QUIRE_ERROR_LAYOUT;
	hash_rest = hashes->value.as.a;
	source_rest = sources->value.as.a;
	for (size_t i = 0; i < index->tensor_count; i++) {
		if (!quire_array_next(&hash_rest, &value))
			return fail_at(file, hashes, QUIRE_CHANGED);
		index->tensors[i].xxh3 = value.as.u;
		index->tensors[i].has_xxh3 = true;
		if (!quire_array_next(&source_rest, &value))
			return fail_at(file, sources, QUIRE_CHANGED);
		index->tensors[i].source = value.as.s;
	}
	return QUIRE_OK;
}

/* A matrix while its operation is undone, from the last step to the first.
 * 0: any number. */
struct undone {
	uint64_t rows;
	uint64_t cols;
};

/* Whether a step can have given that matrix; then *undone is what it took. */
static bool undo_step(const struct quire_step *step, struct undone *undone)
{
	const uint64_t rows = undone->rows;

	switch (step->kind) {
	case QUIRE_STEP_ROWS:
		undone->rows = 0;
		return step->count > 0 && (!rows || step->count == rows);
	case QUIRE_STEP_PERMUTE:
		return step->count > 0 &&
		       (!rows || (rows % step->count == 0 &&
				  rows / step->count % 2 == 0));
	case QUIRE_STEP_TRANSPOSE:
		undone->rows = undone->cols;
		undone->cols = rows;
		return true;
	case QUIRE_STEP_JOIN:
		undone->rows = step->count;
		return step->count > 0 && step->count < rows;
	}
	return false;
}

/* The steps of an operation; more of them say nothing new. */
#define STEPS_MAX 8

/* F-49, of one tensor. */
static bool operation_fits(const quire_tensor *tensor)
{
	struct undone undone = { tensor->rank == 2 ? tensor->shape[1]
						   : tensor->shape[0],
				 tensor->rank == 2 ? tensor->shape[0] : 1 };
	struct quire_step steps[STEPS_MAX];
	quire_string rest = tensor->operation;
	uint32_t block = 1, size;
	size_t count = 0;
	bool plain;

	quire_dtype_block(tensor->dtype, &block, &size);
	plain = tensor->rank == 2 && block == 1;
	if (tensor->rank > 2)
		return false;
	for (; rest.size > 0; count++) {
		if (count == STEPS_MAX ||
		    !quire_step_next(&rest, &steps[count]))
			return false;
		if (steps[count].kind == QUIRE_STEP_TRANSPOSE && !plain)
			return false;
	}
	while (count-- > 0)
		if (!undo_step(&steps[count], &undone))
			return false;
	return true;
}

/* F-49 */
static quire_status read_operations(const struct container *file)
{
	static const char key[] = "quire.tensor.operation";
	struct quire_index *index = file->index;
	const struct quire_entry *entry;
	quire_array rest;
	quire_value value;

	if (!quire_index_value(index, key))
		return QUIRE_OK;
	entry = need_column(file, key, QUIRE_VALUE_STRING, "F-49");
	if (!entry)
		return QUIRE_ERROR_LAYOUT;
	rest = entry->value.as.a;
	for (size_t i = 0; i < index->tensor_count; i++) {
		quire_tensor *tensor = &index->tensors[i];

		quire_array_next(&rest, &value);
		tensor->operation = value.as.s;
		if (tensor->operation.size > 0 && !operation_fits(tensor))
			return quire_fail(
			    file->error, QUIRE_ERROR_LAYOUT,
			    quire_string_offset(file->bytes, entry->key),
			    "tensor '%.*s' cannot come from its source by "
			    "'%.*s' [F-49]",
			    QUIRE_PRINT(tensor->name),
			    QUIRE_PRINT(tensor->operation));
	}
	return QUIRE_OK;
}

quire_status quire_parse_container(const unsigned char *bytes, uint64_t size,
				   const struct quire_parse_options *options,
				   struct quire_index *index,
				   quire_error *error)
{
	const struct container file = { bytes, size, index, error };
	quire_status status;

	status = check_version(&file);
	if (status == QUIRE_OK)
		status = check_header(&file, options->allow_edited_header);
	/* Tools that edit metadata do not know these rules. */
	if (status == QUIRE_OK && !index->info.header_edited)
		status = check_identity(&file);
	if (status == QUIRE_OK && !index->info.header_edited)
		status = check_padding(&file);
	if (status == QUIRE_OK && !index->info.header_edited)
		status = check_tail(&file);
	if (status == QUIRE_OK)
		status = read_columns(&file);
	if (status == QUIRE_OK)
		status = read_operations(&file);
	if (status == QUIRE_OK && index->split.count <= 1)
		status = quire_parse_linears(bytes, options, index, error);
	return status;
}
