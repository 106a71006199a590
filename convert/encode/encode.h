/*
 * encode.h - what a weight or a dense tensor can become in the container. A
 * struct encoding writes a quantized weight in one tensor type: a block type if
 * that holds the codes as they are, else a dense type. A struct cast writes a
 * dense tensor in another float type. A bias of INT32 becomes F32.
 */
#ifndef QUIRE_CONVERT_ENCODE_ENCODE_H
#define QUIRE_CONVERT_ENCODE_ENCODE_H

#include "convert/weight/scan.h"
#include "convert/weight/weight.h"
#include "quire_convert.h"

/* Room for why an encoding does not fit, such as "g_idx reorders columns". */
#define QUIRE_REASON_SIZE 128

struct encoding {
	quire_dtype dtype;
	/* Whether it is the type for a weight of such bits and zero points. At
	 * most one block type is. */
	bool (*suits)(const struct weight *weight,
		      const struct weight_scan *scan);
	/* Whether it holds a weight that suits it; if not, writes the reason.
	 */
	bool (*fits)(const struct weight *weight,
		     const struct weight_scan *scan,
		     char reason[QUIRE_REASON_SIZE]);
	/* By how much rounding to f16 moves the numbers of its blocks. */
	struct rounding (*rounding)(const struct weight_scan *scan);
	/* Writes rows->count rows of k columns, padded to whole blocks. */
	void (*encode)(const struct weight_rows *rows, unsigned char *out);
};

/* The block types. To add one: its name here, and its encode_<name>.c, which
 * defines quire_encode_<name>, in CMakeLists.txt. */
/* clang-format off */
#define BLOCK_ENCODINGS(X) \
	X(q4_0) \
	X(q4_1) \
	X(q8_0)
/* clang-format on */

#define ENCODING_DECLARE(name) extern const struct encoding quire_encode_##name;
BLOCK_ENCODINGS(ENCODING_DECLARE)
#undef ENCODING_DECLARE

extern const struct encoding quire_encode_dense;
extern const struct encoding quire_encode_dense_f16;

/*
 * The block type that holds a weight; or else a dense type, as `fallback` says,
 * and in *reason why no block type does. *reason is empty otherwise. NULL, with
 * the reason, where `fallback` refuses a dense type.
 */
const struct encoding *quire_encoding_choose(const struct weight *weight,
					     const struct weight_scan *scan,
					     quire_fallback fallback,
					     char reason[QUIRE_REASON_SIZE]);

struct cast {
	quire_dtype from;
	quire_dtype to;
	size_t from_width; /* bytes of an element */
	size_t to_width;
	void (*convert)(const unsigned char *in, size_t count,
			unsigned char *out);
};

/* The cast between two of F32, F16 and BF16; NULL if they are the same. */
const struct cast *quire_cast_find(quire_dtype from, quire_dtype to);

struct cast_scan {
	bool lost; /* a finite element becomes infinite */
	double lost_value;
	bool exact;	  /* no element changes */
	double error_max; /* |cast(v) - v| / |v| over finite v that are not 0 */
	double error_mean; /* over all elements */
};

/* Reads all of a constant once, to find what the cast would change. */
quire_status quire_cast_scan(const struct cast *cast,
			     const struct onnx_value *value,
			     struct cast_scan *scan, quire_error *error);

/*
 * Writes a bias of INT32 as F32, value->count numbers: the f32 of each integer
 * times the product of its scales, each product rounded to f32. Each scale must
 * have one element or as many as the bias. Fails with IO, MEMORY.
 */
quire_status quire_bias_dequantize(const struct weight_bias *bias,
				   unsigned char *out, quire_error *error);

#endif
