/*
 * export_undo.c - undoes operations (F-49 of spec/format.md): puts the rows of
 * a constant together from the tensors that have some, each where it was. Data
 * is made for one constant at a time. format/operation.h reads the steps.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/grow.h"
#include "convert/export/export.h"
#include "format/operation.h"

/* The most steps before a join that F-49 allows. */
#define STEPS_MAX 8

struct undo_part {
	const quire_tensor *tensor;
	quire_string name; /* of the constant */
	uint64_t first;	   /* row of the tensor */
	uint64_t count;
	struct quire_step steps[STEPS_MAX];
	uint64_t before[STEPS_MAX]; /* rows before each step */
	size_t step_count;
	bool turned;	 /* rows are the constant's columns */
	bool whole_rows; /* of the constant: no step transposes */
	bool taken;
	size_t next; /* with the same constant, or SIZE_MAX */
};

static uint64_t rows_of(const quire_tensor *tensor)
{
	return tensor->shape[tensor->rank == 2 ? 1 : 0];
}

static uint64_t width_of(const quire_tensor *tensor)
{
	return tensor->rank == 2 ? tensor->shape[0] : 1;
}

/* Bytes of so many columns. */
static uint64_t size_of(const quire_tensor *tensor, uint64_t cols)
{
	uint32_t block = 1;
	uint32_t size = 0;

	quire_dtype_block(tensor->dtype, &block, &size);
	return cols / block * size;
}

static int shown_size(quire_string text)
{
	return text.size < 80 ? (int)text.size : 80;
}

/* ----------------------------------------------------------------- indexing */

/* Reads the steps, which the container's reader has checked. A join makes two
 * parts. Returns how many there are. */
static size_t read_parts(const quire_tensor *tensor, struct undo_part *part)
{
	quire_string text = tensor->operation;
	struct undo_part *second = part + 1;
	struct quire_step step;

	*part = (struct undo_part){ .tensor = tensor,
				    .name = tensor->source,
				    .count = rows_of(tensor),
				    .whole_rows = true,
				    .next = SIZE_MAX };
	*second = *part;
	while (text.size > 0 && quire_step_next(&text, &step)) {
		if (step.kind == QUIRE_STEP_JOIN) {
			part->count = step.count;
			second->first = step.count;
			second->count -= step.count;
			second->name = step.name;
			return 2;
		}
		if (part->step_count < STEPS_MAX)
			part->steps[part->step_count++] = step;
		if (step.kind == QUIRE_STEP_TRANSPOSE) {
			part->turned = !part->turned;
			part->whole_rows = false;
		}
	}
	return 1;
}

quire_status quire_undo_index(const quire_model *file, struct undo *undo,
			      quire_error *error)
{
	const size_t count = quire_model_tensor_count(file);
	quire_status status = QUIRE_OK;

	undo->parts = calloc(count + 1, 2 * sizeof(*undo->parts));
	if (!undo->parts)
		return quire_fail_memory(error, count);
	for (size_t i = 0; i < count; i++) {
		const quire_tensor *tensor = quire_model_tensor(file, i);

		if (tensor->operation.size > 0)
			undo->part_count +=
			    read_parts(tensor, &undo->parts[undo->part_count]);
	}
	for (size_t i = undo->part_count; i-- > 0 && status == QUIRE_OK;) {
		const quire_string name = undo->parts[i].name;
		const char *bytes = name.size > 0 ? name.data : "";
		size_t *head =
		    quire_table_find(&undo->first, 0, bytes, name.size);

		if (head) {
			undo->parts[i].next = *head;
			*head = i;
		} else {
			status = quire_table_add(&undo->first, 0, bytes,
						 name.size, i, error);
		}
	}
	return status;
}

void quire_undo_free(struct undo *undo)
{
	for (size_t i = 0; i < undo->count; i++) {
		free(undo->items[i]->bytes);
		free(undo->items[i]);
	}
	free(undo->items);
	free(undo->parts);
	quire_table_free(&undo->first);
}

quire_status quire_undo_check(const struct undo *undo, quire_error *error)
{
	for (size_t i = 0; i < undo->part_count; i++) {
		const struct undo_part *part = &undo->parts[i];

		if (!part->taken)
			return quire_fail(
			    error, QUIRE_ERROR_NOT_FOUND, QUIRE_NO_OFFSET,
			    "tensor '%.*s' has rows of '%.*s', which is not a "
			    "weight of the model",
			    shown_size(part->tensor->name),
			    part->tensor->name.data, shown_size(part->name),
			    part->name.data);
	}
	return QUIRE_OK;
}

/* ------------------------------------------------------------------- taking */

/* Whether the part can come from a matrix of that shape, with whole rows or
 * columns of it; notes the rows before each step. */
static bool fits(struct undo_part *part, uint64_t rows, uint64_t cols)
{
	const uint64_t width = part->turned ? rows : cols;

	for (size_t i = 0; i < part->step_count; i++) {
		const struct quire_step *step = &part->steps[i];
		const uint64_t kept = rows;

		part->before[i] = rows;
		switch (step->kind) {
		case QUIRE_STEP_ROWS:
			if (step->first > rows ||
			    step->count > rows - step->first)
				return false;
			rows = step->count;
			break;
		case QUIRE_STEP_PERMUTE:
			if (rows % step->count != 0 ||
			    rows / step->count % 2 != 0)
				return false;
			break;
		case QUIRE_STEP_TRANSPOSE:
			rows = cols;
			cols = kept;
			break;
		case QUIRE_STEP_JOIN:
			return false; /* it is not among the steps */
		}
	}
	return rows == part->count && cols == width_of(part->tensor) &&
	       cols == width;
}

/* From the place of an element in the part to its place in the constant. */
static void find_place(const struct undo_part *part, uint64_t *row,
		       uint64_t *col)
{
	for (size_t i = part->step_count; i-- > 0;) {
		const struct quire_step *step = &part->steps[i];
		const uint64_t kept = *row;

		if (step->kind == QUIRE_STEP_ROWS) {
			*row += step->first;
		} else if (step->kind == QUIRE_STEP_TRANSPOSE) {
			*row = *col;
			*col = kept;
		} else {
			const uint64_t size = part->before[i] / step->count;
			const uint64_t at = kept % size;

			*row = kept - at + at / 2 + at % 2 * (size / 2);
		}
	}
}

/* The first line - a row, or a column where parts are turned - that no part
 * has. UINT64_MAX: none. */
static quire_status find_missing(const struct undone *undone, uint64_t *first,
				 uint64_t *last, quire_error *error)
{
	const struct undo_part *parts = undone->undo->parts;
	const struct undo_part *part = &parts[undone->first];
	const uint64_t count =
	    part->turned ? width_of(&undone->tensor) : rows_of(&undone->tensor);
	bool *lines = calloc((size_t)count + 1, sizeof(*lines));

	if (!lines)
		return quire_fail_memory(error, count);
	for (size_t at = undone->first; at != SIZE_MAX; at = parts[at].next)
		for (uint64_t i = 0; i < parts[at].count; i++) {
			uint64_t row = i;
			uint64_t col = 0;

			find_place(&parts[at], &row, &col);
			lines[part->turned ? col : row] = true;
		}
	*first = 0;
	while (*first < count && lines[*first])
		++*first;
	*last = *first;
	while (*last + 1 < count && !lines[*last + 1])
		++*last;
	if (*first == count)
		*first = UINT64_MAX;
	free(lines);
	return QUIRE_OK;
}

static quire_status fail_part(const struct plan_item *item,
			      const struct undo_part *part, const char *what,
			      quire_error *error)
{
	return quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "tensor '%.*s' cannot come from '%.80s' of the "
			  "model by '%.*s': %s",
			  shown_size(part->tensor->name),
			  part->tensor->name.data, item->value->name,
			  shown_size(part->tensor->operation),
			  part->tensor->operation.data, what);
}

/* Whether all parts fit, with one type. */
static quire_status check_parts(const struct undone *undone,
				const struct plan_item *item,
				quire_error *error)
{
	struct undo_part *parts = undone->undo->parts;
	const quire_tensor *whole = &undone->tensor;
	uint64_t first = UINT64_MAX;
	uint64_t last = 0;
	quire_status status;

	for (size_t at = undone->first; at != SIZE_MAX; at = parts[at].next) {
		struct undo_part *part = &parts[at];

		if (part->tensor->rank != whole->rank || whole->rank > 2 ||
		    !fits(part, rows_of(whole), width_of(whole)))
			return fail_part(item, part, "the shape differs",
					 error);
		if (part->tensor->dtype != whole->dtype)
			return fail_part(item, part,
					 "another tensor with rows of it has "
					 "another type",
					 error);
		if (part->turned != parts[undone->first].turned)
			return fail_part(item, part,
					 "another tensor has columns of it",
					 error);
		part->taken = true;
	}
	status = find_missing(undone, &first, &last, error);
	if (status != QUIRE_OK || first == UINT64_MAX)
		return status;
	return quire_fail(error, QUIRE_ERROR_NOT_FOUND, QUIRE_NO_OFFSET,
			  "%ss %" PRIu64 " to %" PRIu64
			  " of '%.80s' are in no tensor of the container",
			  parts[undone->first].turned ? "column" : "row", first,
			  last, item->value->name);
}

quire_status quire_undo_take(struct undo *undo, const struct plan_item *item,
			     struct undone **undone, quire_error *error)
{
	const char *name = item->value->name;
	const size_t *head =
	    quire_table_find(&undo->first, 0, name, strlen(name));
	struct undone **items;
	struct undone *made;

	*undone = NULL;
	if (!head)
		return QUIRE_OK;
	items = quire_grow(undo->items, &undo->capacity, undo->count,
			   sizeof(struct undone *));
	if (!items)
		return quire_fail_memory(error, sizeof(*made));
	undo->items = items;
	made = calloc(1, sizeof(*made));
	if (!made)
		return quire_fail_memory(error, sizeof(*made));
	items[undo->count++] = made;
	made->undo = undo;
	made->first = *head;
	made->tensor = *undo->parts[*head].tensor;
	made->tensor.rank = item->rank;
	memcpy(made->tensor.shape, item->shape, sizeof(item->shape));
	made->tensor.data = NULL;
	made->tensor.check = NULL;
	made->tensor.size = size_of(&made->tensor, item->shape[0]) *
			    item->shape[1] * item->shape[2] * item->shape[3];
	*undone = made;
	return check_parts(made, item, error);
}

/* ------------------------------------------------------------------ filling */

/* Puts whole rows, or the elements of a part with a transposition, where they
 * were. */
static void put_part(const struct undone *undone, const struct undo_part *part)
{
	const quire_tensor *tensor = part->tensor;
	const uint64_t whole = width_of(&undone->tensor);
	const uint64_t width = width_of(tensor);
	const uint64_t step = part->whole_rows ? width : 1;
	const uint64_t size = size_of(tensor, tensor->rank == 2 ? step : 1);
	const uint64_t row_size = size_of(tensor, whole);
	const unsigned char *in = (const unsigned char *)tensor->data +
				  part->first * size_of(tensor, width);

	for (uint64_t i = 0; i < part->count; i++)
		for (uint64_t j = 0; j < width; j += step) {
			uint64_t row = i;
			uint64_t col = j;

			find_place(part, &row, &col);
			memcpy(undone->bytes + row * row_size +
				   size_of(tensor, col),
			       in, (size_t)size);
			in += size;
		}
}

quire_status quire_undo_fill(struct undone *undone, quire_error *error)
{
	const struct undo_part *parts;

	if (!undone)
		return QUIRE_OK;
	parts = undone->undo->parts;
	undone->bytes = calloc((size_t)undone->tensor.size + 1, 1);
	if (!undone->bytes)
		return quire_fail_memory(error, undone->tensor.size);
	undone->tensor.data = undone->bytes;
	for (size_t at = undone->first; at != SIZE_MAX; at = parts[at].next)
		put_part(undone, &parts[at]);
	return QUIRE_OK;
}

void quire_undo_release(struct undone *undone)
{
	if (!undone)
		return;
	free(undone->bytes);
	undone->bytes = NULL;
	undone->tensor.data = NULL;
}
