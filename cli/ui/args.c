/*
 * args.c - parses a command line by a table. Not with getopt_long, whose
 * messages cannot name the nearest option or begin with "quire: ".
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/command.h"
#include "cli/ui/args.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"
#include "quire_convert.h"

struct parser {
	const struct command *command;
	int argc;
	char **argv;
	int next; /* the next word to look at */
	void *values;
	bool help;
};

/* Every command has this option. */
static const struct args_option help_option = {
	.name = "help",
	.letter = 'h',
	.type = ARGS_FLAG,
	.help = "show this help",
};

static bool usage_error(const struct parser *parser, const char *what,
			const char *word)
{
	trouble("%s: %s%s%s%s; see 'quire %s --help'", parser->command->name,
		what, word ? " '" : "", word ? word : "", word ? "'" : "",
		parser->command->name);
	return false;
}

static bool unknown_option(const struct parser *parser, const char *word)
{
	const struct args_option *option = parser->command->options;
	struct nearest near = quire_nearest_to(word + 2);

	for (; option->name; option++)
		quire_nearest_offer(&near, text_of(option->name));
	quire_nearest_offer(&near, text_of(help_option.name));
	if (!near.found || word[1] != '-')
		return usage_error(parser, "unknown option", word);
	trouble("%s: unknown option '%s', did you mean '--%s'? "
		"See 'quire %s --help'",
		parser->command->name, word, near.name.data,
		parser->command->name);
	return false;
}

bool args_number(const char *text, size_t size, uint32_t *number)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text[i] - '0');
		if (value > UINT32_MAX)
			return false;
	}
	*number = (uint32_t)value;
	return size > 0;
}

static bool store_item(const struct parser *parser,
		       const struct args_option *option, struct args_list *list,
		       const char *text)
{
	if (list->count < ARGS_LIST_MAX) {
		list->item[list->count++] = text;
		return true;
	}
	trouble("%s: more than %d of --%s", parser->command->name,
		ARGS_LIST_MAX, option->name);
	return false;
}

static bool store_size(const struct parser *parser,
		       const struct args_option *option, void *member,
		       const char *text)
{
	uint64_t size;

	if (!quire_size_parse(text, &size) || size == 0) {
		trouble("%s: --%s takes a size such as 500M or 4G, not '%s'",
			parser->command->name, option->name, text);
		return false;
	}
	memcpy(member, &size, sizeof(size));
	return true;
}

static bool store(struct parser *parser, const struct args_option *option,
		  const char *text)
{
	void *member = (char *)parser->values + option->offset;
	const bool on = true;
	uint32_t number;

	switch (option->type) {
	case ARGS_FLAG:
		memcpy(member, &on, sizeof(on));
		return true;
	case ARGS_TEXT:
		if (!*text) {
			trouble("%s: --%s takes %s, not ''",
				parser->command->name, option->name,
				option->value);
			return false;
		}
		memcpy(member, &text, sizeof(text));
		return true;
	case ARGS_NUMBER:
		if (!args_number(text, strlen(text), &number) ||
		    number < option->min || number > option->max) {
			trouble("%s: --%s takes a number from %" PRIu32
				" to %" PRIu32 ", not '%s'",
				parser->command->name, option->name,
				option->min, option->max, text);
			return false;
		}
		memcpy(member, &number, sizeof(number));
		return true;
	case ARGS_SIZE:
		return store_size(parser, option, member, text);
	case ARGS_LIST:
		return store_item(parser, option, member, text);
	}
	return false;
}

static bool option_is(const struct args_option *option, const char *word)
{
	size_t size;

	if (word[1] != '-')
		return option->letter && option->letter == word[1];
	size = strlen(option->name);
	return strncmp(option->name, word + 2, size) == 0 &&
	       (word[2 + size] == '\0' || word[2 + size] == '=');
}

static const struct args_option *find_option(const struct parser *parser,
					     const char *word)
{
	const struct args_option *option = parser->command->options;

	if (option_is(&help_option, word))
		return &help_option;
	for (; option->name; option++)
		if (option_is(option, word))
			return option;
	return NULL;
}

/* The value in the word of an option: the b of --a=b or of -ob; NULL: none. */
static const char *glued_value(const char *word)
{
	const char *equals;

	if (word[1] != '-')
		return word[2] ? word + 2 : NULL;
	equals = strchr(word, '=');
	return equals ? equals + 1 : NULL;
}

static bool parse_option(struct parser *parser, const char *word)
{
	const struct args_option *option = find_option(parser, word);
	const char *value = glued_value(word);

	if (!option)
		return unknown_option(parser, word);
	if (option->type == ARGS_FLAG) {
		if (value)
			return usage_error(parser, "no value is allowed with",
					   word);
		if (option == &help_option) {
			parser->help = true;
			return true;
		}
		return store(parser, option, NULL);
	}
	if (!value) {
		if (parser->next == parser->argc)
			return usage_error(parser, "a value is missing after",
					   word);
		value = parser->argv[parser->next++];
	}
	return store(parser, option, value);
}

static bool parse_words(struct parser *parser, struct args_words *words)
{
	bool options_end = false;

	while (parser->next < parser->argc && !parser->help) {
		char *word = parser->argv[parser->next++];

		if (options_end || word[0] != '-' || word[1] == '\0')
			words->word[words->count++] = word;
		else if (strcmp(word, "--") == 0)
			options_end = true;
		else if (!parse_option(parser, word))
			return false;
	}
	return true;
}

static bool is_given(const struct parser *parser,
		     const struct args_option *option)
{
	const char *text;

	memcpy(&text, (char *)parser->values + option->offset, sizeof(text));
	return text != NULL;
}

/* "-o OUT", or "--onnx MODEL" of an option that has no letter. */
static void report_missing(const struct command *command,
			   const struct args_option *option)
{
	const char letter[] = { option->letter, '\0' };

	trouble("%s: %s%s %s is missing; usage: quire %s %s", command->name,
		option->letter ? "-" : "--",
		option->letter ? letter : option->name, option->value,
		command->name, command->usage);
}

static bool check_complete(const struct parser *parser,
			   const struct args_words *words)
{
	const struct command *command = parser->command;
	const struct args_option *option = command->options;

	if (words->count < command->words_min) {
		trouble("%s: too few words; usage: quire %s %s", command->name,
			command->name, command->usage);
		return false;
	}
	if (command->words_max != ARGS_ANY && words->count > command->words_max)
		return usage_error(parser, "one word too many:",
				   words->word[command->words_max]);
	for (; option->name; option++) {
		if (!option->required || is_given(parser, option))
			continue;
		report_missing(command, option);
		return false;
	}
	return true;
}

bool args_parse(const struct command *command, int argc, char **argv,
		void *values, struct args_words *words, int *exit_code)
{
	struct parser parser = { .command = command,
				 .argc = argc,
				 .argv = argv,
				 .next = 1,
				 .values = values };

	/* Words move to the front, over words that were read already. */
	*words = (struct args_words){ .word = argv };
	*exit_code = EXIT_TROUBLE;
	if (!parse_words(&parser, words))
		return false;
	if (parser.help) {
		args_print_help(command);
		*exit_code = EXIT_FINE;
		return false;
	}
	return check_complete(&parser, words);
}

static void print_option(const struct args_option *option)
{
	char left[64];

	snprintf(left, sizeof(left), "%c%c%s--%s%s%s",
		 option->letter ? '-' : ' ',
		 option->letter ? option->letter : ' ',
		 option->letter ? ", " : "  ", option->name,
		 option->value ? " " : "", option->value ? option->value : "");
	printf("  %-22s  %s\n", left, option->help);
}

void args_print_help(const struct command *command)
{
	const struct args_option *option = command->options;

	printf("usage: quire %s %s\n\n%s\n\noptions:\n", command->name,
	       command->usage, command->about);
	for (; option->name; option++)
		print_option(option);
	print_option(&help_option);
	printf("\nexamples:\n%s\n", command->examples);
}
