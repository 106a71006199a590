/*
 * parse.c - the frame of a GGUF file and the place of its data, F-1 to F-4,
 * F-11 and F-20 to F-22, with the other stages between. Reads no tensor data.
 */
#include "format/parse.h"

#include <inttypes.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/cursor.h"
#include "format/value.h"

#define MAGIC	   "GGUF"
#define FRAME_SIZE 24 /* magic, version and the two counts */

/* The least sizes of F-4: string size 8 + one byte + type 4 + payload 1;
 * string size 8 + one byte + rank 4 + one dim 8 + dtype 4 + offset 8. */
#define VALUE_MIN_SIZE 14
#define INFO_MIN_SIZE  33

/* F-1, F-2, F-4 */
static quire_status parse_frame(struct quire_cursor *in,
				struct quire_index *index,
				uint64_t *tensor_count, uint64_t *value_count)
{
	const unsigned char *magic;
	uint32_t version = 0;
	uint64_t rest;
	quire_status status = quire_cursor_take(in, 0, 4, &magic);

	if (status != QUIRE_OK)
		return status;
	if (memcmp(magic, MAGIC, 4) != 0)
		return quire_fail(in->error, QUIRE_ERROR_MAGIC, 0,
				  "not a GGUF file [F-1]");
	status = quire_cursor_u32(in, &version);
	if (status == QUIRE_OK)
		status = quire_cursor_u64(in, tensor_count);
	if (status == QUIRE_OK)
		status = quire_cursor_u64(in, value_count);
	if (status != QUIRE_OK)
		return status;
	if (version != 0 && (version & 0xFFFF) == 0)
		return quire_fail(in->error, QUIRE_ERROR_VERSION, 4,
				  "the file is big-endian; convert it to "
				  "little-endian [F-2]");
	if (version != 2 && version != 3)
		return quire_fail(in->error, QUIRE_ERROR_VERSION, 4,
				  "GGUF version %" PRIu32
				  " is neither 2 nor 3 [F-2]",
				  version);
	rest = (in->size < QUIRE_HEADER_MAX_SIZE ? in->size
						 : QUIRE_HEADER_MAX_SIZE) -
	       FRAME_SIZE;
	if (*tensor_count > rest / INFO_MIN_SIZE)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, 8,
				  "%" PRIu64
				  " tensors do not fit in the file [F-4]",
				  *tensor_count);
	if (*value_count > rest / VALUE_MIN_SIZE)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, 16,
				  "%" PRIu64
				  " metadata values do not fit in the file "
				  "[F-4]",
				  *value_count);
	index->info.gguf_version = version;
	index->info.file_size = in->size;
	return QUIRE_OK;
}

/* F-11 */
static quire_status find_alignment(const struct quire_cursor *in,
				   struct quire_index *index)
{
	const size_t item = quire_names_find(
	    &index->value_names, quire_string_of("general.alignment"));
	const struct quire_entry *entry;
	uint64_t alignment;

	index->info.alignment = QUIRE_ALIGNMENT_DEFAULT;
	if (item == QUIRE_NO_ITEM)
		return QUIRE_OK;
	entry = &index->values[item];
	alignment = entry->value.as.u;
	if (entry->value.type != QUIRE_VALUE_U32 ||
	    alignment < QUIRE_ALIGNMENT_MIN ||
	    alignment > QUIRE_ALIGNMENT_MAX ||
	    (alignment & (alignment - 1)) != 0)
		return quire_fail(
		    in->error, QUIRE_ERROR_LAYOUT,
		    quire_string_offset(in->bytes, entry->key),
		    "general.alignment is not a u32 that is a power of two "
		    "from %d to %d [F-11]",
		    QUIRE_ALIGNMENT_MIN, QUIRE_ALIGNMENT_MAX);
	index->info.alignment = (uint32_t)alignment;
	return QUIRE_OK;
}

/* F-20. `data` is where the data section begins. */
static quire_status check_padding(const struct quire_cursor *in, uint64_t data)
{
	const uint64_t end = data < in->size ? data : in->size;

	if (end > in->ready) /* see quire_cursor_take */
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, in->offset,
				  "the header does not end where it seems to");
	for (uint64_t i = in->offset; i < end; i++)
		if (in->bytes[i] != 0)
			return quire_fail(in->error, QUIRE_ERROR_LAYOUT, i,
					  "header padding is not zero [F-20]");
	return QUIRE_OK;
}

/* F-20 to F-22. `end` is the padded end of the data section. */
static quire_status place_data(const struct quire_cursor *in,
			       const unsigned char *file,
			       struct quire_index *index, uint64_t end)
{
	const uint64_t data = (in->offset + index->info.alignment - 1) &
			      ~(uint64_t)(index->info.alignment - 1);
	const quire_tensor *last =
	    index->tensor_count ? &index->tensors[index->tensor_count - 1]
				: NULL;
	const uint64_t unpadded = last ? last->offset + last->size : 0;
	const quire_status status = check_padding(in, data);

	if (status != QUIRE_OK)
		return status;
	if (last && (in->size < data || in->size - data < unpadded))
		return quire_fail(in->error, QUIRE_ERROR_TRUNCATED, in->size,
				  "the file is cut short: %" PRIu64
				  " bytes instead of %" PRIu64 " [F-21]",
				  in->size, data + unpadded);
	if (in->size > data && in->size - data > end)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, data + end,
				  "%" PRIu64
				  " bytes follow the last tensor [F-22]",
				  in->size - data - end);
	index->infos_end = in->offset;
	index->info.data_offset = data;
	for (size_t i = 0; i < index->tensor_count; i++) {
		index->tensors[i].offset += data;
		index->tensors[i].data = file + index->tensors[i].offset;
	}
	return QUIRE_OK;
}

static bool is_container(const struct quire_index *index)
{
	for (size_t i = 0; i < index->value_count; i++)
		if (quire_string_starts(index->values[i].key, "quire."))
			return true;
	return false;
}

quire_status quire_parse(const struct quire_input *input,
			 const struct quire_parse_options *options,
			 struct quire_index *index, quire_error *error)
{
	struct quire_cursor in = { .bytes = input->header,
				   .ready = input->header_size,
				   .size = input->size,
				   .error = error };
	struct quire_index parsed = { 0 };
	uint64_t tensor_count = 0, value_count = 0, end = 0;
	quire_status status;

	status = parse_frame(&in, &parsed, &tensor_count, &value_count);
	if (status == QUIRE_OK)
		status = quire_parse_values(&in, options, &parsed, value_count);
	if (status == QUIRE_OK)
		status = find_alignment(&in, &parsed);
	if (status == QUIRE_OK)
		status =
		    quire_parse_place(input->header, options, &parsed, error);
	if (status == QUIRE_OK)
		status = quire_parse_infos(&in, options, &parsed, tensor_count,
					   &end);
	if (status == QUIRE_OK)
		status = place_data(&in, input->file, &parsed, end);
	if (status == QUIRE_OK)
		status =
		    quire_parse_split(input->header, options, &parsed, error);
	if (status == QUIRE_OK && is_container(&parsed))
		status = quire_parse_container(input->header, input->size,
					       options, &parsed, error);
	if (status == QUIRE_OK)
		*index = parsed;
	else
		quire_index_free(&parsed);
	return status;
}
