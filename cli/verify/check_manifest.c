/*
 * check_manifest.c - compares a file's bytes, its tensors, and all tensors
 * together with the checksums in a manifest.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/grow.h"
#include "cli/ui/trouble.h"
#include "cli/verify/check_manifest.h"
#include "cli/verify/digest_many.h"

/* Bytes read at once from a file that is not mapped. */
#define CHUNK_SIZE 65536

struct check {
	struct manifest_check *all;
	const char *path;   /* as it was given */
	quire_model *model; /* NULL: it cannot be opened, or need not be */
	struct verdict verdict;
	struct manifest_entry **entries; /* about it, by tensor */
	size_t count;
	size_t of_model, of_tensors; /* how many of them */
	/* What is to be hashed; `user` is the entry that says the result. */
	struct digest_job *jobs;
	size_t job_count, job_capacity;
};

static int compare_entries(const void *a, const void *b)
{
	const struct manifest_entry *x =
	    *(const struct manifest_entry *const *)a;
	const struct manifest_entry *y =
	    *(const struct manifest_entry *const *)b;

	if (!x->tensor || !y->tensor)
		return (x->tensor ? 1 : 0) - (y->tensor ? 1 : 0);
	return strcmp(x->tensor, y->tensor);
}

static bool is_claimed(struct manifest_entry *entry, const char *path)
{
	char shown[4096];

	if (manifest_claim(entry, path))
		return true;
	/* quire hash prints an unsafe path escaped. */
	text_shorten(shown, sizeof(shown), text_of(path));
	return strcmp(shown, path) != 0 && manifest_claim(entry, shown);
}

/* A file of the model, or the path that was given. */
static const char *part_path(const struct check *check, size_t part)
{
	const char *path =
	    check->model ? verdict_part(check->model, (uint32_t)part) : NULL;

	return path ? path : check->path;
}

static size_t count_parts(const struct check *check)
{
	return check->model ? quire_model_part_count(check->model) : 1;
}

static bool claim_entry(const struct check *check, struct manifest_entry *entry)
{
	const size_t parts = count_parts(check);

	for (size_t i = 0; i < parts; i++) {
		if (!is_claimed(entry, part_path(check, i)))
			continue;
		entry->claimed = true;
		entry->part = i;
		return true;
	}
	return false;
}

static bool claim_entries(struct check *check)
{
	const struct manifest *manifest = check->all->manifest;

	check->entries = calloc(manifest->count, sizeof(*check->entries));
	if (!check->entries)
		return false;
	for (size_t i = 0; i < manifest->count; i++) {
		struct manifest_entry *entry = &manifest->entries[i];

		if (!claim_entry(check, entry))
			continue;
		check->entries[check->count++] = entry;
		check->of_model += entry->of_file ? 0 : 1;
		check->of_tensors += entry->tensor ? 1 : 0;
	}
	qsort(check->entries, check->count, sizeof(*check->entries),
	      compare_entries);
	return true;
}

/* For verdict_facts: NULL if there is one file. */
static const char *part_or_none(const struct check *check, size_t part)
{
	return count_parts(check) > 1 ? part_path(check, part) : NULL;
}

static void compare(struct check *check, struct manifest_entry *entry,
		    const char *actual, const quire_tensor *tensor)
{
	char expected[DIGEST_CAPACITY], name[VERDICT_NAME_CAPACITY];
	const char *path = tensor	    ? part_or_none(check, tensor->part)
			   : entry->of_file ? part_or_none(check, entry->part)
					    : NULL;
	const struct verdict_facts facts = {
		.kind = "damaged",
		.path = path,
		.tensor = tensor,
		.offset = QUIRE_NO_OFFSET,
		.algorithm = digest_name(entry->kind),
		.expected = expected,
		.actual = actual,
	};
	const char *what = entry->of_file ? "the file" : "all tensors together";

	entry->used = true;
	snprintf(expected, sizeof(expected), "%.*s",
		 (int)digest_digits(entry->kind), entry->digits);
	if (strcmp(expected, actual) == 0)
		return;
	if (tensor)
		verdict_problem(&check->verdict, &facts,
				"damaged, tensor '%s': %s is %s, line %lu of "
				"the manifest says %s",
				verdict_name(name, tensor->name),
				facts.algorithm, actual, entry->line, expected);
	else
		verdict_problem(&check->verdict, &facts,
				"damaged, %s: %s is %s, line %lu of the "
				"manifest says %s",
				what, facts.algorithm, actual, entry->line,
				expected);
}

/* ----------------------------------------------------------- a file's bytes */

static bool digest_stream(FILE *stream, struct digest *digest)
{
	unsigned char chunk[CHUNK_SIZE];
	size_t size;

	while ((size = fread(chunk, 1, sizeof(chunk), stream)) > 0)
		digest_update(digest, chunk, size);
	return !ferror(stream);
}

static bool check_file(struct check *check, struct manifest_entry *entry)
{
	const char *path = part_path(check, entry->part);
	struct digest *digest = digest_create(entry->kind);
	FILE *stream = fopen(path, "rb");
	char actual[DIGEST_CAPACITY];
	const char *failed = NULL;

	if (!stream)
		failed = "open";
	else if (digest && !digest_stream(stream, digest))
		failed = "read";
	if (failed)
		trouble("%s: cannot %s: %s", path, failed, strerror(errno));
	else if (!digest)
		trouble_memory();
	else
		digest_print(digest, actual);
	if (stream)
		fclose(stream);
	if (!failed && digest)
		compare(check, entry, actual, NULL);
	digest_free(digest);
	return !failed && digest;
}

/* -------------------------------------------------------------- its tensors */

/* The first entry about a tensor of that name, or the count of entries. */
static size_t find_entries(const struct check *check, const char *name)
{
	size_t low = 0, high = check->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const char *tensor = check->entries[middle]->tensor;

		if (!tensor || strcmp(tensor, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* False: out of memory. */
static bool add_job(struct check *check, struct manifest_entry *entry,
		    const quire_tensor *tensor)
{
	struct digest_job *jobs = quire_grow(check->jobs, &check->job_capacity,
					     check->job_count, sizeof(*jobs));

	if (!jobs)
		return false;
	check->jobs = jobs;
	jobs[check->job_count++] = (struct digest_job){ .kind = entry->kind,
							.tensor = tensor,
							.user = entry };
	return true;
}

/* False: out of memory. Sets *found if there is an entry of that name. */
static bool add_named(struct check *check, const quire_tensor *tensor,
		      const char *name, bool *found)
{
	for (size_t i = find_entries(check, name);
	     i < check->count && strcmp(check->entries[i]->tensor, name) == 0;
	     i++) {
		if (!add_job(check, check->entries[i], tensor))
			return false;
		*found = true;
	}
	return true;
}

static bool add_tensor(struct check *check, const quire_tensor *tensor)
{
	const struct verdict_facts facts = {
		.kind = "extra",
		.path = part_or_none(check, tensor->part),
		.tensor = tensor,
	};
	char shown[VERDICT_NAME_CAPACITY];
	char name[64]; /* as GGUF's names end at 63 bytes */
	bool found = false;

	snprintf(name, sizeof(name), "%.*s", (int)tensor->name.size,
		 tensor->name.data);
	/* llama-gguf-hash prints names unchanged, quire hash escapes them. */
	verdict_name(shown, tensor->name);
	if (!add_named(check, tensor, name, &found))
		return false;
	if (!found && strcmp(name, shown) != 0 &&
	    !add_named(check, tensor, shown, &found))
		return false;
	if (!found)
		verdict_problem(&check->verdict, &facts,
				"extra, tensor '%s' is not in the manifest",
				shown);
	return true;
}

static void report_missing(struct check *check)
{
	for (size_t i = 0; i < check->count; i++) {
		const struct manifest_entry *entry = check->entries[i];
		const struct verdict_facts facts = {
			.kind = "missing",
			.name = entry->tensor,
			.offset = QUIRE_NO_OFFSET,
		};
		char name[VERDICT_NAME_CAPACITY];

		if (entry->used || !entry->tensor)
			continue;
		verdict_problem(&check->verdict, &facts,
				"missing, tensor '%s' in line %lu of the "
				"manifest is not in the file",
				verdict_name(name, text_of(entry->tensor)),
				entry->line);
	}
}

/* False: out of memory. */
static bool check_model(struct check *check)
{
	const quire_model *model = check->model;
	const struct digest_how how = {
		.threads = check->all->threads,
		.progress = progress_report,
		.context = &check->verdict.progress,
	};
	const size_t count = quire_model_tensor_count(model);

	for (size_t i = 0; i < count && check->of_tensors > 0; i++)
		if (!add_tensor(check, quire_model_tensor(model, i)))
			return false;
	for (size_t i = 0; i < check->count; i++)
		if (!check->entries[i]->of_file && !check->entries[i]->tensor &&
		    !add_job(check, check->entries[i], NULL))
			return false;
	if (!digest_many(model, check->jobs, check->job_count, &how))
		return false;
	for (size_t i = 0; i < check->job_count; i++)
		compare(check, check->jobs[i].user, check->jobs[i].text,
			check->jobs[i].tensor);
	report_missing(check);
	return true;
}

static bool is_given(const struct check *check, const char *path)
{
	for (int i = 0; i < check->all->words->count; i++)
		if (quire_path_same(check->all->words->word[i], path))
			return true;
	return false;
}

static bool is_listed(const struct check *check, size_t part)
{
	for (size_t i = 0; i < check->count; i++)
		if (check->entries[i]->part == part)
			return true;
	return false;
}

/* A list of files' checksums must have each file that was given. A list of
 * tensors has all of them by now. */
static void report_extra_files(struct check *check)
{
	const size_t parts = count_parts(check);

	for (size_t i = 0; i < parts && check->of_model == 0; i++) {
		const struct verdict_facts facts = {
			.kind = "extra",
			.path = part_or_none(check, i),
			.offset = QUIRE_NO_OFFSET,
		};

		if (!is_listed(check, i) &&
		    (parts == 1 || is_given(check, part_path(check, i))))
			verdict_problem(&check->verdict, &facts,
					"extra, the file is not in the "
					"manifest");
	}
}

static int compare_all(struct check *check, const quire_error *unopened)
{
	for (size_t i = 0; i < check->count; i++)
		if (check->entries[i]->of_file &&
		    !check_file(check, check->entries[i]))
			return verdict_end_trouble(&check->verdict,
						   "it cannot be read");
	if (check->of_model > 0 && !check->model)
		return verdict_trouble(&check->verdict, unopened);
	if (check->of_model > 0 && !check_model(check)) {
		trouble_memory();
		return verdict_end_trouble(&check->verdict, "out of memory");
	}
	report_extra_files(check);
	return check->verdict.problems > 0
		   ? verdict_differs(&check->verdict)
		   : verdict_fine(&check->verdict,
				  check->of_model > 0 ? check->model : NULL);
}

static int run_check(struct check *check, const quire_error *unopened)
{
	struct manifest_check *all = check->all;

	if (!claim_entries(check) ||
	    (check->model && !known_sets_add(&all->known, check->model)))
		return trouble_memory();
	/* The error of another part of the same set. */
	if (!check->model && check->of_model == check->count &&
	    known_sets_failed(&all->known, unopened))
		return EXIT_TROUBLE;
	check->verdict = verdict_begin(all->printer, check->path);
	return compare_all(check, unopened);
}

int check_manifest_file(struct manifest_check *all, const char *path)
{
	const quire_open_options lenient = { .allow_edited_header = true };
	struct check check = { .all = all, .path = path };
	quire_error error;
	int code;

	if (known_sets_have(&all->known, path))
		return EXIT_FINE;
	/* Any file may be in a list, not only GGUF. */
	if (quire_model_open(path, &lenient, &check.model, &error) != QUIRE_OK)
		check.model = NULL;
	code = run_check(&check, &error);
	quire_model_close(check.model);
	free(check.jobs);
	free(check.entries);
	return code;
}

int check_manifest_rest(struct verdict_printer *printer,
			const struct manifest *manifest)
{
	struct verdict verdict;
	char name[VERDICT_NAME_CAPACITY];
	size_t i, count = 0;

	for (i = 0; i < manifest->count; i++)
		count += manifest->entries[i].claimed ? 0 : 1;
	if (count == 0)
		return EXIT_FINE;
	verdict = verdict_begin(printer, manifest->path);
	for (i = 0; i < manifest->count; i++) {
		const struct manifest_entry *entry = &manifest->entries[i];
		const struct verdict_facts facts = {
			.kind = "missing",
			.name = entry->name,
			.offset = QUIRE_NO_OFFSET,
		};

		if (!entry->claimed)
			verdict_problem(
			    &verdict, &facts,
			    "missing, line %lu is about '%s', which was not "
			    "given",
			    entry->line,
			    verdict_name(name, text_of(entry->name)));
	}
	return verdict_differs(&verdict);
}
