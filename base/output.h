/*
 * output.h - a file that appears whole or not at all: bytes go to a temporary
 * file in the same folder, which is flushed to the disk and then renamed. A
 * reader that has the old file mapped keeps the old bytes. Nothing here knows
 * the format.
 *
 * The temporary file is PATH.quire-part, new, and locked while it is written: a
 * second process that writes the same file is refused, and one that a killed
 * process left is removed. Where the file system has no locks, whatever is
 * there is taken for left: of two processes, the first one fails. A temporary
 * file of another user, a link or a folder is never touched: the output is
 * refused.
 *
 * Until it is complete, nobody else may open the temporary file. Then it gets
 * the permissions and the group of the file that it replaces, or those of any
 * new file; and never a set-id bit. If the group cannot be given, its members
 * may do what everybody may.
 *
 * Several files, the parts of a set, appear together.
 */
#ifndef QUIRE_BASE_OUTPUT_H
#define QUIRE_BASE_OUTPUT_H

#include "base/file.h"
#include "quire.h"

struct quire_output {
	char *path;
	char *temporary;	  /* the temporary file's path */
	int file;		  /* the temporary file, open; -1: none */
	struct file_facts opened; /* of it, as it was new */
	uint32_t mode;		  /* of a file that replaces none */
	bool overwrite;
};

/* Makes the temporary file. Fails with EXISTS if `path` exists and may not be
 * overwritten. Afterwards it is closed with quire_output_commit or
 * quire_output_discard. If a killed process has left the temporary file, the
 * sets (below) that it left are repaired. */
quire_status quire_output_open(struct quire_output *output, const char *path,
			       bool overwrite, quire_error *error);

/* The files that writing to a path would destroy: the one that is there, and
 * one with the name of the temporary file. */
struct quire_output_place {
	struct file_facts files[2];
	size_t count;
};

void quire_output_look(const char *path, struct quire_output_place *place);
/* Whether one of them is the file `other`, under whatever name. */
bool quire_output_hits(const struct quire_output_place *place,
		       const char *other);

/* Whether writing to `path` would destroy the file `other`, now, or one that is
 * made there meanwhile. */
bool quire_output_destroys(const char *path, const char *other);

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

/* Gives the file its permissions and flushes it to the disk; commit does so
 * too. Fails if the temporary file is no longer in its place. */
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

/* NAME.gguf of a set of `count` files that the user named by NAME, NAME.gguf or
 * one of its files; for 0, of a set of any size; to be freed. NULL: out of
 * memory. */
char *quire_output_set_name(const char *path, size_t count);

/* The failure of a link or rename to `path`, by errno: EXISTS or IO. */
quire_status quire_output_fail_place(const char *path, quire_error *error);

/* Removes the temporary file, if it is still there, and frees. */
void quire_output_discard(struct quire_output *output);

#endif
