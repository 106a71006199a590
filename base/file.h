/*
 * file.h - files and names of files, as the system has them. A file that is
 * open is a descriptor, an int, as in the public calls.
 *
 * What returns a bool or a descriptor fails with false or -1, and errno says
 * why; quire_fail_errno (base/error.h) puts that into a message.
 */
#ifndef QUIRE_BASE_FILE_H
#define QUIRE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum file_kind {
	FILE_REGULAR,
	FILE_FOLDER,
	FILE_OTHER, /* a pipe, a device, a link that was not followed */
};

/* When a file was last written to. */
struct file_time {
	int64_t seconds;
	int64_t nanoseconds;
};

struct file_facts {
	enum file_kind kind;
	uint64_t size;
	struct file_time written;
	/* When its bytes, mode, owner or names last changed: unlike the other
	 * time, no program can put this one back. */
	struct file_time changed;
	uint64_t device, number; /* both equal: the same file */
	uint64_t name_count;
	uint64_t owner, group;
	uint32_t mode; /* for quire_file_set_mode */
};

bool quire_file_facts(int file, struct file_facts *facts);

/* The first one follows links, the second one does not. */
bool quire_path_facts(const char *path, struct file_facts *facts);
bool quire_link_facts(const char *path, struct file_facts *facts);

static inline bool file_same(const struct file_facts *a,
			     const struct file_facts *b)
{
	return a->device == b->device && a->number == b->number;
}

static inline bool file_time_same(struct file_time a, struct file_time b)
{
	return a.seconds == b.seconds && a.nanoseconds == b.nanoseconds;
}

/* Whether it is the same file, and nothing of it has changed. */
static inline bool file_unchanged(const struct file_facts *before,
				  const struct file_facts *now)
{
	return file_same(before, now) && before->size == now->size &&
	       file_time_same(before->written, now->written) &&
	       file_time_same(before->changed, now->changed);
}

/* Whether both names lead to one file. */
bool quire_path_same(const char *a, const char *b);

/* Whether the file belongs to the user as whom the process acts. */
bool quire_file_is_own(const struct file_facts *facts);

/* ------------------------------------------------------------- open files */

/* Opens for reading. Does not wait where the path is a pipe. */
int quire_file_open(const char *path);
/* The same, but a path that ends in a link fails. */
int quire_file_open_no_link(const char *path);

/* Opens for writing, and for reading too where that is allowed, as locks need
 * it. A path that ends in a link fails. */
int quire_file_open_to_lock(const char *path);
/* Opens a device or a pipe for writing. Nothing is made or cut. */
int quire_file_open_device(const char *path);

/* Makes a file with these permissions, less the process's umask, and opens it
 * for reading and writing. What is there, a link too, fails with EEXIST. */
int quire_file_create_new(const char *path, uint32_t mode);

/* The same open file once more, to be closed on its own. */
int quire_file_keep(int file);
void quire_file_close(int file);

/* Reads `size` bytes at a place; *got is less only where the file ends. If it
 * fails, *got bytes were read before. */
bool quire_file_read(int file, uint64_t offset, void *buffer, size_t size,
		     size_t *got);

/* Writes all of the bytes at a place. */
bool quire_file_write(int file, uint64_t offset, const void *data, size_t size);

/* Has the system copy bytes, or share them where the file system can do that.
 * Returns how many it took; the rest is left to reading and writing. */
uint64_t quire_file_copy(int from, uint64_t from_offset, int to,
			 uint64_t to_offset, uint64_t size);

/* What is added reads as zero. A file system that cannot lengthen a file has it
 * written to at its end. */
bool quire_file_resize(int file, uint64_t size);

/* Waits until all that was written is on the disk. A file system that cannot do
 * that is no failure. */
bool quire_file_flush(int file);
/* Starts writing these bytes to the disk, where the system can do that. */
void quire_file_begin_flush(int file, uint64_t offset, uint64_t size);
/* Writes the file to the disk and drops it from the page cache, so that the
 * next read comes from the disk. What a process has mapped may stay. */
bool quire_file_drop(int file);

bool quire_file_set_mode(int file, uint32_t mode);
bool quire_file_set_group(int file, uint64_t group);

/* A number that no other running process has, for names of temporary files. */
uint64_t quire_process_number(void);

/* ------------------------------------------------------------------- names */

/* `to` is replaced if it is there. */
bool quire_path_rename(const char *from, const char *to);
/* A second name for a file, or, where the file system has none, its only one.
 * `to` is not replaced: EEXIST. Where the file system cannot rename without
 * replacing either, `to` is looked for before, and a file that somebody makes
 * there in between is replaced. */
bool quire_path_link(const char *from, const char *to);
bool quire_path_remove(const char *path);

/* Waits until the names of the folder that `path` is in are on the disk. A
 * failure is ignored: the names have changed already. */
void quire_path_flush_folder(const char *path);

/* The path without links, to be freed. NULL, and errno. */
char *quire_path_resolve(const char *path);

/* The names in a folder, one after the other; NULL after the last one. */
struct folder;
struct folder *quire_folder_open(const char *path); /* NULL, and errno */
const char *quire_folder_next(struct folder *folder);
void quire_folder_close(struct folder *folder);

/* ------------------------------------------------------------ C's streams */

enum standard_file {
	FILE_STDIN,
	FILE_STDOUT,
	FILE_STDERR,
};

/* The file of a stream. */
int quire_stream_file(FILE *stream);
/* A stream that writes to the file and closes it. NULL, and errno. */
FILE *quire_stream_open(int file);
/* Where the next byte of a stream is read; false: it has no place. */
bool quire_stream_place(FILE *stream, uint64_t *offset);

bool quire_file_is_terminal(int file);

/* Characters in a line of the terminal; 0: the file is none, or it is not
 * known. */
size_t quire_file_terminal_columns(int file);

/* If one of the three standard files is closed, the next file to be opened
 * would get its number. This opens one there that cannot be used. */
void quire_standard_files_occupy(void);

#endif
