/*
 * copy_output.c - names of files and of sets, by F-42 of spec/format.md.
 */
#include "cli/rewrite/copy_output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/output.h"
#include "cli/files/output_path.h"
#include "cli/ui/json_out.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

static const char ending[] = ".gguf";

/* "-00001-of-00003.gguf" */
#define NUMBERS_SIZE 20

/* The size of NAME, if the path is NAME-00001-of-00003.gguf; else of the path
 * without .gguf. `count` 0: a set of any size. */
static size_t stem_size(const char *path, size_t count)
{
	const size_t size = strlen(path);
	const char *numbers =
	    size > NUMBERS_SIZE ? path + size - NUMBERS_SIZE : "";
	char expected[NUMBERS_SIZE + 1];
	unsigned no, of;

	if (sscanf(numbers, "-%5u-of-%5u", &no, &of) == 2 &&
	    (count == 0 || of == count)) {
		snprintf(expected, sizeof(expected), "-%05u-of-%05u.gguf",
			 no % 100000, of % 100000);
		if (strcmp(numbers, expected) == 0)
			return size - NUMBERS_SIZE;
	}
	if (size > strlen(ending) &&
	    strcmp(path + size - strlen(ending), ending) == 0)
		return size - strlen(ending);
	return size;
}

char *copy_output_set(const char *output, size_t count)
{
	const size_t stem = stem_size(output, count);
	char *made = malloc(stem + sizeof(ending));

	if (!made)
		return NULL;
	memcpy(made, output, stem);
	strcpy(made + stem, ending);
	return made;
}

char *copy_output_in_place(const struct copy *copy)
{
	char *made;

	if (copy->file_count > 1) {
		made = copy_output_set(copy->names[0], copy->file_count);
		if (!made)
			trouble_memory();
		return made;
	}
	/* Replaces the target of a link, and not the link. */
	made = quire_path_resolve(copy->path);
	if (!made)
		trouble("%s: the file is no longer there", copy->path);
	return made;
}

/* An output that is not there yet can be no file of the model. */
static bool is_free(const struct copy *copy, const char *path, bool force)
{
	struct quire_output_place place;

	quire_output_look(path, &place);
	for (size_t i = 0; i < copy->file_count && place.count > 0; i++)
		if (!output_path_differs(path, copy->names[i], "model",
					 "output"))
			return false;
	return output_path_allowed(path, force);
}

bool copy_output_allowed(const struct copy *copy, const char *output,
			 enum copy_files files, bool force)
{
	bool allowed = true;

	if (files != COPY_SAME_FILES || copy->file_count == 1)
		return is_free(copy, output, force);
	for (size_t i = 0; i < copy->file_count && allowed; i++) {
		char *path = quire_output_set_path(output, i, copy->file_count);

		if (!path)
			trouble_memory();
		allowed = path && is_free(copy, path, force);
		free(path);
	}
	return allowed;
}

const char *copy_output_size(char text[COPY_SIZE_CAPACITY],
			     const struct copy *copy)
{
	const size_t tensors = quire_model_tensor_count(copy->made);
	const size_t files = quire_model_part_count(copy->made);
	char size[TEXT_SIZE_CAPACITY];
	char in[48] = "";

	if (files > 1)
		snprintf(in, sizeof(in), " in %zu files", files);
	snprintf(text, COPY_SIZE_CAPACITY, "%zu %s%s, %s", tensors,
		 tensors == 1 ? "tensor" : "tensors", in,
		 text_human_size(size, copy->result.file_size));
	return text;
}

bool copy_output_json(const struct copy *copy)
{
	struct json_out out = json_out_start(stdout);
	quire_part part;

	json_out_begin(&out, NULL, '{');
	json_out_begin(&out, "files", '[');
	for (size_t i = 0; quire_model_part(copy->made, i, &part); i++) {
		json_out_begin(&out, NULL, '{');
		json_out_text(&out, "path", part.path);
		json_out_u64(&out, "size", part.file_size);
		json_out_u64(&out, "tensors", part.tensor_count);
		json_out_end(&out, '}');
	}
	json_out_end(&out, ']');
	json_out_u64(&out, "size", copy->result.file_size);
	json_out_u64(&out, "tensors", quire_model_tensor_count(copy->made));
	json_out_end(&out, '}');
	return json_out_finish(&out);
}
