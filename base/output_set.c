/*
 * output_set.c - several files that appear together. A file system renames one
 * file at a time; so the first file of a set is placed last, and if it is
 * there, all are. Single files are output.c's.
 *
 * While a set is placed, each file NAME-00001-of-00003.gguf may have two more
 * beside it: NAME-00001-of-00003.gguf.quire-part, the new one, and
 * NAME-00001-of-00003.gguf.quire-old, the one that it replaces.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/output.h"
#include "base/path.h"

#define NEW_SUFFIX ".quire-part"
#define OLD_SUFFIX ".quire-old"

/* "-00001-of-00003.gguf" */
#define NUMBERS_SIZE 20

/* The names that a file of a set may have; in memory of its own. */
struct names {
	char *path;
	char *new;
	char *old;
};

static void free_names(struct names *names)
{
	free(names->path);
	free(names->new);
	free(names->old);
}

/* Room for any file of the set of `path`. */
static bool make_names(const char *path, struct names *names)
{
	const size_t room = strlen(path) + NUMBERS_SIZE + sizeof(NEW_SUFFIX);

	names->path = malloc(room);
	names->new = malloc(room);
	names->old = malloc(room);
	if (names->path && names->new && names->old)
		return true;
	free_names(names);
	return false;
}

/* Sets the other two by the path. */
static void complete(struct names *names)
{
	strcat(strcpy(names->new, names->path), NEW_SUFFIX);
	strcat(strcpy(names->old, names->path), OLD_SUFFIX);
}

static void set_names(struct names *names, const char *path)
{
	strcpy(names->path, path);
	complete(names);
}

static bool exists(const char *path)
{
	struct file_facts facts;

	return quire_link_facts(path, &facts);
}

static bool same_file(const char *a, const char *b)
{
	struct file_facts first, second;

	return quire_link_facts(a, &first) && quire_link_facts(b, &second) &&
	       file_same(&first, &second);
}

/* Whether the new file is in its place. A link to it may still have the name of
 * the temporary file. */
static bool is_placed(const struct names *names)
{
	return exists(names->path) &&
	       (!exists(names->new) || same_file(names->path, names->new));
}

static quire_status put_aside(const struct quire_output *output,
			      const struct names *names, quire_error *error)
{
	struct file_facts old;

	if (!output->overwrite || !quire_link_facts(names->path, &old))
		return QUIRE_OK;
	if (old.kind == FILE_FOLDER)
		return quire_fail_file(error, QUIRE_ERROR_IO, names->path,
				       QUIRE_NO_OFFSET, "it is a folder");
	if (!quire_path_rename(names->path, names->old))
		return quire_fail_errno(error, names->path, "cannot put aside");
	return QUIRE_OK;
}

/* Restores what was in the place of a file. */
static void put_back(const struct names *names, bool placed)
{
	if (placed)
		(void)quire_path_remove(names->path);
	if (exists(names->old))
		(void)quire_path_rename(names->old, names->path);
}

static quire_status flush_all(struct quire_output *const *outputs, size_t count,
			      quire_error *error)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < count && status == QUIRE_OK; i++)
		status = quire_output_flush(outputs[i], error);
	return status;
}

/* Puts the old files aside, the first one first, and places the new ones, the
 * first one last. Whatever is returned, those from *placed on are in place. */
static quire_status place_all(struct quire_output *const *outputs, size_t count,
			      struct names *names, size_t *placed,
			      quire_error *error)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		set_names(names, outputs[i]->path);
		status = put_aside(outputs[i], names, error);
	}
	for (*placed = count; *placed > 0 && status == QUIRE_OK; --*placed) {
		set_names(names, outputs[*placed - 1]->path);
		if (!quire_path_link(names->new, names->path))
			return quire_output_fail_place(names->path, error);
	}
	return status;
}

quire_status quire_output_commit_set(struct quire_output *const *outputs,
				     size_t count, quire_error *error)
{
	struct names names;
	size_t placed;
	quire_status status = flush_all(outputs, count, error);

	if (status != QUIRE_OK)
		return status;
	/* The paths of all are as long as the first one's. */
	if (!make_names(outputs[0]->path, &names))
		return quire_fail_memory(error, strlen(outputs[0]->path));
	status = place_all(outputs, count, &names, &placed, error);
	for (size_t i = count; i-- > 0;) {
		set_names(&names, outputs[i]->path);
		if (status != QUIRE_OK) {
			put_back(&names, i >= placed);
			continue;
		}
		(void)quire_path_remove(names.old);
		(void)quire_path_remove(names.new);
		quire_file_close(outputs[i]->file);
		outputs[i]->file = -1;
	}
	quire_path_flush_folder(outputs[0]->path);
	free_names(&names);
	return status;
}

static const char ending[] = ".gguf";

/* The size of a path without a final .gguf: the numbers go there. */
static size_t stem_size(const char *path)
{
	const size_t size = strlen(path);
	const size_t stem = size - (size > strlen(ending) ? strlen(ending) : 0);

	return strcmp(path + stem, ending) == 0 ? stem : size;
}

static void print_path(char *text, const char *path, size_t no, size_t count)
{
	const size_t stem = stem_size(path);

	/* Both are below 65,536, which the compiler cannot know. */
	memmove(text, path, stem);
	snprintf(text + stem, NUMBERS_SIZE + 1, "-%05zu-of-%05zu.gguf",
		 no % 100000, count % 100000);
}

char *quire_output_set_path(const char *path, size_t no, size_t count)
{
	char *made = malloc(strlen(path) + NUMBERS_SIZE + 1);

	if (made)
		print_path(made, path, no + 1, count);
	return made;
}

/* The size of NAME, if the path is NAME-00001-of-00003.gguf; else of the path
 * without .gguf. `count` 0: a set of any size. */
static size_t set_stem_size(const char *path, size_t count)
{
	const size_t size = strlen(path);
	const char *numbers =
	    size > NUMBERS_SIZE ? path + size - NUMBERS_SIZE : "";
	char expected[NUMBERS_SIZE + 1];
	unsigned no, of;

	if (sscanf(numbers, "-%5u-of-%5u", &no, &of) == 2 &&
	    (count == 0 || of == count)) {
		snprintf(expected, sizeof(expected), "-%05u-of-%05u.gguf",
			 no % 100000, of % 100000);
		if (strcmp(numbers, expected) == 0)
			return size - NUMBERS_SIZE;
	}
	return stem_size(path);
}

char *quire_output_set_name(const char *path, size_t count)
{
	const size_t stem = set_stem_size(path, count);
	char *made = malloc(stem + sizeof(ending));

	if (!made)
		return NULL;
	memcpy(made, path, stem);
	strcpy(made + stem, ending);
	return made;
}

/* Whether there is none, or one that a process of ours can have left. */
static bool is_own(const char *path)
{
	struct file_facts facts;

	return !quire_link_facts(path, &facts) ||
	       (facts.kind == FILE_REGULAR && quire_file_is_own(&facts));
}

/* Restores one set; or, if it was placed, removes the files left beside it. The
 * first new file shows which of the two, and so is removed last. A new file
 * that is locked belongs to a running process. What others left says nothing,
 * and stays. */
static void recover(const char *path, size_t count, struct names *names)
{
	bool placed;

	print_path(names->path, path, 1, count);
	complete(names);
	if (!is_own(names->new) || !is_own(names->old))
		return;
	placed = is_placed(names);
	for (size_t no = count; no > 0; no--) {
		print_path(names->path, path, no, count);
		complete(names);
		if (!is_own(names->new) || !is_own(names->old) ||
		    quire_lock_is_taken(names->new))
			continue;
		if (placed)
			(void)quire_path_remove(names->old);
		else
			put_back(names, same_file(names->path, names->new));
		(void)quire_path_remove(names->new);
	}
}

/* The 3 of "-00001-of-00003.gguf.quire-part" and the like; 0: it is another
 * name. */
static size_t count_in(const char *numbers)
{
	unsigned no, count;
	char expected[NUMBERS_SIZE + 1];

	if (sscanf(numbers, "-%5u-of-%5u", &no, &count) != 2)
		return 0;
	snprintf(expected, sizeof(expected), "-%05u-of-%05u.gguf", no % 100000,
		 count % 100000);
	if (strncmp(numbers, expected, NUMBERS_SIZE) != 0 ||
	    (strcmp(numbers + NUMBERS_SIZE, NEW_SUFFIX) != 0 &&
	     strcmp(numbers + NUMBERS_SIZE, OLD_SUFFIX) != 0))
		return 0;
	return count;
}

/* Several sets may be left: one for each process that was killed. */
static void recover_in(struct folder *folder, const char *path,
		       struct names *names)
{
	const char *name = quire_path_name(path);
	const size_t size = stem_size(name);
	const char *found;
	size_t last = 0;

	while ((found = quire_folder_next(folder))) {
		size_t count;

		if (strncmp(found, name, size) != 0)
			continue;
		count = count_in(found + size);
		if (count > 0 && count != last)
			recover(path, count, names);
		if (count > 0)
			last = count;
	}
}

void quire_output_recover_sets(const char *path)
{
	char *place = quire_path_folder(path);
	struct folder *folder = place ? quire_folder_open(place) : NULL;
	struct names names;

	free(place);
	if (!folder)
		return;
	if (make_names(path, &names)) {
		recover_in(folder, path, &names);
		free_names(&names);
	}
	quire_folder_close(folder);
}
