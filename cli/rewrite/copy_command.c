/*
 * copy_command.c - what stamp and strip do before they differ.
 */
#include "cli/rewrite/copy_command.h"
#include "base/output.h"

#include <stdlib.h>
#include <string.h>

#include "cli/rewrite/copy_output.h"
#include "cli/ui/options.h"
#include "cli/ui/trouble.h"

static int run_body(struct copy *copy, struct copy_values *values,
		    copy_body_fn body)
{
	char *output =
	    copy->file_count > 1
		? quire_output_set_name(values->output, copy->file_count)
		: strdup(values->output);
	int code = EXIT_TROUBLE;

	if (!output)
		return trouble_memory();
	if (copy_output_allowed(copy, output, QUIRE_COPY_SAME_FILES,
				values->force)) {
		values->output = output;
		code = body(copy, values);
	}
	free(output);
	return code;
}

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
	    !copy_open(&copy, words.word[0], false))
		return EXIT_TROUBLE;
	code = run_body(&copy, &values, body);
	copy_close(&copy);
	return code;
}
