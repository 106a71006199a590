/*
 * output.c - single outputs: temporary file, flush, rename. Sets of files are
 * output_set.c's.
 */
#include "base/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/path.h"

#define SUFFIX ".quire-part"

#define COPY_SIZE ((size_t)1 << 20)

/* Other processes may make and remove the temporary file meanwhile. */
#define TRIES 100

/* PATH_MAX of Linux; other systems have less. */
#define LONGEST_PATH 4096

/* Permissions: of a file that is written, of a new one, and all there are but
 * for set-id and sticky bits. */
#define OWN_MODE  0600
#define NEW_MODE  0666
#define ALL_MODES 0777

static quire_status fail_exists(const char *path, quire_error *error)
{
	return quire_fail_file(error, QUIRE_ERROR_EXISTS, path, QUIRE_NO_OFFSET,
			       "the file exists");
}

quire_status quire_output_fail_place(const char *path, quire_error *error)
{
	if (errno == EEXIST)
		return fail_exists(path, error);
	return quire_fail_errno(error, path, "cannot rename to it");
}

/* ------------------------------------------------------ the temporary file */

/* Whether a file that was opened is still the one at the path. */
static bool is_at(const struct file_facts *opened, const char *path)
{
	struct file_facts named;

	return quire_link_facts(path, &named) && file_same(opened, &named);
}

static quire_status fail_busy(const struct quire_output *output,
			      quire_error *error)
{
	return quire_fail_file(error, QUIRE_ERROR_IO, output->path,
			       QUIRE_NO_OFFSET,
			       "another process is writing it");
}

static quire_status refuse(const struct quire_output *output, const char *why,
			   quire_error *error)
{
	return quire_fail_file(error, QUIRE_ERROR_IO, output->path,
			       QUIRE_NO_OFFSET,
			       "the file '%s', which would be its temporary "
			       "file, %s; remove it or choose another output",
			       quire_path_name(output->temporary), why);
}

/* Without locks the file is taken for ours. */
static quire_status lock(const struct quire_output *output, int file,
			 quire_error *error)
{
	switch (quire_lock_take(file)) {
	case LOCK_TAKEN:
	case LOCK_NONE:
		return QUIRE_OK;
	case LOCK_HELD:
		return fail_busy(output, error);
	case LOCK_FAILED:
		break;
	}
	return quire_fail_errno(error, output->path,
				"cannot lock its temporary file");
}

/* Closes the temporary file and removes it, unless another process has its own
 * at that name now. errno stays as it was. */
static void drop(struct quire_output *output)
{
	const int reason = errno;
	struct file_facts named;

	if (output->file < 0)
		return;
	if (!quire_link_facts(output->temporary, &named) ||
	    file_same(&output->opened, &named))
		(void)quire_path_remove(output->temporary);
	quire_file_close(output->file);
	output->file = -1;
	errno = reason;
}

/* Removes an open temporary file that no process writes. Its bytes are not
 * touched: it may be a second name of a finished file, or others may have
 * opened it. */
static quire_status remove_leftover(const struct quire_output *output, int file,
				    const struct file_facts *named,
				    quire_error *error)
{
	struct file_facts opened;
	quire_status status;

	if (!quire_file_facts(file, &opened))
		return quire_fail_errno(error, output->path,
					"cannot stat its temporary file");
	if (!file_same(&opened, named))
		return QUIRE_OK;
	status = lock(output, file, error);
	if (status != QUIRE_OK || !is_at(&opened, output->temporary))
		return status;
	if (!quire_path_remove(output->temporary) && errno != ENOENT)
		return quire_fail_errno(error, output->path,
					"cannot remove its temporary file");
	return QUIRE_OK;
}

/* Refuses what is not ours at the name of the temporary file. *found: there was
 * a file, which is removed. */
static quire_status clear(const struct quire_output *output, bool *found,
			  quire_error *error)
{
	struct file_facts named;
	quire_status status;
	int file;

	/* If it cannot be looked at, it cannot be made: that says why. */
	if (!quire_link_facts(output->temporary, &named))
		return QUIRE_OK;
	if (named.kind != FILE_REGULAR)
		return refuse(output, "is not a regular file", error);
	if (!quire_file_is_own(&named))
		return refuse(output, "belongs to another user", error);
	file = quire_file_open_to_lock(output->temporary);
	if (file < 0 && errno == ENOENT)
		return QUIRE_OK;
	if (file < 0)
		return quire_fail_errno(error, output->path,
					"cannot open its temporary file");
	*found = true;
	status = remove_leftover(output, file, &named, error);
	quire_file_close(file);
	return status;
}

/* Makes the temporary file and locks it. If another process was faster, or has
 * taken it for a leftover, output->file is -1. */
static quire_status make(struct quire_output *output, uint32_t mode,
			 quire_error *error)
{
	quire_status status;

	output->file = quire_file_create_new(output->temporary, mode);
	if (output->file < 0 && errno == EEXIST)
		return QUIRE_OK;
	if (output->file < 0)
		return quire_fail_errno(error, output->path,
					"cannot create its temporary file");
	if (!quire_file_facts(output->file, &output->opened)) {
		status = quire_fail_errno(error, output->path,
					  "cannot stat its temporary file");
		(void)quire_path_remove(output->temporary);
	} else {
		status = lock(output, output->file, error);
		if (status == QUIRE_OK &&
		    is_at(&output->opened, output->temporary))
			return QUIRE_OK;
	}
	drop(output);
	return status;
}

/* The permissions of the file that is replaced. False: there is none. */
static bool find_mode(struct quire_output *output)
{
	struct file_facts old;

	if (!quire_path_facts(output->path, &old) || old.kind != FILE_REGULAR)
		return false;
	output->mode = old.mode & ALL_MODES;
	return true;
}

/* What permissions a new file gets, the umask and the folder's rules say: so
 * one is made, empty, and removed. The file that is written is another one,
 * that nobody else has ever opened. */
static quire_status open_temporary(struct quire_output *output,
				   quire_error *error)
{
	bool leftover = false;
	bool known = find_mode(output);

	for (unsigned attempt = 0; attempt < TRIES; attempt++) {
		quire_status status = clear(output, &leftover, error);

		if (status == QUIRE_OK)
			status =
			    make(output, known ? OWN_MODE : NEW_MODE, error);
		if (status != QUIRE_OK)
			return status;
		if (output->file >= 0 && known) {
			if (leftover)
				quire_output_recover_sets(output->path);
			return QUIRE_OK;
		}
		if (output->file >= 0) {
			output->mode = output->opened.mode & ALL_MODES;
			known = true;
			drop(output);
		}
	}
	return fail_busy(output, error);
}

/* PATH.quire-part, to be freed. NULL: out of memory. */
static char *name_temporary(const char *path)
{
	const size_t size = strlen(path);
	char *made = malloc(size + sizeof(SUFFIX));

	if (!made)
		return NULL;
	memcpy(made, path, size);
	memcpy(made + size, SUFFIX, sizeof(SUFFIX));
	return made;
}

quire_status quire_output_open(struct quire_output *output, const char *path,
			       bool overwrite, quire_error *error)
{
	struct quire_output opened = { .file = -1, .overwrite = overwrite };
	struct file_facts old;
	quire_status status;

	if (!overwrite && quire_link_facts(path, &old))
		return fail_exists(path, error);
	opened.path = strdup(path);
	opened.temporary = name_temporary(path);
	status = opened.path && opened.temporary
		     ? open_temporary(&opened, error)
		     : quire_fail_memory(error, strlen(path) + 1);
	if (status == QUIRE_OK)
		*output = opened;
	else
		quire_output_discard(&opened);
	return status;
}

/* Files that are still to be made: one name in one folder. */
static bool is_same_place(const char *a, const char *b)
{
	char *first = quire_path_folder(a);
	char *second = quire_path_folder(b);
	const bool same = first && second && quire_path_same(first, second) &&
			  strcmp(quire_path_name(a), quire_path_name(b)) == 0;

	free(first);
	free(second);
	return same;
}

void quire_output_look(const char *path, struct quire_output_place *place)
{
	char temporary[LONGEST_PATH + sizeof(SUFFIX)];
	const size_t size = strlen(path);

	place->count = 0;
	if (size > LONGEST_PATH)
		return; /* the system has no such file */
	memcpy(temporary, path, size);
	memcpy(temporary + size, SUFFIX, sizeof(SUFFIX));
	if (quire_path_facts(path, &place->files[place->count]))
		place->count++;
	if (quire_path_facts(temporary, &place->files[place->count]))
		place->count++;
}

bool quire_output_hits(const struct quire_output_place *place,
		       const char *other)
{
	struct file_facts facts;

	if (place->count == 0 || !quire_path_facts(other, &facts))
		return false;
	for (size_t i = 0; i < place->count; i++)
		if (file_same(&place->files[i], &facts))
			return true;
	return false;
}

bool quire_output_destroys(const char *path, const char *other)
{
	char *temporary = name_temporary(path);
	struct quire_output_place place;
	bool destroys;

	quire_output_look(path, &place);
	destroys = quire_output_hits(&place, other) ||
		   is_same_place(path, other) ||
		   (temporary && is_same_place(temporary, other));
	free(temporary);
	return destroys;
}

/* ----------------------------------------------------------------- contents */

quire_status quire_output_resize(const struct quire_output *output,
				 uint64_t size, quire_error *error)
{
	if (!quire_file_resize(output->file, size))
		return quire_fail_errno(error, output->path, "cannot resize");
	return QUIRE_OK;
}

quire_status quire_output_write(const struct quire_output *output,
				uint64_t offset, const void *data, size_t size,
				quire_error *error)
{
	if (!quire_file_write(output->file, offset, data, size))
		return quire_fail_errno(error, output->path, "cannot write");
	return QUIRE_OK;
}

static quire_status copy_by_buffer(const struct quire_output *output,
				   uint64_t offset, int from,
				   uint64_t from_offset, uint64_t size,
				   unsigned char *buffer, quire_error *error)
{
	while (size > 0) {
		const size_t step = size < COPY_SIZE ? (size_t)size : COPY_SIZE;
		quire_status status;
		size_t got;

		if (!quire_file_read(from, from_offset, buffer, step, &got))
			return quire_fail_errno(error, NULL, "cannot read");
		status = quire_output_write(output, offset, buffer, got, error);
		if (status != QUIRE_OK)
			return status;
		offset += got;
		from_offset += got;
		size -= got;
		if (got < step)
			return quire_fail(error, QUIRE_ERROR_TRUNCATED,
					  from_offset,
					  "the file ends while it is read");
	}
	return QUIRE_OK;
}

quire_status quire_output_copy(const struct quire_output *output,
			       uint64_t offset, int from, uint64_t from_offset,
			       uint64_t size, quire_error *error)
{
	const uint64_t copied =
	    quire_file_copy(from, from_offset, output->file, offset, size);
	unsigned char *buffer;
	quire_status status;

	if (copied == size)
		return QUIRE_OK;
	buffer = malloc(COPY_SIZE);
	if (!buffer)
		return quire_fail_memory(error, COPY_SIZE);
	status =
	    copy_by_buffer(output, offset + copied, from, from_offset + copied,
			   size - copied, buffer, error);
	free(buffer);
	return status;
}

void quire_output_begin_flush(const struct quire_output *output,
			      uint64_t offset, uint64_t size)
{
	quire_file_begin_flush(output->file, offset, size);
}

/* ------------------------------------------------------------- the ending */

/* Without `overwrite` a link, which fails if the name is taken meanwhile. */
static bool put_in_place(const struct quire_output *output)
{
	if (output->overwrite)
		return quire_path_rename(output->temporary, output->path);
	if (!quire_path_link(output->temporary, output->path))
		return false;
	/* If this fails, the next writer does it; and if it was renamed there
	 * is nothing to do. */
	(void)quire_path_remove(output->temporary);
	return true;
}

/* If the group cannot be given, the new one gets what everybody has, and no
 * more than the old one. */
static uint32_t keep_group(const struct quire_output *output,
			   const struct file_facts *old,
			   const struct file_facts *now)
{
	const uint32_t mode = old->mode & ALL_MODES;

	if (old->group == now->group ||
	    quire_file_set_group(output->file, old->group))
		return mode;
	return (mode & ~(uint32_t)070) | ((mode & 07) << 3 & mode);
}

/* Where nothing changes nothing is set: some file systems have no
 * permissions. */
static quire_status set_mode(const struct quire_output *output,
			     quire_error *error)
{
	struct file_facts now, old;
	uint32_t mode = output->mode;

	if (!quire_file_facts(output->file, &now))
		return quire_fail_errno(error, output->path,
					"cannot stat its temporary file");
	if (quire_path_facts(output->path, &old) && old.kind == FILE_REGULAR)
		mode = keep_group(output, &old, &now);
	if (mode != now.mode && !quire_file_set_mode(output->file, mode))
		return quire_fail_errno(error, output->path,
					"cannot set its permissions");
	return QUIRE_OK;
}

quire_status quire_output_flush(const struct quire_output *output,
				quire_error *error)
{
	const quire_status status = set_mode(output, error);

	if (status != QUIRE_OK)
		return status;
	if (!quire_file_flush(output->file))
		return quire_fail_errno(error, output->path, "cannot flush");
	if (!is_at(&output->opened, output->temporary))
		return quire_fail_file(error, QUIRE_ERROR_IO, output->path,
				       QUIRE_NO_OFFSET,
				       "its temporary file was removed or "
				       "replaced; does another process write "
				       "it?");
	return QUIRE_OK;
}

quire_status quire_output_commit(struct quire_output *output,
				 quire_error *error)
{
	const quire_status status = quire_output_flush(output, error);

	if (status != QUIRE_OK)
		return status;
	if (!put_in_place(output))
		return quire_output_fail_place(output->path, error);
	quire_path_flush_folder(output->path);
	quire_file_close(output->file);
	output->file = -1;
	return QUIRE_OK;
}

void quire_output_discard(struct quire_output *output)
{
	drop(output);
	free(output->temporary);
	free(output->path);
	output->temporary = NULL;
	output->path = NULL;
}
