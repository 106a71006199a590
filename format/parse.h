/*
 * parse.h - from the bytes of a file to its index, by spec/format.md.
 */
#ifndef QUIRE_FORMAT_PARSE_H
#define QUIRE_FORMAT_PARSE_H

#include "format/index.h"

/* F-5 */
#define QUIRE_HEADER_MAX_SIZE ((uint64_t)64 << 20)

/* F-6, F-12 */
#define QUIRE_KEY_MAX_SIZE  65535
#define QUIRE_NAME_MAX_SIZE 63

/* F-11 */
#define QUIRE_ALIGNMENT_MIN	8
#define QUIRE_ALIGNMENT_MAX	65536
#define QUIRE_ALIGNMENT_DEFAULT 32

struct quire_parse_options {
	bool allow_edited_header;
	uint64_t seed; /* of the name index; see quire_names_build */
	/* Accept a part of a split set too, without its linears, which are
	 * read when the set is joined. Else a part is UNSUPPORTED. */
	bool take_part;
	/* If not 0: the file must be part `set_no` of a set of so many. That is
	 * checked before its tensor infos are read, so that parts that do not
	 * belong to a set cost no memory. */
	uint32_t set_count;
	uint32_t set_no;
};

/* Reads the start of a file. */
struct quire_header_source {
	uint64_t file_size;
	const unsigned char *bytes; /* the first `ready` ones */
	uint64_t ready;
	/* Makes `size` bytes ready, or more, and may move them. `size` is not
	 * more than file_size, nor than QUIRE_HEADER_COPY_MAX. */
	quire_status (*more)(struct quire_header_source *source, uint64_t size,
			     quire_error *error);
	void *context;
};

/* With the padding behind the infos. */
#define QUIRE_HEADER_COPY_MAX (QUIRE_HEADER_MAX_SIZE + QUIRE_ALIGNMENT_MAX)

/* *size = how many bytes quire_parse reads of the file; they are ready then.
 * Fails as `more` does only: what breaks a rule is left to the parser. */
quire_status quire_header_measure(struct quire_header_source *source,
				  uint64_t *size, quire_error *error);

/* A file to be parsed. */
struct quire_input {
	/* The start of the file, as quire_header_measure says, or all of it. It
	 * must not change any more. */
	const unsigned char *header;
	uint64_t header_size;
	uint64_t size; /* of the file */
	/* Where the file lies in memory: tensors point there. Not read. */
	const unsigned char *file;
};

/*
 * Parses a file. Reads the header only, and does no I/O. On success *index
 * points into the header and the file, and is freed with quire_index_free; on
 * failure there is nothing to free.
 */
quire_status quire_parse(const struct quire_input *input,
			 const struct quire_parse_options *options,
			 struct quire_index *index, quire_error *error);

/* Section 3 of the specification, the rules of a container: checks an index
 * that is valid GGUF, and adds the checksums, sources and linears. */
quire_status quire_parse_container(const unsigned char *bytes, uint64_t size,
				   const struct quire_parse_options *options,
				   struct quire_index *index,
				   quire_error *error);

/* The table of linear layers, F-35 to F-40. */
quire_status quire_parse_linears(const unsigned char *bytes,
				 const struct quire_parse_options *options,
				 struct quire_index *index, quire_error *error);

/* By its values alone, F-41 and F-43: whether the file is the part that the
 * options ask for. */
quire_status quire_parse_place(const unsigned char *bytes,
			       const struct quire_parse_options *options,
			       const struct quire_index *index,
			       quire_error *error);

/* The place of a file in a split set, F-41. */
quire_status quire_parse_split(const unsigned char *bytes,
			       const struct quire_parse_options *options,
			       struct quire_index *index, quire_error *error);

/* A parsed part of a split set, and its header. */
struct quire_parsed_part {
	const unsigned char *bytes;
	struct quire_index index;
};

/*
 * Makes one index of `count` parts, F-43 to F-48. On success the parts' own
 * indexes are freed, and there is only *joined to free. On failure they are
 * unchanged, and *culprit is the number of the part that breaks the rule.
 */
quire_status quire_parse_join(struct quire_parsed_part *parts, size_t count,
			      const struct quire_parse_options *options,
			      struct quire_index *joined, size_t *culprit,
			      quire_error *error);

/* The offset of a string's size field in the file. */
static inline uint64_t quire_string_offset(const unsigned char *bytes,
					   quire_string string)
{
	return (uint64_t)((const unsigned char *)string.data - bytes) - 8;
}

/* For an array that was whole and is not any more: the caller's memory, see
 * quire_model_open_memory. */
#define QUIRE_CHANGED "the array changed while it was read"

/* For "%.*s": a precision from a size. */
#define QUIRE_PRINT(string)                                                    \
	((string).size < 80 ? (int)(string).size : 80), (string).data

#endif
