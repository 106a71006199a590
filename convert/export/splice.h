/*
 * splice.h - the bytes of a model once more, with other data in some of its
 * tensors. All else is kept as it lies, known to us or not: metadata, imports,
 * functions, fields of later versions of ONNX.
 */
#ifndef QUIRE_CONVERT_EXPORT_SPLICE_H
#define QUIRE_CONVERT_EXPORT_SPLICE_H

#include "convert/onnx/onnx.h"
#include "convert/onnx/wire.h"

/* Where the data of a constant goes. */
enum splice_place {
	SPLICE_KEEP = 0, /* as it is */
	SPLICE_INLINE,	 /* raw data in the message */
	SPLICE_EXTERNAL, /* in the file of all external data */
};

struct splice_data {
	enum splice_place place;
	uint64_t offset; /* of SPLICE_EXTERNAL */
};

struct splice {
	const struct onnx_model *model; /* whose file it is */
	const struct splice_data *data; /* of each value of the model */
	const char *location;		/* of SPLICE_EXTERNAL */
};

/*
 * Adds all segments of the new model. Fails with UNSUPPORTED for external data
 * in places where it is not read, LAYOUT for a message that is given in
 * several pieces, IO, MEMORY.
 */
quire_status quire_splice(const struct splice *splice,
			  struct segments *segments, quire_error *error);

#endif
