/*
 * main.c - finds the command and runs it, prints help and version, and checks
 * at the end that everything that was printed has been written.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu_limits.h"
#include "base/file.h"
#include "base/nearest.h"
#include "cli/command.h"
#include "cli/ui/cpu_text.h"
#include "cli/ui/signals.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"
#include "quire.h"

#define COMMAND_ADDRESS(name) &command_##name,
static const struct command *const commands[] = { COMMANDS(COMMAND_ADDRESS) };

#define COMMAND_COUNT (sizeof(commands) / sizeof(*commands))

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	struct nearest near = quire_nearest_to(name);

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		quire_nearest_offer(&near, text_of(commands[i]->name));
	quire_nearest_offer(&near, text_of("help"));
	if (near.found)
		return trouble("unknown command '%s', did you mean '%s'? "
			       "See 'quire --help'",
			       name, near.name.data);
	return trouble("unknown command '%s'; see 'quire --help'", name);
}

static int unknown_option(const char *word)
{
	struct nearest near = quire_nearest_to(word);

	quire_nearest_offer(&near, text_of("--help"));
	quire_nearest_offer(&near, text_of("--version"));
	if (near.found)
		return trouble("unknown option '%s', did you mean '%s'? "
			       "See 'quire --help'",
			       word, near.name.data);
	return trouble("unknown option '%s'; see 'quire --help'", word);
}

static void print_help(void)
{
	printf("usage: quire COMMAND ...\n\n"
	       "4-bit model weights in page-aligned, checksummed GGUF files.\n"
	       "\ncommands:\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		printf("  %-8s  %s\n", commands[i]->name, commands[i]->summary);
	printf("  %-8s  %s\n", "help", "explain a command");
	printf(
	    "\noptions:\n"
	    "  -h, --help     show this help\n"
	    "  -V, --version  show the version and the default of --threads\n"
	    "\nAn output that exists is replaced with --force only. A file "
	    "that a\n"
	    "command reads, and files of its set, are never replaced by an "
	    "output.\n"
	    "\nexit codes: 0 fine, 1 different or damaged, 2 error\n"
	    "'quire help COMMAND' explains each command.\n");
}

/* Programs read the first line only. */
static void print_version(void)
{
	const struct cpu_limits limits = quire_cpu_limits();
	char text[CPU_TEXT_CAPACITY];

	printf("quire %s\n", quire_version());
	printf("default threads: %s\n", cpu_text(text, &limits));
}

static int run_help(int argc, char **argv)
{
	const struct command *command;

	if (argc > 2)
		return trouble("help: one word too many: '%s'", argv[2]);
	if (argc < 2) {
		print_help();
		return EXIT_FINE;
	}
	command = find_command(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	args_print_help(command);
	return EXIT_FINE;
}

static int run(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2)
		return trouble("no command given; see 'quire --help'");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0)
		return run_help(argc - 1, argv + 1);
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		print_version();
		return EXIT_FINE;
	}
	if (argv[1][0] == '-')
		return unknown_option(argv[1]);
	command = find_command(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	return command->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int code;

	quire_standard_files_occupy();
	signals_explain_bus_error();
	code = run(argc, argv);
	errno = EIO; /* where only the stream remembers the error */
	if (fflush(stdout) != 0 || ferror(stdout))
		code = trouble("cannot write to stdout: %s", strerror(errno));
	return code;
}
