/*
 * lookup.h - opens a model and finds in it what the command line names. A call
 * that returns NULL or false has printed the error.
 */
#ifndef QUIRE_CLI_FILES_LOOKUP_H
#define QUIRE_CLI_FILES_LOOKUP_H

#include "quire.h"

/* The caller closes it. `lenient`: an edited header is allowed. */
quire_model *lookup_model(const char *path, bool lenient);

/* A weight that the command line names. */
struct lookup_operand {
	const quire_linear *linear; /* NULL: the tensor alone */
	const quire_tensor *tensor;
	uint64_t k; /* columns without padding; shape[0] if no linear says it */
};

/* For dump: a tensor by its name, by the name of a linear, or by its name in
 * the source model. */
bool lookup_tensor(const quire_model *model, const char *path, const char *name,
		   struct lookup_operand *operand);

/* For matmul: a linear, or else a 2-D tensor. */
bool lookup_matrix(const quire_model *model, const char *path, const char *name,
		   struct lookup_operand *operand);

#endif
