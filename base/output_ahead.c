/*
 * output_ahead.c - writing to the disk while more is written to memory. Linux
 * alone has a call that starts this for a part of a file, and does not wait.
 */
#if defined(__linux__)
#define _GNU_SOURCE /* sync_file_range */
#endif

#include <fcntl.h>

#include "base/output.h"

void quire_output_begin_flush(const struct quire_output *output,
			      uint64_t offset, uint64_t size)
{
#if defined(__linux__)
	/* What fails is told by the fsync at the end. */
	(void)sync_file_range(output->fd, (off_t)offset, (off_t)size,
			      SYNC_FILE_RANGE_WRITE);
#else
	(void)output;
	(void)offset;
	(void)size;
#endif
}
