/*
 * operations.h - what a program does with the libraries, from one end to the
 * other, as a table: each one is run again and again with another fault.
 */
#ifndef QUIRE_TESTS_OPERATIONS_H
#define QUIRE_TESTS_OPERATIONS_H

#include "quire.h"

/* Of a split set that an operation writes. */
#define SET_PARTS 3

struct workplace;

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

#endif
