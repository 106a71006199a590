/*
 * workplace.h - where operations work: the files before them, and checks of the
 * files after them.
 */
#ifndef QUIRE_TESTS_WORKPLACE_H
#define QUIRE_TESTS_WORKPLACE_H

#include "tests/faults/operations.h"

/* Where an operation works. */
struct workplace {
	char *sources;	 /* folder of the next three */
	char *container; /* tests/support/sample.h */
	char *large;	 /* beside it; large enough to be verified by several
			    threads */
	char *body;	 /* the container of tests/onnx/good/body.onnx */
	char *folder;	 /* empty, or with OLD_TEXT in each output and no other
			    file */
	char *output;	 /* a path in `folder` */
	char *set[SET_PARTS]; /* likewise; the parts of a set with that name */
};

/* The content of `output` where there is an old file. */
#define OLD_TEXT "what was there before"

struct workplace workplace_make(void);
void workplace_remove(struct workplace *place);

/* Converts a model of tests/onnx/good. The container's path, to be freed. */
char *workplace_convert(const struct workplace *place, const char *name);

/* Fails the test unless the container verifies or the model can be
 * converted. */
void workplace_check_new(const struct workplace *place, const char *path,
			 const char *fault);

/* Brings the folder into the state that the operation starts from. */
void workplace_prepare(const struct workplace *place,
		       const struct operation *operation);

/*
 * Fails the test unless the folder is as it must be afterwards. On success: one
 * whole container or model, or nothing if the operation does not write. On
 * failure: what was there before.
 */
void workplace_check(const struct workplace *place,
		     const struct operation *operation, quire_status status,
		     const char *fault);

/* The paths that an operation writes. */
char *const *workplace_outputs(const struct workplace *place,
			       const struct operation *operation,
			       size_t *count);

/* Fails the test if there is a temporary file in the folder. */
void workplace_check_tidy(const struct workplace *place);

/* Open file descriptors of this process. */
size_t descriptor_count(void);

#endif
