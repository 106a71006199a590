/*
 * test_wire.c - protobuf fields: written and read back, and every way in which
 * bytes may fail to be one.
 */
#include <string.h>

#include "convert/segments.h"
#include "convert/wire.h"
#include "tests/support/check.h"

static struct wire wire_of(const void *bytes, size_t size)
{
	return (struct wire){ .at = bytes,
			      .end = (const unsigned char *)bytes + size };
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
		assert_ptr_equal(field.bytes + field.size,
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
		{ "\x0A\x03\x61\x62", 4 }, /* 3 bytes, of which 2 are there */
		{ "\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11 },
		{ "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 12 },
		{ "\x15\x01\x02\x03", 4 },
		{ "\x19\x01\x02\x03\x04", 5 },
		{ "\x0B\x0C", 2 }, /* a group */
		{ "\x0E", 1 },	   /* types 6 and 7 are none */
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

/* All pieces but those of constants, one after the other. */
static size_t gather(const struct segments *segments, unsigned char *out)
{
	size_t size = 0;

	for (size_t i = 0; i < segments->count; i++) {
		const struct segment *segment = &segments->items[i];

		assert_int_equal(segment->value, SEGMENT_NO_VALUE);
		if (segment->size > 0)
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
	quire_segments_copy(&segments, text, 1);
	quire_segments_copy(&segments, text + 1, 1);
	assert_int_equal(gather(&segments, bytes), sizeof(expected));
	assert_memory_equal(bytes, expected, sizeof(expected));
	quire_segments_free(&segments);
}

/* A message of which nothing was changed is taken as it lies, its size written
 * in more bytes than it needs. */
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
	within = quire_wire_within(&message);
	opened = quire_segments_open(&segments);
	while (quire_wire_next(&within, &field))
		quire_segments_copy(&segments, field.start, field.whole);
	quire_segments_close(&segments, opened, 1, &message);
	assert_int_equal(segments.count, 1);
	assert_ptr_equal(segments.items[0].bytes, bytes);
	assert_int_equal(segments.items[0].size, sizeof(bytes));
	quire_segments_free(&segments);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_unchanged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
