/*
 * output.h - a file that appears whole or not at all: bytes go to a temporary
 * file in the same folder, which is flushed to the disk and then renamed. A
 * reader that has the old file mapped keeps the old bytes. Nothing here knows
 * the format.
 *
 * The temporary file is PATH.quire-part, locked while it is written: one that
 * a killed process left is taken over, and a second process that writes the
 * same file is refused. Several files, the parts of a set, appear together.
 */
#ifndef QUIRE_BASE_OUTPUT_H
#define QUIRE_BASE_OUTPUT_H

#include "quire.h"

struct quire_output {
	char *path;
	char *temporary; /* the temporary file's path */
	int file;	 /* the temporary file, open; -1: none */
	bool overwrite;
};

/* Opens the temporary file, empty. Fails with EXISTS if `path` exists and
 * may not be overwritten. Afterwards it is closed with
 * quire_output_commit or quire_output_discard. If a killed process has left the
 * temporary file, the sets (below) that it left are repaired. A file that is
 * replaced keeps its permissions. */
quire_status quire_output_open(struct quire_output *output, const char *path,
			       bool overwrite, quire_error *error);

/* The same with a temporary file that is this process's alone,
 * .quire-PID-TRY.tmp: nothing is locked, and of two processes that write one
 * file the last one wins. Replaces what is there; of a link, its target. False,
 * and errno. */
bool quire_output_open_unlocked(struct quire_output *output, const char *path);

/* Makes the file `size` bytes long; what is not written reads as zero. */
quire_status quire_output_resize(const struct quire_output *output,
				 uint64_t size, quire_error *error);

/* Writes at a place. Several threads may write to different places at once. */
quire_status quire_output_write(const struct quire_output *output,
				uint64_t offset, const void *data, size_t size,
				quire_error *error);

/* Copies `size` bytes from a place in the open file `from`. The file system may
 * have both files share them. TRUNCATED if that file ends too early. */
quire_status quire_output_copy(const struct quire_output *output,
			       uint64_t offset, int from, uint64_t from_offset,
			       uint64_t size, quire_error *error);

/* Starts writing a range to the disk, so that the last flush takes less time.
 * Where the system cannot do that, nothing happens. */
void quire_output_begin_flush(const struct quire_output *output,
			      uint64_t offset, uint64_t size);

/* Flushes to the disk what was written; commit does so too. */
quire_status quire_output_flush(const struct quire_output *output,
				quire_error *error);

/* Flushes to the disk and renames into place. Fails with EXISTS as open does.
 * On failure the output is still to be discarded, and errno says why. */
quire_status quire_output_commit(struct quire_output *output,
				 quire_error *error);

/*
 * The same for a set: several outputs, NAME-00001-of-00003.gguf and so on. One
 * more output is open as NAME.gguf, which locks the place, and is discarded
 * last. The old files are put aside, and come back if something fails. Then the
 * new ones are placed, the first one last: while it is missing there is no set.
 *
 * If the process is killed here, the next one that opens NAME.gguf restores the
 * old files; or, if the first new file was in its place, removes them.
 */
quire_status quire_output_commit_set(struct quire_output *const *outputs,
				     size_t count, quire_error *error);

/* Repairs the sets of NAME.gguf that a killed process has left. The caller has
 * locked NAME.gguf. Failures are ignored. */
void quire_output_recover_sets(const char *path);

/* NAME-00001-of-00003.gguf for NAME.gguf, or NAME, of part `no`, from 0; to be
 * freed. NULL: out of memory. */
char *quire_output_set_path(const char *path, size_t no, size_t count);

/* The failure of a link or rename to `path`, by errno: EXISTS or IO. */
quire_status quire_output_fail_place(const char *path, quire_error *error);

/* Removes the temporary file, if it is still there, and frees. */
void quire_output_discard(struct quire_output *output);

#endif
