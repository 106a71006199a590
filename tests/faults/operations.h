/*
 * operations.h - what a program does with the libraries, from beginning to end,
 * as a table. Each operation is run again and again, each time with another
 * fault.
 */
#ifndef QUIRE_TESTS_OPERATIONS_H
#define QUIRE_TESTS_OPERATIONS_H

#include "quire.h"

/* Parts of the split set that an operation writes. */
#define SET_PARTS 3

struct workplace;

struct operation {
	const char *name;
	/* Frees all that it made except the file at `output`. */
	quire_status (*run)(const struct workplace *place, quire_error *error);
	bool writes;	 /* a container or a model, to `output` */
	bool overwrites; /* there is an old file at `output` */
	bool set;	 /* the output is a set of SET_PARTS parts */
};

extern const struct operation operations[];
extern const size_t operation_count;

#endif
