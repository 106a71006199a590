/*
 * relay.h - what a quantized weight can become: one struct encoding for each
 * tensor type of the container. A block type takes a weight only if it holds
 * its codes as they are; dense F32 takes any.
 */
#ifndef QUIRE_CONVERT_RELAY_H
#define QUIRE_CONVERT_RELAY_H

#include "convert/matmulnbits.h"
#include "convert/survey.h"

/* Room for why an encoding does not fit, as "block size 16". */
#define QUIRE_REASON_SIZE 96

struct encoding {
	quire_dtype dtype;
	/* Whether it holds the weight; else writes the reason. */
	bool (*fits)(const struct matmulnbits *weight,
		     const struct survey *survey,
		     char reason[QUIRE_REASON_SIZE]);
	/* Writes rows->count rows of k columns, padded to whole blocks. */
	void (*encode)(const struct matmulnbits_rows *rows, unsigned char *out);
};

extern const struct encoding quire_relay_q4_0;
extern const struct encoding quire_relay_dense;

/*
 * The encoding that holds a weight in the fewest bytes. If that is the dense
 * one, *reason tells what kept the weight from the block type nearest to it;
 * else it is empty.
 */
const struct encoding *quire_relay_choose(const struct matmulnbits *weight,
					  const struct survey *survey,
					  char reason[QUIRE_REASON_SIZE]);

#endif
