/*
 * weight.h - one quantized weight, checked, and its rows: that of a
 * com.microsoft.MatMulNBits node, or of another operator's that says the same
 * in other words. With blocks = ceil(k / block_size):
 *
 *	W[row][col] = (code - zero) * scale
 *
 * where zero and scale are those of (row, col / block_size), or of
 * (row, g_idx[col]); an absent zero point is 2^(bits - 1). Codes and packed
 * zero points fill their bytes from the low bits up, and each row of them
 * begins with a byte of its own. Where an operator has it otherwise, fields
 * below say so; only MatMulBnb4 has W[row][col] = codebook[code] * scale.
 */
#ifndef QUIRE_CONVERT_WEIGHT_WEIGHT_H
#define QUIRE_CONVERT_WEIGHT_WEIGHT_H

#include "convert/onnx/onnx.h"

/*
 * Which element of a tensor is that of (row, col):
 *
 *	((row / group) * group_step + (row % group) * row_step +
 *	 col * col_step) / share
 *
 * All zero is no map at all: rows that lie whole, each from a byte of its own.
 */
struct element_map {
	uint64_t group; /* rows; at least 1 */
	uint64_t group_step;
	uint64_t row_step;
	uint64_t col_step;
	uint64_t share; /* elements in a row that have one in common */
	bool swapped;	/* of 4 bits: the high half of a byte is the first */
};

struct rows_shape {
	struct element_map map;
	uint32_t bits; /* of an element: 2, 4, 8, 16 or 32 */
	uint64_t cols; /* elements of a row */
	bool flip;     /* invert the top bit of each element */
};

/* Bytes of a row as it is gathered. */
size_t quire_rows_size(const struct rows_shape *shape);

/* Bytes that gathering `count` rows of a value needs. */
size_t quire_rows_scratch(const struct rows_shape *shape,
			  const struct onnx_value *value, uint64_t count);

/* Puts rows at the start of `scratch`, each in whole bytes, low bits first.
 * The file of the value must be acquired, and the value hold every element
 * that the map names. */
quire_status quire_rows_gather(const struct rows_shape *shape,
			       const struct onnx_value *value, uint64_t first,
			       uint64_t count, unsigned char *scratch,
			       quire_error *error);

/* An input of a node that is a part of a weight. */
struct onnx_use {
	const struct onnx_node *node; /* NULL: none */
	size_t input;
};

/* Codes, scales, zero points, g_idx. */
#define WEIGHT_PART_COUNT 4

struct weight {
	const struct onnx_node *node; /* that computes with the weight */
	/* Where each constant is used as what it is, maybe by another node. */
	struct onnx_use uses[WEIGHT_PART_COUNT];
	/* How rows lie in the constants; fetched, each row of codes and packed
	 * zero points has bytes of its own. */
	struct element_map code_map;
	struct element_map scale_map;
	struct element_map zero_map;
	/* Codes and zero points are in two's complement. Fetched rows have
	 * 2^(bits - 1) added to both. */
	bool is_signed;
	bool zero_is_0;	  /* an absent zero point is 0, before that addition */
	bool no_linear;	  /* the container has the tensor alone */
	bool no_padding;  /* the tensor is to have the shape of the source */
	const char *note; /* why there is no linear, or NULL */
	const float *codebook; /* what codes of 4 bits mean; NULL: themselves */
	uint64_t k;
	uint64_t n; /* rows, of all matrices where several are stacked */
	/* Dimensions of the tensor, and those after k: n is their product. */
	uint32_t rank; /* 0 stands for 2, k and n */
	uint64_t outer[3];
	uint64_t block_size; /* a power of two for MatMulNBits */
	uint64_t blocks;     /* in a row */
	uint32_t bits;	     /* 2, 4 or 8 */
	uint32_t accuracy_level;
	const struct onnx_value *codes;
	const struct onnx_value *scales;
	const struct onnx_value *zero_points; /* these three may be NULL */
	const struct onnx_value *g_idx;
	const struct onnx_value *bias;
	/* Bytes of one row of each, as fetched. */
	size_t code_row_size;
	size_t scale_row_size;
	size_t zero_row_size; /* 0 without zero points */
};

/* Bytes of the constants that make up the weight. */
uint64_t quire_weight_size(const struct weight *weight);

/* Opens the files of its constants; release after success only. */
quire_status quire_weight_acquire(const struct weight *weight,
				  quire_error *error);
void quire_weight_release(const struct weight *weight);

/*
 * The column -> block map of an acquired weight, to be freed; *map is NULL if
 * the node has none or it says the same as col / block_size. Fails with
 * LAYOUT for a block that is not there.
 */
quire_status quire_weight_map(const struct weight *weight, uint32_t **map,
			      quire_error *error);

/* Some rows of the source, as they lie there. */
struct weight_rows {
	const struct weight *weight;
	const uint32_t *map; /* of quire_weight_map */
	uint64_t first;
	uint64_t count;
	const unsigned char *codes;
	const unsigned char *scales;
	const unsigned char *zero_points; /* NULL: none */
};

/* Bytes of scratch that fetching `count` rows needs, or their scales and zero
 * points alone; 0 if all is inline. */
size_t quire_weight_scratch(const struct weight *weight, uint64_t count);
size_t quire_weight_scales_scratch(const struct weight *weight, uint64_t count);

/* Sets the pointers of *rows, whose other fields are set: into the model, or
 * into `scratch`, to which it reads. For many threads at once, each with its
 * own scratch. The weight must be acquired. */
quire_status quire_weight_fetch(struct weight_rows *rows,
				unsigned char *scratch, quire_error *error);

/* The same for scales and zero points alone; rows->codes is left as it is. */
quire_status quire_weight_fetch_scales(struct weight_rows *rows,
				       unsigned char *scratch,
				       quire_error *error);

/* The scale or zero point of a block, as the f32 of the same value; `row`
 * counts from rows->first. */
float quire_weight_scale(const struct weight_rows *rows, uint64_t row,
			 uint64_t block);
float quire_weight_zero(const struct weight_rows *rows, uint64_t row,
			uint64_t block);

/* The unsigned number at `index` of a row of 2-, 4- or 8-bit codes. */
static inline uint32_t weight_code(const unsigned char *row, uint32_t bits,
				   uint64_t index)
{
	const uint64_t bit = index * bits;

	return (uint32_t)row[bit / 8] >> (bit % 8) & ((1u << bits) - 1);
}

/* Writes the f16 of each of `count` values; the two do not overlap. */
void quire_halves_of(const float *values, size_t count, uint16_t *halves);

/* The same, as f32 again. */
void quire_halves_round(const float *values, size_t count, float *rounded);

#endif
