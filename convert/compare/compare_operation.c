/*
 * compare_operation.c - tensors whose rows came from those of a constant by an
 * operation: which rows, and where each came from. Reads operations by their
 * rules in spec/format.md (F-49) and must not include format/operation.h: a
 * mistake there must be found here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "convert/compare/compare.h"

/* ------------------------------------------------------------------ reading */

/* Takes a word or a number from the start of a text. False: it is not there. */
static bool take_word(quire_string *text, const char *word)
{
	const size_t size = strlen(word);

	if (text->size < size || memcmp(text->data, word, size) != 0)
		return false;
	text->data += size;
	text->size -= size;
	return true;
}

static bool take_number(quire_string *text, uint64_t *number)
{
	const char *start = text->data;

	*number = 0;
	while (text->size > 0 && *text->data >= '0' && *text->data <= '9') {
		if (!checked_mul(*number, 10, number) ||
		    !checked_add(*number, (uint64_t)(*text->data - '0'),
				 number))
			return false;
		text->data++;
		text->size--;
	}
	return text->data != start;
}

/* What follows "join ": its rows and its constant. */
static bool read_join(quire_string text, uint64_t *rows, quire_string *name)
{
	const bool good =
	    take_number(&text, rows) && take_word(&text, " ") && *rows > 0;

	*name = text;
	return good;
}

/* Reads one step; a join gives the second of two parts. */
static bool read_step(quire_string *text, struct compare_part *part,
		      struct compare_part *second)
{
	struct compare_step *step = &part->steps[part->step_count];

	if (take_word(text, "join ")) {
		if (!read_join(*text, &part->count, &second->name) ||
		    part->count >= second->count)
			return false;
		second->first = part->count;
		second->count -= part->count;
		text->size = 0;
		return true;
	}
	if (part->step_count == COMPARE_OPERATION_MAX)
		return false;
	*step = (struct compare_step){ .kind = *text->data };
	part->step_count++;
	if (take_word(text, "transpose"))
		return true;
	if (take_word(text, "permute "))
		return take_number(text, &step->count) && step->count > 0;
	return take_word(text, "rows ") && take_number(text, &step->first) &&
	       take_word(text, " ") && take_number(text, &step->count) &&
	       step->count > 0;
}

/* Reads an operation. `second` gets the rows of a join, or no name. */
static bool read_operation(const quire_tensor *tensor,
			   struct compare_part *part,
			   struct compare_part *second)
{
	quire_string text = tensor->operation;

	*part = (struct compare_part){
		.tensor = tensor,
		.name = tensor->source,
		.count = tensor->shape[tensor->rank == 2 ? 1 : 0],
		.next = SIZE_MAX,
	};
	*second = *part;
	second->name = (quire_string){ NULL, 0 };
	if (tensor->rank > 2)
		return false;
	while (text.size > 0)
		if (!read_step(&text, part, second) ||
		    (text.size > 0 && !take_word(&text, "; ")))
			return false;
	for (size_t i = 0; i < part->step_count; i++)
		part->turned ^= part->steps[i].kind == 't';
	return true;
}

/* ------------------------------------------------------------------ finding */

/* Indexes the parts by their constants, from the last to the first. */
static quire_status index_parts(struct compare_parts *parts, quire_error *error)
{
	quire_status status = QUIRE_OK;

	for (size_t i = parts->count; i-- > 0 && status == QUIRE_OK;) {
		const quire_string name = parts->items[i].name;
		size_t *head =
		    quire_table_find(&parts->first, 0, name.data, name.size);

		if (head) {
			parts->items[i].next = *head;
			*head = i;
		} else {
			status = quire_table_add(&parts->first, 0, name.data,
						 name.size, i, error);
		}
	}
	return status;
}

quire_status quire_compare_parts_find(const quire_model *file,
				      struct compare_parts *parts,
				      quire_error *error)
{
	const size_t count = quire_model_tensor_count(file);

	parts->items = calloc(count + 1, 2 * sizeof(*parts->items));
	if (!parts->items)
		return quire_fail_memory(error, count);
	for (size_t i = 0; i < count; i++) {
		const quire_tensor *tensor = quire_model_tensor(file, i);
		struct compare_part *part = &parts->items[parts->count];

		if (tensor->operation.size == 0)
			continue;
		if (!read_operation(tensor, part, part + 1))
			return quire_fail(
			    error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			    "tensor '%.*s': no operation",
			    tensor->name.size < 80 ? (int)tensor->name.size
						   : 80,
			    tensor->name.data);
		if (part->name.size == 0)
			part->name.data = "";
		parts->count += part[1].name.data ? 2 : 1;
	}
	return index_parts(parts, error);
}

void quire_compare_parts_free(struct compare_parts *parts)
{
	quire_table_free(&parts->first);
	free(parts->items);
}

struct compare_part *quire_compare_parts_of(const struct comparison *in,
					    const char *name)
{
	const size_t *head =
	    quire_table_find(&in->parts.first, 0, name, strlen(name));

	return head ? &in->parts.items[*head] : NULL;
}

bool quire_compare_may_lack_linear(const struct comparison *in,
				   const struct compare_source *source)
{
	const struct onnx_value *codes = source->arrays[COMPARE_CODES].value;

	return (codes && quire_compare_parts_of(in, codes->name)) ||
	       (source->bias[0] && quire_compare_parts_of(in, source->bias)) ||
	       (source->added[0] && quire_compare_parts_of(in, source->added));
}

static struct compare_part *next_part(const struct comparison *in,
				      const struct compare_part *part)
{
	return part->next == SIZE_MAX ? NULL : &in->parts.items[part->next];
}

/* ------------------------------------------------------------------- places */

const char *quire_compare_part_fits(struct compare_part *part, uint64_t rows,
				    uint64_t cols, uint64_t width)
{
	const uint64_t whole = part->turned ? rows : cols;
	uint64_t kept;

	for (size_t i = 0; i < part->step_count; i++) {
		struct compare_step *step = &part->steps[i];

		step->rows = rows;
		switch (step->kind) {
		case 'r':
			if (step->first > rows ||
			    step->count > rows - step->first)
				return "its operation takes rows that the "
				       "source does not have";
			rows = step->count;
			break;
		case 'p':
			if (rows % step->count != 0 ||
			    rows / step->count % 2 != 0)
				return "its operation permutes heads that the "
				       "source does not have";
			break;
		default:
			kept = rows;
			rows = cols;
			cols = kept;
		}
	}
	if (rows != part->count || cols != width)
		return "the shape differs from what its operation gives";
	part->whole = cols == whole;
	return NULL;
}

void quire_compare_part_place(const struct compare_part *part, uint64_t *row,
			      uint64_t *col)
{
	for (size_t i = part->step_count; i-- > 0;) {
		const struct compare_step *step = &part->steps[i];
		const uint64_t kept = *row;
		uint64_t head, in_head;

		switch (step->kind) {
		case 'r':
			*row += step->first;
			break;
		case 'p': /* row 2 i + j was row i + j R / 2 */
			head = step->rows / step->count;
			in_head = kept % head;
			*row = kept - in_head + in_head / 2 +
			       in_head % 2 * (head / 2);
			break;
		default:
			*row = *col;
			*col = kept;
		}
	}
}

/* ----------------------------------------------------------------- covering */

/* Which rows of a constant, or columns if its parts are turned, are in a tensor
 * of the container. */
struct cover {
	bool *lines;
	uint64_t count;
	bool turned;
};

/* Adds those of a part that fits a matrix. */
static quire_status add_cover(struct cover *cover,
			      const struct compare_part *part, uint64_t rows,
			      uint64_t cols, quire_error *error)
{
	const uint64_t lines = part->turned ? cols : rows;

	if (!cover->lines) {
		cover->lines = calloc((size_t)lines, sizeof(*cover->lines));
		cover->count = lines;
		cover->turned = part->turned;
	}
	if (!cover->lines)
		return quire_fail_memory(error, lines);
	/* Rows of one part and columns of another do not make it whole. */
	if (part->turned != cover->turned || !part->whole)
		return QUIRE_OK;
	for (uint64_t i = 0; i < part->count; i++) {
		uint64_t row = i;
		uint64_t col = 0;

		quire_compare_part_place(part, &row, &col);
		cover->lines[part->turned ? col : row] = true;
	}
	return QUIRE_OK;
}

/* Says which are missing; false: none. */
static bool lacks(const struct cover *cover, char *text, size_t size)
{
	const char *what = cover->turned ? "column" : "row";
	uint64_t first = 0;
	uint64_t end;
	uint64_t more = 0;

	if (!cover->lines) {
		snprintf(text, size, "no part of it is in the container");
		return true;
	}
	while (first < cover->count && cover->lines[first])
		first++;
	if (first == cover->count)
		return false;
	end = first;
	while (end < cover->count && !cover->lines[end])
		end++;
	for (uint64_t i = end; i < cover->count; i++)
		more += !cover->lines[i];
	snprintf(text, size, "%ss %" PRIu64 " to %" PRIu64 " of it", what,
		 first, end - 1);
	if (more > 0)
		snprintf(text + strlen(text), size - strlen(text),
			 ", and %" PRIu64 " other %ss,", more, what);
	snprintf(text + strlen(text), size - strlen(text),
		 " are in no tensor of the container");
	return true;
}

/* ---------------------------------------------------------------- comparing
 */

/* Reports which rows of a constant are in no tensor, if some are. */
static quire_status report_missing(struct comparison *in,
				   const struct cover *cover,
				   quire_compare_row row)
{
	char text[160];

	row.verdict = QUIRE_VERDICT_ONLY_SOURCE;
	if (!lacks(cover, text, sizeof(text)))
		return QUIRE_OK;
	row.reason = quire_compare_keep(in, text, strlen(text));
	return row.reason ? quire_compare_add_row(in, row, NULL)
			  : quire_fail_memory(in->error, sizeof(text));
}

quire_status quire_compare_weight_parts(struct comparison *in,
					const struct compare_source *source,
					struct compare_part *part, bool whole)
{
	const quire_compare_row named = {
		.node = quire_onnx_label(source->node),
		.source = source->arrays[COMPARE_CODES].value->name,
	};
	struct cover cover = { .lines = NULL };
	quire_status status = QUIRE_OK;

	for (; part && status == QUIRE_OK; part = next_part(in, part)) {
		struct compare_source copy = *source;
		quire_compare_row row = named;

		part->compared = true;
		status = quire_compare_weight(&copy, part->tensor, NULL, part,
					      &row, &row.reason);
		if (status == QUIRE_OK && !row.reason)
			status =
			    add_cover(&cover, part, copy.n, copy.k, in->error);
		if (status == QUIRE_OK)
			status = quire_compare_add_row(in, row, part->tensor);
	}
	if (status == QUIRE_OK && !whole)
		status = report_missing(in, &cover, named);
	free(cover.lines);
	return status;
}

/* Compares a constant with each tensor that has rows of it by an operation. */
static quire_status compare_constant(struct comparison *in,
				     struct compare_part *part)
{
	const size_t *number =
	    quire_table_find(&in->names, 0, part->name.data, part->name.size);
	const struct onnx_value *value = NULL;
	struct cover cover = { .lines = NULL };
	quire_status status = QUIRE_OK;
	uint64_t rows = 0, cols = 0;

	if (number && *number != SIZE_MAX) {
		value = &in->source->values[*number];
		in->compared[*number] = true;
		quire_compare_plain_shape(value, &rows, &cols);
	}
	for (; part && status == QUIRE_OK; part = next_part(in, part)) {
		quire_compare_row row = { .verdict = QUIRE_VERDICT_ONLY_FILE };

		part->compared = true;
		if (value) {
			row.source = value->name;
			row.verdict = QUIRE_VERDICT_SAME;
			status = quire_compare_plain_part(
			    value, part, &in->watch, &row, in->error);
		}
		if (value && (row.reason || row.different))
			row.verdict = QUIRE_VERDICT_DIFFERS;
		if (status == QUIRE_OK && value && !row.reason)
			status = add_cover(&cover, part, rows, cols, in->error);
		if (status == QUIRE_OK)
			status = quire_compare_add_row(in, row, part->tensor);
	}
	if (status == QUIRE_OK && value &&
	    !quire_compare_next_tensor(in, value->name, NULL))
		status = report_missing(
		    in, &cover, (quire_compare_row){ .source = value->name });
	free(cover.lines);
	return status;
}

quire_status quire_compare_constant_parts(struct comparison *in)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < in->parts.count && status == QUIRE_OK; i++) {
		struct compare_part *part = &in->parts.items[i];
		const ptrdiff_t tensor =
		    part->tensor - quire_model_tensor(in->file, 0);

		/* A linear's weight was reported already. */
		if (!part->compared && !in->weight[tensor])
			status = compare_constant(in, part);
	}
	return status;
}
