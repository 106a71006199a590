/*
 * convert_report.h - a finished conversion, told to people and to programs.
 */
#ifndef QUIRE_CLI_UI_CONVERT_REPORT_H
#define QUIRE_CLI_UI_CONVERT_REPORT_H

#include <stdio.h>

#include "quire_convert.h"

/* Owns nothing. */
struct conversion {
	const char *source; /* paths as they were given */
	const char *output;
	double seconds;
	uint64_t split_size; /* that was asked for; 0: none */
	const quire_convert_report *report;
};

/* Prints the summary on stdout. */
void convert_report_print(const struct conversion *conversion);

/* Writes the whole report as JSON. False: no memory. Errors of the stream are
 * left to whoever closes it. */
bool convert_report_write(const struct conversion *conversion, FILE *stream);

#endif
