/*
 * operations.h - what a program does with the libraries, from one end to the
 * other, as a table: each one is run again and again with another fault.
 */
#ifndef QUIRE_TESTS_OPERATIONS_H
#define QUIRE_TESTS_OPERATIONS_H

#include "quire.h"

/* Where an operation works. */
struct workplace {
	char *sources;	 /* folder: sample.gguf lies there */
	char *container; /* that file */
	char *folder;	 /* empty, or OLD_TEXT at `output` and nothing else */
	char *output;	 /* a path in `folder` */
};

/* What is at `output` where there is an old file. */
#define OLD_TEXT "what was there before"

struct operation {
	const char *name;
	/* Frees all that it made, but for the file at `output`. */
	quire_status (*run)(const struct workplace *place, quire_error *error);
	bool writes;	 /* a container, to `output` */
	bool overwrites; /* an old file there */
};

extern const struct operation operations[];
extern const size_t operation_count;

struct workplace workplace_make(void);
void workplace_remove(struct workplace *place);

/* Makes the folder what it must be before the operation. */
void workplace_prepare(const struct workplace *place,
		       const struct operation *operation);

/*
 * Fails the test unless the folder is as it must be afterwards: on success
 * one container that verifies, or nothing for operations that do not write;
 * else what was there before the operation.
 */
void workplace_check(const struct workplace *place,
		     const struct operation *operation, quire_status status,
		     const char *fault);

/* Open file descriptors of this process. */
size_t descriptor_count(void);

#endif
