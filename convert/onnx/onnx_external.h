/*
 * onnx_external.h - the files that hold a model's weights: its own, and those
 * beside it. The latter must lie in the model's folder, whatever links say.
 * Files are known by path, size and time; each is open only between acquire
 * and release, since models with one file a tensor have more files than a
 * process may have open. The model's own is acquired as long as it is there.
 */
#ifndef QUIRE_CONVERT_ONNX_ONNX_EXTERNAL_H
#define QUIRE_CONVERT_ONNX_ONNX_EXTERNAL_H

#include <time.h>

#include "base/table.h"
#include "quire.h"

struct onnx_file {
	char *location; /* as the model says it; NULL: the model's own */
	char *path;	/* without links */
	uint64_t size;
	struct timespec changed; /* when it was last written to */
	int descriptor;		 /* while users > 0 */
	size_t users;
};

struct onnx_files {
	char *folders[2]; /* the model's, and that of the file that its path
			     links to (a download cache keeps both so) */
	struct onnx_file **items;
	size_t count;
	size_t capacity;
	struct table by_location;
};

/* The model's own file, a regular one, open; for quire_onnx_file_close, to
 * which NULL is fine. */
quire_status quire_onnx_file_open(const char *path, struct onnx_file **file,
				  quire_error *error);
void quire_onnx_file_close(struct onnx_file *file);

/* Prepares for the model at `path`, which must exist. */
quire_status quire_onnx_files_init(struct onnx_files *files, const char *path,
				   quire_error *error);
void quire_onnx_files_free(struct onnx_files *files);

/* The file at `location`, relative to the model. Fails with LAYOUT if it is
 * outside of the model's folder or no regular file, IO if it is not there. */
quire_status quire_onnx_files_find(struct onnx_files *files,
				   const char *location,
				   struct onnx_file **file, quire_error *error);

/* Opens, or counts one user more; not for several threads at once. A NULL
 * file is fine. */
quire_status quire_onnx_file_acquire(struct onnx_file *file,
				     quire_error *error);
void quire_onnx_file_release(struct onnx_file *file);

/* Fails with IO if the file is no longer the one that was found, or was
 * written to since. */
quire_status quire_onnx_file_check(const struct onnx_file *file,
				   quire_error *error);

/* Reads exactly `size` bytes at `offset` of an acquired file. */
quire_status quire_onnx_file_read(const struct onnx_file *file, uint64_t offset,
				  void *bytes, size_t size, quire_error *error);

#endif
