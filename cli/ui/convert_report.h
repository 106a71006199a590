/*
 * convert_report.h - the report of a conversion, for people and for programs.
 */
#ifndef QUIRE_CLI_UI_CONVERT_REPORT_H
#define QUIRE_CLI_UI_CONVERT_REPORT_H

#include <stdio.h>

#include "quire_convert.h"

/* Owns nothing. */
struct conversion {
	const char *source; /* paths as the user gave them */
	const char *output; /* NULL: none, of a dry run */
	bool dry_run;	    /* nothing was written */
	double seconds;
	uint64_t split_size; /* that the user gave; 0: none */
	const quire_convert_report *report;
};

/* Prints the summary on stdout. */
void convert_report_print(const struct conversion *conversion);

/* Writes the whole report as JSON. False: out of memory. The caller checks the
 * stream for errors. */
bool convert_report_write(const struct conversion *conversion, FILE *stream);

#endif
