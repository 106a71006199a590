/*
 * parts.c - finds the files of a split set by the name of one, F-42. Their
 * contents, and whether they belong together, are the parser's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/grow.h"
#include "loader/open.h"

/* "-00001-of-00002.gguf"; a u16 has five digits at most. */
#define SUFFIX_SIZE 20

static void print_suffix(char suffix[SUFFIX_SIZE + 1], uint32_t no,
			 uint32_t count)
{
	/* Both are u16, which the compiler does not know. */
	snprintf(suffix, SUFFIX_SIZE + 1, "-%05u-of-%05u.gguf",
		 (no + 1) % 100000, count % 100000);
}

/* The path of part `no`: `path` with another suffix. NULL: out of memory. */
static char *sibling_path(const char *path, uint32_t no, uint32_t count)
{
	const size_t size = strlen(path);
	char *sibling = malloc(size + 1);

	if (!sibling)
		return NULL;
	memcpy(sibling, path, size - SUFFIX_SIZE);
	print_suffix(sibling + size - SUFFIX_SIZE, no, count);
	return sibling;
}

static quire_status check_name(const struct opening *opening,
			       const struct quire_split *split)
{
	const char *path = opening->parts[0].path;
	const size_t size = strlen(path);
	char suffix[SUFFIX_SIZE + 1];

	print_suffix(suffix, split->no, split->count);
	if (size >= SUFFIX_SIZE &&
	    strcmp(path + size - SUFFIX_SIZE, suffix) == 0)
		return QUIRE_OK;
	return quire_fail_file(opening->error, QUIRE_ERROR_LAYOUT, path,
			       QUIRE_NO_OFFSET,
			       "part %" PRIu32 " of %" PRIu32
			       " of a split set, whose name does not end with "
			       "'%s' [F-42]",
			       split->no + 1, split->count, suffix);
}

/* Makes room for all parts, and puts the open one in its place. */
static quire_status make_room(struct opening *opening,
			      const struct quire_split *split)
{
	const size_t count = split->count;
	struct model_part *parts = calloc(count, sizeof(*parts));
	struct quire_parsed_part *parsed = calloc(count, sizeof(*parsed));

	if (!parts || !parsed) {
		free(parts);
		free(parsed);
		return quire_fail_memory(opening->error,
					 count * sizeof(*parts));
	}
	parts[split->no] = opening->parts[0];
	parsed[split->no] = opening->parsed[0];
	free(opening->parts);
	free(opening->parsed);
	opening->parts = parts;
	opening->parsed = parsed;
	opening->part_count = count;
	return QUIRE_OK;
}

/* The file of a part. */
struct sibling {
	uint64_t device, number;
	uint32_t no;
};

struct siblings {
	struct sibling *items;
	size_t count, capacity;
};

static quire_status note(const struct opening *opening,
			 struct siblings *siblings, uint32_t no,
			 const struct file_facts *facts)
{
	struct sibling *items = quire_grow(siblings->items, &siblings->capacity,
					   siblings->count, sizeof(*items));

	if (!items)
		return quire_fail_memory(opening->error, sizeof(*items));
	siblings->items = items;
	items[siblings->count++] =
	    (struct sibling){ facts->device, facts->number, no };
	return QUIRE_OK;
}

/* Whether all files exist is checked before memory is allocated for them: a
 * number in one small file must not cost megabytes. */
static quire_status find_sibling(const struct opening *opening,
				 const struct quire_split *split, uint32_t no,
				 struct siblings *siblings)
{
	char *sibling = sibling_path(opening->parts[0].path, no, split->count);
	quire_status status = QUIRE_OK;
	struct file_facts facts;

	if (!sibling)
		return quire_fail_memory(opening->error,
					 strlen(opening->parts[0].path) + 1);
	/* What else stat may say, opening says with its reason. */
	if (quire_path_facts(sibling, &facts))
		status = note(opening, siblings, no, &facts);
	else if (errno == ENOENT)
		status = quire_fail_file(opening->error, QUIRE_ERROR_NOT_FOUND,
					 sibling, QUIRE_NO_OFFSET,
					 "part %" PRIu32 " of %" PRIu32
					 " of the split set is missing [F-43]",
					 no + 1, (uint32_t)split->count);
	free(sibling);
	return status;
}

static int compare_siblings(const void *left, const void *right)
{
	const struct sibling *a = left, *b = right;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return a->no < b->no ? -1 : 1;
}

/* F-43: one file has one split.no. Names of one file would else cost as much
 * as so many files. */
static quire_status check_siblings(const struct opening *opening,
				   struct siblings *siblings)
{
	struct sibling *items = siblings->items;

	qsort(items, siblings->count, sizeof(*items), compare_siblings);
	for (size_t i = 1; i < siblings->count; i++)
		if (items[i].device == items[i - 1].device &&
		    items[i].number == items[i - 1].number)
			return quire_fail_file(
			    opening->error, QUIRE_ERROR_LAYOUT,
			    opening->parts[0].path, QUIRE_NO_OFFSET,
			    "parts %" PRIu32 " and %" PRIu32
			    " of its set are one and the same file [F-43]",
			    items[i - 1].no + 1, items[i].no + 1);
	return QUIRE_OK;
}

static quire_status find_siblings(const struct opening *opening,
				  const struct quire_split *split)
{
	struct siblings siblings = { .items = NULL };
	quire_status status =
	    note(opening, &siblings, split->no, &opening->parts[0].map.facts);

	for (uint32_t i = 0; i < split->count && status == QUIRE_OK; i++)
		if (i != split->no)
			status = find_sibling(opening, split, i, &siblings);
	if (status == QUIRE_OK)
		status = check_siblings(opening, &siblings);
	free(siblings.items);
	return status;
}

static quire_status open_sibling(struct opening *opening, size_t part,
				 const char *path)
{
	opening->parts[part].path =
	    sibling_path(path, (uint32_t)part, (uint32_t)opening->part_count);
	if (!opening->parts[part].path)
		return quire_fail_memory(opening->error, strlen(path) + 1);
	opening->parse.set_count = (uint32_t)opening->part_count;
	opening->parse.set_no = (uint32_t)part;
	return quire_open_part(opening, part);
}

quire_status quire_open_siblings(struct opening *opening)
{
	const struct quire_split split = opening->parsed[0].index.split;
	quire_status status = check_name(opening, &split);

	if (status == QUIRE_OK)
		status = find_siblings(opening, &split);
	if (status == QUIRE_OK)
		status = make_room(opening, &split);
	for (size_t i = 0; i < split.count && status == QUIRE_OK; i++)
		if (i != split.no)
			status = open_sibling(opening, i,
					      opening->parts[split.no].path);
	return status;
}
