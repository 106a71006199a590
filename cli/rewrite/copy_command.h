/*
 * copy_command.h - what stamp and strip have in common: options, and opening
 * the file.
 */
#ifndef QUIRE_CLI_REWRITE_COPY_COMMAND_H
#define QUIRE_CLI_REWRITE_COPY_COMMAND_H

#include "cli/command.h"
#include "cli/rewrite/copy_model.h"

struct copy_values {
	const char *output;
	uint32_t alignment;
	uint32_t threads;
	bool force;
};

typedef int (*copy_body_fn)(struct copy *copy, struct copy_values *values);

/* Parses the options (`alignment` is the default of --align), opens the model,
 * checks the output, and returns what `body` returns. For `body`, `output` is
 * that of copy_write. */
int copy_command_run(const struct command *command, int argc, char **argv,
		     uint32_t alignment, copy_body_fn body);

#endif
