/*
 * match_entries.c - pairs the paths of a list with files. Where FILE ends in
 * FILE:TENSOR is not certain, because both may have colons and slashes. Each
 * beginning that ends at a colon and has the last name of a file is tried: a
 * cut.
 */
#include "cli/verify/match_entries.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/grow.h"
#include "cli/ui/text.h"
#include "cli/verify/match_path.h"

/* A tensor's name has at most 63 bytes (F-12), printed as \xNN each. */
#define TENSOR_NAME_MAX ((size_t)63 * 4)

/* Cuts of one entry. One or two are likely; more of them only cost time. */
#define CUTS_MAX 4

/* Pairs of a path of the list and a file: more than an honest list needs. */
#define PAIRS_MAX ((size_t)1 << 22)

/* A path of the list. */
struct group {
	quire_string path;
	bool exact;	    /* it has no escapes */
	unsigned long line; /* where it is first */
	size_t subject;	    /* the file, or QUIRE_NO_ITEM */
	size_t score;
	size_t seen; /* pairs of one score */
};

struct pair {
	size_t score;
	size_t group, subject;
	bool live; /* both were free when its score's turn came */
};

struct matching {
	const struct match_files *files;
	const struct manifest *manifest;
	struct group *groups;
	size_t group_count, group_capacity;
	struct table group_table;
	struct pair *pairs;
	size_t pair_count, pair_capacity;
	/* For each file: whether it has a path, and as in struct group. */
	bool *taken;
	size_t *seen;
};

/* -------------------------------------------------------------------- cuts */

/* The cuts of an entry, from the shortest to the longest. */
struct cuts {
	const struct match_files *files;
	const struct manifest_entry *entry;
	size_t whole;	   /* size of the name */
	quire_string path; /* the cut */
	size_t first;	   /* file with its last name */
	size_t found;
};

static struct cuts cuts_of(const struct match_files *files,
			   const struct manifest_entry *entry)
{
	return (struct cuts){ .files = files,
			      .entry = entry,
			      .whole = strlen(entry->name),
			      .path = { entry->name, 0 } };
}

/* The end of the next cut, whatever its last name is. */
static size_t next_end(const struct cuts *cuts)
{
	const char *name = cuts->entry->name;
	const size_t whole = cuts->whole;
	const char *colon = NULL;
	size_t from = cuts->path.size + 1;

	/* A tensor's name is not longer. */
	if (whole > TENSOR_NAME_MAX + 1 && from < whole - TENSOR_NAME_MAX - 1)
		from = whole - TENSOR_NAME_MAX - 1;
	if (cuts->entry->what == DIGEST_TENSORS && from < whole)
		colon = memchr(name + from, ':', whole - from);
	return colon ? (size_t)(colon - name) : whole;
}

/* Whether a path of the list may mean a file by this name: an exact one means
 * it by its own path only, and not by the escaped one. */
static bool may_mean(const struct match_files *files, size_t file, bool exact)
{
	return !exact || files->files[file].subject == file;
}

static size_t first_file(const struct match_files *files, quire_string path,
			 bool exact)
{
	size_t file = match_files_first(files, path);

	while (file != QUIRE_NO_ITEM && !may_mean(files, file, exact))
		file = files->files[file].next;
	return file;
}

/* The names of one file follow each other. */
static size_t next_file(const struct match_files *files, size_t file,
			bool exact)
{
	const size_t subject = files->files[file].subject;

	do
		file = files->files[file].next;
	while (file != QUIRE_NO_ITEM &&
	       (files->files[file].subject == subject ||
		!may_mean(files, file, exact)));
	return file;
}

static bool next_cut(struct cuts *cuts)
{
	while (cuts->path.size < cuts->whole && cuts->found < CUTS_MAX) {
		cuts->path.size = next_end(cuts);
		cuts->first =
		    first_file(cuts->files, cuts->path, cuts->entry->exact);
		if (cuts->first != QUIRE_NO_ITEM) {
			cuts->found++;
			return true;
		}
	}
	return false;
}

/* The better score of a file's names. */
static size_t best_score(const struct match_files *files, quire_string path,
			 size_t file, bool exact)
{
	const size_t subject = files->files[file].subject;
	size_t best = 0;

	for (; file != QUIRE_NO_ITEM && files->files[file].subject == subject;
	     file = files->files[file].next) {
		const size_t score =
		    match_path_score(path, text_of(files->files[file].path));

		if (may_mean(files, file, exact) && score > best)
			best = score;
	}
	return best;
}

/* Whether a shorter cut fits each file as well as this one does: the name of a
 * tensor may end like a file. */
static bool shorter_fits(const struct cuts *cuts)
{
	const struct match_files *files = cuts->files;
	const bool exact = cuts->entry->exact;
	struct cuts shorter = cuts_of(files, cuts->entry);

	while (next_cut(&shorter) && shorter.path.size < cuts->path.size) {
		size_t i = cuts->first;

		if (shorter.first != cuts->first)
			continue;
		while (i != QUIRE_NO_ITEM &&
		       best_score(files, shorter.path, i, exact) >=
			   best_score(files, cuts->path, i, exact))
			i = next_file(files, i, exact);
		if (i == QUIRE_NO_ITEM)
			return true;
	}
	return false;
}

static quire_status add_group(struct matching *matching, quire_string path,
			      const struct manifest_entry *entry,
			      quire_error *error)
{
	struct group *groups =
	    quire_grow(matching->groups, &matching->group_capacity,
		       matching->group_count, sizeof(*groups));

	if (!groups)
		return quire_fail_memory(error, sizeof(*groups));
	matching->groups = groups;
	groups[matching->group_count] = (struct group){
		.path = path,
		.exact = entry->exact,
		.line = entry->line,
		.subject = QUIRE_NO_ITEM,
	};
	return quire_table_add(&matching->group_table, entry->exact, path.data,
			       path.size, matching->group_count++, error);
}

/* Each cut of an entry is a path of the list. */
static quire_status add_groups(struct matching *matching,
			       const struct manifest_entry *entry,
			       quire_error *error)
{
	struct cuts cuts = cuts_of(matching->files, entry);
	quire_status status = QUIRE_OK;

	while (status == QUIRE_OK && next_cut(&cuts))
		if (!quire_table_find(&matching->group_table, entry->exact,
				      cuts.path.data, cuts.path.size) &&
		    !shorter_fits(&cuts))
			status = add_group(matching, cuts.path, entry, error);
	return status;
}

/* ------------------------------------------------------------------- pairs */

static void join(struct matching *matching, size_t group, size_t subject,
		 size_t score)
{
	matching->groups[group].subject = subject;
	matching->groups[group].score = score;
	matching->taken[subject] = true;
}

/* The file with an equal path; with one that is not escaped, if there is one.
 */
static size_t find_equal(const struct match_files *files,
			 const struct group *group)
{
	size_t found = QUIRE_NO_ITEM;
	size_t i = match_files_first(files, group->path);

	for (; i != QUIRE_NO_ITEM; i = files->files[i].next) {
		const size_t subject = files->files[i].subject;

		if (may_mean(files, i, group->exact) &&
		    (found == QUIRE_NO_ITEM || subject == i) &&
		    match_path_score(group->path,
				     text_of(files->files[i].path)) ==
			MATCH_EQUAL)
			found = subject;
	}
	return found;
}

/* Several paths of the list may be equal, as m and ./m are; no two files are.
 */
static void join_equal(struct matching *matching)
{
	for (size_t g = 0; g < matching->group_count; g++) {
		const size_t file =
		    find_equal(matching->files, &matching->groups[g]);

		if (file != QUIRE_NO_ITEM)
			join(matching, g, file, MATCH_EQUAL);
	}
}

static quire_status add_pair(struct matching *matching, struct pair pair,
			     quire_error *error)
{
	struct pair *pairs =
	    quire_grow(matching->pairs, &matching->pair_capacity,
		       matching->pair_count, sizeof(*pairs));

	if (!pairs)
		return quire_fail_memory(error, sizeof(*pairs));
	matching->pairs = pairs;
	if (matching->pair_count == PAIRS_MAX)
		return quire_fail_file(
		    error, QUIRE_ERROR_ARGUMENT, matching->manifest->path,
		    QUIRE_NO_OFFSET,
		    "too many of its paths end like the files that were "
		    "given; give the files by the paths of the list");
	pairs[matching->pair_count++] = pair;
	return QUIRE_OK;
}

/* All pairs of what is left over. */
static quire_status add_pairs(struct matching *matching, quire_error *error)
{
	const struct match_files *files = matching->files;
	quire_status status = QUIRE_OK;

	for (size_t g = 0; g < matching->group_count; g++) {
		const struct group *group = &matching->groups[g];
		size_t i = first_file(files, group->path, group->exact);

		if (group->subject != QUIRE_NO_ITEM)
			continue;
		for (; status == QUIRE_OK && i != QUIRE_NO_ITEM;
		     i = next_file(files, i, group->exact)) {
			const struct pair pair = {
				.score = best_score(files, group->path, i,
						    group->exact),
				.group = g,
				.subject = files->files[i].subject,
			};

			if (!matching->taken[pair.subject])
				status = add_pair(matching, pair, error);
		}
	}
	return status;
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return x->subject < y->subject ? -1 : x->subject > y->subject;
}

#define SHOWN_CAPACITY 72

/* The pair and another one of the same score have the same path or file. */
static quire_status fail_ambiguous(const struct matching *matching,
				   const struct pair *pair,
				   const struct pair *other, quire_error *error)
{
	const struct group *group = &matching->groups[pair->group];
	const struct group *second = &matching->groups[other->group];
	const char *path = matching->files->files[pair->subject].path;
	char shown[SHOWN_CAPACITY], more[SHOWN_CAPACITY], same[SHOWN_CAPACITY];

	if (pair->group == other->group)
		return quire_fail_file(
		    error, QUIRE_ERROR_ARGUMENT, matching->manifest->path,
		    QUIRE_NO_OFFSET,
		    "ambiguous: '%s' in line %lu may be '%s' or '%s'; give "
		    "the files by the paths of the list",
		    text_shorten(shown, sizeof(shown), group->path),
		    group->line,
		    text_shorten(same, sizeof(same), text_of(path)),
		    text_shorten(
			more, sizeof(more),
			text_of(matching->files->files[other->subject].path)));
	return quire_fail_file(
	    error, QUIRE_ERROR_ARGUMENT, matching->manifest->path,
	    QUIRE_NO_OFFSET,
	    "ambiguous: '%s' may be '%s' in line %lu or '%s' in line %lu; give "
	    "it by the path of the list",
	    text_shorten(same, sizeof(same), text_of(path)),
	    text_shorten(shown, sizeof(shown), group->path), group->line,
	    text_shorten(more, sizeof(more), second->path), second->line);
}

/* Joins the pairs of one score. */
static quire_status join_run(struct matching *matching, struct pair *run,
			     size_t count, quire_error *error)
{
	for (size_t i = 0; i < count; i++) {
		struct group *group = &matching->groups[run[i].group];

		run[i].live = group->subject == QUIRE_NO_ITEM &&
			      !matching->taken[run[i].subject];
		if (run[i].live) {
			group->seen++;
			matching->seen[run[i].subject]++;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (!run[i].live)
			continue;
		if (matching->groups[run[i].group].seen == 1 &&
		    matching->seen[run[i].subject] == 1) {
			join(matching, run[i].group, run[i].subject,
			     run[i].score);
			continue;
		}
		for (size_t j = 0; j < count; j++)
			if (j != i && run[j].live &&
			    (run[j].group == run[i].group ||
			     run[j].subject == run[i].subject))
				return fail_ambiguous(matching, &run[i],
						      &run[j], error);
	}
	return QUIRE_OK;
}

static quire_status join_rest(struct matching *matching, quire_error *error)
{
	struct pair *pairs = matching->pairs;
	quire_status status = QUIRE_OK;
	size_t end;

	if (matching->pair_count > 1)
		qsort(pairs, matching->pair_count, sizeof(*pairs),
		      compare_pairs);
	for (size_t i = 0; i < matching->pair_count && status == QUIRE_OK;
	     i = end) {
		for (end = i; end < matching->pair_count &&
			      pairs[end].score == pairs[i].score;)
			end++;
		status = join_run(matching, pairs + i, end - i, error);
	}
	return status;
}

/* ----------------------------------------------------------------- entries */

/* The cut with the best score, and of those the shortest. */
static void claim(const struct matching *matching, struct manifest_entry *entry)
{
	struct cuts cuts = cuts_of(matching->files, entry);
	size_t best = 0;

	while (next_cut(&cuts)) {
		const size_t size = cuts.path.size;
		const size_t *found = quire_table_find(
		    &matching->group_table, entry->exact, cuts.path.data, size);
		const struct group *group =
		    found ? &matching->groups[*found] : NULL;
		const struct match_file *file;

		if (!group || group->subject == QUIRE_NO_ITEM ||
		    group->score <= best)
			continue;
		best = group->score;
		file = &matching->files->files[group->subject];
		entry->claimed = true;
		entry->word = file->word;
		entry->part = file->part;
		entry->tensor =
		    size < cuts.whole ? entry->name + size + 1 : NULL;
	}
	if (entry->tensor)
		entry->what = DIGEST_TENSOR;
}

quire_status match_entries(const struct match_files *files,
			   struct manifest *manifest, quire_error *error)
{
	struct matching matching = { .files = files, .manifest = manifest };
	quire_status status = QUIRE_OK;

	matching.taken = calloc(files->count + 1, sizeof(*matching.taken));
	matching.seen = calloc(files->count + 1, sizeof(*matching.seen));
	if (!matching.taken || !matching.seen)
		status = quire_fail_memory(error, files->count);
	for (size_t i = 0; i < manifest->count && status == QUIRE_OK; i++)
		status = add_groups(&matching, &manifest->entries[i], error);
	if (status == QUIRE_OK) {
		join_equal(&matching);
		status = add_pairs(&matching, error);
	}
	if (status == QUIRE_OK)
		status = join_rest(&matching, error);
	for (size_t i = 0; i < manifest->count && status == QUIRE_OK; i++)
		claim(&matching, &manifest->entries[i]);
	quire_table_free(&matching.group_table);
	free(matching.groups);
	free(matching.pairs);
	free(matching.taken);
	free(matching.seen);
	return status;
}
