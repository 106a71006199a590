/*
 * cursor.h - reads the fields of a header one after the other, and never past
 * its end (F-3) or its limit (F-5).
 */
#ifndef QUIRE_FORMAT_CURSOR_H
#define QUIRE_FORMAT_CURSOR_H

#include "format/parse.h"

struct quire_cursor {
	const unsigned char *bytes; /* the header */
	uint64_t ready;		    /* how many of its bytes are there */
	uint64_t size;		    /* of the file */
	uint64_t offset;	    /* of the next byte */
	uint64_t item; /* offset of the value or info being parsed */
	quire_error *error;
};

/* The next `size` bytes, whose field begins at `field`. */
quire_status quire_cursor_take(struct quire_cursor *in, uint64_t field,
			       uint64_t size, const unsigned char **bytes);

quire_status quire_cursor_u32(struct quire_cursor *in, uint32_t *value);
quire_status quire_cursor_u64(struct quire_cursor *in, uint64_t *value);
quire_status quire_cursor_string(struct quire_cursor *in, quire_string *string);

/* The stages of quire_parse, one for each section of the header. */
quire_status quire_parse_values(struct quire_cursor *in,
				const struct quire_parse_options *options,
				struct quire_index *index, uint64_t count);

/* *end is the padded size of the data section that the infos describe. */
quire_status quire_parse_infos(struct quire_cursor *in,
			       const struct quire_parse_options *options,
			       struct quire_index *index, uint64_t count,
			       uint64_t *end);

#endif
