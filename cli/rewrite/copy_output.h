/*
 * copy_output.h - the output of commands that write a model again: names, and
 * whether they may be written. A set is written as NAME-00001-of-00003.gguf and
 * so on, and named by NAME, NAME.gguf or one of its files.
 */
#ifndef QUIRE_CLI_REWRITE_COPY_OUTPUT_H
#define QUIRE_CLI_REWRITE_COPY_OUTPUT_H

#include "cli/rewrite/copy_model.h"

/* The set's NAME.gguf of the opened model itself; of one file its path, without
 * links. To be freed. NULL: the error was printed. */
char *copy_output_in_place(const struct copy *copy);

/* Whether the output, of as many files as the model has or of one, may be
 * written (of QUIRE_COPY_SPLIT copy_write finds that out): no file of the model
 * is overwritten, and no other one without `force`. Prints why not. `output` is
 * as for copy_write. */
bool copy_output_allowed(const struct copy *copy, const char *output,
			 quire_copy_files files, bool force);

/* "12 tensors in 3 files, 1.2 MiB", of what was written. Returns `text`. */
#define COPY_SIZE_CAPACITY 128
const char *copy_output_size(char text[COPY_SIZE_CAPACITY],
			     const struct copy *copy);

/* Prints the files that were written, and the sums over all, as a JSON object.
 * False: out of memory. */
bool copy_output_json(const struct copy *copy);

#endif
