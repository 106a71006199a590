/*
 * output_copy.c - bytes from another file into an output. The system copies
 * them where it can, and shares the blocks on file systems that can do that;
 * else they go through a buffer.
 */
#if defined(__linux__)
#define _GNU_SOURCE /* copy_file_range */
#endif

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/output.h"

#define BUFFER_SIZE ((size_t)1 << 20)

/* How much could be copied without a buffer. Why it ended, the first read or
 * write of the rest tells. */
static uint64_t copy_by_system(const struct quire_output *output,
			       uint64_t offset, int from, uint64_t from_offset,
			       uint64_t size)
{
	uint64_t copied = 0;
#if defined(__linux__)
	off_t in = (off_t)from_offset;
	off_t out = (off_t)offset;

	while (copied < size) {
		const ssize_t done = copy_file_range(
		    from, &in, output->fd, &out, (size_t)(size - copied), 0);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			break;
		copied += (uint64_t)done;
	}
#else
	(void)output;
	(void)offset;
	(void)from;
	(void)from_offset;
	(void)size;
#endif
	return copied;
}

static quire_status copy_by_buffer(const struct quire_output *output,
				   uint64_t offset, int from,
				   uint64_t from_offset, uint64_t size,
				   unsigned char *buffer, quire_error *error)
{
	quire_status status = QUIRE_OK;

	while (size > 0 && status == QUIRE_OK) {
		const size_t part =
		    size < BUFFER_SIZE ? (size_t)size : BUFFER_SIZE;
		const ssize_t done =
		    pread(from, buffer, part, (off_t)from_offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return quire_fail_errno(error, NULL, "cannot read");
		if (done == 0)
			return quire_fail(error, QUIRE_ERROR_TRUNCATED,
					  from_offset,
					  "the file ends while it is read");
		status = quire_output_write(output, offset, buffer,
					    (size_t)done, error);
		offset += (uint64_t)done;
		from_offset += (uint64_t)done;
		size -= (uint64_t)done;
	}
	return status;
}

quire_status quire_output_copy(const struct quire_output *output,
			       uint64_t offset, int from, uint64_t from_offset,
			       uint64_t size, quire_error *error)
{
	const uint64_t copied =
	    copy_by_system(output, offset, from, from_offset, size);
	unsigned char *buffer;
	quire_status status;

	if (copied == size)
		return QUIRE_OK;
	buffer = malloc(BUFFER_SIZE);
	if (!buffer)
		return quire_fail_memory(error, BUFFER_SIZE);
	status =
	    copy_by_buffer(output, offset + copied, from, from_offset + copied,
			   size - copied, buffer, error);
	free(buffer);
	return status;
}
