/*
 * check_coverage.c - finds the files of a model, and what of them, that have no
 * entry.
 */
#include "cli/verify/check_coverage.h"

#include <stdio.h>
#include <stdlib.h>

struct check {
	struct verdict *verdict;
	const quire_model *model;
	struct entries entries;
	bool tensors_only;
	size_t part_count;
	unsigned char *covered; /* of each part, what has an entry */
	bool has_tensors;	/* and whether the tensors have any */
	bool of_model;		/* not only whole files */
};

/* For verdict_facts: NULL if there is one file. */
static const char *part_path(const struct check *check, size_t part)
{
	return check->model ? verdict_part(check->model, (uint32_t)part) : NULL;
}

/* What of a part has an entry. */
enum {
	HAS_HEADER = 1,
	HAS_PADDING = 2,
	HAS_FILE = 4
};

/* A set of them for each part. False: out of memory. */
static bool note_covered(struct check *check)
{
	check->covered = calloc(check->part_count, 1);
	if (!check->covered)
		return false;
	for (size_t i = 0; i < check->entries.count; i++) {
		const struct manifest_entry *entry = check->entries.entry[i];
		unsigned char *covered = &check->covered[entry->part];

		if (entry->what == DIGEST_HEADER)
			*covered |= HAS_HEADER;
		else if (entry->what == DIGEST_PADDING)
			*covered |= HAS_PADDING;
		else if (entry->what == DIGEST_FILE)
			*covered |= HAS_FILE;
		else
			check->has_tensors = true;
		if (entry->what != DIGEST_FILE)
			check->of_model = true;
	}
	return true;
}

/* What no entry covers. */
struct uncovered {
	bool header, padding, tensors;
	size_t count; /* files */
	size_t part;  /* the first of them */
};

static struct uncovered find_uncovered(const struct check *check)
{
	const unsigned asked =
	    check->tensors_only ? 0 : HAS_HEADER | HAS_PADDING;
	struct uncovered sum = { .count = 0 };

	for (size_t i = 0; i < check->part_count; i++) {
		const unsigned lacks = asked & ~(unsigned)check->covered[i];

		if ((check->covered[i] & HAS_FILE) ||
		    (lacks == 0 && check->has_tensors))
			continue;
		if (sum.count++ == 0)
			sum.part = i;
		sum.header = sum.header || (lacks & HAS_HEADER);
		sum.padding = sum.padding || (lacks & HAS_PADDING);
		sum.tensors = !check->has_tensors;
	}
	return sum;
}

static void report_partial(struct check *check)
{
	static const char header[] =
	    "the header (names, types, shapes, metadata)";
	const struct uncovered no = find_uncovered(check);
	const struct verdict_facts facts = {
		.kind = "partial",
		.path = no.count == 1 ? part_path(check, no.part) : NULL,
		.offset = QUIRE_NO_OFFSET,
	};
	char files[40] = "";

	if (no.count == 0)
		return;
	if (no.count > 1)
		snprintf(files, sizeof(files), " of %zu files", no.count);
	verdict_problem(check->verdict, &facts,
			"partial, the manifest does not cover %s%s%s%s%s%s; "
			"'quire hash' prints a list that does%s",
			no.tensors ? "the tensors" : "",
			no.tensors && (no.header || no.padding) ? ", " : "",
			no.header ? header : "",
			no.header && no.padding ? " and " : "",
			no.padding ? "the padding" : "", files,
			no.tensors ? "" : ", --tensors-only leaves these out");
}

/* Of a list of files' checksums, each file that it lacks. */
static void report_extra_files(struct check *check)
{
	for (size_t i = 0; i < check->part_count; i++) {
		const struct verdict_facts facts = {
			.kind = "extra",
			.path = part_path(check, i),
			.offset = QUIRE_NO_OFFSET,
		};

		if (!(check->covered[i] & HAS_FILE))
			verdict_problem(check->verdict, &facts,
					"extra, the file is not in the "
					"manifest");
	}
}

bool check_coverage(struct verdict *verdict, const quire_model *model,
		    struct entries entries, bool tensors_only)
{
	struct check check = { .verdict = verdict,
			       .model = model,
			       .entries = entries,
			       .tensors_only = tensors_only };

	check.part_count = model ? quire_model_part_count(model) : 1;
	if (!note_covered(&check))
		return false;
	if (check.of_model)
		report_partial(&check);
	else
		report_extra_files(&check);
	free(check.covered);
	return true;
}
