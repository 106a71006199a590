/*
 * onnx_tensor.h - from what a tensor message says to where its bytes are,
 * checked. Knows ONNX's element types and how each is packed.
 */
#ifndef QUIRE_CONVERT_ONNX_ONNX_TENSOR_H
#define QUIRE_CONVERT_ONNX_ONNX_TENSOR_H

#include "convert/onnx/onnx_model.h"

/* One of the arrays of numbers that a tensor may be written as. It is changed
 * in place into packed little-endian elements. */
struct onnx_numbers {
	void *items;
	size_t count;
};

/* What the message says, unchecked; pointers may be NULL where empty. */
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
	const char *location; /* NULL: not said */
	const char *offset;   /* likewise */
	const char *length;
};

/* "FLOAT16"; "of an unknown type" for other numbers. Static storage. */
const char *quire_onnx_type_name(int32_t type);

/* Bits of one element; 0 for strings and unknown types. */
uint32_t quire_onnx_type_bits(int32_t type);

/* FLOAT, FLOAT16 or BFLOAT16. */
bool quire_onnx_is_float(int32_t type);

/*
 * Fills in of *value, whose name is set: type, shape, count, size, and where
 * its bytes are. Fails with LAYOUT if the message contradicts itself or a
 * file, and as quire_onnx_files_find does.
 */
quire_status quire_onnx_tensor(struct onnx_files *files,
			       const struct onnx_fields *fields,
			       struct onnx_value *value, quire_error *error);

#endif
