/*
 * decode.h - decoders of blocks, and of rows of them.
 */
#ifndef QUIRE_FORMAT_DECODE_H
#define QUIRE_FORMAT_DECODE_H

#include "quire.h"

/* Decodes one block, of as many elements as quire_dtype_block says. */
typedef void quire_decode_function(const unsigned char *block, float *y);

/* Of a type that Quire does not write; NULL: it is not decoded. */
quire_decode_function *quire_decoder_foreign(quire_dtype dtype);

/* The same for IQ1, IQ2 and IQ3. */
quire_decode_function *quire_decoder_iq(quire_dtype dtype);

/* quire_tensor_decode without the check of QUIRE_VERIFY_LAZY. */
quire_status quire_decode_rows(const quire_tensor *tensor, uint64_t first,
			       uint64_t rows, uint64_t cols, float *y,
			       quire_error *error);

#endif
