/*
 * compare_source.h - the weight of a node read for comparing, by the operator's
 * documentation once more and in the plainest way: whole tensors in memory, one
 * element at a time. Shares with the converter only the reader of ONNX files.
 */
#ifndef QUIRE_CONVERT_COMPARE_COMPARE_SOURCE_H
#define QUIRE_CONVERT_COMPARE_COMPARE_SOURCE_H

#include "convert/onnx/onnx.h"

/* More dimensions than any weight has. */
#define COMPARE_RANK_MAX 8

struct compare_array {
	const struct onnx_value *value; /* NULL: absent */
	const struct onnx_node *user;	/* whose input it is */
	size_t input;
	unsigned char *bytes;
};

enum {
	COMPARE_CODES,
	COMPARE_SCALES,
	COMPARE_ZEROS,
	COMPARE_ORDER,
	COMPARE_ARRAY_COUNT
};

/* Places among the elements of the arrays. */
struct compare_place {
	uint64_t code;
	uint64_t scale;
	uint64_t zero;
};

struct compare_source {
	/* Set these. */
	const struct onnx_model *model;
	const struct onnx_node *node;
	size_t index; /* among the node's weights */
	quire_error *error;
	/* From quire_compare_find. */
	const struct compare_kind *kind;
	const struct onnx_node *holder; /* whose inputs the arrays are */
	struct compare_array arrays[COMPARE_ARRAY_COUNT];
	bool transposed; /* a row of the weight is a column of the codes */
	bool has_linear;
	const char *bias; /* the name of the linear's; empty: none */
	/* From quire_compare_open. */
	uint64_t k;
	uint64_t n;
	size_t rank; /* of the codes, with their dimensions */
	uint64_t dims[COMPARE_RANK_MAX];
	uint64_t bits;
	bool is_signed; /* in two's complement */
	bool around_0;	/* where there is no zero point */
	const double *codebook;
	uint64_t block_size; /* 0: none */
	uint64_t blocks;     /* in a row */
	size_t axis;	     /* of DequantizeLinear */
};

/* How many weights a node may have; 0 for most nodes. */
size_t quire_compare_count(const struct onnx_model *model,
			   const struct onnx_node *node);

/* Whether they count only if no other node has an input of it as a part. */
bool quire_compare_is_late(const struct onnx_model *model,
			   const struct onnx_node *node);

/* Finds the constants of a weight. What is wrong is told by the next. */
void quire_compare_find(struct compare_source *source);

/*
 * Reads what was found. Close it whatever comes back. Fails with LAYOUT for a
 * node that contradicts itself, IO, MEMORY.
 */
quire_status quire_compare_open(struct compare_source *source);
void quire_compare_close(struct compare_source *source);

/* One element of the source. */
struct compare_element {
	double code;
	double zero;
	double scale;
	uint64_t scale_at; /* among all scales */
};

/* Fails with LAYOUT for one that is not there. */
quire_status quire_compare_element(const struct compare_source *source,
				   uint64_t row, uint64_t col,
				   struct compare_element *element);

quire_status quire_compare_malformed(const struct compare_source *source,
				     const char *what);

#endif
