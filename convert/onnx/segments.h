/*
 * segments.h - a file that is still to be written, as a list of its pieces:
 * bytes of another file, bytes of our own, and the data of constants, which
 * are made when they are written. Messages are closed once their size is
 * known. Writes nothing itself.
 */
#ifndef QUIRE_CONVERT_EXPORT_SEGMENTS_H
#define QUIRE_CONVERT_EXPORT_SEGMENTS_H

#include "base/arena.h"
#include "convert/onnx/wire.h"
#include "quire.h"

enum segment_kind {
	SEGMENT_FILE,  /* of the file that is taken apart */
	SEGMENT_OWN,   /* of our own */
	SEGMENT_VALUE, /* the data of a constant */
};

struct segment {
	enum segment_kind kind;
	uint64_t offset;	    /* of SEGMENT_FILE */
	const unsigned char *bytes; /* of SEGMENT_OWN */
	size_t value;		    /* of SEGMENT_VALUE */
	uint64_t size;
};

/* Set to zero: empty. */
struct segments {
	struct segment *items;
	size_t count;
	size_t capacity;
	struct arena own;
	bool out_of_memory; /* from then on all is ignored */
};

/* A field as it lies in the file. */
void quire_segments_copy(struct segments *segments,
			 const struct wire_field *field);

/* Bytes of the file. */
void quire_segments_file(struct segments *segments, uint64_t offset,
			 uint64_t size);

/* A field that is a number, or a string, which is copied. */
void quire_segments_number(struct segments *segments, uint32_t field,
			   uint64_t value);
void quire_segments_text(struct segments *segments, uint32_t field,
			 const char *text);

/* A field of `size` bytes, the data of a constant. */
void quire_segments_data(struct segments *segments, uint32_t field,
			 size_t value, uint64_t size);

/* A field that is a message: what is added between the two is in it. Where
 * that turns out to be all of `original` as it lies, the field is taken whole;
 * NULL: there is none. */
size_t quire_segments_open(struct segments *segments);
void quire_segments_close(struct segments *segments, size_t opened,
			  uint32_t field, const struct wire_field *original);

/* Bytes of all from number `first` on. */
uint64_t quire_segments_size(const struct segments *segments, size_t first);

void quire_segments_free(struct segments *segments);

#endif
