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

/* Goes from the last tensor to the first. */
quire_status quire_sources_index(const quire_model *file,
				 struct sources *sources, quire_error *error)
{
	const size_t count = quire_model_tensor_count(file);

	*sources = (struct sources){ .file = file };
	sources->next = calloc(count + 1, sizeof(*sources->next));
	sources->used = calloc(count + 1, sizeof(*sources->used));
	if (!sources->next || !sources->used)
		return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				  "out of memory");
	for (size_t i = count; i-- > 0;) {
		const quire_tensor *tensor = quire_model_tensor(file, i);
		const quire_string source = tensor->source;
		/* A constant of the model may have no name, too. */
		const char *name = source.size > 0 ? source.data : "";
		size_t *head =
		    quire_table_find(&sources->first, 0, name, source.size);

		sources->next[i] = SIZE_MAX;
		sources->used[i] = tensor->operation.size > 0;
		if (sources->used[i])
			continue;
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

/* Whether a tensor of a container is said to come from no constant (F-34 of
 * spec/format.md): the converter has made it. */
static bool is_made(const quire_model *file, const quire_tensor *tensor)
{
	return tensor->source.size == 0 &&
	       quire_model_find_value(file, "quire.tensor.source");
}

quire_status quire_sources_check(const struct sources *sources,
				 quire_error *error)
{
	for (size_t i = 0; i < quire_model_tensor_count(sources->file); i++) {
		const quire_tensor *tensor =
		    quire_model_tensor(sources->file, i);

		if (!sources->used[i] && !is_made(sources->file, tensor))
			return quire_fail(
			    error, QUIRE_ERROR_NOT_FOUND, QUIRE_NO_OFFSET,
			    "tensor '%.*s' is of '%.*s', which is not a "
			    "weight of the model",
			    shown_size(tensor->name), tensor->name.data,
			    shown_size(tensor->source), tensor->source.data);
	}
	return QUIRE_OK;
}
