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

#include "convert/onnx/onnx_model.h"
#include "convert/weight/rows_layout.h"

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

/* Whether the node is a MatMulNBits. */
bool quire_matmulnbits_is(const struct onnx_model *model,
			  const struct onnx_node *node);

/*
 * Interprets a MatMulNBits node; it has one weight, of index 0. Every attribute
 * is checked, and the type, shape and origin of every input but A. Fails with
 * LAYOUT for a node that contradicts itself or the operator, UNSUPPORTED for a
 * weight that is not a constant and for what the operator has but we do not
 * take.
 */
quire_status quire_matmulnbits_read(const struct onnx_model *model,
				    const struct onnx_node *node, size_t index,
				    struct weight *weight, quire_error *error);

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

/* f32 of the float at `index` of packed FLOAT, FLOAT16 or BFLOAT16. */
float quire_onnx_float(int32_t type, const unsigned char *bytes,
		       uint64_t index);

/* The same of `count` floats from `first` on. */
void quire_onnx_floats(int32_t type, const unsigned char *bytes, uint64_t first,
		       size_t count, float *values);

/* The unsigned number at `index` of a row of 2-, 4- or 8-bit codes. */
static inline uint32_t weight_code(const unsigned char *row, uint32_t bits,
				   uint64_t index)
{
	const uint64_t bit = index * bits;

	return (uint32_t)row[bit / 8] >> (bit % 8) & ((1u << bits) - 1);
}

#endif
