/*
 * write_header.c - the bytes of a container's header. It checks nothing
 * itself: the parser reads what was built, so that no rule is stated twice.
 */
#include <stdlib.h>

#include "format/bytes.h"
#include "format/error.h"
#include "format/parse.h"
#include "format/value.h"
#include "format/write.h"

struct buffer {
	unsigned char *bytes;
	size_t size, capacity;
	bool failed; /* out of memory; what follows is ignored */
};

/* `size` bytes more, for the caller to fill. */
static unsigned char *grow(struct buffer *buffer, size_t size)
{
	unsigned char *bytes;

	if (buffer->failed)
		return NULL;
	if (size > buffer->capacity - buffer->size) {
		const size_t capacity = 2 * buffer->capacity + size;

		bytes =
		    capacity >= size ? realloc(buffer->bytes, capacity) : NULL;
		if (!bytes) {
			buffer->failed = true;
			return NULL;
		}
		buffer->bytes = bytes;
		buffer->capacity = capacity;
	}
	buffer->size += size;
	return buffer->bytes + buffer->size - size;
}

static void put(struct buffer *buffer, const void *data, size_t size)
{
	unsigned char *bytes = grow(buffer, size);

	if (bytes && size > 0)
		memcpy(bytes, data, size);
}

static void put_u32(struct buffer *buffer, uint32_t value)
{
	unsigned char bytes[4];

	store_u32(bytes, value);
	put(buffer, bytes, sizeof(bytes));
}

static void put_u64(struct buffer *buffer, uint64_t value)
{
	unsigned char bytes[8];

	store_u64(bytes, value);
	put(buffer, bytes, sizeof(bytes));
}

static void put_string(struct buffer *buffer, quire_string string)
{
	put_u64(buffer, string.size);
	put(buffer, string.data, string.size);
}

static void put_text(struct buffer *buffer, const char *text)
{
	put_string(buffer, quire_string_of(text));
}

static void put_key(struct buffer *buffer, const char *key,
		    quire_value_type type)
{
	put_text(buffer, key);
	put_u32(buffer, type);
}

static void put_array(struct buffer *buffer, const char *key,
		      quire_value_type type, uint64_t count)
{
	put_key(buffer, key, QUIRE_VALUE_ARRAY);
	put_u32(buffer, type);
	put_u64(buffer, count);
}

static void put_u32_value(struct buffer *buffer, const char *key,
			  uint32_t value)
{
	put_key(buffer, key, QUIRE_VALUE_U32);
	put_u32(buffer, value);
}

/* A value of fixed size is its low bytes, whatever its sign. */
static void put_scalar(struct buffer *buffer, const quire_value *value)
{
	unsigned char bytes[8];
	float narrow;
	uint64_t bits;

	switch (value->type) {
	case QUIRE_VALUE_F32:
		narrow = (float)value->as.f;
		store_f32(bytes, narrow);
		break;
	case QUIRE_VALUE_F64:
		memcpy(&bits, &value->as.f, sizeof(bits));
		store_u64(bytes, bits);
		break;
	case QUIRE_VALUE_BOOL:
		bytes[0] = value->as.b;
		break;
	default:
		store_u64(bytes, value->as.u);
		break;
	}
	put(buffer, bytes, quire_value_size(value->type));
}

static void put_value(struct buffer *buffer,
		      const struct quire_out_value *value)
{
	const quire_array *array = &value->value.as.a;

	put_key(buffer, value->key, value->value.type);
	if (value->value.type == QUIRE_VALUE_STRING) {
		put_string(buffer, value->value.as.s);
	} else if (value->value.type == QUIRE_VALUE_ARRAY) {
		put_u32(buffer, array->type);
		put_u64(buffer, array->count);
		put(buffer, array->data, array->size);
	} else {
		put_scalar(buffer, &value->value);
	}
}

static bool is_quantized(const quire_writer *writer)
{
	uint32_t count, size;

	for (size_t i = 0; i < writer->tensor_count; i++)
		if (quire_dtype_block(writer->tensors[i].view.dtype, &count,
				      &size) &&
		    count > 1)
			return true;
	return false;
}

/* The values that were set. A container begins with its architecture. */
static uint64_t put_values(struct buffer *buffer, const quire_writer *writer)
{
	const struct quire_out_value *architecture =
	    writer->plain ? NULL
			  : quire_out_find(writer, "general.architecture");

	if (architecture)
		put_value(buffer, architecture);
	for (size_t i = 0; i < writer->value_count; i++)
		if (&writer->values[i] != architecture)
			put_value(buffer, &writer->values[i]);
	return writer->value_count;
}

/* What GGUF wants, and may not have been set. Of a plain file only its
 * alignment has to be told, if it is not GGUF's own. */
static uint64_t put_general(struct buffer *buffer, const quire_writer *writer)
{
	const bool plain = writer->plain;
	uint64_t count = 0;

	if (!plain && !quire_out_find(writer, "general.architecture")) {
		put_key(buffer, "general.architecture", QUIRE_VALUE_STRING);
		put_text(buffer, "unknown");
		count++;
	}
	count += put_values(buffer, writer);
	if (!plain && is_quantized(writer) &&
	    !quire_out_find(writer, "general.quantization_version")) {
		put_u32_value(buffer, "general.quantization_version", 2);
		count++;
	}
	if (quire_out_find(writer, "general.alignment") ||
	    (plain && writer->alignment == QUIRE_ALIGNMENT_DEFAULT))
		return count;
	put_u32_value(buffer, "general.alignment", writer->alignment);
	return count + 1;
}

/* The checksums, zero until quire_writer_seal, and the sources. */
static uint64_t put_tensor_columns(struct buffer *buffer, quire_writer *writer)
{
	put_u32_value(buffer, "quire.version", QUIRE_FORMAT_VERSION);
	put_key(buffer, "quire.header.xxh3", QUIRE_VALUE_U64);
	writer->header_hash_at = buffer->size;
	put_u64(buffer, 0);
	put_array(buffer, "quire.tensor.xxh3", QUIRE_VALUE_U64,
		  writer->tensor_count);
	writer->tensor_hash_at = buffer->size;
	for (size_t i = 0; i < writer->tensor_count; i++)
		put_u64(buffer, 0);
	put_array(buffer, "quire.tensor.source", QUIRE_VALUE_STRING,
		  writer->tensor_count);
	for (size_t i = 0; i < writer->tensor_count; i++)
		put_string(buffer, writer->tensors[i].view.source);
	return 4;
}

static uint64_t put_linears(struct buffer *buffer, const quire_writer *writer)
{
	const struct quire_out_linear *linears = writer->linears;
	const size_t count = writer->linear_count;

	/* Generic tools fail on empty arrays, which no table spares them. */
	if (count == 0)
		return 0;
	put_array(buffer, "quire.linear.name", QUIRE_VALUE_STRING, count);
	for (size_t i = 0; i < count; i++)
		put_text(buffer, linears[i].name);
	put_array(buffer, "quire.linear.weight", QUIRE_VALUE_U32, count);
	for (size_t i = 0; i < count; i++)
		put_u32(buffer, (uint32_t)linears[i].entry.weight);
	/* QUIRE_NO_TENSOR, all ones, becomes -1. */
	put_array(buffer, "quire.linear.bias", QUIRE_VALUE_I32, count);
	for (size_t i = 0; i < count; i++)
		put_u32(buffer, (uint32_t)linears[i].entry.bias);
	put_array(buffer, "quire.linear.k", QUIRE_VALUE_U64, count);
	for (size_t i = 0; i < count; i++)
		put_u64(buffer, linears[i].entry.k);
	put_array(buffer, "quire.linear.accuracy_level", QUIRE_VALUE_U8, count);
	for (size_t i = 0; i < count; i++) {
		const unsigned char level =
		    (unsigned char)linears[i].entry.accuracy_level;

		put(buffer, &level, 1);
	}
	return 5;
}

static size_t infos_size(const quire_writer *writer)
{
	size_t size = 0;

	/* Name, rank, dims, dtype, offset. */
	for (size_t i = 0; i < writer->tensor_count; i++)
		size += 8 + strlen(writer->tensors[i].name) + 4 +
			8 * (size_t)writer->tensors[i].view.rank + 4 + 8;
	return size;
}

static size_t padding_size(const quire_writer *writer, size_t end)
{
	const size_t alignment = writer->alignment;

	return (alignment - end % alignment) % alignment;
}

/* F-20. After the spaces of F-28 there are none. */
static void put_zeros(struct buffer *buffer, size_t size)
{
	unsigned char *zeros = grow(buffer, size);

	if (zeros)
		memset(zeros, 0, size);
}

/* F-28: as many spaces as make the infos end on the alignment. */
static uint64_t put_padding(struct buffer *buffer, const quire_writer *writer)
{
	unsigned char *spaces;
	size_t size;

	put_key(buffer, "quire.padding", QUIRE_VALUE_STRING);
	size = padding_size(writer, buffer->size + 8 + infos_size(writer));
	put_u64(buffer, size);
	spaces = grow(buffer, size);
	if (spaces)
		memset(spaces, ' ', size);
	return 1;
}

static void put_infos(struct buffer *buffer, const quire_writer *writer)
{
	for (size_t i = 0; i < writer->tensor_count; i++) {
		const struct quire_out_tensor *tensor = &writer->tensors[i];

		put_text(buffer, tensor->name);
		put_u32(buffer, tensor->view.rank);
		for (uint32_t d = 0; d < tensor->view.rank; d++)
			put_u64(buffer, tensor->view.shape[d]);
		put_u32(buffer, tensor->view.dtype);
		put_u64(buffer, tensor->view.offset);
	}
}

static quire_status build(quire_writer *writer, struct buffer *buffer,
			  quire_error *error)
{
	uint64_t value_count;

	put(buffer, "GGUF", 4);
	put_u32(buffer, 3);
	put_u64(buffer, writer->tensor_count);
	put_u64(buffer, 0);
	value_count = put_general(buffer, writer);
	if (!writer->plain) {
		value_count += put_tensor_columns(buffer, writer);
		value_count += put_linears(buffer, writer);
		value_count += put_padding(buffer, writer);
	}
	put_infos(buffer, writer);
	put_zeros(buffer, padding_size(writer, buffer->size));
	if (buffer->failed)
		return quire_fail_memory(error, buffer->size);
	store_u64(buffer->bytes + 16, value_count);
	return QUIRE_OK;
}

/* Offsets within the data section, each tensor padded. */
static quire_status place_tensors(quire_writer *writer, uint64_t *end,
				  quire_error *error)
{
	*end = 0;
	for (size_t i = 0; i < writer->tensor_count; i++) {
		quire_tensor *view = &writer->tensors[i].view;

		view->offset = *end;
		if (!checked_add(*end, view->size, end) ||
		    !checked_pad(*end, writer->alignment, end) ||
		    *end > INT64_MAX / 2)
			return quire_fail(error, QUIRE_ERROR_ARGUMENT,
					  QUIRE_NO_OFFSET,
					  "tensor '%s': the sum of sizes "
					  "overflows",
					  writer->tensors[i].name);
	}
	return QUIRE_OK;
}

/* Reads the header back. Only its own bytes are looked at. */
static quire_status check(const quire_writer *writer, quire_error *error)
{
	/* What keeps the keys of a hostile file from colliding in
	 * write_values.c does here, too. */
	const struct quire_parse_options strict = {
		.seed = (uint64_t)(uintptr_t)writer,
	};
	struct quire_index index;
	const quire_status status = quire_parse(
	    writer->header, writer->file_size, &strict, &index, error);

	if (status == QUIRE_OK) {
		quire_index_free(&index);
		return QUIRE_OK;
	}
	if (error && status != QUIRE_ERROR_MEMORY) {
		error->status = QUIRE_ERROR_ARGUMENT;
		error->offset = QUIRE_NO_OFFSET;
	}
	return status == QUIRE_ERROR_MEMORY ? status : QUIRE_ERROR_ARGUMENT;
}

quire_status quire_writer_lay_out(quire_writer *writer, quire_error *error)
{
	struct buffer buffer = { 0 };
	uint64_t data_size;
	quire_status status = place_tensors(writer, &data_size, error);

	if (status == QUIRE_OK)
		status = build(writer, &buffer, error);
	if (status != QUIRE_OK) {
		free(buffer.bytes);
		return status;
	}
	writer->header = buffer.bytes;
	writer->header_size = buffer.size;
	writer->file_size = buffer.size + data_size;
	quire_writer_seal(writer);
	status = check(writer, error);
	if (status == QUIRE_OK)
		status = quire_output_resize(&writer->output, writer->file_size,
					     error);
	if (status != QUIRE_OK) {
		free(writer->header);
		writer->header = NULL;
	}
	return status;
}

void quire_writer_seal(quire_writer *writer)
{
	unsigned char *field = writer->header + writer->header_hash_at;

	if (writer->plain)
		return;
	for (size_t i = 0; i < writer->tensor_count; i++)
		store_u64(writer->header + writer->tensor_hash_at + 8 * i,
			  writer->tensors[i].view.xxh3);
	store_u64(field, 0);
	store_u64(field, XXH3_64bits(writer->header, writer->header_size));
}
