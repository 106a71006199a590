/*
 * map.c - map.h over POSIX mmap. What Linux has beyond POSIX is used
 * where it is there, and done without where it is not.
 */
#include "loader/map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* Those of x86-64, and of arm64 with pages of 4 KiB. */
#define HUGE_PAGE_SIZE ((size_t)2 << 20)

/* Linux, from 5.14; the C library's headers may be older. */
#define POPULATE_READ 22

/* Of one call; Linux reads 2 GiB at most. */
#define READ_SIZE ((size_t)1 << 30)

static struct quire_map_time time_of(const struct stat *file)
{
#ifdef __APPLE__
	const struct timespec time = file->st_mtimespec;
#else
	const struct timespec time = file->st_mtim;
#endif

	return (struct quire_map_time){ time.tv_sec, time.tv_nsec };
}

static bool same_time(struct quire_map_time a, struct quire_map_time b)
{
	return a.seconds == b.seconds && a.nanoseconds == b.nanoseconds;
}

static quire_status stat_file(int fd, const char *name, struct stat *file,
			      quire_error *error)
{
	if (fstat(fd, file) != 0)
		return quire_fail_errno(error, name, "cannot stat");
	return QUIRE_OK;
}

static quire_status map_pages(int fd, const char *name, struct quire_map *map,
			      quire_error *error)
{
	quire_status status;
	int own;
	void *data;

	/* The caller may close his; and a name may come to mean another file,
	 * while this one's pages stay mapped. */
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return quire_fail_errno(error, name, "cannot keep it open");
	data = mmap(NULL, map->size, PROT_READ, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED) {
		status = quire_fail_errno(error, name, "cannot map");
		close(own);
		return status;
	}
	map->data = data;
	map->base = data;
	map->base_size = map->size;
	map->fd = own;
	map->watched = true;
	return QUIRE_OK;
}

/* Memory that starts where a huge page may. */
static unsigned char *take_memory(struct quire_map *map)
{
	unsigned char *base;

	if (map->size > SIZE_MAX - HUGE_PAGE_SIZE)
		return NULL;
	map->base_size = map->size + HUGE_PAGE_SIZE;
	base = mmap(NULL, map->base_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		return NULL;
	map->base = base;
#ifdef MADV_HUGEPAGE
	/* A wish: the system may have none. */
	(void)madvise(base, map->base_size, MADV_HUGEPAGE);
#endif
	return base + (HUGE_PAGE_SIZE - (uintptr_t)base % HUGE_PAGE_SIZE) %
			  HUGE_PAGE_SIZE;
}

static quire_status read_all(int fd, const char *name, unsigned char *data,
			     size_t size, quire_error *error)
{
	size_t done = 0;

	while (done < size) {
		const size_t rest = size - done;
		const ssize_t got =
		    pread(fd, data + done, rest < READ_SIZE ? rest : READ_SIZE,
			  (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return quire_fail_errno(
			    error, name, "cannot read at byte %zu", done);
		if (got == 0)
			return quire_fail_file(
			    error, QUIRE_ERROR_TRUNCATED, name, done,
			    "the file shrank while it was read");
		done += (size_t)got;
	}
	return QUIRE_OK;
}

static quire_status read_pages(int fd, const char *name, struct quire_map *map,
			       quire_error *error)
{
	unsigned char *data = take_memory(map);
	struct stat file;
	quire_status status;

	if (!data)
		return quire_fail_memory(error, map->size);
	status = read_all(fd, name, data, map->size, error);
	if (status == QUIRE_OK)
		status = stat_file(fd, name, &file, error);
	if (status == QUIRE_OK && !same_time(time_of(&file), map->written))
		status = quire_fail_file(
		    error, QUIRE_ERROR_IO, name, QUIRE_NO_OFFSET,
		    "the file was written to while it was read");
	if (status != QUIRE_OK) {
		munmap(map->base, map->base_size);
		return status;
	}
	/* As a mapped file is: a stray write is a fault. */
	(void)mprotect(map->base, map->base_size, PROT_READ);
	map->data = data;
	return QUIRE_OK;
}

quire_status quire_map_fd(int fd, const char *name, quire_load_mode load,
			  struct quire_map *map, quire_error *error)
{
	struct quire_map made = { .data = NULL };
	struct stat file;
	quire_status status = stat_file(fd, name, &file, error);

	if (status != QUIRE_OK)
		return status;
	if (!S_ISREG(file.st_mode))
		return quire_fail_file(error, QUIRE_ERROR_IO, name,
				       QUIRE_NO_OFFSET,
				       "not a regular file; a pipe or a device "
				       "cannot be mapped");
	if ((uint64_t)file.st_size > SIZE_MAX)
		return quire_fail_file(error, QUIRE_ERROR_IO, name,
				       QUIRE_NO_OFFSET,
				       "larger than the address space");
	made.size = (size_t)file.st_size;
	made.written = time_of(&file);
	if (made.size > 0) /* mmap refuses to map nothing */
		status = load == QUIRE_LOAD_READ
			     ? read_pages(fd, name, &made, error)
			     : map_pages(fd, name, &made, error);
	if (status == QUIRE_OK)
		*map = made;
	return status;
}

quire_status quire_map_file(const char *path, quire_load_mode load,
			    struct quire_map *map, quire_error *error)
{
	quire_status status;
	int fd;

	/* Not to wait for a writer where the path is a pipe. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return quire_fail_errno(error, path, "cannot open");
	status = quire_map_fd(fd, path, load, map, error);
	close(fd);
	return status;
}

void quire_unmap(struct quire_map *map)
{
	if (map->base)
		munmap(map->base, map->base_size);
	if (map->watched)
		close(map->fd);
}

quire_status quire_map_lock(const struct quire_map *map, const char *name,
			    quire_error *error)
{
	struct rlimit limit;

	if (map->size == 0 || mlock(map->data, map->size) == 0)
		return QUIRE_OK;
	if (errno == EPERM || getrlimit(RLIMIT_MEMLOCK, &limit) != 0 ||
	    limit.rlim_cur == RLIM_INFINITY)
		return quire_fail_errno(
		    error, name, "cannot lock %zu bytes in memory", map->size);
	return quire_fail_errno(error, name,
				"cannot lock %zu bytes in memory, where "
				"the process may lock %ju (RLIMIT_MEMLOCK)",
				map->size, (uintmax_t)limit.rlim_cur);
}

/* For systems that cannot be told to: a byte of each page. */
static void touch_pages(const struct quire_map *map)
{
	const volatile unsigned char *bytes = map->data;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t at = 0; at < map->size; at += page)
		(void)bytes[at];
}

static quire_status populate(const struct quire_map *map, const char *name,
			     quire_error *error)
{
#ifdef __linux__
	if (madvise(map->base, map->base_size, POPULATE_READ) == 0)
		return QUIRE_OK;
	if (errno != EINVAL)
		return quire_fail_errno(error, name, "cannot read all of it");
#endif
	(void)name;
	(void)error;
	touch_pages(map);
	return QUIRE_OK;
}

quire_status quire_map_prefetch(const struct quire_map *map, const char *name,
				quire_prefetch prefetch, quire_error *error)
{
	if (!map->watched) /* all of it has been read */
		return QUIRE_OK;
	if (prefetch == QUIRE_PREFETCH_POPULATE)
		return populate(map, name, error);
	if (prefetch == QUIRE_PREFETCH_WILL_NEED)
		quire_map_read_ahead(map->data, map->size);
	return QUIRE_OK;
}

quire_status quire_map_check(const struct quire_map *map, const char *name,
			     quire_error *error)
{
	struct stat file;
	quire_status status;

	if (!map->watched)
		return QUIRE_OK;
	status = stat_file(map->fd, name, &file, error);
	if (status != QUIRE_OK)
		return status;
	if ((uint64_t)file.st_size < map->size)
		return quire_fail_file(
		    error, QUIRE_ERROR_TRUNCATED, name, (uint64_t)file.st_size,
		    "the file shrank from %zu to %ju bytes since "
		    "it was opened",
		    map->size, (uintmax_t)file.st_size);
	if ((uint64_t)file.st_size > map->size ||
	    !same_time(time_of(&file), map->written))
		return quire_fail_file(
		    error, QUIRE_ERROR_IO, name, QUIRE_NO_OFFSET,
		    "the file was written to since it was opened");
	return QUIRE_OK;
}

/* The pages that hold these bytes. */
static void *pages_of(const void *data, size_t *size)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const uintptr_t start = (uintptr_t)data / page * page;

	*size += (uintptr_t)data - start;
	return (void *)start;
}

void quire_map_read_ahead(const void *data, size_t size)
{
	void *pages = pages_of(data, &size);

	/* Nothing is lost if it is not done. */
	(void)posix_madvise(pages, size, POSIX_MADV_WILLNEED);
}

bool quire_map_read(const struct quire_map *map, uint64_t offset, void *buffer,
		    size_t size)
{
	unsigned char *bytes = buffer;

	while (size > 0) {
		const ssize_t got = pread(map->fd, bytes, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = EIO; /* the file ends here */
		if (got <= 0)
			return false;
		bytes += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return true;
}
