/*
 * args.h - a command's options as a table, for the parser and for the help.
 *
 * Each row says where in the command's own struct the value goes:
 *
 *	struct values { uint32_t threads; bool json; const char *output; };
 *	static const struct args_option options[] = {
 *		{ .name = "threads", .value = "N", .type = ARGS_NUMBER,
 *		  .offset = offsetof(struct values, threads), .max = 64,
 *		  .help = "..." },
 *		{ .name = NULL },
 *	};
 *
 * The parser takes --name VALUE, --name=VALUE, -o VALUE and -oVALUE. After --
 * nothing is an option. A lone - is a word. If an option is given twice, the
 * last value counts, except in a list.
 */
#ifndef QUIRE_CLI_UI_ARGS_H
#define QUIRE_CLI_UI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct command;

#define ARGS_ANY (-1)

/* More than any machine has; a typing error is harmless. */
#define ARGS_THREADS_MAX 1024

enum args_type {
	ARGS_FLAG,   /* bool */
	ARGS_TEXT,   /* const char *, into argv */
	ARGS_NUMBER, /* uint32_t, from min to max */
	ARGS_SIZE,   /* uint64_t, bytes, as "4G"; above 0 */
	ARGS_LIST,   /* struct args_list */
};

/* The values of an option that may be repeated, in their order. */
#define ARGS_LIST_MAX 256

struct args_list {
	size_t count;
	const char *item[ARGS_LIST_MAX]; /* into argv */
};

struct args_option {
	const char *name; /* without the dashes */
	char letter;	  /* 0: none */
	enum args_type type;
	bool required;
	size_t offset;	   /* of the member in the values struct */
	const char *value; /* the name of its value in the help */
	const char *help;
	uint32_t min;
	uint32_t max;
};

/* The words of the command line that are not options. */
struct args_words {
	int count;
	char **word;
};

/*
 * Parses argv from argv[1] into *values, which holds the defaults, and *words,
 * which points into argv, whose order changes. Returns true if the command is
 * to run. Otherwise help or an error was printed, and *exit_code is set.
 */
bool args_parse(const struct command *command, int argc, char **argv,
		void *values, struct args_words *words, int *exit_code);

/* Reads `size` decimal digits. False for anything else, and for more than 32
 * bits. */
bool args_number(const char *text, size_t size, uint32_t *number);

/* Prints the command's help on stdout. */
void args_print_help(const struct command *command);

#endif
