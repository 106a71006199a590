/*
 * file_posix.c - file.h over POSIX. Three calls of Linux alone are used where
 * they exist. Not every file system has every call: each place says what is
 * done where one is refused.
 */
#if defined(__linux__)
#define _GNU_SOURCE /* copy_file_range, renameat2, sync_file_range */
#endif

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"

/* One call transfers 2 GiB at most on Linux, and fails above that on macOS. */
#define TRANSFER_SIZE ((size_t)1 << 30)

/* Whether errno says that the file system, or a sandbox, does not have the call
 * for this file; and not that the call failed. */
static bool is_refused(void)
{
	return errno == ENOSYS || errno == EOPNOTSUPP || errno == ENOTSUP ||
	       errno == EINVAL;
}

/* ------------------------------------------------------------------- facts */

static enum file_kind kind_of(const struct stat *file)
{
	if (S_ISREG(file->st_mode))
		return FILE_REGULAR;
	return S_ISDIR(file->st_mode) ? FILE_FOLDER : FILE_OTHER;
}

static bool take_facts(int result, const struct stat *file,
		       struct file_facts *facts)
{
	if (result != 0)
		return false;
#ifdef __APPLE__
	const struct timespec written = file->st_mtimespec;
	const struct timespec changed = file->st_ctimespec;
#else
	const struct timespec written = file->st_mtim;
	const struct timespec changed = file->st_ctim;
#endif
	*facts = (struct file_facts){
		.kind = kind_of(file),
		.size = (uint64_t)file->st_size,
		.written = { written.tv_sec, written.tv_nsec },
		.changed = { changed.tv_sec, changed.tv_nsec },
		.device = (uint64_t)file->st_dev,
		.number = (uint64_t)file->st_ino,
		.name_count = (uint64_t)file->st_nlink,
		.owner = (uint64_t)file->st_uid,
		.group = (uint64_t)file->st_gid,
		.mode = file->st_mode & 07777,
	};
	return true;
}

bool quire_file_facts(int file, struct file_facts *facts)
{
	struct stat its;

	return take_facts(fstat(file, &its), &its, facts);
}

bool quire_path_facts(const char *path, struct file_facts *facts)
{
	struct stat its;

	return take_facts(stat(path, &its), &its, facts);
}

bool quire_link_facts(const char *path, struct file_facts *facts)
{
	struct stat its;

	return take_facts(lstat(path, &its), &its, facts);
}

bool quire_path_same(const char *a, const char *b)
{
	struct file_facts first, second;

	return quire_path_facts(a, &first) && quire_path_facts(b, &second) &&
	       file_same(&first, &second);
}

bool quire_file_is_own(const struct file_facts *facts)
{
	return facts->owner == (uint64_t)geteuid();
}

/* ------------------------------------------------------------- open files */

int quire_file_open(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

int quire_file_open_no_link(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
}

int quire_file_open_to_lock(const char *path)
{
	const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	const int file = open(path, O_RDWR | flags);

	return file < 0 && errno == EACCES ? open(path, O_RDONLY | flags)
					   : file;
}

int quire_file_open_device(const char *path)
{
	return open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
}

int quire_file_create_new(const char *path, uint32_t mode)
{
	return open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    (mode_t)mode);
}

int quire_file_keep(int file)
{
	return fcntl(file, F_DUPFD_CLOEXEC, 0);
}

void quire_file_close(int file)
{
	close(file);
}

bool quire_file_read(int file, uint64_t offset, void *buffer, size_t size,
		     size_t *got)
{
	unsigned char *bytes = buffer;

	*got = 0;
	while (*got < size) {
		const size_t rest = size - *got;
		const ssize_t done =
		    pread(file, bytes + *got,
			  rest < TRANSFER_SIZE ? rest : TRANSFER_SIZE,
			  (off_t)(offset + *got));

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		if (done == 0)
			break;
		*got += (size_t)done;
	}
	return true;
}

bool quire_file_write(int file, uint64_t offset, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	while (size > 0) {
		const ssize_t done = pwrite(
		    file, bytes, size < TRANSFER_SIZE ? size : TRANSFER_SIZE,
		    (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		bytes += done;
		offset += (uint64_t)done;
		size -= (size_t)done;
	}
	return true;
}

/* If it ends early, the first read or write of the rest reports why. */
uint64_t quire_file_copy(int from, uint64_t from_offset, int to,
			 uint64_t to_offset, uint64_t size)
{
	uint64_t copied = 0;
#if defined(__linux__)
	off_t in = (off_t)from_offset;
	off_t out = (off_t)to_offset;

	while (copied < size) {
		const ssize_t done = copy_file_range(
		    from, &in, to, &out, (size_t)(size - copied), 0);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			break;
		copied += (uint64_t)done;
	}
#else
	(void)from;
	(void)from_offset;
	(void)to;
	(void)to_offset;
	(void)size;
#endif
	return copied;
}

/* Where ftruncate cannot. errno stays as it was if that is not wanted. */
static bool lengthen(int file, uint64_t size)
{
	const int reason = errno;
	struct stat its;

	if (size > 0 && fstat(file, &its) == 0 && (uint64_t)its.st_size < size)
		return quire_file_write(file, size - 1, "", 1);
	errno = reason;
	return false;
}

bool quire_file_resize(int file, uint64_t size)
{
	if (size > INT64_MAX) {
		errno = EFBIG;
		return false;
	}
	if (ftruncate(file, (off_t)size) == 0)
		return true;
	return (is_refused() || errno == EPERM) && lengthen(file, size);
}

bool quire_file_flush(int file)
{
	return fsync(file) == 0 || is_refused();
}

void quire_file_begin_flush(int file, uint64_t offset, uint64_t size)
{
#if defined(__linux__)
	/* The flush at the end reports what fails here. */
	(void)sync_file_range(file, (off_t)offset, (off_t)size,
			      SYNC_FILE_RANGE_WRITE);
#else
	(void)file;
	(void)offset;
	(void)size;
#endif
}

/* Only clean pages go. */
bool quire_file_drop(int file)
{
	if (fsync(file) != 0)
		return false;
#ifdef POSIX_FADV_DONTNEED
	errno = posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
#else
	errno = ENOSYS;
#endif
	return errno == 0;
}

bool quire_file_set_mode(int file, uint32_t mode)
{
	return fchmod(file, (mode_t)mode) == 0;
}

bool quire_file_set_group(int file, uint64_t group)
{
	return fchown(file, (uid_t)-1, (gid_t)group) == 0;
}

uint64_t quire_process_number(void)
{
	return (uint64_t)getpid();
}

/* ------------------------------------------------------------------- names */

bool quire_path_rename(const char *from, const char *to)
{
	return rename(from, to) == 0;
}

/* False, and errno, also where the system has no such call. */
static bool rename_new(const char *from, const char *to)
{
#if defined(__linux__) && defined(RENAME_NOREPLACE)
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0;
#elif defined(__APPLE__) && defined(RENAME_EXCL)
	return renamex_np(from, to, RENAME_EXCL) == 0;
#else
	(void)from;
	(void)to;
	errno = ENOSYS;
	return false;
#endif
}

/* FAT has no links, Android allows none, and some network file systems have
 * neither links nor a renaming that replaces nothing. */
static bool is_link_refused(void)
{
	return is_refused() || errno == EPERM || errno == EACCES ||
	       errno == EMLINK || errno == EXDEV;
}

bool quire_path_link(const char *from, const char *to)
{
	struct stat old;

	if (link(from, to) == 0)
		return true;
	if (!is_link_refused())
		return false;
	if (rename_new(from, to))
		return true;
	if (!is_link_refused())
		return false;
	if (lstat(to, &old) == 0) {
		errno = EEXIST;
		return false;
	}
	return rename(from, to) == 0;
}

bool quire_path_remove(const char *path)
{
	return unlink(path) == 0;
}

/* Some file systems cannot do it; there the file itself is on the disk. */
void quire_path_flush_folder(const char *path)
{
	char *folder = quire_path_folder(path);
	int file;

	if (!folder)
		return;
	file = open(folder, O_RDONLY | O_CLOEXEC);
	free(folder);
	if (file < 0)
		return;
	(void)fsync(file);
	close(file);
}

char *quire_path_resolve(const char *path)
{
	return realpath(path, NULL);
}

/* A struct folder is a DIR under another name. */
struct folder *quire_folder_open(const char *path)
{
	return (struct folder *)(void *)opendir(path);
}

const char *quire_folder_next(struct folder *folder)
{
	const struct dirent *entry = readdir((DIR *)(void *)folder);

	return entry ? entry->d_name : NULL;
}

void quire_folder_close(struct folder *folder)
{
	closedir((DIR *)(void *)folder);
}

/* ------------------------------------------------------------ C's streams */

int quire_stream_file(FILE *stream)
{
	return fileno(stream);
}

FILE *quire_stream_open(int file)
{
	return fdopen(file, "wb");
}

bool quire_stream_place(FILE *stream, uint64_t *offset)
{
	const off_t at = ftello(stream);

	if (at < 0)
		return false;
	*offset = (uint64_t)at;
	return true;
}

bool quire_file_is_terminal(int file)
{
	return isatty(file) == 1;
}

size_t quire_file_terminal_columns(int file)
{
	struct winsize size;

	return ioctl(file, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void quire_standard_files_occupy(void)
{
	for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++)
		if (fcntl(file, F_GETFD) < 0 && errno == EBADF)
			open("/dev/null",
			     file == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}
