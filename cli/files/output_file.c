/*
 * output_file.c - temporary file, fsync, rename. A reader that has the old
 * file mapped keeps the old bytes; a crash leaves the old file.
 */
#include "cli/files/output_file.h"
#include "cli/ui/interrupt.h"
#include "cli/ui/trouble.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(const char *name)
{
	trouble("%s: cannot write: %s", name, strerror(errno));
	return false;
}

static bool open_stdout(struct output_file *file)
{
	if (isatty(STDOUT_FILENO)) {
		trouble("stdout is a terminal, and this is binary; "
			"name a file or redirect");
		return false;
	}
	file->stream = stdout;
	return true;
}

static bool open_in_place(struct output_file *file, const char *name)
{
	file->stream = fopen(name, "wb");
	return file->stream || fail(name);
}

/* PATH/.quire-PID-TRY.tmp: short whatever the file's own name is. */
static char *temporary_name(const char *path, unsigned attempt)
{
	const char *slash = strrchr(path, '/');
	const size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
	const size_t capacity = folder + 64;
	char *name = malloc(capacity);

	if (name)
		snprintf(name, capacity, "%.*s.quire-%ld-%u.tmp", (int)folder,
			 path, (long)getpid(), attempt);
	return name;
}

static int create_temporary(struct output_file *file)
{
	unsigned attempt;
	int fd = -1;

	/* A dead process with our number may have left a few behind. */
	for (attempt = 0; attempt < 100; attempt++) {
		file->temporary = temporary_name(file->path, attempt);
		if (!file->temporary)
			return -1;
		fd = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
		if (fd >= 0)
			return fd;
		free(file->temporary);
		file->temporary = NULL;
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

static bool open_temporary(struct output_file *file, const struct stat *old)
{
	const int fd = create_temporary(file);

	if (fd < 0)
		return fail(file->name);
	if (old && fchmod(fd, old->st_mode & 0777) != 0) {
		close(fd);
		return fail(file->name);
	}
	file->stream = fdopen(fd, "wb");
	if (file->stream)
		return true;
	close(fd);
	return fail(file->name);
}

bool output_file_open(struct output_file *file, const char *name)
{
	struct stat old;
	const bool exists = stat(name, &old) == 0;

	*file = (struct output_file){ .name = name };
	if (strcmp(name, "-") == 0)
		return open_stdout(file);
	if (exists && S_ISDIR(old.st_mode)) {
		trouble("%s: is a folder; name a file in it", name);
		return false;
	}
	if (exists && !S_ISREG(old.st_mode))
		return open_in_place(file, name);
	interrupt_hold();
	file->path = exists ? realpath(name, NULL) : strdup(name);
	if (!file->path)
		fail(name);
	else if (open_temporary(file, exists ? &old : NULL))
		return true;
	output_file_discard(file);
	return false;
}

static bool flush(struct output_file *file)
{
	errno = EIO; /* for an error of which only the stream still knows */
	if (fflush(file->stream) != 0 || ferror(file->stream))
		return false;
	return !file->temporary || fsync(fileno(file->stream)) == 0;
}

bool output_file_commit(struct output_file *file)
{
	bool done;

	if (file->stream == stdout)
		return true; /* main looks whether stdout was written */
	done = flush(file);
	if (fclose(file->stream) != 0)
		done = false;
	file->stream = NULL;
	if (done && file->temporary)
		done = rename(file->temporary, file->path) == 0;
	if (done) {
		free(file->temporary);
		file->temporary = NULL;
	} else {
		fail(file->name);
	}
	output_file_discard(file);
	return done;
}

void output_file_discard(struct output_file *file)
{
	const bool held = file->path != NULL;

	if (file->stream && file->stream != stdout)
		fclose(file->stream);
	if (file->temporary)
		unlink(file->temporary);
	free(file->temporary);
	free(file->path);
	*file = (struct output_file){ .name = file->name };
	if (held)
		interrupt_release();
}

static bool same_inode(const char *a, const char *b)
{
	struct stat first;
	struct stat second;

	return stat(a, &first) == 0 && stat(b, &second) == 0 &&
	       first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The folder of a path, "." for a bare name, to be freed. */
static char *folder_of(const char *path)
{
	const size_t size = (size_t)(last_name(path) - path);

	return size ? strndup(path, size) : strdup(".");
}

/* Files that are still to be made: one name in one folder. */
static bool same_place(const char *a, const char *b)
{
	char *first = folder_of(a);
	char *second = folder_of(b);
	const bool same = first && second && same_inode(first, second) &&
			  strcmp(last_name(a), last_name(b)) == 0;

	free(first);
	free(second);
	return same;
}

bool output_file_same(const char *a, const char *b)
{
	return same_inode(a, b) || same_place(a, b);
}
