/*
 * onnx_private.h - how onnx/ puts a model together: the steps of
 * quire_onnx_open, in the order in which it takes them. Nothing outside of the
 * folder includes this, tests aside.
 */
#ifndef QUIRE_CONVERT_ONNX_ONNX_PRIVATE_H
#define QUIRE_CONVERT_ONNX_ONNX_PRIVATE_H

#include "convert/onnx/onnx.h"

/* ---------------------------------------------------------------- skeleton */

/*
 * A model without the bytes of its weights, to be freed: raw data gives way to
 * two fields of our own, raw_offset and raw_size of onnx_subset.proto, which
 * say where it lies in the file. Each tensor, node and graph gets
 * message_offset, too. The file must be acquired. Messages that are no protobuf
 * stay as they are, for the unpacker to refuse. Fields of those three numbers
 * that the file has itself are dropped. Fails with MEMORY, IO.
 */
quire_status quire_skeleton_make(const struct onnx_file *file,
				 unsigned char **skeleton, size_t *size,
				 quire_error *error);

/* ----------------------------------------------------------- external data */

/* Prepares for the model at `path`, which must exist. */
quire_status quire_onnx_files_init(struct onnx_files *files, const char *path,
				   quire_error *error);
void quire_onnx_files_free(struct onnx_files *files);

/* The file at `location`, relative to the model. It must lie in the model's
 * folder, wherever links lead. Fails with LAYOUT if it does not or is no
 * regular file, IO if it does not exist. */
quire_status quire_onnx_files_find(struct onnx_files *files,
				   const char *location,
				   struct onnx_file **file, quire_error *error);

/* ----------------------------------------------------------------- tensors */

/* One of the arrays of numbers that a tensor may be written as. It is changed
 * in place into packed little-endian elements. */
struct onnx_numbers {
	void *items;
	size_t count;
};

/* What the message of a tensor says, unchecked; a pointer may be NULL where
 * its field is absent. */
struct onnx_fields {
	int32_t type;
	size_t rank;
	const int64_t *dims;
	bool segmented;
	bool has_raw;
	const unsigned char *raw; /* NULL: at raw_offset of */
	struct onnx_file *file;	  /* this file */
	uint64_t raw_offset;
	uint64_t raw_size;
	struct onnx_numbers f32; /* float */
	struct onnx_numbers i32; /* int32_t */
	struct onnx_numbers i64; /* int64_t */
	struct onnx_numbers u64; /* uint64_t */
	struct onnx_numbers f64; /* double */
	bool external;
	const char *location;
	const char *offset;
	const char *length;
};

/*
 * Sets type, shape, count and size of *value, whose name is set, and where its
 * bytes are. Fails with LAYOUT if the message contradicts itself or a file, and
 * as quire_onnx_files_find does.
 */
quire_status quire_onnx_tensor(struct onnx_files *files,
			       const struct onnx_fields *fields,
			       struct onnx_value *value, quire_error *error);

/* ------------------------------------------------------------------- model */

/* A string as the model promises it: *valid is `text`, or "" for NULL. Fails
 * with LAYOUT for text that is not UTF-8. */
quire_status quire_onnx_text(const char *text, const char **valid,
			     quire_error *error);

/* Adds a scope. */
quire_status quire_onnx_add_scope(struct onnx_model *model,
				  const struct onnx_scope *added, size_t *scope,
				  quire_error *error);

/* Notes that a scope gives the value of that name to its caller. No failure if
 * it has none. */
void quire_onnx_note_output(struct onnx_model *model, size_t scope,
			    const char *name);

quire_status quire_onnx_add_node(struct onnx_model *model,
				 const struct onnx_node *node,
				 quire_error *error);

/*
 * Adds a value to its scope. Fails with LAYOUT for a name that the scope has
 * already. An input that has the name of an initializer is no failure: the
 * initializer is its default and stands for both.
 */
quire_status quire_onnx_add_value(struct onnx_model *model,
				  const struct onnx_value *value,
				  quire_error *error);

/* Sets source_size. Fails with LAYOUT where constants share so many bytes of
 * files that together they are far larger than these; MEMORY. */
quire_status quire_onnx_measure_source(struct onnx_model *model,
				       quire_error *error);

/* Fails with LAYOUT, naming a node of the cycle, if nodes cannot be put into an
 * order in which each comes after those whose outputs it takes; MEMORY. Values
 * that the bodies of a node take from around it do not count. */
quire_status quire_onnx_check_cycles(const struct onnx_model *model,
				     quire_error *error);

#endif
