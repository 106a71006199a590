/*
 * test_golden.c - every file of good/ opens and verifies, and every file of
 * bad/ is refused with the status, the rule and the offset of its row in
 * table.tsv. Runs in the folder of the tables. test_two_readers.py compares
 * what the files contain.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "quire.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

#define RULE_COUNT 49
#define LINE_SIZE  256

struct row {
	char path[LINE_SIZE];
	char rule[8];	  /* of bad files, as "F-7" */
	char status[16];  /* of bad files, as quire_status_name prints it */
	char kind[16];	  /* of good files: container or foreign */
	uint64_t offset;  /* of the error */
	bool at_open;	  /* else quire_model_verify refuses it */
	bool of_set;	  /* needs its siblings: opened by its path only */
	uint64_t grow_at; /* spaces go here before use ... */
	uint64_t grow;	  /* ... so many of them */
};

typedef bool (*check_fn)(const struct row *row);

static void parse_growth(const char *text, struct row *row)
{
	if (strcmp(text, "-") != 0)
		assert_int_equal(sscanf(text, "%" SCNu64 "+%" SCNu64,
					&row->grow_at, &row->grow),
				 2);
}

static void parse_bad(const char *line, struct row *row)
{
	char name[128], offset[24], stage[16], growth[32];

	assert_int_equal(sscanf(line,
				"%127[^\t]\t%7[^\t]\t%15[^\t]\t%23[^\t]\t"
				"%15[^\t]\t%31s",
				name, row->rule, row->status, offset, stage,
				growth),
			 6);
	snprintf(row->path, sizeof(row->path), "bad/%s", name);
	row->offset = strcmp(offset, "-") == 0 ? QUIRE_NO_OFFSET
					       : strtoull(offset, NULL, 10);
	row->of_set = strcmp(stage, "set") == 0;
	row->at_open = row->of_set || strcmp(stage, "open") == 0;
	parse_growth(growth, row);
}

static void parse_good(const char *line, struct row *row)
{
	char name[128], growth[32];

	assert_int_equal(
	    sscanf(line, "%127[^\t]\t%15[^\t]\t%31s", name, row->kind, growth),
	    3);
	snprintf(row->path, sizeof(row->path), "good/%s", name);
	parse_growth(growth, row);
}

/* Runs `check` on every row, and fails at the end if one has failed. */
static void for_each(const char *table, check_fn check)
{
	const bool good = strncmp(table, "good", 4) == 0;
	FILE *file = fopen(table, "r");
	char line[LINE_SIZE];
	size_t count = 0, failures = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		struct row row = { .path = "" };

		if (good)
			parse_good(line, &row);
		else
			parse_bad(line, &row);
		count++;
		failures += check(&row) ? 0 : 1;
	}
	fclose(file);
	assert_true(count > 0);
	assert_int_equal(failures, 0);
}

/* The file's bytes, with the spaces put in, in memory of just that size. */
static unsigned char *load(const struct row *row, size_t *size)
{
	size_t kept;
	unsigned char *file = scratch_read(row->path, &kept);
	const size_t at = (size_t)row->grow_at, grow = (size_t)row->grow;
	unsigned char *bytes = malloc(kept + grow > 0 ? kept + grow : 1);

	assert_non_null(bytes);
	assert_true(at <= kept);
	memcpy(bytes, file, at);
	memset(bytes + at, ' ', grow);
	memcpy(bytes + at + grow, file + at, kept - at);
	free(file);
	*size = kept + grow;
	return bytes;
}

/* ------------------------------------------------------------- refused files
 */

static bool matches(const struct row *row, quire_status status,
		    const quire_error *error)
{
	char rule[16];
	bool right;

	snprintf(rule, sizeof(rule), "[%s]", row->rule);
	right = strcmp(quire_status_name(status), row->status) == 0 &&
		error->status == status && error->offset == row->offset &&
		strstr(error->message, rule) != NULL;
	if (!right)
		print_error("%s: %s at %" PRId64 " instead of %s at %" PRId64
			    ": %s\n",
			    row->path, quire_status_name(status),
			    (int64_t)error->offset, row->status,
			    (int64_t)row->offset, error->message);
	return right;
}

struct damage {
	size_t count;
	uint64_t first; /* offset */
};

static void note_damage(void *context, const quire_tensor *tensor,
			uint64_t actual_xxh3)
{
	struct damage *damage = context;

	assert_int_equal(actual_xxh3, quire_tensor_hash(tensor));
	assert_int_not_equal(actual_xxh3, tensor->xxh3);
	if (damage->count++ == 0)
		damage->first = tensor->offset;
}

static bool refused_by_verify(const struct row *row, const quire_model *model)
{
	struct damage damage = { 0, QUIRE_NO_OFFSET };
	const quire_verify_options options = { .damage = note_damage,
					       .context = &damage };
	quire_error error = { .offset = 0 };
	const quire_status status = quire_model_verify(model, &options, &error);
	const bool damaged = strcmp(row->rule, "F-33") == 0;

	if (!matches(row, status, &error))
		return false;
	if (damaged == (damage.count > 0) &&
	    (!damaged || damage.first == row->offset))
		return true;
	print_error(
	    "%s: %zu damaged tensors are reported, the first at %" PRId64 "\n",
	    row->path, damage.count, (int64_t)damage.first);
	return false;
}

static bool is_refused(const struct row *row, quire_status status,
		       quire_model *model, const quire_error *error)
{
	bool right;

	if (row->at_open && status != QUIRE_OK && !model)
		return matches(row, status, error);
	if (status != QUIRE_OK) {
		print_error("%s: not opened: %s\n", row->path, error->message);
		return false;
	}
	if (row->at_open) {
		print_error("%s: opened\n", row->path);
		right = false;
	} else {
		right = refused_by_verify(row, model);
	}
	quire_model_close(model);
	return right;
}

static bool check_bad_in_memory(const struct row *row)
{
	quire_error error = { .offset = 0 };
	quire_model *model = NULL;
	size_t size;
	unsigned char *bytes;
	quire_status status;
	bool right;

	if (row->of_set)
		return true;
	bytes = load(row, &size);
	status = quire_model_open_memory(bytes, size, NULL, &model, &error);
	right = is_refused(row, status, model, &error);
	free(bytes);
	return right;
}

static bool check_bad_file(const struct row *row)
{
	quire_error error = { .offset = 0 };
	quire_model *model = NULL;
	quire_status status;

	if (row->grow > 0)
		return true;
	status = quire_model_open(row->path, NULL, &model, &error);
	return is_refused(row, status, model, &error);
}

static void test_bad_in_memory(void **state)
{
	(void)state;
	for_each("bad/table.tsv", check_bad_in_memory);
}

static void test_bad_files(void **state)
{
	(void)state;
	for_each("bad/table.tsv", check_bad_file);
}

/* A file that breaks F-31 opens if that is allowed, and verification reports
 * it. */
static bool check_edited(const struct row *row)
{
	static const quire_open_options options = { .allow_edited_header =
							true };
	quire_error error = { .offset = 0 };
	quire_model *model = NULL;
	quire_model_info info;
	quire_status status;

	if (strcmp(row->rule, "F-31") != 0)
		return true;
	status = quire_model_open(row->path, &options, &model, &error);
	if (status != QUIRE_OK) {
		print_error("%s: %s\n", row->path, error.message);
		return false;
	}
	quire_model_describe(model, &info);
	status = quire_model_verify(model, NULL, &error);
	quire_model_close(model);
	return info.header_edited && status == QUIRE_ERROR_CHECKSUM &&
	       strstr(error.message, "[F-31]");
}

static void test_edited_headers(void **state)
{
	(void)state;
	for_each("bad/table.tsv", check_edited);
}

static void test_every_rule_has_a_file(void **state)
{
	bool seen[RULE_COUNT + 1] = { false };
	FILE *file = fopen("bad/table.tsv", "r");
	char line[LINE_SIZE];

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		struct row row = { .path = "" };
		long number;

		parse_bad(line, &row);
		number = strtol(row.rule + 2, NULL, 10);
		assert_in_range(number, 1, RULE_COUNT);
		seen[number] = true;
	}
	fclose(file);
	for (size_t rule = 1; rule <= RULE_COUNT; rule++)
		assert_true(seen[rule]);
}

/* --------------------------------------------------------------- taken files
 */

static bool is_taken(const struct row *row, const quire_model *model)
{
	const bool container = strcmp(row->kind, "container") == 0;
	quire_error error = { .message = "" };
	const quire_status status = quire_model_verify(model, NULL, &error);
	quire_model_info info;

	quire_model_describe(model, &info);
	if (status == (container ? QUIRE_OK : QUIRE_ERROR_NOT_FOUND) &&
	    (info.quire_version == 1) == container && !info.header_edited)
		return true;
	print_error("%s: %s %s\n", row->path, quire_status_name(status),
		    error.message);
	return false;
}

static bool check_good(const struct row *row)
{
	quire_error error = { .message = "" };
	quire_model *model = NULL;
	size_t size;
	unsigned char *bytes = load(row, &size);
	const quire_status status =
	    row->grow > 0
		? quire_model_open_memory(bytes, size, NULL, &model, &error)
		: quire_model_open(row->path, NULL, &model, &error);
	bool right = false;

	if (status == QUIRE_OK)
		right = is_taken(row, model);
	else
		print_error("%s: %s\n", row->path, error.message);
	quire_model_close(model);
	free(bytes);
	return right;
}

static void test_good_files(void **state)
{
	(void)state;
	for_each("good/table.tsv", check_good);
}

/* ------------------------------------------------------------ all that spoils
 */

/* Opens and verifies bytes in a copy of just their size. */
static quire_status judge(const unsigned char *bytes, size_t size)
{
	static const quire_verify_options options = { .threads = 1 };
	unsigned char *copy = malloc(size > 0 ? size : 1);
	quire_model *model = NULL;
	quire_status status;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	status = quire_model_open_memory(copy, size, NULL, &model, NULL);
	if (status == QUIRE_OK)
		status = quire_model_verify(model, &options, NULL);
	quire_model_close(model);
	free(copy);
	return status;
}

static void test_any_cut_is_refused(void **state)
{
	size_t size;
	unsigned char *bytes =
	    scratch_read("good/container_mixed_32.gguf", &size);

	(void)state;
	assert_int_equal(judge(bytes, size), QUIRE_OK);
	for (size_t cut = 0; cut < size; cut++)
		assert_int_not_equal(judge(bytes, cut), QUIRE_OK);
	free(bytes);
}

static void test_any_changed_bit_is_found(void **state)
{
	size_t size;
	unsigned char *bytes =
	    scratch_read("good/container_mixed_32.gguf", &size);

	(void)state;
	for (size_t bit = 0; bit < 8 * size; bit++) {
		const unsigned char mask = (unsigned char)(1 << bit % 8);

		bytes[bit / 8] ^= mask;
		assert_int_not_equal(judge(bytes, size), QUIRE_OK);
		bytes[bit / 8] ^= mask;
	}
	assert_int_equal(judge(bytes, size), QUIRE_OK);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_in_memory),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_edited_headers),
		cmocka_unit_test(test_every_rule_has_a_file),
		cmocka_unit_test(test_good_files),
		cmocka_unit_test(test_any_cut_is_refused),
		cmocka_unit_test(test_any_changed_bit_is_found),
	};

	/* Short paths: the file's name must fit into the error. */
	if (chdir(QUIRE_GOLDEN) != 0) {
		perror(QUIRE_GOLDEN);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
