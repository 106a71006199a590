/*
 * operations.h - what a program does with the libraries, from one end to the
 * other, as a table: each one is run again and again with another fault.
 */
#ifndef QUIRE_TESTS_OPERATIONS_H
#define QUIRE_TESTS_OPERATIONS_H

#include "quire.h"

/* Of a split set that an operation writes. */
#define SET_PARTS 3

/* Where an operation works. */
struct workplace {
	char *sources;	 /* folder of the next three */
	char *container; /* tests/support/sample.h */
	char *large;	 /* beside it: enough to be verified by threads */
	char *body;	 /* the container of tests/onnx/body.onnx */
	char *folder;	 /* empty, or OLD_TEXT in all outputs, nothing else */
	char *output;	 /* a path in `folder` */
	char *set[SET_PARTS]; /* likewise, of the parts of one of that name */
};

/* What is at `output` where there is an old file. */
#define OLD_TEXT "what was there before"

struct operation {
	const char *name;
	/* Frees all that it made, but for the file at `output`. */
	quire_status (*run)(const struct workplace *place, quire_error *error);
	bool writes;	 /* a container or a model, to `output` */
	bool overwrites; /* an old file there */
	bool set;	 /* of SET_PARTS parts, in place of one file */
};

extern const struct operation operations[];
extern const size_t operation_count;

struct workplace workplace_make(void);
void workplace_remove(struct workplace *place);

/* The container of a model of tests/onnx, among the sources; to be freed. */
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
