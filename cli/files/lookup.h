/*
 * lookup.h - opens a model and finds in it what the command line names.
 * Whatever is not there has been told on stderr when a call returns NULL or
 * false.
 */
#ifndef QUIRE_CLI_FILES_LOOKUP_H
#define QUIRE_CLI_FILES_LOOKUP_H

#include "quire.h"

/* The caller closes it. A header that was edited is let pass if `lenient`. */
quire_model *lookup_model(const char *path, bool lenient);

/* A weight that the command line named. */
struct lookup_operand {
	const quire_linear *linear; /* NULL: the tensor alone */
	const quire_tensor *tensor;
	uint64_t k; /* columns that mean something; shape[0] if none knows */
};

/* What dump shows: a tensor by its own name, by a linear's, or by its name in
 * the source. */
bool lookup_tensor(const quire_model *model, const char *path, const char *name,
		   struct lookup_operand *operand);

/* What matmul multiplies by: a linear, or else a bare 2-D tensor. */
bool lookup_matrix(const quire_model *model, const char *path, const char *name,
		   struct lookup_operand *operand);

#endif
