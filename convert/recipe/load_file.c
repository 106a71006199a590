/*
 * load_file.c - reads a file rather than mapping it: a map of a file that
 * shrinks meanwhile would end the process.
 */
#include "convert/recipe/load_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static quire_status read_all(int descriptor, const char *path,
			     unsigned char *bytes, size_t size,
			     quire_error *error)
{
	size_t done = 0;

	while (done < size) {
		const ssize_t got = read(descriptor, bytes + done, size - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return quire_fail_errno(error, path, "cannot read");
		if (got == 0)
			return quire_fail_file(
			    error, QUIRE_ERROR_IO, path, done,
			    "the file changed while it was read");
		done += (size_t)got;
	}
	return QUIRE_OK;
}

static quire_status load(int descriptor, const char *path, uint64_t limit,
			 unsigned char **bytes, size_t *size,
			 quire_error *error)
{
	struct stat facts;
	unsigned char *all;
	quire_status status;

	if (fstat(descriptor, &facts) != 0)
		return quire_fail_errno(error, path, "cannot stat");
	if (!S_ISREG(facts.st_mode))
		return quire_fail_file(error, QUIRE_ERROR_IO, path,
				       QUIRE_NO_OFFSET, "not a regular file");
	if ((uint64_t)facts.st_size > limit)
		return quire_fail_file(error, QUIRE_ERROR_LAYOUT, path,
				       QUIRE_NO_OFFSET,
				       "more than %" PRIu64 " bytes", limit);
	all = malloc((size_t)facts.st_size + 1);
	if (!all)
		return quire_fail_memory(error, (uint64_t)facts.st_size + 1);
	status = read_all(descriptor, path, all, (size_t)facts.st_size, error);
	if (status != QUIRE_OK) {
		free(all);
		return status;
	}
	*bytes = all;
	*size = (size_t)facts.st_size;
	return QUIRE_OK;
}

quire_status quire_load_file(const char *path, uint64_t limit,
			     unsigned char **bytes, size_t *size,
			     quire_error *error)
{
	const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	quire_status status;

	if (descriptor < 0)
		return quire_fail_errno(error, path, "cannot open");
	status = load(descriptor, path, limit, bytes, size, error);
	close(descriptor);
	return status;
}
