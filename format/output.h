/*
 * output.h - a file that appears whole or not at all.
 *
 * Bytes go to "PATH.quire-part" in the same folder, which is locked while it
 * is written: a leftover of a killed process is taken over, and two processes
 * that write one file at once are told apart. Nothing here knows the format.
 */
#ifndef QUIRE_FORMAT_OUTPUT_H
#define QUIRE_FORMAT_OUTPUT_H

#include "quire.h"

struct quire_output {
	char *path;
	char *part_path;
	int fd; /* of the part; -1: none */
	bool overwrite;
};

/* Opens the part, empty. Fails with IO if `path` exists and may not be
 * overwritten. On success it is closed with _commit or _discard. */
quire_status quire_output_open(struct quire_output *output, const char *path,
			       bool overwrite, quire_error *error);

/* Makes the file `size` bytes long; what is not written reads as zero. */
quire_status quire_output_resize(const struct quire_output *output,
				 uint64_t size, quire_error *error);

/* Writes at a place. Any threads at once, to different places. */
quire_status quire_output_write(const struct quire_output *output,
				uint64_t offset, const void *data, size_t size,
				quire_error *error);

/* Copies `size` bytes from a place in the file open at `from`, which may be
 * shared with it from then on if the file system can do so. TRUNCATED if that
 * file ends too early. */
quire_status quire_output_copy(const struct quire_output *output,
			       uint64_t offset, int from, uint64_t from_offset,
			       uint64_t size, quire_error *error);

/* Flushes to the disk and renames into place. On failure the part is still
 * to be discarded. */
quire_status quire_output_commit(struct quire_output *output,
				 quire_error *error);

/* Removes the part, if it is still there, and frees. */
void quire_output_discard(struct quire_output *output);

#endif
