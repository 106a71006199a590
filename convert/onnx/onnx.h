/*
 * onnx.h - an ONNX model as plain C: the nodes and the values of all its
 * graphs, bodies of If and Loop and functions included, each in its scope.
 * Weights are only located, in the model's file or in files beside it; numbers
 * that a message lists one by one are held in memory.
 *
 * Everything belongs to the model and lives as long as it does. Strings are
 * valid UTF-8 and never NULL.
 */
#ifndef QUIRE_CONVERT_ONNX_ONNX_H
#define QUIRE_CONVERT_ONNX_ONNX_H

#include "base/file.h"
#include "base/table.h"
#include "quire.h"

/* ------------------------------------------------------------------- files */

/*
 * A file that holds weights: the model's own, or one beside it. It is known by
 * path, size and time, and is open only between acquire and release: a model
 * with one file for each tensor has more files than a process may open. The
 * model's own file is acquired as long as the model exists.
 */
struct onnx_file {
	char *location; /* as the model writes it; NULL: the model's own file */
	char *path;	/* without links */
	uint64_t size;
	struct file_facts facts; /* as of when it was found */
	int descriptor;		 /* while users > 0 */
	size_t users;
};

struct onnx_files {
	char *folders[2]; /* the model's, and that of the file that its path
			     links to (a download cache has both) */
	struct onnx_file **items;
	size_t count;
	size_t capacity;
	struct table by_location;
};

/* The model's own file, open and acquired. It must be a regular file. Close it
 * with quire_onnx_file_close, which accepts NULL. */
quire_status quire_onnx_file_open(const char *path, struct onnx_file **file,
				  quire_error *error);
void quire_onnx_file_close(struct onnx_file *file);

/* Opens the file, or counts one more user; one thread at a time. NULL is
 * fine. */
quire_status quire_onnx_file_acquire(struct onnx_file *file,
				     quire_error *error);
void quire_onnx_file_release(struct onnx_file *file);

/* Fails with IO if the file is no longer the one that was found, or was
 * written to since. */
quire_status quire_onnx_file_check(const struct onnx_file *file,
				   quire_error *error);

/* Reads exactly `size` bytes at `offset` of an acquired file. */
quire_status quire_onnx_file_read(const struct onnx_file *file, uint64_t offset,
				  void *bytes, size_t size, quire_error *error);

/* The XXH3 of an acquired file; see quire_file_hash. */
quire_status quire_onnx_file_hash(const struct onnx_file *file,
				  uint32_t threads, uint64_t *xxh3,
				  quire_error *error);

/* ------------------------------------------------------------------- model */

/* The element types that the converter distinguishes, by ONNX's numbers. */
enum onnx_type {
	ONNX_FLOAT = 1,
	ONNX_UINT8 = 2,
	ONNX_INT8 = 3,
	ONNX_INT32 = 6,
	ONNX_INT64 = 7,
	ONNX_STRING = 8,
	ONNX_FLOAT16 = 10,
	ONNX_BFLOAT16 = 16,
	ONNX_UINT4 = 21,
	ONNX_INT4 = 22,
	ONNX_UINT2 = 25,
	ONNX_INT2 = 26,
};

enum onnx_origin {
	ONNX_CONSTANT, /* an initializer, or the value of a Constant node */
	ONNX_INPUT,    /* given when the model runs */
	ONNX_COMPUTED, /* the output of a node */
};

/* A named value. Of an input the model may state type and shape; of a computed
 * value neither is known. */
struct onnx_value {
	const char *name;
	size_t scope;
	enum onnx_origin origin;
	bool initializer; /* not of a Constant node */
	bool sparse;	  /* its bytes are not read */
	bool output;	  /* its graph or function gives it to the caller */
	int32_t type;	  /* an enum onnx_type or another of ONNX; 0: unknown */
	bool has_shape;
	size_t rank;
	const int64_t *dims; /* of a constant all >= 0; else -1: unknown */
	/* Of constants only. */
	uint64_t count; /* product of dims */
	uint64_t size;	/* of the packed little-endian elements; 0 for types
			   without a fixed size, such as strings */
	const unsigned char *bytes; /* if in memory; else `size` bytes at */
	struct onnx_file *file;	    /* `offset` of this one, which may be the
				       model's own */
	uint64_t offset;
	uint64_t message_offset; /* where the message of the tensor lies in the
				    model's file; 0: of a sparse one */
	/* Of what a node gives, a Constant node too: among the model's nodes.
	 */
	size_t producer;
};

/* At most one of the four flags is true, and the fields of that kind are set;
 * none is true for other kinds of attributes. */
struct onnx_attribute {
	const char *name;
	bool is_int;
	bool is_float;
	bool is_ints;
	bool is_string;
	int64_t i;
	float f;
	const int64_t *ints;
	size_t int_count;
	const unsigned char *string; /* bytes, not terminated */
	size_t string_size;
	/* In a function: the attribute of the call that it stands for, or NULL.
	 */
	const char *of_call;
};

struct onnx_node {
	const char *op_type;
	const char *domain;
	const char *name; /* may be empty */
	size_t scope;
	size_t input_count;
	char *const *inputs; /* an empty name: absent */
	size_t output_count;
	char *const *outputs;
	size_t attribute_count;
	struct onnx_attribute *attributes;
	uint64_t message_offset; /* where its message lies in the file */
	/* It calls a function, and the function's nodes are in the model with
	 * its inputs, in a scope of their own: they use what it has. */
	bool expanded;
};

/* A graph, a function, or a call of one: see onnx_functions.c. */
struct onnx_scope {
	size_t parent; /* whose values it sees, or ONNX_NO_SCOPE */
	bool is_function;
	uint64_t message_offset; /* of a graph: where its message lies */
};

#define ONNX_NO_SCOPE SIZE_MAX

struct onnx_model {
	struct onnx_file *file; /* the .onnx file, open */
	const char *graph_name;
	const char *producer_name;
	const char *producer_version;
	bool has_opset;
	uint64_t opset; /* of the default domain */
	struct onnx_node *nodes;
	size_t node_count;
	size_t node_capacity;
	struct onnx_value *values; /* each graph's initializers first */
	size_t value_count;
	size_t value_capacity;
	struct onnx_scope *scopes; /* the model's graph first */
	size_t scope_count;
	size_t scope_capacity;
	struct table names; /* (scope, name) to value */
	struct onnx_files files;
	/* Bytes of all constants; what several of them share counts once. */
	uint64_t source_size;
	struct onnx_messages *messages; /* the strings point into these */
};

/*
 * Reads the model at `path`. Its graph may take `max_memory` bytes (0: 1 GiB),
 * and less where the file is small. On success *model is the caller's, to be
 * closed with quire_onnx_close, which accepts NULL. Fails with IO, MEMORY,
 * LAYOUT for a file that is no model, contradicts itself or would unpack to far
 * more than its size, UNSUPPORTED for what is not read.
 */
quire_status quire_onnx_open(const char *path, uint64_t max_memory,
			     struct onnx_model **model, quire_error *error);
void quire_onnx_close(struct onnx_model *model);

/* Fails with IO if a file of the model has changed since it was read. */
quire_status quire_onnx_check_files(const struct onnx_model *model,
				    quire_error *error);

/* Whether writing to a path would destroy a file of the model. */
bool quire_onnx_is_destroyed(const struct onnx_model *model, const char *path);

/* The value that `name` means in a scope or those around it; NULL: none. */
const struct onnx_value *quire_onnx_find(const struct onnx_model *model,
					 size_t scope, const char *name);

/* ------------------------------------------------------------------- nodes */

/* The node that computes a value; NULL for NULL and for a value that no node
 * computes. */
const struct onnx_node *quire_onnx_producer(const struct onnx_model *model,
					    const struct onnx_value *value);

/* The attribute of that name, or NULL. */
const struct onnx_attribute *quire_onnx_attribute(const struct onnx_node *node,
						  const char *name);

/* Its integer, or `absent` if there is none of that name and kind. */
int64_t quire_onnx_integer(const struct onnx_node *node, const char *name,
			   int64_t absent);

/* Whether a node is this operator of the default domain. */
bool quire_onnx_is(const struct onnx_node *node, const char *op_type);

/* For messages: the node's name, or else its first output's. */
const char *quire_onnx_label(const struct onnx_node *node);

/* --------------------------------------------------------------- constants */

/* "FLOAT16"; "of an unknown type" for other numbers. Static storage. */
const char *quire_onnx_type_name(int32_t type);

/* Bits of one element; 0 for strings and unknown types. */
uint32_t quire_onnx_type_bits(int32_t type);

/* FLOAT, FLOAT16 or BFLOAT16. */
bool quire_onnx_is_float(int32_t type);

/* Whether the bytes of a constant are in a file beside the model. */
bool quire_onnx_is_external(const struct onnx_model *model,
			    const struct onnx_value *value);

/*
 * Reads `size` bytes of a constant from `offset`, which must lie within its
 * `size`. Its file must be acquired. Any number of threads may read at once.
 */
quire_status quire_onnx_read(const struct onnx_value *value, uint64_t offset,
			     void *bytes, size_t size, quire_error *error);

/* Reads all bytes of a constant; acquires and releases its file. */
quire_status quire_onnx_read_all(const struct onnx_value *value, void *bytes,
				 quire_error *error);

/* The float at `index` of packed FLOAT, FLOAT16 or BFLOAT16, as f32. */
float quire_onnx_float(int32_t type, const unsigned char *bytes,
		       uint64_t index);

/* The same for `count` floats from `first` on. */
void quire_onnx_floats(int32_t type, const unsigned char *bytes, uint64_t first,
		       size_t count, float *values);

#endif
