/*
 * encode.c - chooses the encoding of a weight.
 */
#include <stdio.h>
#include <string.h>

#include "convert/encode/encode.h"

#define ENCODING_ADDRESS(name) &quire_encode_##name,
static const struct encoding *const block_types[] = { BLOCK_ENCODINGS(
    ENCODING_ADDRESS) };
#undef ENCODING_ADDRESS

static const struct encoding *dense(const struct weight *weight,
				    const struct weight_scan *scan,
				    char reason[QUIRE_REASON_SIZE])
{
	char why[QUIRE_REASON_SIZE];
	const size_t used = strlen(reason);

	if (quire_encode_dense_f16.fits(weight, scan, why))
		return &quire_encode_dense_f16;
	snprintf(reason + used, QUIRE_REASON_SIZE - used, "; F32 since %s",
		 why);
	return &quire_encode_dense;
}

const struct encoding *quire_encoding_choose(const struct weight *weight,
					     const struct weight_scan *scan,
					     quire_fallback fallback,
					     char reason[QUIRE_REASON_SIZE])
{
	const size_t count = sizeof(block_types) / sizeof(block_types[0]);

	reason[0] = '\0';
	if (weight->value.codebook)
		snprintf(reason, QUIRE_REASON_SIZE,
			 "a codebook says what codes mean");
	for (size_t i = 0; !weight->value.codebook && i < count; i++)
		if (block_types[i]->suits(weight, scan) &&
		    block_types[i]->fits(weight, scan, reason))
			return block_types[i];
	switch (fallback) {
	case QUIRE_FALLBACK_DEFAULT:
	case QUIRE_FALLBACK_F32:
		return &quire_encode_dense;
	case QUIRE_FALLBACK_F16:
		return dense(weight, scan, reason);
	case QUIRE_FALLBACK_ERROR:
		break;
	}
	return NULL;
}
