/*
 * copy_command.h - the options and the frame of the commands that write a whole
 * file anew, stamp and strip.
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

/* The rows of their tables. */
#define COPY_OPTION_OUTPUT(what)                                               \
	{                                                                      \
		.name = "output", .letter = 'o', .value = "OUT.gguf",          \
		.type = ARGS_TEXT, .required = true,                           \
		.offset = offsetof(struct copy_values, output),                \
		.help = "the " what " to write"                                \
	}

#define COPY_OPTION_FORCE                                                      \
	{                                                                      \
		.name = "force", .type = ARGS_FLAG,                            \
		.offset = offsetof(struct copy_values, force),                 \
		.help = "replace OUT.gguf if it exists"                        \
	}

#define COPY_OPTION_THREADS(what_they_do)                                      \
	{                                                                      \
		.name = "threads", .value = "N", .type = ARGS_NUMBER,          \
		.offset = offsetof(struct copy_values, threads),               \
		.max = ARGS_THREADS_MAX,                                       \
		.help = "threads that " what_they_do                           \
			"; 0, the default: one for each CPU"                   \
	}

#define COPY_OPTION_ALIGN(least, usual)                                        \
	{                                                                      \
		.name = "align", .value = "N", .type = ARGS_NUMBER,            \
		.offset = offsetof(struct copy_values, alignment),             \
		.min = least, .max = 65536,                                    \
		.help = "bytes that tensors start on, a power of two; "        \
			"default: " usual                                      \
	}

typedef int (*copy_body_fn)(struct copy *copy, struct copy_values *values);

/* Parses the options, of which the alignment has that default, opens the model,
 * and returns what `body` does of it. */
int copy_command_run(const struct command *command, int argc, char **argv,
		     uint32_t alignment, copy_body_fn body);

#endif
