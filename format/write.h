/*
 * write.h - what a writer holds, shared by write.c (calls and data),
 * write_values.c (metadata), write_adopt.c (data of another file) and
 * write_header.c (the header's bytes).
 */
#ifndef QUIRE_FORMAT_WRITE_H
#define QUIRE_FORMAT_WRITE_H

#include <xxhash.h>

#include "format/output.h"
#include "quire.h"

struct quire_out_value {
	char *key;
	quire_value value;
	void *storage; /* the bytes that a string or an array points to */
};

struct quire_out_tensor {
	quire_tensor view; /* offset: from the start of the data section */
	char *name;
	char *source;
	uint64_t declared_offset; /* in the file that it may be adopted from */
	uint64_t written;
	XXH3_state_t *hash; /* while bytes come */
};

struct quire_out_linear {
	quire_linear_entry entry;
	char *name;
};

struct quire_writer {
	struct quire_output output;
	uint32_t alignment;
	bool plain;
	struct quire_out_value *values;
	size_t value_count, value_capacity;
	uint32_t *slots; /* value number + 1, or 0; open addressing */
	size_t slot_count;
	struct quire_out_tensor *tensors;
	size_t tensor_count, tensor_capacity;
	struct quire_out_linear *linears;
	size_t linear_count, linear_capacity;
	/* Once the layout is fixed: */
	unsigned char *header;
	size_t header_size;    /* = where the data section starts */
	size_t header_hash_at; /* in `header`, where checksums go */
	size_t tensor_hash_at;
	uint64_t file_size;
};

/* A copy of the bytes with a NUL after them, to be freed; NULL if there is no
 * memory. */
char *quire_out_copy(const void *text, size_t size);

/* Room for one more item; NULL if there is no memory. */
void *quire_out_grow(void *items, size_t count, size_t *capacity,
		     size_t item_size);

/* ARGUMENT: a declaration came after the layout was fixed. */
quire_status quire_out_fail_late(quire_error *error);

/* The value that was set for a key, or NULL. */
const struct quire_out_value *quire_out_find(const quire_writer *writer,
					     const char *key);

/* Fixes the layout: offsets of the tensors, and the header with checksums of
 * tensors zero. ARGUMENT if the result would break a rule of the format. */
quire_status quire_writer_lay_out(quire_writer *writer, quire_error *error);

/* Puts the tensors' checksums and then the header's own into the header. A
 * plain file has none. */
void quire_writer_seal(quire_writer *writer);

#endif
