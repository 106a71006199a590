/*
 * encode.h - what a quantized weight can become: one struct encoding for each
 * tensor type of the container. A block type takes a weight only if it holds
 * its codes as they are; the dense ones take what none of them does.
 */
#ifndef QUIRE_CONVERT_ENCODE_ENCODE_H
#define QUIRE_CONVERT_ENCODE_ENCODE_H

#include "convert/weight/scan.h"
#include "convert/weight/weight.h"
#include "quire_convert.h"

/* Room for why an encoding does not fit, as "g_idx reorders columns". */
#define QUIRE_REASON_SIZE 128

struct encoding {
	quire_dtype dtype;
	/* Whether a weight of such bits and zero points is its own. At most
	 * one block type says so. */
	bool (*suits)(const struct weight *weight,
		      const struct weight_scan *scan);
	/* Whether it holds a weight that suits it; else writes the reason. */
	bool (*fits)(const struct weight *weight,
		     const struct weight_scan *scan,
		     char reason[QUIRE_REASON_SIZE]);
	/* What rounding to f16 does to the numbers of its blocks. */
	struct rounding (*rounding)(const struct weight_scan *scan);
	/* Writes rows->count rows of k columns, padded to whole blocks. */
	void (*encode)(const struct weight_rows *rows, unsigned char *out);
};

extern const struct encoding quire_encode_q4_0;
extern const struct encoding quire_encode_q4_1;
extern const struct encoding quire_encode_q8_0;
extern const struct encoding quire_encode_dense;
extern const struct encoding quire_encode_dense_f16;

/*
 * The block type that holds a weight; or else a dense one, as `fallback` says,
 * and in *reason what kept the weight from the block type, which is empty
 * otherwise. NULL, with the reason, where a fallback is refused.
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

/* Between F32, F16 and BF16. NULL: they are the same. */
const struct cast *quire_cast_find(quire_dtype from, quire_dtype to);

struct cast_scan {
	bool lost; /* a finite element becomes infinite */
	double lost_value;
	bool exact;	  /* every element stays what it is */
	double error_max; /* |cast(v) - v| / |v| over finite v that are not 0 */
	double error_mean; /* over all elements */
};

/* Reads all of a constant once, to see what the cast would do to it. */
quire_status quire_cast_scan(const struct cast *cast,
			     const struct onnx_value *value,
			     struct cast_scan *scan, quire_error *error);

#endif
