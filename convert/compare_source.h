/*
 * compare_source.h - the weight of a node read for comparing, by the operator's
 * documentation once more and in the plainest way: whole tensors in memory, one
 * element at a time. Shares with the converter only the reader of ONNX files.
 */
#ifndef QUIRE_CONVERT_COMPARE_SOURCE_H
#define QUIRE_CONVERT_COMPARE_SOURCE_H

#include "convert/onnx_model.h"

struct compare_array {
	const struct onnx_value *value; /* NULL: absent */
	unsigned char *bytes;
};

enum {
	COMPARE_CODES,
	COMPARE_SCALES,
	COMPARE_ZEROS,
	COMPARE_ORDER,
	COMPARE_ARRAY_COUNT
};

struct compare_source {
	const struct onnx_model *model;
	const struct onnx_node *node;
	const struct spelling *spelling;
	bool flat;	/* rows do not begin with a byte of their own */
	bool is_signed; /* in two's complement */
	bool around_0;	/* where there is no zero point */
	uint64_t k;
	uint64_t n;
	uint64_t bits;
	uint64_t block_size;
	uint64_t blocks;
	uint64_t code_row_size;
	uint64_t zero_row_size; /* of packed ones */
	struct compare_array arrays[COMPARE_ARRAY_COUNT];
	quire_error *error;
};

/*
 * Reads what model, node and error, which are set, say. Close it whatever
 * comes back. Fails with LAYOUT for a node that contradicts itself, IO, MEMORY.
 */
quire_status quire_compare_open(struct compare_source *source);
void quire_compare_close(struct compare_source *source);

/* One element of the source. */
struct compare_element {
	double code;
	double zero;
	double scale;
};

/* False where g_idx names a block that is not there. */
bool quire_compare_element(const struct compare_source *source, uint64_t row,
			   uint64_t col, struct compare_element *element);

quire_status quire_compare_malformed(const struct compare_source *source,
				     const char *what);

/* An integer attribute that is not negative; 0 for one that is. */
uint64_t quire_compare_attribute(const struct onnx_node *node, const char *name,
				 int64_t absent);

/* Whether a node is one that is read here, and an input of it a part of its
 * weight. */
bool quire_compare_is(const struct onnx_node *node);
bool quire_compare_is_part(const struct onnx_node *node, size_t input);

/* The input that holds the codes. */
size_t quire_compare_codes(const struct onnx_node *node);

#endif
