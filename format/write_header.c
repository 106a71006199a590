/*
 * write_header.c - the bytes of a file's header. Checks nothing: the parser
 * reads the header that was built, so that no rule is stated twice.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/parse.h"
#include "format/value.h"
#include "format/write.h"

struct buffer {
	unsigned char *bytes;
	size_t size, capacity;
	bool failed; /* out of memory: later calls do nothing */
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

/* An integer is its low bytes, whatever its sign. */
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

	put_string(buffer, value->key);
	put_u32(buffer, value->value.type);
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

static void put_zeros(struct buffer *buffer, size_t size)
{
	unsigned char *zeros = grow(buffer, size);

	if (zeros)
		memset(zeros, 0, size);
}

static void put_u16_value(struct buffer *buffer, const char *key, size_t value)
{
	unsigned char bytes[2];

	put_key(buffer, key, QUIRE_VALUE_U16);
	store_u16(bytes, (uint16_t)value);
	put(buffer, bytes, sizeof(bytes));
}

/* What is the same for all headers of a set, and the part. */
struct place {
	const quire_writer *writer;
	struct quire_out_part *part;
	size_t part_count;
};

/* One of the keys of F-41. */
static void put_split_key(struct buffer *buffer, const struct place *place,
			  const char *key)
{
	if (strcmp(key, "split.no") == 0) {
		put_u16_value(buffer, key, place->part->no);
	} else if (strcmp(key, "split.count") == 0) {
		put_u16_value(buffer, key, place->part_count);
	} else {
		put_key(buffer, key, QUIRE_VALUE_I32);
		put_u32(buffer, (uint32_t)place->writer->tensor_count);
	}
}

/* Whether the caller chose the place of this key among the values. */
static bool is_placed_key(const struct place *place,
			  const struct quire_out_value *value)
{
	return place->part_count > 1 && quire_out_is_split_key(value->key.data);
}

/* The values that were set, in the first part; other parts have the
 * architecture alone. In a container it comes first. */
static uint64_t put_values(struct buffer *buffer, const struct place *place)
{
	const quire_writer *writer = place->writer;
	const struct quire_out_value *architecture =
	    writer->plain ? NULL
			  : quire_out_find(writer, "general.architecture");

	if (architecture)
		put_value(buffer, architecture);
	if (place->part->no > 0)
		return architecture ? 1 : 0;
	for (size_t i = 0; i < writer->value_count; i++) {
		const struct quire_out_value *value = &writer->values[i];

		if (is_placed_key(place, value))
			put_split_key(buffer, place, value->key.data);
		else if (value != architecture)
			put_value(buffer, value);
	}
	return writer->value_count;
}

/* The values that GGUF requires, unless they were set. A plain file needs its
 * alignment only, and only if it is not GGUF's default. */
static uint64_t put_general(struct buffer *buffer, const struct place *place)
{
	const quire_writer *writer = place->writer;
	const bool plain = writer->plain;
	const bool first = place->part->no == 0;
	uint64_t count = 0;

	if (!plain && !quire_out_find(writer, "general.architecture")) {
		put_key(buffer, "general.architecture", QUIRE_VALUE_STRING);
		put_text(buffer, "unknown");
		count++;
	}
	count += put_values(buffer, place);
	if (!plain && is_quantized(writer) &&
	    !(first &&
	      quire_out_find(writer, "general.quantization_version"))) {
		put_u32_value(buffer, "general.quantization_version", 2);
		count++;
	}
	if ((first && quire_out_find(writer, "general.alignment")) ||
	    (plain && writer->alignment == QUIRE_ALIGNMENT_DEFAULT))
		return count;
	put_u32_value(buffer, "general.alignment", writer->alignment);
	return count + 1;
}

/* F-41, in the order in which the first part has these keys, and the checksums
 * of F-47, which are zero until quire_writer_seal. */
static uint64_t put_split(struct buffer *buffer, const struct place *place)
{
	static const char *const keys[] = { "split.no", "split.count",
					    "split.tensors.count" };
	const quire_writer *writer = place->writer;
	struct quire_out_part *part = place->part;
	uint64_t count = 0;

	if (place->part_count == 1)
		return 0;
	for (size_t i = 0; part->no > 0 && i < writer->value_count; i++) {
		if (!is_placed_key(place, &writer->values[i]))
			continue;
		put_split_key(buffer, place, writer->values[i].key.data);
		count++;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (quire_out_find(writer, keys[i]))
			continue;
		put_split_key(buffer, place, keys[i]);
		count++;
	}
	if (writer->plain || part->no > 0)
		return count;
	put_array(buffer, "quire.split.xxh3", QUIRE_VALUE_U64,
		  place->part_count);
	part->seals_at = buffer->size;
	put_zeros(buffer, 8 * place->part_count);
	return count + 1;
}

/* F-49: nothing where all tensors are their sources as they are. */
static uint64_t put_operations(struct buffer *buffer,
			       const quire_writer *writer,
			       const struct quire_out_tensor *tensors,
			       size_t count)
{
	if (!writer->has_operations)
		return 0;
	put_array(buffer, "quire.tensor.operation", QUIRE_VALUE_STRING, count);
	for (size_t i = 0; i < count; i++)
		put_string(buffer, tensors[i].view.operation);
	return 1;
}

/* The checksums, zero until quire_writer_seal, the sources and the
 * operations. */
static uint64_t put_tensor_columns(struct buffer *buffer,
				   const quire_writer *writer,
				   struct quire_out_part *part)
{
	const struct quire_out_tensor *tensors =
	    quire_out_tensors_of(writer, part);

	put_u32_value(buffer, "quire.version", QUIRE_FORMAT_VERSION);
	put_key(buffer, "quire.header.xxh3", QUIRE_VALUE_U64);
	part->header_hash_at = buffer->size;
	put_u64(buffer, 0);
	put_array(buffer, "quire.tensor.xxh3", QUIRE_VALUE_U64,
		  part->tensor_count);
	part->tensor_hash_at = buffer->size;
	put_zeros(buffer, 8 * part->tensor_count);
	put_array(buffer, "quire.tensor.source", QUIRE_VALUE_STRING,
		  part->tensor_count);
	for (size_t i = 0; i < part->tensor_count; i++)
		put_string(buffer, tensors[i].view.source);
	return 4 + put_operations(buffer, writer, tensors, part->tensor_count);
}

static uint64_t put_linears(struct buffer *buffer, const quire_writer *writer)
{
	const struct quire_out_linear *linears = writer->linears;
	const size_t count = writer->linear_count;

	/* Some tools fail on empty arrays, so there is no table then. */
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

size_t quire_out_info_size(const struct quire_out_tensor *tensor)
{
	/* Name, rank, dims, dtype, offset. */
	return 8 + strlen(tensor->name) + 4 + 8 * (size_t)tensor->view.rank +
	       4 + 8;
}

static size_t padding_size(const quire_writer *writer, size_t end)
{
	const size_t alignment = writer->alignment;

	return (alignment - end % alignment) % alignment;
}

/* F-28: as many spaces as make the infos end on the alignment. */
static uint64_t put_padding(struct buffer *buffer, const quire_writer *writer,
			    struct quire_out_part *part)
{
	unsigned char *spaces;
	size_t size = 0;

	put_key(buffer, "quire.padding", QUIRE_VALUE_STRING);
	for (size_t i = 0; i < part->tensor_count; i++)
		size += quire_out_info_size(
		    &writer->tensors[part->first_tensor + i]);
	part->bare_size = buffer->size + 8 + size;
	size = padding_size(writer, part->bare_size);
	put_u64(buffer, size);
	spaces = grow(buffer, size);
	if (spaces)
		memset(spaces, ' ', size);
	return 1;
}

static void put_infos(struct buffer *buffer, const quire_writer *writer,
		      const struct quire_out_part *part)
{
	for (size_t i = 0; i < part->tensor_count; i++) {
		const struct quire_out_tensor *tensor =
		    &writer->tensors[part->first_tensor + i];

		put_text(buffer, tensor->name);
		put_u32(buffer, tensor->view.rank);
		for (uint32_t d = 0; d < tensor->view.rank; d++)
			put_u64(buffer, tensor->view.shape[d]);
		put_u32(buffer, tensor->view.dtype);
		put_u64(buffer, tensor->view.offset);
	}
}

quire_status quire_out_build(const quire_writer *writer, size_t part_count,
			     struct quire_out_part *part, quire_error *error)
{
	const struct place place = { writer, part, part_count };
	struct buffer buffer = { 0 };
	uint64_t value_count;

	put(&buffer, "GGUF", 4);
	put_u32(&buffer, 3);
	put_u64(&buffer, part->tensor_count);
	put_u64(&buffer, 0);
	value_count = put_general(&buffer, &place);
	value_count += put_split(&buffer, &place);
	if (!writer->plain) {
		value_count += put_tensor_columns(&buffer, writer, part);
		if (part->no == 0)
			value_count += put_linears(&buffer, writer);
		value_count += put_padding(&buffer, writer, part);
	}
	put_infos(&buffer, writer, part);
	if (writer->plain)
		part->bare_size = buffer.size;
	/* F-20. After the spaces of F-28 this adds nothing. */
	put_zeros(&buffer, padding_size(writer, buffer.size));
	if (buffer.failed) {
		free(buffer.bytes);
		return quire_fail_memory(error, buffer.size);
	}
	store_u64(buffer.bytes + 16, value_count);
	part->header = buffer.bytes;
	part->header_size = buffer.size;
	return QUIRE_OK;
}
