/*
 * match.c - which linear of a container a node of the model is. A linear has
 * the name of its node, and its tensor the name of the constant with the codes.
 * Where nodes have no name, or equal ones, or a function's nodes were renamed,
 * one of the two is left; what is compared decides.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "onnxruntime/provider.h"

/* How well a linear fits a node, by names: higher is better. */
enum {
	FITS_LEVEL = 1,	  /* the accuracy level too: a tie-breaker */
	FITS_CHANGED = 2, /* numbered because it was taken, or inlined */
	FITS_NAME = 4,
	FITS_SOURCE = 8,
};

struct candidate {
	const quire_linear *linear;
	int fits;
};

struct candidates {
	struct candidate *items;
	size_t count, capacity;
	bool out_of_memory;
};

static bool is_text(quire_string string, const char *text)
{
	return string.size == strlen(text) &&
	       memcmp(string.data, text, string.size) == 0;
}

/* Whether a linear's name is the node's with a number, which the converter puts
 * before a final .weight or .bias. */
static bool is_numbered(quire_string name, const char *node)
{
	const char *ending = strrchr(node, '.');
	size_t stem;
	size_t rest;
	size_t digits = 0;

	if (!ending ||
	    (strcmp(ending, ".weight") != 0 && strcmp(ending, ".bias") != 0))
		ending = node + strlen(node);
	stem = (size_t)(ending - node);
	rest = strlen(ending);
	if (name.size < stem + 2 + rest || name.data[stem] != '_' ||
	    memcmp(name.data, node, stem) != 0 ||
	    memcmp(name.data + name.size - rest, ending, rest) != 0)
		return false;
	for (size_t i = stem + 1; i < name.size - rest; i++)
		digits += name.data[i] >= '0' && name.data[i] <= '9';
	return digits == name.size - rest - stem - 1;
}

/* Whether a name is what ONNX Runtime makes of another one when it inlines the
 * function that has it: _inlfunc_FUNCTION_NAME. */
static bool is_inlined(quire_string name, const char *inlined)
{
	static const char prefix[] = "_inlfunc_";
	const size_t size = strlen(inlined);

	return name.size > 0 && size > name.size + sizeof(prefix) - 1 &&
	       strncmp(inlined, prefix, sizeof(prefix) - 1) == 0 &&
	       inlined[size - name.size - 1] == '_' &&
	       memcmp(inlined + size - name.size, name.data, name.size) == 0;
}

static int fits(const struct node_group *group,
		const struct node_weight *weight, const quire_linear *linear)
{
	int found = 0;

	/* Its rows are not the node's, whatever its name. */
	if (linear->weight->operation.size > 0 ||
	    (linear->bias && linear->bias->operation.size > 0))
		return 0;
	if (weight->codes_name[0] &&
	    is_text(linear->weight->source, weight->codes_name))
		found += FITS_SOURCE;
	else if (is_inlined(linear->weight->source, weight->codes_name))
		found += FITS_CHANGED;
	if (group->name[0] && is_text(linear->name, group->name))
		found += FITS_NAME;
	else if (group->name[0] && (is_numbered(linear->name, group->name) ||
				    is_inlined(linear->name, group->name)))
		found += FITS_CHANGED;
	if (found > 0 && weight->accuracy_level == linear->accuracy_level)
		found += FITS_LEVEL;
	return found;
}

static void add(struct candidates *list, const quire_linear *linear, int found)
{
	struct candidate *items = quire_grow(list->items, &list->capacity,
					     list->count, sizeof(*items));
	size_t at;

	if (!items) {
		list->out_of_memory = true;
		return;
	}
	list->items = items;
	/* Best first; equal ones in the order of the container. */
	for (at = list->count++; at > 0 && items[at - 1].fits < found; at--)
		items[at] = items[at - 1];
	items[at] = (struct candidate){ linear, found };
}

/* Nearly always the node's name and its constant's lead to one linear, which no
 * other one fits as well as. */
static void find_named(const struct node_group *group,
		       const struct node_weight *weight,
		       const quire_model *model, struct candidates *list)
{
	const quire_linear *named =
	    group->name[0] ? quire_model_find_linear(model, group->name) : NULL;

	if (named && fits(group, weight, named) >= FITS_SOURCE + FITS_NAME)
		add(list, named, fits(group, weight, named));
}

/* Adds all but the one that find_named has added. */
static void find_others(const struct node_group *group,
			const struct node_weight *weight,
			const quire_model *model, struct candidates *list)
{
	const quire_linear *named =
	    list->count > 0 ? list->items[0].linear : NULL;
	const size_t count = quire_model_linear_count(model);

	for (size_t i = 0; i < count && !list->out_of_memory; i++) {
		const quire_linear *linear = quire_model_linear(model, i);
		const int found = fits(group, weight, linear);

		if (found > 0 && linear != named)
			add(list, linear, found);
	}
}

static bool same_numbers(const struct node_weight *weight,
			 const quire_linear *a, const quire_linear *b)
{
	return a->weight == b->weight &&
	       (a->bias == b->bias || !weight->has_bias);
}

/* Whether all candidates that may be meant have the same numbers. */
static bool are_alike(const struct candidates *list,
		      const struct node_weight *weight)
{
	for (size_t i = 1; i < list->count; i++)
		if (!same_numbers(weight, list->items[0].linear,
				  list->items[i].linear))
			return false;
	return true;
}

/* Without comparing, names must decide. */
static const quire_linear *choose_by_name(const struct candidates *list,
					  const struct node_weight *weight,
					  char **reason)
{
	const struct candidate *first = &list->items[0];

	if (list->count > 1 &&
	    (list->items[1].fits | FITS_LEVEL) == (first->fits | FITS_LEVEL) &&
	    !same_numbers(weight, list->items[1].linear, first->linear)) {
		*reason = quire_ort_text(
		    "linears '%.*s' and '%.*s' of the container fit it equally "
		    "well; without option check=none their weights decide",
		    (int)first->linear->name.size, first->linear->name.data,
		    (int)list->items[1].linear->name.size,
		    list->items[1].linear->name.data);
		return NULL;
	}
	return quire_node_compare(weight, first->linear, CHECK_NONE, reason)
		   ? first->linear
		   : NULL;
}

static const quire_linear *choose(const struct candidates *list,
				  const struct node_weight *weight,
				  enum check check, char **reason)
{
	char *first_reason = NULL;

	if (check == CHECK_NONE)
		return choose_by_name(list, weight, reason);
	/* A sample shows that a linear is the node's, but among several it may
	 * show that of more than one. */
	if (!are_alike(list, weight) &&
	    list->items[0].fits < FITS_SOURCE + FITS_NAME)
		check = CHECK_ALL;
	for (size_t i = 0; i < list->count; i++) {
		char *other = NULL;

		if (quire_node_compare(weight, list->items[i].linear, check,
				       &other)) {
			free(first_reason);
			return list->items[i].linear;
		}
		if (first_reason)
			free(other);
		else
			first_reason = other;
	}
	*reason = first_reason;
	return NULL;
}

const quire_linear *quire_node_match(struct model_files *files,
				     const struct node_group *group,
				     const quire_model *model, enum check check,
				     char **reason)
{
	struct candidates list = { .count = 0 };
	const quire_linear *linear = NULL;
	struct node_weight weight;

	*reason = NULL;
	if (!quire_node_weight_read(files, group, false, &weight, reason)) {
		free(*reason);
		*reason = NULL;
		return NULL;
	}
	find_named(group, &weight, model, &list);
	if (list.count == 0)
		find_others(group, &weight, model, &list);
	if (list.count > 0 && !list.out_of_memory &&
	    (check == CHECK_NONE ||
	     quire_node_weight_read(files, group, true, &weight, reason))) {
		linear = choose(&list, &weight, check, reason);
		/* The named one is not it: one of the others may be. */
		if (!linear && list.count == 1) {
			free(*reason);
			*reason = NULL;
			find_others(group, &weight, model, &list);
			if (!list.out_of_memory)
				linear = choose(&list, &weight, check, reason);
		}
	}
	if (list.out_of_memory && !linear)
		*reason = quire_ort_text("out of memory");
	free(list.items);
	return linear;
}

void quire_node_match_ahead(struct model_files *files,
			    const struct node_group *group,
			    const quire_model *model)
{
	const quire_linear *linear =
	    quire_model_find_linear(model, group->name);
	struct node_weight weight;
	char *reason = NULL;

	if (linear &&
	    quire_node_weight_read(files, group, true, &weight, &reason))
		quire_node_read_ahead(&weight, linear);
	free(reason);
}
