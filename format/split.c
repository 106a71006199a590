/*
 * split.c - split sets, F-41 and F-43 to F-48: the keys that say a part's
 * place, and one index made of those of all parts. Files and their names (F-42)
 * are the loader's.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "format/parse.h"
#include "format/value.h"

static const struct quire_entry *find(const struct quire_index *index,
				      const char *key)
{
	const size_t item =
	    quire_names_find(&index->value_names, quire_string_of(key));

	return item == QUIRE_NO_ITEM ? NULL : &index->values[item];
}

/* F-41 */
static quire_status fail_key(const unsigned char *bytes,
			     const struct quire_entry *entry, const char *text,
			     quire_error *error)
{
	const uint64_t offset =
	    entry ? quire_string_offset(bytes, entry->key) : QUIRE_NO_OFFSET;

	return quire_fail(error, QUIRE_ERROR_LAYOUT, offset, "%s [F-41]", text);
}

/* F-43 */
static quire_status fail_place(const unsigned char *bytes,
			       const struct quire_entry *entry,
			       const char *text, quire_error *error)
{
	const uint64_t offset =
	    entry ? quire_string_offset(bytes, entry->key) : QUIRE_NO_OFFSET;

	return quire_fail(error, QUIRE_ERROR_LAYOUT, offset, "%s", text);
}

#define OTHER_SIZE  "it belongs to a set of another size [F-43]"
#define OTHER_PLACE "it is not the part that its name says [F-43]"

quire_status quire_parse_place(const unsigned char *bytes,
			       const struct quire_parse_options *options,
			       const struct quire_index *index,
			       quire_error *error)
{
	const struct quire_entry *count = find(index, "split.count");
	const struct quire_entry *no = find(index, "split.no");

	if (options->set_count == 0)
		return QUIRE_OK;
	if (count && count->value.type != QUIRE_VALUE_U16)
		return fail_key(bytes, count, "split.count is not a u16",
				error);
	if (!count || count->value.as.u != options->set_count)
		return fail_place(bytes, count, OTHER_SIZE, error);
	if (!no || no->value.type != QUIRE_VALUE_U16 ||
	    no->value.as.u >= count->value.as.u)
		return fail_key(bytes, no,
				"split.no is not a u16 below split.count",
				error);
	if (no->value.as.u != options->set_no)
		return fail_place(bytes, no, OTHER_PLACE, error);
	return QUIRE_OK;
}

quire_status quire_parse_split(const unsigned char *bytes,
			       const struct quire_parse_options *options,
			       struct quire_index *index, quire_error *error)
{
	const struct quire_entry *count = find(index, "split.count");
	const struct quire_entry *no = find(index, "split.no");
	const struct quire_entry *tensors = find(index, "split.tensors.count");

	if (!count)
		return QUIRE_OK;
	if (count->value.type != QUIRE_VALUE_U16)
		return fail_key(bytes, count, "split.count is not a u16",
				error);
	if (count->value.as.u == 0) /* llama-gguf-split has merged it */
		return QUIRE_OK;
	if (!no || no->value.type != QUIRE_VALUE_U16 ||
	    no->value.as.u >= count->value.as.u)
		return fail_key(bytes, no,
				"split.no is not a u16 below split.count",
				error);
	if (!tensors || tensors->value.type != QUIRE_VALUE_I32 ||
	    tensors->value.as.i < 0 ||
	    (uint64_t)tensors->value.as.i < index->tensor_count)
		return fail_key(bytes, tensors,
				"split.tensors.count is not an i32 that counts "
				"this file's tensors at least",
				error);
	index->split.no = (uint32_t)no->value.as.u;
	index->split.count = (uint32_t)count->value.as.u;
	index->split.tensor_count = (uint64_t)tensors->value.as.i;
	if (index->split.count == 1 || options->take_part)
		return QUIRE_OK;
	return quire_fail(error, QUIRE_ERROR_UNSUPPORTED,
			  quire_string_offset(bytes, count->key),
			  "part %" PRIu32 " of %" PRIu32
			  " of a split set: such a set is opened by path",
			  index->split.no + 1, index->split.count);
}

struct join {
	struct quire_parsed_part *parts;
	size_t count;
	size_t *culprit;
	quire_error *error;
};

static quire_status fail_part(const struct join *join, size_t part,
			      const char *key, const char *text)
{
	const struct quire_parsed_part *its = &join->parts[part];
	const struct quire_entry *entry = key ? find(&its->index, key) : NULL;
	const uint64_t offset =
	    entry ? quire_string_offset(its->bytes, entry->key)
		  : QUIRE_NO_OFFSET;

	*join->culprit = part;
	return quire_fail(join->error, QUIRE_ERROR_LAYOUT, offset, "%s", text);
}

/* Which of two parts that disagree is wrong: the first, if its header does not
 * match its checksum while the other's does. */
static size_t wrong_part(const struct join *join, size_t other)
{
	const struct quire_index *first = &join->parts[0].index;
	const struct quire_index *index = &join->parts[other].index;

	return first->info.header_edited && index->info.quire_version > 0 &&
		       !index->info.header_edited
		   ? 0
		   : other;
}

/* F-43, F-44, F-46 */
static quire_status check_places(const struct join *join, uint64_t *total)
{
	const struct quire_index *first = &join->parts[0].index;

	*total = 0;
	for (size_t i = 0; i < join->count; i++) {
		const struct quire_index *index = &join->parts[i].index;

		if (index->split.count != join->count)
			return fail_part(join, i, "split.count", OTHER_SIZE);
		if (index->split.no != i)
			return fail_part(join, i, "split.no", OTHER_PLACE);
		if (index->split.tensor_count != first->split.tensor_count)
			return fail_part(join, wrong_part(join, i),
					 "split.tensors.count",
					 "it belongs to a set of another "
					 "number of tensors [F-43]");
		if ((index->info.quire_version == 0) !=
		    (first->info.quire_version == 0))
			return fail_part(join, i, NULL,
					 "some parts of this set are "
					 "containers, and some are not [F-46]");
		*total += index->tensor_count;
	}
	if (*total == first->split.tensor_count)
		return QUIRE_OK;
	return fail_part(join, 0, "split.tensors.count",
			 "the parts together have another number of tensors "
			 "[F-44]");
}

/* F-47 */
static quire_status check_checksums(const struct join *join)
{
	static const char key[] = "quire.split.xxh3";
	const struct quire_entry *entry = find(&join->parts[0].index, key);
	quire_array rest;
	quire_value expected;

	if (!entry || entry->value.type != QUIRE_VALUE_ARRAY ||
	    entry->value.as.a.type != QUIRE_VALUE_U64 ||
	    entry->value.as.a.count != join->count)
		return fail_part(join, 0, key,
				 "quire.split.xxh3 is not an array of u64, one "
				 "for each part [F-47]");
	rest = entry->value.as.a;
	/* Numbers: none is missing. */
	if (!quire_array_next(&rest, &expected) || expected.as.u != 0)
		return fail_part(join, 0, key,
				 "quire.split.xxh3 does not begin with 0 "
				 "[F-47]");
	for (size_t i = 1; i < join->count; i++) {
		const struct quire_index *index = &join->parts[i].index;
		const quire_value *actual =
		    quire_index_value(index, "quire.header.xxh3");

		if (!quire_array_next(&rest, &expected) ||
		    index->info.header_edited || actual->as.u == expected.as.u)
			continue;
		if (wrong_part(join, i) == 0)
			return fail_part(join, 0, key,
					 "its header does not match its "
					 "checksum, and quire.split.xxh3 is "
					 "not that of the other parts [F-47]");
		return fail_part(join, i, "quire.header.xxh3",
				 "it is a part of another set [F-47]");
	}
	return QUIRE_OK;
}

/* F-48 */
static quire_status check_tables(const struct join *join)
{
	static const char *const keys[] = {
		"quire.linear.name",	       "quire.linear.weight",
		"quire.linear.bias",	       "quire.linear.k",
		"quire.linear.accuracy_level",
	};

	for (size_t i = 1; i < join->count; i++)
		for (size_t key = 0; key < sizeof(keys) / sizeof(*keys); key++)
			if (find(&join->parts[i].index, keys[key]))
				return fail_part(join, i, keys[key],
						 "a table of linear layers in "
						 "a part that is not the first "
						 "[F-48]");
	return QUIRE_OK;
}

/* All tensors, part by part, and F-45. */
static quire_status join_tensors(const struct join *join,
				 const struct quire_parse_options *options,
				 uint64_t total, struct quire_index *joined)
{
	size_t second;
	quire_status status;

	joined->tensors =
	    calloc(total > 0 ? (size_t)total : 1, sizeof(*joined->tensors));
	if (!joined->tensors)
		return quire_fail_memory(join->error,
					 total * sizeof(*joined->tensors));
	for (size_t i = 0; i < join->count; i++) {
		const struct quire_index *index = &join->parts[i].index;

		for (size_t tensor = 0; tensor < index->tensor_count;
		     tensor++) {
			quire_tensor *copy =
			    &joined->tensors[joined->tensor_count++];

			*copy = index->tensors[tensor];
			copy->part = (uint32_t)i;
		}
	}
	status = quire_names_build(
	    &joined->tensor_names, joined->tensors, sizeof(*joined->tensors),
	    joined->tensor_count, options->seed, &second, join->error);
	if (status != QUIRE_OK || second == QUIRE_NO_ITEM)
		return status;
	*join->culprit = joined->tensors[second].part;
	return quire_fail(join->error, QUIRE_ERROR_LAYOUT,
			  quire_string_offset(join->parts[*join->culprit].bytes,
					      joined->tensors[second].name),
			  "tensor '%.*s' is in the set twice [F-45]",
			  QUIRE_PRINT(joined->tensors[second].name));
}

/* The info of the set: that of the first part, and the sums over all parts. */
static void join_info(const struct join *join, struct quire_index *joined)
{
	joined->info = join->parts[0].index.info;
	joined->split = join->parts[0].index.split;
	for (size_t i = 1; i < join->count; i++) {
		const quire_model_info *info = &join->parts[i].index.info;

		joined->info.file_size += info->file_size;
		joined->info.header_edited |= info->header_edited;
	}
}

quire_status quire_parse_join(struct quire_parsed_part *parts, size_t count,
			      const struct quire_parse_options *options,
			      struct quire_index *joined, size_t *culprit,
			      quire_error *error)
{
	const struct join join = { parts, count, culprit, error };
	struct quire_index *first = &parts[0].index;
	struct quire_index made = { .values = NULL };
	uint64_t total;
	quire_status status;

	*culprit = 0;
	status = check_places(&join, &total);
	if (status == QUIRE_OK && first->info.quire_version > 0)
		status = check_checksums(&join);
	if (status == QUIRE_OK && first->info.quire_version > 0)
		status = check_tables(&join);
	if (status == QUIRE_OK)
		status = join_tensors(&join, options, total, &made);
	join_info(&join, &made);
	/* `made` borrows the first part's values, from which the table of
	 * linears is read, and keeps them if that succeeds. */
	made.values = first->values;
	made.value_count = first->value_count;
	made.value_names = first->value_names;
	if (status == QUIRE_OK && first->info.quire_version > 0)
		status =
		    quire_parse_linears(parts[0].bytes, options, &made, error);
	if (status != QUIRE_OK) {
		made.values = NULL;
		made.value_names = (struct item_index){ 0 };
		quire_index_free(&made);
		return status;
	}
	first->values = NULL;
	first->value_names = (struct item_index){ 0 };
	for (size_t i = 0; i < count; i++)
		quire_index_free(&parts[i].index);
	*joined = made;
	return QUIRE_OK;
}
