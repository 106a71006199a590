/*
 * lookup.c - finds tensors and linears by name, and a similar name if there is
 * none. Source names have no index; a linear search is fast enough.
 */
#include "cli/files/lookup.h"
#include "base/nearest.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

/* The name of a tensor has at most 63 bytes, a source name any number. */
#define SHOWN_NAME_CAPACITY 256

quire_model *lookup_model(const char *path, bool lenient)
{
	const quire_open_options options = { .allow_edited_header = lenient };
	quire_model *model = NULL;
	quire_error error;

	if (quire_model_open(path, &options, &model, &error) == QUIRE_OK)
		return model;
	trouble_with_file(path, &error);
	return NULL;
}

/* Several linears may have one weight with different k: the largest k leaves
 * nothing out. */
static struct lookup_operand bare_tensor(const quire_model *model,
					 const quire_tensor *tensor)
{
	const size_t count = quire_model_linear_count(model);
	uint64_t k = 0;

	for (size_t i = 0; i < count; i++) {
		const quire_linear *linear = quire_model_linear(model, i);

		if (linear->weight == tensor && linear->k > k)
			k = linear->k;
	}
	return (struct lookup_operand){
		.tensor = tensor,
		.k = k ? k : tensor->shape[0],
	};
}

static struct lookup_operand whole_linear(const quire_linear *linear)
{
	return (struct lookup_operand){
		.linear = linear,
		.tensor = linear->weight,
		.k = linear->k,
	};
}

static const quire_tensor *find_source(const quire_model *model,
				       const char *name)
{
	const size_t count = quire_model_tensor_count(model);

	for (size_t i = 0; i < count; i++) {
		const quire_tensor *tensor = quire_model_tensor(model, i);

		if (tensor->source.size && text_equal(tensor->source, name))
			return tensor;
	}
	return NULL;
}

static void offer_linears(const quire_model *model, struct nearest *near)
{
	const size_t count = quire_model_linear_count(model);

	for (size_t i = 0; i < count; i++)
		quire_nearest_offer(near, quire_model_linear(model, i)->name);
}

static void offer_tensors(const quire_model *model, struct nearest *near,
			  bool sources, uint32_t rank_min, uint32_t rank_max)
{
	const size_t count = quire_model_tensor_count(model);

	for (size_t i = 0; i < count; i++) {
		const quire_tensor *tensor = quire_model_tensor(model, i);

		if (tensor->rank < rank_min || tensor->rank > rank_max)
			continue;
		quire_nearest_offer(near, tensor->name);
		if (sources)
			quire_nearest_offer(near, tensor->source);
	}
}

static void report_unknown(const char *path, const char *what, const char *name,
			   const struct nearest *near)
{
	char shown[SHOWN_NAME_CAPACITY];

	if (!near->found) {
		trouble("%s: no %s '%s'; 'quire info' lists them", path, what,
			name);
		return;
	}
	text_shorten(shown, sizeof(shown), near->name);
	trouble("%s: no %s '%s', did you mean '%s'?", path, what, name, shown);
}

bool lookup_tensor(const quire_model *model, const char *path, const char *name,
		   struct lookup_operand *operand)
{
	const quire_tensor *tensor = quire_model_find_tensor(model, name);
	const quire_linear *linear = quire_model_find_linear(model, name);
	struct nearest near = quire_nearest_to(name);

	if (!tensor && linear) {
		*operand = whole_linear(linear);
		return true;
	}
	if (!tensor)
		tensor = find_source(model, name);
	if (tensor) {
		*operand = bare_tensor(model, tensor);
		return true;
	}
	offer_tensors(model, &near, false, 1, 4);
	offer_linears(model, &near);
	if (!near.found)
		offer_tensors(model, &near, true, 1, 4);
	report_unknown(path, "tensor", name, &near);
	return false;
}

bool lookup_matrix(const quire_model *model, const char *path, const char *name,
		   struct lookup_operand *operand)
{
	const quire_linear *linear = quire_model_find_linear(model, name);
	const quire_tensor *tensor = quire_model_find_tensor(model, name);
	struct nearest near = quire_nearest_to(name);

	if (linear) {
		*operand = whole_linear(linear);
		return true;
	}
	if (tensor && tensor->rank == 2) {
		*operand = bare_tensor(model, tensor);
		return true;
	}
	if (tensor) {
		trouble("%s: tensor '%s' is not a matrix: it has rank %u", path,
			name, (unsigned)tensor->rank);
		return false;
	}
	offer_linears(model, &near);
	if (!near.found)
		offer_tensors(model, &near, false, 2, 2);
	report_unknown(path, "linear or matrix", name, &near);
	return false;
}
