/*
 * workplace.h - where operations work: what lies there before them, and the
 * checks of what lies there after them.
 */
#ifndef QUIRE_TESTS_WORKPLACE_H
#define QUIRE_TESTS_WORKPLACE_H

#include "tests/faults/operations.h"

/* Where an operation works. */
struct workplace {
	char *sources;	 /* folder of the next three */
	char *container; /* tests/support/sample.h */
	char *large;	 /* beside it: enough to be verified by threads */
	char *body;	 /* the container of tests/onnx/good/body.onnx */
	char *folder;	 /* empty, or OLD_TEXT in all outputs, nothing else */
	char *output;	 /* a path in `folder` */
	char *set[SET_PARTS]; /* likewise, of the parts of one of that name */
};

/* What is at `output` where there is an old file. */
#define OLD_TEXT "what was there before"

struct workplace workplace_make(void);
void workplace_remove(struct workplace *place);

/* The container of a model of tests/onnx/good, among the sources; to be freed.
 */
char *workplace_convert(const struct workplace *place, const char *name);

/* Fails the test unless a container verifies, or a model can be converted. */
void workplace_check_new(const struct workplace *place, const char *path,
			 const char *fault);

/* Makes the folder what it must be before the operation. */
void workplace_prepare(const struct workplace *place,
		       const struct operation *operation);

/*
 * Fails the test unless the folder is as it must be afterwards: on success
 * one whole container or model, or nothing for operations that do not write;
 * else what was there before the operation.
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
