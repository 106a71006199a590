/*
 * interposer.c - the system calls that the libraries make, under the names that
 * the linker's --wrap gives them. The variants for large offsets are included,
 * because the C library's headers may call them.
 */
#include "tests/support/interposer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEVER (-1 - (1L << 40))

static const char *const names[FAULT_CALL_COUNT] = {
	[FAULT_OPEN] = "open",
	[FAULT_FSTAT] = "fstat",
	[FAULT_READ] = "read",
	[FAULT_PREAD] = "pread",
	[FAULT_WRITE] = "write",
	[FAULT_PWRITE] = "pwrite",
	[FAULT_FTRUNCATE] = "ftruncate",
	[FAULT_FSYNC] = "fsync",
	[FAULT_LINK] = "link",
	[FAULT_UNLINK] = "unlink",
	[FAULT_RENAME] = "rename",
	[FAULT_RENAMEAT2] = "renameat2",
	[FAULT_FLOCK] = "flock",
	[FAULT_FCHMOD] = "fchmod",
	[FAULT_FCHOWN] = "fchown",
	[FAULT_MMAP] = "mmap",
	[FAULT_FSYNC_FOLDER] = "fsync of a folder",
	[FAULT_COPY_FILE_RANGE] = "copy_file_range",
	[FAULT_MMAP_MEMORY] = "mmap of memory",
};

static atomic_int armed_call = -1;
static atomic_int armed_error;
static atomic_long left = NEVER;
static atomic_int refusals[FAULT_CALL_COUNT]; /* error numbers; 0: allowed */
static atomic_long refused;

const char *fault_call_name(enum fault_call call)
{
	return names[call];
}

void fault_arm(enum fault_call call, long at, int error_number)
{
	atomic_store(&armed_error, error_number);
	atomic_store(&left, at);
	atomic_store(&armed_call, (int)call);
}

bool fault_disarm(void)
{
	long rest;

	atomic_store(&armed_call, -1);
	rest = atomic_exchange(&left, NEVER);
	return rest < 0 && rest > NEVER / 2;
}

void fault_refuse(enum fault_call call, int error_number)
{
	atomic_store(&refusals[call], error_number);
}

long fault_allow(void)
{
	for (size_t i = 0; i < FAULT_CALL_COUNT; i++)
		atomic_store(&refusals[i], 0);
	return atomic_exchange(&refused, 0);
}

/* Whether this is the armed call. */
static bool hit(enum fault_call call)
{
	if (atomic_load(&armed_call) != (int)call ||
	    atomic_fetch_sub(&left, 1) != 0)
		return false;
	if (atomic_load(&armed_error) == FAULT_KILL)
		raise(SIGKILL);
	return true;
}

static bool fails(enum fault_call call)
{
	const int error_number = atomic_load(&armed_error);
	const int refusal = atomic_load(&refusals[call]);

	if (refusal != 0) {
		atomic_fetch_add(&refused, 1);
		errno = refusal;
		return true;
	}
	if (!hit(call) || error_number == FAULT_SHORT)
		return false;
	errno = error_number;
	return true;
}

/* For transfers. false: the call fails. true: it transfers *size bytes. */
static bool allows(enum fault_call call, size_t *size)
{
	const int error_number = atomic_load(&armed_error);

	if (!hit(call))
		return true;
	if (error_number == FAULT_SHORT) {
		*size = (*size + 1) / 2;
		return true;
	}
	errno = error_number;
	return false;
}

/* Defines __wrap_NAME, which tries the fault and then calls __real_NAME. */
#define WRAP(call, result, name, failure, parameters, arguments)               \
	result __real_##name parameters;                                       \
	result __wrap_##name parameters;                                       \
	result __wrap_##name parameters                                        \
	{                                                                      \
		return fails(call) ? (failure) : __real_##name arguments;      \
	}

#define WRAP_TRANSFER(call, name, parameters, arguments)                       \
	ssize_t __real_##name parameters;                                      \
	ssize_t __wrap_##name parameters;                                      \
	ssize_t __wrap_##name parameters                                       \
	{                                                                      \
		return allows(call, &size) ? __real_##name arguments : -1;     \
	}

#define WRAP_OPEN(name)                                                        \
	int __real_##name(const char *path, int flags, ...);                   \
	int __wrap_##name(const char *path, int flags, ...);                   \
	int __wrap_##name(const char *path, int flags, ...)                    \
	{                                                                      \
		va_list list;                                                  \
		int mode = 0;                                                  \
                                                                               \
		va_start(list, flags);                                         \
		if (flags & O_CREAT)                                           \
			mode = va_arg(list, int);                              \
		va_end(list);                                                  \
		return fails(FAULT_OPEN) ? -1                                  \
					 : __real_##name(path, flags, mode);   \
	}

WRAP_OPEN(open)
WRAP_OPEN(open64)
WRAP(FAULT_FSTAT, int, fstat, -1, (int fd, struct stat *file), (fd, file))
WRAP(FAULT_FSTAT, int, fstat64, -1, (int fd, struct stat *file), (fd, file))

static bool is_folder(int fd)
{
	struct stat its;

	return __real_fstat(fd, &its) == 0 && S_ISDIR(its.st_mode);
}

WRAP_TRANSFER(FAULT_READ, read, (int fd, void *to, size_t size), (fd, to, size))
WRAP_TRANSFER(FAULT_PREAD, pread, (int fd, void *to, size_t size, off_t at),
	      (fd, to, size, at))
WRAP_TRANSFER(FAULT_PREAD, pread64, (int fd, void *to, size_t size, off_t at),
	      (fd, to, size, at))
WRAP_TRANSFER(FAULT_WRITE, write, (int fd, const void *from, size_t size),
	      (fd, from, size))
WRAP_TRANSFER(FAULT_PWRITE, pwrite,
	      (int fd, const void *from, size_t size, off_t at),
	      (fd, from, size, at))
WRAP_TRANSFER(FAULT_PWRITE, pwrite64,
	      (int fd, const void *from, size_t size, off_t at),
	      (fd, from, size, at))
WRAP(FAULT_FTRUNCATE, int, ftruncate, -1, (int fd, off_t size), (fd, size))
WRAP(FAULT_FTRUNCATE, int, ftruncate64, -1, (int fd, off_t size), (fd, size))
WRAP(is_folder(fd) ? FAULT_FSYNC_FOLDER : FAULT_FSYNC, int, fsync, -1, (int fd),
     (fd))
WRAP(FAULT_LINK, int, link, -1, (const char *from, const char *to), (from, to))
WRAP(FAULT_UNLINK, int, unlink, -1, (const char *path), (path))
WRAP(FAULT_RENAME, int, rename, -1, (const char *from, const char *to),
     (from, to))
WRAP(FAULT_RENAMEAT2, int, renameat2, -1,
     (int from_folder, const char *from, int to_folder, const char *to,
      unsigned flags),
     (from_folder, from, to_folder, to, flags))
WRAP(FAULT_FLOCK, int, flock, -1, (int fd, int how), (fd, how))
WRAP(FAULT_FCHMOD, int, fchmod, -1, (int fd, mode_t mode), (fd, mode))
WRAP(FAULT_FCHOWN, int, fchown, -1, (int fd, uid_t user, gid_t group),
     (fd, user, group))
WRAP(FAULT_COPY_FILE_RANGE, ssize_t, copy_file_range, -1,
     (int from, off_t *from_at, int to, off_t *to_at, size_t size,
      unsigned flags),
     (from, from_at, to, to_at, size, flags))
WRAP(fd >= 0 ? FAULT_MMAP : FAULT_MMAP_MEMORY, void *, mmap, MAP_FAILED,
     (void *address, size_t size, int access, int flags, int fd, off_t at),
     (address, size, access, flags, fd, at))
WRAP(fd >= 0 ? FAULT_MMAP : FAULT_MMAP_MEMORY, void *, mmap64, MAP_FAILED,
     (void *address, size_t size, int access, int flags, int fd, off_t at),
     (address, size, access, flags, fd, at))
