/*
 * test_wire.c - protobuf fields: written and read back, from memory and from a
 * file, and bytes that are no field.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "convert/onnx/wire.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

static struct window window;

static struct wire wire_of(const void *bytes, size_t size)
{
	quire_window_of(&window, bytes, size);
	return quire_wire_all(&window);
}

static void test_headers(void **state)
{
	static const uint64_t values[] = { 0,	  1,	 127,	   128,
					   16383, 16384, 1u << 31, UINT64_MAX };
	static const uint32_t numbers[] = { 1,	  15,	16,
					    2047, 2048, (1u << 29) - 1 };
	unsigned char bytes[WIRE_HEADER_MAX];

	(void)state;
	for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++)
		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]);
		     v++) {
			const size_t size = quire_wire_header(
			    bytes, numbers[n], WIRE_VARINT, values[v]);
			struct wire wire = wire_of(bytes, size);
			struct wire_field field;

			assert_true(quire_wire_next(&wire, &field));
			assert_int_equal(field.number, numbers[n]);
			assert_int_equal(field.type, WIRE_VARINT);
			assert_true(field.value == values[v]);
			assert_int_equal(field.whole, size);
			assert_false(quire_wire_next(&wire, &field));
			assert_false(wire.malformed);
			for (size_t cut = 1; cut < size; cut++) {
				wire = wire_of(bytes, cut);
				assert_false(quire_wire_next(&wire, &field));
				assert_true(wire.malformed);
			}
		}
}

static void test_bodies(void **state)
{
	static const unsigned char bytes[] = {
		0x0A, 3, 'a', 'b', 'c',		    /* 1: 3 bytes */
		0x15, 1, 2,   3,   4,		    /* 2: 32 bits */
		0x19, 1, 2,   3,   4,	5, 6, 7, 8, /* 3: 64 bits */
		0x22, 0,			    /* 4: no bytes */
	};
	static const size_t sizes[] = { 3, 4, 8, 0 };
	struct wire wire = wire_of(bytes, sizeof(bytes));
	struct wire_field field;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_true(quire_wire_next(&wire, &field));
		assert_int_equal(field.number, i + 1);
		assert_int_equal(field.size, sizes[i]);
		assert_int_equal(field.at + field.size,
				 field.start + field.whole);
	}
	assert_false(quire_wire_next(&wire, &field));
	assert_false(wire.malformed);
}

static void test_malformed(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} rows[] = {
		{ "\x0A\x03\x61\x62", 4 }, /* 3 bytes, but there are 2 */
		{ "\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11 },
		{ "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 12 },
		{ "\x15\x01\x02\x03", 4 },
		{ "\x19\x01\x02\x03\x04", 5 },
		{ "\x0B\x0C", 2 }, /* a group */
		{ "\x0E", 1 },	   /* types 6 and 7 do not exist */
		{ "\x0F", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire wire = wire_of(rows[i].bytes, rows[i].size);
		struct wire_field field;

		assert_false(quire_wire_next(&wire, &field));
		assert_true(wire.malformed);
		assert_false(quire_wire_next(&wire, &field));
	}
}

/* Joins all segments but those of constants. Bytes of the file are those of the
 * window. */
static size_t gather(const struct segments *segments, unsigned char *out)
{
	size_t size = 0;

	for (size_t i = 0; i < segments->count; i++) {
		const struct segment *segment = &segments->items[i];

		assert_int_not_equal(segment->kind, SEGMENT_VALUE);
		if (segment->kind == SEGMENT_FILE)
			assert_int_equal(quire_window_read(
					     &window, segment->offset,
					     out + size, (size_t)segment->size),
					 QUIRE_OK);
		else if (segment->size > 0)
			memcpy(out + size, segment->bytes,
			       (size_t)segment->size);
		size += (size_t)segment->size;
	}
	assert_int_equal(size, quire_segments_size(segments, 0));
	return size;
}

static void test_segments(void **state)
{
	static const unsigned char expected[] = { 0x0A, 7,    0x10, 0x96,
						  0x01, 0x1A, 2,    'h',
						  'i',	'x',  'y' };
	static const char text[] = "xyz";
	struct segments segments = { .own = { .left = UINT64_MAX } };
	unsigned char bytes[64];
	size_t outer;

	(void)state;
	outer = quire_segments_open(&segments);
	quire_segments_number(&segments, 2, 150);
	quire_segments_text(&segments, 3, "hi");
	quire_segments_close(&segments, outer, 1, NULL);
	quire_window_of(&window, text, sizeof(text));
	quire_segments_file(&segments, 0, 1);
	quire_segments_file(&segments, 1, 1);
	assert_int_equal(gather(&segments, bytes), sizeof(expected));
	assert_memory_equal(bytes, expected, sizeof(expected));
	quire_segments_free(&segments);
}

/* An unchanged message is copied whole, even if its size is written in more
 * bytes than needed. */
static void test_unchanged(void **state)
{
	static const unsigned char bytes[] = { 0x0A, 0x84, 0x00, 0x10,
					       0x01, 0x18, 0x02 };
	struct segments segments = { .own = { .left = UINT64_MAX } };
	struct wire wire = wire_of(bytes, sizeof(bytes));
	struct wire_field message;
	struct wire_field field;
	struct wire within;
	size_t opened;

	(void)state;
	assert_true(quire_wire_next(&wire, &message));
	within = quire_wire_within(&window, &message);
	opened = quire_segments_open(&segments);
	while (quire_wire_next(&within, &field))
		quire_segments_copy(&segments, &field);
	quire_segments_close(&segments, opened, 1, &message);
	assert_int_equal(segments.count, 1);
	assert_int_equal(segments.items[0].kind, SEGMENT_FILE);
	assert_int_equal(segments.items[0].offset, 0);
	assert_int_equal(segments.items[0].size, sizeof(bytes));
	quire_segments_free(&segments);
}

/* A message that is longer than a window, read field by field from a file; and
 * one whose end the file has lost meanwhile. */
static void test_file(void **state)
{
	const size_t sizes[] = { WINDOW_SIZE - 3, 1, 3 * WINDOW_SIZE, 0, 5 };
	char *folder = scratch_make();
	char *path = scratch_path(folder, "fields");
	unsigned char *bytes = calloc(5, WINDOW_SIZE);
	quire_error error = { .status = QUIRE_OK };
	struct onnx_file *file;
	struct wire_field field;
	struct wire wire;
	size_t size = 0;

	(void)state;
	assert_non_null(bytes);
	for (uint32_t i = 0; i < 5; i++) {
		size += quire_wire_header(bytes + size, i + 1, WIRE_BYTES,
					  sizes[i]);
		memset(bytes + size, (int)i, sizes[i]);
		size += sizes[i];
	}
	scratch_write(path, bytes, size);
	assert_int_equal(quire_onnx_file_open(path, &file, NULL), QUIRE_OK);
	quire_window_open(&window, file, &error);
	wire = quire_wire_all(&window);
	for (size_t i = 0; i < 5; i++) {
		unsigned char last = 77;

		assert_true(quire_wire_next(&wire, &field));
		assert_int_equal(field.number, i + 1);
		assert_int_equal(field.size, sizes[i]);
		if (sizes[i] == 0)
			continue;
		assert_int_equal(quire_window_read(&window,
						   field.at + field.size - 1,
						   &last, 1),
				 QUIRE_OK);
		assert_int_equal(last, i);
	}
	assert_false(quire_wire_next(&wire, &field));
	assert_false(wire.malformed);
	assert_int_equal(truncate(path, (off_t)WINDOW_SIZE), 0);
	quire_window_open(&window, file, &error);
	wire = quire_wire_all(&window);
	while (quire_wire_next(&wire, &field))
		;
	assert_true(wire.malformed);
	assert_int_equal(window.status, QUIRE_ERROR_IO);
	assert_non_null(strstr(error.message, "ends at byte"));
	quire_onnx_file_close(file);
	free(bytes);
	free(path);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_unchanged),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
