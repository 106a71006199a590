/*
 * npy_header.c - parses the text of the Python dictionary that describes a
 * plain array: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
 * Keys in any order, each exactly once; no escapes, no nesting, no recursion.
 */
#include <string.h>

#include "base/error.h"
#include "cli/files/npy_header.h"

struct parser {
	const char *text;
	size_t size;
	size_t at;
	uint64_t offset; /* of text[0] in the stream */
	quire_error *error;
};

/* Bytes of the text; not owned. */
struct piece {
	const char *data;
	size_t size;
};

static quire_status malformed(const struct parser *parser, const char *what)
{
	return quire_fail(parser->error, QUIRE_ERROR_LAYOUT,
			  parser->offset + parser->at,
			  "malformed .npy header: %s", what);
}

static void skip_spaces(struct parser *parser)
{
	while (parser->at < parser->size &&
	       strchr(" \t\r\n", parser->text[parser->at]) &&
	       parser->text[parser->at] != '\0')
		parser->at++;
}

/* Takes the word or punctuation mark if it comes next. */
static bool take(struct parser *parser, const char *word)
{
	const size_t size = strlen(word);

	skip_spaces(parser);
	if (parser->size - parser->at < size ||
	    memcmp(parser->text + parser->at, word, size) != 0)
		return false;
	parser->at += size;
	return true;
}

static bool take_string(struct parser *parser, struct piece *string)
{
	const char *end;
	char quote;

	skip_spaces(parser);
	if (parser->at == parser->size)
		return false;
	quote = parser->text[parser->at];
	if (quote != '\'' && quote != '"')
		return false;
	string->data = parser->text + parser->at + 1;
	end = memchr(string->data, quote, parser->size - parser->at - 1);
	if (!end)
		return false;
	string->size = (size_t)(end - string->data);
	parser->at += string->size + 2;
	return true;
}

static bool take_number(struct parser *parser, uint64_t *number)
{
	uint64_t value = 0;
	size_t start;

	skip_spaces(parser);
	for (start = parser->at; parser->at < parser->size; parser->at++) {
		const char c = parser->text[parser->at];
		const uint64_t digit = (uint64_t)(c - '0');

		if (c < '0' || c > '9')
			break;
		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (parser->at == start)
		return false;
	*number = value;
	/* Python 2 writes long integers as 3L. */
	if (parser->at < parser->size && parser->text[parser->at] == 'L')
		parser->at++;
	return true;
}

static bool equals(struct piece piece, const char *word)
{
	return piece.size == strlen(word) &&
	       memcmp(piece.data, word, piece.size) == 0;
}

static quire_status parse_descr(struct parser *parser,
				struct npy_header *header)
{
	struct piece descr;

	skip_spaces(parser);
	if (parser->at < parser->size && parser->text[parser->at] == '[')
		return quire_fail(parser->error, QUIRE_ERROR_UNSUPPORTED,
				  parser->offset + parser->at,
				  "the array has fields; pass a float32 or "
				  "float16 one");
	if (!take_string(parser, &descr))
		return malformed(parser, "descr is not a string");
	if (equals(descr, "<f4"))
		header->dtype = QUIRE_F32;
	else if (equals(descr, "<f2"))
		header->dtype = QUIRE_F16;
	else if (equals(descr, ">f4") || equals(descr, ">f2"))
		return quire_fail(parser->error, QUIRE_ERROR_UNSUPPORTED,
				  QUIRE_NO_OFFSET,
				  "the array is big-endian; save "
				  "x.astype('<f%c')",
				  descr.data[2]);
	else
		return quire_fail(
		    parser->error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
		    "the array is of type '%.*s', not float32 or "
		    "float16; save x.astype('<f4')",
		    (int)(descr.size < 32 ? descr.size : 32), descr.data);
	return QUIRE_OK;
}

static quire_status parse_order(struct parser *parser,
				struct npy_header *header)
{
	(void)header;
	if (take(parser, "False"))
		return QUIRE_OK;
	if (take(parser, "True"))
		return quire_fail(parser->error, QUIRE_ERROR_UNSUPPORTED,
				  QUIRE_NO_OFFSET,
				  "the array is in Fortran order; save "
				  "numpy.ascontiguousarray(x)");
	return malformed(parser, "fortran_order is not True or False");
}

static quire_status parse_shape(struct parser *parser,
				struct npy_header *header)
{
	bool comma = true;

	if (!take(parser, "("))
		return malformed(parser, "shape is not a tuple");
	header->rank = 0;
	while (!take(parser, ")")) {
		if (!comma)
			return malformed(parser, "a comma is missing in shape");
		if (header->rank == NPY_RANK_MAX)
			return malformed(parser, "too many dimensions");
		if (!take_number(parser, &header->shape[header->rank]))
			return malformed(
			    parser, "a dimension is not a number of 64 bits");
		header->rank++;
		comma = take(parser, ",");
	}
	/* In Python (3) is a number, not a tuple. */
	if (header->rank == 1 && !comma)
		return malformed(parser, "shape is not a tuple");
	return QUIRE_OK;
}

typedef quire_status (*parse_fn)(struct parser *parser,
				 struct npy_header *header);

static const struct field {
	const char *key;
	parse_fn parse;
} fields[] = {
	{ "descr", parse_descr },
	{ "fortran_order", parse_order },
	{ "shape", parse_shape },
};

#define FIELD_COUNT (sizeof(fields) / sizeof(*fields))

static quire_status parse_member(struct parser *parser, unsigned *seen,
				 struct npy_header *header)
{
	struct piece key;
	size_t i;

	if (!take_string(parser, &key))
		return malformed(parser, "a key is missing");
	for (i = 0; i < FIELD_COUNT; i++)
		if (equals(key, fields[i].key))
			break;
	if (i == FIELD_COUNT)
		return malformed(parser, "a key is unknown");
	if (*seen & 1U << i)
		return malformed(parser, "a key occurs twice");
	*seen |= 1U << i;
	if (!take(parser, ":"))
		return malformed(parser, "a colon is missing");
	return fields[i].parse(parser, header);
}

quire_status npy_header_parse(const char *text, size_t size, uint64_t offset,
			      struct npy_header *header, quire_error *error)
{
	struct parser parser = {
		.text = text, .size = size, .offset = offset, .error = error
	};
	struct npy_header result = { .rank = 0 };
	unsigned seen = 0;
	bool comma = true;

	if (!take(&parser, "{"))
		return malformed(&parser, "it is not a dictionary");
	while (!take(&parser, "}")) {
		const quire_status status =
		    comma ? parse_member(&parser, &seen, &result)
			  : malformed(&parser, "a comma is missing");

		if (status != QUIRE_OK)
			return status;
		comma = take(&parser, ",");
	}
	skip_spaces(&parser);
	if (parser.at != size)
		return malformed(&parser, "text follows the dictionary");
	if (seen != (1U << FIELD_COUNT) - 1)
		return malformed(&parser, "descr, fortran_order or shape is "
					  "missing");
	*header = result;
	return QUIRE_OK;
}
