/*
 * relay.c - chooses among the encodings; knows none from inside.
 */
#include "convert/relay.h"

/* Smallest first; the last one takes everything. */
static const struct encoding *const encodings[] = {
	&quire_relay_q4_0,
	&quire_relay_dense,
};

const struct encoding *quire_relay_choose(const struct matmulnbits *weight,
					  const struct survey *survey,
					  char reason[QUIRE_REASON_SIZE])
{
	const size_t last = sizeof(encodings) / sizeof(encodings[0]) - 1;

	reason[0] = '\0';
	for (size_t i = 0; i < last; i++)
		if (encodings[i]->fits(weight, survey, reason)) {
			reason[0] = '\0';
			return encodings[i];
		}
	return encodings[last];
}
