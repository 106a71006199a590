/*
 * onnx_model.h - an ONNX model as plain C: the nodes and the values of all its
 * graphs, bodies of If and Loop and functions included, each in its scope.
 * Everything belongs to the model and lives as long as it does. Strings are
 * valid UTF-8 and never NULL.
 */
#ifndef QUIRE_CONVERT_ONNX_ONNX_MODEL_H
#define QUIRE_CONVERT_ONNX_ONNX_MODEL_H

#include "base/table.h"
#include "convert/onnx/onnx_external.h"
#include "quire.h"

/* The element types that the converter tells apart, by ONNX's numbers. */
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

/* A named value. Of inputs only type and shape are known, if they are; of
 * computed ones not even that. */
struct onnx_value {
	const char *name;
	size_t scope;
	enum onnx_origin origin;
	bool initializer; /* not of a Constant node */
	bool sparse;	  /* its bytes are not read */
	int32_t type;	  /* an enum onnx_type or another of ONNX; 0: unknown */
	bool has_shape;
	size_t rank;
	const int64_t *dims; /* of a constant all >= 0; else -1: unknown */
	/* Of constants only. */
	uint64_t count; /* product of dims */
	uint64_t size;	/* of the packed little-endian elements; 0 for types
			   whose size is not known, as strings */
	const unsigned char *bytes; /* if in memory; else `size` bytes at */
	struct onnx_file *file;	    /* `offset` of this one, which may be the
				       model's own */
	uint64_t offset;
	/* Of computed ones only: among the model's nodes. */
	size_t producer;
};

/* One of these at most is true, and its fields are set; none for other kinds
 * of attributes. */
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
	size_t *parents; /* of each scope, or ONNX_NO_SCOPE */
	size_t scope_count;
	size_t scope_capacity;
	struct table names; /* (scope, name) to value */
	struct onnx_files files;
	struct onnx_messages *messages; /* what the strings point into */
};

/* A string as the model promises it: *valid is `text`, or "" for NULL. Fails
 * with LAYOUT for text that is not UTF-8. */
quire_status quire_onnx_text(const char *text, const char **valid,
			     quire_error *error);

/* Adds a scope within another, or within none. */
quire_status quire_onnx_add_scope(struct onnx_model *model, size_t parent,
				  size_t *scope, quire_error *error);

quire_status quire_onnx_add_node(struct onnx_model *model,
				 const struct onnx_node *node,
				 quire_error *error);

/*
 * Adds a value to its scope. Fails with LAYOUT for a name that the scope has
 * already, but for that of an initializer and an input: the initializer is
 * the input's default and stands for both.
 */
quire_status quire_onnx_add_value(struct onnx_model *model,
				  const struct onnx_value *value,
				  quire_error *error);

/* What `name` means in a scope or those around it; NULL: nothing. */
const struct onnx_value *quire_onnx_find(const struct onnx_model *model,
					 size_t scope, const char *name);

/* The node that computes a value; NULL for NULL and for what no node does. */
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

/* Whether its bytes are in a file beside the model. */
bool quire_onnx_is_external(const struct onnx_model *model,
			    const struct onnx_value *value);

/* Fails with IO if a file of the model has changed since it was read. */
quire_status quire_onnx_check_files(const struct onnx_model *model,
				    quire_error *error);

/* For messages: the node's name, or else its first output's. */
const char *quire_onnx_label(const struct onnx_node *node);

/*
 * Reads `size` bytes of a constant from `offset`, which must lie within its
 * `size`. Its file must be acquired. Any number of threads may read at once.
 */
quire_status quire_onnx_read(const struct onnx_value *value, uint64_t offset,
			     void *bytes, size_t size, quire_error *error);

#endif
