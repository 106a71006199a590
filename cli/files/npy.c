/*
 * npy.c - reads and writes .npy streams: the bytes around the header, and the
 * elements. npy_header.c parses the dictionary in the header.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "cli/files/npy_header.h"

/* Magic and version. */
#define PREFIX_SIZE 8
/* The most that version 1 can say. Larger headers are for types with fields,
 * which are refused. NumPy itself reads up to 10000. */
#define HEADER_SIZE_MAX 65535
/* Bytes read at once from a stream of unknown size. */
#define PIECE_SIZE ((size_t)1 << 20)

static const unsigned char magic[] = { 0x93, 'N', 'U', 'M', 'P', 'Y' };

size_t npy_element_size(quire_dtype dtype)
{
	return dtype == QUIRE_F16 ? 2 : 4;
}

const char *npy_dtype_name(quire_dtype dtype)
{
	return dtype == QUIRE_F16 ? "float16" : "float32";
}

char *npy_shape_text(char *buffer, size_t capacity,
		     const struct npy_header *header)
{
	size_t used = 0;

	snprintf(buffer, capacity, "[");
	for (uint32_t i = 0; i < header->rank && used < capacity; i++) {
		used = strlen(buffer);
		snprintf(buffer + used, capacity - used, "%s%" PRIu64,
			 i ? ", " : "", header->shape[i]);
	}
	used = strlen(buffer);
	snprintf(buffer + used, capacity - used, "]");
	return buffer;
}

static bool host_is_big_endian(void)
{
	const uint16_t one = 1;
	unsigned char first;

	memcpy(&first, &one, 1);
	return first == 0;
}

/* Turns elements from the file's byte order to the host's, or back. */
static void to_host(void *data, size_t element_size, size_t count)
{
	unsigned char *byte = data;
	unsigned char swap;

	if (!host_is_big_endian())
		return;
	for (; count > 0; count--, byte += element_size)
		for (size_t i = 0; i < element_size / 2; i++) {
			swap = byte[i];
			byte[i] = byte[element_size - 1 - i];
			byte[element_size - 1 - i] = swap;
		}
}

static quire_status fail_read(FILE *stream, uint64_t offset, quire_error *error)
{
	if (ferror(stream))
		return quire_fail(error, QUIRE_ERROR_IO, QUIRE_NO_OFFSET,
				  "cannot read: %s", strerror(errno));
	return quire_fail(error, QUIRE_ERROR_TRUNCATED, offset,
			  "the .npy data ends too early");
}

/* Reads the text of the header, which the caller frees, and its offset. */
static quire_status read_text(FILE *stream, char **text, size_t *text_size,
			      uint64_t *text_offset, quire_error *error)
{
	unsigned char prefix[PREFIX_SIZE];
	unsigned char length[4] = { 0 };
	size_t length_size;
	uint32_t size;
	size_t got = fread(prefix, 1, sizeof(prefix), stream);

	if (memcmp(prefix, magic, got < sizeof(magic) ? got : sizeof(magic)) ||
	    (got == 0 && !ferror(stream)))
		return quire_fail(error, QUIRE_ERROR_MAGIC, 0,
				  "not a .npy file; numpy.save writes one");
	if (got < sizeof(prefix))
		return fail_read(stream, got, error);
	if (prefix[6] < 1 || prefix[6] > 3 || prefix[7] != 0)
		return quire_fail(error, QUIRE_ERROR_VERSION, sizeof(magic),
				  ".npy version %u.%u is not one of 1.0, 2.0, "
				  "3.0",
				  prefix[6], prefix[7]);
	length_size = prefix[6] == 1 ? 2 : 4;
	got = fread(length, 1, length_size, stream);
	if (got < length_size)
		return fail_read(stream, PREFIX_SIZE + got, error);
	size = (uint32_t)length[0] | (uint32_t)length[1] << 8 |
	       (uint32_t)length[2] << 16 | (uint32_t)length[3] << 24;
	if (size > HEADER_SIZE_MAX)
		return quire_fail(error, QUIRE_ERROR_LAYOUT, PREFIX_SIZE,
				  "a .npy header of %" PRIu32
				  " bytes is not one of a plain array",
				  size);
	*text = malloc((size_t)size + 1);
	if (!*text)
		return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				  "out of memory");
	*text_size = size;
	*text_offset = PREFIX_SIZE + length_size;
	got = fread(*text, 1, size, stream);
	if (got == size)
		return QUIRE_OK;
	free(*text);
	return fail_read(stream, *text_offset + got, error);
}

/* In a regular file, the rest must be exactly the array. */
static quire_status check_file_size(FILE *stream, uint64_t offset,
				    uint64_t size, quire_error *error)
{
	/* Not `offset`: stdin may have been read by another program before. */
	struct file_facts facts;
	uint64_t at, rest;

	if (!quire_file_facts(quire_stream_file(stream), &facts) ||
	    facts.kind != FILE_REGULAR)
		return QUIRE_OK; /* a pipe: read_pieces counts */
	if (!quire_stream_place(stream, &at) || facts.size < at)
		return fail_read(stream, offset, error);
	rest = facts.size - at;
	if (rest < size)
		return quire_fail(error, QUIRE_ERROR_TRUNCATED, offset + rest,
				  "%" PRIu64 " of %" PRIu64
				  " bytes of elements are missing",
				  size - rest, size);
	if (rest > size)
		return quire_fail(error, QUIRE_ERROR_LAYOUT, offset + size,
				  "%" PRIu64
				  " bytes follow the array; one file "
				  "holds one array",
				  rest - size);
	return QUIRE_OK;
}

static quire_status read_pieces(FILE *stream, uint64_t offset, uint64_t size,
				void **data, quire_error *error)
{
	size_t capacity = 0;
	size_t used = 0;
	char *bytes = NULL;
	char *larger;

	while (used < size || !bytes) {
		/* Doubling: only as much memory as was read already. */
		const size_t step = used > PIECE_SIZE ? used : PIECE_SIZE;
		const size_t want =
		    size - used < step ? (size_t)(size - used) : step;

		capacity = used + want;
		larger = realloc(bytes, capacity ? capacity : 1);
		if (!larger) {
			free(bytes);
			return quire_fail(error, QUIRE_ERROR_MEMORY,
					  QUIRE_NO_OFFSET,
					  "out of memory: %" PRIu64 " bytes",
					  (uint64_t)capacity);
		}
		bytes = larger;
		used += fread(bytes + used, 1, want, stream);
		if (used < capacity) {
			free(bytes);
			return fail_read(stream, offset + used, error);
		}
	}
	*data = bytes;
	return QUIRE_OK;
}

static quire_status read_elements(FILE *stream, uint64_t offset,
				  struct npy_array *array, quire_error *error)
{
	const size_t element_size = npy_element_size(array->header.dtype);
	const uint64_t size = array->count * element_size;
	quire_status status;

	status = check_file_size(stream, offset, size, error);
	if (status != QUIRE_OK)
		return status;
	status = read_pieces(stream, offset, size, &array->data, error);
	if (status != QUIRE_OK)
		return status;
	if (fgetc(stream) != EOF) {
		npy_free(array);
		return quire_fail(error, QUIRE_ERROR_LAYOUT, offset + size,
				  "more bytes follow the array; one stream "
				  "holds one array");
	}
	to_host(array->data, element_size, (size_t)array->count);
	return QUIRE_OK;
}

/* *count = the product of the shape, whose bytes must fit into a size_t. */
static quire_status count_elements(const struct npy_header *header,
				   uint64_t offset, uint64_t *count,
				   quire_error *error)
{
	const uint64_t max = SIZE_MAX / 2 / npy_element_size(header->dtype);
	uint64_t product = 1;

	for (uint32_t i = 0; i < header->rank; i++)
		if (header->shape[i] == 0) {
			*count = 0;
			return QUIRE_OK;
		}
	for (uint32_t i = 0; i < header->rank; i++) {
		if (header->shape[i] > max / product)
			return quire_fail(error, QUIRE_ERROR_LAYOUT, offset,
					  "the shape in the .npy header is too "
					  "large");
		product *= header->shape[i];
	}
	*count = product;
	return QUIRE_OK;
}

quire_status npy_read(FILE *stream, struct npy_array *array, quire_error *error)
{
	struct npy_array result = { .data = NULL };
	quire_status status;
	size_t text_size = 0;
	uint64_t offset = 0;
	char *text = NULL;

	status = read_text(stream, &text, &text_size, &offset, error);
	if (status != QUIRE_OK)
		return status;
	status =
	    npy_header_parse(text, text_size, offset, &result.header, error);
	free(text);
	if (status != QUIRE_OK)
		return status;
	status = count_elements(&result.header, offset, &result.count, error);
	if (status != QUIRE_OK)
		return status;
	status = read_elements(stream, offset + text_size, &result, error);
	if (status == QUIRE_OK)
		*array = result;
	return status;
}

void npy_free(struct npy_array *array)
{
	free(array->data);
	array->data = NULL;
}

/* 64 bytes hold the dictionary without the shape; a dimension has up to 20
 * digits and ", ". */
#define TEXT_CAPACITY (64 + NPY_RANK_MAX * 22)

static size_t format_text(char text[TEXT_CAPACITY],
			  const struct npy_header *header)
{
	int used = snprintf(text, TEXT_CAPACITY,
			    "{'descr': '<f%zu', 'fortran_order': False, "
			    "'shape': (",
			    npy_element_size(header->dtype));

	for (uint32_t i = 0; i < header->rank; i++)
		used += snprintf(text + used, TEXT_CAPACITY - (size_t)used,
				 "%s%" PRIu64, i ? ", " : "", header->shape[i]);
	/* (3,) is a tuple in Python, (3) a number. */
	used += snprintf(text + used, TEXT_CAPACITY - (size_t)used, "%s), }",
			 header->rank == 1 ? "," : "");
	return (size_t)used;
}

void npy_write_header(FILE *stream, const struct npy_header *header)
{
	unsigned char block[PREFIX_SIZE + 2 + TEXT_CAPACITY + 64];
	char text[TEXT_CAPACITY];
	const size_t text_size = format_text(text, header);
	/* With a line feed at its end, the whole is a multiple of 64, as
	 * numpy.lib.format asks. */
	const size_t size = (PREFIX_SIZE + 2 + text_size + 1 + 63) / 64 * 64;
	const size_t length = size - PREFIX_SIZE - 2;

	memset(block, ' ', sizeof(block));
	memcpy(block, magic, sizeof(magic));
	block[6] = 1;
	block[7] = 0;
	block[8] = (unsigned char)length;
	block[9] = (unsigned char)(length >> 8);
	memcpy(block + PREFIX_SIZE + 2, text, text_size);
	block[size - 1] = '\n';
	fwrite(block, 1, size, stream);
}

void npy_write(FILE *stream, quire_dtype dtype, void *data, size_t count)
{
	to_host(data, npy_element_size(dtype), count);
	fwrite(data, npy_element_size(dtype), count, stream);
}
