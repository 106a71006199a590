/*
 * verdict.c - prints verdicts. Compares nothing.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/ui/terminal.h"
#include "cli/ui/trouble.h"
#include "cli/verify/verdict.h"

/* Two names, two SHA-256 and the words around them. */
#define LINE_CAPACITY 1024

struct verdict_printer verdict_printer_start(bool json, bool quiet)
{
	struct verdict_printer printer = { .json = json, .quiet = quiet };

	if (json) {
		printer.out = json_out_start(stdout);
		json_out_begin(&printer.out, NULL, '[');
	}
	return printer;
}

int verdict_printer_finish(struct verdict_printer *printer)
{
	if (!printer->json)
		return EXIT_FINE;
	json_out_end(&printer->out, ']');
	return json_out_finish(&printer->out) ? EXIT_FINE : trouble_memory();
}

struct verdict verdict_begin(struct verdict_printer *printer, const char *path)
{
	struct verdict verdict = { .printer = printer, .path = path };

	verdict.progress = progress_start(path);
	if (printer->quiet)
		verdict.progress.visible = false;
	if (printer->json) {
		json_out_begin(&printer->out, NULL, '{');
		json_out_text(&printer->out, "file", path);
		json_out_begin(&printer->out, "problems", '[');
	}
	return verdict;
}

const char *verdict_part(const quire_model *model, uint32_t part)
{
	quire_part file;

	return quire_model_part_count(model) > 1 &&
		       quire_model_part(model, part, &file)
		   ? file.path
		   : NULL;
}

static void print_line(struct verdict *verdict, const char *path,
		       const char *colour, const char *text)
{
	const size_t head = strcspn(text, ",;");

	progress_clear(&verdict->progress);
	text_print(stdout, path ? path : verdict->path);
	printf(": %s%.*s%s%s\n", colour, (int)head, text, terminal_plain(),
	       text + head);
}

/* Leaves out what is missing. */
static void json_text(struct json_out *out, const char *key, const char *text)
{
	if (text)
		json_out_text(out, key, text);
}

static void print_json(struct json_out *out, const struct verdict_facts *facts,
		       const char *text)
{
	const quire_tensor *tensor = facts->tensor;
	const uint64_t offset = tensor ? tensor->offset : facts->offset;

	json_out_begin(out, NULL, '{');
	json_out_text(out, "kind", facts->kind);
	json_text(out, "file", facts->path);
	if (tensor)
		json_out_string(out, "tensor", tensor->name);
	else
		json_text(out, "tensor", facts->name);
	if (tensor && tensor->part > 0)
		json_out_u64(out, "part", tensor->part);
	if (offset != QUIRE_NO_OFFSET)
		json_out_u64(out, "offset", offset);
	json_text(out, "algorithm", facts->algorithm);
	json_text(out, "expected", facts->expected);
	json_text(out, "actual", facts->actual);
	json_out_text(out, "message", text);
	json_out_end(out, '}');
}

void verdict_problem(struct verdict *verdict, const struct verdict_facts *facts,
		     const char *format, ...)
{
	char text[LINE_CAPACITY];
	va_list args;

	verdict->problems++;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (verdict->printer->json)
		print_json(&verdict->printer->out, facts, text);
	else
		print_line(verdict, facts->path, terminal_red(), text);
}

const char *verdict_name(char buffer[VERDICT_NAME_CAPACITY], quire_string name)
{
	return text_shorten(buffer, VERDICT_NAME_CAPACITY, name);
}

/* The files of a split set. */
static void json_files(struct json_out *out, const quire_model *model)
{
	quire_part part;

	if (quire_model_part_count(model) == 1)
		return;
	json_out_begin(out, "files", '[');
	for (size_t i = 0; quire_model_part(model, i, &part); i++)
		json_out_text(out, NULL, part.path);
	json_out_end(out, ']');
}

static void end(struct verdict *verdict, const char *word,
		const quire_model *model, const char *message)
{
	struct json_out *out = &verdict->printer->out;
	quire_model_info info;

	progress_clear(&verdict->progress);
	if (!verdict->printer->json)
		return;
	json_out_end(out, ']');
	json_out_text(out, "verdict", word);
	if (verdict->tensors_only)
		json_out_text(out, "scope", "tensors");
	if (model) {
		quire_model_describe(model, &info);
		json_out_u64(out, "tensors", quire_model_tensor_count(model));
		json_out_u64(out, "size", info.file_size);
		json_files(out, model);
	}
	json_text(out, "message", message);
	json_out_end(out, '}');
}

/* "5 tensors, 24.0 KiB" or "5 tensors in 3 files, 24.0 KiB". */
static void print_size(char *text, size_t capacity, const quire_model *model)
{
	const size_t count = quire_model_tensor_count(model);
	const size_t parts = quire_model_part_count(model);
	char size[TEXT_SIZE_CAPACITY];
	char files[48] = "";
	quire_model_info info;

	quire_model_describe(model, &info);
	if (parts > 1)
		snprintf(files, sizeof(files), " in %zu files", parts);
	snprintf(text, capacity, "%zu %s%s, %s", count,
		 count == 1 ? "tensor" : "tensors", files,
		 text_human_size(size, info.file_size));
}

int verdict_fine(struct verdict *verdict, const quire_model *model)
{
	char text[LINE_CAPACITY] = "ok";

	if (model) {
		strcpy(text, "ok, ");
		print_size(text + strlen(text), sizeof(text) - strlen(text),
			   model);
	}
	if (verdict->tensors_only)
		strcat(text, ", tensors only");
	if (!verdict->printer->json && !verdict->printer->quiet)
		print_line(verdict, NULL, terminal_green(), text);
	end(verdict, "ok", model, NULL);
	return EXIT_FINE;
}

int verdict_differs(struct verdict *verdict)
{
	end(verdict, "differs", NULL, NULL);
	return EXIT_DIFFERS;
}

/* Adds the place that cannot be read to the problems. */
static void add_offset(struct verdict *verdict, uint64_t offset)
{
	struct json_out *out = &verdict->printer->out;

	if (offset == QUIRE_NO_OFFSET)
		return;
	json_out_begin(out, NULL, '{');
	json_out_text(out, "kind", "unreadable");
	json_out_u64(out, "offset", offset);
	json_out_end(out, '}');
}

int verdict_trouble(struct verdict *verdict, const quire_error *error)
{
	char message[sizeof(error->path) + 2 + sizeof(error->message)];

	progress_clear(&verdict->progress);
	trouble_with_file(verdict->path, error);
	if (verdict->printer->json)
		add_offset(verdict, error->offset);
	if (error->path[0] != '\0' &&
	    !quire_error_is_about(error, verdict->path))
		snprintf(message, sizeof(message), "%s: %s", error->path,
			 error->message);
	else
		snprintf(message, sizeof(message), "%s", error->message);
	end(verdict, "trouble", NULL, message);
	return EXIT_TROUBLE;
}

int verdict_end_trouble(struct verdict *verdict, const char *message)
{
	end(verdict, "trouble", NULL, message);
	return EXIT_TROUBLE;
}
