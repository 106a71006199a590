/*
 * encode.c - chooses among the encodings; knows none from inside.
 */
#include "convert/encode/encode.h"

#include <stdio.h>
#include <string.h>

static const struct encoding *const block_types[] = {
	&quire_relay_q4_0,
	&quire_relay_q4_1,
	&quire_relay_q8_0,
};

static const struct encoding *dense(const struct matmulnbits *weight,
				    const struct survey *survey,
				    char reason[QUIRE_REASON_SIZE])
{
	char why[QUIRE_REASON_SIZE];
	const size_t used = strlen(reason);

	if (quire_relay_dense_f16.fits(weight, survey, why))
		return &quire_relay_dense_f16;
	snprintf(reason + used, QUIRE_REASON_SIZE - used, "; F32 as %s", why);
	return &quire_relay_dense;
}

const struct encoding *quire_relay_choose(const struct matmulnbits *weight,
					  const struct survey *survey,
					  quire_fallback fallback,
					  char reason[QUIRE_REASON_SIZE])
{
	const size_t count = sizeof(block_types) / sizeof(block_types[0]);

	reason[0] = '\0';
	if (weight->codebook)
		snprintf(reason, QUIRE_REASON_SIZE,
			 "a codebook says what codes mean");
	for (size_t i = 0; !weight->codebook && i < count; i++)
		if (block_types[i]->suits(weight, survey) &&
		    block_types[i]->fits(weight, survey, reason))
			return block_types[i];
	switch (fallback) {
	case QUIRE_FALLBACK_DEFAULT:
	case QUIRE_FALLBACK_F32:
		return &quire_relay_dense;
	case QUIRE_FALLBACK_F16:
		return dense(weight, survey, reason);
	case QUIRE_FALLBACK_ERROR:
		break;
	}
	return NULL;
}
