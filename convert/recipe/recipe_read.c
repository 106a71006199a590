/*
 * recipe_read.c - turns the nodes of a recipe into its rules. Each key has a
 * reader, read_<key>.
 */
#include <string.h>

#include "base/nearest.h"
#include "convert/recipe/recipe_private.h"
#include "format/parse.h"
#include "format/value.h"

struct reading {
	const char *name;
	struct recipe *recipe;
	quire_error *error;
};

typedef quire_status (*read_fn)(const struct reading *in,
				const struct recipe_node *node);

static size_t child_count(const struct recipe_node *node)
{
	size_t count = 0;

	for (node = node->first; node; node = node->next)
		count++;
	return count;
}

static quire_status expect_scalar(const struct reading *in,
				  const struct recipe_node *node,
				  const char *what)
{
	if (node->kind == RECIPE_SCALAR && !node->tag)
		return QUIRE_OK;
	return quire_recipe_fail(in->name, node, in->error, "expected %s",
				 what);
}

/* An empty value stands for an empty map. */
static quire_status expect_map(const struct reading *in,
			       const struct recipe_node *node, const char *what)
{
	if ((node->kind == RECIPE_MAP && !node->tag) ||
	    (node->kind == RECIPE_SCALAR && node->size == 0 && !node->quoted))
		return QUIRE_OK;
	return quire_recipe_fail(in->name, node, in->error, "expected %s",
				 what);
}

/* The message names the known name that is nearest, if one is near. */
static quire_status fail_unknown(const struct reading *in,
				 const struct recipe_node *node,
				 const char *what, const char *(*names)(size_t))
{
	struct nearest near = quire_nearest_to(node->text);
	const char *name;

	for (size_t i = 0; (name = names(i)); i++)
		quire_nearest_offer(&near, quire_string_of(name));
	if (near.found)
		return quire_recipe_fail(in->name, node, in->error,
					 "unknown %s '%.60s', did you mean "
					 "'%s'?",
					 what, node->text, near.name.data);
	return quire_recipe_fail(in->name, node, in->error,
				 "unknown %s '%.60s'", what, node->text);
}

static quire_status read_pattern(const struct reading *in,
				 const struct recipe_node *node,
				 struct recipe_pattern *pattern)
{
	const quire_status status =
	    expect_scalar(in, node, "a pattern of names");
	const char *problem;

	if (status != QUIRE_OK)
		return status;
	pattern->text = node->text;
	pattern->line = node->line;
	pattern->column = node->column;
	if (quire_pattern_parse(&pattern->pattern, node->text, node->size,
				&in->recipe->arena, &problem))
		return QUIRE_OK;
	if (!problem)
		return quire_recipe_fail_memory(in->error);
	return quire_recipe_fail(in->name, node, in->error, "'%.60s': %s",
				 node->text, problem);
}

/* One pattern, or a list of them. */
static quire_status read_patterns(const struct reading *in,
				  const struct recipe_node *node,
				  struct recipe_pattern **patterns,
				  size_t *count)
{
	const struct recipe_node *item = node;
	quire_status status = QUIRE_OK;

	if (node->kind == RECIPE_MAP || node->tag)
		return quire_recipe_fail(in->name, node, in->error,
					 "expected a list of patterns");
	if (node->kind == RECIPE_LIST)
		item = node->first;
	*patterns =
	    quire_arena_own(&in->recipe->arena,
			    node->kind == RECIPE_LIST ? child_count(node) : 1,
			    sizeof(**patterns));
	if (!*patterns)
		return quire_recipe_fail_memory(in->error);
	for (; item && status == QUIRE_OK;
	     item = node->kind == RECIPE_LIST ? item->next : NULL)
		status = read_pattern(in, item, &(*patterns)[(*count)++]);
	return status;
}

static quire_status read_take(const struct reading *in,
			      const struct recipe_node *node)
{
	if (node->kind == RECIPE_LIST && !node->first)
		return quire_recipe_fail(in->name, node, in->error,
					 "an empty list takes nothing");
	return read_patterns(in, node, &in->recipe->take,
			     &in->recipe->take_count);
}

static quire_status read_leave(const struct reading *in,
			       const struct recipe_node *node)
{
	return read_patterns(in, node, &in->recipe->leave,
			     &in->recipe->leave_count);
}

static quire_status read_rename_rule(const struct reading *in,
				     const struct recipe_node *from,
				     const struct recipe_node *to,
				     struct recipe_rename *rename)
{
	const char *problem;
	quire_status status = read_pattern(in, from, &rename->from);

	if (status == QUIRE_OK)
		status = expect_scalar(in, to, "a new name");
	if (status != QUIRE_OK)
		return status;
	rename->to_text = to->text;
	if (quire_pattern_parse_template(&rename->to, to->text, to->size,
					 &rename->from.pattern,
					 &in->recipe->arena, &problem))
		return QUIRE_OK;
	if (!problem)
		return quire_recipe_fail_memory(in->error);
	return quire_recipe_fail(in->name, to, in->error, "'%.60s': %s",
				 to->text, problem);
}

static quire_status read_rename(const struct reading *in,
				const struct recipe_node *node)
{
	struct recipe *recipe = in->recipe;
	quire_status status =
	    expect_map(in, node, "a map of patterns and new names");

	if (status != QUIRE_OK)
		return status;
	recipe->renames = quire_arena_own(&recipe->arena, child_count(node) / 2,
					  sizeof(*recipe->renames));
	if (!recipe->renames)
		return quire_recipe_fail_memory(in->error);
	for (node = node->first; node && status == QUIRE_OK;
	     node = node->next->next)
		status =
		    read_rename_rule(in, node, node->next,
				     &recipe->renames[recipe->rename_count++]);
	return status;
}

/* Finds a scalar among names: *index is its number. `expected` lists them. */
static char lower_case(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* GGUF's names of types are in upper case, those of recipes in lower. */
static bool same_any_case(const char *a, const char *b)
{
	while (*a && lower_case(*a) == lower_case(*b)) {
		a++;
		b++;
	}
	return *a == *b;
}

static quire_status read_choice(const struct reading *in,
				const struct recipe_node *node,
				const char *what, const char *expected,
				const char *(*names)(size_t), size_t *index)
{
	const quire_status status = expect_scalar(in, node, expected);
	const char *name;

	if (status != QUIRE_OK)
		return status;
	for (size_t i = 0; (name = names(i)); i++)
		if (same_any_case(name, node->text)) {
			*index = i;
			return QUIRE_OK;
		}
	return fail_unknown(in, node, what, names);
}

static const char *dense_name(size_t index)
{
	return quire_recipe_dense_name((enum recipe_dense)index);
}

static quire_status read_dense_type(const struct reading *in,
				    const struct recipe_node *node,
				    enum recipe_dense *type)
{
	size_t index = 0;
	const quire_status status =
	    read_choice(in, node, "type of dense tensors",
			"keep, f32, f16 or bf16", dense_name, &index);

	*type = (enum recipe_dense)index;
	return status;
}

/* One type for all tensors is one rule, for "*". */
static quire_status read_dense(const struct reading *in,
			       const struct recipe_node *node)
{
	static const struct recipe_node all = { .kind = RECIPE_SCALAR,
						.text = "*",
						.size = 1 };
	struct recipe *recipe = in->recipe;
	const struct recipe_node *name = node->first;
	quire_status status = QUIRE_OK;

	recipe->dense = quire_arena_own(
	    &recipe->arena, child_count(node) / 2 + 1, sizeof(*recipe->dense));
	if (!recipe->dense)
		return quire_recipe_fail_memory(in->error);
	if (node->kind == RECIPE_SCALAR && node->size > 0) {
		recipe->dense_count = 1;
		status = read_pattern(in, &all, &recipe->dense->names);
		return status == QUIRE_OK
			   ? read_dense_type(in, node, &recipe->dense->type)
			   : status;
	}
	status = expect_map(in, node, "a type, or a map of patterns and types");
	for (; name && status == QUIRE_OK; name = name->next->next) {
		struct recipe_dense_rule *rule =
		    &recipe->dense[recipe->dense_count++];

		status = read_pattern(in, name, &rule->names);
		if (status == QUIRE_OK)
			status = read_dense_type(in, name->next, &rule->type);
	}
	return status;
}

static const char *fallback_name(size_t index)
{
	return quire_recipe_fallback_name(
	    (quire_fallback)(index + QUIRE_FALLBACK_F32));
}

static const char *unsupported_name(size_t index)
{
	return index == 0 ? "error" : index == 1 ? "leave" : NULL;
}

static quire_status read_unsupported(const struct reading *in,
				     const struct recipe_node *node)
{
	size_t index = 0;
	const quire_status status = read_choice(
	    in, node, "choice", "error or leave", unsupported_name, &index);

	in->recipe->leave_unsupported = index == 1;
	return status;
}

static quire_status read_fallback(const struct reading *in,
				  const struct recipe_node *node)
{
	size_t index = 0;
	const quire_status status = read_choice(
	    in, node, "fallback", "f32, f16 or error", fallback_name, &index);

	in->recipe->fallback = (quire_fallback)(index + QUIRE_FALLBACK_F32);
	return status;
}

static quire_status read_size(const struct reading *in,
			      const struct recipe_node *node, uint64_t *size)
{
	const quire_status status =
	    expect_scalar(in, node, "a size such as 4G or 16384");

	if (status != QUIRE_OK || quire_size_parse(node->text, size))
		return status;
	return quire_recipe_fail(in->name, node, in->error,
				 "'%.60s' is not a size such as 4G or 16384",
				 node->text);
}

static quire_status read_alignment(const struct reading *in,
				   const struct recipe_node *node)
{
	uint64_t size;
	const quire_status status = read_size(in, node, &size);

	if (status != QUIRE_OK)
		return status;
	if (size < QUIRE_ALIGNMENT_DEFAULT || size > QUIRE_ALIGNMENT_MAX ||
	    (size & (size - 1)) != 0)
		return quire_recipe_fail(in->name, node, in->error,
					 "'%.60s' is not a power of two from "
					 "%d to %d",
					 node->text, QUIRE_ALIGNMENT_DEFAULT,
					 QUIRE_ALIGNMENT_MAX);
	in->recipe->alignment = (uint32_t)size;
	return QUIRE_OK;
}

static quire_status read_split_size(const struct reading *in,
				    const struct recipe_node *node)
{
	return read_size(in, node, &in->recipe->split_size);
}

/* Why a recipe may not set a key; NULL: it may. */
static const char *why_reserved(const struct recipe_node *key)
{
	if (key->size == 0 || key->size > QUIRE_KEY_MAX_SIZE)
		return "a key has 1 to 65535 bytes [F-6]";
	for (size_t i = 0; i < key->size; i++)
		if (key->text[i] < '!' || key->text[i] > '~')
			return "a key is printable ASCII without spaces [F-6]";
	if (strcmp(key->text, "general.alignment") == 0)
		return "set it by 'alignment', beside 'metadata'";
	if (strcmp(key->text, "general.quantization_version") == 0)
		return "it is always 2";
	if (strncmp(key->text, "quire.", 6) == 0 ||
	    strncmp(key->text, "split.", 6) == 0)
		return "the converter sets keys of quire. and split.";
	return NULL;
}

static quire_status read_metadata(const struct reading *in,
				  const struct recipe_node *node)
{
	struct recipe *recipe = in->recipe;
	quire_status status = expect_map(in, node, "a map of keys and values");

	if (status != QUIRE_OK)
		return status;
	recipe->values = quire_arena_own(&recipe->arena, child_count(node) / 2,
					 sizeof(*recipe->values));
	if (!recipe->values)
		return quire_recipe_fail_memory(in->error);
	for (node = node->first; node && status == QUIRE_OK;
	     node = node->next->next) {
		struct recipe_value *value =
		    &recipe->values[recipe->value_count++];
		const char *reserved = why_reserved(node);

		if (reserved)
			return quire_recipe_fail(in->name, node, in->error,
						 "key '%.60s': %s", node->text,
						 reserved);
		value->key = node->text;
		status = quire_recipe_read_value(in->name, node->next,
						 &recipe->arena, &value->value,
						 in->error);
	}
	return status;
}

#define KEY(name) { #name, read_##name },
static const struct {
	const char *name;
	read_fn read;
} keys[] = { RECIPE_KEYS(KEY) };
#undef KEY

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

static const char *key_name(size_t index)
{
	return index < KEY_COUNT ? keys[index].name : NULL;
}

static quire_status read_key(const struct reading *in,
			     const struct recipe_node *key)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (strcmp(keys[i].name, key->text) == 0)
			return keys[i].read(in, key->next);
	return fail_unknown(in, key, "key", key_name);
}

static quire_status keep_name(const struct reading *in)
{
	const size_t size = strlen(in->name) + 1;
	char *name = quire_arena_own(&in->recipe->arena, size, 1);

	if (!name)
		return quire_recipe_fail_memory(in->error);
	memcpy(name, in->name, size);
	in->recipe->name = name;
	return QUIRE_OK;
}

quire_status quire_recipe_parse(const char *name, const void *text, size_t size,
				struct recipe *recipe, quire_error *error)
{
	struct recipe made = { .take = NULL };
	const struct reading in = { name, &made, error };
	struct recipe_node *root = NULL;
	quire_status status =
	    quire_recipe_read_yaml(name, text, size, &made.arena, &root, error);

	if (status == QUIRE_OK && root)
		status =
		    expect_map(&in, root, "a map of keys such as 'rename:'");
	if (status == QUIRE_OK && root)
		for (const struct recipe_node *key = root->first;
		     key && status == QUIRE_OK; key = key->next->next)
			status = read_key(&in, key);
	if (status == QUIRE_OK)
		status = keep_name(&in);
	if (status == QUIRE_OK)
		*recipe = made;
	else
		quire_recipe_free(&made);
	return status;
}
