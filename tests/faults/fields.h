/*
 * fields.h - the places of the fields of a GGUF file's header. This reader is
 * independent of the one under test, and takes good files only.
 */
#ifndef QUIRE_TESTS_FIELDS_H
#define QUIRE_TESTS_FIELDS_H

#include <stddef.h>
#include <stdint.h>

struct field {
	size_t offset;
	unsigned size; /* in bytes: 1, 2, 4 or 8 */
};

struct fields {
	struct field *items; /* in file order; freed by fields_free */
	size_t count, capacity;
	size_t end; /* where the tensor infos end */
};

/*
 * Every number of the header: counts, sizes of strings, types, ranks, shapes,
 * offsets and values. Of an array, the first and the last elements; of a
 * string, the first, middle and last byte. Fails the test if the file is not
 * good.
 */
struct fields fields_of(const unsigned char *bytes, size_t size);
void fields_free(struct fields *fields);

#endif
