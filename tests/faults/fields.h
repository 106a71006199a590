/*
 * fields.h - where the fields of a GGUF file's header lie. A reader of its
 * own, for good files only: the one under test is not asked.
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
	struct field *items; /* in file order; owned: fields_free */
	size_t count, capacity;
	size_t end; /* where the tensor infos end */
};

/*
 * Every number of the header: counts, sizes of strings, types, ranks, shapes,
 * offsets, values; of arrays the first and the last elements; of strings the
 * first, middle and last byte. Fails the test if the file is not good.
 */
struct fields fields_of(const unsigned char *bytes, size_t size);
void fields_free(struct fields *fields);

#endif
