/*
 * output_file.h - the output of a command: a file that appears whole or not at
 * all (base/output.h), stdout, a pipe or a device.
 */
#ifndef QUIRE_CLI_FILES_OUTPUT_FILE_H
#define QUIRE_CLI_FILES_OUTPUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/output.h"

struct output_file {
	FILE *stream;	  /* write here */
	const char *name; /* as the user gave it, for messages; not owned */
	struct quire_output output; /* path NULL: written in place */
	bool held;		    /* signals are held */
};

/*
 * Opens `name` for writing; "-" is stdout, which is refused if it is a
 * terminal. A device or a pipe is written in place. A file that exists is
 * replaced with `force` only; of a link, the target is, but not of another
 * user's link. Prints the error and returns false on failure. Signals are held
 * (signals.h) until commit or discard. Which files the command reads, the
 * caller knows: output_path.h.
 */
bool output_file_open(struct output_file *file, const char *name, bool force);

/* Puts the file into place. On failure, prints the error and returns false; the
 * old file, if any, is unchanged. */
bool output_file_commit(struct output_file *file);

/* Removes what was written. Does nothing after a commit, or if all is zero. */
void output_file_discard(struct output_file *file);

#endif
