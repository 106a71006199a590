/*
 * check_entries.c - has digests computed of all that the entries are about,
 * each once, and reports what differs, and tensors that only the file or only
 * the list has.
 */
#include "cli/verify/check_entries.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/grow.h"
#include "cli/ui/trouble.h"
#include "cli/verify/check_coverage.h"

/* Bytes read at once from a file that is not mapped. */
#define CHUNK_SIZE 65536

/* An entry, and the job whose result it must have. */
struct item {
	struct manifest_entry *entry;
	size_t job;
};

struct check {
	const struct manifest_options *options;
	const char *path;	  /* as it was given */
	const quire_model *model; /* or NULL */
	struct entries entries;
	size_t of_model, of_tensors; /* how many of them */
	struct verdict verdict;
	struct item *items;
	size_t item_count, item_capacity;
	struct digest_job *jobs;
	size_t job_count, job_capacity;
};

static int order(size_t a, size_t b)
{
	return a < b ? -1 : a > b;
}

int compare_entries(const void *a, const void *b)
{
	const struct manifest_entry *x =
	    *(const struct manifest_entry *const *)a;
	const struct manifest_entry *y =
	    *(const struct manifest_entry *const *)b;
	int result = order(x->word, y->word);

	if (result == 0)
		result = order(x->tensor ? 1 : 0, y->tensor ? 1 : 0);
	if (result == 0 && x->tensor)
		result = strcmp(x->tensor, y->tensor);
	if (result == 0)
		result = order(x->what, y->what);
	if (result == 0 && !x->tensor)
		result = order(x->part, y->part);
	if (result == 0)
		result = order(x->kind, y->kind);
	return result != 0 ? result : order(x->line, y->line);
}

static size_t count_parts(const struct check *check)
{
	return check->model ? quire_model_part_count(check->model) : 1;
}

/* For verdict_facts: NULL if there is one file. */
static const char *part_path(const struct check *check, size_t part)
{
	return check->model ? verdict_part(check->model, (uint32_t)part) : NULL;
}

/* Whether this is to be compared. */
static bool counts(const struct check *check,
		   const struct manifest_entry *entry)
{
	return !check->options->tensors_only ||
	       (entry->what != DIGEST_HEADER && entry->what != DIGEST_PADDING);
}

/* --------------------------------------------------------------- comparing */

static const char *name_of(enum digest_what what)
{
	switch (what) {
	case DIGEST_HEADER:
		return "the header (names, types, shapes, metadata)";
	case DIGEST_PADDING:
		return "the padding";
	case DIGEST_FILE:
		return "the file";
	default:
		return "all tensors together";
	}
}

static void compare(struct check *check, const struct manifest_entry *entry,
		    const struct digest_job *job)
{
	char expected[DIGEST_CAPACITY], name[VERDICT_NAME_CAPACITY];
	const quire_tensor *tensor = job->tensor;
	const char *path = tensor ? part_path(check, tensor->part)
			   : entry->what == DIGEST_TENSORS
			       ? NULL
			       : part_path(check, entry->part);
	const struct verdict_facts facts = {
		.kind = entry->what == DIGEST_HEADER	? "header"
			: entry->what == DIGEST_PADDING ? "padding"
							: "damaged",
		.path = path,
		.tensor = tensor,
		.offset = QUIRE_NO_OFFSET,
		.algorithm = digest_name(entry->kind),
		.expected = expected,
		.actual = job->text,
	};

	snprintf(expected, sizeof(expected), "%.*s",
		 (int)digest_digits(entry->kind), entry->digits);
	if (strcmp(expected, job->text) == 0)
		return;
	if (tensor)
		verdict_problem(&check->verdict, &facts,
				"damaged, tensor '%s': %s is %s, line %lu of "
				"the manifest says %s",
				verdict_name(name, tensor->name),
				facts.algorithm, job->text, entry->line,
				expected);
	else
		verdict_problem(&check->verdict, &facts,
				"damaged, %s: %s is %s, line %lu of the "
				"manifest says %s",
				name_of(entry->what), facts.algorithm,
				job->text, entry->line, expected);
}

/* ------------------------------------------- a file that is not a model */

static bool digest_stream(FILE *stream, struct digest *digest)
{
	unsigned char chunk[CHUNK_SIZE];
	size_t size;

	while ((size = fread(chunk, 1, sizeof(chunk), stream)) > 0)
		digest_update(digest, chunk, size);
	return !ferror(stream);
}

static quire_status digest_path(const char *path, struct digest_job *job,
				quire_error *error)
{
	struct digest *digest = NULL;
	FILE *stream;
	quire_status status = digest_create(job->kind, &digest, error);

	if (status != QUIRE_OK)
		return status;
	stream = fopen(path, "rb");
	if (!stream)
		status = quire_fail_errno(error, path, "cannot open");
	else if (!digest_stream(stream, digest))
		status = quire_fail_errno(error, path, "cannot read");
	else
		status = digest_finish(digest, job->text, error);
	if (stream)
		fclose(stream);
	digest_free(digest);
	return status;
}

/* Entries of the whole file; those of one algorithm follow each other. */
static quire_status check_plain_file(struct check *check, quire_error *error)
{
	struct digest_job job = { .kind = DIGEST_KIND_COUNT };

	for (size_t i = 0; i < check->entries.count; i++) {
		struct manifest_entry *entry = check->entries.entry[i];
		const bool known = job.kind == entry->kind;
		quire_status status = QUIRE_OK;

		if (entry->what != DIGEST_FILE)
			continue;
		job.kind = entry->kind;
		if (!known)
			status = digest_path(check->path, &job, error);
		if (status != QUIRE_OK)
			return status;
		compare(check, entry, &job);
	}
	return QUIRE_OK;
}

/* ------------------------------------------------------------------- items */

static bool same_job(const struct digest_job *a, const struct digest_job *b)
{
	return a->kind == b->kind && a->what == b->what &&
	       a->tensor == b->tensor && a->part == b->part;
}

/* Entries with the same result follow each other. False: out of memory. */
static bool add_item(struct check *check, struct manifest_entry *entry,
		     const quire_tensor *tensor)
{
	const struct digest_job job = {
		.kind = entry->kind,
		.what = entry->what,
		.tensor = tensor,
		.part =
		    entry->what == DIGEST_TENSORS || tensor ? 0 : entry->part,
	};
	struct item *items = quire_grow(check->items, &check->item_capacity,
					check->item_count, sizeof(*items));
	struct digest_job *jobs;

	if (!items)
		return false;
	check->items = items;
	if (check->job_count == 0 ||
	    !same_job(&check->jobs[check->job_count - 1], &job)) {
		jobs = quire_grow(check->jobs, &check->job_capacity,
				  check->job_count, sizeof(*jobs));
		if (!jobs)
			return false;
		check->jobs = jobs;
		jobs[check->job_count++] = job;
	}
	items[check->item_count++] =
	    (struct item){ .entry = entry, .job = check->job_count - 1 };
	entry->used = true;
	return true;
}

/* The first entry about a tensor of that name, or the count of entries. */
static size_t find_tensor(const struct check *check, const char *name)
{
	size_t low = 0, high = check->entries.count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const char *tensor = check->entries.entry[middle]->tensor;

		if (!tensor || strcmp(tensor, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* False: out of memory. Sets *found if there is an entry of that name. An exact
 * entry is not about a name that is `escaped`. */
static bool add_named(struct check *check, const quire_tensor *tensor,
		      const char *name, bool escaped, bool *found)
{
	for (size_t i = find_tensor(check, name);
	     i < check->entries.count &&
	     strcmp(check->entries.entry[i]->tensor, name) == 0;
	     i++) {
		if (escaped && check->entries.entry[i]->exact)
			continue;
		if (!add_item(check, check->entries.entry[i], tensor))
			return false;
		*found = true;
	}
	return true;
}

static bool add_tensor(struct check *check, const quire_tensor *tensor)
{
	const struct verdict_facts facts = {
		.kind = "extra",
		.path = part_path(check, tensor->part),
		.tensor = tensor,
	};
	char shown[VERDICT_NAME_CAPACITY];
	char name[64]; /* as GGUF's names end at 63 bytes */
	bool found = false;

	snprintf(name, sizeof(name), "%.*s", (int)tensor->name.size,
		 tensor->name.data);
	/* llama-gguf-hash prints names unchanged, old versions of quire hash
	 * escaped them. */
	verdict_name(shown, tensor->name);
	if (!add_named(check, tensor, name, false, &found))
		return false;
	if (!found && strcmp(name, shown) != 0 &&
	    !add_named(check, tensor, shown, true, &found))
		return false;
	if (!found)
		verdict_problem(&check->verdict, &facts,
				"extra, tensor '%s' is not in the manifest",
				shown);
	return true;
}

/* False: out of memory. */
static bool add_items(struct check *check)
{
	const size_t tensors = quire_model_tensor_count(check->model);

	for (size_t i = 0; i < tensors && check->of_tensors > 0; i++)
		if (!add_tensor(check, quire_model_tensor(check->model, i)))
			return false;
	for (size_t i = 0; i < check->entries.count; i++) {
		struct manifest_entry *entry = check->entries.entry[i];

		if (!entry->tensor && counts(check, entry) &&
		    !add_item(check, entry, NULL))
			return false;
	}
	return true;
}

static void report_missing(struct check *check)
{
	for (size_t i = 0; i < check->entries.count; i++) {
		const struct manifest_entry *entry = check->entries.entry[i];
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

/* -------------------------------------- what the list need not know */

/* A header that fails its own checksum, and padding that is not zero, are
 * reported also where the list was made of such a file. */
static void check_rules(struct check *check)
{
	quire_part part;

	for (size_t i = 0; quire_model_part(check->model, i, &part); i++) {
		const uint64_t dirt = digest_padding_dirt(check->model, i);
		struct verdict_facts facts = {
			.kind = "edited",
			.path = part_path(check, i),
			.offset = QUIRE_NO_OFFSET,
		};

		if (part.header_edited)
			verdict_problem(&check->verdict, &facts,
					"metadata was edited after the file "
					"was written");
		facts.kind = "padding";
		facts.offset = dirt;
		if (dirt != QUIRE_NO_OFFSET)
			verdict_problem(&check->verdict, &facts,
					"damaged, padding: it is not zero "
					"[F-23] (at byte %" PRIu64 ")",
					dirt);
	}
}

static quire_status check_model(struct check *check, quire_error *error)
{
	const struct digest_how how = {
		.threads = check->options->threads,
		.progress = progress_report,
		.context = &check->verdict.progress,
	};
	quire_status status;

	if (!add_items(check))
		return quire_fail_memory(error, sizeof(struct digest_job));
	status = digest_many(check->model, check->jobs, check->job_count, &how,
			     error);
	if (status != QUIRE_OK)
		return status;
	for (size_t i = 0; i < check->item_count; i++)
		compare(check, check->items[i].entry,
			&check->jobs[check->items[i].job]);
	report_missing(check);
	if (!check->options->tensors_only && check->entries.count > 0)
		check_rules(check);
	return QUIRE_OK;
}

/* The parts may be others than when the entries were matched. */
static bool parts_are_there(const struct check *check)
{
	for (size_t i = 0; i < check->entries.count; i++)
		if (check->entries.entry[i]->part >= count_parts(check))
			return false;
	return true;
}

static int compare_all(struct check *check, const quire_error *unopened)
{
	quire_error error;
	quire_status status;

	if (check->model && !parts_are_there(check)) {
		(void)quire_fail_file(&error, QUIRE_ERROR_IO, check->path,
				      QUIRE_NO_OFFSET,
				      "was replaced while it was verified");
		return verdict_trouble(&check->verdict, &error);
	}
	status = check->model ? check_model(check, &error)
			      : check_plain_file(check, &error);
	if (status != QUIRE_OK)
		return verdict_trouble(&check->verdict, &error);
	/* Text that is not in the list is reported as such; a model that cannot
	 * be opened is not. */
	if (!check->model &&
	    (check->of_model > 0 || (check->entries.count == 0 &&
				     unopened->status != QUIRE_ERROR_MAGIC)))
		return verdict_trouble(&check->verdict, unopened);
	if (!check_coverage(&check->verdict, check->model, check->entries,
			    check->options->tensors_only)) {
		(void)quire_fail_memory(&error, count_parts(check));
		return verdict_trouble(&check->verdict, &error);
	}
	return check->verdict.problems > 0
		   ? verdict_differs(&check->verdict)
		   : verdict_fine(&check->verdict,
				  check->of_model > 0 ? check->model : NULL);
}

int check_entries(struct verdict_printer *printer,
		  const struct manifest_options *options, const char *path,
		  const quire_model *model, const quire_error *unopened,
		  struct entries entries)
{
	struct check check = { .options = options,
			       .path = path,
			       .model = model,
			       .entries = entries };
	int code;

	for (size_t i = 0; i < entries.count; i++) {
		check.of_model += entries.entry[i]->what != DIGEST_FILE ? 1 : 0;
		check.of_tensors += entries.entry[i]->tensor ? 1 : 0;
	}
	check.verdict = verdict_begin(printer, path);
	check.verdict.tensors_only = options->tensors_only;
	code = compare_all(&check, unopened);
	free(check.items);
	free(check.jobs);
	return code;
}
