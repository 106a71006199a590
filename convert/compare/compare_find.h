/*
 * compare_find.h - the quantized weights of a model, found for comparing.
 */
#ifndef QUIRE_CONVERT_COMPARE_COMPARE_FIND_H
#define QUIRE_CONVERT_COMPARE_COMPARE_FIND_H

#include "convert/compare/compare_source.h"

struct compare_found {
	/* Each as quire_compare_find leaves it: those of nodes in order, then
	 * those of nodes that only have one if no other has it. */
	struct compare_source *weights;
	size_t count;
	bool *part;  /* of each value: some node has it as a part of a weight */
	bool *whole; /* of each value: some node uses it as such */
};

/* *found is to be freed whatever comes back. Fails with MEMORY only; its
 * weights will fail to `error`. */
quire_status quire_compare_find_all(const struct onnx_model *model,
				    struct compare_found *found,
				    quire_error *error);
void quire_compare_found_free(struct compare_found *found);

#endif
