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

char *copy_output_in_place(const struct copy *copy)
{
	char *made;

	if (copy->file_count > 1) {
		made = quire_output_set_name(copy->names[0], copy->file_count);
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
			 quire_copy_files files, bool force)
{
	bool allowed = true;

	if (files != QUIRE_COPY_SAME_FILES || copy->file_count == 1)
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
