/*
 * command.h - what a command is, and the list of all commands. To add one, put
 * its name into COMMANDS, and cmd_<name>.c, which defines command_<name>, into
 * CMakeLists.txt.
 */
#ifndef QUIRE_CLI_COMMAND_H
#define QUIRE_CLI_COMMAND_H

#include "cli/ui/args.h"

struct command {
	const char *name;
	const char *summary;		   /* a line for the list of commands */
	const char *usage;		   /* what follows the name */
	const char *about;		   /* paragraphs for its help */
	const char *examples;		   /* lines for its help */
	const struct args_option *options; /* the last row has no name */
	int words_min;			   /* of words that are no options */
	int words_max;			   /* ARGS_ANY: no limit */
	/* argv[0] is the command's name. Returns an exit code. */
	int (*run)(int argc, char **argv);
};

/* clang-format off */
#define COMMANDS(X) \
	X(convert) \
	X(compare) \
	X(export) \
	X(thin) \
	X(info) \
	X(verify) \
	X(hash) \
	X(stamp) \
	X(strip) \
	X(edit) \
	X(merge) \
	X(split) \
	X(dump) \
	X(matmul) \
	X(bench)
/* clang-format on */

#define COMMAND_DECLARE(name) extern const struct command command_##name;
COMMANDS(COMMAND_DECLARE)
#undef COMMAND_DECLARE

#endif
