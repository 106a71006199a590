/*
 * copy_model.h - writes a model again, with other metadata or in other files,
 * and the same tensors: for stamp, strip, edit, merge and split. A model is one
 * file or a split set. A call that returns false or an exit code has printed
 * the error.
 *
 *	struct copy copy;
 *	if (!copy_open(&copy, "a.gguf", false))
 *		return EXIT_TROUBLE;
 *	... look at copy.model and copy.info ...
 *	code = copy_write(&copy, &how);
 *	copy_close(&copy);
 */
#ifndef QUIRE_CLI_REWRITE_COPY_MODEL_H
#define QUIRE_CLI_REWRITE_COPY_MODEL_H

#include "cli/ui/progress.h"
#include "quire.h"

struct copy {
	const char *path; /* as it was given */
	/* From which the model was opened: one file, or those of all parts. */
	int *files;
	const char **names; /* their paths; of the model or `path` */
	size_t file_count;
	quire_model *model;
	quire_model_info info;
	/* The new file or set, after copy_write. */
	quire_model *made;
	quire_model_info result;
	struct progress progress;
};

/* Opens a file, or the set that has it as a part. `lenient`: a header that
 * another tool edited is allowed. */
bool copy_open(struct copy *copy, const char *path, bool lenient);
void copy_close(struct copy *copy);

/* The path of the first file that copy_write has written. */
const char *copy_made_path(const struct copy *copy);

/* The alignment that a copy keeps: the model's; but another tool may have given
 * a container one that is less than a container may have. */
uint32_t copy_alignment(const struct copy *copy);

/* Returns the new value of a key; NULL: the key is left out. It is not called
 * for keys that the writer derives. The value of general.alignment is replaced
 * later. */
typedef const quire_value *(*copy_choose_fn)(void *context, const char *key,
					     const quire_value *value);

struct copy_value {
	const char *key;
	quire_value value;
};

enum copy_files {
	COPY_SAME_FILES, /* as many files as the model has */
	COPY_ONE_FILE,
	COPY_SPLIT, /* by split_size */
};

struct copy_how {
	const char *output; /* see copy_output.h */
	enum copy_files files;
	uint64_t split_size;
	uint32_t alignment;
	uint32_t threads; /* that hash; 0: quire_cpu_count */
	bool plain;	  /* a plain GGUF file, not a container */
	bool overwrite;
	bool in_place;	       /* the output is the model itself */
	copy_choose_fn choose; /* NULL: all keys stay */
	void *context;
	const struct copy_value *added; /* keys that are added at the end */
	size_t added_count;
};

/* Writes the new files. For a container, tensors without checksums are read and
 * hashed; other tensors are copied and keep their checksums. In place, files of
 * a set that would not change are not written. Returns an exit code. */
int copy_write(struct copy *copy, const struct copy_how *how);

/* Copies the tensors; copy_write calls it. */
quire_status copy_tensors(struct copy *copy, const struct copy_how *how,
			  quire_writer *writer, quire_error *error);

#endif
