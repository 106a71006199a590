/*
 * names.h - what tensors and linears are called in the container. All text is
 * valid UTF-8, in and out.
 */
#ifndef QUIRE_CONVERT_PLAN_NAMES_H
#define QUIRE_CONVERT_PLAN_NAMES_H

#include "base/table.h"
#include "quire.h"

/* GGUF readers have room for 64 bytes with the NUL. */
#define QUIRE_TENSOR_NAME_MAX 63

/*
 * The name of a linear weight from that of its source: what exporters append
 * (_Q4, _Q4G32, _DQ, _quant, .qweight, .MatMul ...) is taken off, a path such
 * as /model/fc becomes model.fc, and .weight stands at the end, once. A name
 * that an exporter made up (onnx::MatMul_123) gives way to that of `node`, if
 * it is not empty. The result is to be freed; NULL: out of memory.
 */
char *quire_name_of_weight(const char *source, const char *node);

/* The name of any other tensor: its own, but for control characters. */
char *quire_name_of_tensor(const char *source);

/* Names that are all different. Zero is empty; may not be moved in use. */
struct name_set {
	struct table taken; /* name to the next number to try */
	char **names;
	size_t count;
	size_t capacity;
};

/*
 * Claims `wanted` or, if it is taken, wanted_2, wanted_3 ... (before a final
 * .weight or .bias). Names of more than `limit` bytes, which is at least 63,
 * keep their beginning and end around a hash. *name is the set's. The same
 * claims in the same order give the same names. Fails with MEMORY only.
 */
quire_status quire_name_claim(struct name_set *set, const char *wanted,
			      size_t limit, const char **name,
			      quire_error *error);

void quire_name_set_free(struct name_set *set);

#endif
