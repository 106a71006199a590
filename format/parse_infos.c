/*
 * parse_infos.c - the tensor infos, F-12 to F-19: names, shapes, offsets.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/utf8.h"
#include "format/cursor.h"
#include "format/value.h"

/* F-18: sizes stay below 2^63, because GGUF's own readers use signed ones. */
#define SIZE_LIMIT ((uint64_t)INT64_MAX)

/* F-12 */
static quire_status parse_name(struct quire_cursor *in, quire_string *name)
{
	const uint64_t offset = in->offset;
	const quire_status status = quire_cursor_string(in, name);

	if (status != QUIRE_OK)
		return status;
	if (name->size == 0 || name->size > QUIRE_NAME_MAX_SIZE)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, offset,
				  "a tensor name of %zu bytes; 1 to %d are "
				  "allowed [F-12]",
				  name->size, QUIRE_NAME_MAX_SIZE);
	if (memchr(name->data, 0, name->size) ||
	    !quire_utf8_valid(name->data, name->size))
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, offset,
				  "a tensor name is not UTF-8 without NUL "
				  "[F-12]");
	return QUIRE_OK;
}

/* F-14, F-15 */
static quire_status parse_shape(struct quire_cursor *in, quire_tensor *tensor)
{
	const uint64_t offset = in->offset;
	quire_status status = quire_cursor_u32(in, &tensor->rank);

	if (status != QUIRE_OK)
		return status;
	if (tensor->rank < 1 || tensor->rank > 4)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, offset,
				  "tensor '%.*s': rank %" PRIu32
				  " is not 1 to 4 [F-14]",
				  QUIRE_PRINT(tensor->name), tensor->rank);
	for (uint32_t i = 0; i < 4; i++)
		tensor->shape[i] = 1;
	for (uint32_t i = 0; i < tensor->rank; i++) {
		status = quire_cursor_u64(in, &tensor->shape[i]);
		if (status != QUIRE_OK)
			return status;
		if (tensor->shape[i] == 0)
			return quire_fail(
			    in->error, QUIRE_ERROR_LAYOUT, in->offset - 8,
			    "tensor '%.*s': dimension %" PRIu32 " is 0 [F-15]",
			    QUIRE_PRINT(tensor->name), i);
	}
	return QUIRE_OK;
}

/* F-17, F-18: the tensor's size in bytes. */
static quire_status find_size(const struct quire_cursor *in,
			      uint64_t shape_offset, quire_tensor *tensor)
{
	uint32_t block_count, block_size;
	uint64_t count = 1, size;
	bool fits = true;

	quire_dtype_block(tensor->dtype, &block_count, &block_size);
	if (tensor->shape[0] % block_count != 0)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, shape_offset,
				  "tensor '%.*s': rows of %" PRIu64
				  " are not whole blocks of %" PRIu32 " [F-17]",
				  QUIRE_PRINT(tensor->name), tensor->shape[0],
				  block_count);
	for (uint32_t i = 0; i < 4; i++)
		fits = fits && checked_mul(count, tensor->shape[i], &count) &&
		       count <= SIZE_LIMIT;
	fits = fits && checked_mul(count / block_count, block_size, &size) &&
	       size <= SIZE_LIMIT;
	if (!fits)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, in->item,
				  "tensor '%.*s': its dimensions overflow "
				  "[F-18]",
				  QUIRE_PRINT(tensor->name));
	tensor->size = size;
	return QUIRE_OK;
}

/* F-16, F-18, F-19. *end is the padded end of the previous tensor, in the data
 * section, and becomes that of this one. */
static quire_status parse_info(struct quire_cursor *in, uint32_t alignment,
			       uint64_t *end, quire_tensor *tensor)
{
	uint64_t shape_offset, field, offset;
	uint32_t dtype = 0;
	quire_status status;

	in->item = in->offset;
	status = parse_name(in, &tensor->name);
	shape_offset = in->offset + 4;
	if (status == QUIRE_OK)
		status = parse_shape(in, tensor);
	if (status == QUIRE_OK)
		status = quire_cursor_u32(in, &dtype);
	if (status != QUIRE_OK)
		return status;
	tensor->dtype = (quire_dtype)dtype;
	if (dtype > INT32_MAX || !quire_dtype_name(tensor->dtype))
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, in->offset - 4,
				  "tensor '%.*s': type %" PRIu32
				  " is unknown [F-16]",
				  QUIRE_PRINT(tensor->name), dtype);
	status = find_size(in, shape_offset, tensor);
	if (status != QUIRE_OK)
		return status;
	field = in->offset;
	status = quire_cursor_u64(in, &offset);
	if (status != QUIRE_OK)
		return status;
	if (offset != *end)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, field,
				  "tensor '%.*s': offset %" PRIu64
				  " instead of %" PRIu64 " [F-19]",
				  QUIRE_PRINT(tensor->name), offset, *end);
	tensor->offset = offset;
	if (!checked_add(offset, tensor->size, end) ||
	    !checked_pad(*end, alignment, end) || *end > SIZE_LIMIT)
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT, in->item,
				  "tensor '%.*s': the sum of sizes overflows "
				  "[F-18]",
				  QUIRE_PRINT(tensor->name));
	return QUIRE_OK;
}

/* F-13 */
static quire_status index_tensors(const struct quire_cursor *in,
				  const struct quire_parse_options *options,
				  struct quire_index *index)
{
	size_t second;
	const quire_status status = quire_names_build(
	    &index->tensor_names, index->tensors, sizeof(*index->tensors),
	    index->tensor_count, options->seed, &second, in->error);

	if (status != QUIRE_OK || second == QUIRE_NO_ITEM)
		return status;
	return quire_fail(
	    in->error, QUIRE_ERROR_LAYOUT,
	    quire_string_offset(in->bytes, index->tensors[second].name),
	    "tensor '%.*s' occurs twice [F-13]",
	    QUIRE_PRINT(index->tensors[second].name));
}

quire_status quire_parse_infos(struct quire_cursor *in,
			       const struct quire_parse_options *options,
			       struct quire_index *index, uint64_t count,
			       uint64_t *end)
{
	quire_status status = QUIRE_OK;

	if (count > 0) {
		index->tensors = calloc((size_t)count, sizeof(*index->tensors));
		if (!index->tensors)
			return quire_fail_memory(
			    in->error, count * sizeof(*index->tensors));
	}
	index->tensor_count = (size_t)count;
	*end = 0;
	for (size_t i = 0; i < count && status == QUIRE_OK; i++)
		status = parse_info(in, index->info.alignment, end,
				    &index->tensors[i]);
	if (status != QUIRE_OK)
		return status;
	return index_tensors(in, options, index);
}
