/*
 * compare_weight.c - decodes a tensor element by element and counts those that
 * differ from the source. Reads the blocks by their description in
 * spec/format.md and must not include format/blocks.h or encode/: a mistake
 * there must be found here. Also reports the progress of comparing.
 */
#include <fp16.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "convert/compare/compare.h"

/* The largest relative error of rounding a scale to f16. */
static const double half_step = 0x1p-11;

/* Columns of a block of Q4_0, Q4_1 and Q8_0. */
#define BLOCK_COUNT 32

/* One element of the container: (code - zero) * scale + offset. A dense element
 * is its own code. */
struct stored {
	double code;
	double zero;
	double scale;
	double offset;
};

static double f16_at(const unsigned char *bytes)
{
	return (double)fp16_ieee_to_fp32_value(load_u16(bytes));
}

/* The nibble of column i of 32. */
static unsigned nibble_at(const unsigned char *codes, uint64_t i)
{
	return i < BLOCK_COUNT / 2 ? codes[i] & 15u
				   : codes[i - BLOCK_COUNT / 2] >> 4;
}

static struct stored q4_0_at(const unsigned char *block, uint64_t i)
{
	return (struct stored){ nibble_at(block + 2, i), 8, f16_at(block), 0 };
}

static struct stored q4_1_at(const unsigned char *block, uint64_t i)
{
	return (struct stored){ nibble_at(block + 4, i), 0, f16_at(block),
				f16_at(block + 2) };
}

static struct stored q8_0_at(const unsigned char *block, uint64_t i)
{
	const unsigned char code = block[2 + i];

	return (struct stored){ (double)code - (code >= 128 ? 256 : 0), 0,
				f16_at(block), 0 };
}

static struct stored f16_element(const unsigned char *block, uint64_t i)
{
	(void)i;
	return (struct stored){ f16_at(block), 0, 1, 0 };
}

static struct stored f32_element(const unsigned char *block, uint64_t i)
{
	(void)i;
	return (struct stored){ (double)load_f32(block), 0, 1, 0 };
}

enum form {
	FORM_DENSE,
	FORM_CODES,  /* code - zero is that of the source */
	FORM_OFFSET, /* the code is; -zero * scale is the offset */
};

/* The types that a quantized weight can have in a container. */
static const struct layout {
	quire_dtype dtype;
	enum form form;
	/* The element of column i of a block. */
	struct stored (*at)(const unsigned char *block, uint64_t i);
} layouts[] = {
	{ QUIRE_F32, FORM_DENSE, f32_element },
	{ QUIRE_F16, FORM_DENSE, f16_element },
	{ QUIRE_Q4_0, FORM_CODES, q4_0_at },
	{ QUIRE_Q4_1, FORM_OFFSET, q4_1_at },
	{ QUIRE_Q8_0, FORM_CODES, q8_0_at },
};

/* NULL: no conversion makes a weight of this type. */
static const struct layout *find_layout(quire_dtype dtype)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].dtype == dtype)
			return &layouts[i];
	return NULL;
}

static struct stored stored_at(const struct layout *layout,
			       const quire_tensor *tensor, uint64_t row,
			       uint64_t col)
{
	const uint64_t at = row * tensor->shape[0] + col;
	uint32_t count = 1;
	uint32_t size = 1;

	quire_dtype_block(tensor->dtype, &count, &size);
	return layout->at((const unsigned char *)tensor->data +
			      at / count * size,
			  col % BLOCK_COUNT);
}

/* Checks a number that was rounded to f16, and notes its error. */
static void check_rounding(double value, double rounded, quire_compare_row *row)
{
	const double error =
	    value == rounded ? 0 : fabs(rounded - value) / fabs(value);

	if (!(error <= half_step))
		row->scales_different++;
	else if (error > row->scale_error_max)
		row->scale_error_max = error;
}

static bool same_dense(const struct compare_element *element, double stored,
		       quire_dtype dtype)
{
	const float value = ((float)element->code - (float)element->zero) *
			    (float)element->scale;

	if (dtype == QUIRE_F32)
		return (double)value == stored ||
		       (isnan(value) && isnan(stored));
	/* Half a step of f16, normal or not. */
	return fabs((double)value - stored) <=
	       fmax(half_step * fabs((double)value), 0x1p-25);
}

static void compare_element(const struct compare_element *element,
			    const struct stored *stored,
			    const struct layout *layout, bool first,
			    quire_compare_row *row)
{
	bool same;

	row->count++;
	if (layout->form == FORM_DENSE)
		same = same_dense(element, stored->code, layout->dtype);
	else if (layout->form == FORM_OFFSET)
		same = stored->code == element->code;
	else
		same = stored->code - stored->zero ==
		       element->code - element->zero;
	row->different += !same;
	if (!first || layout->form == FORM_DENSE)
		return;
	check_rounding(element->scale, stored->scale, row);
	if (layout->form == FORM_OFFSET)
		check_rounding(-element->zero * element->scale, stored->offset,
			       row);
}

/* Whether a column past k decodes to zero; with an offset, to the value nearest
 * to zero. */
static bool padding_is_zero(const struct stored *stored, enum form form)
{
	const double value =
	    (stored->code - stored->zero) * stored->scale + stored->offset;

	if (form == FORM_OFFSET)
		return fabs(value) <= fabs(stored->scale) / 2 * (1 + 0x1p-6);
	return value == 0;
}

/* `part` is the whole tensor, or those of its rows that come from the source.
 */
static quire_status compare_elements(const struct compare_source *source,
				     const struct compare_part *part,
				     const struct layout *layout,
				     quire_compare_row *counts)
{
	const quire_tensor *tensor = part->tensor;
	const uint64_t row_size =
	    tensor->size /
	    (tensor->shape[1] * tensor->shape[2] * tensor->shape[3]);

	for (uint64_t i = 0; i < part->count; i++) {
		uint64_t scale_at = 0;
		uint64_t row = i;
		uint64_t first = 0;

		quire_compare_part_place(part, &row, &first);
		for (uint64_t col = 0; col < tensor->shape[0]; col++) {
			const struct stored stored =
			    stored_at(layout, tensor, part->first + i, col);
			struct compare_element element;

			if (col >= source->k) {
				counts->different +=
				    !padding_is_zero(&stored, layout->form);
				continue;
			}

			const quire_status status =
			    quire_compare_element(source, row, col, &element);

			if (status != QUIRE_OK)
				return status;
			/* Checks each scale of either side once. */
			compare_element(&element, &stored, layout,
					col % BLOCK_COUNT == 0 ||
					    element.scale_at != scale_at,
					counts);
			scale_at = element.scale_at;
		}

		const quire_status status = quire_compare_watch_advance(
		    source->watch, row_size, source->error);

		if (status != QUIRE_OK)
			return status;
	}
	return QUIRE_OK;
}

/* What differs between the linears besides their elements, or NULL. */
static const char *linear_mismatch(const struct compare_source *source,
				   const quire_linear *linear)
{
	const char *bias =
	    linear->bias && !source->bias[0] ? source->added : source->bias;
	const size_t size = strlen(bias);
	const int64_t level =
	    quire_onnx_integer(source->node, "accuracy_level", 0);

	if (linear->weight->operation.size > 0 ||
	    (linear->bias && linear->bias->operation.size > 0))
		return "the linear has a tensor with an operation, and so is "
		       "not the node's";
	if (linear->k != source->k || linear->n != source->n)
		return "K or N differs";
	if ((int64_t)linear->accuracy_level != level)
		return "accuracy_level differs";
	if ((linear->bias != NULL) != (size != 0))
		return "only one of the two has a bias";
	if (linear->bias &&
	    (linear->bias->source.size != size ||
	     memcmp(linear->bias->source.data, bias, size) != 0))
		return "another bias";
	return NULL;
}

/* Whether the tensor has the dimensions of the codes: the last one padded; if
 * there are more than four, the first ones multiplied into one. */
static bool has_shape(const struct compare_source *source,
		      const quire_tensor *tensor)
{
	uint64_t wanted[4] = { 0, 1, 1, 1 };
	uint32_t count = 1;
	uint32_t size;

	quire_dtype_block(tensor->dtype, &count, &size);
	if (!checked_pad(source->k, count, &wanted[0]))
		return false;
	if (source->is_product)
		wanted[1] = source->n;
	for (size_t i = 1; !source->is_product && i < source->rank; i++)
		wanted[i < 3 ? i : 3] *=
		    source->dims[source->rank - 1 -
				 (i == 1 && source->swapped ? 0 : i)];
	return memcmp(tensor->shape, wanted, sizeof(wanted)) == 0;
}

/* What is wrong with the shape, or NULL. */
static const char *shape_mismatch(const struct compare_source *source,
				  const quire_tensor *tensor,
				  struct compare_part *part)
{
	uint64_t width;
	uint32_t count = 1;
	uint32_t size;

	if (!part)
		return has_shape(source, tensor) ? NULL : "the shape differs";
	quire_dtype_block(tensor->dtype, &count, &size);
	if (tensor->rank != 2 || !checked_pad(source->k, count, &width) ||
	    tensor->shape[0] != width)
		return "the shape differs";
	for (size_t i = 0; i < part->step_count; i++)
		if (part->steps[i].kind == 't')
			return "its operation transposes a quantized weight";
	return quire_compare_part_fits(part, source->n, source->k, source->k);
}

static quire_status compare_integers(const struct compare_source *source,
				     const quire_tensor *bias,
				     const char **reason)
{
	bool same = false;
	const quire_status status = quire_compare_integers(source, bias, &same);

	if (status == QUIRE_OK && !same)
		*reason = "the numbers of the bias differ";
	return status;
}

quire_status quire_compare_weight(struct compare_source *source,
				  const quire_tensor *tensor,
				  const quire_linear *linear,
				  struct compare_part *part,
				  quire_compare_row *row, const char **reason)
{
	const struct layout *layout = find_layout(tensor->dtype);
	struct compare_part whole = { .tensor = tensor };
	quire_status status = quire_compare_open(source);

	*reason = NULL;
	if (status == QUIRE_OK && linear)
		*reason = linear_mismatch(source, linear);
	if (status == QUIRE_OK && !*reason && !layout)
		*reason = "no conversion makes a tensor of this type";
	if (status == QUIRE_OK && !*reason)
		*reason = shape_mismatch(source, tensor, part);
	if (status == QUIRE_OK && !*reason && linear && source->integers.value)
		status = compare_integers(source, linear->bias, reason);
	whole.count = source->n;
	if (status == QUIRE_OK && !*reason)
		status =
		    compare_elements(source, part ? part : &whole, layout, row);
	quire_compare_close(source);
	if (status != QUIRE_OK)
		return status;
	if (*reason || row->different || row->scales_different)
		row->verdict = QUIRE_VERDICT_DIFFERS;
	return QUIRE_OK;
}

const char *quire_verdict_name(quire_verdict verdict)
{
	switch (verdict) {
	case QUIRE_VERDICT_SAME:
		return "same";
	case QUIRE_VERDICT_DIFFERS:
		return "differs";
	case QUIRE_VERDICT_ONLY_SOURCE:
		return "only in the source";
	case QUIRE_VERDICT_ONLY_FILE:
		return "only in the file";
	}
	return "unknown";
}

void quire_compare_report_free(quire_compare_report *report)
{
	struct compare_report *whole = (struct compare_report *)report;

	if (!whole)
		return;
	quire_arena_free(&whole->strings);
	free(whole->rows);
	free(whole);
}

/* ---------------------------------------------------------------- progress */

/* Bytes of tensors between two calls of progress: about 10 ms of 4-bit codes.
 */
#define STEP ((uint64_t)64 << 10)

void quire_compare_watch_start(struct comparison *in,
			       const quire_compare_options *options)
{
	in->watch = (struct compare_watch){ .options = options };
	for (size_t i = 0; i < quire_model_tensor_count(in->file); i++)
		in->watch.total += quire_model_tensor(in->file, i)->size;
	for (size_t i = 0; i < in->found.count; i++)
		in->found.weights[i].watch = &in->watch;
}

static quire_status report(struct compare_watch *watch, quire_error *error)
{
	const quire_compare_options *options = watch->options;

	watch->reported = watch->done;
	if (!options->progress ||
	    options->progress(options->context, watch->done, watch->total))
		return QUIRE_OK;
	return quire_fail(error, QUIRE_ERROR_CANCELLED, QUIRE_NO_OFFSET,
			  "cancelled");
}

quire_status quire_compare_watch_advance(struct compare_watch *watch,
					 uint64_t size, quire_error *error)
{
	const uint64_t left = watch->total - watch->done;

	/* A tensor with which several weights are compared counts once. */
	watch->done += size < left ? size : left;
	/* But each of them can be cancelled. */
	watch->pending += size;
	if (watch->pending < STEP)
		return QUIRE_OK;
	watch->pending = 0;
	return report(watch, error);
}

quire_status quire_compare_watch_end(struct compare_watch *watch,
				     quire_error *error)
{
	if (watch->total == 0 || watch->reported == watch->total)
		return QUIRE_OK;
	watch->done = watch->total;
	return report(watch, error);
}
