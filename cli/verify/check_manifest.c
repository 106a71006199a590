/*
 * check_manifest.c - compares a file's bytes, its tensors, and all tensors
 * together with the checksums in a manifest.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "cli/ui/trouble.h"
#include "cli/verify/check_manifest.h"
#include "cli/verify/digest_many.h"

/* Bytes read at once from a file that is not mapped. */
#define CHUNK_SIZE 65536

struct check {
	struct verdict verdict;
	const struct manifest *manifest;
	struct manifest_entry **entries; /* about this file, by tensor */
	size_t count;
	size_t of_model, of_tensors; /* how many of them */
	uint32_t threads;
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

static bool claim_entries(struct check *check)
{
	const struct manifest *manifest = check->manifest;

	check->entries = calloc(manifest->count, sizeof(*check->entries));
	if (!check->entries)
		return false;
	for (size_t i = 0; i < manifest->count; i++) {
		struct manifest_entry *entry = &manifest->entries[i];

		if (!is_claimed(entry, check->verdict.path))
			continue;
		entry->claimed = true;
		check->entries[check->count++] = entry;
		check->of_model += entry->of_file ? 0 : 1;
		check->of_tensors += entry->tensor ? 1 : 0;
	}
	qsort(check->entries, check->count, sizeof(*check->entries),
	      compare_entries);
	return true;
}

static void compare(struct check *check, struct manifest_entry *entry,
		    const char *actual, const quire_tensor *tensor)
{
	char expected[DIGEST_CAPACITY], name[VERDICT_NAME_CAPACITY];
	const struct verdict_facts facts = {
		.kind = "damaged",
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
	const char *path = check->verdict.path;
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
static bool check_model(struct check *check, const quire_model *model)
{
	const struct digest_how how = {
		.threads = check->threads,
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

static int report(struct check *check, const quire_model *model)
{
	const struct verdict_facts facts = { .kind = "extra",
					     .offset = QUIRE_NO_OFFSET };

	if (check->count == 0)
		verdict_problem(&check->verdict, &facts,
				"extra, the file is not in the manifest");
	return check->verdict.problems > 0
		   ? verdict_differs(&check->verdict)
		   : verdict_fine(&check->verdict, model);
}

static int run_check(struct check *check)
{
	const quire_open_options lenient = { .allow_edited_header = true };
	const char *path = check->verdict.path;
	quire_model *model = NULL;
	quire_error error;
	int code;

	for (size_t i = 0; i < check->count; i++)
		if (check->entries[i]->of_file &&
		    !check_file(check, check->entries[i]))
			return verdict_end_trouble(&check->verdict,
						   "it cannot be read");
	if (check->of_model > 0) {
		if (quire_model_open(path, &lenient, &model, &error) !=
		    QUIRE_OK)
			return verdict_trouble(&check->verdict, &error);
		if (!check_model(check, model)) {
			quire_model_close(model);
			trouble_memory();
			return verdict_end_trouble(&check->verdict,
						   "out of memory");
		}
	}
	code = report(check, model);
	quire_model_close(model);
	return code;
}

int check_manifest_file(struct verdict_printer *printer,
			struct manifest *manifest, const char *path,
			uint32_t threads)
{
	struct check check = { .verdict = verdict_begin(printer, path),
			       .manifest = manifest,
			       .threads = threads };
	int code;

	if (claim_entries(&check)) {
		code = run_check(&check);
	} else {
		trouble_memory();
		code = verdict_end_trouble(&check.verdict, "out of memory");
	}
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
