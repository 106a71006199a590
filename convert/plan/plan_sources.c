/*
 * plan_sources.c - finds what an earlier conversion has made of a plan's items:
 * a table of the first tensor of each source in a container, and from each
 * tensor the next one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/plan/plan.h"

/* Bytes of a text that a message has room for. */
static int shown_size(quire_string text)
{
	return text.size < 60 ? (int)text.size : 60;
}

/* A tensor that is not its source as it is would be taken for it. */
static quire_status check_operations(const quire_model *file,
				     quire_error *error)
{
	for (size_t i = 0; i < quire_model_tensor_count(file); i++) {
		const quire_tensor *tensor = quire_model_tensor(file, i);

		if (tensor->operation.size > 0)
			return quire_fail(
			    error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
			    "tensor '%.*s' is not '%.*s' as it is, but by "
			    "'%.*s'; "
			    "convert the model without --for for this",
			    shown_size(tensor->name), tensor->name.data,
			    shown_size(tensor->source), tensor->source.data,
			    shown_size(tensor->operation),
			    tensor->operation.data);
	}
	return QUIRE_OK;
}

/* Goes from the last tensor to the first. */
quire_status quire_sources_index(const quire_model *file,
				 struct sources *sources, quire_error *error)
{
	const size_t count = quire_model_tensor_count(file);
	const quire_status whole = check_operations(file, error);

	*sources = (struct sources){ .file = file };
	if (whole != QUIRE_OK)
		return whole;
	sources->next = calloc(count + 1, sizeof(*sources->next));
	sources->used = calloc(count + 1, sizeof(*sources->used));
	if (!sources->next || !sources->used)
		return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				  "out of memory");
	for (size_t i = count; i-- > 0;) {
		const quire_string source = quire_model_tensor(file, i)->source;
		/* A constant of the model may have no name, too. */
		const char *name = source.size > 0 ? source.data : "";
		size_t *head =
		    quire_table_find(&sources->first, 0, name, source.size);

		sources->next[i] = SIZE_MAX;
		if (head) {
			sources->next[i] = *head;
			*head = i;
			continue;
		}

		const quire_status status = quire_table_add(
		    &sources->first, 0, name, source.size, i, error);

		if (status != QUIRE_OK)
			return status;
	}
	return QUIRE_OK;
}

void quire_sources_free(struct sources *sources)
{
	quire_table_free(&sources->first);
	free(sources->next);
	free(sources->used);
}

const quire_tensor *quire_sources_take(struct sources *sources,
				       const char *name)
{
	size_t *head = quire_table_find(&sources->first, 0, name, strlen(name));

	if (!head || *head == SIZE_MAX)
		return NULL;

	const size_t taken = *head;

	*head = sources->next[taken];
	sources->used[taken] = true;
	return quire_model_tensor(sources->file, taken);
}

quire_status quire_sources_check(const struct sources *sources,
				 quire_error *error)
{
	for (size_t i = 0; i < quire_model_tensor_count(sources->file); i++) {
		const quire_tensor *tensor =
		    quire_model_tensor(sources->file, i);

		if (!sources->used[i])
			return quire_fail(
			    error, QUIRE_ERROR_NOT_FOUND, QUIRE_NO_OFFSET,
			    "tensor '%.*s' is of '%.*s', which is not a "
			    "weight of the model",
			    shown_size(tensor->name), tensor->name.data,
			    shown_size(tensor->source), tensor->source.data);
	}
	return QUIRE_OK;
}
