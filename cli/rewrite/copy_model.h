/*
 * copy_model.h - a model's file written again, with other metadata and the
 * same tensors: what stamp, strip and edit have in common. Whatever goes wrong
 * has been told on stderr when a call returns false or an exit code.
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
	int file; /* that the model was opened from */
	quire_model *model;
	quire_model_info info;
	quire_model_info result; /* of the new file, after copy_write */
	struct progress progress;
};

/* Opens one file, not a split set. A header that another tool has edited is
 * let pass if `lenient`. */
bool copy_open(struct copy *copy, const char *path, bool lenient);
void copy_close(struct copy *copy);

/* What a key's value shall be; NULL: the key is left out. Keys that the writer
 * derives are not asked for, and what general.alignment is told to be does not
 * matter. */
typedef const quire_value *(*copy_choose_fn)(void *context, const char *key,
					     const quire_value *value);

struct copy_value {
	const char *key;
	quire_value value;
};

struct copy_how {
	const char *output;
	uint32_t alignment;
	uint32_t threads; /* that hash; 0: one for each CPU */
	bool plain;	  /* a foreign file, and not a container */
	bool overwrite;
	bool in_place; /* the output is the model itself */
	copy_choose_fn choose;
	void *context;
	const struct copy_value *added; /* keys that go to the end */
	size_t added_count;
};

/* Writes the new file. Tensors without checksums are read and hashed for a
 * container; all else is copied as it is, and keeps its checksums. Returns an
 * exit code. */
int copy_write(struct copy *copy, const struct copy_how *how);

/* The tensors' part of it. */
quire_status copy_tensors(struct copy *copy, const struct copy_how *how,
			  quire_writer *writer, quire_error *error);

#endif
