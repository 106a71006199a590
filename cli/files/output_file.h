/*
 * output_file.h - what a command prints into a file, which appears whole or
 * not at all (base/output.h); or to stdout, a pipe or a device.
 */
#ifndef QUIRE_CLI_FILES_OUTPUT_FILE_H
#define QUIRE_CLI_FILES_OUTPUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/output.h"

struct output_file {
	FILE *stream;		    /* write here */
	const char *name;	    /* as given; for messages; not owned */
	struct quire_output output; /* path NULL: it is written in place */
	bool held;		    /* signals wait for it */
};

/*
 * Opens `name` for writing; "-" is stdout, which is refused if it is a
 * terminal. A device or pipe is written in place; a link's target is what
 * gets replaced. Prints the error and returns false on failure. From here
 * on signals wait (signals.h) until commit or discard.
 */
bool output_file_open(struct output_file *file, const char *name);

/* Makes the file appear. Prints the error and returns false on failure, and
 * then nothing has changed. */
bool output_file_commit(struct output_file *file);

/* Drops what was written. Does nothing after a commit, or to a zeroed one. */
void output_file_discard(struct output_file *file);

#endif
