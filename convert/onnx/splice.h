/*
 * splice.h - writes a model again with other data in some tensors, as a list of
 * segments. export/ puts other weights into a model, thin/ takes them out.
 */
#ifndef QUIRE_CONVERT_ONNX_SPLICE_H
#define QUIRE_CONVERT_ONNX_SPLICE_H

#include "convert/onnx/wire.h"

/* Where the data of a constant goes. */
enum splice_place {
	SPLICE_KEEP = 0, /* it stays as it is */
	SPLICE_INLINE,	 /* raw data in the message */
	SPLICE_EXTERNAL, /* a file of external data */
	SPLICE_DROP,	 /* nowhere: the model gets no such tensor */
};

struct splice_data {
	enum splice_place place;
	/* Of SPLICE_EXTERNAL. */
	const char *location;
	uint64_t offset;
};

struct splice {
	const struct onnx_model *model;
	const struct splice_data *data; /* of each value of the model */
	/* For changes of other messages; both may be NULL. As those of struct
	 * tensor_walk, with a context of their own. */
	bool (*field)(void *context, struct tensor_walk *walk,
		      struct walk_place in, const struct wire_field *field);
	void (*end)(void *context, struct tensor_walk *walk,
		    struct walk_place in);
	void *context;
};

/*
 * Lists the bytes of the new model: those of the old one, with other data in
 * some tensors. Everything else stays as it is and where it is, also fields of
 * later versions of ONNX. Fails with UNSUPPORTED for external data of a tensor
 * that is not read, LAYOUT for a message that is given in several pieces, IO,
 * MEMORY.
 */
quire_status quire_splice(const struct splice *splice,
			  struct segments *segments, quire_error *error);

/* For `field` and `end`. Adds to a tensor the fields that say where its
 * external data lies. */
void quire_splice_external(struct segments *out, const char *location,
			   uint64_t offset, uint64_t size);

#endif
