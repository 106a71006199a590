/*
 * fuzz_npy.c - any bytes to the .npy reader, from a file and from a stream of
 * unknown size. An array that reads is written and read again.
 */
#include <string.h>

#include "cli/files/npy.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_folder.h"

/* Writes the array with npy_write and reads it back: it is the same. */
static void round_trip(const struct npy_array *array)
{
	const size_t size =
	    (size_t)array->count * npy_element_size(array->header.dtype);
	struct npy_array again = { .count = 0 };
	char *bytes = NULL;
	size_t bytes_size = 0;
	FILE *stream = open_memstream(&bytes, &bytes_size);
	quire_error error;

	FUZZ_CHECK(stream);
	npy_write_header(stream, &array->header);
	npy_write(stream, array->header.dtype, array->data,
		  (size_t)array->count);
	FUZZ_CHECK(fclose(stream) == 0);
	stream = fmemopen(bytes, bytes_size, "rb");
	FUZZ_CHECK(stream);
	FUZZ_CHECK(npy_read(stream, &again, &error) == QUIRE_OK);
	FUZZ_CHECK(again.count == array->count);
	FUZZ_CHECK(size == 0 || memcmp(again.data, array->data, size) == 0);
	npy_free(&again);
	fclose(stream);
	free(bytes);
}

static void read_stream(FILE *stream)
{
	struct npy_array array = { .count = 0 };
	quire_error error;
	char text[64];

	if (npy_read(stream, &array, &error) != QUIRE_OK) {
		FUZZ_CHECK(error.status != QUIRE_OK);
		return;
	}
	npy_shape_text(text, sizeof(text), &array.header);
	FUZZ_CHECK(memchr(text, 0, sizeof(text)));
	round_trip(&array);
	npy_free(&array);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[FUZZ_PATH_SIZE];
	unsigned char *copy;
	FILE *stream;

	if (size == 0)
		return 0;
	copy = malloc(size);
	FUZZ_CHECK(copy);
	memcpy(copy, data, size);
	stream = fmemopen(copy, size, "rb");
	FUZZ_CHECK(stream);
	read_stream(stream);
	fclose(stream);
	free(copy);
	fuzz_path(path, "array.npy");
	fuzz_write_file(path, data, size);
	stream = fopen(path, "rb");
	FUZZ_CHECK(stream);
	read_stream(stream);
	fclose(stream);
	return 0;
}
