/*
 * writing.c - see the header.
 */
#include "tests/support/writing.h"

#include <string.h>

#include "tests/support/check.h"

static void check(quire_status status, const quire_error *error)
{
	if (status != QUIRE_OK)
		fail_msg("%s", error->message);
}

quire_writer *writing_begin(const char *path,
			    const quire_writer_options *options)
{
	quire_writer *writer = NULL;
	quire_error error;

	check(quire_writer_create(path, options, &writer, &error), &error);
	return writer;
}

void writing_declare(quire_writer *writer, const quire_tensor *tensor)
{
	quire_error error;

	check(quire_writer_add_tensor(writer, tensor, &error), &error);
}

void writing_set(quire_writer *writer, const char *key, uint32_t value)
{
	quire_error error;

	check(quire_writer_set_u32(writer, key, value, &error), &error);
}

void writing_put(quire_writer *writer, size_t index, const void *bytes,
		 size_t size)
{
	quire_error error;

	check(quire_writer_write(writer, index, bytes, size, &error), &error);
}

void writing_finish(quire_writer *writer)
{
	quire_error error;

	check(quire_writer_finish(writer, &error), &error);
	quire_writer_free(writer);
}

quire_tensor writing_vector(const char *name, uint64_t count)
{
	return (quire_tensor){ .name = { name, strlen(name) },
			       .dtype = QUIRE_F32,
			       .rank = 1,
			       .shape = { count } };
}

void writing_declare_vector(quire_writer *writer, const char *name,
			    uint64_t count)
{
	const quire_tensor tensor = writing_vector(name, count);

	writing_declare(writer, &tensor);
}

quire_model *writing_open(const char *path)
{
	quire_model *model = NULL;
	quire_error error;

	check(quire_model_open(path, NULL, &model, &error), &error);
	return model;
}
