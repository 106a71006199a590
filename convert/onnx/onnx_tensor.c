/*
 * onnx_tensor.c - compares what a tensor's message says with the bytes that it
 * has. Allocates nothing by a size that a message states.
 */
#include <assert.h>
#include <fp16.h>
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "convert/onnx/onnx_private.h"

/* The field whose numbers hold a type where there is no raw_data. */
enum field {
	FIELD_NONE,
	FIELD_F32,
	FIELD_I32,
	FIELD_I64,
	FIELD_U64,
	FIELD_F64
};

static const struct type_row {
	const char *name;
	uint32_t bits;
	enum field field;
	uint32_t elements; /* of the field, for one of this type */
} type_rows[] = {
	/* by number, from onnx.proto's TensorProto.DataType */
	[1] = { "FLOAT", 32, FIELD_F32, 1 },
	[2] = { "UINT8", 8, FIELD_I32, 1 },
	[3] = { "INT8", 8, FIELD_I32, 1 },
	[4] = { "UINT16", 16, FIELD_I32, 1 },
	[5] = { "INT16", 16, FIELD_I32, 1 },
	[6] = { "INT32", 32, FIELD_I32, 1 },
	[7] = { "INT64", 64, FIELD_I64, 1 },
	[8] = { "STRING", 0, FIELD_NONE, 0 },
	[9] = { "BOOL", 8, FIELD_I32, 1 },
	[10] = { "FLOAT16", 16, FIELD_I32, 1 },
	[11] = { "DOUBLE", 64, FIELD_F64, 1 },
	[12] = { "UINT32", 32, FIELD_U64, 1 },
	[13] = { "UINT64", 64, FIELD_U64, 1 },
	[14] = { "COMPLEX64", 64, FIELD_F32, 2 },
	[15] = { "COMPLEX128", 128, FIELD_F64, 2 },
	[16] = { "BFLOAT16", 16, FIELD_I32, 1 },
	[17] = { "FLOAT8E4M3FN", 8, FIELD_I32, 1 },
	[18] = { "FLOAT8E4M3FNUZ", 8, FIELD_I32, 1 },
	[19] = { "FLOAT8E5M2", 8, FIELD_I32, 1 },
	[20] = { "FLOAT8E5M2FNUZ", 8, FIELD_I32, 1 },
	[21] = { "UINT4", 4, FIELD_I32, 1 },
	[22] = { "INT4", 4, FIELD_I32, 1 },
	[23] = { "FLOAT4E2M1", 4, FIELD_I32, 1 },
	[24] = { "FLOAT8E8M0", 8, FIELD_I32, 1 },
	[25] = { "UINT2", 2, FIELD_I32, 1 },
	[26] = { "INT2", 2, FIELD_I32, 1 },
};

static const struct type_row *type_row(int32_t type)
{
	const size_t count = sizeof(type_rows) / sizeof(type_rows[0]);

	if (type < 1 || (size_t)type >= count)
		return NULL;
	return &type_rows[type];
}

const char *quire_onnx_type_name(int32_t type)
{
	const struct type_row *row = type_row(type);

	return row ? row->name : "of an unknown type";
}

bool quire_onnx_is_float(int32_t type)
{
	return type == ONNX_FLOAT || type == ONNX_FLOAT16 ||
	       type == ONNX_BFLOAT16;
}

uint32_t quire_onnx_type_bits(int32_t type)
{
	const struct type_row *row = type_row(type);

	return row ? row->bits : 0;
}

static quire_status measure(const struct onnx_fields *fields,
			    struct onnx_value *value, quire_error *error)
{
	const uint32_t bits = quire_onnx_type_bits(fields->type);
	uint64_t count = 1;
	uint64_t all_bits = 0;
	bool fits = true;

	for (size_t i = 0; i < fields->rank; i++) {
		if (fields->dims[i] < 0)
			return quire_fail(error, QUIRE_ERROR_LAYOUT,
					  QUIRE_NO_OFFSET,
					  "tensor '%s': dimension %zu is "
					  "%" PRId64,
					  value->name, i, fields->dims[i]);
		if (!checked_mul(count, (uint64_t)fields->dims[i], &count))
			fits = false;
	}
	if (!fits || !checked_mul(count, bits, &all_bits) ||
	    !checked_add(all_bits, 7, &all_bits))
		return quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
				  "tensor '%s': dims overflow", value->name);
	value->type = fields->type;
	value->has_shape = true;
	value->rank = fields->rank;
	value->dims = fields->dims;
	value->count = count;
	value->size = all_bits / 8;
	return QUIRE_OK;
}

/* Digits only: no sign, no blanks, no overflow. */
static bool parse_decimal(const char *text, uint64_t *number)
{
	uint64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' ||
		    !checked_mul(value, 10, &value) ||
		    !checked_add(value, (uint64_t)(*text - '0'), &value))
			return false;
	}
	*number = value;
	return true;
}

static quire_status parse_range(const struct onnx_fields *fields,
				const struct onnx_value *value,
				uint64_t *offset, uint64_t *length,
				quire_error *error)
{
	const char *bad = NULL;

	*offset = 0;
	*length = value->size;
	if (fields->offset && !parse_decimal(fields->offset, offset))
		bad = fields->offset;
	if (fields->length && !parse_decimal(fields->length, length))
		bad = fields->length;
	if (!bad)
		return QUIRE_OK;
	return quire_fail(
	    error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
	    "tensor '%s': external offset or length '%s' is not a "
	    "decimal number",
	    value->name, bad);
}

static quire_status find_external(struct onnx_files *files,
				  const struct onnx_fields *fields,
				  struct onnx_value *value, quire_error *error)
{
	uint64_t offset;
	uint64_t length;
	uint64_t end;
	quire_status status;

	if (!fields->location)
		return quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
				  "tensor '%s': external data without a "
				  "location",
				  value->name);
	status = parse_range(fields, value, &offset, &length, error);
	if (status == QUIRE_OK)
		status = quire_onnx_files_find(files, fields->location,
					       &value->file, error);
	if (status != QUIRE_OK)
		return status;
	if (length != value->size)
		return quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
				  "tensor '%s': %" PRIu64 " external bytes, "
				  "its type and dims make %" PRIu64,
				  value->name, length, value->size);
	if (!checked_add(offset, length, &end) || end > value->file->size)
		return quire_fail(error, QUIRE_ERROR_LAYOUT, offset,
				  "tensor '%s': %" PRIu64 " bytes at %" PRIu64
				  " reach past the end of '%s', which has "
				  "%" PRIu64,
				  value->name, value->size, offset,
				  fields->location, value->file->size);
	value->offset = offset;
	return QUIRE_OK;
}

/* Packs numbers into elements of `width` bytes, front to back. An element is
 * never wider than its number, so none is overwritten before it is read. */
static void pack_u64(struct onnx_numbers *numbers, size_t width)
{
	unsigned char *to = numbers->items;

	for (size_t i = 0; i < numbers->count; i++) {
		unsigned char bytes[8];
		uint64_t number;

		memcpy(&number, (unsigned char *)numbers->items + i * 8, 8);
		store_u64(bytes, number);
		memcpy(to + i * width, bytes, width);
	}
}

static void pack_u32(struct onnx_numbers *numbers, size_t width)
{
	unsigned char *to = numbers->items;

	for (size_t i = 0; i < numbers->count; i++) {
		unsigned char bytes[4];
		uint32_t number;

		memcpy(&number, (unsigned char *)numbers->items + i * 4, 4);
		store_u32(bytes, number);
		memcpy(to + i * width, bytes, width);
	}
}

/* Whether each number fits in `width` bytes, signed or not. */
static bool fits_i32(const struct onnx_numbers *numbers, size_t width)
{
	const int32_t *items = numbers->items;
	const int64_t limit = INT64_C(1) << (8 * width);

	for (size_t i = 0; i < numbers->count; i++)
		if (items[i] < -limit / 2 || items[i] >= limit)
			return false;
	return true;
}

static bool fits_u64(const struct onnx_numbers *numbers, size_t width)
{
	const uint64_t *items = numbers->items;

	for (size_t i = 0; width < 8 && i < numbers->count; i++)
		if (items[i] >> (8 * width) != 0)
			return false;
	return true;
}

static const struct onnx_numbers *numbers_of(const struct onnx_fields *fields,
					     enum field field)
{
	switch (field) {
	case FIELD_F32:
		return &fields->f32;
	case FIELD_I32:
		return &fields->i32;
	case FIELD_I64:
		return &fields->i64;
	case FIELD_U64:
		return &fields->u64;
	case FIELD_F64:
		return &fields->f64;
	case FIELD_NONE:
		break;
	}
	return NULL;
}

static quire_status find_numbers(const struct onnx_fields *fields,
				 struct onnx_value *value, quire_error *error)
{
	const struct type_row *row = type_row(fields->type);
	struct onnx_numbers numbers = *numbers_of(fields, row->field);
	const bool sub_byte = row->bits < 8;
	/* Elements of less than 8 bits have one number for each byte. */
	const uint64_t per_number = sub_byte ? 8 / row->bits : 1;
	const size_t width = sub_byte ? 1 : row->bits / 8 / row->elements;
	const uint64_t wanted =
	    value->count / per_number + (value->count % per_number != 0);
	bool fits = true;

	if (numbers.count / row->elements != wanted ||
	    numbers.count % row->elements != 0)
		return quire_fail(
		    error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
		    "tensor '%s': %zu numbers for %" PRIu64 " elements of %s",
		    value->name, numbers.count, value->count, row->name);
	if (row->field == FIELD_I32 && width < 4)
		fits = fits_i32(&numbers, width);
	else if (row->field == FIELD_U64)
		fits = fits_u64(&numbers, width);
	if (!fits)
		return quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
				  "tensor '%s': a number is out of range for "
				  "%s",
				  value->name, row->name);
	if (row->field == FIELD_F32 || row->field == FIELD_I32)
		pack_u32(&numbers, width);
	else
		pack_u64(&numbers, width);
	value->bytes = numbers.items;
	return QUIRE_OK;
}

quire_status quire_onnx_tensor(struct onnx_files *files,
			       const struct onnx_fields *fields,
			       struct onnx_value *value, quire_error *error)
{
	quire_status status;

	if (fields->segmented)
		return quire_fail(error, QUIRE_ERROR_UNSUPPORTED,
				  QUIRE_NO_OFFSET,
				  "tensor '%s' is stored in segments, which "
				  "are not supported",
				  value->name);
	status = measure(fields, value, error);
	if (status != QUIRE_OK || value->sparse ||
	    quire_onnx_type_bits(fields->type) == 0)
		return status;
	if (fields->external)
		return find_external(files, fields, value, error);
	if (!fields->has_raw)
		return find_numbers(fields, value, error);
	if (fields->raw_size != value->size)
		return quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
				  "tensor '%s': %" PRIu64 " bytes of data, its "
				  "type and dims make %" PRIu64,
				  value->name, fields->raw_size, value->size);
	if (fields->raw || fields->raw_size == 0) {
		value->bytes = fields->raw;
		return QUIRE_OK;
	}
	value->file = fields->file;
	value->offset = fields->raw_offset;
	return QUIRE_OK;
}

quire_status quire_onnx_read(const struct onnx_value *value, uint64_t offset,
			     void *bytes, size_t size, quire_error *error)
{
	assert(offset <= value->size && size <= value->size - offset);
	if (value->file)
		return quire_onnx_file_read(value->file, value->offset + offset,
					    bytes, size, error);
	if (size > 0)
		memcpy(bytes, value->bytes + offset, size);
	return QUIRE_OK;
}

quire_status quire_onnx_read_all(const struct onnx_value *value, void *bytes,
				 quire_error *error)
{
	quire_status status = quire_onnx_file_acquire(value->file, error);

	if (status != QUIRE_OK)
		return status;
	status = quire_onnx_read(value, 0, bytes, (size_t)value->size, error);
	quire_onnx_file_release(value->file);
	return status;
}

float quire_onnx_float(int32_t type, const unsigned char *bytes, uint64_t index)
{
	unsigned char widened[4] = { 0 };

	if (type == ONNX_FLOAT)
		return load_f32(bytes + 4 * index);
	if (type == ONNX_FLOAT16)
		return fp16_ieee_to_fp32_value(load_u16(bytes + 2 * index));
	/* BFLOAT16 is the upper half of an f32. */
	memcpy(widened + 2, bytes + 2 * index, 2);
	return load_f32(widened);
}

void quire_onnx_floats(int32_t type, const unsigned char *bytes, uint64_t first,
		       size_t count, float *values)
{
	if (type == ONNX_FLOAT)
		for (size_t i = 0; i < count; i++)
			values[i] = load_f32(bytes + 4 * (first + i));
	else if (type == ONNX_FLOAT16)
		for (size_t i = 0; i < count; i++)
			values[i] = fp16_ieee_to_fp32_value(
			    load_u16(bytes + 2 * (first + i)));
	else
		for (size_t i = 0; i < count; i++)
			values[i] = quire_onnx_float(type, bytes, first + i);
}
