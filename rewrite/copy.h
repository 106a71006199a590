/*
 * copy.h - the inside of a quire_copy: quire.h says how to use one.
 */
#ifndef QUIRE_REWRITE_COPY_H
#define QUIRE_REWRITE_COPY_H

#include "quire.h"

struct quire_copy {
	char *path; /* as it was given */
	/* From which the model was opened: one file, or those of all parts. */
	int *files;
	const char **names; /* their paths; of the model or `path` */
	size_t file_count;
	quire_model *model;
	quire_model_info info;
	const char *output; /* during quire_copy_write: the file or set */
	char *written;	    /* the first file that was written, or NULL */
};

/* Copies the tensors; quire_copy_write calls it. */
quire_status quire_copy_tensors(const quire_copy *copy,
				const quire_copy_options *how,
				quire_writer *writer, quire_error *error);

#endif
