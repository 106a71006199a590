/*
 * verdict.h - prints what quire verify found: lines for people, or for programs
 * JSON, a list with one object for each file.
 *
 *	struct verdict_printer printer = verdict_printer_start(json, quiet);
 *	for (each file) {
 *		struct verdict verdict = verdict_begin(&printer, path);
 *		verdict_problem(&verdict, &problem, "...", ...);
 *		code = verdict_differs(&verdict);
 *	}
 *	verdict_printer_finish(&printer);
 */
#ifndef QUIRE_CLI_VERIFY_VERDICT_H
#define QUIRE_CLI_VERIFY_VERDICT_H

#include "cli/ui/json_out.h"
#include "cli/ui/progress.h"
#include "cli/ui/text.h"

struct verdict_printer {
	bool json;
	bool quiet; /* print nothing about good files */
	struct json_out out;
};

struct verdict_printer verdict_printer_start(bool json, bool quiet);
/* Returns EXIT_FINE, or EXIT_TROUBLE if memory ran out. */
int verdict_printer_finish(struct verdict_printer *printer);

struct verdict {
	struct verdict_printer *printer;
	const char *path;
	struct progress progress;
	size_t problems;
	bool tensors_only; /* said of a good file */
};

struct verdict verdict_begin(struct verdict_printer *printer, const char *path);

/* A problem, for programs. All members but `kind` may be missing. */
struct verdict_facts {
	/* damaged, header, padding, edited, missing, extra, partial or
	 * unreadable */
	const char *kind;
	/* The file, if it is not the verdict's: a part of a split set. */
	const char *path;
	const quire_tensor *tensor;
	const char *name; /* instead of the tensor */
	uint64_t offset;  /* or QUIRE_NO_OFFSET; `tensor` has its own */
	const char *algorithm, *expected, *actual;
};

/* For verdict_facts: the path of a part of a split set. NULL if the model is
 * one file. */
const char *verdict_part(const quire_model *model, uint32_t part);

#if defined(__GNUC__)
#define VERDICT_PRINTF __attribute__((format(printf, 3, 4)))
#else
#define VERDICT_PRINTF
#endif

/* Prints a problem. Names in the text must be escaped already; the text up to
 * the first comma or semicolon is coloured. */
void verdict_problem(struct verdict *verdict, const struct verdict_facts *facts,
		     const char *format, ...) VERDICT_PRINTF;

/* Room for the name of a tensor with every byte escaped. */
#define VERDICT_NAME_CAPACITY 256
const char *verdict_name(char buffer[VERDICT_NAME_CAPACITY], quire_string name);

/* Reports a good file; returns EXIT_FINE. */
int verdict_fine(struct verdict *verdict, const quire_model *model);

/* Ends the report of a file with problems; returns EXIT_DIFFERS. */
int verdict_differs(struct verdict *verdict);

/* Ends the report of a file that cannot be checked, and prints the error;
 * returns EXIT_TROUBLE. */
int verdict_trouble(struct verdict *verdict, const quire_error *error);

/* The same if the error was printed already; `message` is for programs. */
int verdict_end_trouble(struct verdict *verdict, const char *message);

#endif
