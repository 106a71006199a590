/*
 * tampered.c - tampered.h: checksums by xxHash, at places found in the good
 * file; and the command's verifier, whose output goes nowhere.
 */
#include "tests/faults/tampered.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/bytes.h"
#include "cli/ui/trouble.h"
#include "cli/verify/check_manifest.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

/* ------------------- in place of the command's own functions, which print */

static char message[1024];

int trouble(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return EXIT_TROUBLE;
}

int trouble_memory(void)
{
	return trouble("out of memory");
}

int trouble_with_file(const char *path, const quire_error *error)
{
	return trouble("%s: %s", path, error->message);
}

int worse(int a, int b)
{
	return a > b ? a : b;
}

const char *scene_message(void)
{
	return message;
}

/* --------------------------------------------------------------- checksums */

/* Where the value of a key begins, behind its type, or 0. */
static size_t find_value(const struct scene_file *file, const char *key)
{
	const size_t size = strlen(key);

	for (size_t at = 8; at + size + 4 < file->part.data_offset; at++)
		if (memcmp(file->good + at, key, size) == 0 &&
		    load_u64(file->good + at - 8) == size)
			return at + size + 4;
	return 0;
}

static void find_places(struct scene_file *file)
{
	/* An array has the type of its elements and their count. */
	file->header_at = find_value(file, "quire.header.xxh3");
	file->tensors_at = find_value(file, "quire.tensor.xxh3");
	file->tensors_at += file->tensors_at ? 12 : 0;
	file->parts_at = find_value(file, "quire.split.xxh3");
	file->parts_at += file->parts_at ? 12 : 0;
}

/* spec/format.md, F-31 */
static void sum_header(struct scene_file *file)
{
	const size_t size = file->part.data_offset < file->size
				? (size_t)file->part.data_offset
				: file->size;

	store_u64(file->bytes + file->header_at, 0);
	store_u64(file->bytes + file->header_at,
		  XXH3_64bits(file->bytes, size));
}

/* F-33 */
static void sum_tensors(const struct scene *scene, struct scene_file *file)
{
	for (size_t i = 0; i < file->part.tensor_count; i++) {
		const quire_tensor *tensor = quire_model_tensor(
		    scene->model, file->part.first_tensor + i);

		store_u64(file->bytes + file->tensors_at + 8 * i,
			  XXH3_64bits(file->bytes + tensor->offset,
				      (size_t)tensor->size));
	}
}

void scene_put_right(struct scene *scene)
{
	struct scene_file *first = &scene->files[0];

	if (first->header_at == 0)
		return;
	for (size_t i = scene->count; i-- > 0;) {
		struct scene_file *file = &scene->files[i];

		sum_tensors(scene, file);
		/* F-47: the first part comes last. */
		for (size_t k = 1; i == 0 && k < scene->count; k++)
			memcpy(file->bytes + file->parts_at + 8 * k,
			       scene->files[k].bytes +
				   scene->files[k].header_at,
			       8);
		sum_header(file);
	}
}

/* ------------------------------------------------------------------ scenes */

static void copy_into(const char *folder, const char *path)
{
	char *to = scratch_path(folder, strrchr(path, '/') + 1);

	scratch_copy(path, to);
	free(to);
}

static void open_copy(struct scene *scene, const char *first)
{
	char *path = scratch_path(scene->copy, strrchr(first, '/') + 1);
	quire_error error;

	if (quire_model_open(path, NULL, &scene->model, &error) != QUIRE_OK)
		fail_msg("%s: %s", path, error.message);
	free(path);
}

static void take_file(struct scene *scene, const char *path)
{
	struct scene_file *file = &scene->files[scene->count];

	assert_true(quire_model_part(scene->model, scene->count, &file->part));
	file->path = scratch_path(scene->folder, strrchr(path, '/') + 1);
	file->good = scratch_read(file->path, &file->size);
	file->bytes = malloc(file->size);
	assert_non_null(file->bytes);
	memcpy(file->bytes, file->good, file->size);
	find_places(file);
	scene->count++;
}

struct scene scene_make(const char *const *paths)
{
	struct scene scene = { .folder = scratch_make(),
			       .copy = scratch_make() };
	char command[1024];

	for (size_t i = 0; paths[i]; i++) {
		copy_into(scene.folder, paths[i]);
		copy_into(scene.copy, paths[i]);
	}
	open_copy(&scene, paths[0]);
	for (size_t i = 0; paths[i]; i++)
		take_file(&scene, paths[i]);
	scene.list = scratch_path(scene.copy, "list");
	snprintf(command, sizeof(command),
		 "'%s' hash --algorithm sha256 '%s' >'%s'", QUIRE_COMMAND,
		 scene.files[0].path, scene.list);
	assert_int_equal(system(command), 0);
	return scene;
}

void scene_remove(struct scene *scene)
{
	quire_model_close(scene->model);
	for (size_t i = 0; i < scene->count; i++) {
		free(scene->files[i].path);
		free(scene->files[i].good);
		free(scene->files[i].bytes);
	}
	free(scene->list);
	scratch_remove(scene->folder);
	scratch_remove(scene->copy);
}

int scene_verify(const struct scene *scene, const char *list, bool tensors_only)
{
	const struct manifest_options options = {
		.list = list ? list : scene->list,
		.threads = 1,
		.tensors_only = tensors_only,
	};
	char *word = scene->files[scene->count - 1].path;
	const struct args_words words = { .count = 1, .word = &word };
	struct verdict_printer printer = { .json = true };
	FILE *nowhere = fopen("/dev/null", "w");
	int code;

	assert_non_null(nowhere);
	message[0] = '\0';
	printer.out = json_out_start(nowhere);
	json_out_begin(&printer.out, NULL, '[');
	code = check_manifest(&printer, &options, &words);
	code = worse(code, verdict_printer_finish(&printer));
	fclose(nowhere);
	return code;
}

int scene_try(struct scene *scene, const char *list, bool tensors_only)
{
	int code;

	for (size_t i = 0; i < scene->count; i++) {
		const struct scene_file *file = &scene->files[i];

		if (memcmp(file->bytes, file->good, file->size) != 0)
			scratch_write(file->path, file->bytes, file->size);
	}
	code = scene_verify(scene, list, tensors_only);
	for (size_t i = 0; i < scene->count; i++) {
		const struct scene_file *file = &scene->files[i];

		if (memcmp(file->bytes, file->good, file->size) == 0)
			continue;
		scratch_write(file->path, file->good, file->size);
		memcpy(file->bytes, file->good, file->size);
	}
	return code;
}
