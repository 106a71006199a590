/*
 * copy_command.c - what stamp and strip do before they differ.
 */
#include "cli/rewrite/copy_command.h"
#include "cli/files/output_path.h"
#include "cli/ui/options.h"
#include "cli/ui/trouble.h"

int copy_command_run(const struct command *command, int argc, char **argv,
		     uint32_t alignment, copy_body_fn body)
{
	struct copy_values values = { .alignment = alignment };
	struct args_words words;
	struct copy copy;
	int code;

	if (!args_parse(command, argc, argv, &values, &words, &code))
		return code;
	if (!option_alignment_fits(command->name, values.alignment) ||
	    !output_path_differs(values.output, words.word[0], "model",
				 "output") ||
	    !output_path_allowed(values.output, values.force) ||
	    !copy_open(&copy, words.word[0], false))
		return EXIT_TROUBLE;
	code = body(&copy, &values);
	copy_close(&copy);
	return code;
}
