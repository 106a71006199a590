/*
 * workplace.c - the folders in which operations work, and checks of what they
 * leave there.
 */
#include "tests/faults/workplace.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "quire_convert.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"
#include "tests/support/scratch.h"
#include "tests/support/writing.h"

/* One tensor of more than 4 MiB: a smaller one is verified by one thread. */
static void write_large(const char *path)
{
	static const float numbers[1300000];
	const quire_tensor tensor = {
		.name = { "w", 1 },
		.dtype = QUIRE_F32,
		.rank = 1,
		.shape = { sizeof(numbers) / sizeof(*numbers) },
	};
	quire_writer *writer = writing_begin(path, NULL);

	writing_declare(writer, &tensor);
	writing_put(writer, 0, numbers, sizeof(numbers));
	writing_finish(writer);
}

char *workplace_convert(const struct workplace *place, const char *name)
{
	const quire_convert_options options = { .threads = 1 };
	char *path = scratch_path(place->sources, name);
	char source[512];

	snprintf(source, sizeof(source), "%s/good/%s.onnx", QUIRE_TEST_ONNX,
		 name);
	assert_int_equal(quire_convert_onnx(source, path, &options, NULL, NULL),
			 QUIRE_OK);
	return path;
}

struct workplace workplace_make(void)
{
	struct workplace place;
	char name[32];

	place.sources = scratch_make();
	place.container = scratch_path(place.sources, "sample.gguf");
	place.folder = scratch_make();
	place.output = scratch_path(place.folder, "out.gguf");
	for (int i = 0; i < SET_PARTS; i++) {
		snprintf(name, sizeof(name), "out-%05d-of-%05d.gguf", i + 1,
			 SET_PARTS);
		place.set[i] = scratch_path(place.folder, name);
	}
	sample_write(place.container);
	place.large = scratch_path(place.sources, "large.gguf");
	write_large(place.large);
	place.body = workplace_convert(&place, "body");
	return place;
}

void workplace_remove(struct workplace *place)
{
	free(place->container);
	free(place->large);
	free(place->body);
	free(place->output);
	for (int i = 0; i < SET_PARTS; i++)
		free(place->set[i]);
	scratch_remove(place->sources);
	scratch_remove(place->folder);
}

char *const *workplace_outputs(const struct workplace *place,
			       const struct operation *operation, size_t *count)
{
	*count = operation->set ? SET_PARTS : 1;
	return operation->set ? place->set : &place->output;
}

void workplace_prepare(const struct workplace *place,
		       const struct operation *operation)
{
	char *const *outputs;
	size_t count;

	unlink(place->output);
	for (int i = 0; i < SET_PARTS; i++)
		unlink(place->set[i]);
	outputs = workplace_outputs(place, operation, &count);
	for (size_t i = 0; i < count && operation->overwrites; i++)
		scratch_write(outputs[i], OLD_TEXT, strlen(OLD_TEXT));
}

static void check_old(const char *path, const char *fault)
{
	size_t size;
	unsigned char *bytes = scratch_read(path, &size);

	if (size != strlen(OLD_TEXT) || memcmp(bytes, OLD_TEXT, size) != 0)
		fail_msg("%s: the old file has changed", fault);
	free(bytes);
}

/* A model is whole if it can be converted. */
static void check_model(const struct workplace *place, const char *path,
			const char *fault)
{
	const quire_convert_options options = { .threads = 1,
						.overwrite = true };
	char *again = scratch_path(place->sources, "again.gguf");
	quire_error error;

	if (quire_convert_onnx(path, again, &options, NULL, &error) != QUIRE_OK)
		fail_msg("%s: %s", fault, error.message);
	free(again);
}

static void check_container(const char *path, const char *fault)
{
	quire_model *model;
	quire_error error;

	if (quire_model_open(path, NULL, &model, &error) != QUIRE_OK)
		fail_msg("%s: %s", fault, error.message);
	if (quire_model_verify(model, NULL, &error) != QUIRE_OK)
		fail_msg("%s: %s", fault, error.message);
	quire_model_close(model);
}

void workplace_check_new(const struct workplace *place, const char *path,
			 const char *fault)
{
	size_t size;
	unsigned char *bytes = scratch_read(path, &size);
	const bool is_container = size >= 4 && memcmp(bytes, "GGUF", 4) == 0;

	free(bytes);
	if (is_container)
		check_container(path, fault);
	else
		check_model(place, path, fault);
}

void workplace_check(const struct workplace *place,
		     const struct operation *operation, quire_status status,
		     const char *fault)
{
	const bool done = operation->writes && status == QUIRE_OK;
	size_t count;
	char *const *outputs = workplace_outputs(place, operation, &count);
	const size_t files = done || operation->overwrites ? count : 0;

	if (scratch_count(place->folder) != files)
		fail_msg("%s: %zu files instead of %zu", fault,
			 scratch_count(place->folder), files);
	for (size_t i = 0; i < files; i++)
		if (done)
			workplace_check_new(place, outputs[i], fault);
		else
			check_old(outputs[i], fault);
}

void workplace_check_tidy(const struct workplace *place)
{
	DIR *folder = opendir(place->folder);
	const struct dirent *entry;

	assert_non_null(folder);
	while ((entry = readdir(folder)))
		if (strstr(entry->d_name, ".quire-"))
			fail_msg("%s was left", entry->d_name);
	closedir(folder);
}

size_t descriptor_count(void)
{
	return scratch_count("/proc/self/fd");
}
