/*
 * encode_sample.h - random weights of every kind for the tests of encodings and
 * scans, in guarded memory, and the numbers that the operator's formula gives.
 */
#ifndef QUIRE_TESTS_UNIT_ENCODE_SAMPLE_H
#define QUIRE_TESTS_UNIT_ENCODE_SAMPLE_H

#include "convert/weight/weight.h"
#include "tests/support/guard.h"
#include "tests/support/random.h"

enum zero_kind {
	ZERO_NONE,
	ZERO_PACKED,
	ZERO_FLOAT,
	ZERO_FLOAT16
};

struct sample_kind {
	uint32_t bits;
	uint64_t block_size;
	uint64_t k;
	uint64_t n;
	int32_t scale_type;
	enum zero_kind zero_kind;
	bool reordered; /* columns have blocks in any order */
};

/* A weight in guarded memory, and its numbers. */
struct sample {
	struct weight weight;
	struct onnx_value codes;
	struct onnx_value scales;
	struct onnx_value zero_points;
	struct guarded code_bytes;
	struct guarded scale_bytes;
	struct guarded zero_bytes;
	uint32_t *column_blocks; /* NULL: none */
	float *expected;	 /* [n][k], (code - zero) * scale */
};

/* Makes one, to be discarded. */
void sample_make(struct rng *rng, const struct sample_kind *kind,
		 struct sample *sample);
void sample_discard(struct sample *sample);

/* The code at an index of a row of packed codes, read bit by bit. */
uint32_t sample_code(const unsigned char *row, uint32_t bits, uint64_t at);

#endif
