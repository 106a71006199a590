/*
 * compare_kinds.h - the operators as comparing reads them: which inputs a
 * weight has, what its attributes say, and where an element of it lies.
 */
#ifndef QUIRE_CONVERT_COMPARE_COMPARE_KINDS_H
#define QUIRE_CONVERT_COMPARE_COMPARE_KINDS_H

#include "convert/compare/compare_source.h"

#define COMPARE_NO_INPUT SIZE_MAX

struct compare_kind {
	/* Sets holder, transposed, has_linear and bias. */
	bool (*is)(struct compare_source *source);
	size_t count; /* of weights */
	/* Of each weight: the inputs of the holder. */
	size_t inputs[3][COMPARE_ARRAY_COUNT];
	/* Sets k, n, bits and what else says how numbers lie; the rank and
	 * dims of the codes are set. */
	quire_status (*measure)(struct compare_source *source);
	void (*place)(const struct compare_source *source, uint64_t row,
		      uint64_t col, struct compare_place *place);
	bool late;
};

/* The kind of a node, whose other fields `is` has set, or NULL. */
const struct compare_kind *quire_compare_kind(struct compare_source *source);

#endif
