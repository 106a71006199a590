/*
 * copy_model.h - writes a model's file again, with other metadata and the same
 * tensors, for stamp, strip and edit. A call that returns false or an exit code
 * has printed the error.
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
	const char *path;
	int file; /* from which the model was opened */
	quire_model *model;
	quire_model_info info;
	quire_model_info result; /* of the new file, after copy_write */
	struct progress progress;
};

/* Opens one file, not a split set. `lenient`: a header that another tool edited
 * is allowed. */
bool copy_open(struct copy *copy, const char *path, bool lenient);
void copy_close(struct copy *copy);

/* Returns the new value of a key; NULL: the key is left out. It is not called
 * for keys that the writer derives. The value of general.alignment is replaced
 * later. */
typedef const quire_value *(*copy_choose_fn)(void *context, const char *key,
					     const quire_value *value);

struct copy_value {
	const char *key;
	quire_value value;
};

struct copy_how {
	const char *output;
	uint32_t alignment;
	uint32_t threads; /* that hash; 0: quire_cpu_count */
	bool plain;	  /* a plain GGUF file, not a container */
	bool overwrite;
	bool in_place; /* the output is the model itself */
	copy_choose_fn choose;
	void *context;
	const struct copy_value *added; /* keys that are added at the end */
	size_t added_count;
};

/* Writes the new file. For a container, tensors without checksums are read and
 * hashed; other tensors are copied and keep their checksums. Returns an exit
 * code. */
int copy_write(struct copy *copy, const struct copy_how *how);

/* Copies the tensors; copy_write calls it. */
quire_status copy_tensors(struct copy *copy, const struct copy_how *how,
			  quire_writer *writer, quire_error *error);

#endif
