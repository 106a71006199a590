/*
 * cast.h - dense tensors in another float type: each element rounded to the
 * nearest one, ties to even.
 */
#ifndef QUIRE_CONVERT_ENCODE_CAST_H
#define QUIRE_CONVERT_ENCODE_CAST_H

#include "convert/onnx/onnx_model.h"

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
