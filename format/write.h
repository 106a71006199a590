/*
 * write.h - the writer's data, shared by write.c (calls and tensors' bytes),
 * write_values.c (metadata), write_adopt.c (bytes of another file),
 * write_layout.c (offsets, and how many files) and write_header.c (a header's
 * bytes).
 */
#ifndef QUIRE_FORMAT_WRITE_H
#define QUIRE_FORMAT_WRITE_H

#include "base/output.h"
#include "base/table.h"
#include "quire.h"

struct quire_out_value {
	quire_string key; /* its own memory */
	quire_value value;
	void *storage; /* the bytes that a string or an array points to */
};

struct quire_out_tensor {
	/* offset: from the start of its part's data section */
	quire_tensor view;
	char *name;
	char *source;
	char *operation;
	uint64_t declared_offset; /* in the file that it may be adopted from */
	uint64_t written;
	uint32_t part;		 /* once the layout is fixed */
	struct quire_hash *hash; /* while bytes come */
};

struct quire_out_linear {
	quire_linear_entry entry;
	char *name;
};

/* One file: the only one, or a part of a split set. */
struct quire_out_part {
	struct quire_output output;
	size_t no;
	bool kept; /* the file is there already, and is not written */
	size_t first_tensor, tensor_count;
	unsigned char *header;
	size_t header_size;    /* = where the data section starts */
	size_t bare_size;      /* of the header, without padding */
	size_t header_hash_at; /* in `header`: where the checksums are */
	size_t tensor_hash_at;
	size_t seals_at; /* those of F-47, in the first part of several */
	uint64_t file_size;
};

struct quire_writer {
	/* At the given path. The only part takes it over; for a set it stays,
	 * and locks the set's place. */
	struct quire_output output;
	uint32_t alignment;
	uint64_t split_size; /* of a part, at most; 0: one file */
	size_t parts_wanted; /* by the tensors' own `part`; 0: split_size */
	bool keep_parts;
	bool plain;
	bool has_operations; /* of at least one tensor: F-49 */
	bool overwrite;
	bool dry_run; /* outputs have a path and no file */
	struct quire_out_value *values;
	size_t value_count, value_capacity;
	struct item_index keys; /* of the values */
	struct quire_out_tensor *tensors;
	size_t tensor_count, tensor_capacity;
	struct quire_out_linear *linears;
	size_t linear_count, linear_capacity;
	/* Until the layout is fixed there are none. */
	struct quire_out_part *parts;
	size_t part_count;
	uint32_t features; /* to hash by */
};

/* A copy of the bytes with a NUL after them, to be freed. NULL: out of
 * memory. */
char *quire_out_copy(const void *text, size_t size);

/* ARGUMENT: a declaration after the layout was fixed. */
quire_status quire_out_fail_late(quire_error *error);

/* ARGUMENT: bytes for a writer of a dry run. */
quire_status quire_out_fail_dry(quire_error *error);

/* The value that was set for a key, or NULL. */
const struct quire_out_value *quire_out_find(const quire_writer *writer,
					     const char *key);

/* Whether a key is one of the three of F-41. */
bool quire_out_is_split_key(const char *key);

/* The bytes of a tensor's info in the header. */
size_t quire_out_info_size(const struct quire_out_tensor *tensor);

/*
 * Builds the header of a part whose `no`, `first_tensor` and `tensor_count` are
 * set, or of the only file if `part_count` is 1. Its checksums are zero; it is
 * to be freed. Fails with MEMORY only.
 */
quire_status quire_out_build(const quire_writer *writer, size_t part_count,
			     struct quire_out_part *part, quire_error *error);

/* Fixes the layout: the part and the offset of each tensor, and the headers, in
 * which the tensors' checksums are zero. Makes the files as large as they will
 * be. Fails with ARGUMENT if the result would break a rule of the format or
 * exceed the split size; IO, MEMORY. */
quire_status quire_writer_lay_out(quire_writer *writer, quire_error *error);

/* Writes the tensors' checksums into the headers, and then the headers' own. A
 * plain file has none. */
void quire_writer_seal(quire_writer *writer);

/* The part that a tensor is in. The layout must be fixed. */
struct quire_out_part *quire_out_part_of(const quire_writer *writer,
					 const struct quire_out_tensor *tensor);

/* The first tensor of a part; NULL if the writer has no tensors. */
const struct quire_out_tensor *quire_out_tensors_of(
    const quire_writer *writer, const struct quire_out_part *part);

/* Discards the files of all parts, and frees the parts. */
void quire_out_free_parts(struct quire_out_part *parts, size_t count);

#endif
