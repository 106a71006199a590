/*
 * output.c - output.h over POSIX files: lock, pwrite, fsync, rename.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/output.h"

#define PART_SUFFIX ".quire-part"

/* A write of more than 2 GiB is cut short by Linux, and refused by macOS. */
#define WRITE_MAX_SIZE ((size_t)1 << 30)

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
static bool is_at(const struct stat *open_file, const char *path)
{
	struct stat named_file;

	return lstat(path, &named_file) == 0 &&
	       open_file->st_dev == named_file.st_dev &&
	       open_file->st_ino == named_file.st_ino;
}

/* Opens the part file and locks it; the caller discards it on failure. */
static quire_status lock_part(struct quire_output *output, struct stat *file,
			      quire_error *error)
{
	const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;

	output->fd = open(output->part_path, flags, 0666);
	if (output->fd < 0)
		return quire_fail_errno(error, output->path,
					"cannot create its temporary file");
	if (flock(output->fd, LOCK_EX | LOCK_NB) == 0) {
		if (fstat(output->fd, file) != 0)
			return quire_fail_errno(
			    error, output->path,
			    "cannot stat its temporary file");
		if (is_at(file, output->part_path))
			return QUIRE_OK;
	}
	/* Not ours to remove. */
	close(output->fd);
	output->fd = -1;
	return quire_fail_file(error, QUIRE_ERROR_IO, output->path,
			       QUIRE_NO_OFFSET,
			       "another process is writing it");
}

static quire_status open_part(struct quire_output *output, quire_error *error)
{
	struct stat file;
	const bool leftover = lstat(output->part_path, &file) == 0;
	quire_status status = lock_part(output, &file, error);

	if (status == QUIRE_OK && leftover)
		quire_output_recover_sets(output->path);
	/* Left by a process that was killed within put_in_place: a second
	 * name of the finished file, whose bytes must stay. */
	if (status == QUIRE_OK && file.st_nlink > 1) {
		unlink(output->part_path);
		close(output->fd);
		status = lock_part(output, &file, error);
	}
	if (status == QUIRE_OK && ftruncate(output->fd, 0) != 0)
		status = quire_fail_errno(error, output->path,
					  "cannot empty its temporary file");
	return status;
}

/* A file that is replaced keeps its permissions. */
static void keep_mode(const struct quire_output *output)
{
	struct stat old;

	if (stat(output->path, &old) == 0 && S_ISREG(old.st_mode))
		(void)fchmod(output->fd, old.st_mode & 07777);
}

quire_status quire_output_open(struct quire_output *output, const char *path,
			       bool overwrite, quire_error *error)
{
	const size_t size = strlen(path) + 1;
	struct quire_output opened = { .fd = -1, .overwrite = overwrite };
	struct stat old;
	quire_status status;

	if (!overwrite && lstat(path, &old) == 0)
		return fail_exists(path, error);
	opened.path = malloc(size);
	opened.part_path = malloc(size + strlen(PART_SUFFIX));
	if (!opened.path || !opened.part_path) {
		quire_output_discard(&opened);
		return quire_fail_memory(error, size);
	}
	memcpy(opened.path, path, size);
	memcpy(opened.part_path, path, size);
	strcat(opened.part_path, PART_SUFFIX);
	status = open_part(&opened, error);
	if (status != QUIRE_OK) {
		quire_output_discard(&opened);
		return status;
	}
	keep_mode(&opened);
	*output = opened;
	return QUIRE_OK;
}

quire_status quire_output_resize(const struct quire_output *output,
				 uint64_t size, quire_error *error)
{
	if (size > INT64_MAX || ftruncate(output->fd, (off_t)size) != 0)
		return quire_fail_errno(error, output->path, "cannot resize");
	return QUIRE_OK;
}

quire_status quire_output_write(const struct quire_output *output,
				uint64_t offset, const void *data, size_t size,
				quire_error *error)
{
	const char *bytes = data;

	while (size > 0) {
		const size_t part =
		    size < WRITE_MAX_SIZE ? size : WRITE_MAX_SIZE;
		const ssize_t done =
		    pwrite(output->fd, bytes, part, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return quire_fail_errno(error, output->path,
						"cannot write");
		bytes += done;
		offset += (uint64_t)done;
		size -= (size_t)done;
	}
	return QUIRE_OK;
}

/* The rename lasts once the folder is on the disk; where a file system cannot
 * do that, the file itself already is. */
void quire_output_sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	const size_t size = slash ? (size_t)(slash - path) : 0;
	char *folder = malloc(size + 2);
	int fd;

	if (!folder)
		return;
	memcpy(folder, path, size);
	strcpy(folder + size, slash ? "/" : ".");
	fd = open(folder, O_RDONLY | O_CLOEXEC);
	free(folder);
	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

int quire_output_link(const char *from, const char *to)
{
	struct stat old;

	if (link(from, to) == 0)
		return 0;
	if (errno == EEXIST)
		return -1;
	if (lstat(to, &old) == 0) {
		errno = EEXIST;
		return -1;
	}
	return rename(from, to);
}

/* Without `overwrite` a link, which fails if the name is taken meanwhile. */
static int put_in_place(const struct quire_output *output)
{
	if (output->overwrite)
		return rename(output->part_path, output->path);
	if (quire_output_link(output->part_path, output->path) != 0)
		return -1;
	/* If this fails, the next writer's open_part does it; and if it was
	 * renamed there is nothing to do. */
	(void)unlink(output->part_path);
	return 0;
}

quire_status quire_output_flush(const struct quire_output *output,
				quire_error *error)
{
	if (fsync(output->fd) != 0)
		return quire_fail_errno(error, output->path, "cannot flush");
	return QUIRE_OK;
}

quire_status quire_output_commit(struct quire_output *output,
				 quire_error *error)
{
	const quire_status status = quire_output_flush(output, error);

	if (status != QUIRE_OK)
		return status;
	if (put_in_place(output) != 0)
		return quire_output_fail_place(output->path, error);
	quire_output_sync_folder(output->path);
	close(output->fd);
	output->fd = -1;
	return QUIRE_OK;
}

void quire_output_discard(struct quire_output *output)
{
	if (output->fd >= 0) {
		unlink(output->part_path);
		close(output->fd);
		output->fd = -1;
	}
	free(output->part_path);
	free(output->path);
	output->part_path = NULL;
	output->path = NULL;
}
