/*
 * map_posix.c - map.h over POSIX mmap.
 */
#include "loader/map.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/error.h"

static quire_status map_fd(int fd, const char *path, struct quire_map *map,
			   quire_error *error)
{
	struct stat file;
	void *data;

	if (fstat(fd, &file) != 0)
		return quire_fail_errno(error, "%s: cannot stat", path);
	if (!S_ISREG(file.st_mode))
		return quire_fail(error, QUIRE_ERROR_IO, QUIRE_NO_OFFSET,
				  "%s: not a regular file; a pipe or a device "
				  "cannot be mapped",
				  path);
	if ((uint64_t)file.st_size > SIZE_MAX)
		return quire_fail(error, QUIRE_ERROR_IO, QUIRE_NO_OFFSET,
				  "%s: larger than the address space", path);
	map->data = NULL;
	map->size = (size_t)file.st_size;
	if (map->size == 0) /* which mmap refuses */
		return QUIRE_OK;
	data = mmap(NULL, map->size, PROT_READ, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		return quire_fail_errno(error, "%s: cannot map", path);
	map->data = data;
	return QUIRE_OK;
}

quire_status quire_map_file(const char *path, struct quire_map *map,
			    quire_error *error)
{
	struct quire_map mapped;
	quire_status status;
	int fd;

	/* Not to wait for a writer where the path is a pipe. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return quire_fail_errno(error, "%s: cannot open", path);
	status = map_fd(fd, path, &mapped, error);
	close(fd);
	if (status == QUIRE_OK)
		*map = mapped;
	return status;
}

void quire_unmap(const struct quire_map *map)
{
	if (map->data)
		munmap((void *)(uintptr_t)map->data, map->size);
}
