/*
 * compare_source.c - attributes, sizes and bits of the operators, with every
 * size checked against what the file has.
 */
#include "convert/compare_source.h"

#include <fp16.h>
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"
#include "format/error.h"

#define NO_INPUT SIZE_MAX

static const struct spelling {
	const char *name;
	size_t inputs[COMPARE_ARRAY_COUNT];
} spellings[] = {
	{ "MatMulNBits", { 1, 2, 3, 4 } },
	{ "GatherBlockQuantized", { 0, 2, 3, NO_INPUT } },
};

static const struct spelling *spelling_of(const struct onnx_node *node)
{
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
		if (strcmp(node->op_type, spellings[i].name) == 0)
			return &spellings[i];
	return NULL;
}

bool quire_compare_is(const struct onnx_node *node)
{
	return spelling_of(node) != NULL;
}

bool quire_compare_is_part(const struct onnx_node *node, size_t input)
{
	const struct spelling *spelling = spelling_of(node);

	for (size_t i = 0; spelling && i < COMPARE_ARRAY_COUNT; i++)
		if (spelling->inputs[i] == input)
			return true;
	return false;
}

size_t quire_compare_codes(const struct onnx_node *node)
{
	return spelling_of(node)->inputs[COMPARE_CODES];
}

quire_status quire_compare_malformed(const struct compare_source *source,
				     const char *what)
{
	return quire_fail(source->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "node '%s' (%s): %s", quire_onnx_label(source->node),
			  source->node->op_type, what);
}

uint64_t quire_compare_attribute(const struct onnx_node *node, const char *name,
				 int64_t absent)
{
	const struct onnx_attribute *found = quire_onnx_attribute(node, name);
	const int64_t value = found && found->is_int ? found->i : absent;

	return value < 0 ? 0 : (uint64_t)value;
}

/* The matrix that a GatherBlockQuantized looks up: its shape and type are those
 * of data, and UINT8 holds several codes in a byte. */
static quire_status measure_data(struct compare_source *source)
{
	const struct onnx_node *node = source->node;
	const struct onnx_value *data =
	    quire_onnx_find(source->model, node->scope,
			    node->input_count ? node->inputs[0] : "");

	source->bits = quire_compare_attribute(node, "bits", 4);
	source->block_size = quire_compare_attribute(node, "block_size", 128);
	if (!data || data->origin != ONNX_CONSTANT || data->rank != 2 ||
	    source->bits == 0 || source->bits > 8)
		return quire_compare_malformed(source,
					       "data is no constant matrix");
	source->n = (uint64_t)data->dims[0];
	source->k = (uint64_t)data->dims[1];
	source->is_signed = data->type == ONNX_INT4;
	source->flat = data->type != ONNX_UINT8;
	source->around_0 = source->flat;
	if (!source->flat &&
	    !checked_mul(source->k, 8 / source->bits, &source->k))
		return quire_compare_malformed(source, "data is too wide");
	return QUIRE_OK;
}

/* Shapes and sizes of rows; block sizes are powers of two from 16. */
static quire_status measure(struct compare_source *source)
{
	const struct onnx_node *node = source->node;
	quire_status status = QUIRE_OK;
	uint64_t columns;
	uint64_t code_bits;

	source->spelling = spelling_of(node);
	if (source->spelling == &spellings[0]) {
		source->k = quire_compare_attribute(node, "K", 0);
		source->n = quire_compare_attribute(node, "N", 0);
		source->bits = quire_compare_attribute(node, "bits", 4);
		source->block_size =
		    quire_compare_attribute(node, "block_size", 0);
	} else {
		status = measure_data(source);
	}
	if (status != QUIRE_OK)
		return status;
	if (source->k == 0 || source->n == 0 || source->block_size < 16 ||
	    (source->block_size & (source->block_size - 1)) ||
	    (source->bits != 2 && source->bits != 4 && source->bits != 8))
		return quire_compare_malformed(
		    source, "attributes that the operator does "
			    "not have");
	source->blocks = (source->k - 1) / source->block_size + 1;
	if (!checked_mul(source->blocks, source->block_size, &columns) ||
	    !checked_mul(columns, source->bits, &code_bits))
		return quire_compare_malformed(source, "K is out of range");
	/* Only MatMulNBits fills its last block up. */
	source->code_row_size = source->spelling == &spellings[0]
				    ? code_bits / 8
				    : (source->k * source->bits + 7) / 8;
	source->zero_row_size = (source->blocks * source->bits + 7) / 8;
	return QUIRE_OK;
}

/* Reads `size` bytes of an input. */
static quire_status read_array(struct compare_source *source,
			       struct compare_array *array, uint64_t size)
{
	const struct onnx_value *value = array->value;
	quire_status status;

	if (size > value->size || size > SIZE_MAX)
		return quire_compare_malformed(
		    source, "an input is smaller than K and N "
			    "say");
	array->bytes = malloc((size_t)size);
	if (!array->bytes)
		return quire_fail_memory(source->error, size);
	status = quire_onnx_file_acquire(value->file, source->error);
	if (status != QUIRE_OK)
		return status;
	status = quire_onnx_read(value, 0, array->bytes, (size_t)size,
				 source->error);
	quire_onnx_file_release(value->file);
	return status;
}

static uint64_t float_size(int32_t type)
{
	return type == ONNX_FLOAT			       ? 4
	       : type == ONNX_FLOAT16 || type == ONNX_BFLOAT16 ? 2
							       : 0;
}

static bool is_float(int32_t type)
{
	return float_size(type) != 0;
}

/* Bytes of rows * cols codes or zero points. */
static quire_status packed_size(const struct compare_source *source,
				uint64_t cols, uint64_t row_size,
				uint64_t *size)
{
	uint64_t bits;

	if (!source->flat)
		return checked_mul(source->n, row_size, size)
			   ? QUIRE_OK
			   : quire_compare_malformed(source,
						     "N is out of range");
	if (!checked_mul(source->n, cols, &bits) ||
	    !checked_mul(bits, source->bits, &bits))
		return quire_compare_malformed(source, "N is out of range");
	*size = bits / 8 + (bits % 8 != 0);
	return QUIRE_OK;
}

/* Bytes that an input must have. */
static quire_status size_of(const struct compare_source *source, size_t which,
			    uint64_t *size)
{
	const int32_t type = source->arrays[which].value->type;
	uint64_t row_size;

	if (which == COMPARE_CODES)
		return packed_size(source, source->k, source->code_row_size,
				   size);
	if (which == COMPARE_ZEROS && !is_float(type))
		return packed_size(source, source->blocks,
				   source->zero_row_size, size);
	if (which == COMPARE_ORDER)
		return checked_mul(source->k, 4, size)
			   ? QUIRE_OK
			   : quire_compare_malformed(source,
						     "K is out of range");
	if (!is_float(type))
		return quire_compare_malformed(source,
					       "scales are of no float type");
	return checked_mul(source->blocks, float_size(type), &row_size) &&
		       checked_mul(source->n, row_size, size)
		   ? QUIRE_OK
		   : quire_compare_malformed(source, "N is out of range");
}

static quire_status read_arrays(struct compare_source *source)
{
	const struct onnx_node *node = source->node;

	for (size_t i = 0; i < COMPARE_ARRAY_COUNT; i++) {
		struct compare_array *array = &source->arrays[i];
		const size_t input = source->spelling->inputs[i];
		const char *name =
		    input < node->input_count ? node->inputs[input] : "";
		uint64_t size = 0;
		quire_status status;

		if (name[0] == '\0' && i >= COMPARE_ZEROS)
			continue;
		array->value =
		    quire_onnx_find(source->model, node->scope, name);
		if (!array->value || array->value->origin != ONNX_CONSTANT)
			return quire_compare_malformed(
			    source, "an input is no constant");
		status = size_of(source, i, &size);
		if (status == QUIRE_OK)
			status = read_array(source, array, size);
		if (status != QUIRE_OK)
			return status;
	}
	return QUIRE_OK;
}

static double float_at(const struct compare_array *array, uint64_t index)
{
	const unsigned char *bytes = array->bytes;

	switch (array->value->type) {
	case ONNX_FLOAT:
		return (double)load_f32(bytes + 4 * index);
	case ONNX_FLOAT16:
		return (double)fp16_ieee_to_fp32_value(
		    load_u16(bytes + 2 * index));
	default:
		return (double)fp32_from_bits(
		    (uint32_t)load_u16(bytes + 2 * index) << 16);
	}
}

/* The number at `index` of packed ones of `bits` bits, low bits first. */
static unsigned packed_at(const unsigned char *row, uint64_t bits,
			  uint64_t index)
{
	const uint64_t each = 8 / bits;
	const unsigned byte = row[index / each];

	return byte >> (index % each * bits) & ((1u << bits) - 1u);
}

/* A code or a packed zero point; of two's complement that plus 2^(bits - 1),
 * as the block types have it. */
static double number_at(const struct compare_source *source,
			const struct compare_array *array, uint64_t row,
			uint64_t cols, uint64_t row_size, uint64_t col)
{
	const unsigned number =
	    source->flat
		? packed_at(array->bytes, source->bits, row * cols + col)
		: packed_at(array->bytes + row * row_size, source->bits, col);

	return source->is_signed ? number ^ 1u << (source->bits - 1) : number;
}

bool quire_compare_element(const struct compare_source *source, uint64_t row,
			   uint64_t col, struct compare_element *element)
{
	const struct compare_array *zeros = &source->arrays[COMPARE_ZEROS];
	uint64_t block = col / source->block_size;
	uint64_t at;

	if (source->arrays[COMPARE_ORDER].value)
		block = load_u32(source->arrays[COMPARE_ORDER].bytes + 4 * col);
	if (block >= source->blocks)
		return false;
	at = row * source->blocks + block;
	element->code = number_at(source, &source->arrays[COMPARE_CODES], row,
				  source->k, source->code_row_size, col);
	element->scale = float_at(&source->arrays[COMPARE_SCALES], at);
	element->zero = source->around_0 && !source->is_signed
			    ? 0
			    : (double)(1u << (source->bits - 1));
	if (zeros->value && is_float(zeros->value->type))
		element->zero = float_at(zeros, at);
	else if (zeros->value)
		element->zero = number_at(source, zeros, row, source->blocks,
					  source->zero_row_size, block);
	return true;
}

quire_status quire_compare_open(struct compare_source *source)
{
	const quire_status status = measure(source);

	return status == QUIRE_OK ? read_arrays(source) : status;
}

void quire_compare_close(struct compare_source *source)
{
	for (size_t i = 0; i < COMPARE_ARRAY_COUNT; i++)
		free(source->arrays[i].bytes);
}
