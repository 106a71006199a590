/*
 * test_npy.c - .npy streams: what NumPy writes is read, what it would not
 * write is refused, whether it comes from a file or down a pipe.
 */
#include "cli/files/npy.h"
#include "cli/files/npy_header.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"

struct bytes {
	unsigned char data[4096];
	size_t size;
};

static void append(struct bytes *bytes, const void *data, size_t size)
{
	assert_true(size <= sizeof(bytes->data) - bytes->size);
	memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

/* Prefix of the version, header, and `size` bytes of elements, 0, 1, 2... */
static struct bytes make(unsigned version, const char *header, size_t size)
{
	const size_t length = strlen(header);
	const unsigned char prefix[] = { 0x93,
					 'N',
					 'U',
					 'M',
					 'P',
					 'Y',
					 (unsigned char)version,
					 0,
					 (unsigned char)length,
					 (unsigned char)(length >> 8),
					 0,
					 0 };
	struct bytes bytes = { .size = 0 };

	append(&bytes, prefix, version == 1 ? 10 : 12);
	append(&bytes, header, length);
	for (size_t i = 0; i < size; i++) {
		const unsigned char byte = (unsigned char)i;

		append(&bytes, &byte, 1);
	}
	return bytes;
}

/* fmemopen's stream has no descriptor: it is read as a pipe is. */
static FILE *open_pipe(const struct bytes *bytes)
{
	FILE *stream =
	    fmemopen((void *)(uintptr_t)bytes->data, bytes->size, "rb");

	assert_non_null(stream);
	return stream;
}

static FILE *open_file(const struct bytes *bytes)
{
	FILE *stream = tmpfile();

	assert_non_null(stream);
	assert_int_equal(fwrite(bytes->data, 1, bytes->size, stream),
			 bytes->size);
	rewind(stream);
	return stream;
}

typedef FILE *(*open_fn)(const struct bytes *bytes);

static const open_fn openers[] = { open_pipe, open_file };

#define OPENER_COUNT (sizeof(openers) / sizeof(openers[0]))

static quire_status read_bytes(const struct bytes *bytes, open_fn opener,
			       struct npy_array *array, quire_error *error)
{
	FILE *stream = opener(bytes);
	const quire_status status = npy_read(stream, array, error);

	fclose(stream);
	return status;
}

static void assert_reads(const struct bytes *bytes, quire_dtype dtype,
			 uint32_t rank, const uint64_t *shape, uint64_t count)
{
	const size_t size = (size_t)count * npy_element_size(dtype);

	for (size_t i = 0; i < OPENER_COUNT; i++) {
		struct npy_array array;
		quire_error error = { .message = "" };

		assert_int_equal(read_bytes(bytes, openers[i], &array, &error),
				 QUIRE_OK);
		assert_string_equal(error.message, "");
		assert_int_equal(array.header.dtype, dtype);
		assert_int_equal(array.header.rank, rank);
		assert_int_equal(array.count, count);
		for (uint32_t j = 0; j < rank; j++)
			assert_int_equal(array.header.shape[j], shape[j]);
		if (size)
			assert_memory_equal(
			    array.data, bytes->data + bytes->size - size, size);
		npy_free(&array);
	}
}

static void assert_refused(const struct bytes *bytes, open_fn opener,
			   quire_status status, uint64_t offset)
{
	struct npy_array array = { .count = 77 };
	quire_error error;

	assert_int_equal(read_bytes(bytes, opener, &array, &error), status);
	assert_int_equal(error.status, status);
	assert_int_equal(error.offset, offset);
	assert_true(error.message[0] != '\0');
	assert_int_equal(array.count, 77);
	assert_null(array.data);
	assert_int_equal(read_bytes(bytes, opener, &array, NULL), status);
}

#define MATRIX "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"

static void test_reads_what_numpy_writes(void **state)
{
	static const uint64_t matrix[] = { 2, 3 };
	static const uint64_t vector[] = { 5 };
	static const uint64_t empty[] = { 0, UINT64_MAX };
	struct bytes bytes;

	(void)state;
	for (unsigned version = 1; version <= 3; version++) {
		bytes = make(version, MATRIX "          \n", 24);
		assert_reads(&bytes, QUIRE_F32, 2, matrix, 6);
	}
	bytes = make(1,
		     "{\"shape\":(5L,),\"fortran_order\":False,"
		     "\"descr\":\"<f2\"}",
		     10);
	assert_reads(&bytes, QUIRE_F16, 1, vector, 5);
	bytes = make(1, "{'descr':'<f4','fortran_order':False,'shape':()}", 4);
	assert_reads(&bytes, QUIRE_F32, 0, NULL, 1);
	bytes = make(1,
		     "{'descr': '<f4', 'fortran_order': False, "
		     "'shape': (0, 18446744073709551615), }",
		     0);
	assert_reads(&bytes, QUIRE_F32, 2, empty, 0);
}

static void test_refuses_other_headers(void **state)
{
	static const char before[] = "{'descr': ";
	static const struct row {
		const char *header;
		quire_status status;
		uint64_t at; /* in the header, or QUIRE_NO_OFFSET */
	} rows[] = {
		{ "", QUIRE_ERROR_LAYOUT, 0 },
		{ "   \n", QUIRE_ERROR_LAYOUT, 4 },
		{ "[]", QUIRE_ERROR_LAYOUT, 0 },
		{ "{}", QUIRE_ERROR_LAYOUT, 2 },
		{ "{", QUIRE_ERROR_LAYOUT, 1 },
		{ "{'descr'", QUIRE_ERROR_LAYOUT, 8 },
		{ "{'descr", QUIRE_ERROR_LAYOUT, 1 },
		{ "{'what': 1}", QUIRE_ERROR_LAYOUT, 7 },
		{ "{'descr': 1}", QUIRE_ERROR_LAYOUT, sizeof(before) - 1 },
		{ "{'descr': '<f4' 'shape': ()}", QUIRE_ERROR_LAYOUT, 16 },
		{ "{'descr': '<f4', 'descr': '<f4'}", QUIRE_ERROR_LAYOUT, 24 },
		{ "{'descr': '<f4', 'shape': ()}", QUIRE_ERROR_LAYOUT, 29 },
		{ MATRIX "x", QUIRE_ERROR_LAYOUT, sizeof(MATRIX) - 1 },
		{ "{'fortran_order': 0}", QUIRE_ERROR_LAYOUT, 18 },
		{ "{'shape': 3}", QUIRE_ERROR_LAYOUT, 10 },
		{ "{'shape': (3)}", QUIRE_ERROR_LAYOUT, 13 },
		{ "{'shape': (2 3)}", QUIRE_ERROR_LAYOUT, 13 },
		{ "{'shape': (-1,)}", QUIRE_ERROR_LAYOUT, 11 },
		{ "{'shape': (2,,)}", QUIRE_ERROR_LAYOUT, 13 },
		{ "{'shape': (2, ", QUIRE_ERROR_LAYOUT, 14 },
		{ "{'shape': (18446744073709551616,)}", QUIRE_ERROR_LAYOUT,
		  30 },
		{ "{'descr': [('a', '<f4')]}", QUIRE_ERROR_UNSUPPORTED, 10 },
		{ "{'descr': '>f4'}", QUIRE_ERROR_UNSUPPORTED,
		  QUIRE_NO_OFFSET },
		{ "{'descr': '>f2'}", QUIRE_ERROR_UNSUPPORTED,
		  QUIRE_NO_OFFSET },
		{ "{'descr': '<f8'}", QUIRE_ERROR_UNSUPPORTED,
		  QUIRE_NO_OFFSET },
		{ "{'descr': '|O'}", QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET },
		{ "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}",
		  QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct bytes bytes = make(1, rows[i].header, 24);
		const uint64_t offset = rows[i].at == QUIRE_NO_OFFSET
					    ? QUIRE_NO_OFFSET
					    : 10 + rows[i].at;

		print_message("%s\n", rows[i].header);
		assert_refused(&bytes, open_pipe, rows[i].status, offset);
		assert_refused(&bytes, open_file, rows[i].status, offset);
	}
}

static void test_refuses_other_files(void **state)
{
	struct bytes bytes = make(4, MATRIX, 24);

	(void)state;
	assert_refused(&bytes, open_pipe, QUIRE_ERROR_VERSION, 6);
	bytes = make(1, MATRIX, 24);
	bytes.data[7] = 1;
	assert_refused(&bytes, open_pipe, QUIRE_ERROR_VERSION, 6);
	bytes.data[0] = 'P';
	assert_refused(&bytes, open_pipe, QUIRE_ERROR_MAGIC, 0);
	bytes.size = 1;
	assert_refused(&bytes, open_pipe, QUIRE_ERROR_MAGIC, 0);
	bytes.size = 0;
	assert_refused(&bytes, open_file, QUIRE_ERROR_MAGIC, 0);
	/* Version 2 can say 4 GiB of header. */
	bytes = make(2, MATRIX, 24);
	bytes.data[11] = 0xff;
	assert_refused(&bytes, open_pipe, QUIRE_ERROR_LAYOUT, 8);
}

static void test_refuses_every_cut(void **state)
{
	const struct bytes whole = make(1, MATRIX "\n", 24);

	(void)state;
	for (size_t i = 0; i < OPENER_COUNT; i++)
		for (size_t size = 1; size < whole.size; size++) {
			struct bytes cut = whole;

			cut.size = size;
			assert_refused(&cut, openers[i], QUIRE_ERROR_TRUNCATED,
				       size);
		}
}

static void test_refuses_what_follows(void **state)
{
	struct bytes bytes = make(1, MATRIX, 25);

	(void)state;
	for (size_t i = 0; i < OPENER_COUNT; i++)
		assert_refused(&bytes, openers[i], QUIRE_ERROR_LAYOUT,
			       bytes.size - 1);
}

/* A shape that its file cannot hold costs no memory; under a sanitizer or a
 * limit on memory an attempt would end the test. */
static void test_huge_shapes(void **state)
{
	static const char *const fit[] = {
		"(1099511627776,)", /* 4 TiB */
		"(1048576, 1048576)",
		"(2305843009213693951,)", /* as many as fit 2^63 - 1 bytes */
	};
	static const char *const wrap[] = {
		"(2305843009213693952,)",
		"(4611686018427387904,)",
		"(4294967296, 4294967296)",
		"(18446744073709551615, 18446744073709551615)",
	};
	char header[160];
	struct bytes bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(fit) / sizeof(fit[0]); i++) {
		snprintf(header, sizeof(header),
			 "{'descr': '<f4', 'fortran_order': False, "
			 "'shape': %s}",
			 fit[i]);
		bytes = make(1, header, 24);
		assert_refused(&bytes, open_pipe, QUIRE_ERROR_TRUNCATED,
			       bytes.size);
		assert_refused(&bytes, open_file, QUIRE_ERROR_TRUNCATED,
			       bytes.size);
	}
	for (size_t i = 0; i < sizeof(wrap) / sizeof(wrap[0]); i++) {
		snprintf(header, sizeof(header),
			 "{'descr': '<f4', 'fortran_order': False, "
			 "'shape': %s}",
			 wrap[i]);
		bytes = make(1, header, 24);
		assert_refused(&bytes, open_pipe, QUIRE_ERROR_LAYOUT, 10);
	}
}

/* Nothing is asked of the results but that they agree: a sanitizer watches
 * the reads. */
static void test_every_changed_byte(void **state)
{
	static const unsigned char values[] = { 0,   ' ', '(', ')',  ',', '\'',
						'9', '{', '}', 0x80, 0xff };
	const struct bytes whole = make(1, MATRIX "\n", 24);

	(void)state;
	for (size_t at = 0; at < whole.size; at++)
		for (size_t i = 0; i < sizeof(values); i++) {
			struct bytes changed = whole;
			struct npy_array a = { .data = NULL };
			struct npy_array b = { .data = NULL };

			changed.data[at] = values[i];
			assert_int_equal(
			    read_bytes(&changed, open_pipe, &a, NULL),
			    read_bytes(&changed, open_file, &b, NULL));
			npy_free(&a);
			npy_free(&b);
		}
}

static void check_round_trip(quire_dtype dtype, uint32_t rank,
			     uint64_t dimension)
{
	struct npy_header header = { .dtype = dtype, .rank = rank };
	float elements[4] = { 1, -2, 3, -4 };
	struct bytes bytes = { .size = 0 };
	uint64_t count = 1;
	FILE *stream;
	size_t start;

	for (uint32_t i = 0; i < rank; i++) {
		header.shape[i] = i == 0 ? dimension : 1;
		count *= header.shape[i];
	}
	stream = fmemopen(bytes.data, sizeof(bytes.data), "wb");
	assert_non_null(stream);
	npy_write_header(stream, &header);
	start = (size_t)ftell(stream);
	npy_write(stream, dtype, elements, (size_t)count);
	bytes.size = (size_t)ftell(stream);
	assert_int_equal(fclose(stream), 0);
	assert_int_equal(start % 64, 0);
	assert_int_equal(bytes.size, start + count * npy_element_size(dtype));
	assert_int_equal(bytes.data[start - 1], '\n');
	assert_reads(&bytes, dtype, rank, header.shape, count);
}

static void test_round_trips(void **state)
{
	(void)state;
	for (uint32_t rank = 0; rank <= NPY_RANK_MAX; rank++)
		for (uint64_t dimension = 0; dimension <= 4; dimension++) {
			check_round_trip(QUIRE_F32, rank, dimension);
			check_round_trip(QUIRE_F16, rank, dimension);
		}
	/* No elements, and the longest header that can be. */
	{
		struct npy_header header = { .rank = NPY_RANK_MAX };
		struct npy_header parsed;
		struct bytes bytes = { .size = 0 };
		FILE *stream = fmemopen(bytes.data, sizeof(bytes.data), "wb");

		assert_non_null(stream);
		for (uint32_t i = 0; i < NPY_RANK_MAX; i++)
			header.shape[i] = UINT64_MAX;
		npy_write_header(stream, &header);
		bytes.size = (size_t)ftell(stream);
		assert_int_equal(fclose(stream), 0);
		assert_int_equal(npy_header_parse((char *)bytes.data + 10,
						  bytes.size - 10, 10, &parsed,
						  NULL),
				 QUIRE_OK);
		assert_memory_equal(&parsed, &header, sizeof(header));
	}
}

static void test_shape_text(void **state)
{
	struct npy_header header = { .rank = 0 };
	char text[16];

	(void)state;
	assert_string_equal(npy_shape_text(text, sizeof(text), &header), "[]");
	header = (struct npy_header){ .rank = 2, .shape = { 7, 384 } };
	assert_string_equal(npy_shape_text(text, sizeof(text), &header),
			    "[7, 384]");
	header.shape[0] = UINT64_MAX;
	assert_string_equal(npy_shape_text(text, sizeof(text), &header),
			    "[18446744073709");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_numpy_writes),
		cmocka_unit_test(test_refuses_other_headers),
		cmocka_unit_test(test_refuses_other_files),
		cmocka_unit_test(test_refuses_every_cut),
		cmocka_unit_test(test_refuses_what_follows),
		cmocka_unit_test(test_huge_shapes),
		cmocka_unit_test(test_every_changed_byte),
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_shape_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
