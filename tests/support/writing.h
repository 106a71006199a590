/*
 * writing.h - the public writer's calls. Each fails the running test unless it
 * succeeds.
 */
#ifndef QUIRE_TESTS_WRITING_H
#define QUIRE_TESTS_WRITING_H

#include "quire.h"

/* `options` may be NULL. */
quire_writer *writing_begin(const char *path,
			    const quire_writer_options *options);

void writing_declare(quire_writer *writer, const quire_tensor *tensor);
void writing_set(quire_writer *writer, const char *key, uint32_t value);

/* All bytes of tensor number `index`, or its next bytes. */
void writing_put(quire_writer *writer, size_t index, const void *bytes,
		 size_t size);

/* Finishes the file and frees the writer. */
void writing_finish(quire_writer *writer);

/* A vector of floats, and its declaration. */
quire_tensor writing_vector(const char *name, uint64_t count);
void writing_declare_vector(quire_writer *writer, const char *name,
			    uint64_t count);

/* Opens what was written. */
quire_model *writing_open(const char *path);

#endif
