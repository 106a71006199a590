/*
 * convert_warnings.h - what a user must know about a conversion that succeeded:
 * quantized weights that became dense, and nodes that were left out because
 * their weights cannot be converted.
 */
#ifndef QUIRE_CLI_UI_CONVERT_WARNINGS_H
#define QUIRE_CLI_UI_CONVERT_WARNINGS_H

#include "cli/ui/json_out.h"
#include "quire_convert.h"

/* Prints a line on stderr for each of them, up to ten. */
void convert_warnings_tell(const quire_convert_report *report);

/* Prints how many there are, in a line of the summary for each kind. */
void convert_warnings_print(const quire_convert_report *report);

/* Writes the member "warnings", a list. */
void convert_warnings_json(struct json_out *out,
			   const quire_convert_report *report);

#endif
