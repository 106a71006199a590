/*
 * weight.h - the converter's intermediate form: one quantized weight, checked,
 * as every operator means it. operators/ makes it of a node, plan/ decides what
 * becomes of it, encode/ writes its rows in a type of the container, export/
 * goes the way back.
 *
 * A weight is a matrix W of n rows and k columns, cut into blocks of block_size
 * columns; the last block of a row may be shorter:
 *
 *	W[row][col] = (code - zero) * scale
 *
 * where scale and zero are those of (row, col / block_size), or with g_idx of
 * (row, g_idx[col]). With a codebook it is codebook[code] * scale.
 *
 * struct weight says where that comes from (node, uses), where the bytes lie
 * (storage), what they say (value), and what the container is to do with them
 * (intent). Nodes whose weights are equal in storage and value share a tensor.
 *
 * Whatever the storage, rows are fetched in one form: codes and packed zero
 * points unsigned, from the low bits of a byte up, each row in bytes of its
 * own.
 */
#ifndef QUIRE_CONVERT_WEIGHT_WEIGHT_H
#define QUIRE_CONVERT_WEIGHT_WEIGHT_H

#include "convert/onnx/onnx.h"

/* ----------------------------------------------------------------- storage */

/*
 * Where the elements of a matrix lie in a tensor: that of (row, col) has the
 * number
 *
 *	((row / group) * group_step + (row % group) * row_step +
 *	 col * col_step) / share
 *
 * All zero stands for whole rows one after the other, each in bytes of its own.
 */
struct element_order {
	uint64_t group; /* rows; at least 1 */
	uint64_t group_step;
	uint64_t row_step;
	uint64_t col_step;
	uint64_t share; /* columns that have one element in common */
	uint64_t swap;	/* 1: of 4 bits, the high half of a byte comes first */
};

static inline uint64_t element_number(const struct element_order *order,
				      uint64_t row, uint64_t col)
{
	const uint64_t at = row / order->group * order->group_step +
			    row % order->group * order->row_step +
			    col * order->col_step;

	return order->share == 1 ? at : at / order->share;
}

/* A constant of the model that a weight is made of. */
struct weight_constant {
	const struct onnx_value *value; /* NULL: the weight has none */
	size_t row_size;		/* bytes of a row, as fetched */
	struct element_order order;
	uint64_t casts; /* of floats: quire_casts_add */
};

/* Where the bytes lie. */
struct weight_storage {
	struct weight_constant codes;
	struct weight_constant scales;
	struct weight_constant zero_points; /* packed as codes are, or floats */
	struct weight_constant g_idx;	    /* INT32, the block of a column */
	/* 2^(bits - 1) where codes and packed zero points are in two's
	 * complement, else 0. Fetched rows have it added to both. */
	uint64_t sign_bit;
};

/* The constants, by number. */
enum {
	WEIGHT_CODES,
	WEIGHT_SCALES,
	WEIGHT_ZERO_POINTS,
	WEIGHT_G_IDX,
	WEIGHT_CONSTANT_COUNT
};

/* ------------------------------------------------------------------- value */

/* What the bytes say. */
struct weight_value {
	uint64_t k;
	uint64_t n; /* rows; of all matrices where several are stacked */
	/* The tensor's dimensions after k, 1 past its rank. n is their
	 * product. */
	uint64_t outer[3];
	uint64_t block_size;   /* columns; a power of two for MatMulNBits */
	uint64_t blocks;       /* in a row */
	uint32_t rank;	       /* dimensions of the tensor, k included */
	uint32_t bits;	       /* of a code: 2, 4 or 8 */
	const float *codebook; /* numbers of 4-bit codes; NULL: themselves */
	size_t zero_point; /* where the constant is absent: 0 or 2^(bits - 1),
			      as fetched codes count */
};

/*
 * Storage and value are compared byte by byte, so a field that is added to them
 * takes part without further code. That needs structs without padding.
 */
_Static_assert(sizeof(struct element_order) == 6 * sizeof(uint64_t),
	       "no padding");
_Static_assert(sizeof(struct weight_constant) ==
		   sizeof(void *) + sizeof(size_t) +
		       sizeof(struct element_order) + sizeof(uint64_t),
	       "no padding");
_Static_assert(sizeof(struct weight_storage) ==
		   4 * sizeof(struct weight_constant) + sizeof(uint64_t),
	       "no padding");
_Static_assert(sizeof(struct weight_value) ==
		   7 * sizeof(uint64_t) + 2 * sizeof(uint32_t) +
		       sizeof(void *) + sizeof(size_t),
	       "no padding");

/* ------------------------------------------------------------------ weight */

/* Numbers by which a bias of INT32 is multiplied: one for all of its elements,
 * or one for each. */
struct bias_scale {
	const struct onnx_value *value; /* of a float type; NULL: 1 */
	uint64_t casts;			/* quire_casts_add */
};

/* A bias of INT32 and its scales. */
struct weight_bias {
	const struct onnx_value *value;
	struct bias_scale scales[2];
};

_Static_assert(sizeof(struct weight_bias) ==
		   3 * sizeof(void *) + 2 * sizeof(uint64_t),
	       "no padding");

/* The input of a node where a constant is used. */
struct onnx_use {
	const struct onnx_node *node; /* NULL: none */
	size_t input;
};

/* What the container is to do with a weight. */
struct weight_intent {
	bool no_padding;  /* the tensor must have the shape of the source; nodes
			     that differ in this do not share it */
	bool no_linear;	  /* the container has the tensor alone */
	const char *note; /* why there is no linear, or NULL */
	int32_t type;	  /* the float type of W in the node's product */
	uint32_t accuracy_level;
	bool integers; /* the node multiplies by x in integers, so that the
			  linear computes what it rounds */
	const struct onnx_value *bias;	  /* NULL: none */
	struct bias_scale bias_scales[2]; /* of a bias of INT32 */
	/* Where the first of these is used for the bias alone. */
	struct onnx_use bias_scale_use;
	/* The Add behind the node that adds the bias; NULL: the node does. */
	const struct onnx_node *adder;
};

struct weight {
	const struct onnx_node *node; /* that computes with the weight */
	/* The DequantizeLinear that reads it; NULL: the node itself. */
	const struct onnx_node *holder;
	/* Where each constant is used. A node before this one may use it. */
	struct onnx_use uses[WEIGHT_CONSTANT_COUNT];
	struct weight_storage storage;
	struct weight_value value;
	struct weight_intent intent;
};

/* Bytes of the constants that make up the weight. */
uint64_t quire_weight_size(const struct weight *weight);

/* Opens the files of its constants; release after success only. */
quire_status quire_weight_acquire(const struct weight *weight,
				  quire_error *error);
void quire_weight_release(const struct weight *weight);

/*
 * The block of each column of an acquired weight, to be freed; *blocks is NULL
 * if that is col / block_size. Fails with LAYOUT if g_idx names a block that
 * does not exist.
 */
quire_status quire_weight_column_blocks(const struct weight *weight,
					uint32_t **blocks, quire_error *error);

/* -------------------------------------------------------------------- rows */

/* Consecutive rows of a weight, as fetched. */
struct weight_rows {
	const struct weight *weight;
	const uint32_t *column_blocks; /* of quire_weight_column_blocks */
	uint64_t first;
	uint64_t count;
	const unsigned char *codes;
	const unsigned char *scales;
	const unsigned char *zero_points; /* NULL: none */
};

/* Bytes of scratch that fetching `count` rows needs, or their scales and zero
 * points alone; 0 if all is in memory already. */
size_t quire_weight_scratch(const struct weight *weight, uint64_t count);
size_t quire_weight_scales_scratch(const struct weight *weight, uint64_t count);

/* Sets the three pointers of *rows, whose other fields are set: into the model,
 * or into `scratch`, where it puts what it reads. Threads may fetch at once,
 * each into scratch of its own. The weight must be acquired. */
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

/* `count` scales, from number `first` of the fetched rows on. */
void quire_weight_scales(const struct weight_rows *rows, uint64_t first,
			 size_t count, float *scales);

/* The unsigned number at `index` of a row of 2-, 4- or 8-bit codes. */
static inline uint32_t weight_code(const unsigned char *row, uint32_t bits,
				   uint64_t index)
{
	const uint64_t bit = index * bits;

	return (uint32_t)row[bit / 8] >> (bit % 8) & ((1u << bits) - 1);
}

/* -------------------------------------------------- rows in another order */

/* How rows lie in a tensor whose order is not zero. */
struct rows_layout {
	struct element_order order;
	uint32_t bits; /* of an element: 2, 4, 8, 16 or 32 */
	uint64_t cols; /* elements of a row */
	bool flip;     /* invert the top bit of each element */
};

/* Bytes of a row once it is gathered. */
size_t quire_rows_size(const struct rows_layout *layout);

/* Bytes of scratch that gathering `count` rows of a value needs. */
size_t quire_rows_scratch(const struct rows_layout *layout,
			  const struct onnx_value *value, uint64_t count);

/* Puts rows at the start of `scratch`, each in whole bytes, low bits first.
 * The file of the value must be acquired, and the value must have every element
 * that the order names. */
quire_status quire_rows_gather(const struct rows_layout *layout,
			       const struct onnx_value *value, uint64_t first,
			       uint64_t count, unsigned char *scratch,
			       quire_error *error);

/* The rows of a dense matrix, or a vector's elements; `transpose`: its columns.
 */
struct rows_layout quire_dense_layout(const struct onnx_value *value,
				      bool transpose);

/* The same two steps for such a layout: whole rows are read as they are. */
size_t quire_dense_scratch(const struct rows_layout *layout,
			   const struct onnx_value *value, uint64_t count);
quire_status quire_dense_rows(const struct rows_layout *layout,
			      const struct onnx_value *value, uint64_t first,
			      uint64_t count, unsigned char *scratch,
			      quire_error *error);

/* ------------------------------------------------------------------- casts */

/*
 * Casts between FLOAT, FLOAT16 and BFLOAT16 change a number only where they
 * round it. They are kept as the roundings that are left of them, two bits
 * each, the first one lowest. 0: none.
 */

/* Adds a Cast to the type `to`, of a float type. `type` is the constant's. */
uint64_t quire_casts_add(uint64_t casts, int32_t type, int32_t to);

/* Rounds `count` numbers as the casts do. */
void quire_casts_round(uint64_t casts, float *values, size_t count);

/* --------------------------------------------------------------------- f16 */

/* Writes the f16 of each of `count` values, to the nearest, ties to even; the
 * two do not overlap. */
void quire_halves_of(const float *values, size_t count, uint16_t *halves);

/* The same, as f32 again. */
void quire_halves_round(const float *values, size_t count, float *rounded);

#endif
