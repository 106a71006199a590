/*
 * onnx_external.c - finds and reads the files that hold a model's weights. A
 * location is checked twice: as text, and after the system resolved its links.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file_hash.h"
#include "base/grow.h"
#include "base/path.h"
#include "convert/onnx/onnx_private.h"

/* The path without links, to be freed. */
static quire_status resolve(const char *path, char **real, quire_error *error)
{
	char *found = quire_path_resolve(path);

	if (!found)
		return quire_fail_errno(error, path, "cannot open");
	*real = found;
	return QUIRE_OK;
}

/* Cuts a resolved path down to its folder. */
static void to_folder(char *path)
{
	char *slash = strrchr(path, '/');

	assert(slash);
	if (slash == path)
		slash++;
	*slash = '\0';
}

quire_status quire_onnx_files_init(struct onnx_files *files, const char *path,
				   quire_error *error)
{
	char *folder = quire_path_folder(path);
	quire_status status;

	*files = (struct onnx_files){ 0 };
	if (!folder)
		return quire_fail_memory(error, strlen(path) + 2);
	status = resolve(folder, &files->folders[0], error);
	free(folder);
	if (status == QUIRE_OK)
		status = resolve(path, &files->folders[1], error);
	if (status == QUIRE_OK)
		to_folder(files->folders[1]);
	else
		quire_onnx_files_free(files);
	return status;
}

void quire_onnx_file_close(struct onnx_file *file)
{
	if (!file)
		return;
	if (file->users > 0)
		quire_file_close(file->descriptor);
	free(file->location);
	free(file->path);
	free(file);
}

void quire_onnx_files_free(struct onnx_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		quire_onnx_file_close(files->items[i]);
	quire_table_free(&files->by_location);
	free(files->items);
	free(files->folders[0]);
	free(files->folders[1]);
	*files = (struct onnx_files){ 0 };
}

static bool climbs(const char *location)
{
	while (*location) {
		const size_t size = strcspn(location, "/");

		if (size == 2 && memcmp(location, "..", 2) == 0)
			return true;
		location += size;
		location += strspn(location, "/");
	}
	return false;
}

static bool inside(const char *folder, const char *path)
{
	const size_t size = strlen(folder);

	return strncmp(folder, path, size) == 0 &&
	       (path[size] == '/' || (size > 0 && folder[size - 1] == '/'));
}

static void note_facts(struct onnx_file *file, const struct file_facts *facts)
{
	file->size = facts->size;
	file->facts = *facts;
}

/* Sets path, size and time of a new file. */
static quire_status locate(const struct onnx_files *files,
			   struct onnx_file *file, quire_error *error)
{
	const size_t folder_size = strlen(files->folders[0]);
	const size_t size = strlen(file->location);
	char *joined = malloc(folder_size + size + 2);
	struct file_facts facts;
	quire_status status;

	if (!joined)
		return quire_fail_memory(error, folder_size + size + 2);
	memcpy(joined, files->folders[0], folder_size);
	joined[folder_size] = '/';
	memcpy(joined + folder_size + 1, file->location, size + 1);
	file->path = quire_path_resolve(joined);
	status =
	    file->path
		? QUIRE_OK
		: quire_fail_errno(error, joined,
				   "cannot open the model's external data");
	free(joined);
	if (status != QUIRE_OK)
		return status;
	if (!inside(files->folders[0], file->path) &&
	    !inside(files->folders[1], file->path))
		return quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
				  "external data '%s' is a link that leaves "
				  "the model's folder",
				  file->location);
	if (!quire_path_facts(file->path, &facts))
		return quire_fail_errno(error, file->path, "cannot stat");
	if (facts.kind != FILE_REGULAR)
		return quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
				  "external data '%s' is not a regular file",
				  file->location);
	note_facts(file, &facts);
	return QUIRE_OK;
}

static quire_status check_location(const char *location, quire_error *error)
{
	const char *fault = NULL;

	if (location[0] == '\0')
		fault = "is empty";
	else if (location[0] == '/')
		fault = "is absolute";
	else if (climbs(location))
		fault = "leaves the model's folder";
	if (!fault)
		return QUIRE_OK;
	return quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "external data location '%s' %s", location, fault);
}

static quire_status add(struct onnx_files *files, const char *location,
			quire_error *error)
{
	struct onnx_file **items = quire_grow(files->items, &files->capacity,
					      files->count, sizeof(*items));
	struct onnx_file *file = calloc(1, sizeof(*file));
	quire_status status;

	if (items)
		files->items = items;
	if (file)
		file->location = strdup(location);
	if (!items || !file || !file->location)
		status = quire_fail_memory(error, sizeof(*file));
	else
		status = locate(files, file, error);
	if (status == QUIRE_OK)
		status = quire_table_add(&files->by_location, 0, file->location,
					 strlen(location), files->count, error);
	if (status == QUIRE_OK)
		files->items[files->count++] = file;
	else
		quire_onnx_file_close(file);
	return status;
}

quire_status quire_onnx_files_find(struct onnx_files *files,
				   const char *location,
				   struct onnx_file **file, quire_error *error)
{
	const size_t *known;
	quire_status status = check_location(location, error);

	if (status != QUIRE_OK)
		return status;
	known = quire_table_find(&files->by_location, 0, location,
				 strlen(location));
	if (!known) {
		status = add(files, location, error);
		if (status == QUIRE_OK)
			*file = files->items[files->count - 1];
		return status;
	}
	*file = files->items[*known];
	return QUIRE_OK;
}

quire_status quire_onnx_file_check(const struct onnx_file *file,
				   quire_error *error)
{
	struct file_facts facts;

	if (file->users > 0 ? !quire_file_facts(file->descriptor, &facts)
			    : !quire_path_facts(file->path, &facts))
		return quire_fail_errno(error, file->path, "cannot stat");
	if (!file_unchanged(&file->facts, &facts))
		return quire_fail_file(error, QUIRE_ERROR_IO, file->path,
				       QUIRE_NO_OFFSET,
				       "the file changed while it was read");
	return QUIRE_OK;
}

quire_status quire_onnx_file_acquire(struct onnx_file *file, quire_error *error)
{
	quire_status status;

	if (!file)
		return QUIRE_OK;
	if (file->users == 0) {
		file->descriptor = quire_file_open_no_link(file->path);
		if (file->descriptor < 0)
			return quire_fail_errno(error, file->path,
						"cannot open");
	}
	file->users++;
	if (file->users > 1)
		return QUIRE_OK;
	status = quire_onnx_file_check(file, error);
	if (status != QUIRE_OK)
		quire_onnx_file_release(file);
	return status;
}

void quire_onnx_file_release(struct onnx_file *file)
{
	if (!file)
		return;
	assert(file->users > 0);
	if (--file->users == 0)
		quire_file_close(file->descriptor);
}

/* Sets path, size and time of an open file. */
static quire_status describe(struct onnx_file *file, const char *path,
			     quire_error *error)
{
	struct file_facts facts;

	file->path = strdup(path);
	if (!file->path)
		return quire_fail_memory(error, strlen(path));
	if (!quire_file_facts(file->descriptor, &facts))
		return quire_fail_errno(error, path, "cannot stat");
	if (facts.kind != FILE_REGULAR)
		return quire_fail_file(error, QUIRE_ERROR_IO, path,
				       QUIRE_NO_OFFSET, "not a regular file");
	note_facts(file, &facts);
	return QUIRE_OK;
}

quire_status quire_onnx_file_open(const char *path, struct onnx_file **file,
				  quire_error *error)
{
	struct onnx_file *opened = calloc(1, sizeof(*opened));
	quire_status status;

	if (!opened)
		return quire_fail_memory(error, sizeof(*opened));
	opened->descriptor = quire_file_open(path);
	if (opened->descriptor < 0) {
		status = quire_fail_errno(error, path, "cannot open");
		free(opened);
		return status;
	}
	opened->users = 1;
	status = describe(opened, path, error);
	if (status == QUIRE_OK)
		*file = opened;
	else
		quire_onnx_file_close(opened);
	return status;
}

quire_status quire_onnx_file_read(const struct onnx_file *file, uint64_t offset,
				  void *bytes, size_t size, quire_error *error)
{
	size_t got;

	assert(file->users > 0);
	if (!quire_file_read(file->descriptor, offset, bytes, size, &got))
		return quire_fail_errno(error, file->path, "cannot read");
	if (got < size)
		return quire_fail_file(
		    error, QUIRE_ERROR_IO, file->path, offset + got,
		    "the file ends at byte %" PRIu64, offset + got);
	return QUIRE_OK;
}

static quire_status read_for_hash(const void *file, uint64_t offset,
				  void *bytes, size_t size, quire_error *error)
{
	return quire_onnx_file_read(file, offset, bytes, size, error);
}

quire_status quire_onnx_file_hash(const struct onnx_file *file,
				  uint32_t threads, uint64_t *xxh3,
				  quire_error *error)
{
	const struct file_hash_source source = { .file = file,
						 .size = file->size,
						 .read = read_for_hash };

	return quire_file_hash(&source, threads, xxh3, error);
}
