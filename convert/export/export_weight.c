/*
 * export_weight.c - the way back from a tensor to the constants of a node: the
 * codes in the node's layout, and the scales in its float type. Starts from the
 * old bytes of a constant, so that the codes past column k, which no tensor
 * holds, stay.
 *
 * A scale becomes the f16 scale of the tensor. A Q4_1 block also has an offset:
 * the f16 of -zero * scale, computed with the scale before it was rounded. If
 * the rounded scale does not give this offset, the scale becomes the f32
 * nearest to it that gives both. So the new constants convert to the same
 * tensor.
 */
#include <fp16.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "convert/encode/encode_blocks.h"
#include "convert/export/export.h"

/* One weight on its way back. */
struct returning {
	const struct weight *weight;
	const quire_tensor *tensor;
	const struct block_form *form; /* of the tensor's type */
	struct weight_rows rows;       /* of the node: all, without codes */
	unsigned char *scratch;
	quire_error *error;
};

static quire_status fail(const struct returning *in, uint64_t row, uint64_t col,
			 const char *what)
{
	return quire_fail(in->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "node '%s' (%s): row %" PRIu64 ", column %" PRIu64
			  " of its tensor: %s",
			  quire_onnx_label(in->weight->node),
			  in->weight->node->op_type, row, col, what);
}

/* The block of the tensor that has a column. */
static const unsigned char *block_at(const struct returning *in, uint64_t row,
				     uint64_t col)
{
	uint32_t count = 1;
	uint32_t size = 0;

	quire_dtype_block(in->tensor->dtype, &count, &size);
	return (const unsigned char *)in->tensor->data +
	       (row * (in->tensor->shape[0] / count) + col / count) * size;
}

static quire_status open_rows(struct returning *in)
{
	const struct weight *weight = in->weight;
	const size_t size =
	    quire_weight_scales_scratch(weight, weight->value.n);

	in->scratch = malloc(size + 1);
	if (!in->scratch)
		return quire_fail_memory(in->error, size + 1);
	in->rows =
	    (struct weight_rows){ .weight = weight, .count = weight->value.n };

	quire_status status = quire_weight_acquire(weight, in->error);

	if (status != QUIRE_OK)
		return status;
	status = quire_weight_fetch_scales(&in->rows, in->scratch, in->error);
	quire_weight_release(weight);
	return status;
}

/* ------------------------------------------------------------------- types */

/* How codes come back from a block type. */
struct block_form {
	quire_dtype dtype;
	size_t codes;	/* where they are in a block */
	bool is_nibble; /* columns i and i + 16 share a byte */
	bool has_min;
	/* The code of a column as the node counts it, also if its bits cannot
	 * hold it. */
	int (*code)(const struct returning *in, uint64_t row, uint64_t col);
};

static const unsigned char *codes_at(const struct returning *in, uint64_t row,
				     uint64_t col)
{
	return block_at(in, row, col) + in->form->codes;
}

static int nibble_at(const struct returning *in, uint64_t row, uint64_t col)
{
	const uint64_t at = col % QUIRE_BLOCK_COLS;
	const int byte = codes_at(in, row, col)[at % QUIRE_NIBBLES_SIZE];

	return at < QUIRE_NIBBLES_SIZE ? byte & 15 : byte >> 4;
}

static int q4_0_code(const struct returning *in, uint64_t row, uint64_t col)
{
	return nibble_at(in, row, col) - QUIRE_Q4_0_ZERO +
	       (1 << (in->weight->value.bits - 1));
}

static int q8_0_code(const struct returning *in, uint64_t row, uint64_t col)
{
	const int code = codes_at(in, row, col)[col % QUIRE_BLOCK_COLS];

	return (code ^ 0x80) - 0x80 +
	       (int)quire_weight_zero(&in->rows, row,
				      col / in->weight->value.block_size);
}

static const struct block_form forms[] = {
	{ QUIRE_Q4_0, QUIRE_Q4_0_CODES, true, false, q4_0_code },
	{ QUIRE_Q4_1, QUIRE_Q4_1_CODES, true, true, nibble_at },
	{ QUIRE_Q8_0, QUIRE_Q8_0_CODES, false, false, q8_0_code },
};

static const struct block_form *find_form(quire_dtype dtype)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].dtype == dtype)
			return &forms[i];
	return NULL;
}

bool quire_export_is_block_type(quire_dtype dtype)
{
	return find_form(dtype) != NULL;
}

/* ------------------------------------------------------------------- codes */

static void put_code(unsigned char *bytes, uint64_t bit, uint32_t bits,
		     unsigned code)
{
	const unsigned mask = ((1u << bits) - 1) << bit % 8;
	unsigned char *byte = &bytes[bit / 8];

	*byte = (unsigned char)((*byte & ~mask) | code << bit % 8);
}

/* The inverse of block_interleave (encode_blocks.h). */
static void separate(const unsigned char block[QUIRE_NIBBLES_SIZE],
		     unsigned char out[QUIRE_NIBBLES_SIZE])
{
	unsigned char *upper = out + QUIRE_NIBBLES_SIZE / 2;

	for (size_t i = 0; i < QUIRE_NIBBLES_SIZE / 2; i++) {
		const unsigned char even = block[2 * i];
		const unsigned char odd = block[2 * i + 1];

		out[i] = (unsigned char)((even & 15) | (odd & 15) << 4);
		upper[i] = (unsigned char)(even >> 4 | (odd & 0xF0));
	}
}

/* The first bit of a code in its constant. */
static uint64_t code_bit(const struct weight *weight, uint64_t row,
			 uint64_t col)
{
	const struct weight_constant *codes = &weight->storage.codes;

	if (codes->order.share == 0)
		return row * codes->row_size * 8 + col * weight->value.bits;
	return (element_number(&codes->order, row, col) ^ codes->order.swap) *
	       weight->value.bits;
}

static quire_status make_row(const struct returning *in, uint64_t row,
			     unsigned char *bytes)
{
	const struct weight *weight = in->weight;
	const unsigned flip = (unsigned)weight->storage.sign_bit;
	uint64_t col = 0;

	if (in->form->is_nibble && weight->value.bits == 4 &&
	    weight->storage.codes.order.share == 0 && !flip)
		for (; weight->value.k - col >= QUIRE_BLOCK_COLS;
		     col += QUIRE_BLOCK_COLS)
			separate(codes_at(in, row, col),
				 bytes + code_bit(weight, row, col) / 8);
	for (; col < weight->value.k; col++) {
		const int code = in->form->code(in, row, col);

		if (code < 0 || code >= 1 << weight->value.bits)
			return fail(in, row, col,
				    "the node's bits do not hold the code");
		put_code(bytes, code_bit(weight, row, col), weight->value.bits,
			 (unsigned)code ^ flip);
	}
	return QUIRE_OK;
}

static quire_status make_codes(const struct returning *in, unsigned char *bytes)
{
	quire_status status = quire_onnx_read_all(
	    in->weight->storage.codes.value, bytes, in->error);

	for (uint64_t row = 0; row < in->weight->value.n && status == QUIRE_OK;
	     row++)
		status = make_row(in, row, bytes);
	return status;
}

/* ------------------------------------------------------------------ scales */

/* A scale of the tensor: its bits. */
struct rounded {
	uint16_t scale;
	uint16_t offset; /* the min of Q4_1, or 0 */
};

static struct rounded stored_at(const struct returning *in, uint64_t row,
				uint64_t col)
{
	const unsigned char *block = block_at(in, row, col);

	return (struct rounded){ load_u16(block + QUIRE_BLOCK_SCALE),
				 in->form->has_min
				     ? load_u16(block + QUIRE_Q4_1_MIN)
				     : 0 };
}

static bool gives(const struct returning *in, float scale, float zero,
		  const struct rounded *wanted)
{
	return fp16_ieee_from_fp32_value(scale) == wanted->scale &&
	       (!in->form->has_min ||
		(quire_offset_bits(zero, scale) == wanted->offset &&
		 quire_offset_is_held(zero, scale)));
}

/*
 * Finds the f32 nearest to the f16 scale that gives both scale and offset, by
 * bisection between that scale and the node's own. All floats between the two
 * round to the same f16 scale. The offset is monotone: from one float on,
 * towards the node's scale, all give it. Floats of one sign are ordered as
 * their bits.
 */
static bool find_scale(const struct returning *in, uint64_t row, uint64_t block,
		       const struct rounded *wanted, float *scale)
{
	const float zero = quire_weight_zero(&in->rows, row, block);
	const float source = quire_weight_scale(&in->rows, row, block);
	uint32_t out = fp32_to_bits(fp16_ieee_to_fp32_value(wanted->scale));
	uint32_t in_range = fp32_to_bits(source);

	*scale = fp32_from_bits(out);
	if (gives(in, *scale, zero, wanted))
		return true;
	if (in->weight->storage.scales.value->type != ONNX_FLOAT ||
	    !gives(in, source, zero, wanted))
		return false;
	while (out + 1 != in_range && in_range + 1 != out) {
		const uint32_t middle =
		    out / 2 + in_range / 2 + (out % 2 + in_range % 2) / 2;

		if (gives(in, fp32_from_bits(middle), zero, wanted))
			in_range = middle;
		else
			out = middle;
	}
	*scale = fp32_from_bits(in_range);
	return true;
}

/* Checks that all columns of a block of the node have one scale. */
static quire_status check_shared(const struct returning *in, uint64_t row,
				 uint64_t block, const struct rounded *wanted)
{
	const struct weight *weight = in->weight;
	const uint64_t first = block * weight->value.block_size;

	for (uint64_t col = first;
	     col < weight->value.k && col - first < weight->value.block_size;
	     col = (col / QUIRE_BLOCK_COLS + 1) * QUIRE_BLOCK_COLS) {
		const struct rounded other = stored_at(in, row, col);

		if (other.scale != wanted->scale ||
		    other.offset != wanted->offset)
			return fail(in, row, col,
				    "one block of the node would need two "
				    "scales");
	}
	return QUIRE_OK;
}

/* Stores an f32 as an element of a float type; false: that has rounded it. */
static bool put_float(unsigned char *bytes, int32_t type, uint64_t index,
		      float value)
{
	const uint32_t bits = fp32_to_bits(value);
	uint16_t half;

	switch (type) {
	case ONNX_FLOAT:
		store_f32(bytes + 4 * index, value);
		return true;
	case ONNX_FLOAT16:
		half = fp16_ieee_from_fp32_value(value);
		store_u16(bytes + 2 * index, half);
		return fp32_to_bits(fp16_ieee_to_fp32_value(half)) == bits ||
		       isnan(value);
	default:
		store_u16(bytes + 2 * index, (uint16_t)(bits >> 16));
		return (bits & 0xFFFF) == 0 || isnan(value);
	}
}

static uint64_t scale_index(const struct weight *weight, uint64_t row,
			    uint64_t block)
{
	return weight->storage.scales.order.share == 0
		   ? row * weight->value.blocks + block
		   : element_number(&weight->storage.scales.order, row, block);
}

static quire_status make_scale(const struct returning *in, uint64_t row,
			       uint64_t block, unsigned char *bytes)
{
	const struct weight *weight = in->weight;
	const uint64_t col = block * weight->value.block_size;
	const struct rounded wanted = stored_at(in, row, col);
	quire_status status = check_shared(in, row, block, &wanted);
	float scale;

	if (status != QUIRE_OK)
		return status;
	if (!find_scale(in, row, block, &wanted, &scale))
		return fail(in, row, col,
			    "the offset is not that of the node's zero point");
	if (!put_float(bytes, weight->storage.scales.value->type,
		       scale_index(weight, row, block), scale))
		return fail(in, row, col,
			    "the type of the node's scales does not hold the "
			    "scale");
	return QUIRE_OK;
}

/* Checks a scale that several blocks share: the last of them has set it. */
static quire_status check_scale(const struct returning *in, uint64_t row,
				uint64_t block, unsigned char *bytes)
{
	const struct weight *weight = in->weight;
	const uint64_t col = block * weight->value.block_size;
	const struct rounded wanted = stored_at(in, row, col);
	const float scale =
	    quire_onnx_float(weight->storage.scales.value->type, bytes,
			     scale_index(weight, row, block));

	if (gives(in, scale, quire_weight_zero(&in->rows, row, block), &wanted))
		return QUIRE_OK;
	return fail(in, row, col,
		    "the node has one scale for blocks that differ");
}

/* Checks that a scale of the node rounds to the tensor's. */
static quire_status keep_scale(const struct returning *in, uint64_t row,
			       uint64_t block, unsigned char *bytes)
{
	const uint64_t col = block * in->weight->value.block_size;
	const struct rounded wanted = stored_at(in, row, col);
	const quire_status status = check_shared(in, row, block, &wanted);

	(void)bytes;
	if (status != QUIRE_OK ||
	    gives(in, quire_weight_scale(&in->rows, row, block),
		  quire_weight_zero(&in->rows, row, block), &wanted))
		return status;
	return fail(in, row, col,
		    "the node's scale is another one, and its bias is in "
		    "integers that this scale multiplies");
}

typedef quire_status (*scale_fn)(const struct returning *in, uint64_t row,
				 uint64_t block, unsigned char *bytes);

static quire_status each_scale(const struct returning *in, scale_fn visit,
			       unsigned char *bytes)
{
	for (uint64_t row = 0; row < in->weight->value.n; row++)
		for (uint64_t block = 0; block < in->weight->value.blocks;
		     block++) {
			const quire_status status =
			    visit(in, row, block, bytes);

			if (status != QUIRE_OK)
				return status;
		}
	return QUIRE_OK;
}

static quire_status make_scales(const struct returning *in,
				unsigned char *bytes)
{
	quire_status status = each_scale(in, make_scale, bytes);

	if (status == QUIRE_OK && in->weight->storage.scales.order.share != 0)
		status = each_scale(in, check_scale, bytes);
	return status;
}

static quire_status keep_scales(const struct returning *in,
				unsigned char *bytes)
{
	const quire_status status = quire_onnx_read_all(
	    in->weight->storage.scales.value, bytes, in->error);

	return status == QUIRE_OK ? each_scale(in, keep_scale, bytes) : status;
}

/* ----------------------------------------------------------- plain tensors */

static int32_t onnx_type_of(quire_dtype dtype)
{
	return dtype == QUIRE_F32   ? ONNX_FLOAT
	       : dtype == QUIRE_F16 ? ONNX_FLOAT16
				    : ONNX_BFLOAT16;
}

static quire_status make_plain(const struct onnx_value *value,
			       const quire_tensor *tensor, unsigned char *bytes,
			       quire_error *error)
{
	const int32_t type = onnx_type_of(tensor->dtype);

	if (type == value->type) {
		memcpy(bytes, tensor->data, (size_t)value->size);
		return QUIRE_OK;
	}
	for (uint64_t i = 0; i < value->count; i++)
		if (!put_float(bytes, value->type, i,
			       quire_onnx_float(type, tensor->data, i)))
			return quire_fail(
			    error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
			    "constant '%s': element %" PRIu64 " of its tensor "
			    "is not of the constant's type",
			    value->name, i);
	return QUIRE_OK;
}

static quire_status make_weight(const struct content *content,
				unsigned char *bytes, quire_error *error)
{
	struct returning in = { .weight = content->item->weight,
				.tensor = content->tensor,
				.form = find_form(content->tensor->dtype),
				.error = error };
	quire_status status = open_rows(&in);

	if (status == QUIRE_OK && content->kind == CONTENT_CODES)
		status = make_codes(&in, bytes);
	else if (status == QUIRE_OK && content->kind == CONTENT_SCALES)
		status = make_scales(&in, bytes);
	else if (status == QUIRE_OK)
		status = keep_scales(&in, bytes);
	free(in.scratch);
	return status;
}

quire_status quire_export_make(const struct onnx_model *model,
			       const struct content *content,
			       unsigned char *bytes, quire_error *error)
{
	const struct onnx_value *value = &model->values[content->value];
	quire_status status;

	if (content->kind == CONTENT_SOURCE)
		return quire_onnx_read_all(value, bytes, error);
	status = quire_undo_fill(content->undone, error);
	if (status != QUIRE_OK)
		return status;
	status = content->kind == CONTENT_PLAIN
		     ? make_plain(value, content->tensor, bytes, error)
		     : make_weight(content, bytes, error);
	quire_undo_release(content->undone);
	return status;
}
