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
 * may not be overwritten. On success it is closed with _commit or _discard.
 * Where a killed process has left a temporary file, what it left of sets
 * (below) is put right. A file that is replaced keeps its permissions. */
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

/* Has the disk begin with what was written to a place, so that less is left to
 * wait for at the end. Where the system cannot do that, nothing happens. */
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
 * The same for several outputs, numbered NAME-00001-of-00003.gguf and so on,
 * while another one is open as NAME.gguf, to lock the place; that one is
 * discarded last. All of the files are placed, the first one at the end: as
 * long as it is missing there is no set. Old ones are put aside before, and
 * come back if something fails. A process that is killed here leaves its
 * successor to remove what it has placed and to put back what was there; or,
 * once the first file is in its place, to tidy up.
 */
quire_status quire_output_commit_set(struct quire_output *const *outputs,
				     size_t count, quire_error *error);

/* Puts right what a killed process has left of the sets of NAME.gguf, which
 * the caller has locked. What cannot be done is left. */
void quire_output_recover_sets(const char *path);

/* NAME-00001-of-00003.gguf for NAME.gguf, or NAME, of part `no`, from 0; to be
 * freed. NULL: out of memory. */
char *quire_output_set_path(const char *path, size_t no, size_t count);

/* The failure of a link or rename to `path`, by errno: EXISTS or IO. */
quire_status quire_output_fail_place(const char *path, quire_error *error);

/* Removes the temporary file, if it is still there, and frees. */
void quire_output_discard(struct quire_output *output);

#endif
