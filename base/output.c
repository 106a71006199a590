/*
 * output.c - single outputs: temporary file, flush, rename. Sets of files are
 * output_set.c's.
 */
#include "base/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/path.h"

#define SUFFIX ".quire-part"

#define COPY_SIZE ((size_t)1 << 20)

/* A dead process with our number may have left a few names taken. */
#define TRIES 100

/* --------------------------------------------------------- locked outputs */

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

/* Whether the open file is still the one at the path. */
static bool is_at(const struct file_facts *open_file, const char *path)
{
	struct file_facts named_file;

	return quire_link_facts(path, &named_file) &&
	       file_same(open_file, &named_file);
}

/* Opens the temporary file and locks it; the caller discards it on failure. */
static quire_status lock_temporary(struct quire_output *output,
				   struct file_facts *facts, quire_error *error)
{
	output->file = quire_file_create(output->temporary);
	if (output->file < 0)
		return quire_fail_errno(error, output->path,
					"cannot create its temporary file");
	if (quire_lock_take(output->file)) {
		if (!quire_file_facts(output->file, facts))
			return quire_fail_errno(
			    error, output->path,
			    "cannot stat its temporary file");
		if (is_at(facts, output->temporary))
			return QUIRE_OK;
	}
	/* Not ours to remove. */
	quire_file_close(output->file);
	output->file = -1;
	return quire_fail_file(error, QUIRE_ERROR_IO, output->path,
			       QUIRE_NO_OFFSET,
			       "another process is writing it");
}

static quire_status open_temporary(struct quire_output *output,
				   quire_error *error)
{
	struct file_facts facts;
	const bool leftover = quire_link_facts(output->temporary, &facts);
	quire_status status = lock_temporary(output, &facts, error);

	if (status == QUIRE_OK && leftover)
		quire_output_recover_sets(output->path);
	/* Left by a process that was killed within put_in_place: a second
	 * name of the finished file, whose bytes must stay. */
	if (status == QUIRE_OK && facts.name_count > 1) {
		(void)quire_path_remove(output->temporary);
		quire_file_close(output->file);
		status = lock_temporary(output, &facts, error);
	}
	if (status == QUIRE_OK && !quire_file_resize(output->file, 0))
		status = quire_fail_errno(error, output->path,
					  "cannot empty its temporary file");
	return status;
}

/* Some file systems have no permissions to set. */
static void keep_mode(const struct quire_output *output)
{
	struct file_facts old;

	if (quire_path_facts(output->path, &old) && old.kind == FILE_REGULAR)
		(void)quire_file_set_mode(output->file, old.mode);
}

quire_status quire_output_open(struct quire_output *output, const char *path,
			       bool overwrite, quire_error *error)
{
	const size_t size = strlen(path) + 1;
	struct quire_output opened = { .file = -1, .overwrite = overwrite };
	struct file_facts old;
	quire_status status;

	if (!overwrite && quire_link_facts(path, &old))
		return fail_exists(path, error);
	opened.path = malloc(size);
	opened.temporary = malloc(size + strlen(SUFFIX));
	if (!opened.path || !opened.temporary) {
		quire_output_discard(&opened);
		return quire_fail_memory(error, size);
	}
	memcpy(opened.path, path, size);
	memcpy(opened.temporary, path, size);
	strcat(opened.temporary, SUFFIX);
	status = open_temporary(&opened, error);
	if (status != QUIRE_OK) {
		quire_output_discard(&opened);
		return status;
	}
	keep_mode(&opened);
	*output = opened;
	return QUIRE_OK;
}

/* ------------------------------------------------------- unlocked outputs */

/* FOLDER/.quire-PID-TRY.tmp: short whatever the file's own name is. */
static bool create_temporary(struct quire_output *output)
{
	const size_t folder =
	    (size_t)(quire_path_name(output->path) - output->path);
	const size_t capacity = folder + 64;

	output->temporary = malloc(capacity);
	for (unsigned attempt = 0; output->temporary && attempt < TRIES;
	     attempt++) {
		snprintf(output->temporary, capacity,
			 "%.*s.quire-%" PRIu64 "-%u.tmp", (int)folder,
			 output->path, quire_process_number(), attempt);
		output->file = quire_file_create_new(output->temporary);
		if (output->file >= 0)
			return true;
		if (errno != EEXIST)
			break;
	}
	return false;
}

bool quire_output_open_unlocked(struct quire_output *output, const char *path)
{
	struct quire_output opened = { .file = -1, .overwrite = true };
	struct file_facts old;

	opened.path = quire_path_facts(path, &old) ? quire_path_resolve(path)
						   : strdup(path);
	if (!opened.path || !create_temporary(&opened)) {
		const int reason = errno;

		quire_output_discard(&opened);
		errno = reason;
		return false;
	}
	keep_mode(&opened);
	*output = opened;
	return true;
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
	/* If this fails, the next writer's open_temporary does it; and if it
	 * was renamed there is nothing to do. */
	(void)quire_path_remove(output->temporary);
	return true;
}

quire_status quire_output_flush(const struct quire_output *output,
				quire_error *error)
{
	if (!quire_file_flush(output->file))
		return quire_fail_errno(error, output->path, "cannot flush");
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
	if (output->file >= 0) {
		(void)quire_path_remove(output->temporary);
		quire_file_close(output->file);
		output->file = -1;
	}
	free(output->temporary);
	free(output->path);
	output->temporary = NULL;
	output->path = NULL;
}
