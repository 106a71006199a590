/*
 * wire.h - protobuf below its messages. A window reads a file a few bytes at a
 * time, fields are found in it without reading what they hold, and segments
 * list the bytes of a changed file before it is written. Only the walk at the
 * end knows the messages of ONNX.
 */
#ifndef QUIRE_CONVERT_ONNX_WIRE_H
#define QUIRE_CONVERT_ONNX_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "convert/onnx/onnx.h"

/* ------------------------------------------------------------------ window */

/* Bytes that are read at once: a hundred nodes, or the fields around a
 * weight. */
#define WINDOW_SIZE ((size_t)16 << 10)

/* The bytes of a file by their offsets, a few of them in memory at a time. A
 * walk from field to field past the weights of a model needs no more. Bytes in
 * memory can be a window too. */
struct window {
	const struct onnx_file *file; /* NULL: all is in memory */
	uint64_t size;
	const unsigned char *bytes; /* those from `first` on */
	uint64_t first;
	size_t count;
	quire_status status; /* of reading; the first failure stays */
	quire_error *error;
	unsigned char room[WINDOW_SIZE];
};

/* Of an acquired file, which must last as long as the window. */
void quire_window_open(struct window *window, const struct onnx_file *file,
		       quire_error *error);

/* Of bytes in memory, which must last as long too. */
void quire_window_of(struct window *window, const void *bytes, size_t size);

/*
 * Points at `size` bytes at an offset, at most WINDOW_SIZE. All must lie in the
 * file. The pointer is valid until the next call. NULL if they cannot be read;
 * `status` then says why.
 */
const unsigned char *quire_window_peek(struct window *window, uint64_t at,
				       size_t size);

/* Copies any number of bytes, which must lie in the file too. */
quire_status quire_window_read(struct window *window, uint64_t at, void *to,
			       size_t size);

/* ------------------------------------------------------------------ fields */

/* A key and a size, of ten bytes each at most. */
#define WIRE_HEADER_MAX 20

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_FIXED64 = 1,
	WIRE_BYTES = 2, /* strings, messages and packed numbers too */
	WIRE_FIXED32 = 5,
};

/* The fields of one message that were not taken yet. */
struct wire {
	struct window *window;
	uint64_t at;
	uint64_t end;
	bool malformed; /* or unreadable, which the window's status says */
};

struct wire_field {
	uint64_t number;
	enum wire_type type;
	uint64_t start; /* of the key, in the file */
	uint64_t whole; /* bytes, with the key */
	uint64_t at;	/* of WIRE_BYTES: where the content begins */
	uint64_t size;	/* and how long it is */
	uint64_t value; /* of WIRE_VARINT */
};

/* Takes the next field. False at the end, and for bytes that are no field,
 * which also sets `malformed`. */
bool quire_wire_next(struct wire *wire, struct wire_field *field);

/* The fields of a whole file, and of the message that a field holds. */
struct wire quire_wire_all(struct window *window);
struct wire quire_wire_within(struct window *window,
			      const struct wire_field *field);

/* Writes the key of a field and the varint behind it: the number itself, or
 * the size of WIRE_BYTES. Returns how many bytes that took, at most
 * WIRE_HEADER_MAX. */
size_t quire_wire_header(unsigned char *out, uint32_t number,
			 enum wire_type type, uint64_t value);

/* ---------------------------------------------------------------- segments */

enum segment_kind {
	SEGMENT_FILE,  /* bytes of the original file */
	SEGMENT_OWN,   /* bytes of our own */
	SEGMENT_VALUE, /* the data of a constant, made when it is written */
};

struct segment {
	enum segment_kind kind;
	uint64_t offset;	    /* of SEGMENT_FILE */
	const unsigned char *bytes; /* of SEGMENT_OWN */
	size_t value;		    /* of SEGMENT_VALUE */
	uint64_t size;
};

/* A file to be written, as a list of its pieces. Zero is empty. */
struct segments {
	struct segment *items;
	size_t count;
	size_t capacity;
	struct arena own;
	bool out_of_memory; /* from then on every call does nothing */
	/* Memory that the pieces may take, and take; 0: any amount. Each byte
	 * of the file that is copied allows SEGMENT_FACTOR more. */
	uint64_t limit;
	uint64_t used;
	bool over_limit; /* out_of_memory is set too */
};

#define SEGMENT_FACTOR 32

/* Adds a field as it lies in the file. */
void quire_segments_copy(struct segments *segments,
			 const struct wire_field *field);

/* Adds bytes of the file. */
void quire_segments_file(struct segments *segments, uint64_t offset,
			 uint64_t size);

/* Adds a field that is a number, or a string, which is copied. */
void quire_segments_number(struct segments *segments, uint32_t field,
			   uint64_t value);
void quire_segments_text(struct segments *segments, uint32_t field,
			 const char *text);

/* Adds a field of `size` bytes, the data of a constant. */
void quire_segments_data(struct segments *segments, uint32_t field,
			 size_t value, uint64_t size);

/* Adds a field that is a message: it holds what is added between the two
 * calls. If that is `original` unchanged, the field is copied whole; `original`
 * NULL: there is none. */
size_t quire_segments_open(struct segments *segments);
void quire_segments_close(struct segments *segments, size_t opened,
			  uint32_t field, const struct wire_field *original);

/* Bytes of all segments from number `first` on. */
uint64_t quire_segments_size(const struct segments *segments, size_t first);

void quire_segments_free(struct segments *segments);

/* ----------------------------------------------------------------- tensors */

/* The messages of ONNX in which a tensor may be, by the walk's own numbers. */
enum walk_message {
	WALK_MODEL,
	WALK_FUNCTION,
	WALK_GRAPH,
	WALK_NODE,
	WALK_ATTRIBUTE,
	WALK_SPARSE,
	WALK_TENSOR,
	WALK_UNREAD, /* a tensor that quire_onnx_open does not read */
};

/* A message that the walk is in. */
struct walk_place {
	enum walk_message message;
	uint64_t at; /* where its fields begin in the file */
};

/* Copies a model and lets `tensor` replace its tensors. */
struct tensor_walk {
	struct window *window; /* of the model's file */
	struct segments *out;
	/* Adds to `out` the field of a tensor, or another in its place. Tensors
	 * with `is_read` are initializers and those of attributes; the model
	 * has the data of no other one. A failure ends the walk. */
	quire_status (*tensor)(struct tensor_walk *walk,
			       const struct wire_field *tensor, bool is_read);
	/* May be NULL: sees each field of a message before the walk looks at
	 * it. True: it has added to `out` what is to be in the field's place,
	 * which may be nothing. */
	bool (*field)(struct tensor_walk *walk, struct walk_place in,
		      const struct wire_field *field);
	/* May be NULL: adds fields to the end of a message, but not to that of
	 * a tensor. */
	void (*end)(struct tensor_walk *walk, struct walk_place in);
	void *context; /* for these three */
	/* Set by the walk: some message is given in several pieces, which a
	 * reader of protobufs joins. */
	bool in_pieces;
};

/* Walks through the whole model. Bytes that are no protobuf are copied. Fails
 * as `tensor` does; the window and the segments have a status of their own. */
quire_status quire_tensor_walk(struct tensor_walk *walk);

#endif
